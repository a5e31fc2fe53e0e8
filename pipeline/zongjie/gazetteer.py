"""The gazetteer: administrative areas by every name that a text gives them, and the full names they stand for.

In: text; for ``resolve_place`` also the document's own region. Out: the names that stand in the text; full official
names. Not for: whether a name in a text is a PLACE (``places``).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from zongjie.ontology import Table, either, load_table, read_config

# Digits of the code of a province and of a prefecture city; a name with its unit has more characters than _SHORTEST.
_PROVINCE = 2
_CITY = 4
_SHORTEST = 2
# How a candidate was found: a name that stands by itself, a name so short (岚县) that it may be the end of another,
# a short form that is also a word, a phrase that only looks like a name, a name known by its unit alone, a deictic
# area, a zone.
Kind = Literal["name", "bounded", "shared", "accident", "unlisted", "deictic", "zone"]


class _Deictic(Table):
    country: tuple[str, ...]
    country_name: str
    bare: tuple[str, ...]
    province: tuple[str, ...]
    city: tuple[str, ...]
    county: tuple[str, ...]
    town: tuple[str, ...]
    zone: tuple[str, ...]
    zone_kinds: str
    own: tuple[str, ...]
    broken_before: str
    broken_after: str


class _Area(Table):
    regions: tuple[str, ...]
    countries: tuple[str, ...]
    abbreviations: str
    abbreviation_before: str
    directions: tuple[str, ...]
    compass_of: str
    compass_stop: str
    counted: tuple[str, ...]
    counted_by: tuple[str, ...]
    transliterated: str
    transliterated_units: tuple[str, ...]


class _Suffix(Table):
    administrative: tuple[str, ...]
    zones: tuple[str, ...]
    lower_zones: tuple[str, ...]
    villages: tuple[str, ...]
    generic: tuple[str, ...]
    not_in_name: str
    not_first: str
    before: tuple[str, ...]
    after: str
    after_bodies: tuple[str, ...]
    after_known: str
    natural: tuple[str, ...]
    masks: str
    zone_after: str
    not_in_hamlet: str
    residents: str
    named_zones: tuple[str, ...]
    small: tuple[str, ...]


class _Names(Table):
    common: tuple[str, ...]
    accidents: tuple[str, ...]
    partners: tuple[str, ...]
    peoples: tuple[str, ...]
    units: tuple[str, ...]
    slogans: tuple[str, ...]


class _Context(Table):
    gap_stop: str
    heads: tuple[str, ...]
    offices: tuple[str, ...]
    fronts: tuple[str, ...]
    body_joins: str
    facilities: tuple[str, ...]
    gap_verbs: tuple[str, ...]
    work_verbs: tuple[str, ...]
    follows: tuple[str, ...]
    follows_not: tuple[str, ...]
    honours: tuple[str, ...]
    listed_before: str
    located: tuple[str, ...]
    listed_ends: tuple[str, ...]


class _Scope(Table):
    before: tuple[str, ...]
    after: tuple[str, ...]
    meetings: tuple[str, ...]
    meeting_stops: str
    after_own: tuple[str, ...]
    after_country: tuple[str, ...]


class PlacesTable(Table):
    """Shape of ``configs/places.toml``; the file says what each list is for."""

    deictic: _Deictic
    area: _Area
    suffix: _Suffix
    names: _Names
    context: _Context
    scope: _Scope


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a place, by its offsets, and how it was found."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Names by their first two characters, and what each surface may stand for.

    Attributes:
        by_pair: First two characters to the surfaces that begin with them, longest first, with their kind.
        codes: Surface to the codes of the areas it may name.
        names: Code to official name.
        characters: Every character that some name holds.
        short: The short forms.
    """

    by_pair: dict[str, tuple[tuple[str, Kind], ...]]
    codes: dict[str, tuple[str, ...]]
    names: dict[str, str]
    characters: str
    short: frozenset[str]


@cache
def places_table() -> PlacesTable:
    """Give what is known of places, ``configs/places.toml``."""
    return load_table("places.toml", PlacesTable)


@cache
def _unit_pattern() -> re.Pattern[str]:
    names = places_table().names
    return re.compile(f"(?:{either(names.peoples)}*){either(names.units)}$")


def _short_form(name: str) -> str | None:
    """Give an area's name without its unit and peoples (红河哈尼族彝族自治州 → 红河), or ``None`` if none is left."""
    # searched from the third character: a short form has at least two
    found = _unit_pattern().search(name, 2)
    return name[: found.start()] if found else None


