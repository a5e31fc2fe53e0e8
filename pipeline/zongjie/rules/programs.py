"""The names of programmes: policy documents, quoted names, names with a head noun, events and honours.

In: any string. Out: ``Mention`` of type ``PROGRAM``. Not for: what was done under a programme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from zongjie.ontology import Table, either, load_table, load_words
from zongjie.rules.runs import REACH, Words, cut, in_name, skip
from zongjie.text import Mention

_SENTENCE = 500  # how far back a list of honours is followed, in characters
_SHORTEST = 2  # words of content before a head, in characters


class ProgramTable(Table):
    """Section ``[program]`` of ``programs.toml``."""

    keep: Words
    stop_characters: str
    stop_counts: str
    bare_document: str
    bare_titles: Words
    guarded_heads: Words
    event_heads: Words
    event_marks: str
    open_events: Words
    level_start: str
    common: Words
    triggers: Words
    honour_marks: str
    honours: Words
    honour_list_heads: Words
    after_honour: Words
    personal_honours: Words
    personal_level: str
    common_honours: Words
    counted: str
    works: Words
    tails: Words
    not_before: Words
    quote_reach: int
    quote_breaks: str
    series: Words
    joins: str
    edition: str
    quote_heads: Words
    content_prefix: Words
    ordinal_prefix: str
    ordinal_body: str
    outside_prefix: Words


class QuoteTable(Table):
    """Section ``[quote]`` of ``programs.toml``: the cues that weigh for and against a quoted string."""

    before_yes: Words
    before_no: Words
    after_yes: Words
    after_no: Words
    inner_yes: Words
    inner_no: Words
    numerals: str
    slogans: Words
    longest: int


class ProgramsTable(Table):
    """Shape of ``programs.toml``; every key is explained there."""

    program: ProgramTable
    quote: QuoteTable


@dataclass(frozen=True)
class _Edges:
    """Where a name may begin: what stands before it, and what is taken off its left edge."""

    hard: re.Pattern[str]
    stop: re.Pattern[str]
    trigger: re.Pattern[str]
    opener: re.Pattern[str]
    scope: re.Pattern[str]
    body: re.Pattern[str]


@dataclass(frozen=True)
class _Heads:
    """What ends a name, and what else it takes to be one."""

    any: re.Pattern[str]
    common: re.Pattern[str]
    generic: re.Pattern[str]
    works: re.Pattern[str]
    counted: re.Pattern[str]
    event_mark: re.Pattern[str]
    honour: re.Pattern[str]
    honour_mark: re.Pattern[str]
    whole: tuple[re.Pattern[str], ...]
    guarded: frozenset[str]
    events: frozenset[str]
    open_events: frozenset[str]
    titles: frozenset[str]
    listed: frozenset[str]
    after_honour: tuple[str, ...]


@dataclass(frozen=True)
class _Quote:
    """The cues around and inside a quoted string."""

    before: tuple[re.Pattern[str], re.Pattern[str]]
    after: tuple[re.Pattern[str], re.Pattern[str]]
    inner: tuple[re.Pattern[str], re.Pattern[str]]
    numeral: re.Pattern[str]
    head: re.Pattern[str]
    content: re.Pattern[str]
    outside: frozenset[str]
    slogans: frozenset[str]
    longest: int


_BOOK = re.compile("《[^《》\n]{0,120}(?:《[^《》\n]{0,120}》[^《》\n]{0,120}){0,3}》")
_QUOTED = re.compile("“([^“”\n]{1,40})”")
_ASIDE = re.compile(r"[（(][^（）()]*[）)]$")
_SHORT_ASIDE = re.compile("[（(][^（）()]{1,6}[）)]")


@cache
def _table() -> ProgramsTable:
    return load_table("programs.toml", ProgramsTable)


@cache
def _edges() -> _Edges:
    table = _table().program
    keep, bodies = either(table.keep), either(load_words("program_levels.txt"))
    openers, scopes = either(load_words("program_openers.txt")), either(load_words("program_scopes.txt"))
    ended = either(
        {*load_words("program_heads.txt"), *load_words("honour_heads.txt"), *table.event_heads, *table.open_events}
    )
    listed = f"(?:{ended}){either(table.tails)}?[{table.joins}]"  # a name, and the next one of a list
    hard = f"[{table.stop_characters}]|{table.stop_counts}|{table.level_start}|{listed}"
    return _Edges(
        hard=re.compile(f"(?P<keep>{keep})|{hard}"),
        stop=re.compile(f"(?P<keep>{keep})|{either(load_words('program_stops.txt'))}了?|{hard}"),
        trigger=re.compile(f"{either(table.triggers)}了?"),
        opener=re.compile(f"(?:{openers}|{bodies}|{scopes})*+"),
        scope=re.compile(f"了?好?(?:{bodies}|{scopes})*+"),
        body=re.compile(f"(?:{openers}|{bodies})*+"),
    )


@cache
def _heads() -> _Heads:
    table = _table().program
    actions, titles = load_words("program_heads.txt"), load_words("honour_heads.txt")
    events = {*table.event_heads, *table.open_events}
    heads = either({*actions, *titles, *table.honour_list_heads, *table.guarded_heads, *events})
    sure = either(set(table.personal_honours) - set(table.common_honours))
    return _Heads(
        any=re.compile(f"(?:{heads})(?!{either(table.not_before)})"),
        common=re.compile(f"{either(table.common)}$"),
        generic=re.compile(f"{either(load_words('program_generic.txt'))}*+"),
        works=re.compile(f"{either(table.works)}$"),
        counted=re.compile(table.counted),
        event_mark=re.compile(table.event_marks),
        honour=re.compile(either(table.honours)),
        honour_mark=re.compile(table.honour_marks),
        whole=(
            re.compile(either(load_words("national_programmes.txt"))),
            re.compile(f"(?:{table.personal_level}){either(table.personal_honours)}|{sure}"),
        ),
        guarded=frozenset(table.guarded_heads),
        events=frozenset(events),
        open_events=frozenset(table.open_events),
        titles=frozenset(titles),
        listed=frozenset(table.honour_list_heads),
        after_honour=tuple(table.after_honour),
    )


@cache
def _quote() -> _Quote:
    table, program = _table().quote, _table().program
    heads = either({*load_words("program_heads.txt"), *program.quote_heads, *program.open_events})
    prefix = f"(?:{program.ordinal_prefix}(?:{program.ordinal_body})?)?{either(program.content_prefix)}?$"
    return _Quote(
        before=(_ending(table.before_yes), _ending(table.before_no)),
        after=(re.compile(either(table.after_yes)), re.compile(either(table.after_no))),
        inner=(_ending(table.inner_yes), _ending(table.inner_no)),
        numeral=re.compile(table.numerals),
        head=re.compile(
            f"[^{program.quote_breaks}]{{0,{program.quote_reach}}}?(?:{heads})+(?!{either(program.not_before)})"
        ),
        content=re.compile(prefix),
        outside=frozenset(program.outside_prefix),
        slogans=frozenset(table.slogans),
        longest=table.longest,
    )


@cache
def _document() -> re.Pattern[str]:
    return re.compile(f"{either(load_words('policy_heads.txt'))}{_table().program.edition}$")


def _ending(words: Words) -> re.Pattern[str]:
    return re.compile(f"{either(words)}$")


def find_programs(text: str) -> list[Mention]:
    """Find the named programmes, campaigns, policies, events and honours of a text.

    Args:
        text: Any string.

    Returns:
        ``PROGRAM`` mentions, sorted, not overlapping.

    Raises:
        ConfigError: If a config file is missing or wrong.
    """
    spans = {*_documents(text), *_quotes(text), *_wholes(text), *_titles(text)}
    found: list[Mention] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not found or start >= found[-1].end:
            found.append(Mention(start, end, "PROGRAM"))
    return found


def _documents(text: str) -> Iterator[tuple[int, int]]:
    """Titles in 《》 that end as policy documents do; not books, songs or newspapers."""
    table = _table().program
    for match in _BOOK.finditer(text):
        title = _ASIDE.sub("", match.group()[1:-1])
        if title not in table.bare_titles and _document().search(title):
            yield match.span()
    for match in re.finditer(table.bare_document, text):
        yield match.span()


def _wholes(text: str) -> Iterator[tuple[int, int]]:
    """Names that are known as a whole: national programmes, honours of persons."""
    for pattern in _heads().whole:
        for match in pattern.finditer(text):
            yield from _unquoted(text, *match.span())


def _quotes(text: str) -> Iterator[tuple[int, int]]:
    """The quoted names, with the head that follows; a list of quoted strings is judged as one."""
    cues = _quote()
    series: list[tuple[int, int]] = []
    score = last = 0
    for match in _QUOTED.finditer(text):
        start, end = match.span()
        if last and text[last:start] not in ("", *_table().program.series):
            yield from series if score > 0 else ()
            series, score = [], 0
        head = cues.head.match(text, end)
        last = head.end() if head else end
        weight = _weight(cues, text, match, bool(head))
        score += weight
        if weight > -4:
            named = bool(head) or bool(cues.inner[0].search(match[1]))
            series.append((_start_of_quote(cues, text, start, named), last))
    yield from series if score > 0 else ()


def _weight(cues: _Quote, text: str, match: re.Match[str], headed: bool) -> int:
    """How much speaks for a quoted string being a name: two points a cue."""
    inner = match[1]
    if inner in cues.slogans and not headed:
        return -6
    before, after = text[max(0, match.start() - 6) : match.start()], text[match.end() : match.end() + 6]
    weight = int(headed) - (len(inner) > cues.longest) - (len(inner) == 1)
    weight += bool(cues.before[0].search(before)) - bool(cues.before[1].search(before))
    weight += bool(cues.after[0].match(after)) - bool(cues.after[1].match(after))
    weight += bool(cues.inner[0].search(inner)) - bool(cues.inner[1].search(inner))
    return 2 * weight + (4 <= len(inner) <= 9 and bool(cues.numeral.search(inner)))


def _start_of_quote(cues: _Quote, text: str, quote: int, named: bool) -> int:
    """Where a name with a quoted part begins: at the quote, or at the words of content in front of it."""
    edges, left = _edges(), _left(text, quote)
    content = cues.content.search(text, left, quote)
    triggered = _last_end(edges.trigger, text, left, quote)
    if (content and content.group()) or not triggered or not named:
        return content.start() if content else quote
    start = skip(edges.scope, text, cut(edges.hard, text, triggered, quote), quote)
    return quote if text[start:quote] in cues.outside else start


def _titles(text: str) -> Iterator[tuple[int, int]]:
    """The unquoted names: a head noun with words of content before it."""
    heads = _heads()
    for match in heads.any.finditer(text):
        start = _start_of_title(heads, text, match)
        if start is None:
            continue
        titled = match.group() in heads.titles
        end = skip(_SHORT_ASIDE, text, match.end(), len(text)) if titled else match.end()
        yield from _unquoted(text, start, end)


def _unquoted(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A title as it stands; with its quotation marks if it fills them; nothing if it is a part of what they hold."""
    low = max(0, start - 40)
    opened = text.rfind("“", low, start)
    if opened <= text.rfind("”", low, start):
        yield start, end
    elif opened + 1 == start and text.startswith("”", end):
        yield opened, end + 1


