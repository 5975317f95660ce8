"""Walks that move: the data in the page against what is stored, and the page in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from small_folder import write_folder

from optlab.analysis import best_settings
from optlab.figures import chosen_walks
from optlab.report import render
from optlab.report.animation import FRAMES, _frames
from optlab.results import load

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
HOSTILE = "</script><script>alert(1)</script><!-- \"'&"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_folder(tmp_path_factory.mktemp("moving") / "small", steps=400)
    render(made)
    return made


def data_of(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    return [json.loads(part) for part in found]


def walked(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any], str]]:
    """Each problem's data, each run in it, and the run that the static figure draws as well."""
    results = load(folder)
    best = best_settings(results.runs, results.manifest)
    for block in data_of(folder):
        chosen = chosen_walks(results.runs, best, block["name"]).set_index("optimizer")["run_id"]
        assert [run["name"] for run in block["runs"]] == list(chosen.index)
        for run in block["runs"]:
            yield block, run, chosen[run["name"]]


def test_what_moves_is_what_is_stored(folder: Path) -> None:
    results = load(folder)
    assert [block["name"] for block in data_of(folder)] == ["bowl", "valley"]  # those in the plane
    compared = 0
    for block, run, run_id in walked(folder):
        left, right, bottom, top = block["window"]
        path = results.paths[results.paths["run_id"] == run_id].set_index(["coordinate", "step"])
        for step, x, y in zip(block["steps"], run["x"], run["y"], strict=True):
            a, b = path.loc[("x1", step), "value"], path.loc[("x2", step), "value"]
            # Whole units of a thousandth of the window.
            assert x == pytest.approx((a - left) / (right - left) * 1000, abs=0.5 + 1e-9)
            assert y == pytest.approx((top - b) / (top - bottom) * 1000, abs=0.5 + 1e-9)
            compared += 1
    assert compared == 8 * FRAMES


def test_the_loss_beside_it_is_the_gap_that_is_stored(folder: Path) -> None:
    results = load(folder)
    for block, run, run_id in walked(folder):
        curves = results.curves[results.curves["metric"] == "loss"]
        curve = curves[curves["run_id"] == run_id].set_index("step")["value"]
        # The smallest loss of both problems is zero.
        assert run["loss"] == pytest.approx([curve[s] for s in block["steps"]], rel=1e-3)


