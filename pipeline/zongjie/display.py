"""A record as a piece of HTML that shows it in a notebook: facts, statements, and the text with its marks.

In: a record as plain values (``Record.to_dict``). Out: HTML without script and without anything from outside, for
JupyterLab, VS Code and nbconvert. Not for: a page of many documents (``view.py``).

The piece must stay readable where a notebook is not trusted and its host takes ``<style>`` and ids away: what matters
is said by elements and by styles of their own. All colours are translucent and the letters are the host's, so that it
is the same piece in light and in dark. The style sheet adds only this: a fact under the pointer lights its number,
metric, time and place, in its row and in the text. Its rules hold within one record, however many a page shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from heapq import heapify, heappop, heappush
from html import escape
from typing import Any, Final, NamedTuple

from zongjie.looks import Color, Language, Word, looks
from zongjie.ontology import Table, load_table

Plain = Mapping[str, Any]

_TYPES: Final = {
    "number": "NUMBER",
    "metric": "METRIC",
    "action": "ACTION",
    "time": "TIME",
    "place": "PLACE",
    "school": "SCHOOL",
    "program": "PROGRAM",
    "base": "NUMBER",
}
_COLUMNS: Final = (("time",), ("place",), ("school", "program"))  # of a fact, beside indicator and value
_OPEN = 1_500  # characters of a text that is shown at once
_TEXT = 20_000  # characters of a text that are shown at all
_ROWS = 1_000  # facts, or statements of a role, that are shown
_SENTENCE = 300  # characters of a sentence, round its number
_LIT = 100  # facts that the text lights too: each is a rule that the browser follows at every move of the pointer
_TINT = 0.28  # how opaque a mark is
_LINED = 0.8  # and the line below it
_SHORT = 12  # characters that are not broken into lines
_NOT_SHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")  # no letters, and partly not to be written in UTF-8

_LINE: Final = "1px solid rgba(127,127,127,.35)"
_LEFT: Final = "text-align:left"  # notebooks have it otherwise
_BOX: Final = f"max-height:32em;overflow:auto;margin:.3em 0 .8em;border:{_LINE}"
_FAINT: Final = "opacity:.75"
_STYLE: Final = f"""\
.zongjie summary{{cursor:pointer}}
.zongjie table td,.zongjie table th{{vertical-align:top;padding:.25em .6em;border-bottom:{_LINE}}}
.zongjie .z{{border-radius:3px;padding:0 1px;border-bottom:2px solid}}
.zongjie .z:target{{outline:3px solid}}
.zongjie tr:hover .z{{outline:2px solid}}
.zongjie a{{color:inherit;text-decoration:none}}
"""


class NotebookTable(Table):
    """``configs/notebook.toml``."""

    words: Mapping[str, Word]


@cache
def _words() -> Mapping[str, Word]:
    return load_table("notebook.toml", NotebookTable).words


class _Mark(NamedTuple):
    """A piece of the text with its tag."""

    start: int
    end: int
    tag: str


def html(record: Plain, *, language: Language = "zh") -> str:
    """Show a record.

    Args:
        record: What ``Record.to_dict`` gives, with or without the text.
        language: ``zh`` or ``en``, of the words that are not the document's.

    Returns:
        One ``<div>``; the same record gives the same characters. A long text is cut, and so are very many facts; the
        piece says so.

    Raises:
        ConfigError: If ``configs/view.toml`` or ``configs/notebook.toml`` is wrong.
    """
    return "".join(_Piece(record, language).parts())


class _Piece:
    """One record on its way to HTML."""

    def __init__(self, record: Plain, language: Language) -> None:
        self.record = record
        self.language = language
        self.text: str | None = record.get("text")
        document = record["document"]
        self.key = sha256(f"{document['id']}\n{document['source']}".encode("utf-8", "replace")).hexdigest()[:10]
        self.colors = list(looks().colors.values())
        self.types = {type_: at for at, type_ in enumerate(looks().colors)}
        self.facts: Sequence[Plain] = record["facts"][:_ROWS]

    def parts(self) -> Iterator[str]:
        """Give the piece, part after part."""
        known = range(min(len(self.facts), _LIT))
        lit = (f".zongjie:has(.zf{at}:hover) .zf{at}{{outline:2px solid}}" for at in known)
        lines = (f".zongjie .zt{at}{{border-color:{_tint(color, _LINED)}}}" for at, color in enumerate(self.colors))
        lang = _LANG[self.language]  # and no formula is looked for between two dollar signs
        yield f'<div class="zongjie tex2jax_ignore mathjax_ignore" lang="{lang}" style="line-height:1.6">'
        yield f"<style>{_STYLE}{''.join(lines)}{''.join(lit)}</style>"
        yield from self._head()
        yield from self._section("facts", self._table(), opened=True)
        for role in looks().marks:
            yield from self._section(role, self._statements(role))
        yield from self._body()
        yield from self._section("warnings", self._warnings())
        yield "</div>"

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        document = self.record["document"]
        period = document["period"]
        said = [document["issuer"], document["region"], document["published"], period and period["text"]]
        said += [self._name(document["kind"]), document["source"]]
        yield f'<div style="font-weight:bold;font-size:115%">{_safe(document["title"] or document["source"])}</div>'
        yield f'<div style="{_FAINT}">{" · ".join(_safe(words) for words in said if words)}</div>'
        legend = (_tagged(self._tag(type_, ()), _safe(self._name(type_))) for type_ in looks().colors)
        yield f'<div style="margin:.4em 0;font-size:90%">{" ".join(legend)}</div>'

    def _section(self, name: str, content: Iterable[str], *, opened: bool = False) -> Iterator[str]:
        """Give a part that opens and closes; none if the record has none of it."""
        found = self.record[name]
        if not found:
            return
        yield _opening(f"{_safe(self._name(name))} {len(found)}", opened=opened)
        yield from content
        if len(found) > _ROWS:
            yield f"<p>{self._word('rows_cut', all=len(found), shown=_ROWS, name=name)}</p>"
        yield "</details>"

    def _table(self) -> Iterator[str]:
        shown = [roles for roles in _COLUMNS if any(fact[role] for fact in self.facts for role in roles)]
        heads = [self._word("indicator"), self._word("value"), self._word("status"), self._word("kind")]
        heads += [_safe(" / ".join(self._name(_TYPES[role]) for role in roles)) for roles in shown]
        heads += [self._word("sentence")] if self.text else []
        yield f'<div style="{_BOX}"><table style="border-collapse:collapse;margin:0;font-size:90%"><thead><tr>'
        yield from (f'<th style="{_LEFT};white-space:nowrap">{head}</th>' for head in heads)
        yield "</tr></thead><tbody>"
        for at, fact in enumerate(self.facts):
            cells = [f'<div style="min-width:7em">{_safe(fact["indicator"])}</div>', self._value(at, fact)]
            cells += [_safe(self._name(fact[name])) for name in ("status", "kind")]
            cells += ["<br>".join(filter(None, (self._span(at, fact, role) for role in roles))) for roles in shown]
            yield f'<tr class="zf{at}" title="{self._sure(fact["id"], fact["confidence"])}">'
            yield from (f'<td style="{_LEFT}">{cell}</td>' for cell in cells)
            if self.text:
                yield f'<td style="{_LEFT};min-width:22em">{self._sentence(at, fact, self.text)}</td>'
            yield "</tr>"
        yield "</tbody></table></div>"

    def _value(self, at: int, fact: Plain) -> str:
        """Show a number as it is written, a link to its place in the text, and below what it is worth."""
        shown = self._span(at, fact, "number")
        if self.text and fact["number"]["start"] < _TEXT:
            # not round the number, which would then have the colour that the host gives to links
            shown += f' <a href="#{self._id(at)}" title="{self._word("text")}">↓</a>'
        value = fact["value"]
        if not value:
            return shown
        ends = dict.fromkeys(format(end, ",f") for end in (value["low"], value["high"]) if end is not None)
        flag = "" if value["flag"] in "=-" else value["flag"]
        worth = _safe(f"{flag} {'–'.join(ends)} {value['unit']}".strip())
        return f'{shown}<br><span style="{_FAINT};white-space:nowrap">{worth}</span>'

    def _span(self, at: int, fact: Plain, role: str) -> str:
        span = fact[role]
        if not span:
            return ""
        known = span.get("name")
        more = f'<br><span style="{_FAINT}">{_safe(known)}</span>' if known and known != span["text"] else ""
        words = span["text"]
        shown = _tagged(self._tag(_TYPES[role], (at,)), _safe(words)) + more
        return f'<span style="white-space:nowrap">{shown}</span>' if len(words) <= _SHORT else shown

    def _sentence(self, at: int, fact: Plain, text: str) -> str:
        """Quote the sentence, or what of a very long one is round the number."""
        start, end, number = fact["sentence"]["start"], fact["sentence"]["end"], fact["number"]["start"]
        first = max(start, min(number - _SENTENCE // 2, end - _SENTENCE))
        last = min(end, first + _SENTENCE)
        spans = ((fact[role], type_) for role, type_ in _TYPES.items() if fact[role])
        marks = [_Mark(span["start"], span["end"], self._tag(type_, (at,))) for span, type_ in spans]
        quoted = _marked(text, first, last, marks)
        return f"{'…' if first > start else ''}{quoted}{'…' if last < end else ''}"

    def _statements(self, role: str) -> Iterator[str]:
        line = f"border-left:4px solid {_tint(looks().marks[role], _LINED)};padding-left:.6em;margin:.3em 0"
        yield f'<div style="{_BOX}">'
        for one in self.record[role][:_ROWS]:
            where = " / ".join(one["section"])
            about = f' <span style="{_FAINT};font-size:85%">{_safe(where)}</span>' if where else ""
            title = self._sure(one["id"], one["confidence"])
            yield f'<div title="{title}" style="{line}">{_safe(one["text"])}{about}</div>'
        yield "</div>"

    def _body(self) -> Iterator[str]:
        if self.text is None:
            yield f'<p style="{_FAINT}">{self._word("no_text")}</p>'
            return
        size = f"{len(self.text):,}"
        yield _opening(f"{self._word('text')} {size}", opened=len(self.text) <= _OPEN)
        yield f'<div style="{_BOX};white-space:pre-wrap;overflow-wrap:anywhere;padding:.4em .8em;line-height:1.9">'
        yield _marked(self.text, 0, min(len(self.text), _TEXT), self._marks())
        yield "</div>"
        if len(self.text) > _TEXT:
            yield f"<p>{self._word('text_cut', all=size, shown=f'{_TEXT:,}')}</p>"
        yield "</details>"

    def _warnings(self) -> Iterator[str]:
        yield f'<ul style="{_FAINT}">'
        yield from (
            f"<li>{_safe(one['code'])}: {_safe(one['message'])}</li>" for one in self.record["warnings"][:_ROWS]
        )
        yield "</ul>"

    # -- pieces --------------------------------------------------------------------------------------------------------

    def _marks(self) -> Iterator[_Mark]:
        """Give every tagged span once, with the facts that it belongs to."""
        spans: dict[tuple[int, int, str], list[int]] = {}
        about: dict[tuple[int, int, str], str] = {}
        for entity in self.record["entities"]:
            key = entity["start"], entity["end"], entity["type"]
            spans[key] = []
            about[key] = self._sure(self._name(entity["type"]), entity["confidence"])
        numbers: dict[tuple[int, int, str], int] = {}
        for at, fact in enumerate(self.facts):
            for role, type_ in _TYPES.items():
                if span := fact[role]:
                    key = span["start"], span["end"], type_
                    spans.setdefault(key, []).append(at)
                    if role == "number":
                        numbers.setdefault(key, at)
        for key, facts in spans.items():
            id_ = f' id="{self._id(numbers[key])}"' if key in numbers else ""
            title = f' title="{about[key]}"' if key in about else ""
            yield _Mark(key[0], key[1], self._tag(key[2], facts, id_ + title))

    def _tag(self, type_: str, facts: Iterable[int], more: str = "") -> str:
        """Give the opening tag of a mark."""
        number = self.types[type_]
        classes = " ".join(["z", f"zt{number}", *dict.fromkeys(f"zf{at}" for at in facts)])
        return f'<span class="{classes}" style="background:{_tint(self.colors[number], _TINT)}"{more}>'

    def _id(self, at: int) -> str:
        return f"zj-{self.key}-{at}"

    def _sure(self, words: str, confidence: float | None) -> str:
        said = f"{words} · {self._word('confidence')} {confidence}" if confidence is not None else words
        return _safe(said)

    def _name(self, name: str) -> str:
        return str(getattr(looks().names[name], self.language))

    def _word(self, name: str, /, **parts: object) -> str:
        return _safe(str(getattr(_words()[name], self.language)).format(**parts))


_LANG: Final[Mapping[Language, str]] = {"zh": "zh-Hans", "en": "en"}


def _marked(text: str, start: int, end: int, marks: Iterable[_Mark]) -> str:
    """Write a piece of the text with its marks nested; of two that cross the later goes on in a new tag."""
    waiting = [(max(m.start, start), -min(m.end, end), m.tag) for m in marks if m.start < end and m.end > start]
    heapify(waiting)  # from left to right, the longer first
    parts: list[str] = []
    ends: list[int] = []  # of the marks that are open
    at = start

    def write(until: int) -> None:
        nonlocal at
        parts.append(_safe(text[at:until]))
        at = until

    def close(until: int) -> None:
        while ends and ends[-1] <= until:
            write(ends.pop())
            parts.append("</span>")

    while waiting:
        first, minus, tag = heappop(waiting)
        if first >= -minus:
            continue
        close(first)
        write(first)
        if ends and -minus > ends[-1]:
            heappush(waiting, (ends[-1], minus, tag.replace(' id="', ' data-id="')))
            minus = -ends[-1]
        parts.append(tag)
        ends.append(-minus)
    close(end)
    write(end)
    return "".join(parts)


def _opening(words: str, *, opened: bool) -> str:
    """Open a part; its words are safe."""
    return f'<details{" open" if opened else ""}><summary style="font-weight:bold">{words}</summary>'


def _tagged(tag: str, words: str) -> str:
    return f"{tag}{words}</span>"


@cache
def _tint(color: Color, opaque: float) -> str:
    """Give the middle of a colour's inks for light and for dark: seen on both, and not too strong behind letters."""
    inks = (color.light.ink, color.dark.ink)
    middle = (sum(int(ink[at : at + 2], 16) for ink in inks) // 2 for at in (1, 3, 5))
    return "#" + "".join(f"{part:02x}" for part in (*middle, round(opaque * 255)))


def _safe(words: str) -> str:
    """Escape what a document says; what is no letter becomes the sign for that, one for one."""
    return escape(_NOT_SHOWN.sub("\ufffd", words))
