"""What users hold: ``zongjie.load()`` gives an ``Extractor``.

In: paths, bytes, strings or ``Text``s. Out: ``Record``s. One implementation for one and many: ``__call__`` takes the
first outcome of ``pipe``. Not for: folders, output files, worker processes (``batch``).
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from spacy.language import Language
from spacy.tokens import Doc

from zongjie.components import MAKERS, Maker, maker
from zongjie.errors import ConfigError, InternalError, UnreadableDocument, ZongjieError
from zongjie.language import Segmenter, blank, show_spans, to_doc
from zongjie.model import open_model
from zongjie.normalise import NOTHING_LEFT_OUT, LeftOut, sift, to_record
from zongjie.ontology import Table, load_table
from zongjie.readers import SUFFIXES, read_bytes, read_path, read_text
from zongjie.record import Record
from zongjie.text import Text

_LONGEST_PATH = 1024

Source = Path | bytes | str | Text


class Makers(Table):
    """``[makers]``: who makes which layer."""

    spans: str = "model"
    roles: str = "model"
    facts: str = "model"


class Model(Table):
    """``[model]``: which model, and what it runs on.

    Attributes:
        path: A model's folder; empty for the one that ships with the package.
        device: ``cuda`` asks for a GPU.
        threads: Threads of a session.
    """

    path: str = ""
    device: Literal["cpu", "cuda"] = "cpu"
    threads: Annotated[int, Field(ge=1)] = 1


class Tokenizer(Table):
    """``[tokenizer]``: what a token of a ``Doc`` is. It changes no record.

    Attributes:
        segmenter: ``char`` for characters, ``pkuseg`` for words.
    """

    segmenter: Segmenter = "char"


class Output(Table):
    """``[output]``: what is left out of a record.

    Attributes:
        min_confidence: Spans, facts and statements less sure than this are left out.
    """

    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0


class Settings(Table):
    """``configs/default.toml``, or a user's file of the same shape."""

    makers: Makers = Makers()
    model: Model = Model()
    tokenizer: Tokenizer = Tokenizer()
    output: Output = Output()
    confidence: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document: a record or an error, never both and never neither.

    Attributes:
        source: Path or name of the document.
        record: What was found.
        error: Why nothing could be read.
        left_out: How much was less sure than ``min_confidence``.
    """

    source: str
    record: Record | None = None
    error: ZongjieError | None = None
    left_out: LeftOut = NOTHING_LEFT_OUT


class Extractor:
    """Turns documents into records.

    Attributes:
        settings: What it runs with.
        nlp: The spaCy pipeline inside.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.nlp: Language = blank(settings.tokenizer.segmenter)
        by, model = settings.makers, settings.model
        opened = partial(
            open_model, Path(model.path) if model.path else None, device=model.device, threads=model.threads
        )
        makers: dict[str, Callable[[], Maker]] = {**MAKERS, "model": opened}
        self._steps = (
            maker(by.spans, makers).mark_spans,
            maker(by.roles, makers).assign_roles,
            maker(by.facts, makers).link_facts,
        )

    def __call__(self, source: Source) -> Record:
        """Extract one document.

        Args:
            source: A path; the bytes of a file; a ``Text``; or a string, which is a path if it names an existing file
                or ends in a known suffix, else the text itself.

        Returns:
            Its record; for a file of many documents, that of the first.

        Raises:
            ZongjieError: If the document cannot be read.
        """
        outcome = next(self.pipe([source]))
        if outcome.record is None:
            raise outcome.error or ZongjieError(f"{outcome.source}: nothing to read. Give a document with text.")
        return outcome.record

    def pipe(self, sources: Iterable[Source]) -> Iterator[Outcome]:
        """Extract many documents, one after the other.

        Args:
            sources: As for ``__call__``; a file of many documents gives many outcomes.

        Yields:
            One outcome a document, in order.
        """
        for source in sources:
            for text in _read(source):
                if isinstance(text, UnreadableDocument):
                    yield Outcome(text.source, error=text)
                else:
                    yield self._extract(text)

    def _extract(self, text: Text) -> Outcome:
        try:
            doc = self._annotate(text)
            left_out = sift(doc, self.settings.output.min_confidence)
            record = to_record(doc, confidence=self.settings.confidence)
            return Outcome(text.source, record, left_out=left_out)
        except Exception as error:  # one document must never cost the others
            said = f"{text.source}: {type(error).__name__}: {error}. This is a fault in zongjie; please report it."
            internal = InternalError(said)
            internal.__cause__ = error
            return Outcome(text.source, error=internal)

    def doc(self, text: str | Text) -> Doc:
        """Annotate a text and give the spaCy document, for notebooks and spaCy's own tools.

        Args:
            text: A text, never a path.

        Returns:
            A ``Doc`` with ``doc.spans["entities"]``, ``doc.spans["clauses"]`` and ``doc._.layers``.
        """
        return show_spans(self._annotate(text if isinstance(text, Text) else read_text(text)))

    def _annotate(self, text: Text) -> Doc:
        doc = to_doc(text, self.nlp)
        for step in self._steps:
            doc = step(doc)
        return doc


def _read(source: Source) -> Iterator[Text | UnreadableDocument]:
    if isinstance(source, Text):
        yield source
    elif isinstance(source, bytes):
        yield from read_bytes(source, source="<bytes>")
    elif isinstance(source, Path) or _is_path(source):
        yield from read_path(Path(source))
    else:
        yield read_text(source)


def _is_path(source: str) -> bool:
    """Say whether a string is a path: it names a file, or is one short line that ends in a known suffix."""
    if len(source) > _LONGEST_PATH or not source.isprintable():
        return False
    try:
        return Path(source).suffix.lower() in SUFFIXES or Path(source).is_file()
    except OSError:  # too long for the file system, so no path
        return False


def load(config: str | Path | None = None, *, min_confidence: float | None = None) -> Extractor:
    """Make an extractor.

    Args:
        config: A TOML file shaped like ``configs/default.toml``; what it leaves out keeps its default.
        min_confidence: Leave out what is less sure than this; as the config says if not given.

    Returns:
        An extractor, ready to use.

    Raises:
        ConfigError: If the file is missing or does not fit; the message names table and key.
        ModelError: If the model cannot be opened.
    """
    settings = load_table("default.toml", Settings) if config is None else _settings(config)
    if min_confidence is not None:
        settings = settings.model_copy(update={"output": Output(min_confidence=min_confidence)})
    return Extractor(settings)


def _settings(config: str | Path) -> Settings:
    """Read a user's config over the default."""
    try:
        given = tomllib.loads(Path(config).read_text(encoding="utf-8"))
        known = load_table("default.toml", Settings).model_dump()
        merged = {name: {**known[name], **table} if name in known else table for name, table in given.items()}
        return Settings.model_validate({**known, **merged})
    except FileNotFoundError:
        raise ConfigError(f"{config}: no such config file. Give a TOML file like configs/default.toml.") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigError(f"{config}: {error}") from error
