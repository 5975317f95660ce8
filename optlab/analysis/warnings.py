"""What a reader must know before believing anything: each mistake that a comparison of optimizers can
make, told where it was made, with the way out.

What the spec alone shows stands in `foreseen.py`, what only the runs show in `seen_*.py`.
"""

from __future__ import annotations

import pandas as pd

from optlab.analysis import seen_choices, seen_runs, seen_times
from optlab.analysis.foreseen import Asked, foreseen
from optlab.analysis.settings import at_best, best_settings
from optlab.analysis.times import is_exact, time_to_target
from optlab.results import Results

__all__ = ["KINDS", "warnings"]

KINDS = {
    "error": "runs stopped with an error",
    "incomplete": "settings were chosen from what was left after errors",
    "minimum": "a loss below the minimum that is taken for known",
    "diverged": "every run diverged at the chosen setting",
    "post-hoc": "claims made after runs that they speak of",
    "claims": "fewer seeds than a claim needs",
    "seeds": "fewer seeds than any exact test needs",
    "alike": "seeds that change nothing",
    "duplicate": "two optimizers with the same numbers",
    "twice": "one rule under two names",
    "selection": "settings chosen on the runs that are shown",
    "tune-seeds": "settings chosen on one seed",
    "test": "settings chosen on the test rows",
    "edge": "the best setting at the edge of what was tried",
    "default": "a default setting that beats the tuned one",
    "idle": "a hyperparameter that was varied and changes nothing",
    "untuned": "one setting only",
    "tuning": "unequal numbers of settings",
    "profile": "a profile beside the chosen setting",
    "easy": "a target that all met at once",
    "hard": "a target that nobody met",
    "budget": "a budget that decides who met the target",
    "target": "no target",
    "crossing": "another leads earlier in the budget",
    "cadence": "times that are not told apart by what was recorded",
    "rounding": "differences at the floor of rounding",
    "stalled": "a gradient of exactly zero away from a minimum",
    "conventions": "one name, several conventions",
    "separable": "separable problems only",
    "origin": "minima at the origin only",
    "problem": "one problem only",
    "instance": "seeds asked for where nothing is random",
}
"""Every kind of warning, worst first."""

_COMPARING = (
    "selection",
    "seeds",
    "untuned",
    "separable",
    "origin",
    "problem",
    "instance",
    "easy",
    "budget",
    "crossing",
)
"""What matters where optimizers are compared, and not where one seed is looked at alone."""


def warnings(results: Results, best: pd.DataFrame | None = None) -> list[dict[str, str]]:
    """What a reader must know before believing anything here: `kind` (of `KINDS`) and `text`, worst
    first, each kind once for each thing that is wrong.

    `best` is `best_settings(...)`, if it has been computed already. Where `results` has tables of
    runs only, without `curves`, what needs curves is left out."""
    runs, manifest = results.runs, results.manifest
    best = best_settings(runs, manifest) if best is None else best
    chosen = at_best(runs, best)
    times = time_to_target(runs, best, manifest)
    asked = _asked(results)
    curves = getattr(results, "curves", None)
    seen = [
        *seen_runs.errors(runs),
        *seen_runs.incomplete(best),
        *seen_runs.never_began(runs),
        *seen_runs.all_diverged(chosen),
        *seen_runs.below_minimum(runs, manifest),
        *seen_runs.post_hoc(manifest),
        *seen_runs.alike(chosen, asked),
        *seen_runs.duplicates(chosen, asked),
        *seen_choices.same_seeds(best, asked),
        *seen_choices.on_edge(best),
        *seen_choices.default_better(runs, chosen, best, manifest),
        *seen_choices.idle(runs, manifest),
        *seen_choices.profile_beside(best, manifest),
        *seen_times.easy(times, manifest),
        *seen_times.hard(times, manifest),
        *seen_times.within_cadence(times, manifest),
        *seen_times.at_rounding(chosen, manifest),
        *seen_runs.stalled(chosen, manifest),
    ]
    if curves is not None:
        seen += [
            *seen_times.budget(curves, chosen, times, manifest),
            *seen_times.crossing(results, best, chosen),
        ]
    # What was seen says more than what was foreseen of the same kind.
    told = {kind for kind, _ in seen}
    found = [*seen, *(each for each in foreseen(asked) if each[0] not in told)]
    order = list(KINDS)
    if manifest.get("seeds", {}).get("only"):
        found = [each for each in found if each[0] not in _COMPARING]
    found.sort(key=lambda each: order.index(each[0]))
    return [{"kind": kind, "text": text} for kind, text in found]


def _asked(results: Results) -> Asked:
    runs, manifest = results.runs, results.manifest
    seeds = runs[runs["status"] != "error"].groupby(["problem", "role"], observed=True)["seed"]
    count = seeds.nunique().to_dict()
    names = [problem["name"] for problem in manifest["problems"]]
    told = getattr(results, "verdicts", pd.DataFrame())
    judged = {} if told.empty else dict(tuple(told.groupby("claim")["verdict"]))
    return Asked(
        manifest,
        {name: int(count.get((name, "evaluate"), 0)) for name in names},
        {name: int(count.get((name, "tune"), 0)) for name in names},
        frozenset(name for name in names if is_exact(runs, name)),
        frozenset(
            claim for claim, each in judged.items()
            if not each.isin(("INCONCLUSIVE", "NOT TESTED")).any()
        ),
    )  # fmt: skip
