"""Sliced-Wasserstein and transport between sets of SPD matrices, beside POT and NumPy transcriptions.

The public code of the paper materialises the n x L x d x d product of points and directions; `definition` transcribes
that definition in NumPy (PyTorch is left out: its wheels alone are larger than everything else here). `prototype` is
what a careful NumPy user writes: logarithms, one matrix product, one sort. Both draw directions and take logarithms
inside the timed part, as ours does; both take the least time of a few runs. Both sides run on one thread unless the
name says otherwise.
"""

import time

REQUIREMENTS = ["numpy==2.4.6", "scipy==1.17.1", "POT==0.9.7.post1", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-geometry", "versus_sliced")


def _wishart(np, rng, n, d):
    g = rng.standard_normal((n, d, 2 * d))
    return g @ g.transpose(0, 2, 1) / (2 * d)


def _log(np, x):
    w, v = np.linalg.eigh(x)
    return (v * np.log(w)[:, None, :]) @ v.transpose(0, 2, 1)


def _directions(np, rng, d, count):
    theta = rng.standard_normal((count, d))
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    q, r = np.linalg.qr(rng.standard_normal((count, d, d)))
    p = q * np.sign(np.einsum("lii->li", r))[:, None, :]
    return (p * theta[:, None, :]) @ p.transpose(0, 2, 1)


def _pack(np, a):
    d = a.shape[-1]
    rows, columns = np.triu_indices(d)
    return a[..., rows, columns] * np.where(rows == columns, 1.0, np.sqrt(2.0))


def definition(np, x, y, count):
    """Mean over directions of W_2^2 with the full product, as the definition reads."""
    a = _directions(np, np.random.default_rng(1), x.shape[-1], count)
    u = np.sort((a[None] * _log(np, x)[:, None]).reshape(len(x), count, -1).sum(-1), axis=0)
    v = np.sort((a[None] * _log(np, y)[:, None]).reshape(len(y), count, -1).sum(-1), axis=0)
    return ((u - v) ** 2).mean()


def prototype(np, x, y, count, directions=None):
    """The same number by one matrix product of packed logarithms."""
    a = _directions(np, np.random.default_rng(1), x.shape[-1], count) if directions is None else directions
    a = _pack(np, a).T
    u = np.sort((_pack(np, _log(np, x)) @ a).T, axis=1)
    v = np.sort((_pack(np, _log(np, y)) @ a).T, axis=1)
    return ((u - v) ** 2).mean()


def hspdsw_definition(np, x, y, count):
    """Busemann coordinates by batched Cholesky factors, the correct form of the affine-invariant distance."""
    rng = np.random.default_rng(1)
    d = x.shape[-1]
    theta = rng.standard_normal((count, d))
    theta = np.sort(theta / np.linalg.norm(theta, axis=1, keepdims=True), axis=1)
    q, _ = np.linalg.qr(rng.standard_normal((count, d, d)))
    total = 0.0
    for t, p in zip(theta, q):
        u, v = (
            np.sort(-2.0 * np.log(np.einsum("nii->ni", np.linalg.cholesky(p.T @ m @ p))) @ t) for m in (x, y)
        )
        total += ((u - v) ** 2).mean()
    return total / count


def tasks(ours, data, work):
    import numpy as np
    import ot
    from threadpoolctl import threadpool_limits

    from run import Task

    rng = np.random.default_rng(0)

    def save(name, array):
        path = work / f"{name}.f64"
        np.ascontiguousarray(array, dtype="<f8").tofile(path)
        return str(path)

    def clouds(n, d):
        x, y = _wishart(np, rng, n, d), _wishart(np, rng, n, d)
        return x, y, save(f"x_{d}_{n}", x), save(f"y_{d}_{n}", y)

    def timed(function, *arguments, threads=1):
        def run():
            begin, times = time.perf_counter(), []
            with threadpool_limits(threads):
                while len(times) < 5 and (not times or time.perf_counter() - begin <= 1.0):
                    start = time.perf_counter()
                    function(*arguments)
                    times.append(time.perf_counter() - start)
            return min(times)

        return run

    def asked(*words, key="seconds"):
        return lambda: ours(*map(str, words))[key]

    def same_value(x, y, px, py, d):
        def check():
            a = _directions(np, np.random.default_rng(3), d, 20)
            found = ours("spdsw-value", 1, px, py, save("bank", a), d)["value"]
            expected = prototype(np, x, y, 20, a)
            assert abs(found - expected) <= 1e-12 * expected, f"{found} against {expected}"

        return check

    # First: the peak of a process that has done nothing else.
    yield Task("SPDSW d=20 n=100000, one thread: peak memory over packed input",
               ours=lambda: ours("memory", "1", "100000", "20", "200")["peak_over_packed"], limit=3.0, unit="x", repeat=1)

    directions = 200
    for d, n, limit, with_definition in [
        (20, 1000, 0.030, True),
        (20, 10000, 0.3, False),
        (22, 1000, 0.040, False),
        (100, 1000, 1.5, False),
    ]:
        x, y, px, py = clouds(n, d)
        run = asked("spdsw", 1, px, py, d, directions)
        repeat = 3 if n * d > 50000 else 5
        name = f"SPDSW d={d} n={n} L={directions}, one thread"
        yield Task(name, ours=run, peer=timed(prototype, np, x, y, directions), peer_name="NumPy, one product",
                   limit=limit, repeat=repeat, check=same_value(x, y, px, py, d))
        if with_definition:
            yield Task(name + " (definition)", ours=run, peer=timed(definition, np, x, y, directions),
                       peer_name="NumPy, full product", goal=10.0, repeat=3)
            both = asked("spdsw", 2, px, py, d, directions)
            yield Task(f"SPDSW d={d} n={n}: one thread over two", ours=lambda run=run, both=both: run() / both(),
                       floor=1.7, unit="x")
        yield Task(f"SPDSW d={d} n={n}: whole over its parts",
                   ours=lambda p=("parts", 1, px, py, d, directions): _ratio(ours(*map(str, p))), limit=1.5, unit="x",
                   repeat=repeat)
        if n == 1000 and d == 20:
            def sliced_ot(x=x, y=y):
                u, v = _pack(np, _log(np, x)), _pack(np, _log(np, y))
                a = _pack(np, _directions(np, np.random.default_rng(1), x.shape[-1], directions)).T
                ot.sliced_wasserstein_distance(u, v, projections=a, p=2)

            yield Task(name + " (POT)", ours=run, peer=timed(sliced_ot), peer_name="POT 0.9.7 on logs", goal=3.0)
            yield Task(f"HSPDSW d={d} n={n} L={directions}, one thread", ours=asked("hspdsw", 1, px, py, d, directions),
                       peer=timed(hspdsw_definition, np, x, y, directions), peer_name="NumPy, batched Cholesky",
                       limit=2.5, repeat=1)

            def emd(x=x, y=y):
                u, v = _pack(np, _log(np, x)), _pack(np, _log(np, y))
                return ot.emd2([], [], ot.dist(u, v))

            def same_emd(x=x, y=y, px=px, py=py, d=d):
                found, expected = ours("emd-le", "1", px, py, str(d))["value"], float(emd(x, y))
                assert abs(found - expected) <= 1e-9 * expected, f"{found} against {expected}"

            yield Task(f"exact transport, log-Euclidean, d={d} n={n}", ours=asked("emd-le", 1, px, py, d),
                       peer=timed(emd), peer_name="POT 0.9.7 emd2", goal=1.0, repeat=3, check=same_emd)

    g = rng.standard_normal((6000, 19, 19))
    logs = save("logs", (g + g.transpose(0, 2, 1)) / 2)

    def kernel():
        a = _pack(np, _directions(np, np.random.default_rng(1), 19, 500)).T
        u = np.sort((_pack(np, (g + g.transpose(0, 2, 1)) / 2) @ a).reshape(100, 60, 500), axis=1)
        ranks = np.ceil((np.arange(20) + 0.5) / 20 * 60).astype(int) - 1
        phi = u[:, ranks].reshape(100, -1) / np.sqrt(500 * 20)
        square = (phi * phi).sum(1)
        squared = np.maximum(square[:, None] + square[None] - 2 * phi @ phi.T, 0)
        return np.exp(-squared / np.median(squared[np.triu_indices(100, 1)]))

    yield Task("kernel of 100 people x 60 windows, d=19 L=500, two threads", ours=asked("kernel", 2, logs, 19, 100, 500, 20),
               peer=timed(kernel, threads=2), peer_name="NumPy", limit=0.030)

    x, y, px, py = clouds(270, 22)
    a = _directions(np, np.random.default_rng(1), 22, 500)
    packed = _pack(np, a)
    cached = _pack(np, _log(np, x))
    target = np.sort(_pack(np, _log(np, y)) @ packed.T, axis=0)

    def step():
        u = cached @ packed.T
        order = np.argsort(u, axis=0)
        r = np.empty_like(u)
        np.put_along_axis(r, order, np.take_along_axis(u, order, 0) - target, 0)
        return cached - 0.3 * 22 * 24 / 4 * 2 / 500 * (r @ packed)

    yield Task("adaptation step d=22, 270 x 270, L=500, two threads", ours=asked("step", 2, px, py, 22, 500),
               peer=timed(step, threads=2), peer_name="NumPy", limit=0.003)
    yield Task("alignment of 20 steps, from matrices, two threads", ours=asked("align", 2, px, py, 22, 500, 20), limit=0.1)


def _ratio(answer):
    return answer["seconds"] / answer["parts"]
