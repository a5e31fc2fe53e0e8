"""Train the word segmenter that ships as ``models/zongjie-words``, and measure it.

In: word-segmented text (a sentence a line, words parted by blanks) and annotated passages of this domain, whose spans
begin and end where words do. Out: a folder that spaCy's Chinese tokenizer reads with ``from_disk``, without pickle,
with a card and checksums. The model is a linear-chain CRF with word features (Luo et al. 2019, PKUSEG,
arXiv:1906.11455), learnt by ``spacy_pkuseg.train``. Not for: cutting text (``language.blank("pkuseg")``).

    python -m zongjie.training.segmenter SEGMENTED.txt... -o models/zongjie-words --dev DEV.txt --test TEST.txt...
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import spacy_pkuseg
import srsly

from zongjie.corpus import Passage, read_gold
from zongjie.errors import ZongjieError
from zongjie.language import WORDS_SUMS, blank
from zongjie.ontology import load_words
from zongjie.rules.metrics import fact_words

Cut = Callable[[str], list[str]]
Sentence = list[str]

_SEED = 1
_FEWEST = 10  # sentences: pkuseg lowers its rates ten times a pass
_LONGEST = 6  # characters of a word that pkuseg looks at
_WIDE = 0xFEE0  # from an ASCII character to its full-width form
_STOPS = {".": "。"}  # whose full-width form is not the Chinese mark
_ROUND = 2  # decimals of a weight


@dataclass(frozen=True, slots=True)
class Score:
    """How well words were found: right ones, those in the gold text, those that were given."""

    right: int
    gold: int
    given: int

    @property
    def precision(self) -> float:
        """Share of the given words that are right."""
        return self.right / self.given if self.given else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold words that were given."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.gold + self.given) if self.gold + self.given else 0.0


def read_segmented(path: Path) -> list[Sentence]:
    """Read word-segmented text.

    Args:
        path: UTF-8, a sentence a line, words parted by white space.

    Returns:
        The sentences that hold a word.
    """
    return [words for line in path.read_text(encoding="utf-8").splitlines() if (words := line.split())]


def widen(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Set every second sentence in full-width punctuation: the treebank writes ASCII marks, reports write both.

    Args:
        sentences: Words.

    Yields:
        The sentences in order.
    """
    for i, words in enumerate(sentences):
        yield [_wide(word) for word in words] if i % 2 else words


def _wide(word: str) -> str:
    if len(word) == 1 and word.isascii() and unicodedata.category(word).startswith("P") and word not in "%-/":
        return _STOPS.get(word, chr(ord(word) + _WIDE))
    return word


def domain_words() -> list[str]:
    """Give the words of ``configs/`` that any standard of segmentation takes as one: those of two characters.

    Returns:
        Words, sorted.
    """
    verbs = fact_words().verbs
    lists = ("school_kinds.txt", "school_heads.txt", "program_openers.txt", "program_stops.txt", "policy_heads.txt")
    words = {*verbs.up, *verbs.down, *verbs.strong, *verbs.nominal_heads, *verbs.measured}
    return sorted(word for word in words.union(*map(load_words, lists)) if len(word) == 2)


def cut_at_spans(passages: Iterable[Passage], cut: Cut) -> Iterator[Sentence]:
    """Cut annotated passages into words such that no word crosses the edge of a span.

    Args:
        passages: Annotated passages.
        cut: What cuts a piece between two edges.

    Yields:
        The words of each passage.
    """
    for passage in passages:
        edges = sorted({0, len(passage.text)}.union(*((tag.start, tag.end) for tag in passage.entities)))
        pieces = (passage.text[start:end] for start, end in pairwise(edges))
        if words := [word for piece in pieces for word in cut(piece)]:
            yield words


