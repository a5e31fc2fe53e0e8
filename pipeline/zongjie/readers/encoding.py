"""Bytes to characters: UTF-8, UTF-16, GB18030, Big5, and what else ``charset-normalizer`` knows.

In: the bytes of a text file. Out: its characters and a notice where the guess is not sure.
Not for: bytes of a container that declares its encoding, other than as the first thing to try.
"""

from __future__ import annotations

import codecs
import re

from zongjie.errors import UnreadableDocument
from zongjie.readers.base import settings
from zongjie.text import Notice

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
# Declared names that mean more than they say: pages in GBK call themselves gb2312.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "cp950", "utf8": "utf-8"}
_STRAY = 2  # control characters that even a short text may hold
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
# The double bytes of common characters: symbols and punctuation, then the level-1 hanzi (GB 2312: 3,755; Big5: 5,401).
_COMMON = {
    "gb18030": ("gb2312", ((0xA1, 0xA3), (0xB0, 0xD7))),
    "cp950": ("big5", ((0xA1, 0xA2), (0xA4, 0xC6))),
}


def decode(data: bytes, source: str, *, declared: str | None = None) -> tuple[str, tuple[Notice, ...]]:
    """Decode a text file.

    Strict UTF-8 and byte order marks decide first; else GB18030 and UTF-16 are weighed by the share of common
    characters they give, and Big5 must be clearly better to be taken.

    Args:
        data: The file's bytes.
        source: The document's name, for messages.
        declared: The encoding that the document claims, tried after the marks.

    Returns:
        The characters, without byte order mark, and a notice ``uncertain_encoding`` or ``damaged_characters`` if due.

    Raises:
        UnreadableDocument: If the bytes are not text in any known encoding.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _damaged(data[len(mark) :].decode(name, errors="replace"), name)
    limits = settings().encoding
    if data[: limits.sample_bytes].count(0) > limits.max_null_share * len(data[: limits.sample_bytes]):
        raise _unknown(source)  # more than UTF-16 has; told before any guess is made
    for candidate in (_known(declared), "utf-8"):
        strict = _strict(data, candidate) if candidate else None
        if strict is not None and not _binary(strict):
            return strict, ()
    content = data.decode("utf-8", errors="replace")
    wide = sum(character >= "\x80" for character in content[: limits.sample_bytes])
    if 0 < content.count("\ufffd") <= limits.max_damaged_share * max(wide, 1) and not _binary(content):
        return _damaged(content, "utf-8")
    return _guess(data, source)


def _known(declared: str | None) -> str | None:
    if not declared:
        return None
    name = declared.strip().lower()
    try:
        return codecs.lookup(_WIDER.get(name, name)).name
    except LookupError:
        return None


def _strict(data: bytes, name: str) -> str | None:
    try:
        return data.decode(name)
    except (UnicodeError, LookupError):  # the codec ``undefined`` raises the parent class
        return None


def _binary(content: str) -> bool:
    limits = settings().encoding
    sample = content[: limits.sample_bytes]
    return len(_CONTROL.findall(sample)) > limits.max_control_share * len(sample) + _STRAY


def _damaged(content: str, name: str) -> tuple[str, tuple[Notice, ...]]:
    damaged = content.count("\ufffd")
    if not damaged:
        return content, ()
    message = f"{damaged} characters do not decode as {name}; they were replaced by U+FFFD."
    return content, (Notice("damaged_characters", message),)


def _guess(data: bytes, source: str) -> tuple[str, tuple[Notice, ...]]:
    limits = settings().encoding
    sample = data[: limits.sample_bytes]
    shares = {name: _share(sample, name) for name in ("gb18030", "cp950", "utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda name: shares[name] - (limits.big5_margin if name == "cp950" else 0))
    share = shares[best]
    if share < limits.least_share:
        return _foreign(data, source)
    content, notices = _damaged(data.decode(best, errors="replace"), best)
    rival = max(value for name, value in shares.items() if name != best)
    if share < limits.sure_share or rival > share - limits.big5_margin:
        message = f"The encoding was guessed to be {best}; save the file as UTF-8 if the text looks wrong."
        notices = (Notice("uncertain_encoding", message), *notices)
    return content, notices


def _share(sample: bytes, name: str) -> float:
    """Give the share of common characters among those that are not ASCII, 0 where the bytes look binary."""
    content = sample.decode(name, errors="replace")
    wide = [character for character in content if character >= "\x80"]
    if not content or _binary(content):
        return 0.0
    if name.startswith("utf-16"):
        # In the wrong byte order, and in anything that is not UTF-16, the letters and marks of ASCII do not come up.
        common = sum(_is_common(character, "gb18030") or _is_common(character, "cp950") for character in content)
        return (common + len(content) - len(wide)) / len(content)
    return sum(_is_common(character, name) for character in wide) / len(wide) if wide else 1.0


def _is_common(character: str, name: str) -> bool:
    charset, ranges = _COMMON[name]
    code = character.encode(charset, errors="ignore")
    return len(code) == 2 and any(low <= code[0] <= high for low, high in ranges)


def _foreign(data: bytes, source: str) -> tuple[str, tuple[Notice, ...]]:
    """Ask ``charset-normalizer``, which knows the world's other encodings."""
    import charset_normalizer

    best = None
    if b"\0" not in data:
        best = charset_normalizer.from_bytes(data[: settings().encoding.sample_bytes]).best()
    content = data.decode(best.encoding, errors="replace") if best else ""
    if not content or _binary(content):
        raise _unknown(source)
    message = f"The encoding was guessed to be {best.encoding if best else ''}; save the file as UTF-8."
    return content, (Notice("uncertain_encoding", message),)


def _unknown(source: str) -> UnreadableDocument:
    reason = "it is neither text in a known encoding nor a known file format"
    return UnreadableDocument(source, reason, "Save it as UTF-8 text.")
