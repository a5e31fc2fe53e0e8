"""How well extraction agrees with annotated passages: precision, recall and F1, layer by layer.

In: gold rows and predicted rows, one a passage. Out: ``Scores``: hits, false alarms and misses for each measure.
Not for: reading documents or extracting; give it what an ``Extractor`` made, or a file of records.

=============  ====================================================================================================
measure        what is one item
=============  ====================================================================================================
``span.TYPE``  a span of that type with the gold offsets; ``span.all`` is all of them together
``value``      a NUMBER with the gold offsets and the gold low, high, unit and flag
``fact.core``  NUMBER and METRIC with the gold offsets, the right value, status and kind
``fact.loose`` the same value, status and kind; the NUMBERs overlap, the METRICs share four fifths of their characters
``fact.full``  a fact that has every attribute and every link as in gold
``link.ROLE``  a pair of a NUMBER and the span that stands in that role
``role.X``     a gold clause of role X, against the role that covers more than half of it
``status``, ``kind``  a NUMBER and that attribute
=============  ====================================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import simplejson

from zongjie.text import Text

if TYPE_CHECKING:
    from zongjie.corpus import Passage
    from zongjie.record import Record

LINKS = ("metric", "action", "time", "place", "school", "program", "base")
STATEMENTS = {"measures": "M", "results": "R", "targets": "T", "issues": "I"}
OTHER = "O"

Offsets = tuple[int, int]
Measured = tuple[float | None, float | None, str, str]


@dataclass(frozen=True, slots=True)
class PRF:
    """Hits, false alarms and misses; they add up.

    Attributes:
        tp: Predicted and in gold.
        fp: Predicted and not in gold.
        fn: In gold and not predicted.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    @classmethod
    def of(cls, gold: Iterable[Hashable], predicted: Iterable[Hashable]) -> PRF:
        """Compare two collections; an item that stands twice counts twice.

        Args:
            gold: The right items.
            predicted: The items that were found.

        Returns:
            The counts.
        """
        right, found = Counter(gold), Counter(predicted)
        hits = (right & found).total()
        return cls(hits, found.total() - hits, right.total() - hits)

    def __add__(self, other: PRF) -> PRF:
        return PRF(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float:
        """Share of the predicted items that are right; 0 if none was predicted."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Share of the gold items that were found; 0 if there are none."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if there is nothing to find and nothing was found."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


class FactRow(NamedTuple):
    """One fact, reduced to what is compared."""

    number: Offsets
    value: Measured | None
    status: str
    kind: str
    links: tuple[Offsets | None, ...]

    @property
    def metric(self) -> Offsets | None:
        """The METRIC's offsets."""
        return self.links[LINKS.index("metric")]

    @property
    def said(self) -> tuple[Measured | None, str, str]:
        """What the fact says, wherever it stands."""
        return self.value, self.status, self.kind


class RoleRange(NamedTuple):
    """A range of characters that has one clause role."""

    start: int
    end: int
    role: str


@dataclass(frozen=True, slots=True)
class Layers:
    """What one side, annotator or extractor, says of one passage.

    Attributes:
        id: The passage's id.
        text: The passage; may be empty on the predicted side.
        spans: Type, start and end of every span.
        facts: The facts.
        roles: The clauses, or the statements, with their roles.
    """

    id: str
    text: str = ""
    spans: frozenset[tuple[str, int, int]] = frozenset()
    facts: tuple[FactRow, ...] = ()
    roles: tuple[RoleRange, ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Layers:
        """Take the layers from one row of JSON.

        Args:
            row: A record (``Record.to_dict()``), or an annotated passage in the gold form (``Passage.to_dict()``).

        Returns:
            The layers.
        """
        spans = frozenset((entity["type"], entity["start"], entity["end"]) for entity in row["entities"])
        if "document" in row:
            facts = tuple(_fact(fact, fact) for fact in row["facts"])
            roles = tuple(
                RoleRange(said["start"], said["end"], role)
                for key, role in STATEMENTS.items()
                for said in row.get(key, ())
            )
            return cls(row["document"]["id"], row.get("text") or "", spans, facts, roles)
        entities = {entity["id"]: entity for entity in row["entities"]}
        facts = tuple(
            _fact(fact, {role: entities[fact[role]] for role in ("number", *LINKS) if fact.get(role)})
            for fact in row["facts"]
        )
        roles = tuple(RoleRange(clause["start"], clause["end"], clause["role"]) for clause in row["clauses"])
        return cls(row["id"], row["text"], spans, facts, roles)


@dataclass(frozen=True, slots=True)
class Scores:
    """The outcome of a comparison.

    Attributes:
        measures: Counts by measure, sorted by name.
        passages: Number of gold passages.
        absent: Gold passages that have no prediction; all that stands in them counts as missed.
    """

    measures: Mapping[str, PRF]
    passages: int
    absent: int

    @property
    def roles_macro(self) -> float:
        """Mean F1 over the clause roles that occur in gold."""
        seen = [prf.f1 for name, prf in self.measures.items() if name.startswith("role.") and prf.tp + prf.fn]
        return _ratio(sum(seen), len(seen))

    def f1(self, name: str) -> float:
        """Give one figure.

        Args:
            name: A measure, or ``roles.macro``.

        Returns:
            Its F1, 0 to 1; 0 for a measure of which there is nothing on either side.
        """
        return self.roles_macro if name == "roles.macro" else self.measures.get(name, PRF()).f1

    def table(self) -> list[tuple[str, float, float, float, int, int, int]]:
        """Give every measure as a row: name, precision, recall, F1, hits, false alarms, misses.

        Returns:
            The rows in the order of their names; ``roles.macro`` is left out, as it has no counts.
        """
        return [(name, p.precision, p.recall, p.f1, p.tp, p.fp, p.fn) for name, p in self.measures.items()]

    def to_dict(self) -> dict[str, Any]:
        """Give the scores as plain values for JSON.

        Returns:
            ``passages``, ``absent``, ``roles.macro`` and ``measures``.
        """
        keys = ("p", "r", "f1", "tp", "fp", "fn")
        measures = {name: dict(zip(keys, figures, strict=True)) for name, *figures in self.table()}
        return {
            "passages": self.passages,
            "absent": self.absent,
            "roles.macro": self.roles_macro,
            "measures": measures,
        }


def score(gold: Iterable[Passage], records: Mapping[str, Record]) -> Scores:
    """Compare records with the annotated passages that they were extracted from.

    Args:
        gold: Annotated passages.
        records: The record of each passage, by the passage's id.

    Returns:
        The scores.
    """
    return compare(
        (Layers.of(passage.to_dict()) for passage in gold),
        {id_: Layers.of(record.to_dict()) for id_, record in records.items()},
    )


def evaluate(gold: Sequence[Passage], extract: Callable[[Text], Record]) -> Scores:
    """Extract from the text of annotated passages and compare.

    Args:
        gold: Annotated passages.
        extract: What is measured, such as an ``Extractor``.

    Returns:
        The scores.
    """
    return score(gold, {passage.id: extract(Text.of(passage.text, id=passage.id)) for passage in gold})


def compare(gold: Iterable[Layers], predicted: Mapping[str, Layers]) -> Scores:
    """Compare two sides passage by passage.

    Args:
        gold: The side that is right.
        predicted: The other side, by passage id; passages that gold does not have are not looked at.

    Returns:
        The scores.
    """
    total: dict[str, PRF] = {}
    passages = absent = 0
    for right in gold:
        passages += 1
        absent += right.id not in predicted
        for name, counts in _passage(right, predicted.get(right.id, Layers(right.id))):
            total[name] = total.get(name, PRF()) + counts
    return Scores(dict(sorted(total.items())), passages, absent)


def read_layers(path: Path) -> dict[str, Layers]:
    """Read predictions or annotations.

    Args:
        path: JSONL, one record or one passage in the gold form a line.

    Returns:
        The layers by passage id, in file order.
    """
    with path.open(encoding="utf-8") as lines:
        rows = (Layers.of(simplejson.loads(line, use_decimal=True)) for line in lines if line.strip())
        return {layers.id: layers for layers in rows}


def _passage(gold: Layers, found: Layers) -> Iterator[tuple[str, PRF]]:
    """Count every measure in one passage."""
    yield "span.all", PRF.of(gold.spans, found.spans)
    for kind in {span[0] for span in gold.spans | found.spans}:
        yield f"span.{kind}", PRF.of(*({span for span in side.spans if span[0] == kind} for side in (gold, found)))
    sides = gold.facts, found.facts
    yield "value", PRF.of(*({(fact.number, fact.value) for fact in side} for side in sides))
    yield "status", PRF.of(*({(fact.number, fact.status) for fact in side} for side in sides))
    yield "kind", PRF.of(*({(fact.number, fact.kind) for fact in side} for side in sides))
    yield "fact.core", PRF.of(*([(fact.number, fact.metric, fact.said) for fact in side] for side in sides))
    yield "fact.full", PRF.of(*sides)
    hits = _loose_hits(gold.text, *sides)
    yield "fact.loose", PRF(hits, len(found.facts) - hits, len(gold.facts) - hits)
    for index, role in enumerate(LINKS):
        yield f"link.{role}", PRF.of(*({(f.number, f.links[index]) for f in side if f.links[index]} for side in sides))
    for clause in gold.roles:
        said = role_of(clause, found.roles)
        if said == clause.role:
            yield f"role.{said}", PRF(tp=1)
        else:
            yield f"role.{clause.role}", PRF(fn=1)
            yield f"role.{said}", PRF(fp=1)


def _fact(fact: Mapping[str, Any], spans: Mapping[str, Any]) -> FactRow:
    """Reduce a fact; ``spans`` holds the span of each of its roles."""
    links = tuple(_offsets(spans.get(role)) for role in LINKS)
    number = spans["number"]
    return FactRow((number["start"], number["end"]), _value(fact.get("value")), fact["status"], fact["kind"], links)


def _offsets(span: Mapping[str, Any] | None) -> Offsets | None:
    return (span["start"], span["end"]) if span else None


def _value(value: Mapping[str, Any] | None) -> Measured | None:
    """Reduce a value to four decimals, which is how the annotation guide writes a third."""
    if value is None:
        return None
    low, high = (None if side in (None, "") else round(float(side), 4) for side in map(value.get, ("low", "high")))
    return low, high, value.get("unit") or "", value.get("flag") or "="


def _loose_hits(text: str, gold: Iterable[FactRow], found: Iterable[FactRow]) -> int:
    """Pair each gold fact with the first free fact that says the same in about the same place."""
    free = list(found)
    hits = 0
    for right in gold:
        match = next((index for index, fact in enumerate(free) if _alike(text, right, fact)), None)
        if match is not None:
            del free[match]
            hits += 1
    return hits


def _alike(text: str, one: FactRow, two: FactRow) -> bool:
    """Tell whether two facts say the same of overlapping numbers and similar metrics."""
    if one.said != two.said or _overlap(one.number, two.number) <= 0:
        return False
    if one.metric is None or two.metric is None:
        return one.metric == two.metric
    here, there = (Counter(text[slice(*metric)]) for metric in (one.metric, two.metric))
    return 2 * (here & there).total() >= 0.8 * (here.total() + there.total())


def role_of(clause: RoleRange, said: Iterable[RoleRange]) -> str:
    """Give the role that covers more than half of a clause, else the role of what is not said."""
    covered: Counter[str] = Counter()
    for piece in said:
        covered[piece.role] += max(0, _overlap((clause.start, clause.end), (piece.start, piece.end)))
    role, chars = max(covered.items(), key=lambda item: item[1], default=(OTHER, 0))
    return role if 2 * chars > clause.end - clause.start else OTHER


def _overlap(one: Offsets, two: Offsets) -> int:
    """Give the characters that two ranges share; 0 or less if none."""
    return min(one[1], two[1]) - max(one[0], two[0])


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
