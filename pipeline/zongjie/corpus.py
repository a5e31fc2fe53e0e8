"""Annotated passages: the markup of the annotation guide (section 5), the gold rows, and the way between them.

In: markup or JSON rows. Out: ``Passage``, checked: a fault is a ``GoldError`` that names file, line and passage.
Not for: scoring (``score.py``) or reading documents (``readers/``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast, get_args

import simplejson
from pydantic import ValidationError

from zongjie.clauses import split_clauses
from zongjie.errors import ZongjieError
from zongjie.record import ClauseRole, EntityType, Flag, Kind, Range, Shape, Span, Status, Value

_TYPES: dict[str, EntityType] = {
    "S": "SCHOOL",
    "P": "PROGRAM",
    "M": "METRIC",
    "N": "NUMBER",
    "A": "ACTION",
    "T": "TIME",
    "G": "PLACE",
}
LETTERS = {type_: letter for letter, type_ in _TYPES.items()}
"""What the ids of each type's spans begin with."""
_LINKS = {"M": "metric", "A": "action", "T": "time", "G": "place", "S": "school", "P": "program", "N": "base"}
# Which sides a flag fills: low, high.
_SIDES: dict[Flag, tuple[bool, bool]] = {
    "=": (True, True),
    "~": (True, True),
    "-": (True, True),
    ">=": (True, False),
    ">": (True, False),
    "<=": (False, True),
    "<": (False, True),
}
_BRACKET = re.compile(r"<(?:([SPMNATG][1-9]\d*)\|)?|>")
_ID = re.compile(r"[SPMNATG][1-9]\d*")
_NUMERAL = re.compile(r"-?\d+(?:\.\d+)?")


class GoldError(ZongjieError):
    """An annotated passage is wrong; the message names file, line and passage and says what was expected."""


class Tag(Span):
    """A marked span; ``id`` is the letter of its type and a number, such as ``N1``."""

    id: str
    type: EntityType


class Claim(Shape):
    """A fact: a NUMBER, the spans that belong to it (ids of ``Tag``), and what it says."""

    number: str
    metric: str | None = None
    action: str | None = None
    time: str | None = None
    place: str | None = None
    school: str | None = None
    program: str | None = None
    base: str | None = None
    status: Status
    kind: Kind
    value: Value

    def links(self) -> dict[str, str]:
        """Give the ids of the linked spans by role, without ``number`` and without the empty roles."""
        return {role: id_ for role in _LINKS.values() if (id_ := getattr(self, role)) is not None}


class Clause(Range):
    """A clause and what it is for."""

    role: ClauseRole


