"""Where a model errs: every error on annotated passages, sorted into classes, the largest first.

In: annotated passages and a model. Out: counts and examples as text. Not for: figures of how good it is (``score``).

    python -m zongjie.training.errors GOLD.jsonl [--model FOLDER] [-n 10]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from zongjie.corpus import read_gold
from zongjie.model import open_model
from zongjie.score import FactRow, Layers, Offsets, role_of
from zongjie.training.calibrate import extract

_AROUND = 10  # characters shown on each side
_GROUPS = ("spans", "facts", "roles")

Typed = tuple[str, int, int]  # type, start, end


class Slip(NamedTuple):
    """One error.

    Attributes:
        group: ``spans``, ``facts`` or ``roles``.
        what: Its class, such as ``METRIC boundary left``.
        where: The passage's id.
        shown: What a person needs to see of it.
    """

    group: str
    what: str
    where: str
    shown: str


def slips(gold: Layers, found: Layers) -> Iterator[Slip]:
    """Name every error in one passage.

    Args:
        gold: The side that is right; with its text.
        found: The other side.

    Yields:
        Errors of spans, then of facts (as ``fact.core`` compares them), then of roles.
    """
    yield from _span_slips(gold, found)
    yield from _fact_slips(gold, found)
    for clause in gold.roles:
        said = role_of(clause, found.roles)
        if said != clause.role:
            shown = _quote(gold.text, (clause.start, clause.end))
            yield Slip("roles", f"{clause.role} as {said}", gold.id, shown)


def _span_slips(gold: Layers, found: Layers) -> Iterator[Slip]:
    """Pair what is missing with what is too much, the likest first; what finds no partner is missed or spurious."""
    lost, extra = gold.spans - found.spans, found.spans - gold.spans
    pairs = sorted(
        (right[1:] != wrong[1:], -_shared(right[1:], wrong[1:]), right, wrong)
        for right in lost
        for wrong in extra
        if right[1:] == wrong[1:] or (right[0] == wrong[0] and _shared(right[1:], wrong[1:]) > 0)
    )
    free = lost | extra
    for _, _, right, wrong in pairs:
        if {right, wrong} <= free:
            free -= {right, wrong}
            shown = f"{_quote(gold.text, right[1:])}  found ‹{_flat(gold.text[slice(*wrong[1:])])}›"
            yield Slip("spans", _misfit(right, wrong), gold.id, shown)
    for span in sorted(free, key=lambda span: (span[1:], span[0])):
        what = "missed" if span in lost else "spurious"
        yield Slip("spans", f"{span[0]} {what}", gold.id, _quote(gold.text, span[1:]))


def _misfit(right: Typed, wrong: Typed) -> str:
    """Say how a span that was found differs from the one it stands for."""
    if right[1:] == wrong[1:]:
        return f"{right[0]} marked {wrong[0]}"
    left, end = right[1] != wrong[1], right[2] != wrong[2]
    return f"{right[0]} boundary {'both' if left and end else 'left' if left else 'right'}"


def _fact_slips(gold: Layers, found: Layers) -> Iterator[Slip]:
    """Say of every fact that is not right what is wrong with the likest fact of its NUMBER.

    A found fact whose NUMBER only overlaps one of gold is not named again.
    """
    lost, extra = _unlike(gold.facts, found.facts), _unlike(found.facts, gold.facts)
    for fact in lost:
        rivals = [other for other in extra if other.number == fact.number]
        if rivals:
            said = min(rivals, key=lambda other: len(_differences(fact, other)))
            extra.remove(said)
            shown = f"{_fact(gold.text, fact)}  found {_fact(gold.text, said)}"
            yield Slip("facts", " + ".join(_differences(fact, said)), gold.id, shown)
        else:
            yield Slip("facts", _absence(fact, found.facts), gold.id, _fact(gold.text, fact))
    numbers = {fact.number for fact in gold.facts}
    for fact in extra:
        if fact.number in numbers:
            yield Slip("facts", "one fact too many of a NUMBER", gold.id, _fact(gold.text, fact))
        elif not any(_shared(fact.number, number) > 0 for number in numbers):
            yield Slip("facts", "NUMBER spurious", gold.id, _fact(gold.text, fact))


def _unlike(facts: Iterable[FactRow], others: Iterable[FactRow]) -> list[FactRow]:
    """Leave out the facts that have their like on the other side."""
    free = Counter((other.number, other.metric, other.said) for other in others)
    kept = []
    for fact in facts:
        key = fact.number, fact.metric, fact.said
        if free[key] > 0:
            free[key] -= 1
        else:
            kept.append(fact)
    return kept


def _differences(right: FactRow, wrong: FactRow) -> list[str]:
    named = [] if right.metric == wrong.metric else [_metric(right.metric, wrong.metric)]
    return named + [part for part in ("value", "status", "kind") if getattr(right, part) != getattr(wrong, part)]


def _metric(right: Offsets | None, wrong: Offsets | None) -> str:
    if right is None or wrong is None:
        return "METRIC missing" if wrong is None else "METRIC where there is none"
    return "METRIC boundary" if _shared(right, wrong) > 0 else "METRIC other"


def _absence(fact: FactRow, found: Iterable[FactRow]) -> str:
    """Say why no fact that was found can be held against one of gold."""
    numbers = {other.number for other in found}
    if fact.number in numbers:
        return "one fact too few of a NUMBER"
    return "NUMBER boundary" if any(_shared(fact.number, number) > 0 for number in numbers) else "NUMBER missing"


def _shared(one: Offsets, two: Offsets) -> int:
    return min(one[1], two[1]) - max(one[0], two[0])


def _flat(text: str) -> str:
    return text.replace("\n", "⏎")


def _quote(text: str, place: Offsets) -> str:
    start, end = place
    around = text[max(0, start - _AROUND) : start], text[start:end], text[end : end + _AROUND]
    return _flat("{}‹{}›{}".format(*around))


def _fact(text: str, fact: FactRow) -> str:
    metric = _flat(text[slice(*fact.metric)]) if fact.metric else "-"
    low, high, unit, flag = fact.value or (None, None, "", "?")
    value = "|".join([*("" if side is None else f"{side:.12g}" for side in (low, high)), unit, flag])
    return f"‹{metric}› ‹{_flat(text[slice(*fact.number)])}› {value} {fact.status} {fact.kind}"


def report(found: Iterable[Slip], *, most: int) -> str:
    """Write errors by class, the largest class first.

    Args:
        found: Errors.
        most: How many examples to show of a class, spread over all of them.

    Returns:
        The text.
    """
    groups: dict[str, dict[str, list[Slip]]] = {name: defaultdict(list) for name in _GROUPS}
    for slip in found:
        groups[slip.group][slip.what].append(slip)
    lines: list[str] = []
    for name, classes in groups.items():
        lines.append(f"{name}: {sum(map(len, classes.values()))} errors")
        for what, examples in sorted(classes.items(), key=lambda item: (-len(item[1]), item[0])):
            lines.append(f"  {len(examples):5d}  {what}")
            shown = examples[:: max(1, len(examples) // most)][:most] if most else []
            lines += [f"         {slip.where}: {slip.shown}" for slip in shown]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--model", type=Path, help="a model's folder; the one that ships if not given")
    parser.add_argument("-n", "--most", type=int, default=10, help="how many examples to print of a class")
    given = parser.parse_args()
    named = (
        slip
        for passage, _, record in extract(open_model(given.model), read_gold(given.gold))
        for slip in slips(Layers.of(passage.to_dict()), Layers.of(record.to_dict()))
    )
    sys.stdout.write(report(named, most=given.most))


if __name__ == "__main__":
    main()
