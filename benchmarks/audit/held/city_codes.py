import json

import polars as pl


class CategoryCodes:
    def __init__(self, column):
        self.column = column
        self.codes = {}

    def fit(self, frame):
        values = frame[self.column].drop_nulls().unique().to_list()
        self.codes = {v: i + 1 for i, v in enumerate(values)}
        return self

    def transform(self, frame):
        return frame[self.column].replace_strict(self.codes, default=0)

    def dump(self, path):
        with open(path, "w") as f:
            json.dump({"column": self.column, "codes": self.codes}, f)


def prepare(source, target):
    frame = pl.read_csv(source)
    coder = CategoryCodes("city").fit(frame)
    frame = frame.with_columns(coder.transform(frame).alias("city_code")).drop("city")
    frame.write_parquet(target)
    coder.dump("city_codes.json")


if __name__ == "__main__":
    prepare("trips.csv", "trips.parquet")
