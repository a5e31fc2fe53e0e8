"""What users hold: ``zongjie.load()`` gives an ``Extractor``.

In: paths, bytes, strings or ``Text``s. Out: ``Record``s. One implementation for one and many: ``__call__`` takes the
first outcome of ``pipe``. Not for: folders, output files, worker processes (``batch``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from zongjie.errors import InternalError, UnreadableDocument, ZongjieError
from zongjie.layers import Draft
from zongjie.makers import MAKERS, Maker, MakerName, maker
from zongjie.model import open_model
from zongjie.normalise import NOTHING_LEFT_OUT, LeftOut, sift, to_record
from zongjie.ontology import Table, load_table, read_table
from zongjie.readers import SUFFIXES, read_bytes, read_path, read_text
from zongjie.reading import Reading
from zongjie.record import Record
from zongjie.rules.tables import read_tables
from zongjie.text import Text

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

_LONGEST_PATH = 1024

Source = Path | bytes | str | Text


class Makers(Table):
    """``[makers]``: who makes which layer."""

    spans: MakerName = "model"
    roles: MakerName = "model"
    facts: MakerName = "model"


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

    segmenter: Literal["char", "pkuseg"] = "char"


class Output(Table):
    """``[output]``: what is left out of a record.

    Attributes:
        min_confidence: Spans, facts and statements less sure than this are left out.
    """

    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.0


class Batch(Table):
    """``[batch]``: how many documents are gone through. It changes no record.

    Attributes:
        seconds: How long any one document may take.
        seconds_a_megabyte: How much longer for each megabyte (10**6 bytes) of it.
        max_memory: Bytes of memory a worker process may take, where the platform can hold it to that.
        max_documents: Documents after which a worker is replaced by a fresh one, so that memory stays flat.
        here_files: At most so many files are read without any worker process,
        here_bytes: if they have no more than so many bytes together.
        partition: Files that a cluster reads, and keeps, together, more or less.
    """

    seconds: Annotated[float, Field(gt=0)] = 60
    seconds_a_megabyte: Annotated[float, Field(ge=0)] = 120
    max_memory: Annotated[int, Field(gt=0)] = 4 * 2**30
    max_documents: Annotated[int, Field(gt=0)] = 1000
    here_files: Annotated[int, Field(ge=0)] = 8
    here_bytes: Annotated[int, Field(ge=0)] = 2**17
    partition: Annotated[int, Field(gt=0)] = 100


class Settings(Table):
    """``configs/default.toml``, or a user's file of the same shape."""

    makers: Makers = Makers()
    model: Model = Model()
    tokenizer: Tokenizer = Tokenizer()
    output: Output = Output()
    batch: Batch = Batch()
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
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.tokenizer.segmenter != "char":  # whether it is there is to be known at once
            _ = self.nlp
        by, model = settings.makers, settings.model
        opened = partial(
            open_model, Path(model.path) if model.path else None, device=model.device, threads=model.threads
        )
        makers: dict[str, Callable[[], Maker]] = {**MAKERS, "model": opened}
        self._steps = (
            maker(by.spans, makers).mark_spans,
            maker(by.roles, makers).assign_roles,
            maker(by.facts, makers).link_facts,
            read_tables,
        )

    @cached_property
    def nlp(self) -> Language:
        """The spaCy pipeline that makes a ``Doc``; a record needs none, so it is made when it is asked for."""
        from zongjie.language import blank

        return blank(self.settings.tokenizer.segmenter)

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
            draft = self._annotate(text)
            left_out = sift(draft, self.settings.output.min_confidence)
            record = to_record(draft, confidence=self.settings.confidence)
            return Outcome(text.source, record, left_out=left_out)
        except MemoryError:
            raise  # a want of the machine, not a fault of the document: whoever runs this one knows what to do
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
        from zongjie.language import show_spans, to_doc

        text = text if isinstance(text, Text) else read_text(text)
        return show_spans(to_doc(text, self.nlp, draft=self._annotate(text)))

    def _annotate(self, text: Text) -> Draft:
        draft = Draft(Reading(text))
        for step in self._steps:
            draft = step(draft)
        return draft


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


def load(config: str | Path | Settings | None = None, *, min_confidence: float | None = None) -> Extractor:
    """Make an extractor.

    Args:
        config: A TOML file shaped like ``configs/default.toml``; what it leaves out keeps its default. Or settings that
            have been read already.
        min_confidence: Leave out what is less sure than this; as the config says if not given.

    Returns:
        An extractor, ready to use.

    Raises:
        ConfigError: If the file is missing or does not fit; the message names table and key.
        ModelError: If the model cannot be opened.
    """
    return Extractor(read_settings(config, min_confidence=min_confidence))


def read_settings(config: str | Path | Settings | None = None, *, min_confidence: float | None = None) -> Settings:
    """Read how to run, without opening a model.

    Args:
        config: As for ``load``.
        min_confidence: As for ``load``.

    Returns:
        The settings; they can be sent to another process and given to ``load`` there.

    Raises:
        ConfigError: As for ``load``.
    """
    if isinstance(config, Settings):
        settings = config
    else:
        settings = load_table("default.toml", Settings)
        if config is not None:
            settings = read_table(config, Settings, like="default.toml", over=settings)
    if min_confidence is not None:
        settings = settings.model_copy(update={"output": Output(min_confidence=min_confidence)})
    return settings
