"""The README's pictures, from the reports: `make report`, then `python docs/pictures.py`."""

from pathlib import Path

import optlab
from optlab import figures

HERE = Path(__file__).parent
REPORTS = HERE.parent / "reports"

for name, experiment, problem, draw in (
    ("staying", "assignment-02", "true-gradient", figures.curves),
    ("edge", "learning-rates", "bowl", figures.sensitivity),
):
    figure = draw(optlab.load(REPORTS / experiment), [problem])
    (HERE / f"{name}.svg").write_text(figures.svg(figure), encoding="utf-8")
