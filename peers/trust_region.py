"""Bounded nonlinear systems beside scipy's `least_squares` (trf and dogbox, exact sparse Jacobians, LSMR) and beside the
Rust crates gomez and basin.

scipy and basin have no test on ||F||: a peer's run ends at the first evaluation with ||F|| <= 1e-8, as ours does, or counts
as a failure after its time limit or a thousand evaluations. The formulas are those of the collection: for scipy written in
NumPy, for the crates the very same code (`trust_region_crates.rs`, built in a cargo project under the work folder).
"""

import json
import shutil
import subprocess
import time

from run import ROOT, Task

REQUIREMENTS = ["numpy==2.4.6", "scipy==1.17.1", "threadpoolctl==3.8.0"]
BINARY = ("hadamard-trust-region", "versus")

TOLERANCE = 1e-8
# Seconds after which a peer has failed.
PATIENCE = 20.0


CRATES = """[package]
name = "trust-region-crates"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]

[dependencies]
basin = "=3.2.0"
gomez = "=0.5.1"
hadamard-trust-region = {{ path = "{path}" }}
serde_json = "1.0"

[profile.release]
codegen-units = 4
"""


def crates(work):
    """What the Rust side says of our solver and of the crates on the 128 runs: solved, mean evaluations, median seconds."""
    project = work / "crates"
    (project / "src").mkdir(parents=True, exist_ok=True)
    (project / "Cargo.toml").write_text(CRATES.format(path=ROOT / "trust_region"))
    shutil.copy(ROOT / "peers" / "trust_region_crates.rs", project / "src" / "main.rs")
    if not (project / "Cargo.lock").exists():
        shutil.copy(ROOT / "Cargo.lock", project / "Cargo.lock")
    # The target folder of the workspace, so that what both have in common is built once.
    subprocess.run(["cargo", "build", "--release", "--quiet", "--target-dir", str(ROOT / "target")], cwd=project, check=True)
    program = ROOT / "target" / "release" / "trust-region-crates"
    return json.loads(subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout)


class Done(Exception):
    pass


def structured(np, sp, name, n):
    """(F, J, l, u, start) of one problem of size n, with the start that our side takes."""
    if name == "tridiag":
        def f(x):
            out = np.zeros(n)
            out[1:] += 8 * x[1:] * (x[1:] ** 2 - x[:-1]) - 2 * (1 - x[1:])
            out[:-1] += 4 * (x[:-1] - x[1:] ** 2)
            return out

        def j(x):
            d = np.zeros(n)
            d[1:] += 24 * x[1:] ** 2 - 8 * x[:-1] + 2
            d[:-1] += 4
            return sp.diags([-8 * x[1:], d, -8 * x[1:]], [-1, 0, 1], format="csr")

        return f, j, 0.0, 20.0, np.full(n, 2.0), "nu0.1"
    if name == "trigexp":
        def f(x):
            a, b = x[:-1], x[1:]
            out = np.zeros(n)
            out[:-1] += 3 * a**3 + 2 * b - 5 + np.sin(a - b) * np.sin(a + b)
            out[1:] += 4 * b - a * np.exp(a - b) - 3
            return out

        def j(x):
            a, b = x[:-1], x[1:]
            e = np.exp(a - b)
            d = np.zeros(n)
            d[:-1] += 9 * a**2 + np.sin(2 * a)
            d[1:] += 4 + a * e
            return sp.diags([-e * (1 + a), d, 2 - np.sin(2 * b)], [-1, 0, 1], format="csr")

        return f, j, -100.0, 100.0, np.zeros(n), "zero"
    if name == "broyden_tri":
        def f(x):
            out = (3 - 2 * x) * x + 1
            out[1:] -= x[:-1]
            out[:-1] -= 2 * x[1:]
            return out

        def j(x):
            return sp.diags([-np.ones(n - 1), 3 - 4 * x, -2 * np.ones(n - 1)], [-1, 0, 1], format="csr")

        return f, j, -1.0, 1.0, np.zeros(n), "nu0.5"
    if name == "broyden_band":
        offsets = [-5, -4, -3, -2, -1, 1]

        def f(x):
            out = x * (2 + 5 * x**2) + 1
            t = x * (1 + x)
            for k in offsets:
                if k < 0:
                    out[-k:] -= t[:k]
                else:
                    out[:-k] -= t[k:]
            return out

        def j(x):
            t = -(1 + 2 * x)
            bands = [t[:k] if k < 0 else t[k:] for k in offsets]
            return sp.diags([2 + 15 * x**2, *bands], [0, *offsets], format="csr")

        return f, j, -1.0, 1.0, np.full(n, -0.5), "nu0.25"
    if name == "discrete_bvp":
        h = 1 / (n + 1)
        t = np.arange(1, n + 1) * h

        def f(x):
            out = 2 * x + h * h * (x + t + 1) ** 3 / 2
            out[1:] -= x[:-1]
            out[:-1] -= x[1:]
            return out

        def j(x):
            return sp.diags([-np.ones(n - 1), 2 + 1.5 * h * h * (x + t + 1) ** 2, -np.ones(n - 1)], [-1, 0, 1], format="csr")

        return f, j, -0.5, 0.5, t * (t - 1), "std"
    if name == "bratu":
        side = round(n**0.5)
        weight = 6 / (side + 1) ** 2
        line = sp.diags([-np.ones(side - 1), 2 * np.ones(side), -np.ones(side - 1)], [-1, 0, 1])
        laplace = (sp.kron(sp.identity(side), line) + sp.kron(line, sp.identity(side))).tocsr()

        def f(x):
            return laplace @ x - weight * np.exp(x)

        def j(x):
            return (laplace - sp.diags(weight * np.exp(x))).tocsr()

        return f, j, 0.0, np.inf, np.full(n, 0.1), "tenth"
    raise ValueError(name)


