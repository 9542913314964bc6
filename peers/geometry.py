"""Means, pairwise distances and matrix functions of SPD matrices beside pyRiemann, geomstats, cartan, LAPACK and faer.

Two sets of 500 matrices of order 32 around a common centre: "set" (condition about 1e2) and "wide" (about 3e5).
LAPACK is numpy.linalg.eigh, the divide-and-conquer driver of OpenBLAS over the whole batch in one call; faer runs in
our process on the same matrices; cartan is a Rust crate that runs in a process of its own (`cartan.rs`). geomstats needs
NumPy below 2.4, hence the pin. Every result is compared with the peer's before its time counts. One thread on each side,
or two where the name says so.
"""

import functools
import json
import os
import pathlib
import subprocess
import time

REQUIREMENTS = ["pyriemann==0.12", "scikit-learn==1.9.1", "scipy==1.17.1", "numpy==2.3.5", "geomstats==2.8.0", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-geometry", "versus")

CARTAN = """[package]
name = "cartan-peer"
version = "0.0.0"
edition = "2021"
[dependencies]
cartan-manifolds = "=0.10.0"
cartan-core = "=0.10.0"
cartan-optim = "=0.10.0"
nalgebra = "0.35"
[profile.release]
opt-level = 3
[workspace]
"""


class Cartan:
    """The peer crate, built under target/peers/cartan, kept running: one line of words in, one line of JSON out."""

    def __init__(self):
        here = pathlib.Path(__file__).resolve().parent
        folder = here.parent / "target" / "peers" / "cartan"
        (folder / "src").mkdir(parents=True, exist_ok=True)
        for path, text in ((folder / "Cargo.toml", CARTAN), (folder / "src" / "main.rs", (here / "cartan.rs").read_text())):
            if not path.exists() or path.read_text() != text:
                path.write_text(text)
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=folder, check=True)
        program = folder / "target" / "release" / "cartan-peer"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(f"cartan: {answer['error']}")
        return answer


# Order: how many times faster than the better of faer and LAPACK.
EIGEN_GOALS = {3: None, 10: 4.0, 22: 4.0, 32: 3.0, 48: 1.5, 64: 1.0, 102: 1.0}


def around(np, count, order, seed, condition, spread):
    """Congruences of exponentials of Gaussian symmetric matrices by the square root of one centre."""
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(rng.standard_normal((order, order)))[0]
    half = np.linalg.cholesky((q * np.geomspace(1, condition, order)) @ q.T)
    s = rng.standard_normal((count, order, order))
    w, v = np.linalg.eigh((s + s.transpose(0, 2, 1)) / np.sqrt(2 * order) * spread)
    x = half @ ((v * np.exp(w)[:, None, :]) @ v.transpose(0, 2, 1)) @ half.T
    return (x + x.transpose(0, 2, 1)) / 2


def gradient_norm(np, mean, x):
    """Frobenius norm of the mean of log(M^-1/2 X M^-1/2)."""
    w, v = np.linalg.eigh(mean)
    root = (v / np.sqrt(w)) @ v.T
    w, v = np.linalg.eigh(root @ x @ root)
    return float(np.linalg.norm(((v * np.log(w)[:, None, :]) @ v.transpose(0, 2, 1)).mean(axis=0)))


