#!/usr/bin/env python3
"""Times hadamard beside other libraries, both in one run.

    python3 peers/run.py WING [--only TEXT] [--repeat N] [--json FILE] [--data DIR]
    python3 peers/run.py docs

WING is one of: meeg, geometry, sliced, ssvd, trust_region, oscillation.

Makes a virtual environment under target/peers/WING, installs the pinned peers there, builds our side in release
mode, runs both sides in turns, prints a table `task | ours | peer | ratio | goal | ok or short` of medians and
writes it as JSON. The exit status is 1 when a goal is missed. `docs` writes docs/PERFORMANCE.md and docs/ACCURACY.md
from the records of the last runs. Nothing here is needed to build, test or use the library.
"""

import argparse
import dataclasses
import datetime
import hashlib
import importlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
import venv
from typing import Callable, Optional

ROOT = pathlib.Path(__file__).resolve().parent.parent
WINGS = ("meeg", "geometry", "sliced", "ssvd", "trust_region", "oscillation")


@dataclasses.dataclass
class Task:
    """One row of the table.

    `ours` and `peer` return a figure of one run, seconds unless `unit` says otherwise. With `goal`, the row is ok when
    peer / ours is at least `goal`; with `limit`, when ours is at most `limit`; with `floor`, when ours is at least
    `floor` (accuracies, counts); with none of them the row is shown and not judged.
    """

    name: str
    ours: Callable[[], float]
    peer: Optional[Callable[[], float]] = None
    peer_name: str = ""
    goal: Optional[float] = None
    limit: Optional[float] = None
    floor: Optional[float] = None
    unit: str = "s"
    repeat: int = 5
    check: Optional[Callable[[], None]] = None


class Ours:
    """Our bench binary, kept running: one line of words in, one line of JSON out."""

    def __init__(self, package, bench):
        command = ["cargo", "build", "--release", "-p", package, "--bench", bench, "--message-format=json"]
        build = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        messages = (json.loads(line) for line in build.stdout.splitlines() if line.startswith("{"))
        programs = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == bench]
        self.process = subprocess.Popen([programs[-1]], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"our side stopped at: {' '.join(map(str, words))}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{' '.join(map(str, words))}: {answer['error']}")
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def environment(wing, requirements):
    """Path of the interpreter of the wing's virtual environment, made when missing or when the pins changed."""
    folder = ROOT / "target" / "peers" / wing
    python = folder / "bin" / "python"
    stamp = folder / "requirements.sha256"
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
    if not python.exists() or not stamp.exists() or stamp.read_text() != digest:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        stamp.write_text(digest)
    return python


def machine():
    """The machine and the date, for the record."""
    cpu = platform.processor()
    info = pathlib.Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = names[0] if names else cpu
    def said(*command):
        try:
            run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        except OSError:
            return ""
        return run.stdout.strip()

    rustc = said("rustc", "--version")
    commit = said("git", "rev-parse", "--short", "HEAD")
    if commit and said("git", "status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    return {
        "commit": commit,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "date": datetime.date.today().isoformat(),
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "rustc": rustc,
    }


def settle():
    """Waits until the peer's worker threads are asleep: those of BLAS spin on for a while after their last product, on the
    core that our second thread wants."""
    for _ in range(50):
        before = time.process_time()
        time.sleep(0.02)
        if time.process_time() - before < 0.001:
            return


def measure(task, repeat):
    """Runs both sides in turns and returns the row."""
    ours, peer = [], []
    for _ in range(repeat or task.repeat):
        settle()
        ours.append(float(task.ours()))
        if task.peer:
            peer.append(float(task.peer()))
    if task.check:
        task.check()
    row = {"task": task.name, "unit": task.unit, "ours": statistics.median(ours), "peer": None, "ratio": None}
    row |= {"peer_name": task.peer_name, "goal": task.goal, "limit": task.limit, "floor": task.floor, "ok": True}
    if peer:
        row["peer"] = statistics.median(peer)
        row["ratio"] = row["peer"] / row["ours"] if row["ours"] else float("inf")
    if task.goal is not None:
        row["ok"] = row["ratio"] is not None and row["ratio"] >= task.goal
    if task.limit is not None:
        row["ok"] = row["ok"] and row["ours"] <= task.limit
    if task.floor is not None:
        row["ok"] = row["ok"] and row["ours"] >= task.floor
    return row


def figure(value, unit):
    if value is None:
        return "-"
    if unit != "s":
        return f"{value:.4g} {unit}".strip()
    for scale, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "us")):
        if value >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def cells(row):
    goals = []
    if row["goal"] is not None:
        goals.append(f">= {row['goal']:g}x")
    if row["limit"] is not None:
        goals.append(f"<= {figure(row['limit'], row['unit'])}")
    if row["floor"] is not None:
        goals.append(f">= {figure(row['floor'], row['unit'])}")
    peer = figure(row["peer"], row["unit"]) + (f" ({row['peer_name']})" if row["peer"] is not None else "")
    ratio = f"{row['ratio']:.2f}x" if row["ratio"] is not None else "-"
    verdict = ("ok" if row["ok"] else "short") if goals else "-"
    return [row["task"], figure(row["ours"], row["unit"]), peer, ratio, " and ".join(goals) or "-", verdict]


