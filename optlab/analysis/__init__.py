"""Tables to tables: which setting was best, when targets were met, what may be said of it.

Nothing here touches the disk or draws. Failures stay in every number: a run that never met a target
has the time +inf, a run that diverged has the loss +inf, and quantiles are taken with them.
"""

from optlab.analysis.answer import answer, finding, warnings
from optlab.analysis.bands import curve_bands, is_better_high, metrics
from optlab.analysis.censored import clopper_pearson, quantile
from optlab.analysis.counts import completeness, stability
from optlab.analysis.edge import edge_sentence, stability_edges
from optlab.analysis.sensitivity import rate_name, rate_sensitivity, stability_limit
from optlab.analysis.settings import at_best, best_settings, final_loss, setting
from optlab.analysis.times import is_exact, time_to_target

__all__ = [
    "answer",
    "at_best",
    "best_settings",
    "clopper_pearson",
    "completeness",
    "curve_bands",
    "edge_sentence",
    "final_loss",
    "finding",
    "is_better_high",
    "is_exact",
    "metrics",
    "quantile",
    "rate_name",
    "rate_sensitivity",
    "setting",
    "stability",
    "stability_edges",
    "stability_limit",
    "time_to_target",
    "warnings",
]
