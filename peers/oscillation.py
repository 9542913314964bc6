"""Eigenvalue counts, eigenvalues and tapers beside scipy's LAPACK."""

from run import Task

REQUIREMENTS = ["numpy==2.4.6", "scipy==1.17.1", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-oscillation", "versus")


def matrix(n, work):
    """Random Jacobi matrix: diagonal uniform in [-2, 2], couplings uniform in [1/2, 3/2]; written for our side."""
    import numpy as np

    rng = np.random.default_rng(n)
    d, e = 4 * (rng.random(n) - 0.5), 0.5 + rng.random(n - 1)
    prefix = work / f"jacobi{n}"
    d.astype("<f8").tofile(f"{prefix}.d")
    e.astype("<f8").tofile(f"{prefix}.e")
    return d, e, prefix


def least(task, seconds=1.0, most=5):
    """Least time of a few runs."""
    import time

    times = []
    start = time.perf_counter()
    while not times or (len(times) < most and time.perf_counter() - start < seconds):
        before = time.perf_counter()
        task()
        times.append(time.perf_counter() - before)
    return min(times)


def tasks(ours, data, work):
    """Every row on one thread unless it says otherwise."""
    import numpy as np
    import scipy
    from scipy.linalg import eigh_tridiagonal, eigvalsh_tridiagonal
    from scipy.signal.windows import dpss
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    scipy_name = f"scipy {scipy.__version__}"

    def seconds(*words):
        return lambda: ours(*words)["seconds"]

    d, e, million = matrix(1_000_000, work)
    yield Task("a shift of 64, n = 1e6", ours=seconds("counts", million, 64, 1), peer=seconds("plain", million, 64),
               peer_name="LAPACK's Sturm loop", goal=20.0, repeat=3)

    def per_row(*words):
        return lambda: ours(*words)["seconds"] * 1e9 / 1e6

    for isa in ("avx2", "avx512"):
        try:
            ours("counts", million, 16, 1, isa)
        except RuntimeError:
            continue
        yield Task(f"row and shift, {isa}", ours=per_row("counts", million, 64, 1, isa), limit=0.4, unit="ns", repeat=3)
    yield Task("64 shifts, n = 1e6: two threads over one", ours=seconds("counts", million, 64, 2),
               peer=seconds("counts", million, 64, 1), peer_name="one thread", goal=1.7, repeat=3)

    for n in (1_000, 10_000, 100_000, 1_000_000):
        d, e, prefix = matrix(n, work)
        k = n // 2

        def peer(d=d, e=e, k=k):
            return least(lambda: eigvalsh_tridiagonal(d, e, select="i", select_range=(k, k), lapack_driver="stebz"))

        def check(d=d, e=e, k=k, prefix=prefix):
            reference = eigvalsh_tridiagonal(d, e, select="i", select_range=(k, k), lapack_driver="stebz")[0]
            assert abs(ours("kth", prefix, k)["value"] - reference) <= 16 * np.finfo(float).eps * 4

        yield Task(f"eigenvalue n/2, n = {n:.0e}", ours=seconds("kth", prefix, k), peer=peer,
                   peer_name=f"{scipy_name} stebz", goal=5.0, repeat=3, check=check)
        if n == 10_000:
            middle = (k - 50, k + 49)

            def peer(d=d, e=e):
                return least(lambda: eigvalsh_tridiagonal(d, e, select="i", select_range=middle, lapack_driver="stebz"))

            def check(d=d, e=e, prefix=prefix):
                values = eigvalsh_tridiagonal(d, e, select="i", select_range=middle, lapack_driver="stebz")
                found = ours("range", prefix, middle[0], middle[1] + 1)["value"]
                assert abs(found - values.sum()) <= 100 * 16 * np.finfo(float).eps * 4

            yield Task("100 eigenvalues of 1e4", ours=seconds("range", prefix, middle[0], middle[1] + 1), peer=peer,
                       peer_name=f"{scipy_name} stebz", goal=25.0, repeat=3, check=check)

            def peer(d=d, e=e):
                return least(lambda: eigh_tridiagonal(d, e, select="i", select_range=(k, k + 9), lapack_driver="stebz"))

            yield Task("10 eigenpairs of 1e4", ours=seconds("pairs", prefix, k, k + 10), peer=peer,
                       peer_name=f"{scipy_name} stebz + stein", repeat=3)

    yield Task("density of states, 1008 edges, n = 1e6: without divisions", ours=seconds("density", million, 1008, "free"),
               peer=seconds("density", million, 1008), peer_name="by pivots", repeat=3)

    d, e, huge = matrix(10_000_000, work)
    yield Task("one count, n = 1e7", ours=seconds("count", huge, 0.1234, "two-sided"), limit=0.040, repeat=3)
    yield Task("one count, n = 1e7, canonical chain", ours=seconds("count", huge, 0.1234), limit=0.040, repeat=3)
    yield Task("one count, n = 1e7, segments on two threads", ours=seconds("count", huge, 0.1234, "segments", 2), repeat=3)

    for n in (1_000, 100_000):
        yield Task(f"8 tapers, n W = 4, n = {n:.0e}", ours=seconds("dpss", n, 4.0, 8),
                   peer=lambda n=n: least(lambda: dpss(n, 4, 8)), peer_name=f"{scipy_name} dpss", repeat=3)
