import polars as pl


def per_store(frame):
    return frame.group_by("store", maintain_order=True).agg(
        pl.col("units").sum(),
        pl.col("discount").mean(),
    )


def per_day(frame):
    daily = frame.group_by("day").agg(pl.col("units").sum())
    return daily.sort("day")


def category_ids(frame):
    names = frame["category"].unique(maintain_order=True).to_list()
    return {name: i for i, name in enumerate(names)}


def region_ids(frame):
    return {name: i for i, name in enumerate(sorted(frame["region"].unique().to_list()))}


def main():
    sales = pl.read_csv("sales.csv")
    ids = category_ids(sales)
    stores = per_store(sales)
    stores.write_parquet("stores.parquet")
    per_day(sales).write_parquet("days.parquet")
    print(len(ids), "categories", len(region_ids(sales)), "regions", sales["store"].n_unique(), "stores")


if __name__ == "__main__":
    main()
