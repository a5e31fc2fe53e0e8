"""Silver: unlabelled text cut into passages and marked by the grammar, for pretraining and for the weak first lessons.

In: text files, one paragraph a line (``.txt`` or ``.txt.xz``). Out: a ``datasets`` folder with text, spans, clauses and
length of each passage, and the alphabet of them.

    python -m zongjie.training.silver CORPUS.txt.xz... -o SILVER [--plain-share 0.33]
"""

from __future__ import annotations

import argparse
import lzma
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from zongjie.alphabet import Alphabet
from zongjie.ontology import Table, load_table
from zongjie.reading import Reading
from zongjie.rules import find_roles, find_spans
from zongjie.text import Text
from zongjie.windows import ROLES, TYPES

_LONGEST = 246
_FEW_DIGITS = 3  # a passage with as many digits is likely to state a figure


class SilverWords(Table):
    """``configs/silver.toml``.

    Attributes:
        subject: A pattern; passages where it is found are near what the model is for.
    """

    subject: str


def passages(lines: Iterable[str], *, longest: int = _LONGEST) -> Iterator[str]:
    """Join the lines of a corpus to passages; a line seen before is left out, a long one cut behind a sentence.

    Args:
        lines: Paragraphs.
        longest: Most characters in a passage.

    Yields:
        Passages, their lines parted by line feeds.
    """
    seen: set[int] = set()
    passage = ""
    for line in map(str.strip, lines):
        if not line or hash(line) in seen:
            continue
        seen.add(hash(line))
        for i, piece in enumerate(_pieces(line, longest)):
            if passage and len(passage) + 1 + len(piece) > longest:
                yield passage
                passage = ""
            passage += ("\n" if passage and i == 0 else "") + piece
    if passage:
        yield passage


def _pieces(line: str, longest: int) -> list[str]:
    return (
        [line] if len(line) <= longest else re.findall(rf".{{1,{longest - 46}}}?[。；！？]|.{{1,{longest - 16}}}", line)
    )


def chosen(texts: Sequence[str], *, plain_share: float, seed: int) -> list[str]:
    """Keep the passages on the subject or with figures, and a share of the others, in random order."""
    subject, digit = re.compile(load_table("silver.toml", SilverWords).subject), re.compile(r"\d")
    rng = np.random.default_rng(seed)
    near = [bool(subject.search(t)) or len(digit.findall(t)) >= _FEW_DIGITS for t in texts]
    kept = [t for t, is_near in zip(texts, near, strict=True) if is_near or rng.random() < plain_share]
    return [kept[i] for i in rng.permutation(len(kept))]


def marked(row: dict[str, Any]) -> dict[str, Any]:
    """Mark a passage by the grammar: spans and clauses as (start, end, place in ``TYPES`` or ``ROLES``)."""
    reading = Reading(Text.of(row["text"]))
    if reading.text != row["text"]:
        return {"spans": [], "clauses": [], "length": 0}
    mentions = find_spans(reading)
    clauses = find_roles(reading, mentions)
    return {
        "spans": [[m.start, m.end, TYPES.index(m.type)] for m in mentions],
        "clauses": [[c.start, c.end, ROLES.index(c.role)] for c in clauses],
        "length": len(row["text"]),
    }


def open_lines(path: Path) -> Iterator[str]:
    """Give the lines of a ``.txt`` or ``.txt.xz``, in UTF-8."""
    with lzma.open(path, "rt", encoding="utf-8") if path.suffix == ".xz" else path.open(encoding="utf-8") as file:
        yield from file


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--plain-share", type=float, default=0.33)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    texts = list(passages(line for path in given.corpus for line in open_lines(path)))
    rows = Dataset.from_dict({"text": chosen(texts, plain_share=given.plain_share, seed=given.seed)})
    rows = rows.map(marked, num_proc=given.processes).filter(lambda length: length > 0, input_columns="length")
    rows.save_to_disk(str(given.out))
    Alphabet.of(rows["text"]).write(given.out / "alphabet.txt")


if __name__ == "__main__":
    main()
