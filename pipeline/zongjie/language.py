"""From ``Text`` to a spaCy ``Doc``: character tokens, and beside them the reading and the layers that makers fill.

In: a frozen ``Text``. Out: a ``Doc`` whose text is ``Text.content``. The only file that declares ``Doc`` attributes:
``doc._.reading`` (a ``Reading``) and ``doc._.layers`` (``Layers``). Not for: deciding what a span means (``rules``), or
extraction without spaCy's tools, which needs no ``Doc`` (``layers.Draft``).
"""

from __future__ import annotations

import hashlib
import sys
from importlib import resources
from pathlib import Path
from typing import Literal

import spacy
from spacy.lang.zh import ChineseTokenizer
from spacy.lang.zh import Segmenter as SpacySegmenter
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from zongjie.errors import ConfigError
from zongjie.layers import Draft, layers, reading
from zongjie.reading import Reading
from zongjie.text import Text

Segmenter = Literal["char", "pkuseg"]
WORDS_SUMS = "SHA256SUMS"  # file of checksums in the folder of a word segmenter

_INSTALL = "pip install 'zongjie[words]'"
_TRAIN = "python -m zongjie.training.segmenter"


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


def to_doc(text: Text, nlp: Language, *, draft: Draft | None = None) -> Doc:
    """Make the ``Doc`` of a text, with its reading attached and its layers empty.

    Args:
        text: The document.
        nlp: The pipeline whose tokenizer to use.
        draft: What is known of it already; it is taken over.

    Returns:
        A ``Doc`` with ``doc.text == text.content``.
    """
    doc = nlp.make_doc(text.content)
    doc._.reading = draft.reading if draft else Reading(text)
    doc._.layers = draft.layers if draft else None
    return doc


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
