"""Places: the administrative areas that a text names or points at, and the full names they stand for.

In: text; for ``resolve_place`` also the document's own region. Out: ``Mention`` of type PLACE after sections 1 and 6 of
the annotation guide, and full official names. Not for: place words inside the name of a school or a programme; whoever
finds those spans drops the PLACE inside them.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from zongjie.ontology import Table, either, load_table, read_config
from zongjie.text import Mention

# Digits of the code of a province and of a prefecture city; a name with its unit has more characters than _SHORTEST.
_PROVINCE = 2
_CITY = 4
_SHORTEST = 2
# A number that counts, not one of a ranking (全球500强).
_COUNT = r"(?!\d+强)[\d一二两三四五六七八九十百]"

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
    before: tuple[str, ...]
    after: str
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
class _Candidate:
    start: int
    end: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Gazetteer:
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
def _table() -> PlacesTable:
    return load_table("places.toml", PlacesTable)


@cache
def _unit_pattern() -> re.Pattern[str]:
    names = _table().names
    return re.compile(f"(?:{either(names.peoples)}*){either(names.units)}$")


def _short_form(name: str) -> str | None:
    """Give an area's name without its unit and peoples (红河哈尼族彝族自治州 → 红河), or ``None`` if none is left."""
    # searched from the third character: a short form has at least two
    found = _unit_pattern().search(name, 2)
    return name[: found.start()] if found else None


@cache
def _gazetteer() -> _Gazetteer:
    table = _table()
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
    return _Gazetteer(
        {pair: tuple(entries) for pair, entries in by_pair.items()},
        {surface: tuple(found) for surface, found in codes.items()},
        names,
        "".join(sorted(set("".join(names.values())))),
        frozenset(codes) - set(names.values()),
    )


@dataclass(frozen=True, slots=True)
class _Patterns:
    edge: re.Pattern[str]
    deictic: re.Pattern[str]
    zone: re.Pattern[str]
    unlisted: re.Pattern[str]
    masked: re.Pattern[str]
    abbreviation: re.Pattern[str]
    compass: re.Pattern[str]
    counted: re.Pattern[str]
    foreign: re.Pattern[str]
    leading: re.Pattern[str]
    below: re.Pattern[str]
    hamlet: re.Pattern[str]
    unit: re.Pattern[str]
    direction: re.Pattern[str]
    title: re.Pattern[str]
    front: re.Pattern[str]
    slogan: re.Pattern[str]
    scope_before: re.Pattern[str]
    listed: re.Pattern[str]
    scope_after: re.Pattern[str]
    scope_after_own: re.Pattern[str]
    scope_after_country: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    table = _table()
    deictic, area, suffix, context, scope = table.deictic, table.area, table.suffix, table.context, table.scope
    extents = deictic.country + deictic.province + deictic.city + deictic.county + deictic.town
    units = either(suffix.zones + suffix.administrative)
    inner = "[" + "".join(sorted(set(_gazetteer().characters) - set(suffix.not_in_name))) + "]"
    single = "".join(word for word in suffix.before if len(word) == 1)
    longer = "".join(f"|(?<={word})" for word in suffix.before if len(word) > 1 and word[-1] not in single)
    edge = f"(?:^|(?<=[{single}])|(?<=[^\\w]){longer})"
    after = f"(?![{suffix.after}])"
    gap = f"[^{re.escape(context.gap_stop)}]"
    body = f"(?:(?!{either(context.gap_verbs)}){gap})"
    acts = either(context.gap_verbs + context.work_verbs)
    within = f"(?:(?!{acts}){gap})"
    lower = either(suffix.zones + suffix.lower_zones)
    zone = f"(?:{inner}{{0,4}}?{lower}|{within}{{0,6}}?{either(suffix.named_zones)})"
    leading = f"[^{re.escape(suffix.not_in_name)}\\W]{{2,4}}?{either(suffix.zones + suffix.administrative)}"
    small = f"[^{re.escape(suffix.not_in_name)}\\W]{{1,3}}?{either(suffix.small)}"
    hamlet = f"(?:(?!{acts})[^{re.escape(suffix.not_in_hamlet)}\\W\\d]){{2,3}}?{either(suffix.small)}"
    honour = f"“[^”]{{0,30}}”.{{0,4}}?{either(context.honours)}"
    meeting = f"[^{re.escape(context.gap_stop + scope.meeting_stops)}]{{0,8}}?{either(scope.meetings)}"
    follows = f"(?!{either(context.follows_not)}){either(context.follows)}"
    zones = f"{either(deictic.zone)}"
    whole = f"(?![{deictic.broken_after}])"
    return _Patterns(
        edge=re.compile(edge),
        deictic=re.compile(f"(?<![{deictic.broken_before}]){either(extents)}{whole}"),
        zone=re.compile(f"(?={zones})(?:{edge}|(?<![{deictic.zone_kinds}])){zones}{whole}"),
        unlisted=re.compile(f"(?={inner}{{2}}){edge}(?!{acts}){inner}{{2,4}}?(?:{units}){after}"),
        masked=re.compile(f"[{re.escape(suffix.masks)}]{{1,3}}(?:{units}){after}"),
        abbreviation=re.compile(f"(?<={area.abbreviation_before})[{area.abbreviations}](?![{area.abbreviations}])"),
        compass=re.compile(f"[{area.compass_of}][东西南北][东西南北中]{{0,2}}(?:部?地区|部)?(?![{area.compass_stop}])"),
        counted=re.compile(f"{either(area.counted)}(?={either(area.counted_by)}?{_COUNT})"),
        foreign=re.compile(
            f"(?<![{area.transliterated}])[{area.transliterated}]{{3,8}}{either(area.transliterated_units)}{after}"
        ),
        leading=re.compile(f"{leading}{after}"),
        below=re.compile(f"{zone}(?![{suffix.zone_after}])|(?:{inner}{{1,4}}?{units}|{small}){after}"),
        hamlet=re.compile(f"{hamlet}(?:{after}|(?={suffix.residents}))"),
        unit=re.compile(f"{either(suffix.administrative)}{after}"),
        direction=re.compile(either(area.directions)),
        title=re.compile("《[^《》]*》"),
        front=re.compile(
            f"{follows}|{honour}|{body}{{0,10}}?{either(context.heads)}|{within}{{1,8}}?{either(context.facilities)}"
        ),
        slogan=re.compile(f"(?:{either(table.names.slogans)}|[{area.abbreviations}])$"),
        listed=re.compile(f"{gap}{{1,14}}?{either(context.listed_ends)}(?=[、，。；”等称]|$)"),
        scope_before=re.compile(f"{either(scope.before)}$"),
        scope_after=re.compile(f"{meeting}|{either(scope.after)}"),
        scope_after_own=re.compile(either(scope.after_own)),
        scope_after_country=re.compile(f"{meeting}|{either(scope.after + scope.after_country)}"),
    )


