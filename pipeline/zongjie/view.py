"""Records as one HTML page, which a browser opens from the disk: documents, their text with marks, the table of facts.

In: records. Out: a page that holds all it needs and asks nothing of the network. Its parts are real files beside this
module (``assets/``), its words and colours stand in ``configs/view.toml``. Not for: finding records (``outputs.py``).

What documents say stands in the page as JSON that no browser runs; the script shows it as text and never as markup,
and a content security policy holds the browser to this: no script and no style but ours, nothing from outside.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib import resources
from string import Template
from typing import Any, Final

import simplejson

from zongjie.looks import Color, Language, looks
from zongjie.record import Record
from zongjie.text import fold
from zongjie.writers.facts import FORMULA, columns
from zongjie.writers.tables import ROLES, TABLES

_SCRIPTS: Final = ("data.js", "text.js", "table.js", "page.js")  # in the order in which they run
_POLICY: Final = (
    "default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)
# What JSON may hold and HTML or a terminal could stumble over: all that ends or opens markup, and what cannot be seen.
_UNSAFE: Final = re.compile("[<>&'\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]")
_STEERING: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_LONE: Final = re.compile("[\ud800-\udfff]")  # no character, and no byte in UTF-8


def page(records: Iterable[Record], *, title: str | None = None, language: Language = "zh") -> str:
    """Make a page of records.

    Args:
        records: The records, with or without their text.
        title: What the page is called; by default the title of its only document, or what the page does.
        language: In which language the page opens; it can be switched there.

    Returns:
        A whole HTML document; the same records give the same characters.

    Raises:
        ConfigError: If ``configs/view.toml`` is wrong.
    """
    held = list(records)
    seen = looks()
    called = title or (held[0].document.title if len(held) == 1 else None)
    style = "\n".join([*_colors(), _asset("page.css")])
    # one scope, or the browser's own names (name, status …) would be in the way
    script = "\n".join(['(() => {\n"use strict";', *map(_asset, _SCRIPTS), "})();"])
    data = {
        "title": called,  # the page has a name of its own in each language
        "language": language,
        "names": {name: word.model_dump() for name, word in seen.names.items()},
        "initials": {name: word.model_dump() for name, word in seen.initials.items()},
        "words": {name: word.model_dump() for name, word in seen.words.items()},
        "types": list(seen.colors),
        "roles": list(seen.marks),
        "csv": {"columns": list(_columns()), "formula": _formula()},
        "records": [_slim(record) for record in held],
    }
    return Template(_asset("page.html")).substitute(
        policy=_POLICY.format(script=_digest(script), style=_digest(style)),
        language=language,
        title=html.escape(_STEERING.sub(" ", _LONE.sub("\ufffd", called or getattr(seen.words["title"], language)))),
        no_script=html.escape(getattr(seen.words["no_script"], language)),
        style=style,
        data=_embed(data),
        script=script,
    )


@cache
def _asset(name: str) -> str:
    return resources.files("zongjie").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """Name an inline script or style by its content, as a content security policy does."""
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _colors() -> Iterator[str]:
    """Give the colours as custom properties, for light and for dark surroundings, and the rules that use them."""
    named: dict[str, Color] = dict([*looks().colors.items(), *looks().marks.items()])

    def rule(shade: str) -> str:
        pairs = ((name, getattr(color, shade)) for name, color in named.items())
        return " ".join(f"--{name}-ink: {one.ink}; --{name}-tint: {one.tint};" for name, one in pairs)

    yield f":root {{ {rule('light')} }}"
    yield f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {rule('dark')} }} }}"
    for name in named:
        yield f".{name} {{ --hue: var(--{name}-ink); --tint: var(--{name}-tint); }}"
        yield f".no-{name} .{name}:not(.lit) {{ --hue: transparent; --tint: transparent; }}"


def _columns() -> Iterator[dict[str, Any]]:
    """Give the columns of ``facts.csv``, and which of them are numbers, so that the page exports the same table."""
    numbers = {f"fact.{one.path}" for one in TABLES["facts"] if one.kind in ("integer", "real", "exact")}
    for column in columns():
        yield {**column.model_dump(include={"heading", "field", "labels"}), "number": column.field in numbers}


@cache
def _formula() -> str:
    """Give all signs that ``writers.facts.guard`` guards against."""
    return "".join(sign for sign in map(chr, range(0x10000)) if fold(sign) in FORMULA)


def _slim(record: Record) -> dict[str, Any]:
    """Give what the page shows of a record: nothing that is null, no quotation of a text that is there.

    What is only painted over the text, spans and statements, is given as arrays: they are the most by far.
    """
    painted = {"entities", *ROLES}
    slim = record.model_dump(exclude_none=True, exclude=painted | {"schema_version"})
    slim["facts"] = [_pruned(fact, quoted=record.text is None) for fact in slim["facts"]]
    for role in ROLES:
        slim[role] = [[one.start, one.end, _digits(one.confidence)] for one in getattr(record, role)]
    slim["entities"] = [
        [one.type, one.start, one.end, _digits(one.confidence), *([one.name] if one.name != one.text else [])]
        for one in record.entities
    ]
    return slim


def _pruned(value: Any, *, quoted: bool) -> Any:  # noqa: ANN401 - whatever a fact holds
    match value:
        case dict():
            drop = not quoted and "start" in value and "text" in value
            return {key: _pruned(part, quoted=quoted) for key, part in value.items() if not (drop and key == "text")}
        case Decimal() | float():
            return _digits(value)
    return value


def _digits(number: Decimal | float | None) -> str | None:
    """Write a number in digits, of which JavaScript would lose some."""
    return None if number is None else format(Decimal(repr(number)) if isinstance(number, float) else number, "f")


def _embed(data: dict[str, Any]) -> str:
    """Write JSON that can stand in a script element: no sign in it means anything to HTML."""
    written = simplejson.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # a lone surrogate counts as one code point here and there, and so does what stands in for it
    return _UNSAFE.sub(lambda sign: f"\\u{ord(sign[0]):04x}", _LONE.sub("\ufffd", written))
