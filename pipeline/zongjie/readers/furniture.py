"""Page furniture: what a site or a document library puts around a report (navigation, counters, buttons, footers).

In: the characters of a document. Out: ranges of furniture, which yield no facts. The words and patterns are in
``configs/furniture.toml``; they meet width-folded lines, so one form of a punctuation mark is enough there.
Not for: running headers and page numbers of a PDF, which only their place gives away (``pdf.py``).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from zongjie.ontology import Table, load_table
from zongjie.text import fold

_LINE = re.compile(r"[^\r\n]+")
_ENDS = "\u3002!?;\uff01\uff1f\uff1b"
_SENTENCE_MARKS = re.compile(f"[{_ENDS}]")
_TAIL = 120  # characters in which a run of items may end a line of prose
_BOUNDARY = re.compile(rf"(?<=[\s{_ENDS}|\u3011)])(?=\S)")
_SOLID = re.compile(r"\w")


class Segment(Table):
    """Furniture that may stand in the midst of a line, and a plain word that it always holds."""

    cue: str
    pattern: str


class Furniture(Table):
    """``configs/furniture.toml``; lengths in characters."""

    max_line: int
    max_rest: int
    max_label_value: int
    max_related: int
    separators: str
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    strong_fields: tuple[str, ...]
    weak_fields: tuple[str, ...]
    labels: str
    related: str
    segment: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class _Patterns:
    table: Furniture
    item: re.Pattern[str]  # one item; group "strong" tells its strength, "field" whether it is more than a word
    gap: re.Pattern[str]
    label: re.Pattern[str]
    related: re.Pattern[str]
    cues: re.Pattern[str]
    segments: dict[str, tuple[re.Pattern[str], ...]]


@cache
def _patterns() -> _Patterns:
    table = load_table("furniture.toml", Furniture)

    def words(values: tuple[str, ...]) -> str:
        # A word must end where it ends: 打印 is no item in 打印机.
        return "|".join(re.escape(fold(w)) for w in sorted(values, key=len, reverse=True))

    def fields(values: tuple[str, ...]) -> str:
        return "|".join(f"(?:{value})" for value in values)

    item = re.compile(
        f"(?P<field>{fields(table.strong_fields)})|(?P<weakfield>{fields(table.weak_fields)})"
        rf"|(?:(?P<strong>{words(table.strong)})|(?P<weak>{words(table.weak)}))(?=[{table.separators}:]|$)"
    )
    segments: defaultdict[str, list[re.Pattern[str]]] = defaultdict(list)
    for segment in table.segment:
        segments[segment.cue].append(re.compile(segment.pattern))
    return _Patterns(
        table,
        item,
        re.compile(f"[{table.separators}:]*"),
        re.compile(f"[{table.separators}]*(?:{table.labels})[{table.separators}]*"),
        re.compile(f"[{table.separators}]*(?:{table.related})[{table.separators}]*"),
        re.compile("|".join(re.escape(cue) for cue in segments)),
        {cue: tuple(patterns) for cue, patterns in segments.items()},
    )


@dataclass(slots=True)
class _Line:
    start: int
    words: str  # folded
    ranges: list[tuple[int, int]]  # furniture, in offsets of the line
    whole: bool = False
    weak: bool = False  # furniture if a neighbour is
    related: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.words)


def find_furniture(content: str) -> tuple[tuple[int, int], ...]:
    """Find the page furniture in a document.

    Args:
        content: The document's characters.

    Returns:
        Half-open ranges of ``content``, in order, not overlapping, none crossing a line end.
    """
    patterns = _patterns()
    hits = [match.start() for match in patterns.cues.finditer(content)]
    lines: list[_Line] = []
    for match in _LINE.finditer(content):
        words = match[0].strip()
        if not words:
            continue
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        cued = bisect_left(hits, start) < bisect_left(hits, start + len(words))
        # No item ends a sentence, and one at the head of a line has white space after it: most prose stops here.
        if not cued and words[-1] in _ENDS and len(words.split(None, 1)) == 1:
            lines.append(_Line(start, words, []))
        else:
            lines.append(_judge(start, fold(words), cued, patterns))
    _spread(lines, patterns)
    out: list[tuple[int, int]] = []
    for line in lines:
        ranges = [(0, len(line.words))] if line.whole else line.ranges
        out += [(line.start + start, line.start + end) for start, end in ranges]
    return tuple(out)


def _judge(start: int, words: str, cued: bool, patterns: _Patterns) -> _Line:
    """See whether a line is furniture as a whole, and if not, which parts of it are."""
    line = _Line(start, words, [])
    end, strong, items, _ = _run(words, 0, patterns)
    if len(words) <= patterns.table.max_line:
        line.related = patterns.related.fullmatch(words) is not None
        line.whole = (end == len(words) and strong) or line.related
        line.weak = (end == len(words) and items > 0) or not _SOLID.search(words)
        if line.whole or line.weak:
            return line
    if cued:
        for cue, segments in patterns.segments.items():
            if cue in words:
                for pattern in segments:
                    line.ranges += [match.span() for match in pattern.finditer(words) if match.end() > match.start()]
    line.ranges += _ends(words, patterns)
    line.ranges = _merge(line.ranges, words)
    if line.ranges and len(words) <= patterns.table.max_line and not _SENTENCE_MARKS.search(words):
        rest = _rest(words, line.ranges, patterns)
        line.whole = len(rest) <= patterns.table.max_rest
    return line


def _run(words: str, position: int, patterns: _Patterns) -> tuple[int, bool, int, bool]:
    """Follow furniture items from a position: their end, whether one is strong, how many, whether one is a field."""
    strong = field = False
    items = 0
    end = position
    while True:
        gap = patterns.gap.match(words, position)
        after = gap.end() if gap else position
        if after == len(words) and items:
            return after, strong, items, field
        # A page number begins with a dash, which else is a separator.
        item = patterns.item.match(words, position) or patterns.item.match(words, after)
        if item is None or item.end() == position:
            return end, strong, items, field
        strong = strong or item["field"] is not None or item["strong"] is not None
        field = field or item["field"] is not None
        items += 1
        position = end = item.end()


def _ends(words: str, patterns: _Patterns) -> list[tuple[int, int]]:
    """Find runs of items at the head and the tail of a line of prose; one bare word is not enough."""
    out: list[tuple[int, int]] = []
    end, strong, items, field = _run(words, 0, patterns)
    if strong and (items > 1 or field) and end < len(words) and words[end].isspace():
        out.append((0, end))
    if words[-1] in _ENDS:
        return out
    for boundary in _BOUNDARY.finditer(words, max(0, len(words) - _TAIL)):
        end, strong, items, field = _run(words, boundary.start(), patterns)
        if end == len(words) and strong and (items > 1 or field):
            return [*out, (boundary.start(), end)]
    return out


def _merge(ranges: list[tuple[int, int]], words: str) -> list[tuple[int, int]]:
    """Sort ranges and join those that touch, or that only white space and brackets part."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        close = bool(out) and start - out[-1][1] < 3 and not _SOLID.search(words[out[-1][1] : start])
        if out and (start <= out[-1][1] or close):
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _rest(words: str, ranges: list[tuple[int, int]], patterns: _Patterns) -> str:
    """Give what stands beside the furniture of a line, items and separators taken away."""
    kept = list(words)
    for start, end in ranges:
        kept[start:end] = " " * (end - start)
    return "".join(piece for piece in "".join(kept).split() if not patterns.item.fullmatch(piece))


def _spread(lines: list[_Line], patterns: _Patterns) -> None:
    """Let furniture reach the lines that belong to it: values of labels, links, weak items beside it."""
    table = patterns.table
    related = False
    for index, line in enumerate(lines):
        label = len(line.words) <= table.max_label_value and patterns.label.fullmatch(line.words) is not None
        line.whole = line.whole or label
        if label and index + 1 < len(lines):
            follower = lines[index + 1]
            short = len(follower.words) <= table.max_label_value and not _SENTENCE_MARKS.search(follower.words)
            follower.whole = follower.whole or short
        if related and not line.whole:
            related = len(line.words) <= table.max_related and not _SENTENCE_MARKS.search(line.words)
            line.whole = related
        related = related or line.related
    for order in (range(1, len(lines)), range(len(lines) - 2, -1, -1)):
        step = -1 if order.step > 0 else 1
        for index in order:
            if lines[index].weak and lines[index + step].whole:
                lines[index].whole = True
