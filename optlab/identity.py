"""Whose machine this is, looked for in files that are to be sent to somebody who should not know."""

from __future__ import annotations

import getpass
import gzip
import html
import io
import os
import re
import socket
import unicodedata
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Identity", "of_this_machine"]

_NOBODY = frozenset((
    "root", "user", "users", "admin", "administrator", "ubuntu", "debian", "runner", "jovyan", "nobody",
    "home", "localhost", "host", "machine", "test", "guest", "work", "local", "default", "server",
))  # fmt: skip
"""Names that say nothing of anybody."""
_SHORTEST = 3
"""Letters of a name that can be told from chance."""
_HOMES = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2})[^\s/\\\"'<>:|*?]+|(?<![\w.])/root/[^\s\"'<>]*"
)
"""A home folder of anybody, on this system or another."""


@dataclass(frozen=True)
class Identity:
    """`paths` are folders of this machine; `names` are those of its user and its own."""

    paths: tuple[str, ...]
    names: tuple[str, ...]

    def without(self, text: str) -> str:
        """`text` with `~` for each folder and `someone` for each name."""
        for path in self.paths:
            text = text.replace(path, "~")
        text = _HOMES.sub("~", text)
        return self._word.sub("someone", text) if self.names else text

    def found(self, file: str, content: bytes) -> list[str]:
        """Where something of it stands in `content`, one line each: `file: 'name'`, with the line of a
        text. What is packed within is looked through too."""
        out = []
        for text in _texts(file, content):
            for match in self._seen(text):
                line = text.count("\n", 0, match.start()) + 1
                out.append(
                    f"{file}:{line}: '{match[0]}'" if _is_text(file) else f"{file}: '{match[0]}'"
                )
        return list(dict.fromkeys(out))

    def _seen(self, text: str) -> Iterator[re.Match[str]]:
        for path in self.paths:
            yield from re.finditer(re.escape(path), text)
        yield from _HOMES.finditer(text)
        if self.names:
            yield from self._word.finditer(text)

    @property
    def _word(self) -> re.Pattern[str]:
        """A name as a word of its own, however it is spelled."""
        names = "|".join(re.escape(name) for name in sorted(self.names, key=len, reverse=True))
        return re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", re.IGNORECASE)


def of_this_machine(folders: Iterable[Path] = (), words: Iterable[str] = ()) -> Identity:
    """The home folder, the user and the machine of who is asking, and `folders` of theirs. A name that
    is one of `words`, what a file calls its own things, cannot be told from them and is left out."""
    home = Path.home()
    places = {str(path) for p in (home, home.resolve(), *folders) for path in (p, p.absolute())}
    paths = sorted((p for p in places if len(Path(p).parts) > 2), key=len, reverse=True)
    host = socket.gethostname()
    known = {_user(), home.name, host, host.partition(".")[0], os.environ.get("USER", "")}
    common = _NOBODY | {word.lower() for word in words}
    names = {n for n in known if len(n) >= _SHORTEST and n.lower() not in common}
    return Identity(tuple(paths), tuple(sorted(names)))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a number without a name, as in some containers
        return ""


_TEXT_ENDS = (".txt", ".md", ".json", ".csv", ".yaml", ".yml", ".py", ".tex", ".html", ".svg")


def _is_text(file: str) -> bool:
    return file.lower().endswith(_TEXT_ENDS)


def _texts(file: str, content: bytes) -> Iterator[str]:
    """The content as text and whatever is packed in it, each as it is written and as it is meant."""
    for text in _written(file, content):
        forms = [text]
        if "\\u" in text:
            forms.append(re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text))
        forms += [html.unescape(form) for form in forms if "&" in form]
        # A letter and its accent may be two signs, as macOS has them in paths.
        yield from (unicodedata.normalize("NFC", form) for form in forms)


def _written(file: str, content: bytes) -> Iterator[str]:
    yield content.decode("utf-8", "replace")
    end = Path(file).suffix.lower()
    if end == ".parquet":
        yield from _columns(content)
    elif end == ".npz":
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            for name in inner.namelist():
                yield name
                yield _either(inner.read(name))
    elif end == ".pdf":
        for stream in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL):
            yield _inflated(stream[1]).decode("latin-1")
    elif end == ".gz":
        yield gzip.decompress(content).decode("utf-8", "replace")
    elif end in (".html", ".svg"):
        for packed in re.findall(rb"H4sI[A-Za-z0-9+/=]{60,}", content):
            unpacked = b64decode(packed + b"=" * (-len(packed) % 4))
            yield _inflated(unpacked, 31).decode("utf-8", "replace")


def _either(content: bytes) -> str:
    """Text of one byte a letter, or of four, as NumPy holds it."""
    return content.decode("utf-8", "replace") + "\n" + content.replace(b"\0", b"").decode("latin-1")


def _inflated(stream: bytes, window: int = 15) -> bytes:
    try:
        return zlib.decompressobj(window).decompress(stream)
    except zlib.error:  # a stream that is not packed stood in the file as it is
        return b""


def _columns(content: bytes) -> Iterator[str]:
    """Names, notes and texts of a table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(content))
    yield " ".join(file.schema_arrow.names)
    for key, value in (file.metadata.metadata or {}).items():
        yield f"{key.decode('utf-8', 'replace')} "
        if key != b"ARROW:schema":  # a binary form of the names above
            yield value.decode("utf-8", "replace")
    for i, field in enumerate(file.schema_arrow):
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            column = file.read([file.schema_arrow.names[i]]).column(0)
            yield "\n".join(
                str(value) for value in column.unique().to_pylist() if value is not None
            )