def _start_of_title(heads: _Heads, text: str, match: re.Match[str]) -> int | None:
    """Where the name that a head ends begins; ``None`` where it is no name."""
    edges, head, end = _edges(), match.group(), match.start()
    left = _left(text, end)
    triggered = _last_end(edges.trigger, text, left, end)
    opened = cut(edges.hard, text, triggered, end) if triggered else cut(edges.stop, text, left, end)
    if head in heads.titles or head in heads.listed:
        opened = skip(edges.body, text, opened, end)
        return opened if head in heads.titles or _in_honours(heads, text, opened, match) else None
    start = skip(edges.scope if triggered else edges.opener, text, opened, end)
    prefix = text[start:end]
    if heads.common.search(prefix):
        return None
    if head in heads.events:
        opened = skip(edges.body, text, opened, end)
        sure = end - opened > 1 if head in heads.open_events else heads.event_mark.search(text, opened, end)
        return opened if sure else None
    if len(prefix) < _SHORTEST or heads.generic.fullmatch(prefix):
        return None
    if head not in heads.guarded:
        return start
    counted = heads.counted.search(text, max(0, opened - 8), opened)
    return start if not counted and (triggered or heads.works.search(prefix)) else None


def _in_honours(heads: _Heads, text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a title of a common kind stands in a sentence that lists honours, after the level that awards it."""
    end = match.end()
    if end < len(text) and in_name(text[end]) and not text.startswith(heads.after_honour, end):
        return False
    mark = heads.honour_mark.match(text, start, match.start())
    if not mark or mark.end() == match.start():
        return False
    low = max(0, start - _SENTENCE)
    sentence = max(text.rfind(stop, low, start) for stop in "。\n")
    return bool(heads.honour.search(text, max(sentence + 1, low), start))


def _left(text: str, end: int) -> int:
    """Where the run of words that ends at ``end`` begins; a lone dash, plus or full stop does not end it."""
    left, low = end, max(0, end - REACH)
    while left > low and (in_name(text[left - 1]) or _inside(text, left - 1)):
        left -= 1
    return left


def _inside(text: str, at: int) -> bool:
    return text[at] in "—－-+." and 0 < at < len(text) - 1 and in_name(text[at - 1]) and in_name(text[at + 1])


def _last_end(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    """The end of the last match in ``text[start:end]``; 0 where there is none."""
    last = 0
    for match in pattern.finditer(text, start, end):
        last = match.end()
    return last
