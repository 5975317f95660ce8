"""Tables to tables: which setting was best, when targets were met, what may be said of it.

Nothing here touches the disk or draws. Failures stay in every number: a run that never met a target
has the time +inf, a run that diverged has the loss +inf, and quantiles are taken with them.
"""

from optlab.analysis.aggregate import aggregates, improvements, normal_scores
from optlab.analysis.answer import answer, finding
from optlab.analysis.bands import curve_bands, metrics
from optlab.analysis.calm import kinds_of_stability
from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.counts import completeness, stability
from optlab.analysis.crossings import crossings
from optlab.analysis.edge import edge_sentence, stability_edges
from optlab.analysis.landscape import landscape
from optlab.analysis.profiles import (
    medians,
    performance_profile,
    profile_scores,
    target_costs,
    two_solver_profiles,
)
from optlab.analysis.ranks import leave_one_out, rank_table, rank_test
from optlab.analysis.rates import rate_robustness
from optlab.analysis.runtime import LEVELS, data_profile, first_hits, runtime_shares, runtimes
from optlab.analysis.scores import scores
from optlab.analysis.sensitivity import rate_name, rate_sensitivity, stability_limit
from optlab.analysis.settings import (
    at_best,
    best_settings,
    final_loss,
    is_better_high,
    setting,
)
from optlab.analysis.times import is_exact, time_to_target
from optlab.analysis.tuning import tunability, tuning_curves
from optlab.analysis.warnings import warnings

__all__ = [
    "LEVELS",
    "aggregates",
    "answer",
    "at_best",
    "best_settings",
    "clopper_pearson",
    "completeness",
    "crossings",
    "curve_bands",
    "data_profile",
    "edge_sentence",
    "final_loss",
    "finding",
    "first_hits",
    "improvements",
    "is_better_high",
    "is_exact",
    "kinds_of_stability",
    "landscape",
    "leave_one_out",
    "medians",
    "metrics",
    "normal_scores",
    "performance_profile",
    "profile_scores",
    "quantile",
    "rank_table",
    "rank_test",
    "rate_name",
    "rate_robustness",
    "rate_sensitivity",
    "runtime_shares",
    "runtimes",
    "scores",
    "setting",
    "stability",
    "stability_edges",
    "stability_limit",
    "target_costs",
    "time_to_target",
    "tunability",
    "tuning_curves",
    "two_solver_profiles",
    "warnings",
]
