"""Changed copies of annotated passages: other names, numbers, verbs and nouns, and the faults of bureau documents.

In: ``Passage``s and a seed. Out: copies that pass the corpus checks; spans, facts, values and clause roles are carried
along. A copy is made in steps; each step proposes ``Edit``s, and ``edited`` alone moves offsets. Words, patterns and
chances are in ``configs/augment.toml``. Not for: gold data; a copy is true to the labels, not to the world.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import chain
from random import Random
from typing import TypeVar

from pydantic import Field

from zongjie.corpus import GoldError, Passage, Tag
from zongjie.gazetteer import PlacesTable
from zongjie.ontology import Table, either, load_table, load_words, read_config
from zongjie.record import EntityType, Value
from zongjie.training.edits import Edit, edited, revalued

_TRIES = 8  # draws for one copy, until it differs and is valid
_NUMBER_TRIES = 8  # draws for one number, until it keeps its form
_LONGEST_PLACE = 15  # characters of the longest name of an area
_TELLING = 3  # characters: a shorter name may be another word where no span says what it is
_WHOLE = {"%": Decimal(100), "": Decimal(1)}  # by unit: what a share is a share of


class _Places(Table):
    masked: float
    masks: tuple[str, ...]
    town: str


class _Schools(Table):
    composed: float
    core_ends: str
    cores: tuple[str, ...]
    ordinals: tuple[str, ...]
    patterns: dict[str, tuple[str, ...]]


class _Numbers(Table):
    rows: tuple[str, ...]
    spoken: str
    spoken_to: str
    fixed: str
    years: int
    year: str


class _Facts(Table):
    exchanged: float
    arriving: str


class _Pair(Table):
    marks: str = Field(alias="from")
    to: tuple[tuple[str, str], ...]


class _Noise(Table):
    respellings: tuple[dict[str, str], ...]
    marks: str
    marks_lost: float
    confused: float
    pairs: tuple[_Pair, ...]
    confusions: dict[str, str]


class AugmentTable(Table):
    """Shape of ``configs/augment.toml``; the file says what each entry is for."""

    chances: dict[str, float]
    places: _Places
    schools: _Schools
    numbers: _Numbers
    facts: _Facts
    noise: _Noise


@cache
def _table() -> AugmentTable:
    return load_table("augment.toml", AugmentTable)


# ---- What may take the place of what --------------------------------------------------------------------------------

K = TypeVar("K", bound=Hashable)


def _grouped(pairs: Iterable[tuple[K, str]]) -> dict[K, tuple[str, ...]]:
    """Group words by key, each word once, in order."""
    groups: dict[K, dict[str, None]] = defaultdict(dict)
    for key, word in pairs:
        groups[key][word] = None
    return {key: tuple(words) for key, words in groups.items()}


def _other(rng: Random, words: Sequence[str], than: str) -> str | None:
    """Draw a word that is not the one given."""
    others = [word for word in words if word != than]
    return rng.choice(others) if others else None


@dataclass(frozen=True, slots=True)
class _Pools:
    """The words of all passages, by what may be exchanged for one another."""

    schools: Mapping[str, Sequence[str]]
    programs: Mapping[tuple[str, str], Sequence[str]]
    said: Mapping[Hashable, Sequence[str]]

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> _Pools:
        """Take the words from some passages."""
        tags = [tag for passage in passages for tag in passage.entities]
        return cls(
            _grouped((_school_shape(tag.text), tag.text) for tag in tags if tag.type == "SCHOOL"),
            _grouped((_program_shape(tag.text), tag.text) for tag in tags if tag.type == "PROGRAM"),
            _grouped((key, tag.text) for passage in passages for tag, key in _uses(passage)),
        )


def _school_shape(name: str) -> str:
    """Give the end of a name that says what kind of school it is; a brand has none."""
    if name.endswith(load_words("school_heads.txt")):
        return name[-2:]
    return name[-1] if re.search(_table().schools.core_ends, name) else ""


def _program_shape(name: str) -> tuple[str, str]:
    """Give the marks around a name, or its last characters where none closes it."""
    marks = "".join(pair.marks for pair in _table().noise.pairs)
    return name[0] if name[0] in marks else "", name[-1] if name[-1] in marks else name[-2:]


def _uses(passage: Passage) -> Iterator[tuple[Tag, Hashable]]:
    """Yield each ACTION and METRIC that may be exchanged, with how it is used: order, unit, status, kind, clause role.

    A METRIC keeps its last character. Left out are verbs of arrival and of change, and spans that hold others or lie in
    one.
    """
    tags = {tag.id: tag for tag in passage.entities}
    uses: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for claim in passage.facts:
        parts = {"number": claim.number, **claim.links()}
        order = sorted(
            parts.keys() & {"number", "metric", "action", "program"}, key=lambda role: tags[parts[role]].start
        )
        for role in parts.keys() & {"metric", "action"}:
            uses[parts[role]].add((claim.kind, claim.status, claim.value.unit, *order))
    arriving = re.compile(_table().facts.arriving)
    for id_, used in uses.items():
        tag = tags[id_]
        moves = arriving.search(tag.text) or any(kind in ("up", "down") for kind, *_ in used)
        alone = all(o is tag or o.end <= tag.start or tag.end <= o.start for o in passage.entities)
        if alone and not (tag.type == "ACTION" and moves):
            clause = next(clause for clause in passage.clauses if tag.start < clause.end)
            head = tag.text[-1] if tag.type == "METRIC" else ""
            yield tag, (tag.type, head, frozenset(used), clause.role)


# ---- Names ----------------------------------------------------------------------------------------------------------


class _Gazetteer:
    """The areas of ``lexicon/places.csv``: their names, full and short, and which are of one kind."""

    def __init__(self) -> None:
        words = load_table("places.toml", PlacesTable).names
        unit = re.compile(f"(?:{either(words.peoples)}*)({either(words.units)})$")
        self.names = {
            row["code"]: row["name"] for row in csv.DictReader(read_config("lexicon/places.csv").splitlines())
        }
        self.units: dict[str, str] = {}
        self.shorts: dict[str, str] = {}
        for code, name in self.names.items():
            # searched from the third character: a short form has at least two
            if found := unit.search(name, 2):
                self.units[code] = found[1]
                if name[: found.start()] not in words.common:
                    self.shorts[code] = name[: found.start()]
        surfaces = [*self.names.items(), *self.shorts.items()]
        self.codes = _grouped((name, code) for code, name in surfaces if name not in words.common)
        self.peers = _grouped(((len(code), unit), code) for code, unit in self.units.items())

    def scan(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where names stand in a text, the longest at each place."""
        at = 0
        while at < len(text):
            ends = range(min(len(text), at + _LONGEST_PLACE), at + 1, -1)
            end = next((end for end in ends if text[at:end] in self.codes), None)
            if end is not None:
                yield at, end
            at = end or at + 1

    def prefix(self, name: str) -> str:
        """Give the areas with which a name begins."""
        end = 0
        for start, stop in self.scan(name):
            if start != end:
                break
            end = stop
        return name[:end]

    def draw(self, rng: Random, code: str, drawn: Mapping[str, str]) -> str:
        """Draw an area of the same level and unit; one below an area that is drawn already lies below its stand-in."""
        upper = next((drawn[code[:n]] for n in (4, 2) if n < len(code) and code[:n] in drawn), "")
        alike = [peer for peer in self.peers.get((len(code), self.units.get(code, "")), ()) if peer.startswith(upper)]
        below = [peer for peer in self.names if len(peer) == len(code) and peer.startswith(upper)]
        return rng.choice(alike or below or [code])


