"""Annotated passages to and from the tools in which people correct them, one module a format.

In: passages, or the extractor's suggestions; or a file that a tool has written. Out: the other, checked. Not for:
reading documents or deciding what is in them.

To add a format: a module with ``write(suggestions, path)`` and ``read(path)`` as in ``doccano.py``; its row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final

from zongjie import outputs
from zongjie.corpus import GoldError, Passage, format_markup, read_gold
from zongjie.errors import OutputExists, ZongjieError
from zongjie.exchange import brat, docbin, doccano, label_studio
from zongjie.exchange.drafts import choose, suggest
from zongjie.exchange.sheets import Sheet, Suggestion, from_sheet
from zongjie.record import Record
from zongjie.writers.atomic import make_atomic

__all__ = ["FORMATS", "Format", "Imported", "Suggestion", "export", "import_", "passages_of", "review", "suggest"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of annotated passages.

    Attributes:
        write: Writes suggestions to a file or folder that is not there.
        read: Reads sheets back, each with its place in the file for messages; ``None`` for one that nobody has
            annotated. Not given where ``corpus.read_gold`` reads the file.
        beside: Endings of the further files that it writes, in the place of the file's own.
        marker: Where it writes a folder, the file by which such a folder is known; else empty.
    """

    write: Callable[[Sequence[Suggestion], Path], None]
    read: Callable[[Path], Iterator[tuple[str, Sheet | None]]] | None = None
    beside: tuple[str, ...] = ()
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came out of a tool.

    Attributes:
        passages: The passages that people have annotated, in the order of the file.
        untouched: Where the others stand: a person has still to look at them.
    """

    passages: tuple[Passage, ...]
    untouched: tuple[str, ...] = ()


def _write_markup(suggestions: Sequence[Suggestion], path: Path) -> None:
    path.write_text(format_markup(s.passage for s in suggestions), encoding="utf-8")


def _write_rows(suggestions: Sequence[Suggestion], path: Path) -> None:
    path.write_text("".join(f"{s.passage.to_json()}\n" for s in suggestions), encoding="utf-8")


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "label-studio": Format(label_studio.write, label_studio.read, (".xml",)),
        "doccano": Format(doccano.write, doccano.read, (".labels.json", ".relations.json")),
        "brat": Format(brat.write, brat.read, marker=brat.CONFIG),
        "spacy": Format(docbin.write, docbin.read),
        "markup": Format(_write_markup),
        "jsonl": Format(_write_rows),
    }
)


def export(passages: Iterable[Passage | Suggestion], format: str, path: str | Path, *, force: bool = False) -> int:
    """Write passages for an annotation tool.

    Args:
        passages: Annotated passages, or suggestions (of ``review``), which Label Studio shows as predictions.
        format: A key of ``FORMATS``.
        path: The file; for ``brat`` the folder. Label Studio and doccano get their configuration beside it.
        force: Whether what is there may be replaced; a folder only by a folder, and if it was made so.

    Returns:
        How many passages were written.

    Raises:
        GoldError: If the format cannot hold a passage, or two have one id.
        OutputExists: If there is something and it may not be replaced.
        ZongjieError: If there is no such format, or a file that it writes beside would have the path's own name.
    """
    chosen, path = _format(format), Path(path)
    _refuse_path(path, format, chosen)
    suggestions = [p if isinstance(p, Suggestion) else Suggestion(p) for p in passages]
    _refuse_doubles(s.passage for s in suggestions)
    with make_atomic(path, force=force) as made:
        chosen.write(suggestions, made)
        for ending in chosen.beside:
            with make_atomic(path.with_suffix(ending), force=force) as other:
                made.with_suffix(ending).rename(other)
    return len(suggestions)


def _refuse_path(path: Path, format: str, chosen: Format) -> None:
    """Refuse a path that the format cannot be written to, or where a replacement would take more than itself away."""
    if path.is_file() and chosen.marker:
        raise OutputExists(f"{path}: this is a file, and {format} writes a folder. Name a new folder.")
    if path.is_dir() and not (chosen.marker and ((path / chosen.marker).is_file() or not any(path.iterdir()))):
        said = f"{path}: this folder is no output of {format}, and is not replaced, with --force neither"
        raise OutputExists(f"{said}. Name a new {'folder' if chosen.marker else 'file'}.")
    if path.suffix in chosen.beside:
        said = f"{path}: {format} writes a file of its own with this ending beside the passages"
        raise ZongjieError(f"{said}. Name a file with another ending.")


def import_(path: str | Path, format: str) -> Imported:
    """Read what people have annotated in a tool.

    Args:
        path: What the tool has exported; for ``brat`` its folder.
        format: A key of ``FORMATS``.

    Returns:
        The passages, checked, ids of spans given anew; and what nobody has annotated.

    Raises:
        GoldError: If the file is none of this format, nothing in it is annotated, or a passage cannot be taken; the
            message names file, task and remedy.
        OSError: If it cannot be opened.
    """
    path, read = Path(path), _format(format).read
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder. Check the path; it is relative to {Path.cwd()}.")
    passages: list[Passage] = []
    untouched: list[str] = []
    if read is None:
        return Imported(tuple(read_gold(path)))
    for where, sheet in read(path):
        if sheet is None:
            untouched.append(where)
        else:
            passages.append(from_sheet(sheet, where))
    if untouched and not passages:
        raise GoldError(
            f"{path}: nobody has annotated any of its {len(untouched)} passages. Submit them in the tool first."
        )
    _refuse_doubles(passages)
    return Imported(tuple(passages), tuple(untouched))


def passages_of(path: str | Path) -> Iterator[Passage | Suggestion]:
    """Give what is to be exported from a path.

    Args:
        path: Annotated passages (a file or folder that ``corpus.read_gold`` reads), or an output of
            ``zongjie extract``.

    Yields:
        The passages; of an output suggestions, in the order of the documents, each passage once.

    Raises:
        GoldError: If a passage is wrong.
        ZongjieError: If an output cannot be read.
        OSError: If there is no such path.
    """
    path = Path(path)
    stored = outputs.find(path)
    rows = not stored or (stored[0].format == "jsonl" and path.is_file() and not _holds_records(path))
    yield from read_gold(path) if rows else _once(outputs.read(path))


def _holds_records(path: Path) -> bool:
    with path.open("rb") as lines:
        return any(b'"schema_version"' in line for line in islice(lines, 1))


def _once(records: Iterable[Record]) -> Iterator[Suggestion]:
    """Give the passages of records, those of a document that stands twice only once."""
    seen: set[str] = set()
    for suggestion in (suggestion for record in records for suggestion in suggest(record)):
        if suggestion.passage.id not in seen:
            seen.add(suggestion.passage.id)
            yield suggestion


def review(records: Iterable[Record], *, limit: int | None = None) -> list[Suggestion]:
    """Choose passages for a person to look through, the least certain first.

    Args:
        records: Records with their texts.
        limit: How many passages at most.

    Returns:
        The passages with what the extractor says of them; near-doubles are left out (``drafts.choose``).

    Raises:
        GoldError: If a record has no text.
    """
    return choose(_once(records), limit)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ZongjieError(f"no format {name!r}; expected one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def _refuse_doubles(passages: Iterable[Passage]) -> None:
    seen: set[str] = set()
    for passage in passages:
        if passage.id in seen:
            raise GoldError(f"passage {passage.id} stands twice; give every passage an id of its own.")
        seen.add(passage.id)
