"""The interactive part of a report: what it holds, and what a reader can do with it in a browser."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser import PHONE, chromium, opened
from small_folder import write_folder

import optlab
from optlab.analysis import profiles, ranks
from optlab.report import render
from optlab.report.explore import payload
from optlab.report.explore.curves import FINE, coded, fewer, kept_steps
from optlab.report.explore.runs import HUGE
from optlab.report.facts import Facts, stored
from optlab.report.html import packed

SPEC = """
title: Something to explore
steps: 60
seeds: {tune: 2, evaluate: 6, experiment: 3}
record: {every: 2}
targets: {gap_over_start: 1e-3}
problems:
  - bowl: {use: quadratic, dim: 2, condition: 10, noise: 0.001}
  - narrow: {use: quadratic, dim: 5, condition: 200, rotated: true}
  - rosenbrock
  - softmax: {use: softmax_regression, data: iris, batch: 16, steps: 40, targets: {loss: 0.5}}
optimizers:
  - sgd: {lr: [0.01, 0.1, 1]}
  - "heavy: <b>": {use: momentum, lr: [0.003, 0.03], beta: [0.5, 0.9]}
  - theirs: {use: torch.optim.RMSprop, lr: [0.01, 0.1], alpha: 0.9, centered: false}
  - lion: {use: optax.lion, learning_rate: [0.01, 0.05]}
"""
OPTIMIZERS = ["sgd", "heavy: <b>", "theirs", "lion"]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("explore")
    (root / "some.yaml").write_text(SPEC, encoding="utf-8")
    found = optlab.run(root / "some.yaml", out=root / "reports")
    render(found.folder)
    return found


@pytest.fixture(scope="module")
def facts(results: Any) -> Facts:
    return Facts(stored(results.folder))


@pytest.fixture(scope="module")
def data(facts: Facts) -> dict[str, Any]:
    return payload(facts)[0]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


def unpacked(runs: dict[str, list[Any]]) -> pd.DataFrame:
    """What `run_columns` packed, as the page's script reads it: NaN, infinity and repetitions as they
    were."""
    table = pd.DataFrame(runs)
    for name in ("final", "best", "reached", "held", "diverged", "rise"):
        table[name] = table[name].astype(float)
        table[name] = table[name].mask(table[name].abs() >= HUGE, np.sign(table[name]) * np.inf)
    table["best"] = table["best"].fillna(table["final"])
    table["held"] = table["held"].fillna(table["reached"])
    return table


def decoded(row: Sequence[int | bool | None], unit: float | None = None) -> list[float]:
    """What the page's script makes of a coded row."""
    out, total = [], 0
    for item in row:
        if item is None or item is False:
            out.append(0.0 if item is None else np.nan)
            continue
        total += item
        out.append(total * unit if unit else 10.0 ** (total / FINE))
    return out


def held_by(page: Path) -> dict[str, Any]:
    """What stands packed in a page."""
    text = page.read_text(encoding="utf-8")
    block = re.search(
        r'class="explore">.*?<script type="text/plain">([^<]*)</script>', text, re.DOTALL
    )
    assert block is not None
    return json.loads(gzip.decompress(base64.b64decode(block[1])))


# --- what is held ---


@pytest.mark.slow
def test_what_stands_in_the_page_is_every_run(results: Any) -> None:
    held = held_by(results.folder / "index.html")
    table = unpacked(held["runs"])
    whole = results.runs.drop_duplicates(["problem", "optimizer", "run_id"]).reset_index(drop=True)
    assert table["id"].tolist() == whole["run_id"].tolist()
    assert [held["problems"][i]["name"] for i in table["problem"]] == whole["problem"].tolist()
    assert [held["optimizers"][i]["name"] for i in table["optimizer"]] == whole[
        "optimizer"
    ].tolist()
    assert [held["roles"][i] for i in table["role"]] == whole["role"].tolist()
    assert [held["statuses"][i] for i in table["status"]] == whole["status"].tolist()
    assert table["seed"].tolist() == whole["seed"].tolist()
    np.testing.assert_allclose(table["final"], whole["gap"], rtol=6e-4)
    floor = whole["loss_final"] - whole["gap"]
    np.testing.assert_allclose(table["best"], whole["loss_best"] - floor, rtol=6e-4, atol=1e-14)
    for kind in ("reached", "held"):
        times = whole[f"{kind}.gap_over_start <= 0.001"].fillna(whole[f"{kind}.loss <= 0.5"])
        assert table[kind].tolist() == times.tolist()