def tasks(ours, data, work):
    import numpy as np
    import scipy
    import scipy.sparse as sp
    from scipy.optimize import least_squares
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    np.seterr(all="ignore")

    def solve(name, n, method):
        """Seconds to ||F|| <= tolerance, infinite on failure, and evaluations."""
        f, j, l, u, start, _ = structured(np, sp, name, n)
        begin = time.perf_counter()
        count = 0

        def watched(x):
            nonlocal count
            count += 1
            out = f(x)
            if np.linalg.norm(out) <= TOLERANCE:
                raise Done
            if time.perf_counter() - begin > PATIENCE:
                raise TimeoutError
            return out

        try:
            least_squares(watched, start, jac=j, bounds=(l, u), method=method, tr_solver="lsmr", ftol=1e-15, xtol=1e-15,
                          gtol=1e-15, max_nfev=1000)
        except Done:
            return time.perf_counter() - begin, count
        except Exception:
            pass
        return float("inf"), count

    # Evaluations that the published runs of the method needed.
    published = {"tridiag": 8, "trigexp": 22, "broyden_tri": 6, "broyden_band": 6, "discrete_bvp": 2, "bratu": 5}
    for name, evaluations in published.items():
        n = 316 * 316 if name == "bratu" else 100_000
        label = structured(np, sp, name, 9)[5]
        words = ("large", name, n, label)
        runs = {method: solve(name, n, method) for method in ("dogbox", "trf")}
        solved = {method: seconds for method, (seconds, _) in runs.items() if seconds < float("inf")}
        fate = ", ".join(f"{m} {c} evaluations" if s < float("inf") else f"{m} fails" for m, (s, c) in runs.items())
        if solved:
            method = min(solved, key=solved.get)
            yield Task(f"{name}, n = {n} ({fate})", ours=lambda words=words: ours(*words)["seconds"],
                       peer=lambda name=name, n=n, method=method: solve(name, n, method)[0],
                       peer_name=f"scipy {scipy.__version__} {method}", goal=3.0, repeat=3)
        else:
            yield Task(f"{name}, n = {n} ({fate})", ours=lambda words=words: ours(*words)["seconds"], repeat=3)
        yield Task(f"{name}, n = {n}: evaluations", ours=lambda words=words: ours(*words)["evaluations"],
                   limit=float(evaluations), unit="F", repeat=1)
    yield Task("H-equation, n = 1000, dense", ours=lambda: ours("large", "heq_c0.99", 1000, "ones")["seconds"], repeat=3)
    yield Task("H-equation, n = 1000, dense: evaluations", ours=lambda: ours("large", "heq_c0.99", 1000, "ones")["evaluations"],
               limit=7.0, unit="F", repeat=1)
    small = ours("small")
    yield Task("257 small runs: solved", ours=lambda: small["solved"], floor=252.0, unit="runs", repeat=1)
    yield Task("257 small runs: mean evaluations of the solved", ours=lambda: small["mean_evaluations"], limit=23.0, unit="F",
               repeat=1)
    yield Task("257 small runs: median time of a solve", ours=lambda: small["median_seconds"], repeat=1)
    random = ours("random")
    yield Task(f"{random['runs']} random starts: solved", ours=lambda: random["solved"], floor=300.0, unit="runs", repeat=1)
    beside = crates(work)
    yield Task("128 runs: solved", ours=lambda: beside["ours"]["solved"], floor=128.0, unit="runs", repeat=1)
    for name, version in {"gomez": "0.5.1", "basin_trf": "3.2.0", "basin_blm": "3.2.0"}.items():
        peer = beside[name]
        yield Task(f"128 runs: solved by {name}", ours=lambda: beside["ours"]["solved"], peer=lambda peer=peer: peer["solved"],
                   peer_name=f"{name} {version}", unit="runs", repeat=1)
        yield Task(f"128 runs: mean evaluations beside {name} (its own differences included)",
                   ours=lambda: beside["ours"]["mean_evaluations"], peer=lambda peer=peer: peer["mean_evaluations"],
                   peer_name=f"{name} {version}", unit="F", repeat=1)
        yield Task(f"128 runs: median time of a solve beside {name}", ours=lambda: beside["ours"]["median_seconds"],
                   peer=lambda peer=peer: peer["median_seconds"], peer_name=f"{name} {version}", goal=1.0, repeat=1)
        yield Task(f"the {peer['both']} runs that {name} solves: median time", ours=lambda peer=peer: peer["both_seconds_of_ours"],
                   peer=lambda peer=peer: peer["both_seconds"], peer_name=f"{name} {version}", goal=1.0, repeat=1)