@cache
def _gazetteer() -> _Gazetteer:
    return _Gazetteer()


def _replaced(passage: Passage, names: Mapping[str, str], inside: EntityType | None = None) -> list[Edit]:
    """Propose to replace names wherever they stand, or in spans of one type only."""
    if not names:
        return []
    ranges = [(t.start, t.end) for t in passage.entities if t.type == inside] if inside else [(0, len(passage.text))]
    pattern = re.compile(either(names))
    return [Edit(*m.span(), names[m[0]]) for start, end in ranges for m in pattern.finditer(passage.text, start, end)]


def _areas(passage: Passage) -> dict[str, str]:
    """Find the named areas that a passage speaks of: code by surface, the upper areas first.

    A name of two characters counts in a PLACE and at the head of a SCHOOL, where it can be no other word.
    """
    gazetteer = _gazetteer()
    heads = {t.start: t.start + len(gazetteer.prefix(t.text)) for t in passage.entities if t.type == "SCHOOL"}
    sure = [*heads.items(), *((t.start, t.end) for t in passage.entities if t.type == "PLACE")]
    found: dict[str, str] = {}
    for start, end in gazetteer.scan(passage.text):
        surface = passage.text[start:end]
        if len(surface) >= _TELLING or any(s <= start and end <= e for s, e in sure):
            codes = gazetteer.codes[surface]
            found[surface] = next((c for c in codes if c.startswith(tuple(found.values()))), codes[0])
    return dict(sorted(found.items(), key=lambda item: len(item[1])))


