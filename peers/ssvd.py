"""Truncated SVDs of soc-Epinions1, static and updated, beside IncSVD, scipy and scikit-learn. Two threads on both sides.

Protocol of the updates: the SVD of the first half of the rows is known, the other half comes in batches; timed are the
updates alone. A peer that would take minutes runs its first batches within a time limit, and the rest is extrapolated
(the row says so). `error` is ||A - U S V^T||_F over that of the best approximation of rank k, `sv error` the largest
relative error of a singular value against ARPACK on all rows; both contain what truncation between batches loses.
"""

import contextlib
import functools
import io
import math
import time

from run import Task

REQUIREMENTS = ["numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1", "IncSVD==0.2.7", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-ssvd", "versus")

K = 64
METHODS = {"exact": ("ZhaSimon",), "gkl": ("GKL", 16), "rpi": ("RPI", 16, 3)}
# Seconds after which a peer's stream is extrapolated.
PATIENCE = 20.0


def shown(x):
    """The largest number that is shown as x is, with four digits."""
    rounded = float(f"{x:.4g}")
    return rounded + 0.499 * 10.0 ** (math.floor(math.log10(rounded)) - 3)


def tasks(ours, data, work):
    import numpy as np
    import scipy
    import scipy.sparse as sp
    import scipy.sparse.linalg as sl
    import sklearn
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    threadpool_limits(2)
    path = data / "sparse" / "soc-Epinions1.npz"
    a = sp.load_npz(path).tocsr().astype(float)
    norm2 = a.multiply(a).sum()

    @functools.cache
    def arpack(k):
        start = time.perf_counter()
        u, s, vt = sl.svds(a, k, random_state=0)
        seconds = time.perf_counter() - start
        order = np.argsort(-s)
        return seconds, u[:, order], s[order], vt[order]

    def best(k):
        return arpack(k)[2]

    def quality(u, s, v, k):
        """(error over optimum, largest relative error of a singular value)."""
        cross = np.sum((a @ v) * (u * s))
        own = np.sum((u.T @ u * s[:, None] * s[None, :]) * (v.T @ v))
        optimum = np.sqrt(norm2 - np.sum(best(k) ** 2))
        values = np.sort(s)[::-1]
        return np.sqrt(max(norm2 - 2 * cross + own, 0.0)) / optimum, np.max(np.abs(values - best(k)) / best(k))

    def incsvd(name, batches):
        """(seconds, batches done, quality or None) of IncSVD's sparse method; None when it fails.

        Methods that start from random vectors run three times: medians of time and of each figure.
        """
        runs = [stream(name, batches)]
        if len(METHODS[name]) > 1 and runs[0][0] is not None and runs[0][1] == batches:
            runs += [stream(name, batches) for _ in range(2)]
        seconds, done, score = sorted(runs, key=lambda run: run[0] or 0.0)[len(runs) // 2]
        if len(runs) > 1:
            score = tuple(sorted(run[2][column] for run in runs)[1] for column in range(2))
        return seconds, done, score

    def stream(name, batches):
        """One run of it."""
        import IncSVD.EvolvingMatrix as evolving

        method, *numbers = METHODS[name]
        half = a.shape[0] // 2
        bounds = np.linspace(half, a.shape[0], batches + 1).astype(int)
        parts = [a[bounds[i] : bounds[i + 1]].tocsr() for i in range(batches)]
        # IncSVD prints while it works.
        with contextlib.redirect_stdout(io.StringIO()):
            model = evolving.EvolvingMatrix(a[:half], K, sparse=True, method=method)
            done, start = 0, time.perf_counter()
            for part in parts:
                try:
                    model.add_row(part, *numbers)
                except Exception as cause:  # its failures come in many types
                    return None, done, str(cause)
                done += 1
                if time.perf_counter() - start > PATIENCE:
                    break
            seconds = time.perf_counter() - start
        finished = done == batches
        score = quality(model.Uk, np.asarray(model.Sigmak), model.Vk, K) if finished else None
        return seconds * batches / done, done, score

    goals = {("exact", 100): 15.0, ("gkl", 100): 6.0, ("rpi", 100): 6.0, ("exact", 1000): 12.0, ("rpi", 1000): 12.0}
    for batches in (100, 1000):
        for name in METHODS:
            def seconds(name=name, batches=batches):
                return ours("stream", path, K, batches, name)["seconds"]

            theirs, done, score = incsvd(name, batches)
            label = f"{batches} batches, {name}"
            if theirs is None:
                yield Task(f"{label} (IncSVD fails after {done} batches)", ours=seconds, repeat=3)
                mine = ours("stream", path, K, batches, name)
                yield Task(f"{label}: error", ours=lambda mine=mine: mine["error_over_optimum"], unit="x optimum", repeat=1)
                continue
            if done < batches:
                label += f" (peer's time from {done} batches)"
            yield Task(label, ours=seconds, peer=lambda theirs=theirs: theirs, peer_name="IncSVD 0.2.7",
                       goal=goals.get((name, batches)), repeat=3)
            mine = ours("stream", path, K, batches, name)
            for part, key, column in (("error", "error_over_optimum", 0), ("sv error", "sv_error", 1)):
                # Not above the peer's to the four digits shown: random starts and ARPACK's own errors move the others.
                limit = shown(float(score[column])) if score else None
                yield Task(f"{batches} batches, {name}: {part}", ours=lambda mine=mine, key=key: mine[key],
                           peer=(lambda score=score, column=column: score[column]) if score else None,
                           peer_name="IncSVD 0.2.7", limit=limit, unit="x optimum" if column == 0 else "relative", repeat=1)

    for k in (16, 64):
        def static(k=k):
            return ours("static", path, k, 1e-10, 0, 0)

        def propack(k=k):
            start = time.perf_counter()
            sl.svds(a, k, solver="propack", random_state=0)
            return time.perf_counter() - start

        def randomized(k=k):
            start = time.perf_counter()
            randomized_svd(a, k, n_iter=7, random_state=0)
            return time.perf_counter() - start

        def lanczos(k=k):
            start = time.perf_counter()
            sl.svds(a, k, random_state=0)
            return time.perf_counter() - start

        scipy_name = f"scipy {scipy.__version__}"
        yield Task(f"static k={k}, to 1e-10", ours=lambda static=static: static()["seconds"], peer=propack,
                   peer_name=f"{scipy_name} PROPACK", goal=2.0, repeat=3)
        yield Task(f"static k={k}, to 1e-10, beside ARPACK", ours=lambda static=static: static()["seconds"], peer=lanczos,
                   peer_name=f"{scipy_name} ARPACK", goal=5.0, repeat=3)
        yield Task(f"static k={k}, to 1e-10, beside randomized", ours=lambda static=static: static()["seconds"],
                   peer=randomized, peer_name=f"scikit-learn {sklearn.__version__}, n_iter=7", repeat=1)
        answer = static()
        error = np.max(np.abs(np.array(answer["s"]) - best(k)) / best(k))
        yield Task(f"static k={k}: singular values against ARPACK", ours=lambda error=error: error, limit=1e-9,
                   unit="relative", repeat=1)
        yield Task(f"static k={k}: loss of orthogonality", ours=lambda answer=answer: answer["orthogonality"], limit=1e-12,
                   unit="max |U^T U - I|", repeat=1)
        yield Task(f"static k={k}: memory of the basis", ours=lambda answer=answer: answer["memory"] / 2**20, unit="MiB", repeat=1)

    yield Task("500 updates: 10x the rows over 1x", ours=lambda: ours("flat", 1_000_000, 32, 500)["seconds"]
               / ours("flat", 100_000, 32, 500)["seconds"], limit=1.2, unit="x", repeat=5)
    long = functools.cache(lambda: ours("long", 100_000, 16))
    yield Task("100 000 updates", ours=lambda: long()["seconds"], repeat=1)
    yield Task("100 000 updates: spent in rebases", ours=lambda: long()["rebase_seconds"], repeat=1)
    yield Task("100 000 updates: worst loss of orthogonality", ours=lambda: long()["orthogonality"], limit=1e-8,
               unit="max |U^T U - I|", repeat=1)
    yield Task("100 000 updates: last tenth over second tenth, rebases apart", ours=lambda: long()["tenths"][9] / long()["tenths"][1],
               limit=1.2, unit="x", repeat=1)
