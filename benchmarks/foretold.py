"""What `optlab plan` foretells against what `optlab run` takes, from nothing: seconds and the most memory.

`python benchmarks/foretold.py [SPEC ...]`; five specs of different kinds unless told. Reports are left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from optlab.estimate import estimate
from optlab.spec import read

_BOWL = "title: t\nsteps: 1000\nseeds: 10\nproblems: [quadratic]\n"
OWN = {
    "sweep": _BOWL + "record: summary\noptimizers: [momentum: {lr: {log: [1e-3, 1], n: 20000}}]\n",
    "long": "title: t\nsteps: 1000000\nseeds: 20\nproblems: [rosenbrock: {dim: 10}]\n"
    "optimizers: [adam: {lr: {log: [1e-4, 1e-1], n: 13}}]\n",
    "suite": "title: t\nsteps: 1000\nseeds: 10\nproblems: [quadratic, himmelblau, rosenbrock: {dim: 10}, "
    "logistic_regression]\noptimizers: [" + ", ".join(
        f"{name}: {{lr: {{log: [1e-4, 1], n: 13}}}}" for name in ("sgd", "momentum", "rmsprop", "adam")
    ) + "]\n",
    "networks": "title: t\nsteps: 500\nseeds: {tune: 2, evaluate: 10}\nproblems: [mlp: {data: digits}, "
    "softmax_regression: {data: digits, batch: 64}]\noptimizers: [sgd, adam: {lr: {log: [1e-4, 1e-1], n: 13}}]\n",
    "dense": "title: t\nsteps: 3000\nseeds: 30\nproblems: [quadratic: {dim: 200, rotated: true}]\n"
    "optimizers: [momentum: {lr: {log: [1e-3, 1], n: 13}}, adam: {lr: {log: [1e-3, 1], n: 13}}]\n",
}  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        specs = [Path(given) for given in sys.argv[1:]]
        for title, text in {} if specs else OWN.items():
            specs.append(Path(name) / f"{title}.yaml")
            specs[-1].write_text(text, encoding="utf-8")
        print(
            f"{'spec':<16} {'foretold':>10} {'took':>10} {'ratio':>6} {'foretold':>12} {'held':>10} {'ratio':>6}"
        )
        for spec in specs:
            told = estimate(read(spec))
            seconds, held = _took(spec, Path(name) / "out")
            print(
                f"{spec.stem:<16} {told.seconds:>8.1f} s {seconds:>8.1f} s {told.seconds / seconds:>6.2f} "
                f"{told.memory / 1e6:>9,.0f} MB {held / 1e6:>7,.0f} MB {told.memory / held:>6.2f}", flush=True,
            )  # fmt: skip


def _took(spec: Path, out: Path) -> tuple[float, float]:
    """Seconds and bytes of a run in a process of its own."""
    code = (
        "import resource, sys\nfrom optlab import lab\nlab.run(sys.argv[1], sys.argv[2])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    began = time.perf_counter()
    command = [sys.executable, "-c", code, str(spec), str(out / spec.stem)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    unit = 1 if sys.platform == "darwin" else 1024
    return time.perf_counter() - began, float(done.stdout.split()[-1]) * unit


if __name__ == "__main__":
    main()
