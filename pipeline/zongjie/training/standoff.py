"""Annotations that stand apart from their text: passages of a corpus that may be read here but not carried along.

In: a file of annotations, and the corpus files whose lines they are of. Out: ``Passage``s. A row names the SHA-256 of a
corpus line and where in it the passage stands, and holds offsets only, so that the file carries no text. Not for:
passages of our own, which stand in ``data/gold`` with their text.

    python -m zongjie.training.standoff MARKUP.txt... --corpus CORPUS.txt.xz... -o ANNOTATIONS.jsonl
"""

from __future__ import annotations

import argparse
import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import simplejson

from zongjie.corpus import GoldError, Passage, read_gold
from zongjie.training.silver import open_lines

_log = logging.getLogger(__name__)
_HEAD = 8  # characters by which a passage is looked for; a shorter one is not found


def _lines(corpora: Iterable[Path]) -> Iterator[tuple[str, str]]:
    """Give the name of each line (file and number) and its text."""
    files = [file for corpus in corpora for file in (sorted(corpus.iterdir()) if corpus.is_dir() else (corpus,))]
    for file in files:
        for at, line in enumerate(open_lines(file), start=1):
            yield f"{file.name}:{at}", line.strip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def to_rows(passages: Iterable[Passage], corpora: Sequence[Path]) -> list[dict[str, Any]]:
    """Find passages in a corpus, and give their annotations without their texts.

    Args:
        passages: Passages whose text stands within one line of the corpus, of 8 characters or more.
        corpora: Text files as ``zongjie.training.silver`` reads them, or folders of such.

    Returns:
        The gold rows (``Passage.to_dict``) in the order of ids, with ``line`` (SHA-256 of the line), ``length`` (of the
        line), ``start`` and ``end`` (in the line) in the place of all text.

    Raises:
        GoldError: If a passage stands nowhere in the corpus.
    """
    wanted: dict[str, list[Passage]] = {}
    for passage in passages:
        wanted.setdefault(passage.text[:_HEAD], []).append(passage)
    rows: dict[str, dict[str, Any]] = {}
    for _, line in _lines(corpora):
        for at in range(len(line) - _HEAD + 1):
            for passage in wanted.get(line[at : at + _HEAD], ()):
                if passage.id not in rows and line.startswith(passage.text, at):
                    rows[passage.id] = _to_row(passage, line, at)
    if lost := [p.id for some in wanted.values() for p in some if p.id not in rows]:
        raise GoldError(f"passage {lost[0]}: its text stands in no line of {', '.join(c.name for c in corpora)}.")
    return [rows[id_] for id_ in sorted(rows)]


def _to_row(passage: Passage, line: str, start: int) -> dict[str, Any]:
    row = passage.to_dict()
    entities = [{key: e[key] for key in ("id", "type", "start", "end")} for e in row["entities"]]
    where = {"line": _digest(line), "length": len(line), "start": start, "end": start + len(passage.text)}
    return {"id": passage.id, **where, "entities": entities, "facts": row["facts"], "clauses": row["clauses"]}


def read_standoff(paths: Sequence[Path], corpora: Sequence[Path]) -> list[Passage]:
    """Find the texts of annotations again.

    Args:
        paths: Files of rows as ``to_rows`` gives them, one a line.
        corpora: Text files as ``zongjie.training.silver`` reads them, or folders of such.

    Returns:
        The passages whose line was found, each once, those of one line together; ``source`` names the corpus file and
        line. What was not found is said on the standard error.

    Raises:
        GoldError: If a row is no row, or its annotations do not fit the text.
    """
    wanted: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                row = simplejson.loads(line, use_decimal=True)
                wanted.setdefault(row["line"], []).append(row)
            except (simplejson.JSONDecodeError, KeyError, TypeError) as error:
                raise GoldError(f"{path.name}:{at}: no row of annotations: {error}") from error
    lengths = {row["length"] for rows in wanted.values() for row in rows}  # few lines need to be digested
    found: dict[str, Passage] = {}
    for name, line in _lines(corpora):
        if len(line) in lengths:
            for row in wanted.get(_digest(line), ()):
                found.setdefault(row["id"], _filled(row, line[row["start"] : row["end"]], name))
    ids = dict.fromkeys(row["id"] for rows in wanted.values() for row in rows)
    if lost := sum(id_ not in found for id_ in ids):
        _log.warning("%d of %d annotations are left out: no corpus here holds their line", lost, len(ids))
    return [found[id_] for id_ in ids if id_ in found]


def _filled(row: dict[str, Any], text: str, source: str) -> Passage:
    entities = [{**e, "text": text[e["start"] : e["end"]]} for e in row["entities"]]
    rest = {key: row[key] for key in ("id", "facts", "clauses")}
    return Passage.from_dict({**rest, "source": source, "text": text, "entities": entities})


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path, nargs="+")
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    rows = to_rows((passage for path in given.gold for passage in read_gold(path)), given.corpus)
    lines = (simplejson.dumps(row, use_decimal=True, ensure_ascii=False, separators=(",", ":")) for row in rows)
    given.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
