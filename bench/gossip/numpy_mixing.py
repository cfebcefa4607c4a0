"""Times numpy mixing five vectors: prints nanoseconds a number of each way and the first numbers of its result.

    python3 numpy_mixing.py COUNT REPEATS
"""
import sys
import time

import numpy as np

count, repeats = int(sys.argv[1]), int(sys.argv[2])
x = [((np.arange(count) * (17 + i)) % 1009 / 1009).astype(np.float32) for i in range(5)]
stacked = np.stack(x)
w = np.array([0.2, 0.15, 0.25, 0.3, 0.1])
w32 = w.astype(np.float32)
out, term = np.empty(count), np.empty(count)
out32, term32 = np.empty(count, np.float32), np.empty(count, np.float32)


def float64_sums():
    """As ours: sums in float64, rounded once."""
    out.fill(0)
    for i in range(5):
        np.multiply(x[i], w[i], out=term)
        np.add(out, term, out=out)
    return out.astype(np.float32)


def float32_sums():
    """What most write: everything in float32, in place."""
    np.multiply(x[0], w32[0], out=out32)
    for i in range(1, 5):
        np.multiply(x[i], w32[i], out=term32)
        np.add(out32, term32, out=out32)
    return out32


def product():
    """One product of BLAS, of models that lie in one matrix already."""
    return w32 @ stacked


for name, work in (("float64 sums", float64_sums), ("float32 sums", float32_sums), ("BLAS", product)):
    result = work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    print(name, min(times) / count * 1e9, *result[:3].tolist(), sep="\t")
