"""How long whole commands take, from a process's start to its end, reports left out: the suite of `suite.yaml` with
no program compiled before and with all of them, and the million runs of `million.yaml`.

`python benchmarks/start.py` writes `start.md`: seconds, the most memory, and where the time went.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
AIMS = {"suite, cold": "25 s", "suite, warm": "8 s", "a million runs": "60 s, 2 GB"}


def timed(spec: str, out: Path) -> tuple[float, float, str]:
    """Seconds, gigabytes at the most, and what the command printed."""
    command = [sys.executable, "-m", "optlab", "run", str(HERE / spec), "--out", str(out), "--no-report",
               "--timings"]  # fmt: skip
    with tempfile.TemporaryFile("w+") as told:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=told)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        if status:
            raise SystemExit(f"{spec} ended with {os.waitstatus_to_exitcode(status)}")
        told.seek(0)
        return seconds, used.ru_maxrss * 1024 / 1e9, told.read()


def main() -> None:
    lines, splits = ["| command | seconds | GB | aim |", "|---|---|---|---|"], []
    with tempfile.TemporaryDirectory() as name:
        for title, spec in zip(AIMS, ("suite.yaml", "suite.yaml", "million.yaml"), strict=True):
            out = Path(name) / "out"
            shutil.rmtree(out / "suite", ignore_errors=True)  # what was compiled stays
            seconds, memory, told = timed(spec, out)
            lines.append(f"| {title} | {seconds:.1f} | {memory:.2f} | {AIMS[title]} |")
            print(lines[-1], flush=True)
            split = [line for line in told.splitlines() if line.startswith("  ")]
            splits += [f"## {title}", "", "```", *split, "```", ""]
    text = [
        "# Whole commands",
        "",
        "Made by `benchmarks/start.py`, without reports.",
        "",
        *lines,
        "",
        *splits,
    ]
    (HERE / "start.md").write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
