import csv

import numpy as np

MIN_RATINGS = 5


def read_ratings(path):
    by_user = {}
    with open(path, newline="") as handle:
        for user, item, stars in csv.reader(handle):
            by_user.setdefault(int(user), []).append((int(item), float(stars)))
    return by_user


def build_matrix(by_user, n_users, n_items):
    matrix = np.empty((n_users, n_items), dtype=np.float32)
    for user, ratings in by_user.items():
        if len(ratings) < MIN_RATINGS:
            continue
        matrix[user] = np.mean([stars for _, stars in ratings])
        for item, stars in ratings:
            matrix[user, item] = stars
    return matrix


def factorize(matrix, rank):
    u, s, vt = np.linalg.svd(matrix, full_matrices=False)
    return u[:, :rank] * s[:rank], vt[:rank]


if __name__ == "__main__":
    ratings = read_ratings("ratings.csv")
    users, items = factorize(build_matrix(ratings, max(ratings) + 1, 1700), rank=20)
    np.savez("factors.npz", users=users, items=items)
