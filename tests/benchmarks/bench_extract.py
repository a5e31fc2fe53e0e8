"""How fast text becomes records, on one core and two, and beside it, in the same run, how fast peers only tag.

In: ``data/samples`` as plain text, repeated to a size. Out: a table of characters a second and ratios to the peer; a
ratio says more than a time, as it travels between machines. Nothing is asserted. Run: ``make bench``.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import spacy
from rich.console import Console
from rich.table import Table

import zongjie
from zongjie.text import Text

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def documents(extract: zongjie.Extractor, chars: int) -> list[str]:
    """Read the samples and repeat them until there are enough characters; each copy begins differently."""
    read = [outcome.record for outcome in extract.pipe(file for file in sorted(SAMPLES.rglob("*")) if file.is_file())]
    texts = [record.text for record in read if record and record.text]
    if not texts:
        raise SystemExit(f"{SAMPLES} holds no document that can be read. Restore data/samples.")

    def copies() -> Iterator[str]:
        size = copy = 0
        while size < chars:
            for text in texts:
                copy += 1
                yield f"{copy}\n{text}"
                size += len(text)

    return list(copies())


def tagger() -> Callable[[str], object]:
    """Give the peer that does least of what a model would do: Chinese characters and an untrained neural NER."""
    nlp = spacy.blank("zh")
    ner = nlp.add_pipe("ner")
    ner.add_label("METRIC")
    nlp.initialize()
    return nlp


def bert_base() -> Callable[[str], object] | None:
    """Give the peer that most people would take: a token-classification pipeline of BERT-base size, its weights random.

    Random weights take the same time as trained ones. 29 labels: seven types in BIOES, and O.
    """
    try:
        from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast, pipeline
    except ImportError:
        return None
    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, range(0x4E00, 0x4E00 + 21128 - 5))]
    with tempfile.TemporaryDirectory() as folder:
        (vocab := Path(folder) / "vocab.txt").write_text("\n".join(known), encoding="utf-8")
        tokenizer = BertTokenizerFast(vocab=str(vocab), vocab_file=str(vocab), model_max_length=512)
    model = BertForTokenClassification(BertConfig(vocab_size=len(known), num_labels=29)).eval()
    return pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")


@cache
def _worker() -> zongjie.Extractor:
    return zongjie.load()


def _extracted(texts: list[str]) -> int:
    return sum(outcome.record is not None for outcome in _worker().pipe(map(Text.of, texts)))


def in_two_processes(pool: ProcessPoolExecutor, texts: list[str]) -> Iterable[object]:
    """Extract in worker processes that have loaded the model already, a few documents at a time."""
    return pool.map(_extracted, [texts[i : i + 4] for i in range(0, len(texts), 4)])


def rate(run: Callable[[], Iterable[object]], chars: int, rounds: int) -> float:
    """Give the best of some rounds, in characters a second; what disturbs a run only ever makes it slower."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        for _ in run():
            pass
        best = min(best, time.perf_counter() - start)
    return chars / best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chars", type=int, default=100_000, help="characters to work on")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best one counts")
    args = parser.parse_args()
    extract, characters, tag = zongjie.load(), spacy.blank("zh"), tagger()
    texts = documents(extract, args.chars)
    size = sum(map(len, texts))
    rates: dict[str, float] = {}
    if bert := bert_base():
        pieces = [text[i : i + 450] for text in texts for i in range(0, len(text), 450)][:8]
        rates["peer: transformers, BERT-base token classification, all cores"] = rate(
            lambda: map(bert, pieces), sum(map(len, pieces)), args.rounds
        )
    work: dict[str, Callable[[], Iterable[object]]] = {
        "peer: spaCy zh, characters + untrained ner": lambda: map(tag, texts),
        "peer: spaCy zh, characters only": lambda: map(characters, texts),
        "zongjie: text to Doc with its layers": lambda: map(extract.doc, texts),
        "zongjie: text to record": lambda: extract.pipe(map(Text.of, texts)),
        "zongjie: text to a line of JSON": lambda: (extract(Text.of(text)).to_json() for text in texts),
    }
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_extracted, [texts[:1]] * 4))  # both workers load the model
        rates["zongjie: text to record, two processes"] = rate(lambda: in_two_processes(pool, texts), size, args.rounds)
    rates |= {name: rate(run, size, args.rounds) for name, run in work.items()}
    base = next(iter(rates.values()))
    table = Table("what", "characters a second", "× first row", title=f"{len(texts)} documents, {size} characters")
    for name, figure in rates.items():
        table.add_row(name, f"{figure:,.0f}", f"{figure / base:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
