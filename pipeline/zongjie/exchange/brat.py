"""brat: a folder with a ``.txt`` and an ``.ann`` for each passage, and the configuration beside them.

In: suggestions, or such a folder as brat leaves it. Out: the other. A span is a ``T`` line, a link an ``R`` line,
status and kind ``A`` lines, a value the annotator's note on its NUMBER (a ``#`` line); a clause is a ``T`` line
``CLAUSE_M``. ``passages.jsonl`` keeps the ids of the passages, for names of files cannot hold them all.

Offsets are code points, as brat's server counts. No line may be broken in an ``.ann``, so a span that holds a line
break is written in pieces; one that begins or ends with one cannot be. Format: https://brat.nlplab.org/standoff.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import simplejson

from zongjie.corpus import GoldError, read_utf8
from zongjie.exchange.doccano import CLAUSE
from zongjie.exchange.sheets import (
    KINDS,
    NUMBER,
    ROLES,
    STATUSES,
    TYPES,
    Arc,
    Label,
    Mark,
    Sheet,
    Suggestion,
    to_sheet,
)
from zongjie.layers import LINK_TYPES, LINKS
from zongjie.looks import looks

INDEX: Final = "passages.jsonl"
CONFIG: Final = "annotation.conf"
_STATUS, _KIND, _NOTE = "Status", "Kind", "AnnotatorNotes"
_LABELS: Final[dict[str, Label]] = {
    **{type_: type_ for type_ in TYPES},
    **{f"{CLAUSE}_{role}": role for role in ROLES},
}
_NAMES: Final = {label: name for name, label in _LABELS.items()}


def write(suggestions: Sequence[Suggestion], path: Path) -> None:
    """Write a folder that is ready to be put into brat's ``data``.

    Args:
        suggestions: What to write, in order.
        path: The folder.

    Raises:
        GoldError: If a span begins or ends with a line break, or a value cannot be written.
    """
    path.mkdir()
    index = []
    for number, suggestion in enumerate(suggestions, 1):
        sheet = to_sheet(suggestion.passage)
        name = f"{number:05d}"
        index.append(simplejson.dumps({"file": name, "id": sheet.id, "source": sheet.source}, ensure_ascii=False))
        _write(path / f"{name}.txt", sheet.text)
        _write(path / f"{name}.ann", "".join(f"{line}\n" for line in _lines(sheet)))
    _write(path / INDEX, "".join(f"{line}\n" for line in index))
    _write(path / CONFIG, _annotation_conf())
    _write(path / "visual.conf", _visual_conf())


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode())  # no line end is changed


def _lines(sheet: Sheet) -> Iterator[str]:
    ids: dict[str, str] = {}
    said: list[tuple[str, str, str]] = []
    for number, mark in enumerate(sheet.marks, 1):
        ids[mark.key] = id_ = f"T{number}"
        pieces = _pieces(sheet, mark)
        places = ";".join(f"{start} {end}" for start, end in pieces)
        quoted = " ".join(sheet.text[start:end] for start, end in pieces)
        yield f"{id_}\t{_NAMES[mark.label]} {places}\t{quoted}"
        said += [(name, id_, word) for name, word in ((_STATUS, mark.status), (_KIND, mark.kind)) if word]
        if mark.value:
            said.append((_NOTE, id_, mark.value))
    for number, arc in enumerate(sheet.arcs, 1):
        yield f"R{number}\t{arc.role} Arg1:{ids[arc.source]} Arg2:{ids[arc.target]}"
    for number, (name, id_, word) in enumerate(said, 1):
        yield f"#{number}\t{name} {id_}\t{word}" if name == _NOTE else f"A{number}\t{name} {id_} {word}"


def _pieces(sheet: Sheet, mark: Mark) -> list[tuple[int, int]]:
    """Cut a span at its line breaks: at all that brat's reading of lines takes for one."""
    pieces = []
    at = mark.start
    for line in sheet.text[mark.start : mark.end].splitlines(keepends=True):
        bare = line.splitlines()[0]
        if bare:
            pieces.append((at, at + len(bare)))
        at += len(line)
    if not pieces or (pieces[0][0], pieces[-1][1]) != (mark.start, mark.end):
        quoted = sheet.text[mark.start : mark.end]
        said = f"passage {sheet.id}: the span {quoted!r} begins or ends with a line break, which brat cannot show"
        raise GoldError(f"{said}. Use another format.")
    return pieces


def _annotation_conf() -> str:
    numbers = (
        f"{name}\tArg:{NUMBER}, Value:{'|'.join(words)}" for name, words in ((_STATUS, STATUSES), (_KIND, KINDS))
    )
    relations = (f"{role}\tArg1:{NUMBER}, Arg2:{LINK_TYPES.get(role, role.upper())}" for role in LINKS)
    overlap = "<OVERLAP>\tArg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>"
    lines = [
        "[entities]",
        *_LABELS,
        "",
        "[relations]",
        overlap,
        *relations,
        "",
        "[events]",
        "",
        "[attributes]",
        *numbers,
    ]
    return "\n".join(lines) + "\n"


