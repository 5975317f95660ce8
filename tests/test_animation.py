"""Walks that move: the data in the page against what is stored, and the page in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_folder import write_folder

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


def test_what_moves_is_what_is_stored(folder: Path) -> None:
    results = load(folder)
    blocks = data_of(folder)
    assert [block["name"] for block in blocks] == ["bowl", "valley"]  # those in the plane
    pictures = results.runs[results.runs["part"] == "picture"]
    checked = 0
    for block in blocks:
        left, right, bottom, top = block["window"]
        for run in block["runs"]:
            mine = pictures[(pictures["problem"] == block["name"])
                            & (pictures["optimizer"] == run["name"])]  # fmt: skip
            fits = []
            for run_id in mine["run_id"]:  # one of the settings: that which was chosen
                path = results.paths[results.paths["run_id"] == run_id]
                wide = path.pivot(index="step", columns="coordinate", values="value")
                wide = wide[wide.index.isin(block["steps"])]
                index = [block["steps"].index(step) for step in wide.index]
                x = np.array([run["x"][i] for i in index], dtype=float)
                y = np.array([run["y"][i] for i in index], dtype=float)
                inside = (x > -9_000) & (x < 10_000) & (y > -9_000) & (y < 10_000)
                across = (wide["x1"].to_numpy() - left) / (right - left) * 1000
                up = (top - wide["x2"].to_numpy()) / (top - bottom) * 1000
                apart = np.abs(np.concatenate([(x - across)[inside], (y - up)[inside]]))
                fits.append(np.nanmax(apart, initial=0.0) <= 0.5 + 1e-9)
            assert any(fits)
            checked += 1
    assert checked == 8


def test_the_loss_beside_it_is_the_gap_that_is_stored(folder: Path) -> None:
    results = load(folder)
    runs = results.runs.set_index("run_id")
    for block in data_of(folder):
        losses = results.curves[results.curves["metric"] == "loss"]
        for run in block["runs"]:
            mine = runs[(runs["problem"] == block["name"]) & (runs["optimizer"] == run["name"])
                        & (runs["part"] == "picture")]  # fmt: skip
            close = []
            for run_id in mine.index:
                curve = losses[losses["run_id"] == run_id].set_index("step")["value"]
                pairs = [(run["loss"][i], curve[step]) for i, step in enumerate(block["steps"])
                         if step in curve.index]  # fmt: skip
                close.append(all(
                    a is None or a == pytest.approx(b, rel=1e-3, abs=1e-12) for a, b in pairs
                ))  # fmt: skip
            assert any(close)


def test_long_walks_keep_their_beginning() -> None:
    frames = _frames(list(range(0, 10_000, 5)))
    assert len(frames) <= FRAMES
    assert frames[: FRAMES // 2] == list(range(0, 5 * (FRAMES // 2), 5))
    assert frames[-1] == 9_995
    assert frames == sorted(set(frames))
    assert _frames([0, 3, 7]) == [0, 3, 7]


def test_a_page_without_a_plane_has_no_script(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "net", problems=["relu network"], rates=[0.1])
    render(made)
    assert "<script" not in (made / "index.html").read_text(encoding="utf-8")


def test_names_cannot_leave_the_data(tmp_path: Path) -> None:
    made = write_folder(tmp_path / "h", problems=["bowl"], rates=[0.1])
    manifest = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    manifest["problems"][0]["names"] = [HOSTILE, "x2"]
    (made / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    render(made)
    text = (made / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert data_of(made)[0]["axes"][0] == HOSTILE


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