@pytest.mark.slow
def test_settings_are_exact(results: Any, data: dict[str, Any]) -> None:
    table = unpacked(data["runs"])
    whole = results.runs.drop_duplicates(["problem", "optimizer", "run_id"]).reset_index(drop=True)
    for run, row in whole.iterrows():
        setting = data["settings"][table["optimizer"][run]]
        for name, values in zip(setting["names"], setting["values"], strict=True):
            assert values[table["setting"][run]] == row[f"hyper.{name}"]


@pytest.mark.slow
def test_parts_that_a_run_plays_are_bits(results: Any, data: dict[str, Any]) -> None:
    table = unpacked(data["runs"]).set_index(["id", "problem", "optimizer"])
    names = [p["name"] for p in data["problems"]]
    for (run, problem, optimizer), rows in results.runs.groupby(["run_id", "problem", "optimizer"]):
        bits = table["parts"][run, names.index(problem), OPTIMIZERS.index(optimizer)]
        played = {part for i, part in enumerate(data["parts"]) if bits >> i & 1}
        assert played == set(rows["part"])


@pytest.mark.slow
def test_curves_are_those_of_the_table(results: Any, data: dict[str, Any]) -> None:
    ids = data["runs"]["id"]
    wide = results.curves.set_index(["run_id", "metric", "step"])["value"].sort_index()
    seen = 0
    for part in data["curves"]:
        floor = data["problems"][part["problem"]]["minimum"] if part["metric"] == "loss" else None
        for run, row in zip(np.cumsum(part["runs"]), part["values"], strict=True):
            values = np.array(decoded(row, part["unit"]))
            true = wide[ids[run], part["metric"]].reindex(part["steps"][: len(values)]) - (
                floor or 0.0
            )
            if part["unit"] is None:
                np.testing.assert_allclose(values, true.clip(lower=0), rtol=3e-4)
            else:
                np.testing.assert_allclose(values, true, atol=0.51 * part["unit"])
            seen += 1
    assert seen > len(ids)  # the loss of all, and more


@pytest.mark.parametrize("unit", [None, 1e-3])
def test_a_coded_row_comes_back(unit: float | None) -> None:
    values = np.array(
        [[3.0, 2.5e-7, 0.0, np.nan, 4e200 if unit is None else -0.25, np.nan, np.inf]]
    )
    [row] = coded(values, unit)
    back = decoded(row, unit)
    assert len(back) == 5  # what is not known at the end is left out
    assert math.isnan(back[3])
    assert back[2] == 0.0
    error = {"rtol": math.log(10) / FINE} if unit is None else {"atol": unit / 2, "rtol": 0}
    np.testing.assert_allclose(np.delete(back, 3), np.delete(values[0, :5], 3), **error)


def test_thinning_keeps_both_ends_and_the_beginning() -> None:
    steps = np.arange(0, 10_001, 10)
    kept = kept_steps(steps, 60)
    assert kept[0] == 0
    assert kept[-1] == 10_000
    assert 40 <= len(kept) <= 60
    assert set(kept) <= set(steps)
    assert set(kept[:4]) == {0, 10, 20, 30}
    assert np.diff(kept).max() <= 10_000 / 29 + 10
    assert kept_steps(steps[:50], 60).tolist() == steps[:50].tolist()


def test_runs_are_left_out_evenly_where_there_is_no_room() -> None:
    rows = np.arange(1000) * 3
    kept, points = fewer(rows, 4000, 20, 100)
    assert points == 20
    assert len(kept) == 200
    assert kept[0] == 0
    assert kept[-1] == 2997
    assert set(np.diff(kept)) <= {15, 18}
    kept, points = fewer(rows, 50_000, 20, 100)
    assert points == 50
    assert kept.tolist() == rows.tolist()
    assert len(fewer(rows, 10, 20, 100)[0]) == 0


