"""What a document says of itself: title, issuer, region, date, the period it is about, its kind.

In: a ``Text`` as a reader leaves it, or a plain string in one. Out: ``Profile``. Nothing is guessed: what the document
does not state is ``None``. Not for: reading containers (``readers/``) or headings and sentences (``language.py``).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise
from typing import get_args

from zongjie.ontology import Table, either, load_table
from zongjie.period import Period, find_periods, parse_period
from zongjie.places import region_name
from zongjie.record import DocumentKind
from zongjie.text import Text


class _Layout(Table):
    head_lines: int
    tail_lines: int
    running: int
    title_lines: int
    lead_lines: int
    page_words: str


class _Grammar(Table):
    tail: str
    joined: str
    quoted: str
    never: str
    continues: str
    leans: str
    document_number: str


class _Title(Table):
    heads: dict[DocumentKind, tuple[str, ...]]
    grammar: _Grammar


class _Issuer(Table):
    least: int
    heads: tuple[str, ...]
    stops: str
    letterhead: str
    joint: str
    media: str
    follows: str
    goes_on: str
    printed: str
    issues: str
    label: str
    represents: str


class _Published(Table):
    label: str
    date: str
    signed: str
    month: str
    digits: str
    zeros: str
    ten: str
    occasion: str
    labelled_title: str


class _Region(Table):
    assembly: str
    chief: str


class _Period(Table):
    review: str
    five_years: str
    bracketed: str
    about_government: str


class _Kind(Table):
    cues: dict[DocumentKind, str]


class ProfileTable(Table):
    """Shape of ``configs/profile.toml``; the file says what each entry is for."""

    layout: _Layout
    title: _Title
    issuer: _Issuer
    published: _Published
    region: _Region
    period: _Period
    kind: _Kind


@dataclass(frozen=True, slots=True)
class Profile:
    """Facts about a document as a whole; ``None`` where it does not state them.

    Attributes:
        title: Title, the lines of a broken one joined.
        issuer: The body that speaks or publishes; media are none.
        region: The area of the issuer or the title, in full (临沂市).
        published: Day of publication or signature.
        period_text: The words that state the period reported on or planned for.
        period_start: First day of that period.
        period_end: Last day of that period.
        kind: What the document is.
        base: The day from which 今年 and the like are counted: publication, else delivery, else the end of the month
            that the document is dated with, else the end of the period, of a plan its start; for a summary or a plan
            never outside the period that it is about.
    """

    title: str | None
    issuer: str | None
    region: str | None
    published: date | None
    period_text: str | None
    period_start: date | None
    period_end: date | None
    kind: DocumentKind
    base: date | None


@dataclass(frozen=True, slots=True)
class _Page:
    """The lines that matter, page furniture left out.

    Attributes:
        head: Lines above the first running text.
        body: All below them.
        lead: The first lines of running text.
        tail: The last lines.
    """

    head: tuple[str, ...]
    body: tuple[str, ...]
    lead: tuple[str, ...]
    tail: tuple[str, ...]


@cache
def _table() -> ProfileTable:
    return load_table("profile.toml", ProfileTable)


@cache
def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source)


def _page(text: Text) -> _Page:
    layout = _table().layout
    furniture = [b for b in text.blocks if b.kind == "furniture"]
    starts = [b.start for b in furniture]
    idle = _pattern(f"(?:{layout.page_words})$")
    lines: list[str] = []
    start = 0
    for raw in text.content.splitlines(keepends=True):
        line, begin, start = raw.strip().lstrip("#").lstrip(), start, start + len(raw)
        block = bisect_right(starts, begin) - 1
        inside = block >= 0 and begin + len(raw.rstrip()) <= furniture[block].end
        if line and not inside and not idle.match(line):
            lines.append(line)
    top = lines[: layout.head_lines]
    running = next((i for i, line in enumerate(top) if _is_running(line)), len(top))
    return _Page(
        tuple(top[:running]),
        tuple(lines[running:]),
        tuple(lines[running : running + layout.lead_lines]),
        tuple(lines[-layout.tail_lines :]),
    )


def _is_running(line: str) -> bool:
    ends = "。" in line.rstrip("。")[:-1] or line.endswith("。")
    return "|" not in line and (ends or len(line) > _table().layout.running)


def _kind_of_title(title: str) -> DocumentKind | None:
    """Tell the kind by the last word of a title, or of the first of two titles in one, or of the title it quotes."""
    table = _table().title
    quoted = _pattern(table.grammar.quoted).search(title)
    for part in (quoted.group(1) if quoted else "", *re.split(table.grammar.joined, title), title):
        ends = {
            kind: max((len(h) for h in heads if re.search(f"{h}{table.grammar.tail}$", part)), default=0)
            for kind, heads in table.heads.items()
        }
        best = max(ends, key=ends.__getitem__)
        if ends[best] and not (part != title and best == "other"):
            return best
    return None


def _is_title(line: str) -> bool:
    grammar = _table().title.grammar
    heads = either(tuple(head for heads in _table().title.heads.values() for head in heads))
    ends = _pattern(f"(?:{heads}){grammar.tail}$").search(line)
    return bool(ends) and not _pattern(grammar.never).search(line) and not _is_running(line)


def _title_in(head: tuple[str, ...]) -> str | None:
    """Find the title in the lines above the running text, and join it if it is broken over several."""
    table = _table()
    grammar = table.title.grammar
    for index, line in enumerate(head):
        if not _is_title(line):
            continue
        parts = [line]
        for above in reversed(head[max(0, index - table.layout.title_lines + 1) : index]):
            broken = _pattern(grammar.leans).search(parts[0]) or above.count("《") > above.count("》")
            joins = broken and _pattern(grammar.continues).search(above)
            if not joins or _pattern(grammar.never).search(above) or _pattern(grammar.document_number).search(above):
                break
            parts.insert(0, above)
        return "".join(parts)
    return None


def _labelled(page: _Page, pattern: str) -> str | None:
    found = (_pattern(pattern).search(line) for line in page.head + page.tail)
    return next((m.group(1).strip() for m in found if m), None)


def _headline_in(head: tuple[str, ...]) -> str | None:
    """Take the first line for a headline if a date or a source stands under it."""
    published, issuer = _table().published, _table().issuer
    if not head or _pattern(_table().title.grammar.never).search(head[0]) or _pattern(published.date).match(head[0]):
        return None
    dated = any(_pattern(published.date).search(line) or _pattern(issuer.label).search(line) for line in head[1:3])
    return head[0] if dated else None


def _run_in(page: _Page) -> str | None:
    """Take what stands before the colon of the first line for its title (清溪县…工作总结:…)."""
    words, colon, _ = page.lead[0].replace("：", ":").partition(":") if page.lead and not page.head else ("", "", "")
    rest = _strip_period(words)
    named = rest != words or _organisation(rest, _table().issuer.follows)
    return words if colon and named and _is_title(words) else None


def _organisation(words: str, end: str) -> str | None:
    """Give the organisation at the start of some words, if what follows it fits ``end``."""
    issuer = _table().issuer
    name = _pattern(f"[^{issuer.stops}\\d]{{1,24}}?{either(issuer.heads)}(?!{issuer.goes_on})(?={end})").match(words)
    if name is None or (len(name.group()) < issuer.least and region_name(name.group()) is None):
        return None
    return name.group()


def _issuer(text: Text, page: _Page, title: str | None) -> str | None:
    table = _table().issuer
    named = text.stated.issuer or _labelled(page, table.label)
    if named and not _pattern(table.media).search(named):
        return named
    for line in reversed(page.tail[-4:]):
        signed = _organisation(_undated(line), table.joint) or _organisation(_squeezed(line), "$")
        if signed and not _is_running(line):
            return signed
    for line in page.head:
        letterhead = _organisation(_undated(line), f"(?:{table.letterhead}|{table.joint})") if line != title else None
        if letterhead:
            return letterhead
    if title and (named := _organisation(_strip_period(title), table.follows)):
        return named
    if signature := _signature(page, None) if title else None:
        return signature[0]
    printed = (_organisation(_squeezed(line), table.printed) for line in reversed(page.tail[-4:]))
    quoted = _pattern(table.issues).search(title or "")
    issued = _organisation(_strip_period(quoted.group(1)), table.follows) if quoted else None
    if named := next(filter(None, printed), issued):
        return named
    spoken = (_pattern(table.represents).search(line) for line in page.lead)
    return next((m.group(1) for m in spoken if m and region_name(m.group(1))), None)


def _undated(line: str) -> str:
    """Give a line without its date."""
    return _pattern(_table().published.date).sub("", line).strip("（）() \u3000\t")


def _squeezed(line: str) -> str:
    """Give a line without its date and without blanks (云 川 市 教 育 局)."""
    return re.sub(r"\s+", "", _undated(line))


def _signature(page: _Page, issuer: str | None) -> tuple[str, date] | None:
    """Find body and day of a signature before an annex, on one line or on two; of the issuer where that is known."""
    published = _table().published
    for above, line in pairwise(("", *page.body)):
        dated = not _is_running(line) and _pattern(published.signed).search(line)
        if dated and (found := _pattern(published.date).search(line)):
            signed = _organisation(_squeezed(line) or _squeezed(above), "$")
            if signed and issuer in (None, signed) and (day := _day(found.group())):
                return signed, day
    return None


def _strip_period(title: str) -> str:
    mentions = find_periods(title)
    return title[mentions[0].end :] if mentions and mentions[0].start == 0 else title


def _day(words: str) -> date | None:
    published = _table().published
    numerals = str.maketrans(published.digits + published.zeros, "0123456789" + "0" * len(published.zeros))
    parsed = parse_period(re.sub(r"\s+", "", words).translate(numerals)) or parse_period(re.sub(r"\s+", "", words))
    return parsed.start if parsed and parsed.start == parsed.end else None


def _dates(page: _Page, issuer: str | None, *, delivered: bool) -> date | None:
    """Find the day of publication, or the day of the meeting that the head names."""
    published = _table().published
    head = [line for line in page.head if bool(_pattern(published.occasion).search(line)) is delivered]
    for line in head:
        labelled = _pattern(f"{published.label}({published.date})").search(line)
        if labelled and (day := _day(labelled.group(1))):
            return day
    tail = [] if delivered else [line for line in page.tail[-4:][::-1] if _signature_date(line)]
    for line in head + tail:
        found = _pattern(published.date).search(line)
        if found and (day := _day(found.group())):
            return day
    if delivered:
        return None
    if issuer and (signature := _signature(page, issuer)):
        return signature[1]
    ends = _pattern(_table().issuer.printed)
    printed = (_pattern(published.date).search(line) for line in page.tail[-4:] if ends.search(line))
    return next((_day(found.group()) for found in printed if found), None)


def _month(page: _Page) -> date | None:
    """Find the last day of the month that the document is dated with."""
    published = _table().published
    lines = [line for line in page.head if not _pattern(published.occasion).search(line)]
    for line in [*lines, *page.tail[-4:][::-1]]:
        words = line.strip("（）() ")
        found = _pattern(published.month).search(words)
        signed = _squeezed(words[: found.start()]) if found else ""
        if found and (not signed or _organisation(signed, "$")):
            period = parse_period(found.group())
            return period.end if period else None
    return None


def _signature_date(line: str) -> bool:
    dated, rest = _pattern(_table().published.date).search(line), _squeezed(line)
    return dated is not None and (not rest or _organisation(rest, "$") is not None)


def _region(page: _Page, title: str | None, issuer: str | None) -> str | None:
    table = _table().region
    for words in (issuer, _strip_period(title) if title else None, title):
        if words and (region := region_name(words, anywhere=words is title)):
            return region
    # the name of an assembly may be broken over two lines
    pairs = [line + below for line, below in pairwise((*page.head, ""))]
    for pattern, lines in ((table.assembly, pairs), (table.chief, page.head)):
        for found in filter(None, map(_pattern(pattern).search, lines)):
            if region := region_name(found.group(1), anywhere=True):
                return region
    return None


def _reported(words: str, *, kind: str | None = None) -> tuple[str, Period] | None:
    """Give the first span of time, longer than a day and of the kind asked for, that some words state."""
    # inside 《》 find_periods sees names; in a title they state what the document is about
    for mention in find_periods(words.translate(dict.fromkeys(map(ord, "《》"), " "))):
        period = parse_period(mention.text)
        if period and period.start and period.end and period.start != period.end and kind in (None, period.kind):
            return mention.text, period
    return None


def _five_years(title: str) -> tuple[str, Period] | None:
    found = _pattern(_table().period.five_years).search(title)
    if found is None:
        return None
    ordinal = found["ordinal"]  # the 第十五个五年规划 is the “十五五”规划
    period = parse_period(f"“{ordinal}五”" if ordinal else found.group())
    return (found.group(), period) if period and period.start else None


def _bracketed(title: str, stated: Period | None, day: date | None) -> tuple[str, Period] | None:
    """Give the span of time that a title states in brackets, if it says more than the one stated before them."""
    for words in _pattern(_table().period.bracketed).findall(title):
        period = parse_period(words)
        if period and not period.resolved:
            # 2025年……通报（1—9月）: a part of the year stated, or of the year of the day, if that part is over
            period = parse_period(words, base=stated.end if stated else day)
            over = stated is not None or (day and period and period.end and period.end <= day)
            period = period if over and period and period.kind in ("range", "half", "quarter", "month") else None
        elif period and stated and (period.kind != "range" or (period.start, period.end) == (stated.start, stated.end)):
            period = None
        if period and period.start and period.end and period.start != period.end:
            return words, period
    return None


def _period(page: _Page, title: str | None, kind: DocumentKind, day: date | None) -> tuple[str, Period] | None:
    table = _table().period
    if title and _pattern(table.about_government).search(title):
        headings = (line for line in page.head + page.lead if not _is_running(line))
        review = next((line for line in headings if _pattern(table.review).search(line)), None)
        if review and (found := _reported(review, kind="year") or _reported(review)):
            return found
    found = (_reported(title) or _five_years(title)) if title else None
    found = _bracketed(title, found[1] if found else None, day) or found if title else None
    if found:
        return found
    if title and kind in ("summary", "plan", "report", "bulletin") and page.lead:
        mentions = find_periods(page.lead[0][:40])
        return _reported(mentions[0].text) if mentions and mentions[0].start == 0 else None
    return None


def _kind(page: _Page, title: str | None) -> DocumentKind:
    told = _kind_of_title(title) if title else None
    if told:
        return told
    for kind in get_args(DocumentKind):
        cue = _table().kind.cues.get(kind)
        if cue and any(_pattern(cue).search(line) for line in page.head + page.lead[:1]):
            found: DocumentKind = kind
            return found
    return "news" if title else "other"


def _standpoint(kind: DocumentKind, day: date | None, start: date | None, end: date | None) -> date | None:
    """Give the day from which a document speaks: a summary from its year, though January has come.

    A plan likewise; without a date it speaks from the start of its period, anything else from the end.
    """
    if day and end and kind in ("summary", "bulletin"):
        return min(day, end)
    if start and kind == "plan":
        return max(day, start) if day else start
    return day or end


def profile(text: Text) -> Profile:
    """Read what a document says of itself.

    Args:
        text: The document; what its container states (``Text.stated``) goes before what its lines say.

    Returns:
        The profile, with ``None`` for what is not stated.
    """
    page = _page(text)
    title = text.stated.title or _labelled(page, _table().published.labelled_title)
    title = title or _title_in(page.head) or _headline_in(page.head) or _run_in(page)
    kind = _kind(page, title)
    issuer = _issuer(text, page, title)
    stated = text.stated.published
    published = date.fromisoformat(stated) if stated else _dates(page, issuer, delivered=False)
    day = published or _dates(page, issuer, delivered=True)
    reported = _period(page, title, kind, day)
    words, period = reported if reported else (None, None)
    start, end = (period.start, period.end) if period else (None, None)
    base = _standpoint(kind, day or _month(page), start, end)
    return Profile(title, issuer, _region(page, title, issuer), published, words, start, end, kind, base)
