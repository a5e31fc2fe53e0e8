"""Look in unlabelled text for words that the lexicon of ``configs/`` lacks: heads of indicators, and actions.

In: plain text, a paragraph a line. Out: candidates as tab-separated values, for a person to choose from; nothing is
written to ``configs/``. Words are cut by our segmenter, numbers are found by the grammar. Not for: extraction.

A *head* is the last word of what a number measures: right before the number, or before linking words and verbs of
change (毛入园‹率›达到 93%). An *action* is a verb that takes the number as its object: right before a number that
counts a noun (‹建成› 12 所学校), or at the start of a clause that ends in noun and number (‹建成›学校 12 所).

    python -m zongjie.training.mine CORPUS.txt... --kind heads -n 200 > heads.tsv
"""

from __future__ import annotations

import argparse
import math
import sys
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import Literal

from spacy.language import Language

from zongjie.clauses import split_clauses
from zongjie.language import blank
from zongjie.ontology import Table, load_words
from zongjie.quantity import find_quantities
from zongjie.rules.metrics import fact_words

Kind = Literal["heads", "actions"]
Word = tuple[str, int]  # a word and where it starts

_FEWEST = 3  # times in the frame; what is rarer is chance
_LONGEST = 120  # characters of a clause; longer ones are run-on text
_WITHIN = 6  # words between an action and its number


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word that the lexicon lacks.

    Attributes:
        word: The word.
        framed: How often it stood in the frame.
        total: How often it was seen at all.
        contrast: Log-likelihood ratio (Dunning 1993) of the frame against the rest of the text.
        example: The clause where it was first seen.
    """

    word: str
    framed: int
    total: int
    contrast: float
    example: str


def contrast(framed: int, frames: int, total: int, words: int) -> float:
    """Say how much more often a word stands in the frame than elsewhere, as a log-likelihood ratio.

    Args:
        framed: Times that the word filled the frame.
        frames: Frames.
        total: Times that the word was seen, in the frame and elsewhere.
        words: Words of the text.

    Returns:
        Dunning's G², negative where the word shuns the frame.
    """
    rest, others = total - framed, words - frames
    share = total / words
    expected = frames * share, others * share
    g = sum(2 * seen * math.log(seen / mean) for seen, mean in zip((framed, rest), expected, strict=True) if seen > 0)
    return g if framed >= expected[0] else -g


@cache
def known_words() -> frozenset[str]:
    """Give the words that ``configs/facts.toml`` and ``configs/lexicon`` hold already."""
    lists = resources.files("zongjie.configs").joinpath("lexicon").iterdir()
    names = sorted(file.name for file in lists if file.name.endswith(".txt"))
    facts = fact_words()
    tables: tuple[Table, ...] = (facts.verbs, facts.frame, facts.link)
    fields = (value for table in tables for value in table.model_dump().values() if isinstance(value, list))
    return frozenset(word for words in (*fields, *map(load_words, names)) for word in words if isinstance(word, str))


def is_known(word: str, kind: Kind) -> bool:
    """Say whether the grammar knows a word, by itself or by its parts.

    Args:
        word: A word.
        kind: A head is known by its end (入园率 by 率), an action without its result (增加到 by 增加) or prefix.

    Returns:
        Whether there is nothing to learn.
    """
    if word in known_words():
        return True
    verbs = fact_words().verbs
    if kind == "heads":
        return word.endswith((*verbs.nominal_heads, *verbs.measured))
    stem = next((word.removesuffix(result) for result in verbs.results if word.endswith(result)), word)
    return any(form in known_words() for form in (stem, *map(word.removeprefix, verbs.prefixes)))


def frames(line: str, words: Sequence[Word], kind: Kind) -> Iterator[tuple[str, str]]:
    """Find what fills the frame in one line.

    Args:
        line: A paragraph.
        words: Its words, in order.
        kind: Which frame.

    Yields:
        The word, known or not, and the clause that it stands in.
    """
    starts = [at for _, at in words]
    numbers = [(number.start, number.end) for number in find_quantities(line)]
    for start, end in split_clauses(line):
        if end - start > _LONGEST:
            continue
        done, clause = start, line[start:end]
        inside = [(a, b) for a, b in numbers if start <= a and b <= end]
        for i, (a, b) in enumerate(inside):
            zone = words[bisect_left(starts, done) : bisect_left(starts, a)]
            until = inside[i + 1][0] if i + 1 < len(inside) else end
            counts = any(char.isalnum() for char in line[b:until])
            filler = _head(zone) if kind == "heads" else _action(zone, counts=counts, first=done == start)
            if filler and (kind == "actions" or not counts):
                yield filler, clause
            done = b


def _head(zone: Sequence[Word]) -> str | None:
    last = len(zone)
    while last and _is_passed(zone[last - 1][0]):
        last -= 1
    if not last:
        return None
    word, at = zone[last - 1]
    if len(word) == 1 and last > 1 and zone[last - 2][1] + len(zone[last - 2][0]) == at:
        word = zone[last - 2][0] + word  # a suffix stands alone: 巩固 率
    return word if _is_term(word) else None


@cache
def _is_passed(word: str) -> bool:
    """Say whether a word stands between what is measured and the number: 达, 为, 提高, 增至."""
    verbs, linking = fact_words().verbs, fact_words().frame.linking
    passed = {*linking, *verbs.up, *verbs.down}
    return word in passed or any(word.endswith(end) and word.removesuffix(end) in passed for end in verbs.results)


def _action(zone: Sequence[Word], *, counts: bool, first: bool) -> str | None:
    frame = fact_words().frame
    if counts:
        kept = [word for word, _ in zone if word not in frame.linking]
        return kept[-1] if kept and _is_term(kept[-1]) else None
    passed = (*frame.leads, *frame.subjects, *load_words("program_scopes.txt"))
    kept = [word for word, _ in dropwhile(lambda word: word[0] in passed, zone)]
    return kept[0] if first and 1 < len(kept) <= _WITHIN and _is_term(kept[0]) else None


def _is_term(word: str) -> bool:
    """Say whether a word is one of Chinese characters, more than one."""
    return len(word) > 1 and all("\u4e00" <= char <= "\u9fff" for char in word)


def mine(lines: Iterable[str], nlp: Language, kind: Kind) -> list[Candidate]:
    """Find what the lexicon lacks.

    Args:
        lines: Paragraphs.
        nlp: A pipeline whose tokens are words.
        kind: ``heads`` or ``actions``.

    Returns:
        Candidates that the frame draws, the strongest contrast first.
    """
    seen: Counter[str] = Counter()
    framed: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for line in lines:
        words = [(token.text, token.idx) for token in nlp.make_doc(line) if not token.is_space]
        seen.update(word for word, _ in words)
        seen.update(word + last for (word, _), (last, _) in pairwise(words) if len(last) == 1)
        for word, clause in frames(line, words, kind):
            framed[word] += 1
            examples.setdefault(word, clause.strip())
    slots, total = framed.total(), seen.total()
    found = [
        Candidate(word, times, seen[word], contrast(times, slots, seen[word], total), examples[word])
        for word, times in framed.items()
        if times >= _FEWEST and not is_known(word, kind)
    ]
    return sorted((c for c in found if c.contrast > 0), key=lambda c: (-c.contrast, c.word))


def main(argv: Sequence[str]) -> None:
    """Print candidates.

    Args:
        argv: The command line.
    """
    parser = argparse.ArgumentParser(prog="python -m zongjie.training.mine", description=__doc__)
    parser.add_argument("corpus", nargs="+", type=Path, help="plain text, a paragraph a line")
    parser.add_argument("--kind", choices=("heads", "actions"), required=True)
    parser.add_argument("-n", "--most", type=int, default=200, help="how many to print")
    given = parser.parse_args(argv)
    lines = (line for path in given.corpus for line in path.read_text(encoding="utf-8").splitlines())
    sys.stdout.write("word\tframed\ttotal\tcontrast\texample\n")
    for c in mine(lines, blank("pkuseg"), given.kind)[: given.most]:
        sys.stdout.write(f"{c.word}\t{c.framed}\t{c.total}\t{c.contrast:.1f}\t{c.example}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