# --- how large it is ---


def many(problems: int, optimizers: int, settings: int, seeds: int, points: int) -> Facts:
    """Results of so many runs, drawn: only their number and shape matter."""
    rng = np.random.default_rng(0)
    names = [f"problem {i}" for i in range(problems)]
    rules = [f"rule {i}" for i in range(optimizers)]
    shape = (problems, optimizers, settings, seeds)
    p, o, s, k = (axis.ravel() for axis in np.indices(shape))
    n = len(p)
    label = "gap_over_start <= 0.001"
    rates = np.logspace(-5, 1, settings)
    last = 10 ** rng.uniform(-9, 2, n)
    held = np.where(rng.random(n) < 0.6, rng.integers(1, 1000, n).astype(float), np.inf)
    run = pd.DataFrame({
        "run_id": [f"{v:016x}" for v in rng.integers(0, 2**63, n)],
        "problem": np.array(names)[p], "optimizer": np.array(rules)[o], "rule": np.array(rules)[o],
        "hyper.lr": rates[s], "role": "evaluate", "seed": k, "start_kind": "drawn", "part": "grid",
        "steps_done": 1000, "loss_first": 100.0, "loss_final": last, "loss_best": last * rng.random(n),
        "gap": last, "diverged_at": np.nan, "largest_rise": rng.random(n), "grad_evals": 1000,
        f"reached.{label}": held * 0.9, f"held.{label}": held, f"worst_after.{label}": np.nan,
        "status": np.where(np.isfinite(held), "hit", "budget"), "stalled": False,
    })  # fmt: skip
    steps = np.linspace(0, 1000, points).round().astype(np.int32)
    decay = np.log(last / 100.0)[:, None] * (steps / 1000.0) + 0.05 * rng.standard_normal(
        (n, points)
    )
    curves = pd.DataFrame({
        "run_id": pd.Categorical.from_codes(np.repeat(np.arange(n), points), run["run_id"]),
        "step": np.tile(steps, n),
        "metric": pd.Categorical.from_codes(np.zeros(n * points, dtype=int), ["loss"]),
        "value": (100 * np.exp(decay)).ravel(),
    })  # fmt: skip
    target = {"label": label, "metric": "loss", "kind": "gap_over_start", "value": 1e-3}
    manifest = {
        "name": "many", "title": "Many", "spec": "title: Many\n", "spec_file": "many.yaml",
        "seeds": {"tune": 0, "evaluate": seeds, "experiment": 0}, "precision": "float64",
        "problems": [
            {"name": name, "dim": 10, "steps": 1000, "cadence": 5, "decision": label,
             "minimum": {"value": 0.0, "error": 0.0, "at": []}, "optimizers": rules,
             "targets": [target | {"threshold": None}]}
            for name in names
        ],
        "optimizers": [
            {"name": name, "rule": name, "hypers": {"lr": rates.tolist()}, "swept": ["lr"],
             "settings": settings, "search": {}, "default": {"lr": 0.01}, "profile": {}}
            for name in rules
        ],
    }  # fmt: skip
    found = optlab.results.Results(Path("nowhere"), run, manifest)
    vars(found).update(
        curves=curves, paths=pd.DataFrame(columns=["run_id", "step", "coordinate", "value"])
    )
    return Facts(found)


@pytest.mark.parametrize(
    ("shape", "most"),
    [
        ((8, 8, 26, 5, 101), 700_000),
        pytest.param((8, 8, 156, 10, 41), 3_500_000, marks=pytest.mark.slow),
    ],
)
def test_it_stays_small(shape: tuple[int, int, int, int, int], most: int) -> None:
    found = many(*shape)
    data, told = payload(found)
    count = math.prod(shape[:4])
    assert len(packed(data)) < most
    assert len(unpacked(data["runs"])) == count
    assert f"{count:,} runs of {count:,} in the tables" in told
    kept = re.search(r"the loss at chosen settings, all ([\d,]+)", told)
    assert kept is not None
    assert int(kept[1].replace(",", "")) == 64 * shape[3]
    assert "of one run of each other setting" in told
    ids = pd.Series(data["runs"]["id"])
    assert ids.is_unique
    assert all(map(str.startswith, found.results.runs["run_id"], ids))
    assert packed(data) == packed(payload(found)[0])