def _listed(text: str) -> list[_Candidate]:
    """Find the gazetteer's names: the longest at each position, left to right."""
    by_pair = _gazetteer().by_pair
    found: list[_Candidate] = []
    end = 0
    for start in [i for i, pair in enumerate(pairwise(text)) if "".join(pair) in by_pair]:
        if start < end:
            continue
        for surface, kind in by_pair[text[start : start + 2]]:
            if text.startswith(surface, start):
                end = start + len(surface)
                found.append(_Candidate(start, end, kind))
                break
    return found


def _is_below(text: str, upper: _Candidate, lower: _Candidate) -> bool:
    """Tell whether the second area may lie in the first; an area that no gazetteer holds may lie anywhere."""
    codes = _gazetteer().codes
    above = codes.get(text[upper.start : upper.end])
    beneath = codes.get(text[lower.start : lower.end])
    if above is None or beneath is None:
        return True
    return any(b.startswith(a) and a != b for a in above for b in beneath)


def _proven(text: str, listed: list[_Candidate]) -> list[_Candidate]:
    """Keep names, and those short forms that are also words where the text shows that the place is meant."""
    gazetteer = _gazetteer()
    full = {text[c.start : c.end] for c in listed if c.kind == "name"}
    kept: list[_Candidate] = []
    for candidate in listed:
        surface = text[candidate.start : candidate.end]
        last = kept[-1] if kept else None
        if candidate.kind == "shared":
            spelt_out = any(gazetteer.names[code] in full for code in gazetteer.codes[surface])
            under = last is not None and last.end == candidate.start and _is_below(text, last, candidate)
            in_list = last is not None and text[last.end : candidate.start] == "、"
            if not (spelt_out or under or in_list):
                continue
        bounded = candidate.kind == "bounded" and (last is None or last.end != candidate.start)
        if candidate.kind != "accident" and not (bounded and not _patterns().edge.match(text, candidate.start)):
            kept.append(candidate)
    return kept


