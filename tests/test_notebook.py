"""Results in a notebook: what they show there, and the notebook of the docs from first to last."""

from __future__ import annotations

import base64
import importlib.util
import io
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
from small_folder import write_folder

import optlab
from optlab.identity import of_this_machine
from optlab.results import Results

DOCS = Path(__file__).parents[1] / "docs"
HOSTILE = "<script>alert(1)</script> \" ' & | $x$ {{ 7*7 }}"


class _Read(HTMLParser):
    """The tags of a text, its words, and its table as rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words = ""
        self.rows: list[list[str]] = []
        self.inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside &= tag not in ("th", "td")

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.inside:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return optlab.load(write_folder(tmp_path_factory.mktemp("small") / "small"))


def test_the_words_are_few_lines_of_facts(small: Results) -> None:
    title, question, runs, page = repr(small).splitlines()
    assert title == "A small comparison"
    assert question.strip() == "Which is fastest, and which most stable?"
    # Every status is told, and together they are all runs.
    counts = small.runs["status"].value_counts()
    for word, status in (("held", "hit"), ("came to the end", "budget"), ("diverged", "diverged")):
        assert f"{counts[status]} {word}" in runs
    assert runs.strip().startswith(f"{len(small.runs)} runs of 4 optimizers on 3 problems")
    assert page.strip() == f"no page yet: optlab report {small.folder}"
    (small.folder / "index.html").touch()
    assert repr(small).endswith(f"page: {small.folder / 'index.html'}")
    (small.folder / "index.html").unlink()


def test_a_notebook_shows_the_same_facts_and_a_matrix(small: Results) -> None:
    shown = _Read(small._repr_html_())
    for line in repr(small).splitlines():
        assert line.strip() in shown.words
    head, *rows = shown.rows
    assert head == ["problem", "sgd", "momentum", "rmsprop", "adam"]
    assert [row[0] for row in rows] == ["bowl", "valley", "relu network"]
    # Nothing that runs, and no colour of its own: it stands on light and on dark.
    assert not {"script", "style", "link", "iframe"} & set(shown.tags)
    assert set(shown.attributes) <= {"style", "scope"}
    assert not re.search("color|background|class=", small._repr_html_())


def _cell(small: Results, problem: str, optimizer: str) -> str:
    head, *rows = _Read(small._repr_html_()).rows
    [row] = [row for row in rows if row[0] == problem]
    return row[head.index(optimizer)]


def test_a_cell_is_the_median_time_or_the_median_end(small: Results) -> None:
    """Counted by hand from the table of runs: setting by tune seeds, numbers by the others."""
    runs, label = small.runs, "held.loss <= 0.01"
    kinds = set()
    for problem in ("bowl", "valley"):
        for optimizer in ("sgd", "momentum", "rmsprop", "adam"):
            mine = runs[(runs.problem == problem) & (runs.optimizer == optimizer)]
            trials = mine[mine.part == "trial"]
            ends = trials.loss_final.where(trials.status != "diverged", np.inf)
            score = {
                rate: (sorted(trials.loc[own.index, label])[1], sorted(own)[1])
                for rate, own in ends.groupby(trials["hyper.lr"])
            }
            rate = min(score, key=lambda rate: (*score[rate], rate))
            ran = mine[(mine.part == "grid") & (mine["hyper.lr"] == rate)]
            held = sorted(ran[label])
            met = f"({sum(np.isfinite(held))}/{len(held)})"
            middle = (held[2] + held[3]) / 2
            cell = _cell(small, problem, optimizer)
            assert cell.endswith(met)
            if np.isfinite(middle):
                assert float(cell.split()[0].replace(",", "")) == middle
                kinds.add("time")
            else:
                gaps = sorted(ran.gap.where(ran.status != "diverged", np.inf))
                number = cell.removeprefix("gap ").split()[0].replace("−", "-").replace("∞", "inf")
                assert float(number) == pytest.approx((gaps[2] + gaps[3]) / 2, rel=6e-3)
                kinds.add("end")
    assert kinds == {"time", "end"}


def test_chosen_settings_are_a_plain_table(small: Results) -> None:
    table = small.chosen
    assert type(table).__name__ == "DataFrame"
    assert len(table) == 12
    assert small.chosen is table
    network = table[table.problem == "relu network"]
    assert (network.n == 1).all()
    assert set(network.chosen_on) == {"evaluate"}
    assert table.setting.str.match(r"lr [\d.e-]+(, |$)").all()


def test_without_target_or_minimum_the_loss_is_shown(tmp_path: Path) -> None:
    results = optlab.load(write_folder(tmp_path / "bare", problems=("bowl",), optimizers=("sgd",),
                                       rates=(0.1,), threshold=None, known=False))  # fmt: skip
    ends = sorted(results.runs[results.runs.part == "grid"].loss_final)
    assert float(_cell(results, "bowl", "sgd").removeprefix("loss ")) == pytest.approx(
        (ends[2] + ends[3]) / 2, rel=6e-3
    )
    assert "Median at the end" in results._repr_html_()


def test_where_every_run_diverged_or_broke_it_says_so(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "lost", problems=("bowl",), optimizers=("sgd", "adam"),
                          rates=(1e9,), steps=40)  # fmt: skip
    results = optlab.load(folder)
    assert (results.runs[results.runs.optimizer == "sgd"].status == "diverged").all()
    assert _cell(results, "bowl", "sgd") == "gap ∞ (0/6)"
    runs = results.runs.assign(
        status=results.runs.status.where(results.runs.optimizer != "sgd", "error")
    )
    runs.to_parquet(folder / "runs.parquet")
    assert _cell(optlab.load(folder), "bowl", "sgd") == "error"


def test_text_of_a_spec_stays_text(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "bad", problems=("bowl",), optimizers=("sgd",), rates=(0.1,),
                          title=HOSTILE, question=HOSTILE)  # fmt: skip
    shown = _Read(optlab.load(folder)._repr_html_())
    assert shown.words.count(HOSTILE) == 2
    assert "script" not in shown.tags


def test_many_problems_are_cut_and_it_says_where_the_rest_is(
    small: Results, tmp_path: Path
) -> None:
    one = small.runs[small.runs.problem == "bowl"]
    names = [f"bowl {i}" for i in range(43)]
    about = next(p for p in small.manifest["problems"] if p["name"] == "bowl")
    runs = one.loc[one.index.repeat(len(names))].assign(problem=names * len(one))
    problems = [about | {"name": name} for name in names]
    many = Results(tmp_path, runs, small.manifest | {"problems": problems})
    shown = _Read(many._repr_html_())
    assert len(shown.rows) == 1 + 40
    assert "3 more problems" in shown.words
    assert len(many.chosen) == 43 * 4


# --- names ---


def test_parts_are_attributes_and_load_nothing_before() -> None:
    code = (
        "import sys, optlab; assert 'matplotlib' not in sys.modules; "
        "print(optlab.figures.curves.__name__, optlab.compare.compare.__name__, 'IPython' in sys.modules)"
    )
    asked = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert asked.stdout.split() == ["curves", "compare", "False"]
    assert {"figures", "compare", "analysis"} <= set(dir(optlab))


# --- in a kernel ---


def _docs() -> Any:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    spec = importlib.util.spec_from_file_location("execute", DOCS / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _outputs(cells: Any) -> list[list[tuple[str, ...]]]:
    """What each cell of code puts out: streams and kinds of what it shows."""
    return [
        [(o.output_type, *sorted(o.get("data", {}))) for o in cell.outputs]
        for cell in cells.cells
        if cell.cell_type == "code"
    ]


def test_a_figure_is_shown_without_pyplot(small: Results, tmp_path: Path) -> None:
    """A figure that a cell returns is a picture, before anybody imports pyplot and after."""
    nbformat = pytest.importorskip("nbformat")
    docs = _docs()
    new = nbformat.v4
    lines = [
        f"import optlab\nr = optlab.load({str(small.folder)!r})\nf = optlab.figures.curves(r, ['bowl'])\nf",
        "import sys\n'matplotlib.pyplot' in sys.modules",
        "%matplotlib inline\nf",
    ]
    cells = [new.new_code_cell(line) for line in lines]
    nbformat.write(new.new_notebook(cells=cells), tmp_path / "n.ipynb")
    first, loaded, later = docs.executed(tmp_path / "n.ipynb").cells
    assert loaded.outputs[0].data["text/plain"] == "False"
    for cell in (first, later):
        [output] = cell.outputs
        assert "image/png" in output.data
    [output] = first.outputs
    # Twice as dense as it is wide on the page, and something is drawn on white.
    picture = matplotlib.image.imread(io.BytesIO(base64.b64decode(output.data["image/png"])))
    size = output.metadata["image/png"]
    assert abs(picture.shape[1] - 2 * size["width"]) <= 2
    assert abs(picture.shape[0] - 2 * size["height"]) <= 2
    assert (picture[0, 0, :3] == 1).all()
    assert 0.01 < (picture[..., :3].min(axis=2) < 0.7).mean() < 0.5


@pytest.mark.slow
def test_the_notebook_runs_as_it_is_stored() -> None:
    nbformat = pytest.importorskip("nbformat")
    docs = _docs()
    stored = nbformat.read(docs.NOTEBOOK, as_version=4)
    fresh = docs.executed()  # raises where a cell fails
    assert _outputs(fresh) == _outputs(stored), "run `python docs/execute.py` and commit"
    assert 10 <= len(stored.cells) <= 20
    kinds = [kind for outputs in _outputs(fresh) for kind in outputs]
    assert any("image/png" in kind for kind in kinds)
    assert sum("text/html" in kind for kind in kinds) >= 4
    # A verdict is settled by its numbers, which another processor does not move.
    said = [o.text for cell in fresh.cells if cell.cell_type == "code"
            for o in cell.outputs if o.output_type == "stream"]  # fmt: skip
    assert said[0].startswith("SUPPORTED on valley: momentum reaches")
    assert "the code of calm is not the same in A and B" in said[1]


def test_what_is_stored_names_no_machine() -> None:
    text = (DOCS / "notebook.ipynb").read_text(encoding="utf-8")
    assert len(text) < 200_000
    assert not of_this_machine([DOCS.parent, Path(tempfile.gettempdir())]).found(
        "notebook.ipynb", text.encode()
    )
    assert not re.search(r"/tmp/|execution\"", text)
    assert "Traceback" not in text
