"""Places: the administrative areas that a text names or points at.

In: text. Out: ``Mention`` of type PLACE after sections 1 and 6 of the annotation guide. Not for: what a name stands for
(``gazetteer``); place words inside the name of a school or a programme: whoever finds those spans drops the PLACE
inside them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from zongjie.gazetteer import Candidate, Kind, gazetteer, is_below, listed, places_table, resolve_place, shapes
from zongjie.ontology import either
from zongjie.text import Mention

# A number that counts, not one of a ranking (全球500强).
_COUNT = r"(?!\d+强)[\d一二两三四五六七八九十百]"


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
    official: re.Pattern[str]
    office: re.Pattern[str]
    fronts: re.Pattern[str]
    hamlet: re.Pattern[str]
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
    table, known = places_table(), shapes()
    deictic, area, suffix, context, scope = table.deictic, table.area, table.suffix, table.context, table.scope
    extents = deictic.country + deictic.province + deictic.city + deictic.county + deictic.town
    single = "".join(word for word in suffix.before if len(word) == 1)
    longer = "".join(f"|(?<={word})" for word in suffix.before if len(word) > 1 and word[-1] not in single)
    edge = f"(?:^|(?<=[{single}])|(?<=[^\\w]){longer})"
    body = f"(?:(?!{either(context.gap_verbs)}){known.gap})"
    within = f"(?:(?!{known.acts}){known.gap})"
    leading = f"{known.first}[^{re.escape(suffix.not_in_name)}\\W]{{2,4}}?{known.units}"
    official = f"{known.first}(?!{known.acts})[^{re.escape(suffix.not_in_hamlet)}\\W\\d]{{2,4}}?{known.units}"
    office = f"(?:{body}|[{context.body_joins}]){{0,12}}?{either(context.offices)}"
    hamlet = f"(?:(?!{known.acts})[^{re.escape(suffix.not_in_hamlet)}\\W\\d]){{2,3}}?{either(suffix.small)}"
    honour = f"“[^”]{{0,30}}”.{{0,4}}?{either(context.honours)}"
    meeting = f"[^{re.escape(context.gap_stop + scope.meeting_stops)}]{{0,8}}?{either(scope.meetings)}"
    follows = f"(?!{either(context.follows_not)}){either(context.follows)}"
    zones = f"{either(deictic.zone)}"
    whole = f"(?![{deictic.broken_after}])"
    return _Patterns(
        edge=re.compile(edge),
        deictic=re.compile(f"(?<![{deictic.broken_before}]){either(extents)}{whole}"),
        zone=re.compile(f"(?={zones})(?:{edge}|(?<![{deictic.zone_kinds}])){zones}{whole}"),
        unlisted=re.compile(
            f"(?={known.inner}{{2}}){edge}{known.first}(?!{known.acts}){known.inner}{{2,4}}?(?:{known.units}){known.after}"
        ),
        masked=re.compile(f"[{re.escape(suffix.masks)}]{{1,3}}(?:{known.units}){known.after}"),
        abbreviation=re.compile(f"(?<={area.abbreviation_before})[{area.abbreviations}](?![{area.abbreviations}])"),
        compass=re.compile(f"[{area.compass_of}][东西南北][东西南北中]{{0,2}}(?:部?地区|部)?(?![{area.compass_stop}])"),
        counted=re.compile(f"{either(area.counted)}(?={either(area.counted_by)}?{_COUNT})"),
        foreign=re.compile(
            f"(?<![{area.transliterated}])[{area.transliterated}]{{3,8}}{either(area.transliterated_units)}{known.after}"
        ),
        leading=re.compile(f"{leading}(?:{known.after}|{known.before_body})"),
        official=re.compile(f"{official}(?={office})"),
        office=re.compile(office),
        fronts=re.compile(either(context.fronts)),
        hamlet=re.compile(f"{hamlet}(?:{known.after}|(?={suffix.residents}))"),
        direction=re.compile(either(area.directions)),
        title=re.compile("《[^《》]*》"),
        front=re.compile(
            f"{follows}|{honour}|{body}{{0,10}}?{either(context.heads)}|{within}{{1,8}}?{either(context.facilities)}"
        ),
        slogan=re.compile(f"(?:{either(table.names.slogans)}|[{area.abbreviations}])$"),
        listed=re.compile(f"{known.gap}{{1,14}}?{either(context.listed_ends)}(?=[、，。；”等称]|$)"),
        scope_before=re.compile(f"{either(scope.before)}$"),
        scope_after=re.compile(f"{meeting}|{either(scope.after)}"),
        scope_after_own=re.compile(either(scope.after_own)),
        scope_after_country=re.compile(f"{meeting}|{either(scope.after + scope.after_country)}"),
    )


def _proven(text: str, named: list[Candidate]) -> list[Candidate]:
    """Keep names, and those short forms that are also words where the text shows that the place is meant."""
    known = gazetteer()
    full = {text[c.start : c.end] for c in named if c.kind == "name"}
    kept: list[Candidate] = []
    for candidate in named:
        surface = text[candidate.start : candidate.end]
        last = kept[-1] if kept else None
        if candidate.kind == "shared":
            spelt_out = any(known.names[code] in full for code in known.codes[surface])
            # an area that no gazetteer holds proves nothing: in 雄安新区新建学校 no 新建区 is meant
            above = last if last and text[last.start : last.end] in known.codes else None
            under = above is not None and above.end == candidate.start and is_below(text, above, candidate)
            in_list = last is not None and text[last.end : candidate.start] == "、"
            if not (spelt_out or under or in_list):
                continue
        bounded = candidate.kind == "bounded" and (last is None or last.end != candidate.start)
        if candidate.kind != "accident" and not (bounded and not _patterns().edge.match(text, candidate.start)):
            kept.append(candidate)
    return kept


def _lower_zones() -> tuple[str, ...]:
    suffix = places_table().suffix
    return suffix.zones + suffix.lower_zones


def _patterned(text: str) -> list[Candidate]:
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
    generic = places_table().suffix.generic
    return [
        Candidate(m.start(), m.end(), kind)
        for pattern, kind in kinds
        for m in pattern.finditer(text)
        if kind != "unlisted" or not m.group().endswith(generic)
    ]


def _disjoint(*groups: list[Candidate]) -> list[Candidate]:
    """Merge groups in order of trust: a candidate that overlaps one kept earlier is dropped."""
    taken: set[int] = set()
    kept: list[Candidate] = []
    for candidate in (c for group in groups for c in group):
        places = range(candidate.start, candidate.end)
        if taken.isdisjoint(places):
            taken.update(places)
            kept.append(candidate)
    return sorted(kept, key=lambda c: c.start)


def _extended(text: str, candidate: Candidate, limit: int) -> Candidate:
    """Take in what follows a name directly, up to the next candidate: units below (…区|河滩镇), a zone, a direction."""
    patterns = _patterns()
    end = candidate.end
    if candidate.kind == "deictic":
        return candidate
    suffix, short = places_table().suffix, gazetteer().short
    unit = shapes().unit.match(text, end, limit)
    end = unit.end() if unit and text[candidate.start : end] in short else end
    while below := shapes().below.match(text, end, limit):
        if below.group().endswith(suffix.generic) and not below.group().endswith(_lower_zones()):
            break
        end = below.end()
    if text.endswith(suffix.administrative, candidate.start, end) and text[candidate.start : end] not in short:
        last = patterns.hamlet.match(text, end, limit)
        end = last.end() if last and not last.group().endswith(suffix.villages) else end
    elif last := patterns.direction.match(text, end, limit):
        end = last.end()
    return Candidate(candidate.start, end, candidate.kind)


def _chained(text: str, candidates: list[Candidate]) -> list[Candidate]:
    """Join areas that stand side by side, the upper before the lower, into one (浙江省杭州市拱墅区)."""
    joined: list[Candidate] = []
    limits = [c.start for c in candidates[1:]] + [len(text)]
    for index, (candidate, limit) in enumerate(zip(candidates, limits, strict=False)):
        extended = _extended(text, candidate, limit)
        adjacent = bool(joined) and joined[-1].end == candidate.start
        # with a unit taken in it is no longer the area that the gazetteer knows by that name
        lower = candidate if extended.end == candidate.end else extended
        if adjacent and candidate.kind != "deictic" and is_below(text, candidates[index - 1], lower):
            joined[-1] = Candidate(joined[-1].start, extended.end, joined[-1].kind)
        else:
            joined.append(extended)
    return joined


def _is_subject(text: str, candidate: Candidate) -> bool:
    """Tell whether the area itself is meant: no organisation in it, no slogan about it, no scope of a comparison."""
    patterns = _patterns()
    before = text[max(0, candidate.start - 4) : candidate.start]
    surface = text[candidate.start : candidate.end]
    in_list = before[-1:] in places_table().context.listed_before and patterns.listed.match(text, candidate.end)
    country = surface in places_table().deictic.country
    if in_list and (country or candidate.kind != "deictic"):
        return False
    if candidate.kind != "deictic":
        # 在粤 is always a place, 在浙江 may begin the name of a body
        located = len(surface) == 1 or before.endswith(places_table().context.located)
        return located or not (patterns.front.match(text, candidate.end) or patterns.slogan.search(before))
    if surface.startswith(places_table().deictic.own):
        return not patterns.scope_after_own.match(text, candidate.end)
    after = patterns.scope_after_country if country else patterns.scope_after
    return not (patterns.scope_before.search(before) or after.match(text, candidate.end))


class Areas(NamedTuple):
    """The areas that a text names.

    Attributes:
        meant: Those that it speaks of: its PLACE spans, in order, not overlapping.
        named: Those that only begin the name of a body, measure a comparison (全省首创), serve a slogan, or say where
            others are from (台湾教师).
    """

    meant: list[Mention]
    named: list[Mention]


def find_areas(text: str) -> Areas:
    """Find the areas that a text names, and tell which of them it speaks of.

    Args:
        text: Any string.

    Returns:
        Mentions of type ``PLACE``, none inside 《》.
    """
    # the same length, so that offsets hold
    bare = _patterns().title.sub(lambda m: "《" * len(m.group()), text)
    known = listed(bare)
    found = _chained(bare, _disjoint(_proven(bare, known), _patterned(bare)))
    meant: list[Candidate] = []
    named = [c for c in known if c.kind == "accident"]
    for candidate in found:
        (meant if _is_subject(bare, candidate) else named).append(candidate)
    return Areas(*(sorted(Mention(c.start, c.end, "PLACE") for c in side) for side in (meant, named)))


def find_places(text: str) -> list[Mention]:
    """Find the PLACE spans of a text.

    Args:
        text: Any string.

    Returns:
        Mentions of type ``PLACE``, in order, not overlapping. None inside 《》, none that begins an organisation.
    """
    return find_areas(text).meant


def region_name(words: str, *, anywhere: bool = False) -> str | None:
    """Give the area with which the name of a body, or a title, begins.

    Args:
        words: Such as 临沂市教育局, 河滩县第一中学.
        anywhere: Take the first area that the words name, wherever it stands.

    Returns:
        The area in full where the gazetteer knows it, else as it stands; ``None`` if the words begin with no area.
    """
    words = _patterns().fronts.sub("", words, count=1) if _patterns().fronts.match(words) else words
    patterned = [c for c in _patterned(words) if c.kind in ("unlisted", "name")]
    leading = _patterns().leading.match(words)
    if leading and not leading.group().endswith(places_table().suffix.generic):
        patterned.append(Candidate(0, leading.end(), "unlisted"))
    chained = _chained(words, _disjoint(_proven(words, listed(words)), patterned))
    found = next((c for c in chained if c.start == 0 or anywhere), None)
    end = _official_end(words)
    surface = words[found.start : found.end] if found else ""
    if end and (found is None or found.start or found.end < end):
        # in 青浦湖区教育局 青浦 is no place of its own
        surface = words[:end]
    return resolve_place(surface, region=None) or surface or None


def _official_end(words: str) -> int:
    """Give the end of the area with which the name of a body begins, whatever its own name is made of, or 0."""
    suffix, patterns = places_table().suffix, _patterns()
    first = next(iter(listed(words)), None)
    if first and first.start == 0 and first.kind == "shared" and words[: first.end] not in gazetteer().short:
        return first.end if patterns.office.match(words, first.end) else 0
    official = patterns.official.match(words)
    common = official and official.group().endswith(suffix.generic) and not official.group().endswith(suffix.natural)
    return official.end() if official and not common else 0