def _lower_zones() -> tuple[str, ...]:
    suffix = _table().suffix
    return suffix.zones + suffix.lower_zones


def _patterned(text: str) -> list[_Candidate]:
    """Find what no gazetteer holds: deictic areas, zones, masked names (X县), names known by their unit (河滩镇)."""
    patterns = _patterns()
    kinds: tuple[tuple[re.Pattern[str], Kind], ...] = (
        (patterns.deictic, "deictic"),
        (patterns.zone, "zone"),
        (patterns.masked, "name"),
        (patterns.abbreviation, "name"),
        (patterns.compass, "name"),
        (patterns.counted, "name"),
        (patterns.foreign, "unlisted"),
        (patterns.unlisted, "unlisted"),
    )
    generic = _table().suffix.generic
    return [
        _Candidate(m.start(), m.end(), kind)
        for pattern, kind in kinds
        for m in pattern.finditer(text)
        if kind != "unlisted" or not m.group().endswith(generic)
    ]


def _disjoint(*groups: list[_Candidate]) -> list[_Candidate]:
    """Merge groups in order of trust: a candidate that overlaps one kept earlier is dropped."""
    taken: set[int] = set()
    kept: list[_Candidate] = []
    for candidate in (c for group in groups for c in group):
        places = range(candidate.start, candidate.end)
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append(candidate)
    return sorted(kept, key=lambda c: c.start)


def _extended(text: str, candidate: _Candidate, limit: int) -> _Candidate:
    """Take in what follows a name directly, up to the next candidate: units below (…区|河滩镇), a zone, a direction."""
    patterns = _patterns()
    end = candidate.end
    if candidate.kind == "deictic":
        return candidate
    suffix, short = _table().suffix, _gazetteer().short
    unit = patterns.unit.match(text, end, limit)
    end = unit.end() if unit and text[candidate.start : end] in short else end
    while below := patterns.below.match(text, end, limit):
        if below.group().endswith(suffix.generic) and not below.group().endswith(_lower_zones()):
            break
        end = below.end()
    if text.endswith(suffix.administrative, candidate.start, end) and text[candidate.start : end] not in short:
        last = patterns.hamlet.match(text, end, limit)
        end = last.end() if last and not last.group().endswith(suffix.villages) else end
    elif last := patterns.direction.match(text, end, limit):
        end = last.end()
    return _Candidate(candidate.start, end, candidate.kind)


def _chained(text: str, candidates: list[_Candidate]) -> list[_Candidate]:
    """Join areas that stand side by side, the upper before the lower, into one (浙江省杭州市拱墅区)."""
    joined: list[_Candidate] = []
    limits = [c.start for c in candidates[1:]] + [len(text)]
    for index, (candidate, limit) in enumerate(zip(candidates, limits, strict=False)):
        extended = _extended(text, candidate, limit)
        adjacent = bool(joined) and joined[-1].end == candidate.start
        # with a unit taken in it is no longer the area that the gazetteer knows by that name
        lower = candidate if extended.end == candidate.end else extended
        if adjacent and _is_below(text, candidates[index - 1], lower):
            joined[-1] = _Candidate(joined[-1].start, extended.end, joined[-1].kind)
        else:
            joined.append(extended)
    return joined


def _is_subject(text: str, candidate: _Candidate) -> bool:
    """Tell whether the area itself is meant: no organisation in it, no slogan about it, no scope of a comparison."""
    patterns = _patterns()
    before = text[max(0, candidate.start - 4) : candidate.start]
    surface = text[candidate.start : candidate.end]
    in_list = before[-1:] in _table().context.listed_before and patterns.listed.match(text, candidate.end)
    country = surface in _table().deictic.country
    if in_list and (country or candidate.kind != "deictic"):
        return False
    if candidate.kind != "deictic":
        located = before.endswith(_table().context.located)
        return located or not (patterns.front.match(text, candidate.end) or patterns.slogan.search(before))
    if surface.startswith(_table().deictic.own):
        return not patterns.scope_after_own.match(text, candidate.end)
    after = patterns.scope_after_country if country else patterns.scope_after
    return not (patterns.scope_before.search(before) or after.match(text, candidate.end))