# --- the spec of one run ---


def single(data: dict[str, Any], run: int) -> str:
    """What the page's script makes of its parts, by a second hand."""
    table = data["runs"]
    entry = data["optimizers"][table["optimizer"][run]]["spec"]
    columns = data["settings"][table["optimizer"][run]]["values"]
    numbers = [
        f"{n}: {c[table['setting'][run]]!r}" for n, c in zip(entry["hypers"], columns, strict=True)
    ]
    role = data["roles"][table["role"][run]]
    return (
        f"title: one\nseeds: {{only: {{{role}: {table['seed'][run]}}}, experiment: {data['experiment']}}}\n"
        f"{data['problems'][table['problem'][run]]['spec']}\noptimizers:\n"
        f"  - {entry['name']}: {{{', '.join([*entry['keys'], *numbers])}}}\n"
    )


def repeated(text: str, folder: Path) -> pd.Series:
    folder.mkdir(exist_ok=True)
    (folder / "one.yaml").write_text(text, encoding="utf-8")
    found = optlab.run(folder / "one.yaml", out=folder)
    assert len(found.runs) == 1, text
    return found.runs.iloc[0]


@pytest.mark.parametrize(
    ("problem", "optimizer"),
    [(p, o) for p in ["bowl", "narrow", "rosenbrock", "softmax"] for o in OPTIMIZERS],
)
@pytest.mark.slow
def test_a_runs_spec_repeats_it_to_the_last_bit(
    results: Any, data: dict[str, Any], problem: str, optimizer: str, tmp_path: Path
) -> None:
    mine = results.runs[
        (results.runs["problem"] == problem) & (results.runs["optimizer"] == optimizer)
    ]
    roles = ["tune", "evaluate", "picture"]
    role = roles[
        (OPTIMIZERS.index(optimizer) + len(problem)) % (3 if problem == "rosenbrock" else 2)
    ]
    row = mine[mine["role"] == role].iloc[-1]
    again = repeated(single(data, data["runs"]["id"].index(row["run_id"])), tmp_path)
    assert again["run_id"] == row["run_id"]
    assert again["loss_final"] == row["loss_final"]
    assert again["loss_best"] == row["loss_best"]
    assert again["largest_rise"] == row["largest_rise"] or math.isnan(row["largest_rise"])


@pytest.mark.slow
def test_a_report_of_one_run_can_be_made(data: dict[str, Any], tmp_path: Path) -> None:
    for role in range(3):
        run = data["runs"]["role"].index(role)
        repeated(single(data, run), tmp_path / str(role))
        assert render(tmp_path / str(role) / "one")


def test_runs_without_a_spec_have_none(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "small", problems=("bowl",), optimizers=("sgd",), evaluate=2)
    held = payload(Facts(stored(folder)))[0]
    assert held["problems"][0]["spec"] == ""
    assert held["optimizers"][0]["spec"] == {}