def learn(
    sentences: Sequence[Sentence], dev: Sequence[Sentence], folder: Path, *, passes: int, start: Path | None = None
) -> None:
    """Train with ``spacy_pkuseg.train``; the same input gives the same weights.

    Args:
        sentences: Words to learn from.
        dev: Words on which the trainer reports after each pass; they choose nothing.
        folder: Where ``features.msgpack`` and ``weights.npz`` go.
        passes: Passes over the sentences.
        start: Folder of a model to go on from.

    Raises:
        ZongjieError: If there are too few sentences.
    """
    if len(sentences) < _FEWEST:
        raise ZongjieError(f"{len(sentences)} sentences to learn from; give at least {_FEWEST}.")
    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(sys.stderr):
        for name, lines in (("train", sentences), ("dev", dev or sentences[:_FEWEST])):
            Path(scratch, name).write_text("".join(" ".join(words) + "\n" for words in lines), encoding="utf-8")
        random.seed(_SEED)
        spacy_pkuseg.train(
            str(Path(scratch, "train")),
            str(Path(scratch, "dev")),
            str(folder),
            train_iter=passes,
            init_model=str(start) if start else None,
        )


def load_cut(folder: Path, words: Sequence[str] = ()) -> Cut:
    """Load trained weights as they are, without the dictionary that comes with spacy-pkuseg.

    Args:
        folder: Folder of ``features.msgpack`` and ``weights.npz``.
        words: Words that are always cut out whole, the longest first.

    Returns:
        A function from text to words; white space is in none.
    """
    with redirect_stdout(sys.stderr):
        model = spacy_pkuseg.pkuseg(str(folder), user_dict=None)
    model.preprocesser = spacy_pkuseg.Preprocesser(list(words))
    return model.cut  # type: ignore[no-any-return]


def shrink(trained: Path, folder: Path, *, floor: float) -> tuple[int, int]:
    """Write a trained model without the features that hardly tell one tag from another.

    Args:
        trained: Folder of ``features.msgpack`` and ``weights.npz``.
        folder: Where the smaller ones go, compressed, weights rounded.
        floor: Least difference between a feature's weights over the tags.

    Returns:
        Number of features before and after.
    """
    features: dict[str, Any] = srsly.read_msgpack(trained / "features.msgpack")
    with np.load(trained / "weights.npz") as stored:
        tags, size = (int(n) for n in stored["sizes"])
        node, edge = stored["w"][: tags * size].reshape(size, tags), stored["w"][tags * size :]
    keep = np.ptp(node, axis=1) >= floor
    keep[0] = True  # pkuseg counts on the first: it holds for every character
    names = sorted(features["feature_to_idx"], key=features["feature_to_idx"].__getitem__)
    kept = [name for name, stays in zip(names, keep, strict=True) if stays]
    folder.mkdir(parents=True, exist_ok=True)
    small = {
        "unigram": sorted(word for word in features["unigram"] if 1 < len(word) <= _LONGEST),
        "bigram": [],  # read at training only
        "feature_to_idx": {name: i for i, name in enumerate(kept)},
        "tag_to_idx": features["tag_to_idx"],
    }
    srsly.write_msgpack(folder / "features.msgpack", small)
    weights = np.round(np.concatenate([node[keep].ravel(), edge]), _ROUND)
    np.savez_compressed(folder / "weights.npz", sizes=np.array([tags, len(kept)]), w=weights)
    return size, len(kept)


def save(weights: Path, folder: Path, *, card: str = "", floor: float = 0.0) -> tuple[int, int]:
    """Write the folder that ships: a spaCy Chinese tokenizer, a card and the checksum of every file.

    Args:
        weights: Folder of ``features.msgpack`` and ``weights.npz``.
        folder: Where it goes.
        card: Text of ``README.md``.
        floor: As for ``shrink``.

    Returns:
        Number of features before and after.
    """
    sizes = shrink(weights, folder / "pkuseg_model", floor=floor)
    srsly.write_json(folder / "cfg", {"segmenter": "pkuseg"})
    srsly.write_msgpack(folder / "pkuseg_processors", ([], False, [], []))  # no dictionary, nothing merged
    (folder / "README.md").write_text(card, encoding="utf-8")
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name not in (WORDS_SUMS, "README.md"))
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n" for file in files
    ]
    (folder / WORDS_SUMS).write_text("".join(sums), encoding="utf-8")
    return sizes


