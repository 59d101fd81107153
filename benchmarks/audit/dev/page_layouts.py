from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np


def layout_histogram(boxes, bins=16):
    hist, _ = np.histogramdd(np.asarray(boxes, dtype=float), bins=(bins, bins), range=((0, 1), (0, 1)))
    return hist.ravel() / max(1, len(boxes))


def compute(pages):
    out = np.zeros((len(pages), 256))
    with ProcessPoolExecutor() as pool:
        slot = {pool.submit(layout_histogram, boxes): i for i, boxes in enumerate(pages)}
        for done, future in enumerate(as_completed(slot), 1):
            out[slot[future]] = future.result()
            if done % 1000 == 0:
                print(f"{done}/{len(pages)} pages")
    return out


def compute_named(pages_by_name):
    results = {}
    with ProcessPoolExecutor() as pool:
        names = {pool.submit(layout_histogram, boxes): name for name, boxes in pages_by_name.items()}
        for future in as_completed(names):
            results[names[future]] = future.result()
    return np.stack([results[name] for name in pages_by_name])