def compare(wing, options):
    """The second half, run inside the virtual environment."""
    module = importlib.import_module(wing)
    work = ROOT / "target" / "peers" / f"{wing}-work"
    work.mkdir(parents=True, exist_ok=True)
    ours = Ours(*module.BINARY)
    rows = []
    print("| task | ours | peer | ratio | goal | |\n|---|---|---|---|---|---|", flush=True)
    for task in module.tasks(ours, options.data, work):
        if options.only and options.only not in task.name:
            continue
        rows.append(measure(task, options.repeat))
        print("| " + " | ".join(cells(rows[-1])) + " |", flush=True)
    ours.close()
    short = [row["task"] for row in rows if not row["ok"]]
    record = {"wing": wing, "machine": machine(), "requirements": module.REQUIREMENTS, "rows": rows}
    # A run of some tasks only is no record of the wing.
    path = options.json or ROOT / "target" / "peers" / f"{wing}{'-part' if options.only else ''}.json"
    path.write_text(json.dumps(record, indent=1) + "\n")
    print(f"\n{len(rows) - len(short)} of {len(rows)} ok; written to {os.path.relpath(path)}")
    return 1 if short else 0


TITLES = {
    "meeg": "M/EEG (`hadamard-meeg`)",
    "geometry": "SPD matrices (`hadamard-geometry`)",
    "sliced": "Sliced-Wasserstein (`hadamard-geometry`, `sliced`)",
    "ssvd": "Truncated SVD (`hadamard-ssvd`)",
    "trust_region": "Bounded systems (`hadamard-trust-region`)",
    "oscillation": "Jacobi matrices (`hadamard-oscillation`)",
}


def judged(row):
    return any(row[key] is not None for key in ("goal", "limit", "floor"))


def verdict(rows):
    """One sentence: how many goals were met, and which rows fell short by how much."""
    goals = [row for row in rows if judged(row)]
    if not goals:
        return "No goals were set for these rows."
    short = [row for row in goals if not row["ok"]]
    text = f"{len(goals) - len(short)} of {len(goals)} goals met."
    if short:
        named = []
        for row in short:
            _, ours, _, ratio, goal, _ = cells(row)
            # Of a goal both as a ratio and in absolute terms the reader wants both figures.
            figures = [ours] if row["goal"] is None else [ratio] if row["limit"] is None and row["floor"] is None else [ours, ratio]
            named.append(f"{row['task']} ({', '.join(figures)} where {goal} is the goal)")
        text += " Short: " + "; ".join(named) + "."
    return text


def where(record):
    """Machine, versions and date of a record, in one paragraph."""
    machine = record["machine"]
    parts = [f"Measured {machine['date']} on {machine['cpu']}, {machine['cores']} cores, {machine['system']}"]
    if machine.get("load") is not None:
        parts.append(f"load {machine['load']:.1f} when the table was written")
    parts.append(machine["rustc"])
    if machine.get("commit"):
        parts.append(f"commit {machine['commit']}")
    return "; ".join(parts) + f". Peers: Python {machine['python']}, {', '.join(record['requirements'])}."


def document(title, intro, keep):
    """A page of tables, one a wing, of the rows that `keep` chooses."""
    lines = [f"# {title}", "", intro, ""]
    absent = []
    for wing in WINGS:
        path = ROOT / "target" / "peers" / f"{wing}.json"
        record = json.loads(path.read_text()) if path.exists() else {"rows": []}
        rows = [row for row in record["rows"] if keep(row)]
        if not record["rows"]:
            absent.append(TITLES[wing])
        if not rows:
            continue
        lines += [f"## {TITLES[wing]}", "", where(record), "", verdict(rows), ""]
        lines += ["| task | ours | peer | ratio | goal | |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(row)) + " |" for row in rows] + [""]
    if absent:
        lines += [f"Not measured: {', '.join(absent)}.", ""]
    return "\n".join(lines)


def write_docs():
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    intro = (
        "Written by `python3 peers/run.py docs` from the records of `python3 peers/run.py WING`, never by hand. Figures are\n"
        "medians; both sides ran in turns in one run on one machine. A ratio is peer over ours: above 1 we take less. A row\n"
        "that misses its goal says `short`. Peers run with their defaults unless the task says otherwise, and a wing's\n"
        "module in `peers/` shows exactly what either side does."
    )
    pages = {
        "PERFORMANCE.md": ("Performance", lambda row: row["unit"] == "s"),
        "ACCURACY.md": ("Accuracy", lambda row: row["unit"] != "s"),
    }
    for name, (title, keep) in pages.items():
        (docs / name).write_text(document(title, intro, keep))
        print(f"wrote docs/{name}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wing", choices=(*WINGS, "docs"))
    parser.add_argument("--only", help="run the tasks whose name contains this text")
    parser.add_argument("--repeat", type=int, help="runs of each side (default: what the task says)")
    parser.add_argument("--json", type=pathlib.Path, help="where to write the record")
    parser.add_argument("--data", type=pathlib.Path, help="folder of recordings and matrices (default: ../shared/data)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    default = pathlib.Path(os.environ.get("HADAMARD_DATA", ROOT.parent / "shared" / "data"))
    if options.data is None and default.is_dir():
        options.data = default
    sys.modules["run"] = sys.modules["__main__"]
    if options.wing == "docs":
        return write_docs()
    if options.inside:
        return compare(options.wing, options)
    module = importlib.import_module(options.wing)
    python = environment(options.wing, module.REQUIREMENTS)
    return subprocess.run([python, __file__, *sys.argv[1:], "--inside"], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