def test_long_walks_keep_their_beginning() -> None:
    frames = _frames(list(range(0, 10_000, 5)))
    assert len(frames) <= FRAMES
    assert frames[: FRAMES // 2] == list(range(0, 5 * (FRAMES // 2), 5))
    assert frames[-1] == 9_995
    assert frames == sorted(set(frames))
    assert _frames([0, 3, 7]) == [0, 3, 7]


def test_a_page_without_a_plane_has_no_script_that_moves(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "net", problems=["relu network"], rates=[0.1])
    render(made)
    assert "figure.moving" not in (made / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose optimizer, problem and axis have names that try to be something else."""
    made = write_folder(tmp_path_factory.mktemp("hostile") / "h", problems=["bowl"],
                        optimizers=["sgd"], rates=[0.1])  # fmt: skip
    runs = pd.read_parquet(made / "runs.parquet")
    runs["optimizer"] = HOSTILE
    runs.to_parquet(made / "runs.parquet")
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    manifest["problems"][0] |= {"names": [HOSTILE, "x2"], "optimizers": [HOSTILE]}
    manifest["optimizers"][0]["name"] = HOSTILE
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    render(made)
    return made


def test_names_cannot_leave_the_data(hostile: Path) -> None:
    text = (hostile / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<!--" not in text
    [block] = data_of(hostile)
    assert (block["axes"][0], block["runs"][0]["name"]) == (HOSTILE, HOSTILE)


def browsed(folder: Path, tmp_path: Path, probe: str) -> dict[str, Any]:
    """What `probe` puts into `found` once the page has been loaded."""
    assert CHROMIUM is not None
    text = (folder / "index.html").read_text(encoding="utf-8")
    script = (
        "<script>const faults = []; addEventListener('error', e => faults.push(e.message));"
        "</script>"
    )
    text = text.replace("<head>", f"<head>{script}", 1)
    ask = (
        "<script>addEventListener('load', async () => { const found = {}; const figure = "
        "document.querySelector('figure.moving');" + probe + "; found.faults = faults;"
        "found.outside = performance.getEntriesByType('resource').map(e => e.name)"
        ".filter(n => !n.startsWith('data:'));"
        "document.title = JSON.stringify(found); })</script>"
    )
    page = tmp_path / "page.html"
    page.write_text(text.replace("</body>", f"{ask}</body>"), encoding="utf-8")
    asked = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking", f"--user-data-dir={tmp_path}/profile",
         "--virtual-time-budget=20000", "--dump-dom", f"file://{page}"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", asked.stdout, re.DOTALL)
    assert title, asked.stdout[:500]
    return json.loads(unescape(title.group(1)))


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the page with")
def test_it_moves_by_slider_and_by_play(folder: Path, tmp_path: Path) -> None:
    block = data_of(folder)[0]
    found = browsed(folder, tmp_path, """
        const slider = figure.querySelector('input'), button = figure.querySelector('button');
        const where = () => [...figure.querySelectorAll('svg')[0].querySelectorAll('.here')].map(
          n => [n.getAttribute('x'), n.getAttribute('y')].map(Number));
        const go = f => { slider.value = f; slider.dispatchEvent(new Event('input')); };
        found.shown = !figure.hidden; found.still = button.textContent; found.last = where();
        go(0); found.first = where();
        go(7); found.seventh = where(); found.status = figure.querySelector('[role=status]').textContent;
        go(0); button.click(); found.playing = button.textContent;
        await new Promise(done => setTimeout(done, 1000));
        found.moved = Number(slider.value); button.click(); found.paused = button.textContent;
        found.labels = [...figure.querySelectorAll('input, select')].every(n => n.labels.length);
        button.focus(); found.focus = document.activeElement === button
    """)  # fmt: skip
    assert (found["faults"], found["outside"]) == ([], [])
    assert found["shown"]
    assert found["labels"]
    assert found["focus"]
    assert (found["still"], found["playing"], found["paused"]) == ("Play", "Pause", "Play")
    assert found["moved"] >= 5  # twelve points a second
    for name, frame in (("first", 0), ("seventh", 7), ("last", len(block["steps"]) - 1)):
        wanted = [[min(1000, max(0, run["x"][frame])), min(1000, max(0, run["y"][frame]))]
                  for run in block["runs"]]  # fmt: skip
        assert found[name] == wanted, name
    assert found["status"].startswith(f"Step {block['steps'][7]} of {block['steps'][-1]}: ")
    for run in block["runs"]:
        assert run["name"] in found["status"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the page with")
def test_hostile_names_are_drawn_as_text(hostile: Path, tmp_path: Path) -> None:
    found = browsed(hostile, tmp_path, """
        found.inner = figure.querySelectorAll('script').length;
        found.key = figure.querySelector('.whole').textContent;
        found.axis = [...figure.querySelectorAll('svg text')].map(n => n.textContent);
        found.status = figure.querySelector('[role=status]').textContent
    """)  # fmt: skip
    assert (found["faults"], found["outside"], found["inner"]) == ([], [], 1)
    assert found["key"] == f"● {HOSTILE}"
    assert HOSTILE in found["axis"]
    assert f": {HOSTILE} " in found["status"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to open the page with")
def test_what_leaves_the_picture_waits_at_its_edge(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "away", problems=["bowl"], optimizers=["sgd"], rates=[50.0])
    render(made)
    found = browsed(made, tmp_path, """
        const mark = figure.querySelector('.here'), slider = figure.querySelector('input');
        found.end = [mark.getAttribute('x'), mark.getAttribute('y')].map(Number);
        found.away = mark.classList.contains('away');
        found.status = figure.querySelector('[role=status]').textContent;
        found.caption = figure.querySelector('figcaption').textContent;
        slider.value = 0; slider.dispatchEvent(new Event('input'));
        found.first = mark.classList.contains('away')
    """)  # fmt: skip
    assert found["faults"] == []
    assert all(0 <= place <= 1000 for place in found["end"])
    assert set(found["end"]) & {0, 1000}
    assert (found["away"], found["first"]) == (True, False)
    assert found["status"].endswith("(outside the picture)")
    assert found["caption"].endswith("Diverged: sgd.")