def rising_folder(folder: Path) -> Path:
    """Results with two more metrics, of which a target says that the one is better where it is larger."""
    folder = write_folder(folder, problems=("bowl",), evaluate=2, rates=(0.01, 0.1))
    curves = pd.read_parquet(folder / "curves.parquet")
    loss = curves[curves["metric"] == "loss"]
    more = [loss.assign(metric=name, value=0.5) for name in ("skill", "test_accuracy")]
    curves = pd.concat([curves.astype({"metric": str}), *more], ignore_index=True)
    curves.astype({"metric": "category"}).to_parquet(folder / "curves.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    target = {"label": "skill >= 0.9", "metric": "skill", "kind": "value", "value": 0.9}
    manifest["problems"][0]["targets"].append(target | {"rising": True})
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_page_is_told_of_which_metrics_more_is_better(tmp_path: Path) -> None:
    held = payload(Facts(stored(rising_folder(tmp_path / "small"))))[0]
    assert held["problems"][0]["rising"] == ["skill", "test_accuracy"]


# --- in a browser ---


def ready(tab: Any) -> None:
    tab.page.wait_for_selector(".exploring .toggles")


def told_ranks(tab: Any) -> dict[str, list[str]]:
    rows = [
        [c.inner_text().strip() for c in row.locator("th, td").all()]
        for row in tab.page.locator(".ranks tbody tr").all()
    ]
    return {
        re.sub(r"^\W+", "", name) if not name.startswith("heavy") else name: rest
        for name, *rest in rows
    }


def expected(facts: Facts, kept: list[str]) -> dict[str, list[float]]:
    """Mean rank, problems won, problems solved and score, by the analysis, of those that are kept."""
    costs = facts.costs[kept]
    table = ranks.rank_table(costs).set_index("optimizer")
    score = profiles.profile_scores(costs).set_index("optimizer")
    return {
        name: [
            table["mean_rank"][name],
            table["first"][name],
            score["solved"][name],
            score["score"][name],
        ]
        for name in kept
    }


def check(tab: Any, facts: Facts, kept: list[str]) -> None:
    shown = told_ranks(tab)
    assert set(shown) == set(kept)
    n = len(facts.costs[kept].dropna())
    for name, (mean, first, solved, score) in expected(facts, kept).items():
        assert float(shown[name][0]) == pytest.approx(mean, rel=5e-3)
        assert shown[name][1:3] == [str(first), f"{solved} of {n}"]
        assert float(shown[name][3]) == pytest.approx(score, rel=5e-3)


def toggle(tab: Any, name: str) -> None:
    tab.page.locator(f'.toggles input[value="{name}"]').click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.slow
def test_hiding_an_optimizer_ranks_the_others_anew(
    browser: Any, results: Any, facts: Facts, scheme: str
) -> None:
    with opened(browser, results.folder / "index.html", color_scheme=scheme) as tab:
        ready(tab)
        check(tab, facts, OPTIMIZERS)
        for hidden in OPTIMIZERS:
            toggle(tab, hidden)
            check(tab, facts, [name for name in OPTIMIZERS if name != hidden])
            toggle(tab, hidden)
        toggle(tab, OPTIMIZERS[0])
        toggle(tab, OPTIMIZERS[3])
        check(tab, facts, OPTIMIZERS[1:3])


@pytest.mark.slow
def test_profiles_are_the_analysis_ones(browser: Any, results: Any, facts: Facts) -> None:
    with opened(browser, results.folder / "index.html") as tab:
        ready(tab)
        costs = facts.costs
        tables = [costs, costs * 1.7, costs.replace(np.inf, 5.0)]
        rng = np.random.default_rng(1)
        made = rng.integers(1, 6, (12, 5)).astype(float)
        made[rng.random((12, 5)) < 0.2] = np.inf
        made[rng.random((12, 5)) < 0.05] = np.nan
        made[0] = np.inf  # nobody solved it, so nobody is first on it
        tables.append(pd.DataFrame(made, columns=list("abcde")))
        for table in tables:
            sent = [
                [None if math.isnan(v) else 1e308 if math.isinf(v) else v for v in line]
                for line in table.to_numpy()
            ]
            for shown in ([0, 1, 2, 3], [1, 3], [2], [3, 0, 1]):
                part = table.iloc[:, shown]
                found = tab.page.evaluate(
                    """([sent, shown]) => {
                      const table = sent.map(line => line.map(v => v === null ? NaN : v > 1e307 ? Infinity : v));
                      return [exploreData.profiles(table, shown), exploreData.meanRanks(table, shown)];
                    }""", [sent, shown])  # fmt: skip
                steps = profiles.performance_profile(part)
                score = profiles.profile_scores(part)
                order = ranks.rank_table(part).set_index("optimizer")
                for i, name in enumerate(part.columns):
                    mine = steps[steps["optimizer"] == name]
                    assert found[0][i]["ratios"] == mine["ratio"].tolist()
                    assert found[0][i]["share"] == pytest.approx(mine["share"].tolist())
                    assert found[0][i]["solved"] == score["solved"][i]
                    assert found[0][i]["score"] == pytest.approx(score["score"][i])
                    assert found[1][i]["mean"] == pytest.approx(order["mean_rank"][name])
                    assert [found[1][i]["first"], found[1][i]["last"]] == order.loc[
                        name, ["first", "last"]
                    ].tolist()


@pytest.mark.slow
def test_a_link_opens_a_run_with_the_spec_that_repeats_it(
    browser: Any, results: Any, data: dict[str, Any], tmp_path: Path
) -> None:
    row = results.runs[
        (results.runs["problem"] == "narrow") & (results.runs["optimizer"] == "heavy: <b>")
    ].iloc[-2]
    with opened(browser, results.folder / "index.html", f"#run={row['run_id']}") as tab:
        ready(tab)
        panel = tab.page.locator(".one-run")
        panel.wait_for()
        text = panel.inner_text()
        assert text.startswith("heavy: <b> on narrow")
        assert row["run_id"] in text
        tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
        panel.get_by_role("button", name="copy the spec").click()
        panel.get_by_role("button", name="copied").wait_for()
        copied = tab.page.evaluate("navigator.clipboard.readText()")
        name, saved = tab.saved("save the spec", panel)
    assert name == f"run-{row['run_id']}.yaml"
    assert saved.decode() == copied
    again = repeated(copied, tmp_path)
    assert (again["run_id"], again["loss_final"]) == (row["run_id"], row["loss_final"])


@pytest.mark.slow
def test_a_click_on_a_curve_opens_its_run(browser: Any, results: Any, facts: Facts) -> None:
    with opened(browser, results.folder / "index.html") as tab:
        ready(tab)
        tab.page.get_by_label("Problem", exact=True).select_option("narrow")
        for name in OPTIMIZERS[1:]:
            toggle(tab, name)
        box = tab.page.locator(".exploring .chart").first
        box.scroll_into_view_if_needed()
        area = box.bounding_box()
        assert area is not None
        # The topmost curve at the right end: the largest last gap of the chosen setting of sgd.
        chosen = facts.chosen[
            (facts.chosen["problem"] == "narrow") & (facts.chosen["optimizer"] == "sgd")
        ]
        worst = chosen.loc[chosen["gap"].idxmax()]
        for down in range(8, int(area["height"]) - 50, 3):
            tab.page.mouse.move(area["x"] + area["width"] - 18, area["y"] + down)
            tab.page.wait_for_timeout(30)
            if box.locator(".tip").is_visible():
                break
        assert f"seed {worst['seed']}" in box.locator(".tip").inner_text()
        tab.page.mouse.click(area["x"] + area["width"] - 18, area["y"] + down)
        assert worst["run_id"] in tab.page.locator(".one-run").inner_text()
        assert tab.page.url.endswith(f"#run={worst['run_id']}")


@pytest.mark.slow
def test_keys_alone_reach_a_run(browser: Any, results: Any) -> None:
    with opened(browser, results.folder / "index.html") as tab:
        ready(tab)
        tab.page.locator('.toggles input[value="lion"]').focus()
        tab.page.keyboard.press("Space")
        assert "lion" not in told_ranks(tab)
        said = tab.page.locator('.explore [role="status"]')
        assert said.inner_text().startswith("lion is left out")
        tab.page.locator(".exploring .chart").first.focus()
        tab.page.keyboard.press("ArrowDown")
        first = said.inner_text()
        assert re.search(r"seed \d+: .* at \d+ updates", first)
        tab.page.keyboard.press("ArrowDown")
        assert said.inner_text() != first
        tab.page.keyboard.press("ArrowLeft")
        assert "at 58 updates" in said.inner_text()
        tab.page.keyboard.press("Enter")
        assert tab.page.evaluate("document.activeElement.id") == "explore-run"
        low = tab.page.get_by_label("last gap to")
        low.fill("1e-300")
        low.press("Tab")
        assert (
            "0 runs of" in tab.page.locator("section[aria-labelledby=explore-across]").inner_text()
        )


@pytest.mark.slow
def test_keys_go_from_cell_to_cell(browser: Any, results: Any) -> None:
    with opened(browser, results.folder / "index.html") as tab:
        ready(tab)
        cells = tab.page.locator(".explore .cell")
        tab.page.locator('.explore .cell[tabindex="0"]').focus()
        names = {cells.nth(i).get_attribute("aria-label") for i in range(cells.count())}
        assert len(names) == 12  # sgd's three rates on four problems
        focused = "document.activeElement.getAttribute('aria-label')"
        seen = [tab.page.evaluate(focused)]
        for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
            tab.page.keyboard.press(key)
            seen.append(tab.page.evaluate(focused))
        assert set(seen) < names
        assert [re.search(r"lr [0-9.]+", name)[0] for name in seen] == [
            "lr 0.01",
            "lr 0.1",
            "lr 1",
            "lr 1",
        ]
        tab.page.keyboard.press("Enter")
        assert tab.page.evaluate("document.activeElement.id") == "explore-run"
        assert seen[-1].split(",")[0] == "sgd on narrow"
        assert "sgd on narrow, seed 0" in tab.page.locator(".one-run").inner_text()


@pytest.mark.slow
def test_curves_by_arithmetic(browser: Any, results: Any, data: dict[str, Any]) -> None:
    with opened(browser, results.folder / "index.html") as tab:
        ready(tab)
        tab.page.get_by_label("Across").first.select_option("operations")
        for name in OPTIMIZERS[1:]:
            toggle(tab, name)
        tab.page.locator(".exploring .chart").first.focus()
        tab.page.keyboard.press("ArrowDown")
        said = tab.page.locator('.explore [role="status"]').inner_text()
    bowl = data["problems"][0]
    end = bowl["steps"] * bowl["operations"][0]
    found = re.search(r"at ([\d,.]+) arithmetic operations", said)
    assert found, said
    assert float(found[1].replace(",", "")) == pytest.approx(end, rel=1e-4)


@pytest.mark.slow
def test_what_a_target_says_is_better_higher_is_drawn_so(browser: Any, tmp_path: Path) -> None:
    folder = rising_folder(tmp_path / "small")
    render(folder)
    with opened(browser, folder / "index.html") as tab:
        ready(tab)
        curves = tab.page.locator("section[aria-labelledby=explore-curves]")
        log = curves.get_by_label("log upward")
        for metric, is_log in (("skill", False), ("loss", True), ("test_accuracy", False)):
            curves.get_by_label("Measure").select_option(metric)
            assert log.is_checked() is is_log, metric


def renamed(folder: Path, old: str, new: str) -> None:
    """Give one optimizer of a stored folder another name."""
    manifest = json.loads((folder / "manifest.json").read_text())
    runs = pd.read_parquet(folder / "runs.parquet")
    runs["optimizer"] = runs["optimizer"].replace(old, new)
    runs.to_parquet(folder / "runs.parquet")
    for optimizer in manifest["optimizers"]:
        optimizer["name"] = new if optimizer["name"] == old else optimizer["name"]
    for problem in manifest["problems"]:
        problem["optimizers"] = [new if name == old else name for name in problem["optimizers"]]
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_what_is_hostile_stays_text(browser: Any, tmp_path: Path) -> None:
    name = '</script><img src=x onerror="alert(1)">'
    folder = write_folder(
        tmp_path / "small", problems=("bowl",), evaluate=2, rates=(0.01, 0.1), title=name
    )
    renamed(folder, "sgd", name)
    render(folder)
    with opened(browser, folder / "index.html") as tab:
        ready(tab)
        assert name in tab.page.locator(".toggles").inner_text()
        assert tab.page.locator("img[src=x]").count() == 0
        tab.page.locator(".exploring a").first.click()
        assert "There is none" in tab.page.locator(".one-run").inner_text()


@pytest.mark.slow
def test_long_names_stay_in_their_cells(browser: Any, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "small", problems=("bowl",), evaluate=2, rates=(0.01, 0.1))
    long = "an-optimizer-of-which-the-name-goes-on-and-on-" * 3
    renamed(folder, "sgd", long)
    render(folder)
    for viewport in (PHONE, {"width": 1280, "height": 900}):
        with opened(browser, folder / "index.html", viewport=viewport) as tab:
            ready(tab)
            over = "cells => cells.filter(c => c.scrollWidth > c.clientWidth + 1).length"
            cells = tab.page.locator(".exploring tbody :is(th, td)")
            assert cells.count() > 4
            assert cells.evaluate_all(over) == 0


@pytest.mark.slow
def test_runs_with_an_error_count_neither_way(browser: Any, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "small", problems=("bowl",), evaluate=6, rates=(0.1,))
    runs = pd.read_parquet(folder / "runs.parquet")
    mine = runs[(runs["optimizer"] == "sgd") & (runs["role"] == "evaluate")]
    broken = mine["run_id"].iloc[:2]
    runs.loc[runs["run_id"].isin(broken), "status"] = "error"
    runs.to_parquet(folder / "runs.parquet")
    render(folder)
    left = runs[runs["run_id"].isin(mine["run_id"].iloc[2:])]
    [held] = [c for c in runs.columns if c.startswith("held.")][:1]
    with opened(browser, folder / "index.html") as tab:
        ready(tab)
        assert told_ranks(tab)["sgd"][-1] == f"{int(left[held].notna().sum())} of {len(left)}"


@pytest.mark.slow
def test_without_a_script_or_a_way_to_unpack_a_sentence_stands(browser: Any, results: Any) -> None:
    with opened(browser, results.folder / "index.html", java_script_enabled=False) as tab:
        assert "With scripts allowed" in tab.page.locator(".explore").inner_text()
    context = browser.new_context()
    context.add_init_script("delete window.DecompressionStream")
    page = context.new_page()
    page.goto((results.folder / "index.html").as_uri())
    assert "cannot unpack" in page.locator(".explore .without").inner_text()
    context.close()


@pytest.mark.slow
def test_it_fits_a_phone_and_stays_off_paper(browser: Any, results: Any) -> None:
    row = results.runs.iloc[0]["run_id"]
    with opened(browser, results.folder / "index.html", f"#run={row}", viewport=PHONE) as tab:
        ready(tab)
        wide = tab.page.evaluate(
            "Math.max(...[...document.querySelectorAll('.explore .view, .toggles')].map(n => n.getBoundingClientRect().right))"
        )
        assert wide <= PHONE["width"]
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        tab.page.emulate_media(media="print")
        assert not tab.page.locator(".exploring").is_visible()


@pytest.mark.slow
def test_axe_finds_nothing_serious(browser: Any, results: Any) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe looks for barriers"
    )
    row = results.runs.iloc[-1]["run_id"]
    for scheme in ("light", "dark"):
        with opened(
            browser, results.folder / "index.html", f"#run={row}", color_scheme=scheme
        ) as tab:
            ready(tab)
            found = axe.Axe().run(tab.page, context=".explore").response["violations"]
            assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


@pytest.mark.slow
def test_markdown_says_where_it_is(results: Any) -> None:
    assert "explored in `index.html`" in (results.folder / "report.md").read_text(encoding="utf-8")


def test_of_very_many_runs_a_choice_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = many(1, 2, 40, 5, 6)
    whole, _ = payload(facts)
    module = sys.modules["optlab.report.explore.payload"]  # the package has a function of that name
    monkeypatch.setattr(module, "MOST_RUNS", 150)
    fewer_, text = payload(facts)
    held = unpacked(fewer_["runs"])
    assert len(held) == 150
    assert "150 runs of 400 in the tables (those at chosen and default settings" in text
    every = unpacked(whole["runs"])
    chosen = {
        (o, s) for o, s in enumerate(whole["chosen"][0])
    }  # places in the settings of all runs
    shown = {run for run, o, s in zip(every["id"], every["optimizer"], every["setting"], strict=True)
             if (o, s) in chosen}  # fmt: skip
    assert shown <= set(held["id"])
    assert set(held["optimizer"]) == {0, 1}