def tasks(ours, data, work):
    import warnings

    os.environ["GEOMSTATS_BACKEND"] = "numpy"
    import numpy as np
    from geomstats.geometry.spd_matrices import SPDAffineMetric, SPDMatrices
    from geomstats.learning.frechet_mean import FrechetMean
    from pyriemann.geometry.base import logm
    from pyriemann.geometry.distance import distance_riemann, distance_wasserstein, pairwise_distance
    from pyriemann.geometry.mean import mean_logeuclid, mean_riemann, mean_wasserstein
    from threadpoolctl import threadpool_limits

    from run import Task

    warnings.filterwarnings("ignore", message="Convergence not reached")

    def save(name, array):
        path = work / f"{name}.f64"
        np.ascontiguousarray(array, dtype="<f8").tofile(path)
        return str(path)

    def read(name):
        values = np.fromfile(work / name, dtype="<f8")
        order = round(len(values) ** 0.5)
        return values.reshape(order, order)

    def timed(function, *arguments, threads=1, least=0.0):
        """Seconds of one call; the least of as many calls as fit into `least` seconds for short ones."""
        best, begin = float("inf"), time.perf_counter()
        with threadpool_limits(threads):
            while True:
                start = time.perf_counter()
                function(*arguments)
                best = min(best, time.perf_counter() - start)
                if time.perf_counter() - begin >= least:
                    return best

    def close(name, expected, tolerance):
        error = np.linalg.norm(read(name) - expected) / np.linalg.norm(expected)
        if not error <= tolerance:
            raise AssertionError(f"{name}: differs from the peer by {error:.1e}")

    def geomstats_mean(x):
        space = SPDMatrices(x.shape[1], equip=False)
        space.equip_with_metric(SPDAffineMetric)
        mean = FrechetMean(space)
        mean.set(epsilon=1e-24, max_iter=200)
        return mean.fit(x).estimate_

    # Built when first asked for.
    cartan = functools.cache(Cartan)
    rng = np.random.default_rng(1)
    for order, goal in EIGEN_GOALS.items():
        g = rng.standard_normal((256, order, 2 * order))
        x = g @ g.transpose(0, 2, 1) / (2 * order)
        path = save(f"wishart_{order}", x)
        yield Task(
            f"eigen, 256 matrices of order {order}, beside faer",
            ours=lambda path=path, order=order: ours("eigen", 1, path, order)["seconds"],
            peer=lambda path=path, order=order: ours("faer", 1, path, order)["seconds"],
            peer_name="faer 0.24",
            goal=goal,
        )
        yield Task(
            f"eigen, 256 matrices of order {order}, beside LAPACK",
            ours=lambda path=path, order=order: ours("eigen", 1, path, order)["seconds"],
            peer=lambda x=x: timed(np.linalg.eigh, x, least=0.2),
            peer_name="LAPACK syevd",
            goal=goal,
        )
        for threads in (1, 2):
            yield Task(
                f"log, 256 matrices of order {order}, {threads} thread{'s' * (threads > 1)}",
                ours=lambda path=path, order=order, t=threads: ours("log", t, path, order)["seconds"],
                peer=lambda x=x, t=threads: timed(logm, x, threads=t, least=0.2),
                peer_name="pyRiemann 0.12",
                goal=10.0,
            )

    sets = {"set": around(np, 500, 32, 1, 1e2, 0.5), "wide": around(np, 500, 32, 7, 1e4, 2.0)}
    for name, x in sets.items():
        path = save(name, x)
        for threads in (1, 2):
            where = f"{name}, {threads} thread{'s' * (threads > 1)}"
            for metric, goal, tolerance, peer in (
                ("affine-invariant", 8.0, 1e-8, lambda x: mean_riemann(x, tol=1e-12, maxiter=500)),
                ("bures-wasserstein", 8.0, 1e-6, mean_wasserstein),
                ("log-euclidean", 10.0, 1e-10, mean_logeuclid),
            ):
                out = work / "mean.f64"
                yield Task(
                    f"{metric} mean, {where}",
                    ours=lambda m=metric, p=path, t=threads: ours("mean", t, m, p, 32, out)["seconds"],
                    peer=lambda f=peer, x=x, t=threads: timed(f, x, threads=t),
                    peer_name="pyRiemann 0.12",
                    goal=goal,
                    repeat=3,
                    check=lambda f=peer, x=x, tol=tolerance: close("mean.f64", f(x), tol),
                )
            yield Task(
                f"affine-invariant pairwise 500 x 500, {where}",
                ours=lambda p=path, t=threads: ours("pairwise", t, "affine-invariant", p, 32, work / "pairs.f64")[
                    "seconds"
                ],
                peer=lambda x=x, t=threads: timed(lambda: pairwise_distance(x, metric="riemann"), threads=t),
                peer_name="pyRiemann 0.12",
                goal=8.0,
                repeat=1,
                check=lambda x=x: close("pairs.f64", pairwise_distance(x, metric="riemann"), 1e-8),
            )
            yield Task(
                f"log-euclidean pairwise 500 x 500, {where}",
                ours=lambda p=path, t=threads: ours("pairwise", t, "log-euclidean", p, 32, work / "pairs.f64")["seconds"],
                peer=lambda x=x, t=threads: timed(lambda: pairwise_distance(x, metric="logeuclid"), threads=t),
                peer_name="pyRiemann 0.12",
                repeat=3,
                check=lambda x=x: close("pairs.f64", pairwise_distance(x, metric="logeuclid"), 1e-6),
            )
        # To the same gradient as ours, from the arithmetic mean; the default tolerance of geomstats leaves a gradient of 0.1.
        yield Task(
            f"affine-invariant mean, {name}, 1 thread, beside cartan to 1e-12",
            ours=lambda p=path: ours("mean", 1, "affine-invariant", p, 32, work / "mean.f64")["seconds"],
            peer=lambda p=path: cartan()("mean", "affine-invariant", p, 1e-12, work / "cartan.f64")["seconds"],
            peer_name="cartan 0.10",
            goal=15.0,
            repeat=1,
            check=lambda: close("mean.f64", read("cartan.f64"), 1e-8),
        )
        yield Task(
            f"affine-invariant mean, {name}, 1 thread, beside geomstats to 1e-12",
            ours=lambda p=path: ours("mean", 1, "affine-invariant", p, 32, work / "mean.f64")["seconds"],
            peer=lambda x=x: timed(geomstats_mean, x),
            peer_name="geomstats 2.8.0",
            repeat=1,
            check=lambda x=x: close("mean.f64", geomstats_mean(x), 1e-8),
        )
        hundred = save(f"{name}_100", x[:100])
        yield Task(
            f"affine-invariant pairwise 100 x 100, {name}, 1 thread, beside cartan",
            ours=lambda p=hundred: ours("pairwise", 1, "affine-invariant", p, 32, work / "pairs.f64")["seconds"],
            peer=lambda p=hundred: cartan()("pairwise", "affine-invariant", p)["seconds"],
            peer_name="cartan 0.10",
            repeat=1,
        )
        yield Task(
            f"bures-wasserstein pairwise 100 x 100, {name}, 1 thread",
            ours=lambda p=hundred: ours("pairwise", 1, "bures-wasserstein", p, 32, work / "pairs.f64")["seconds"],
            peer=lambda x=x: timed(lambda: pairwise_distance(x[:100], metric="wasserstein")),
            peer_name="pyRiemann 0.12",
            repeat=1,
            check=lambda x=x: close("pairs.f64", pairwise_distance(x[:100], metric="wasserstein"), 1e-6),
        )
        ours("mean", 1, "affine-invariant", path, 32, work / "mean.f64")
        yield Task(
            f"affine-invariant mean, {name}: norm of the gradient, both by NumPy's eigh",
            ours=lambda x=x: gradient_norm(np, read("mean.f64"), x),
            peer=lambda x=x: gradient_norm(np, mean_riemann(x, tol=1e-12, maxiter=500), x),
            peer_name="pyRiemann 0.12",
            unit="",
            repeat=1,
        )

    # Exact distances of two nearly equal matrices, from 100 digits.
    near = np.array([[2, 0.5, 0.25], [0.5, 1.5, -0.375], [0.25, -0.375, 1]])
    path = save("near", np.stack([near, near * (1 + 2.0**-30)]))
    for metric, exact, peer in (
        ("affine-invariant", 1.6130980167187083e-09, distance_riemann),
        ("bures-wasserstein", 9.87816761744085e-10, distance_wasserstein),
    ):
        yield Task(
            f"{metric} distance of A and A(1 + 2^-30): relative error",
            ours=lambda m=metric, e=exact: abs(ours("distance", 1, m, path, 3)["value"] / e - 1),
            peer=lambda f=peer, e=exact: abs(float(f(near, near * (1 + 2.0**-30))) / e - 1),
            peer_name="pyRiemann 0.12",
            limit=1e-6,
            unit="",
            repeat=1,
        )
