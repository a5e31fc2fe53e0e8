"""The names of schools: the words that end them, the words that cannot stand in them, and short forms.

In: any string. Out: ``Mention`` of type ``SCHOOL``. Not for: honours of schools (``programs.py``), groups of schools.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from zongjie.ontology import Table, either, load_table, load_words
from zongjie.rules.runs import REACH, Words, cut, in_name, skip
from zongjie.text import Mention

_LONGEST_ITEM = 6  # of a short name in a list of campuses, in characters
_SHORTEST_CORE, _LONGEST_CORE = 2, 3  # of the part of a full name that stands for it by itself


class SchoolTable(Table):
    """Shape of ``schools.toml``; every key is explained there."""

    stop_characters: str
    keep: Words
    counts: str
    places: str
    not_before: Words
    joints: Words
    joint_reach: int
    parts: Words
    lead: Words
    ordinals: str
    ordinal_heads: Words
    ordinal_not_before: str
    ordinal_not_after: str
    college_heads: Words
    college_not_before: str
    groups: Words
    not_within: Words
    distinctive: Words
    unique_heads: Words
    placed_heads: Words
    campus_nouns: Words
    campus_counts: str
    short_after: Words
    core_ends: str
    conjunctions: str
    area_ends: str


@dataclass(frozen=True)
class _Rules:
    head: re.Pattern[str]
    stop: re.Pattern[str]
    lead: re.Pattern[str]
    kinds: re.Pattern[str]
    plain: re.Pattern[str]
    group: re.Pattern[str]
    distinctive: re.Pattern[str]
    mark: re.Pattern[str]
    joint: re.Pattern[str]
    tail: re.Pattern[str]
    campuses: re.Pattern[str]
    core: re.Pattern[str]
    after: str
    unique: frozenset[str]
    placed: frozenset[str]
    campus: tuple[str, ...]
    reach: int
    conjunctions: str
    area_ends: str


@cache
def _rules() -> _Rules:
    table = load_table("schools.toml", SchoolTable)
    kinds = either(load_words("school_kinds.txt"))
    plain = either(set(load_words("school_kinds.txt")) - set(table.distinctive))
    campus = either(table.campus_nouns)
    return _Rules(
        head=re.compile(_head(table)),
        stop=re.compile(
            f"(?P<keep>{either(table.keep)})|{either(load_words('school_stops.txt'))}|[{table.stop_characters}]|{table.counts}"
        ),
        lead=re.compile(f"{either(table.lead)}(?!{either(table.keep)})(?=..)"),
        kinds=re.compile(f"(?:{kinds})*+"),
        plain=re.compile(f"(?:{plain})++"),
        group=re.compile(f"(?:{table.places})+(?:{plain})*+"),
        distinctive=re.compile(either(table.distinctive)),
        mark=re.compile(f"{either(load_words('school_marks.txt'))}$"),
        joint=re.compile(either(table.joints)),
        tail=re.compile(f"[一-龥]{{0,6}}{either(table.parts)}|[（(][^（）()]{{1,8}}(?:{campus}|学院|园区)[）)]"),
        campuses=re.compile(f"(?:{table.campus_counts})(?:{campus})"),
        core=re.compile(f"(?:.*[省市区县州])?([一-龥]{{2,6}}?)(?:{table.core_ends})"),
        after=either(table.short_after),
        unique=frozenset(table.unique_heads),
        placed=frozenset(table.placed_heads),
        campus=tuple(table.campus_nouns),
        reach=table.joint_reach,
        conjunctions=table.conjunctions,
        area_ends=table.area_ends,
    )


def _head(table: SchoolTable) -> str:
    """The pattern of what ends a name; a match of its group ``group`` ends none."""
    ordinal = (
        f"(?<![{table.ordinal_not_after}\\d])(?:[{table.ordinals}]{{1,3}}|\\d\\d?)"
        f"{either(table.ordinal_heads)}(?![{table.ordinal_not_before}]|学(?![生子校])|.{{0,10}}全会)"
    )
    colleges = f"{either(table.college_heads)}(?![{table.college_not_before}])"
    return (
        f"(?P<group>{either(table.groups)})|{either(load_words('school_heads.txt'))}(?!{either(table.not_before)})"
        f"(?![一-龥]{{0,8}}{either(table.not_within)})|{colleges}|(?P<ordinal>{ordinal})"
    )


def find_schools(text: str) -> list[Mention]:
    """Find the named schools, colleges, kindergartens, school groups and campuses of a text.

    Args:
        text: Any string.

    Returns:
        ``SCHOOL`` mentions, sorted, not overlapping.

    Raises:
        ConfigError: If a config file is missing or wrong.
    """
    rules = _rules()
    spans = sorted({*_headed(rules, text)} | {*_campuses(rules, text)}, key=lambda span: (span[0], -span[1]))
    spans += _short_names(rules, text, spans)
    found: list[Mention] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1].end:
            found.append(Mention(start, end, "SCHOOL"))
    return found


def _headed(rules: _Rules, text: str) -> list[tuple[int, int]]:
    """The names that a head ends; heads that belong together make one name."""
    found: list[tuple[int, int]] = []
    floor = 0
    for match in rules.head.finditer(text):
        if match["group"]:
            floor = match.end()
            continue
        end = skip(rules.tail, text, match.end(), len(text))
        start = _start(rules, text, match, floor)
        if found and found[-1][1] <= match.start() and _joined(rules, text, found[-1][1], match.start()):
            found[-1] = (found[-1][0], end)
        elif start is not None:
            found.append((start, end))
        else:
            continue
        floor = end
    return found


def _joined(rules: _Rules, text: str, end: int, start: int) -> bool:
    """Whether a head at ``start`` belongs to the name that ends at ``end``."""
    if start - end > rules.reach or not all(map(in_name, text[end:start])):
        return False
    whole = cut(rules.stop, text, end, start) == end
    if text.startswith(rules.campus, start) or rules.joint.match(text, end, start):
        return whole
    return whole and not rules.plain.fullmatch(text, end, start)


def _start(rules: _Rules, text: str, match: re.Match[str], floor: int) -> int | None:
    """Where the name before a head starts; ``None`` where the head names a kind of school, not a school."""
    end = match.start()
    left = bracket = _before_bracket(text, end, floor)
    while left > max(floor, end - REACH) and in_name(text[left - 1]):
        left -= 1
    start = skip(rules.lead, text, cut(rules.stop, text, left, bracket), end)
    named = match["ordinal"] or _named(rules, text[start:end], match.group())
    return start if named else None


def _before_bracket(text: str, end: int, floor: int) -> int:
    """Where a bracket that stands right before a head opens: 某某（东区）|小学; ``end`` where there is none."""
    if end == 0 or text[end - 1] not in "）)":
        return end
    low = max(floor, end - REACH)
    opened = max(text.rfind("（", low, end), text.rfind("(", low, end))
    return opened if opened > low and in_name(text[opened - 1]) else end


def _named(rules: _Rules, prefix: str, head: str) -> bool:
    """Whether the words before a head tell one school from others of its kind."""
    if head in rules.unique:
        return True
    if rules.kinds.fullmatch(prefix) or rules.mark.search(prefix):
        return False
    if head in rules.campus and rules.campuses.search(prefix[-3:] + head):
        return False
    group = rules.group.fullmatch(prefix)
    return not group or head in rules.placed or bool(rules.distinctive.search(prefix))


def _campuses(rules: _Rules, text: str) -> Iterator[tuple[int, int]]:
    """The short names in a list that a count of campuses closes: 甲乙、丙丁和戊己三个校区."""
    for anchor in rules.campuses.finditer(text):
        items: list[tuple[int, int]] = []
        end: int | None = anchor.start()
        while end is not None:
            item, end = _item(rules, text, end)
            if item:
                items.append(item)
        if len(items) > 1:
            yield from items


def _item(rules: _Rules, text: str, end: int) -> tuple[tuple[int, int] | None, int | None]:
    """The item of a list that ends at ``end``, and where the item before it ends, if there is one."""
    left = bracket = _before_bracket(text, end, 0)
    while left > max(0, bracket - REACH) and text[left - 1].isalpha():
        if bracket - left > 1 and text[left - 1] in rules.conjunctions:
            break
        left -= 1
    start = cut(rules.stop, text, left, bracket - 1)
    if not 1 < bracket - start <= _LONGEST_ITEM:
        return None, None
    more = start == left and text[left - 1 : left] in ("、", *rules.conjunctions)
    return (start, bracket), left - 1 if more else None


def _short_names(rules: _Rules, text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the distinctive part of a name that stands in full in the text stands for the school by itself."""
    names = {text[start:end] for start, end in spans}
    placed = {text[i - 2 : i] for i, character in enumerate(text) if character in rules.area_ends and i > 1}
    cores = {core for name in names if (core := _core(rules, name, placed))}
    if not cores:
        return []
    return [match.span() for match in re.finditer(f"{either(cores)}(?=(?:{rules.after}))", text)]


def _core(rules: _Rules, name: str, placed: set[str]) -> str | None:
    """The distinctive part of a full name, the place's name taken off where the text shows that it is one."""
    match = rules.core.match(name)
    core = match[1] if match else ""
    if core[:2] in placed:
        core = core[2:]
    return core if _SHORTEST_CORE <= len(core) <= _LONGEST_CORE and not rules.kinds.fullmatch(core) else None