def longest_match(vocabulary: Iterable[str]) -> Cut:
    """Make the simplest segmenter that knows words: from left to right, the longest known word.

    Args:
        vocabulary: Known words.

    Returns:
        A function from text to words.
    """
    known = set(vocabulary)

    def cut(text: str) -> list[str]:
        words, at = [], 0
        while at < len(text):
            size = next((n for n in range(_LONGEST, 1, -1) if text[at : at + n] in known), 1)
            words.append(text[at : at + size])
            at += size
        return words

    return cut


def edges_of(words: Iterable[str]) -> list[int]:
    """Give the places where words begin, and the end of the last.

    Args:
        words: The words of a text, nothing between them.

    Returns:
        Offsets in order, the first 0.
    """
    edges = [0]
    for word in words:
        edges.append(edges[-1] + len(word))
    return edges


def score(sentences: Iterable[Sentence], cut: Cut) -> Score:
    """Compare the words that a segmenter finds with gold words.

    Args:
        sentences: Gold words.
        cut: The segmenter.

    Returns:
        Counts; a word is right if both its ends are.
    """
    right = gold = given = 0
    for words in sentences:
        told, found = edges_of(words), edges_of(cut("".join(words)))
        right += len(set(pairwise(told)) & set(pairwise(found)))
        gold += len(told) - 1
        given += len(found) - 1
    return Score(right, gold, given)


def span_edges(passages: Iterable[Passage], cut: Cut) -> tuple[float, float]:
    """Measure whether words end where annotated spans do.

    Args:
        passages: Annotated passages.
        cut: The segmenter.

    Returns:
        Share of the edges of spans that are edges of words; characters a word (1 for a cut at every character).
    """
    hit = edges = chars = count = 0
    for passage in passages:
        words = [part for piece in passage.text.split() for part in cut(piece)]
        ends = set(edges_of(words))
        # Words hold no white space, so an offset is counted without it.
        wanted = {len("".join(passage.text[:at].split())) for tag in passage.entities for at in (tag.start, tag.end)}
        hit += len(wanted & ends)
        edges += len(wanted)
        chars += sum(map(len, words))
        count += len(words)
    return hit / max(edges, 1), chars / max(count, 1)


def report(cuts: dict[str, Cut], tests: dict[str, list[Sentence]], spans: Sequence[Passage]) -> str:
    """Measure segmenters.

    Args:
        cuts: Segmenters by name.
        tests: Gold words by name.
        spans: Annotated passages for ``span_edges``; may be empty.

    Returns:
        A Markdown table.
    """
    rows = ["| text | segmenter | precision | recall | F1 |", "| --- | --- | ---: | ---: | ---: |"]
    for name, sentences in tests.items():
        for way, cut in cuts.items():
            s = score(sentences, cut)
            rows.append(f"| {name} | {way} | {s.precision:.2%} | {s.recall:.2%} | {s.f1:.2%} |")
    if spans:
        rows += ["", "| segmenter | edges of annotated spans that are edges of words | characters a word |"]
        rows += ["| --- | ---: | ---: |"]
        rows += [
            f"| {way} | {share:.2%} | {n:.2f} |" for way, cut in cuts.items() for share, n in [span_edges(spans, cut)]
        ]
    return "\n".join(rows)