@cache
def gazetteer() -> Gazetteer:
    """Give the names, from ``configs/lexicon/places.csv`` and ``configs/places.toml``."""
    table = places_table()
    names = {row["code"]: row["name"] for row in csv.DictReader(read_config("lexicon/places.csv").splitlines())}
    kinds: dict[str, Kind] = {}
    codes: dict[str, list[str]] = {}
    for code, name in names.items():
        for surface in filter(None, dict.fromkeys((name, _short_form(name)))):
            full: Kind = "bounded" if surface == name and len(name) == _SHORTEST else "name"
            kinds[surface] = "shared" if surface in table.names.common else full
            codes.setdefault(surface, []).append(code)
    for surface in table.area.regions + table.area.countries + table.deictic.bare:
        kinds.setdefault(surface, "name")
    kinds |= dict.fromkeys(table.names.accidents + table.names.partners, "accident")
    by_pair: dict[str, list[tuple[str, Kind]]] = {}
    for surface in sorted(kinds, key=len, reverse=True):
        by_pair.setdefault(surface[:2], []).append((surface, kinds[surface]))
    return Gazetteer(
        {pair: tuple(entries) for pair, entries in by_pair.items()},
        {surface: tuple(found) for surface, found in codes.items()},
        names,
        "".join(sorted(set("".join(names.values())))),
        frozenset(codes) - set(names.values()),
    )


@dataclass(frozen=True, slots=True)
class Shapes:
    """What names look like; the strings are pieces of patterns.

    Attributes:
        inner: A character that names hold.
        first: What holds before the first character of a name.
        units: The units of areas and zones.
        after: What may follow a name that is known by its unit.
        before_body: What else may follow it where it begins the name of a body.
        acts: Verbs, which no name holds.
        gap: A character that does not end what stands between a name and what it belongs to.
        unit: The unit behind a short form.
        below: A lower area behind a name.
    """

    inner: str
    first: str
    units: str
    after: str
    before_body: str
    acts: str
    gap: str
    unit: re.Pattern[str]
    below: re.Pattern[str]


@cache
def shapes() -> Shapes:
    """Give the shapes, made from ``configs/places.toml``."""
    suffix, context = places_table().suffix, places_table().context
    units = either(suffix.zones + suffix.administrative)
    inner = "[" + "".join(sorted(set(gazetteer().characters) - set(suffix.not_in_name))) + "]"
    first = f"(?![{suffix.not_first}])"
    after = f"(?![{suffix.after}])"
    before_body = f"(?={either(suffix.after_bodies)})"
    acts = either(context.gap_verbs + context.work_verbs)
    gap = f"[^{re.escape(context.gap_stop)}]"
    zone = (
        f"(?:{first}{inner}{{0,4}}?{either(suffix.zones + suffix.lower_zones)}"
        f"|(?:(?!{acts}){gap}){{0,6}}?{either(suffix.named_zones)})"
    )
    small = f"{first}[^{re.escape(suffix.not_in_name)}\\W]{{1,3}}?{either(suffix.small)}"
    return Shapes(
        inner,
        first,
        units,
        after,
        before_body,
        acts,
        gap,
        unit=re.compile(f"{either(suffix.administrative)}{after}"),
        below=re.compile(
            f"{zone}(?![{suffix.zone_after}])|(?:{first}{inner}{{1,4}}?{units}|{small})(?:{after}|{before_body}|(?=[{suffix.after_known}]))"
        ),
    )


def listed(text: str) -> list[Candidate]:
    """Find the gazetteer's names: the longest at each position, left to right.

    Args:
        text: Any string.

    Returns:
        Candidates in order, not overlapping; whether one is meant is not yet said.
    """
    by_pair = gazetteer().by_pair
    found: list[Candidate] = []
    end = 0
    for start in [i for i, pair in enumerate(pairwise(text)) if "".join(pair) in by_pair]:
        if start < end:
            continue
        for surface, kind in by_pair[text[start : start + 2]]:
            if text.startswith(surface, start):
                end = start + len(surface)
                found.append(Candidate(start, end, kind))
                break
    return found


def is_below(text: str, upper: Candidate, lower: Candidate) -> bool:
    """Tell whether the second area may lie in the first; an area that no gazetteer holds may lie anywhere.

    Args:
        text: What both stand in.
        upper: The first.
        lower: The second.
    """
    codes = gazetteer().codes
    above = codes.get(text[upper.start : upper.end])
    beneath = codes.get(text[lower.start : lower.end])
    if above is None or beneath is None:
        return True
    return any(b.startswith(a) and a != b for a in above for b in beneath)


