"""How long a page takes and how large it is, at two sizes.

`python benchmarks/report.py [--cases ordinary] [--rounds 3] [--keep FOLDER]`. The runs are real ones: each
case is a spec of eight optimizers on eight analytic problems with ten seeds, run first (with
`--keep`, only where FOLDER does not have them yet). A page is timed from the start of a process to its end,
once with nothing drawn before and once more with every figure there already.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SPEC = """\
title: Eight optimizers on eight problems
question: Which of eight optimizers holds its target first, and how much do its hyperparameters matter?
steps: 400
seeds: {{tune: 3, evaluate: 7}}
targets: {{gap_over_start: 1e-4}}
record: {{points: 20}}
problems:
  - bowl: {{use: quadratic, dim: 10, condition: 10}}
  - narrow-bowl: {{use: quadratic, dim: 10, condition: 1000}}
  - rotated-bowl: {{use: quadratic, dim: 10, condition: 1000, rotated: true}}
  - rosenbrock
  - himmelblau
  - beale
  - booth
  - rastrigin
optimizers:
{optimizers}
claims:
  - momentum is faster than sgd
  - adam is the most stable by overshoot
  - tuned sgd beats default adam by gap
"""

SECOND = {
    "sgd": "",
    "momentum": "beta: {one_minus_log: [1e-3, 1], n: 12}",
    "nesterov": "beta: {one_minus_log: [1e-3, 1], n: 12}",
    "ema": "beta: {one_minus_log: [1e-3, 1], n: 12}",
    "rmsprop": "beta: {one_minus_log: [1e-3, 1], n: 12}",
    "rmsprop_pytorch": "beta: {one_minus_log: [1e-3, 1], n: 12}",
    "adam": "beta2: {one_minus_log: [1e-4, 1], n: 12}",
    "adam_eps_hat": "beta2: {one_minus_log: [1e-4, 1], n: 12}",
}
"""The optimizers, and what is swept beside the rate where there are many runs."""


@dataclass(frozen=True)
class Case:
    """A size of results, and what its page may cost at most on two cores."""

    name: str
    title: str
    optimizers: str
    seconds: float
    bytes: int


def _few() -> str:
    return "\n".join(f"  - {name}: {{lr: {{log: [1e-4, 10], n: 13}}}}" for name in SECOND)


def _many() -> str:
    """156 settings each; an optimizer with one hyperparameter has them all along its rate."""
    return "\n".join(
        f"  - {name}: {{lr: {{log: [1e-4, 10], n: {13 if second else 156}}}"
        f"{', ' + second if second else ''}}}"
        for name, second in SECOND.items()
    )


CASES = {
    case.name: case
    for case in (
        Case("ordinary", "8 optimizers x 8 problems x 130 runs", _few(), 10, 2_000_000),
        Case("large", "8 optimizers x 8 problems x 1,560 runs", _many(), 60, 6_000_000),
    )
}


def results_of(case: Case, folder: Path) -> Path:
    """The folder of the case's results, run where they are not there or of another spec."""
    spec = folder / f"{case.name}.yaml"
    spec.write_text(SPEC.format(optimizers=case.optimizers), encoding="utf-8")
    command = ["run", str(spec), "--out", str(folder), "--no-report"]
    subprocess.run(
        [sys.executable, "-m", "optlab", *command], check=True, stdout=subprocess.DEVNULL
    )
    return folder / case.name


def measure(case: Case, folder: Path, rounds: int) -> dict[str, Any]:
    """Seconds of each round, with and without figures of an earlier report, and bytes of the page."""
    root = results_of(case, folder)
    first, again = [], []
    for _ in range(rounds):
        shutil.rmtree(root / "figures", ignore_errors=True)
        first.append(_timed(root))
        again.append(_timed(root))
    figures = list((root / "figures").glob("*.svg"))
    counts = json.loads((root / "manifest.json").read_text(encoding="utf-8"))["counts"]
    return {
        "case": case.name, "title": case.title, "runs": sum(counts.values()),
        "seconds": first, "seconds_again": again, "figures": len(figures),
        "page_bytes": (root / "index.html").stat().st_size,
        "markdown_bytes": (root / "report.md").stat().st_size,
        "figure_bytes": sum(f.stat().st_size for f in figures),
    }  # fmt: skip


def _timed(root: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "optlab", "report", str(root)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - began


def over(case: Case, found: dict[str, Any]) -> list[str]:
    """What a page of this case costs beyond what it may."""
    seconds = statistics.median(found["seconds"])
    costs = {"s": (seconds, case.seconds), "bytes": (found["page_bytes"], case.bytes)}
    return [
        f"{case.name}: {cost:,.0f} {unit}, at most {most:,.0f}"
        for unit, (cost, most) in costs.items()
        if cost > most
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="where the results are kept from time to time")
    parser.add_argument("--check", action="store_true", help="fail where a page costs too much")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        results = []
        print(
            f"{'case':<42} {'runs':>8} {'s':>7} {'s again':>8} {'figures':>8} {'page, bytes':>12}"
        )
        for name in options.cases:
            found = measure(CASES[name], folder, options.rounds)
            results.append(found)
            first, again = (statistics.median(found[k]) for k in ("seconds", "seconds_again"))
            print(
                f"{found['title']:<42} {found['runs']:>8,} {first:>7.1f} {again:>8.1f} "
                f"{found['figures']:>8} {found['page_bytes']:>12,}",
                flush=True,
            )
    text = json.dumps(results, indent=1)
    (HERE / "report.json").write_text(text, encoding="utf-8")
    too_much = [line for found in results for line in over(CASES[found["case"]], found)]
    if options.check and too_much:
        raise SystemExit("; ".join(too_much))


if __name__ == "__main__":
    main()