def find_places(text: str) -> list[Mention]:
    """Find the PLACE spans of a text.

    Args:
        text: Any string.

    Returns:
        Mentions of type ``PLACE``, in order, not overlapping. None inside 《》, none that begins an organisation.
    """
    # the same length, so that offsets hold
    bare = _patterns().title.sub(lambda m: "《" * len(m.group()), text)
    found = _chained(bare, _disjoint(_proven(bare, _listed(bare)), _patterned(bare)))
    return [Mention(c.start, c.end, "PLACE") for c in found if _is_subject(bare, c)]


def _codes_of(region: str | None) -> tuple[str, ...]:
    """Give the codes that a region may have, by its name or by the name it begins with (平潭综合实验区 → 平潭县)."""
    if region is None:
        return ()
    listed = _listed(region)
    return _gazetteer().codes.get(region[: listed[0].end], ()) if listed and listed[0].start == 0 else ()


def _shared_levels(code: str, other: str) -> int:
    """Count the levels, of two digits each, that two codes share from the top."""
    pairs = zip(code[::2], code[1::2], other[::2], other[1::2], strict=False)
    return next((level for level, (a, b, c, d) in enumerate(pairs) if a + b != c + d), min(len(code), len(other)) // 2)


def _pick(codes: tuple[str, ...], near: tuple[str, ...]) -> str | None:
    """Choose among areas of one name those nearest to the ones given, then the one above the others if there is one."""
    names = _gazetteer().names
    shared = {code: max((_shared_levels(code, other) for other in near), default=0) for code in codes}
    nearest = sorted((code for code in codes if shared[code] == max(shared.values())), key=len)
    highest = nearest[0]
    one_name = len({names[code] for code in nearest}) == 1
    if one_name or len(highest) == _PROVINCE or all(code.startswith(highest) for code in nearest):
        return highest
    return None


def _area_above(region: str | None, digits: int) -> str | None:
    """Give the province (2 digits) or the city (4) that a region lies in, if only one comes into question."""
    names = _gazetteer().names
    # the districts of a municipality lie in no city but in the municipality itself
    found = {names.get(code[:digits]) or names.get(code[:2]) for code in _codes_of(region)}
    return found.pop() if len(found) == 1 else None


def _resolve_deictic(surface: str, region: str | None) -> str | None:
    deictic = _table().deictic
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
    gazetteer, suffix = _gazetteer(), _table().suffix
    near = _codes_of(region)
    parts: list[str] = []
    end = 0
    for piece in _listed(surface):
        codes = gazetteer.codes.get(surface[piece.start : piece.end], ())
        if parts:
            codes = tuple(code for code in codes if code.startswith(near) and code not in near)
        unit = _patterns().unit.match(surface, piece.end)
        if unit:
            codes = tuple(code for code in codes if gazetteer.names[code].endswith(unit.group()))
        if piece.start != end or not codes:
            break
        below = _patterns().below.match(surface, piece.end)
        if unit is None and below is not None and below.end() == len(surface):
            # a short form with a zone after it is a name of its own: 平潭综合实验区
            break
        code = _pick(codes, near)
        if code is None:
            return None
        parts.append(gazetteer.names[code])
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
    table = _table()
    deictic = table.deictic
    extents = deictic.country + deictic.bare + deictic.province + deictic.city + deictic.county + deictic.town
    if surface in extents + deictic.zone:
        return _resolve_deictic(surface, region)
    if surface in table.area.countries:
        return surface
    if surface[:1] in table.suffix.masks:
        return None
    return _resolve_named(surface, region)


def region_name(words: str, *, anywhere: bool = False) -> str | None:
    """Give the area with which the name of a body, or a title, begins.

    Args:
        words: Such as 临沂市教育局, 河滩县第一中学.
        anywhere: Take the first area that the words name, wherever it stands.

    Returns:
        The area in full where the gazetteer knows it, else as it stands; ``None`` if the words begin with no area.
    """
    patterned = [c for c in _patterned(words) if c.kind in ("unlisted", "name")]
    leading = _patterns().leading.match(words)
    if leading and not leading.group().endswith(_table().suffix.generic):
        patterned.append(_Candidate(0, leading.end(), "unlisted"))
    for candidate in _chained(words, _disjoint(_proven(words, _listed(words)), patterned)):
        if candidate.start == 0 or anywhere:
            surface = words[candidate.start : candidate.end]
            return resolve_place(surface, region=None) or surface
    return None