def _places(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Name other areas of the same kind, or mask them; the areas keep their order of rank, short forms follow."""
    table, gazetteer = _table(), _gazetteer()
    drawn: dict[str, str] = {}
    names: dict[str, str] = {}
    for code in dict.fromkeys(_areas(passage).values()):
        drawn[code] = gazetteer.draw(rng, code, drawn)
        full, short = gazetteer.names[code], gazetteer.shorts.get(code, "")
        new = gazetteer.names[drawn[code]]
        names[full] = new
        if short:
            names[short] = gazetteer.shorts.get(drawn[code], new)
        told_in_full = not short or passage.text.count(short) == passage.text.count(full)
        if told_in_full and len(code) > 2 and rng.random() < table.places.masked:
            names[full] = rng.choice(table.places.masks) + gazetteer.units.get(code, "")[-1:]
    town = re.compile(rf"(?:.*[{''.join(sorted({u[-1] for u in gazetteer.units.values()}))}])?{table.places.town}$")
    for tag in passage.entities:
        found = town.match(tag.text) if tag.type == "PLACE" else None
        if found and tag.text[found.start("stem") :] not in gazetteer.codes:
            names[found["stem"] + found["unit"]] = rng.choice(table.schools.cores) + found["unit"]
    return _replaced(passage, names)


def _core(name: str) -> str:
    """Give the distinctive part of a school's name, without its place and its kind; empty if it has none."""
    rest = name.removeprefix(_gazetteer().prefix(name))
    found = re.search(_table().schools.core_ends, rest)
    core = rest[: found.start()] if found else rest
    return core if len(core) > 1 else ""


def _schools(passage: Passage, rng: Random, pools: _Pools) -> list[Edit]:
    """Give schools other names; names that share a part (a school and its short name) get another such part."""
    cores = {tag.text: _core(tag.text) for tag in passage.entities if tag.type == "SCHOOL"}
    anywhere: dict[str, str] = {}
    inside: dict[str, str] = {}
    for name, core in cores.items():
        others = cores.items() - {(name, core)}
        if any(name in o or o in name or (core and core in o) or (c and c in name) for o, c in others):
            shared = min((c for c in cores.values() if c and c in core), key=len, default="")
            if shared:
                inside.setdefault(shared, rng.choice(_table().schools.cores))
        elif new := _school(name, rng, pools):
            (anywhere if len(name) > _TELLING else inside)[name] = new
    return [*_replaced(passage, anywhere), *_replaced(passage, inside, "SCHOOL")]


def _school(name: str, rng: Random, pools: _Pools) -> str | None:
    """Compose a school's name of the same kind, at the same place, or draw one."""
    table, shape = _table().schools, _school_shape(name)
    if shape in table.patterns and rng.random() < table.composed:
        pattern = rng.choice(table.patterns[shape])
        return _gazetteer().prefix(name) + pattern.format(core=rng.choice(table.cores), n=rng.choice(table.ordinals))
    return _other(rng, pools.schools[shape], name)


def _programs(passage: Passage, rng: Random, pools: _Pools) -> list[Edit]:
    """Give programmes the names of others that are quoted alike or end alike."""
    names: dict[str, str] = {}
    for tag in passage.entities:
        if tag.type == "PROGRAM" and tag.text not in names:
            new = _other(rng, pools.programs.get(_program_shape(tag.text), ()), tag.text)
            names |= {tag.text: new} if new else {}
    told = {name: new for name, new in names.items() if len(name) > _TELLING}
    return [*_replaced(passage, told), *_replaced(passage, names, "PROGRAM")]


# ---- Numbers, years, verbs and nouns --------------------------------------------------------------------------------


def _numbers(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Change numbers whose words alone say their value; none passes the number that it is based on."""
    values = {claim.number: claim.value for claim in passage.facts}
    new: dict[str, tuple[str, Value]] = {}
    for tag in passage.entities:
        for _try in range(_NUMBER_TRIES if tag.id in values else 0):
            surface = _redrawn(rng, tag.text)
            value = revalued(values[tag.id], tag.text, surface)
            if value and surface != tag.text and _alike(values[tag.id], value):
                new[tag.id] = (surface, value)
                break

    def now(id_: str) -> Decimal:
        return _most(new[id_][1] if id_ in new else values[id_])

    pairs = [(c.number, c.base) for c in passage.facts if c.base and values[c.base].unit == c.value.unit]
    # what is put back may turn another pair round
    while turned := [(a, b) for a, b in pairs if (_most(values[a]) < _most(values[b])) != (now(a) < now(b))]:
        for id_ in chain.from_iterable(turned):
            new.pop(id_, None)
    return [Edit(tag.start, tag.end, new[tag.id][0]) for tag in passage.entities if tag.id in new]


def _redrawn(rng: Random, surface: str) -> str:
    """Change the digits of a number."""
    table = _table().numbers
    head = re.match(table.fixed, surface)
    kept = head.end() if head else 0
    rows = (*((row, row) for row in table.rows), (table.spoken, table.spoken_to))
    drawn = (next((rng.choice(to) for row, to in rows if c in row), c) for c in surface[kept:])
    return surface[:kept] + "".join(drawn)


def _most(value: Value) -> Decimal:
    """Give the larger side of a value."""
    return max(side for side in (value.low, value.high) if side is not None)


def _alike(old: Value, new: Value) -> bool:
    """Tell whether a new value is of the kind of the old: a share stays one, a range stays in order."""
    ordered = new.flag != "-" or new.low is None or new.high is None or new.low < new.high
    limit = _WHOLE.get(old.unit)
    return ordered and (limit is None or not _most(old) <= limit < _most(new))


def _years(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Move the years that the TIMEs name, wherever they stand outside of a NUMBER, all by the same."""
    table = _table().numbers
    by = rng.choice([n for n in range(-table.years, table.years + 1) if n])
    year = re.compile(table.year)
    dated = {y for tag in passage.entities if tag.type == "TIME" for y in year.findall(tag.text)}
    numbers = {at for tag in passage.entities if tag.type == "NUMBER" for at in range(tag.start, tag.end)}
    found = [m for m in year.finditer(passage.text) if m[0] in dated and m.start() not in numbers]
    return [Edit(*m.span(), str(int(m[0]) + by)) for m in found]


def _actions(passage: Passage, rng: Random, pools: _Pools) -> list[Edit]:
    """Exchange verbs for others that are used alike."""
    return _exchanged(passage, rng, pools, "ACTION")


def _metrics(passage: Passage, rng: Random, pools: _Pools) -> list[Edit]:
    """Exchange nouns for others that are used alike."""
    return _exchanged(passage, rng, pools, "METRIC")


def _exchanged(passage: Passage, rng: Random, pools: _Pools, type_: EntityType) -> list[Edit]:
    edits: list[Edit] = []
    for tag, use in _uses(passage):
        if tag.type == type_ and rng.random() < _table().facts.exchanged:
            new = _other(rng, pools.said.get(use, ()), tag.text)
            edits += [Edit(tag.start, tag.end, new)] if new else []
    return edits


# ---- The faults of documents ----------------------------------------------------------------------------------------


def _each(text: str, to: Mapping[str, str]) -> list[Edit]:
    """Propose to replace characters, but no mark in the midst of a number or a code."""
    return [
        Edit(at, at + 1, to[c])
        for at, c in enumerate(text)
        if c in to and (c.isalnum() or not (_is_code(text[at - 1 : at]) and _is_code(text[at + 1 : at + 2])))
    ]


def _is_code(c: str) -> bool:
    return c.isascii() and c.isalnum()


def _respelling(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Write marks, digits or letters in another width, all over the passage."""
    first, second = rng.sample(_table().noise.respellings, 2)
    return _each(passage.text, first | second if rng.random() < 1 / 2 else first)


def _lost_marks(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Lose some commas and full stops."""
    noise = _table().noise
    return [e for e in _each(passage.text, dict.fromkeys(noise.marks, "")) if rng.random() < noise.marks_lost]


def _lost_pairs(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Garble or lose the quotation marks, or the marks around titles."""
    present = [pair for pair in _table().noise.pairs if pair.marks[0] in passage.text]
    if not present:
        return []
    pair = rng.choice(present)
    return _each(passage.text, dict(zip(pair.marks, rng.choice(pair.to), strict=True)))


def _confusions(passage: Passage, rng: Random, _: _Pools) -> list[Edit]:
    """Mistake a few characters outside of spans, as scanning does."""
    noise = _table().noise
    taken = {at for tag in passage.entities for at in range(tag.start, tag.end)}
    edits = _each(passage.text, noise.confusions)
    return [edit for edit in edits if edit.start not in taken and rng.random() < noise.confused]


# ---- Copies ---------------------------------------------------------------------------------------------------------

_STEPS: dict[str, Callable[[Passage, Random, _Pools], list[Edit]]] = {
    "places": _places,
    "schools": _schools,
    "programs": _programs,
    "numbers": _numbers,
    "years": _years,
    "actions": _actions,
    "metrics": _metrics,
    # last, since the steps above look for what is spelt well
    "respelling": _respelling,
    "lost_marks": _lost_marks,
    "lost_pairs": _lost_pairs,
    "confusions": _confusions,
}


def _changed(passage: Passage, rng: Random, pools: _Pools) -> Passage:
    """Take a passage through a random choice of the steps."""
    chances = _table().chances
    for name, step in _STEPS.items():
        if rng.random() < chances[name]:
            passage = edited(passage, step(passage, rng, pools)) or passage
    return passage


def _copy(passage: Passage, rng: Random, pools: _Pools, id_: str) -> Passage | None:
    """Make a copy that differs and is valid, or ``None`` if some draws give none."""
    for _ in range(_TRIES):
        copy = _changed(passage, rng, pools)
        if copy.text == passage.text:
            continue
        try:
            return Passage.from_dict(copy.to_dict() | {"id": id_})
        except GoldError:
            continue
    return None


def augmented(passages: Sequence[Passage], *, copies: int, seed: int) -> list[Passage]:
    """Make changed copies of passages.

    Args:
        passages: Valid passages; the words of all of them are the pool from which each is changed.
        copies: How many copies of each passage.
        seed: Seed of chance; a copy depends on it, on its passage's id, and on the pool.

    Returns:
        The copies in the order of their passages, ``+1``, ``+2`` … after the ids. Each differs from its passage and
        passes the checks of ``Passage.from_dict``; a passage in which nothing can change has none.
    """
    pools = _Pools.of(passages)
    drawn = (
        _copy(passage, Random(f"{seed}/{passage.id}/{n}"), pools, f"{passage.id}+{n}")
        for passage in passages
        for n in range(1, copies + 1)
    )
    return [copy for copy in drawn if copy is not None]
