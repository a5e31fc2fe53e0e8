"""From ``Text`` to a spaCy ``Doc``: character tokens, and beside them the reading and the layers that makers fill.

In: a frozen ``Text``. Out: a ``Doc`` whose text is ``Text.content``. The only file that declares ``Doc`` attributes:
``doc._.reading`` (a ``Reading``) and ``doc._.layers`` (``Layers``). Not for: deciding what a span means (``rules``).
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

import spacy
from spacy.lang.zh import ChineseTokenizer
from spacy.lang.zh import Segmenter as SpacySegmenter
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from zongjie.errors import ConfigError
from zongjie.reading import Reading
from zongjie.record import ClauseRole, Kind, Status
from zongjie.text import Mention, Text

Segmenter = Literal["char", "pkuseg"]
WORDS_SUMS = "SHA256SUMS"  # file of checksums in the folder of a word segmenter

_INSTALL = "pip install 'zongjie[words]'"
_TRAIN = "python -m zongjie.training.segmenter"


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and what it is for: measure, result, target, issue or other."""

    start: int
    end: int
    role: ClauseRole
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One fact as a maker leaves it: a NUMBER, the spans that belong to it, status and kind. Not yet parsed."""

    number: Mention
    metric: Mention | None = None
    action: Mention | None = None
    time: Mention | None = None
    place: Mention | None = None
    school: Mention | None = None
    program: Mention | None = None
    base: Mention | None = None
    status: Status = "actual"
    kind: Kind = "level"
    confidence: float | None = None


LinkName = Literal["metric", "action", "time", "place", "school", "program", "base"]  # what a ``Link`` may hold
LINKS: tuple[LinkName, ...] = get_args(LinkName)
LINK_TYPES = {"base": "NUMBER"}  # the type of what it holds, where it is not named after it


@dataclass(slots=True)
class Layers:
    """The three layers that makers fill, all in offsets of the view (``Reading.text``).

    Attributes:
        mentions: Spans.
        links: Facts, not yet parsed.
        clauses: Clauses with their roles.
        confidence: Chance that a mention is right, where its maker knows one.
        notes: What a maker keeps of a document between its three steps, by the maker's own key.
    """

    mentions: list[Mention] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    confidence: dict[Mention, float] = field(default_factory=dict)
    notes: dict[object, object] = field(default_factory=dict)


def characters(vocab: Vocab, text: str) -> Doc:
    """Make a ``Doc`` with one token a character, so that token offsets are character offsets.

    Args:
        vocab: The vocabulary to use.
        text: Any string without lone surrogates.

    Returns:
        A ``Doc`` whose text is ``text``.
    """
    return Doc(vocab, words=list(text), spaces=[False] * len(text))


def blank(segmenter: Segmenter = "char", *, model: Path | None = None) -> Language:
    """Make a spaCy ``Language`` for Chinese without components.

    Args:
        segmenter: ``char`` for a token a character; ``pkuseg`` for words, by spaCy's Chinese tokenizer with our model.
        model: Folder of the word segmenter; ``None`` is the one that ships.

    Returns:
        A fresh pipeline. What ``to_doc`` makes with it has the text of its document with either segmenter.

    Raises:
        ConfigError: If the word segmenter is not installed, missing or damaged.
    """
    nlp = spacy.blank("zh")
    nlp.tokenizer = _Characters(nlp.vocab) if segmenter == "char" else _words(nlp.vocab, model or words_model())
    nlp.max_length = sys.maxsize  # spaCy's limit guards its parser; there is none here
    return nlp


class _Characters:
    """A spaCy tokenizer of characters; holds no state, so it needs nothing saved."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        return characters(self.vocab, text)

    def to_disk(self, *_: object, **__: object) -> None:
        """Save nothing."""

    def from_disk(self, *_: object, **__: object) -> _Characters:
        """Load nothing."""
        return self

    def to_bytes(self, *_: object, **__: object) -> bytes:
        """Save nothing."""
        return b""

    def from_bytes(self, *_: object, **__: object) -> _Characters:
        """Load nothing."""
        return self


class _Words(ChineseTokenizer):
    """spaCy's Chinese tokenizer, except that white space is found in one pass and always kept as it is."""

    def __call__(self, text: str) -> Doc:
        if self.pkuseg_seg is None:
            return super().__call__(text)
        words, at = [], 0
        for word in self.pkuseg_seg.cut(text):
            start = text.index(word, at)
            words += [text[at:start], word]
            at = start + len(word)
        words = [word for word in [*words, text[at:]] if word]
        return Doc(self.vocab, words=words, spaces=[False] * len(words))


def words_model() -> Path:
    """Give the folder of the word segmenter that ships with the package.

    Returns:
        Its path; whether it is there is not looked at.
    """
    return Path(str(resources.files("zongjie.models").joinpath("zongjie-words")))


def _words(vocab: Vocab, folder: Path) -> ChineseTokenizer:
    sums = folder / WORDS_SUMS
    if not sums.is_file():
        raise ConfigError(f"{folder}: no word segmenter here. Reinstall zongjie, or make one: {_TRAIN}.")
    for line in sums.read_text(encoding="utf-8").splitlines():
        expected, name = line.split("  ", 1)
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest() if (folder / name).is_file() else "no file"
        if found != expected:
            raise ConfigError(f"{folder / name}: expected SHA-256 {expected}, found {found}. Reinstall zongjie.")
    tokenizer = _Words(vocab, segmenter=SpacySegmenter.pkuseg)
    try:
        tokenizer.from_disk(folder)  # type: ignore[no-untyped-call]
    except ImportError:
        raise ConfigError(f"segmenter = 'pkuseg' needs spacy-pkuseg: {_INSTALL}. Or use segmenter = 'char'.") from None
    return tokenizer


def to_doc(text: Text, nlp: Language) -> Doc:
    """Make the ``Doc`` of a text, with its reading attached and its layers empty.

    Args:
        text: The document.
        nlp: The pipeline whose tokenizer to use.

    Returns:
        A ``Doc`` with ``doc.text == text.content``.
    """
    doc = nlp.make_doc(text.content)
    doc._.reading = Reading(text)
    return doc


def reading(doc: Doc) -> Reading:
    """Give a document's reading, made on first use for a ``Doc`` that a plain spaCy pipeline made.

    Args:
        doc: Any ``Doc``.

    Returns:
        Its reading.
    """
    if doc._.reading is None:
        doc._.reading = Reading(Text.of(doc.text))
    return doc._.reading  # type: ignore[no-any-return]


def layers(doc: Doc) -> Layers:
    """Give a document's layers, empty on first use.

    Args:
        doc: Any ``Doc``.

    Returns:
        Its layers, to be filled in place by the makers.
    """
    if doc._.layers is None:
        doc._.layers = Layers()
    return doc._.layers  # type: ignore[no-any-return]


def show_spans(doc: Doc) -> Doc:
    """Copy the layers into ``doc.spans["entities"]`` and ``doc.spans["clauses"]`` for spaCy's own tools.

    Args:
        doc: A document whose layers are filled. With word tokens a span grows to whole tokens; the layers stay exact.

    Returns:
        The same ``Doc``.
    """
    view, marks = reading(doc), layers(doc)

    def span(start: int, end: int, label: str) -> Span | None:
        return doc.char_span(*view.to_content(start, end), label=label, alignment_mode="expand")

    doc.spans["entities"] = [s for m in marks.mentions if (s := span(m.start, m.end, m.type))]
    doc.spans["clauses"] = [s for c in marks.clauses if (s := span(c.start, c.end, c.role))]
    return doc


for _name in ("reading", "layers"):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=None)