_CARD = """# zongjie-words

A word segmenter for Chinese government reports: a linear-chain CRF (PKUSEG, Luo et al. 2019, arXiv:1906.11455) trained
by this project with `spacy_pkuseg.train`. It is laid out as spaCy's Chinese tokenizer saves itself, so
`nlp.tokenizer.from_disk` reads it; in zongjie it is `blank("pkuseg")`, or `[tokenizer] segmenter = "pkuseg"` in the
config. No file is a pickle. `{sums}` is checked when it is loaded (`sha256sum -c {sums}` does the same).

- Data: Universal Dependencies Chinese GSD, simplified (train split; The UD Chinese-GSDSimp contributors, after Google's
  treebank), every second sentence set in full-width punctuation; and this project's own invented passages
  (`data/gold`), cut into words by a first model that may not cross the edge of an annotated span, with the
  two-character words of `configs/` as its dictionary. {sentences} sentences in all.
- Licence of these weights: CC BY-SA 4.0, as that of the treebank they are made from
  (https://creativecommons.org/licenses/by-sa/4.0/). Changed from it: reduced to the weights of a statistical model.
  The code of the project keeps its own licence.
- Words follow GSD, which is fine-grained: suffixes stand alone (入学 率, 幼儿 园).
- Size: {size:.1f} MB; {after:,} of {before:,} features are kept.

## How good it is

A word is right if both its ends are. SXU (Shanxi University, SIGHAN 2007; for measuring only) follows another standard
of what a word is, so that no model trained on GSD can come near to 100 % there.

{report}

## How it was made

```
{command}
```
"""


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zongjie.training.segmenter", description=__doc__)
    parser.add_argument("segmented", nargs="+", type=Path, help="word-segmented text to learn from")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder to write, such as models/zongjie-words"
    )
    parser.add_argument("--gold", type=Path, nargs="*", default=[], help="annotated passages to learn from")
    parser.add_argument("--dev", type=Path, nargs="*", default=[], help="word-segmented text to measure on")
    parser.add_argument("--test", type=Path, nargs="*", default=[], help="word-segmented text to measure on, once")
    parser.add_argument("--spans", type=Path, nargs="*", default=[], help="annotated passages to measure on")
    parser.add_argument("--passes", type=int, default=6, help="passes over the segmented text")
    parser.add_argument("--more", type=int, default=3, help="passes with the annotated passages added")
    parser.add_argument(
        "--floor", type=float, default=0.05, help="least difference of a feature's weights over the tags"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> None:
    """Train, write the folder, measure, and print the figures.

    Args:
        argv: The command line.
    """
    given = _arguments(argv)
    sentences = list(widen(words for path in given.segmented for words in read_segmented(path)))
    vocabulary = {word for words in sentences for word in words}
    tests = {path.stem: read_segmented(path) for path in (*given.dev, *given.test)}
    dev = tests[given.dev[0].stem] if given.dev else []
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch, "first")
        learn(sentences, dev, weights, passes=given.passes)
        if passages := [p for path in given.gold for p in read_gold(path)]:
            first, weights = weights, Path(scratch, "second")
            sentences += cut_at_spans(passages, load_cut(first, domain_words()))
            learn(sentences, dev, weights, passes=given.more, start=first)
        before, after = save(weights, given.output, floor=given.floor)
    nlp = blank("pkuseg", model=given.output)
    cuts: dict[str, Cut] = {
        "zongjie-words": lambda text: [token.text for token in nlp.make_doc(text)],
        "longest match, same words": longest_match(vocabulary),
        "spaCy, character by character": list,
    }
    figures = report(cuts, tests, [p for path in given.spans for p in read_gold(path)])
    filled = {
        "sums": WORDS_SUMS,
        "sentences": f"{len(sentences):,}",
        "size": sum(file.stat().st_size for file in given.output.rglob("*") if file.is_file()) / 1e6,
        "before": before,
        "after": after,
        "report": figures,
        "command": " ".join(["python -m zongjie.training.segmenter", *argv]),
    }
    (given.output / "README.md").write_text(_CARD.format(**filled), encoding="utf-8")
    sys.stdout.write(f"{figures}\n\n{after:,} of {before:,} features, {filled['size']:.1f} MB in {given.output}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
