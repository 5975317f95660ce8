"""The pictures of a page, drawn while its other parts are still computed, in processes beside this one; what has
not changed since the last report is not drawn again."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Iterable
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from typing import Any

from loky import get_reusable_executor

from optlab.figures.request import Drawn, draw, key
from optlab.files import write_text
from optlab.garbage import collect_seldom
from optlab.report.blocks import Picture
from optlab.startup import cores

__all__ = ["Studio", "dismiss"]

_FEW = 8
"""So many pictures are drawn before another process would be ready."""
_REST = 20  # seconds after which a process that has nothing to draw ends
_KEPT = ".drawn.json"


class Studio:
    """Pictures are asked for as they come up, and drawn at the latest by `finish`.

    `counted` is how many were really drawn. The bits of a picture do not depend on where it is drawn.
    Where nothing is known and `many` pictures are to come, the processes begin at once: they need
    seconds until they can draw.
    """

    def __init__(self, root: Path, workers: int | None = None, many: bool = False) -> None:
        self.root = root
        self.counted = 0
        self._workers = cores() - 1 if workers is None else workers
        self._known = _read(root / "figures" / _KEPT)
        self._waiting: list[Picture] = []
        self._away: list[tuple[Picture, Future[Drawn]]] = []
        self._keys: dict[str, str] = {}
        if many and not self._known and self._workers > 0:
            self._begin()

    def ask(self, pictures: Iterable[Picture]) -> None:
        """Take in pictures; those of an earlier report that would be the same are there at once."""
        for picture in pictures:
            if picture.request is None or picture.file in self._keys:
                continue
            self._keys[picture.file] = key(picture.request)
            if not self._found(picture):
                self._waiting.append(picture)
        if self._workers > 0 and len(self._waiting) + len(self._away) > _FEW:
            self._send()

    def finish(self) -> None:
        """Draw what is left, here too, and remember what each picture was made of."""
        try:
            while self._waiting:
                self._draw_here(self._waiting.pop())
            while self._away:
                # From the end, where nobody has begun, until the others meet us.
                picture, future = self._away.pop()
                if future.cancel():
                    self._draw_here(picture)
                else:
                    self._take(picture, future)
        except BaseException:
            for _, future in self._away:
                future.cancel()
            raise
        text = json.dumps({f: self._known[f] for f in sorted(self._keys)}, indent=1)
        if self._keys:
            write_text(self.root / "figures" / _KEPT, text)

    def _found(self, picture: Picture) -> bool:
        known = self._known.get(picture.file, {})
        path = self.root / picture.file
        if known.get("key") != self._keys[picture.file] or not path.is_file():
            return False
        text = path.read_text(encoding="utf-8", errors="replace")
        if _hash(text) != known.get("svg") or not isinstance(known.get("width"), int):
            return False
        picture.svg, picture.width = text, known["width"]
        return True

    def _begin(self) -> None:
        try:
            for _ in range(self._workers):
                _pool(self._workers).submit(_warm)
        except _NO_PROCESSES:
            self._workers = 0

    def _send(self) -> None:
        try:
            pool = _pool(self._workers)
            while self._waiting:
                picture = self._waiting[0]
                self._away.append((picture, pool.submit(draw, picture.request)))
                self._waiting.pop(0)
        except _NO_PROCESSES:  # all is drawn in this one
            self._workers = 0

    def _draw_here(self, picture: Picture) -> None:
        assert picture.request is not None
        try:
            self._keep(picture, draw(picture.request))
        except Exception as error:
            error.add_note(f"while drawing {picture.file}")
            raise

    def _take(self, picture: Picture, future: Future[Drawn]) -> None:
        try:
            drawn = future.result()
        except (
            RuntimeError
        ):  # a process that was ended from outside; a fault of the figure comes again
            self._draw_here(picture)
        else:
            self._keep(picture, drawn)

    def _keep(self, picture: Picture, drawn: Drawn) -> None:
        picture.svg, picture.width = drawn.svg, drawn.width
        self.counted += 1
        self._known[picture.file] = {
            "key": self._keys[picture.file], "svg": _hash(drawn.svg), "width": drawn.width,
        }  # fmt: skip


_NO_PROCESSES = (OSError, NotImplementedError, RuntimeError)


_pools: dict[str, Any] = {}


def _pool(workers: int) -> Any:
    _pools["now"] = get_reusable_executor(workers, timeout=_REST, initializer=_worker)
    return _pools["now"]


def dismiss(at_once: bool) -> None:
    """End the processes that draw, where there are any: once they have drawn what they were given, or `at_once`.
    One that is killed may leave something behind, of which its keeper would complain to the user."""
    if _pools:
        _pools.pop("now").shutdown(wait=True, kill_workers=at_once)


def _warm() -> None:
    """Have ready what drawing needs."""
    import_module("optlab.figures")


def _worker() -> None:
    # Ctrl-C reaches every process of a terminal; the one that was started says what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_seldom()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """What is remembered; nothing where the file is damaged, so that all is drawn again."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        {k: v for k, v in known.items() if isinstance(v, dict)} if isinstance(known, dict) else {}
    )