class Passage(Shape):
    """One annotated passage. Offsets are half-open code points into ``text``.

    Attributes:
        id: Unique within a corpus.
        source: The document or file it comes from.
        text: The passage, character for character.
        entities: The spans, by position, an outer span before those in it.
        facts: At least one for every NUMBER.
        clauses: In order, with their roles.
    """

    id: str
    source: str
    text: str
    entities: tuple[Tag, ...]
    facts: tuple[Claim, ...]
    clauses: tuple[Clause, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give the gold row: plain values, numbers as ``Decimal``, roles of a fact that are empty left out."""
        entity_keys = ("id", "type", "start", "end", "text")
        return {
            "id": self.id,
            "source": self.source,
            "text": self.text,
            "entities": [{key: getattr(tag, key) for key in entity_keys} for tag in self.entities],
            "facts": [
                {
                    "number": claim.number,
                    **claim.links(),
                    "status": claim.status,
                    "kind": claim.kind,
                    "value": claim.value.model_dump(),
                }
                for claim in self.facts
            ],
            "clauses": [clause.model_dump() for clause in self.clauses],
        }

    def to_json(self) -> str:
        """Give the gold row as one line of JSON with exact numbers."""
        return simplejson.dumps(self.to_dict(), use_decimal=True, ensure_ascii=False)

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Passage:
        """Read a gold row and check it.

        Args:
            row: As ``to_dict`` gives it; numbers may be ``Decimal`` or ``int``.

        Returns:
            The passage.

        Raises:
            GoldError: If the row does not fit or contradicts itself; the message names the passage.
        """
        name = f"passage {row.get('id', '?')}"
        try:
            passage = cls.model_validate(row)
        except ValidationError as error:
            where = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise GoldError(f"{name}: {where}.") from error
        for problem in _problems(passage):
            raise GoldError(f"{name}: {problem}")
        return passage


def _problems(passage: Passage) -> Iterator[str]:
    """Say what contradicts itself in a passage that has the right shape."""
    tags = {tag.id: tag for tag in passage.entities}
    for id_, times in Counter(tag.id for tag in passage.entities).items():
        if times > 1:
            yield f"span {id_} stands {times} times; number the spans of a type from 1."
    for tag in passage.entities:
        if _TYPES.get(tag.id[:1]) != tag.type:
            yield f"span {tag.id} has type {tag.type}; the letter of its id says another."
        if passage.text[tag.start : tag.end] != tag.text or not tag.text:
            yield f"span {tag.id}: text[{tag.start}:{tag.end}] is not {tag.text!r}."
    yield from _crossings(passage.entities)
    for claim in passage.facts:
        yield from _claim_problems(claim, tags)
    for id_ in sorted({id_ for id_, tag in tags.items() if tag.type == "NUMBER"} - {c.number for c in passage.facts}):
        yield f"NUMBER {id_} ({tags[id_].text!r}) has no fact; give it one, or do not mark it."
    edges = [clause.start for clause in passage.clauses] + [len(passage.text)]
    if edges[0] != 0 or any(clause.end != edge for clause, edge in zip(passage.clauses, edges[1:], strict=True)):
        yield "the clauses do not cover the text one after another."


def _crossings(tags: Iterable[Tag]) -> Iterator[str]:
    """Say which spans overlap without one holding the other."""
    around: list[Tag] = []
    for tag in sorted(tags, key=lambda tag: (tag.start, -tag.end)):
        while around and around[-1].end <= tag.start:
            around.pop()
        if around and tag.end > around[-1].end:
            pair = f"{around[-1].text!r} and {tag.text!r}"
            yield f"spans {around[-1].id} and {tag.id} cross ({pair}); one must hold the other."
        around.append(tag)


def _claim_problems(claim: Claim, tags: dict[str, Tag]) -> Iterator[str]:
    """Say what is wrong in one fact: unknown ids, ids of the wrong type, sides that do not fit the flag."""
    wanted = {"number": ("NUMBER", claim.number)}
    wanted |= {role: (_TYPES[letter], claim.links()[role]) for letter, role in _LINKS.items() if role in claim.links()}
    for role, (type_, id_) in wanted.items():
        if id_ not in tags:
            yield f"the fact of {claim.number} names {id_} as its {role}, but no span has that id."
        elif tags[id_].type != type_:
            yield f"the fact of {claim.number} names {id_} as its {role}; expected a {type_}, not a {tags[id_].type}."
    if claim.base == claim.number:
        yield f"the fact of {claim.number} is its own base."
    yield from (f"the fact of {claim.number}: {problem}" for problem in _value_problems(claim.value))


def _value_problems(value: Value) -> Iterator[str]:
    """Say where the sides of a value do not fit its flag (annotation guide, section 4)."""
    filled = (value.low is not None, value.high is not None)
    if filled != _SIDES[value.flag]:
        wanted = " and ".join(side for side, used in zip(("LOW", "HIGH"), _SIDES[value.flag], strict=True) if used)
        yield f"flag {value.flag} wants {wanted}."
    elif value.flag in ("=", "~") and value.low != value.high:
        yield f"flag {value.flag} wants the same number twice, not {value.low} and {value.high}."
    elif value.low is not None and value.high is not None and value.flag == "-" and value.low >= value.high:
        yield f"a range wants LOW < HIGH, not {value.low} and {value.high}."


def parse_markup(text: str, *, source: str) -> list[Passage]:
    """Read passages in the markup of the annotation guide.

    Args:
        text: Passages one after another: ``#ID``, the marked text, the facts, ``roles …``. Blank lines between passages
            are skipped.
        source: What to call the file, in messages and in ``Passage.source``.

    Returns:
        The passages in order.

    Raises:
        GoldError: If anything is wrong; the message names source, line and passage.
    """
    passages: list[Passage] = []
    seen: set[str] = set()
    for lines in _blocks(text, source):
        at, header = lines[0]
        parser = _BlockParser(source, header[1:].strip())
        if not parser.id or parser.id in seen:
            raise parser.error(at, "the id is missing or stands twice; give every passage an id of its own.")
        seen.add(parser.id)
        passages.append(parser.parse(lines))
    return passages


def _blocks(text: str, source: str) -> Iterator[list[tuple[int, str]]]:
    """Cut markup into passages: numbered lines, the first of them ``#ID``, none blank."""
    block: list[tuple[int, str]] = []
    for at, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        # The line after #ID is the passage, even if it begins with #.
        if line.startswith("#") and len(block) != 1:
            if block:
                yield block
            block = []
        elif not block:
            raise GoldError(f"{source}:{at}: expected a line #ID, not {line[:20]!r}.")
        block.append((at, line))
    if block:
        yield block


class _BlockParser:
    """Reads the lines of one passage; knows what to call it in messages."""

    def __init__(self, source: str, id_: str) -> None:
        self.source = source
        self.id = id_

    def error(self, line: int, problem: str) -> GoldError:
        return GoldError(f"{self.source}:{line}: passage {self.id}: {problem}")

    def parse(self, lines: list[tuple[int, str]]) -> Passage:
        """Read ``#ID``, text, facts and roles, each line with its number in the file."""
        if len(lines) < 3 or lines[-1][1].split()[0] != "roles":
            raise self.error(lines[-1][0], "expected the text, the facts and last a line that begins with 'roles'.")
        text, tags = self._text(*lines[1])
        known = {tag.id: tag for tag in tags}
        facts = tuple(self._claim(at, line, known) for at, line in lines[2:-1])
        clauses = self._clauses(*lines[-1], text)
        passage = Passage(id=self.id, source=self.source, text=text, entities=tags, facts=facts, clauses=clauses)
        for problem in _problems(passage):
            raise self.error(lines[1][0], problem)
        return passage

    def _text(self, at: int, line: str) -> tuple[str, tuple[Tag, ...]]:
        """Take the marks out of the passage; spans come in the order in which they open."""
        pieces: list[str] = []
        length = done = 0
        opened: list[tuple[str, int, int]] = []  # id, start, rank among the openings
        found: list[tuple[int, Tag]] = []
        rank = 0
        for mark in _BRACKET.finditer(line):
            pieces.append(line[done : mark.start()])
            length += mark.start() - done
            done = mark.end()
            if mark[1]:
                opened.append((mark[1], length, rank))
                rank += 1
                continue
            if mark[0] == "<" or not opened:
                raise self.error(at, f"column {mark.start() + 1}: {mark[0]!r} neither opens nor closes a span.")
            id_, start, order = opened.pop()
            surface = "".join(pieces)[start:length]
            found.append((order, Tag(id=id_, type=_TYPES[id_[0]], start=start, end=length, text=surface)))
        if opened:
            raise self.error(at, f"span {opened[-1][0]} is not closed; expected '>'.")
        pieces.append(line[done:])
        return "".join(pieces), tuple(tag for _, tag in sorted(found, key=lambda pair: pair[0]))

    def _claim(self, at: int, line: str, tags: dict[str, Tag]) -> Claim:
        """Read a fact: ids in any order, the first N the NUMBER and the second its base; status, kind, value."""
        if len(words := line.split()) < 4:
            raise self.error(at, f"{line!r} is no fact; expected ids, status, kind and value.")
        *ids, status, kind, value = words
        roles: dict[str, str] = {}
        for id_ in ids:
            if not _ID.fullmatch(id_) or id_ not in tags:
                raise self.error(at, f"{id_!r} is no span of this passage; expected ids, status, kind and value.")
            role = _LINKS[id_[0]] if id_[0] != "N" or "number" in roles else "number"
            if role in roles:
                raise self.error(at, f"{roles[role]} and {id_} both stand as {role}; a fact links one span of a kind.")
            roles[role] = id_
        if "number" not in roles:
            raise self.error(at, "the fact has no NUMBER; expected ids, status, kind and value.")
        if status not in get_args(Status) or kind not in get_args(Kind):
            raise self.error(at, f"expected {get_args(Status)} and {get_args(Kind)}, not {status!r} and {kind!r}.")
        return Claim.model_validate({**roles, "status": status, "kind": kind, "value": self._value(at, value)})

    def _value(self, at: int, written: str) -> Value:
        try:
            return parse_value(written)
        except GoldError as error:
            raise self.error(at, str(error)) from None

    def _clauses(self, at: int, line: str, text: str) -> tuple[Clause, ...]:
        """Read the roles and lay them on the clauses of the text."""
        roles = line.split()[1:]
        if wrong := sorted(set(roles) - set(get_args(ClauseRole))):
            raise self.error(at, f"unknown role {', '.join(wrong)}; expected {' '.join(get_args(ClauseRole))}.")
        ranges = split_clauses(text)
        if len(ranges) != len(roles):
            shown = " / ".join(text[start:end] for start, end in ranges)
            raise self.error(at, f"{len(roles)} roles for {len(ranges)} clauses: {shown}")
        return tuple(
            Clause(start=start, end=end, role=cast(ClauseRole, role))
            for (start, end), role in zip(ranges, roles, strict=True)
        )


def parse_value(written: str) -> Value:
    """Read a value as the annotation guide writes it.

    Args:
        written: ``LOW|HIGH|UNIT|FLAG``, such as ``93||%|>=``.

    Returns:
        The value.

    Raises:
        GoldError: If it is written otherwise, or its sides do not fit its flag.
    """
    parts = written.split("|")
    if len(parts) != 4 or parts[3] not in get_args(Flag) or not all(_is_side(part) for part in parts[:2]):
        raise GoldError(f"bad value {written!r}; expected LOW|HIGH|UNIT|FLAG, such as 93||%|>=.")
    low, high = (Decimal(part) if part else None for part in parts[:2])
    value = Value(low=low, high=high, unit=parts[2], flag=cast(Flag, parts[3]))
    for problem in _value_problems(value):
        raise GoldError(f"bad value {written!r}: {problem}")
    return value


def _is_side(part: str) -> bool:
    """Whether a piece of a value is a plain decimal number or open."""
    return not part or _NUMERAL.fullmatch(part) is not None


def format_markup(passages: Iterable[Passage]) -> str:
    """Write passages in the markup of the annotation guide; ``parse_markup`` reads them back.

    Args:
        passages: Any passages whose clauses are those of ``split_clauses``; ``source`` is not written.

    Returns:
        The markup, a blank line between passages, a line feed at the end; empty for no passages.

    Raises:
        GoldError: If a text holds a character that the markup needs (``<``, ``>``, line feed).
    """
    return "\n".join(_format(passage) for passage in passages)


def _format(passage: Passage) -> str:
    """Write one passage, with a line feed at the end."""
    if found := sorted(set(passage.text) & set("<>\n\r")):
        raise GoldError(f"passage {passage.id}: the text holds {found}, which markup cannot show; write it as JSON.")
    facts = [
        " ".join([claim.number, *claim.links().values(), claim.status, claim.kind, format_value(claim.value)])
        for claim in passage.facts
    ]
    roles = " ".join(["roles", *(clause.role for clause in passage.clauses)])
    return "\n".join([f"#{passage.id}", _format_text(passage), *facts, roles]) + "\n"


def _format_text(passage: Passage) -> str:
    """Put the marks into the text: at one place first those that close, then those that open, the widest first."""
    opening: dict[int, list[Tag]] = {}
    for tag in sorted(passage.entities, key=lambda tag: -tag.end):
        opening.setdefault(tag.start, []).append(tag)
    closing = Counter(tag.end for tag in passage.entities)
    pieces: list[str] = []
    for at in range(len(passage.text) + 1):
        pieces.append(">" * closing[at])
        pieces.extend(f"<{tag.id}|" for tag in opening.get(at, ()))
        pieces.append(passage.text[at : at + 1])
    return "".join(pieces)


def format_value(value: Value) -> str:
    """Write a value as the annotation guide does; ``parse_value`` reads it back.

    Args:
        value: A value whose unit has no ``|``.

    Returns:
        ``LOW|HIGH|UNIT|FLAG``, the numbers plain and without trailing zeros.
    """
    sides = ("" if side is None else format(side.normalize(), "f") for side in (value.low, value.high))
    return "|".join([*sides, value.unit, value.flag])


def read_utf8(path: Path, *, whole: bool = False) -> str:
    """Read a file of annotations, its line breaks as they are.

    Args:
        path: The file.
        whole: Whether offsets count its byte order mark, which is otherwise left out.

    Returns:
        Its text.

    Raises:
        GoldError: If it is not UTF-8; offsets leave no room for a guess.
        OSError: If it cannot be opened.
    """
    try:
        return path.read_bytes().decode("utf-8" if whole else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise GoldError(f"{path}: not UTF-8: {error}. Save it as UTF-8.") from error


def read_gold(path: Path) -> list[Passage]:
    """Read annotated passages from a file or a folder.

    Args:
        path: A ``.jsonl`` of gold rows, a ``.txt`` of markup, or a folder of such files (read in name order).

    Returns:
        The passages in order.

    Raises:
        GoldError: If the path has none, or a passage is wrong, or two files share a passage id.
        OSError: If a file cannot be opened.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in _READERS)
        if not files:
            raise GoldError(f"{path}: no .jsonl and no .txt file in this folder; name one that has annotated passages.")
        passages = [passage for file in files for passage in read_gold(file)]
        if shared := [id_ for id_, times in Counter(p.id for p in passages).items() if times > 1]:
            raise GoldError(f"{path}: passage {shared[0]} stands in two files; ids must differ.")
        return passages
    if path.suffix not in _READERS:
        raise GoldError(f"{path}: expected a .jsonl of gold rows, a .txt of markup, or a folder of them.")
    return _READERS[path.suffix](path)


def _read_rows(path: Path) -> list[Passage]:
    """Read gold rows, one a line."""
    passages: list[Passage] = []
    seen: set[str] = set()
    for at, line in enumerate(read_utf8(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            passage = Passage.from_dict(simplejson.loads(line, use_decimal=True))
        except (simplejson.JSONDecodeError, GoldError) as error:
            raise GoldError(f"{path.name}:{at}: {error}") from error
        if passage.id in seen:
            raise GoldError(f"{path.name}:{at}: passage {passage.id}: the id stands twice.")
        seen.add(passage.id)
        passages.append(passage)
    return passages


def _read_markup(path: Path) -> list[Passage]:
    """Read a file of markup."""
    return parse_markup(read_utf8(path), source=path.stem)


_READERS = {".jsonl": _read_rows, ".txt": _read_markup}