def _visual_conf() -> str:
    look = looks()
    names = [f"{type_} | {look.names[type_].zh} | {look.names[type_].en}" for type_ in TYPES]
    colors = [f"{type_}\tbgColor:{look.colors[type_].light.tint}" for type_ in TYPES]
    return "\n".join(["[labels]", *names, "", "[drawing]", *colors]) + "\n"


def read(path: Path) -> Iterator[tuple[str, Sheet | None]]:
    """Read a folder back.

    Args:
        path: The folder; each ``.txt`` in it that has an ``.ann`` is a passage.

    Yields:
        Where it stands, for messages, and the sheet.

    Raises:
        GoldError: If the folder has no annotations, or a line is not as brat writes it.
    """
    texts = sorted(file for file in path.glob("*.txt") if file.with_suffix(".ann").is_file()) if path.is_dir() else []
    if not texts:
        raise GoldError(f"{path}: no .txt with an .ann beside it. Name the folder that brat keeps its annotations in.")
    known = _index(path / INDEX)
    for file in texts:
        about = known.get(file.stem, {})
        text = read_utf8(file, whole=True)
        ann = file.with_suffix(".ann")
        marks, arcs = _Reader(f"{path.name}/{ann.name}", text).run(read_utf8(ann))
        id_, source = about.get("id", file.stem), about.get("source", path.name)
        yield f"{path.name}/{ann.name}", Sheet(id_, source, text, marks, arcs)


def _index(path: Path) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        rows = [simplejson.loads(line) for line in read_utf8(path).split("\n") if line.strip()]
        return {row["file"]: row for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise GoldError(f"{path}: not as zongjie wrote it: {error}. Restore it, or delete it.") from error


_TEXT_BOUND = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)(?:\t(.*))?", re.DOTALL)
_RELATION = re.compile(r"R\S*\t(\S+) Arg1:(\S+) Arg2:(\S+)\s*")
_ATTRIBUTE = re.compile(r"[AM]\S*\t(\S+) (\S+)(?: (\S+))?\s*")
_COMMENT = re.compile(r"#\S*\t(\S+) (\S+)\t(.*)", re.DOTALL)


class _Reader:
    """The lines of one ``.ann``."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.bound: dict[str, tuple[str, int, int]] = {}
        self.said: dict[tuple[str, str], str] = {}
        self.arcs: list[Arc] = []

    def run(self, ann: str) -> tuple[tuple[Mark, ...], tuple[Arc, ...]]:
        for number, line in enumerate(ann.split("\n"), 1):
            try:
                self._line(line.removesuffix("\r"))
            except GoldError as error:
                raise GoldError(f"{self.name}:{number}: {error}") from None
        return tuple(self._mark(key, *place) for key, place in self.bound.items()), tuple(self.arcs)

    def _line(self, line: str) -> None:
        if found := _TEXT_BOUND.fullmatch(line):
            self._bind(*found.groups())
        elif found := _RELATION.fullmatch(line):
            self.arcs.append(Arc(found[2], found[3], found[1]))
        elif found := _ATTRIBUTE.fullmatch(line):
            self.said[found[2], found[1]] = found[3] or ""
        elif found := _COMMENT.fullmatch(line):
            if found[1] == _NOTE:
                self.said[found[2], _NOTE] = found[3].strip()
        elif line.strip():
            raise GoldError(f"{line[:40]!r} is no T, R, A or # line; delete it, for nothing else is used here.")

    def _bind(self, key: str, name: str, places: str, quoted: str | None) -> None:
        pieces = [(int(start), int(end)) for start, end in (place.split() for place in places.split(";"))]
        start, end = pieces[0][0], pieces[-1][1]
        if name not in _LABELS:
            raise GoldError(f"{name} is no type of span; expected one of {', '.join(_LABELS)}.")
        if quoted is not None and quoted.split() != " ".join(self.text[slice(*piece)] for piece in pieces).split():
            raise GoldError(f"{key} quotes {quoted!r}, which is not what stands there. Was the .txt changed?")
        if any(self.text[one[1] : other[0]].strip() for one, other in pairwise(pieces)):
            raise GoldError(f"{key} is in pieces with text between them; mark one piece.")
        self.bound[key] = name, start, end

    def _mark(self, key: str, name: str, start: int, end: int) -> Mark:
        words: dict[str, Any] = {}
        for attribute, known in ((_STATUS, STATUSES), (_KIND, KINDS)):
            word = self.said.get((key, attribute))
            if word not in (None, *known):
                raise GoldError(f"{self.name}: {key}: {attribute} is {word!r}; expected {' or '.join(known)}.")
            words[attribute] = word
        value = self.said.get((key, _NOTE)) if name == NUMBER else None
        return Mark(key, _LABELS[name], start, end, words[_STATUS], words[_KIND], value or None)
