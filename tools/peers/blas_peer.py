"""Matrix products by NumPy's OpenBLAS. `work` is "OP:MxNxK"; the rate is in GFLOP/s."""

import numpy as np

from worker import serve


def make(work, batch, what, mode):
    op, sizes = work.split(":")
    m, n, k = map(int, sizes.split("x"))
    rng = np.random.RandomState(0)
    a = rng.rand(*((k, m) if op[0] == "T" else (m, k))).astype(np.float32) - 0.5
    b = rng.rand(*((n, k) if op[1] == "T" else (k, n))).astype(np.float32) - 0.5
    a, b = (a.T if op[0] == "T" else a), (b.T if op[1] == "T" else b)
    c = np.empty((m, n), np.float32)
    return (lambda: np.matmul(a, b, out=c)), lambda: None


if __name__ == "__main__":
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"{np.__version__} with {blas['name']} {blas['version']}", flush=True)
    serve(make)
