"""A folder of results of which something is gone or cut off says what, and what makes it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_folder import write_folder
from typer.testing import CliRunner

from optlab import cli

NEEDED = ["runs.parquet", "curves.parquet"]
UNREAD = [("compare", name, "cut") for name in ("curves.parquet", "explained.json")]
HARMS = [
    (command, name, how)
    for command in ("report", "bundle", "compare")
    for name, how in [
        *((name, "gone") for name in NEEDED),
        *((name, "cut") for name in ["manifest.json", "explained.json", "pictures.npz", *NEEDED]),
    ]
    # A comparison opens neither curves, which must be there all the same, nor why runs ended oddly.
    if (command, name, how) not in UNREAD
]


@pytest.mark.parametrize(("command", "name", "how"), HARMS)
def test_what_is_wrong_is_told(tmp_path: Path, command: str, name: str, how: str) -> None:
    folder = write_folder(tmp_path / "small")
    (folder / "explained.json").write_text("[ ]", "utf-8")  # the small folder has none
    victim = folder / name
    if how == "gone":
        victim.unlink()
    else:
        victim.write_bytes(victim.read_bytes()[: victim.stat().st_size // 2])
    more = {"report": [], "bundle": ["--out", str(tmp_path / "b.zip")], "compare": [str(folder)]}
    told = CliRunner().invoke(cli.app, [command, str(folder), *more[command]])
    assert told.exit_code == 2, told.output
    said = " ".join(told.output.split())
    assert f"is not whole: {name} is {'missing' if how == 'gone' else 'damaged'}" in said, (
        told.output
    )
    assert "optlab run" in said
    assert not list(tmp_path.glob("*.zip"))
