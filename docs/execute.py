"""Run the notebook beside this file and keep what its cells put out: `python docs/execute.py`.

The notebook is stored with its outputs, so that it can be read where nothing runs, as on GitHub.
What is stored has no times of day, no counts and no folders of a machine.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

__all__ = ["NOTEBOOK", "executed"]

NOTEBOOK = Path(__file__).with_name("notebook.ipynb")


def executed(notebook: Path = NOTEBOOK, seconds: int = 300) -> NotebookNode:
    """The notebook run from its first cell in a fresh kernel. CellExecutionError where a cell fails;
    a cell may take `seconds`."""
    cells = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        cells, timeout=seconds, kernel_name="python3", record_timing=False, resources={}
    )
    return client.execute()


def write(cells: NotebookNode, notebook: Path = NOTEBOOK) -> None:
    """Store a notebook that was run."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    cells.metadata = NotebookNode(kernelspec=kernel, language_info={"name": "python"})
    nbformat.validate(cells)
    nbformat.write(cells, notebook)


if __name__ == "__main__":
    write(executed())