def _codes_of(region: str | None) -> tuple[str, ...]:
    """Give the codes that a region may have, by its name or by the name it begins with (平潭综合实验区 → 平潭县)."""
    if region is None:
        return ()
    named = listed(region)
    return gazetteer().codes.get(region[: named[0].end], ()) if named and named[0].start == 0 else ()


def _shared_levels(code: str, other: str) -> int:
    """Count the levels, of two digits each, that two codes share from the top."""
    pairs = zip(code[::2], code[1::2], other[::2], other[1::2], strict=False)
    return next((level for level, (a, b, c, d) in enumerate(pairs) if a + b != c + d), min(len(code), len(other)) // 2)


def _pick(codes: tuple[str, ...], near: tuple[str, ...]) -> str | None:
    """Choose among areas of one name those nearest to the ones given, then the one above the others if there is one."""
    names = gazetteer().names
    shared = {code: max((_shared_levels(code, other) for other in near), default=0) for code in codes}
    nearest = sorted((code for code in codes if shared[code] == max(shared.values())), key=len)
    highest = nearest[0]
    one_name = len({names[code] for code in nearest}) == 1
    if one_name or len(highest) == _PROVINCE or all(code.startswith(highest) for code in nearest):
        return highest
    return None


def _may_be_meant(code: str, near: tuple[str, ...]) -> bool:
    """Tell whether the short name of an autonomous area may stand for it in a document of the region given.

    金平县 may not in a document from elsewhere, which may have a county of that name; 凉山州 may wherever the region is
    a known one.
    """
    return any(len(code) == _CITY or _shared_levels(code, other) for other in near)


def _area_above(region: str | None, digits: int) -> str | None:
    """Give the province (2 digits) or the city (4) that a region lies in, if only one comes into question."""
    names = gazetteer().names
    # the districts of a municipality lie in no city but in the municipality itself
    found = {names.get(code[:digits]) or names.get(code[:2]) for code in _codes_of(region)}
    return found.pop() if len(found) == 1 else None


def _resolve_deictic(surface: str, region: str | None) -> str | None:
    deictic = places_table().deictic
    if surface in deictic.country:
        return deictic.country_name
    if region is None:
        return None
    if surface in deictic.province + deictic.bare:
        return _area_above(region, _PROVINCE)
    if region.endswith(surface if surface in deictic.zone else surface[-1]):
        return region
    if surface in deictic.city:
        return _area_above(region, _CITY)
    above = _area_above(region, _PROVINCE)
    return above if surface in deictic.county and above is not None and above.endswith(surface[-1]) else None


def _resolve_named(surface: str, region: str | None) -> str | None:
    known, suffix = gazetteer(), places_table().suffix
    near = _codes_of(region)
    parts: list[str] = []
    end = 0
    for piece in listed(surface):
        codes = known.codes.get(surface[piece.start : piece.end], ())
        if parts:
            codes = tuple(code for code in codes if code.startswith(near) and code not in near)
        unit = shapes().unit.match(surface, piece.end)
        if unit:
            codes = tuple(code for code in codes if known.names[code].endswith(unit.group()))
            if region and not parts:
                codes = tuple(code for code in codes if _may_be_meant(code, near))
        if piece.start != end or not codes:
            break
        below = shapes().below.match(surface, piece.end)
        if unit is None and below is not None and below.end() == len(surface):
            # a short form with a zone after it is a name of its own: 平潭综合实验区
            break
        code = _pick(codes, near)
        if code is None:
            return None
        parts.append(known.names[code])
        near = (code,)
        end = unit.end() if unit else piece.end
    rest = surface[end:]
    units = suffix.administrative + suffix.zones + suffix.lower_zones
    if rest and not (rest.endswith(units) and len(rest) > _SHORTEST):
        return None
    return "".join(parts) + rest


def resolve_place(surface: str, *, region: str | None) -> str | None:
    """Give the full name of a place.

    Args:
        surface: A PLACE span as ``find_places`` gives it: 全市, 曲靖, 云南曲靖, 河滩镇.
        region: The area that the document itself is about, in its fullest form, or ``None`` if unknown. It gives 全市
            and the like their meaning, and decides between areas of one name.

    Returns:
        The official name, each part of a chain in full (云南曲靖 → 云南省曲靖市); the surface itself if it is a full
        name that no gazetteer holds; ``None`` where the meaning is open.
    """
    table = places_table()
    deictic = table.deictic
    extents = deictic.country + deictic.bare + deictic.province + deictic.city + deictic.county + deictic.town
    if surface in extents + deictic.zone:
        return _resolve_deictic(surface, region)
    if surface in table.area.countries:
        return surface
    if surface[:1] in table.suffix.masks:
        return None
    return _resolve_named(surface, region)
