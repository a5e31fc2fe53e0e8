"""How fast each step of the way is and what it costs, and beside it, in the same run, what peers take for less.

In: ``data/samples``, repeated to a size, and files made from them. Out: one table. Nothing is asserted.
Run: ``make bench``, or this file with ``--chars 5000 --rounds 1`` for a quick look.

How to read it: a figure holds for this machine at this hour, the best of some rounds; compare figures of one run alone.
The last column compares within the run, and travels between machines: a rate as a multiple of *text to record, one
process*, so a peer at 0.10 is ten times as slow as zongjie, though it does less; a share of the time where a row is a
stage. A stage other than the encoder that takes over 15 % is the next to be made faster. A peer or a library that is
not installed is a row that says so: ``pip install 'zongjie[train]' jionlp``.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import io
import logging
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

import zongjie
from zongjie import extractor, tagger
from zongjie.errors import ZongjieError
from zongjie.model import OnnxScorer
from zongjie.readers import read_path
from zongjie.record import ClauseRole, EntityType, Record
from zongjie.tagger import Tagger
from zongjie.text import Text
from zongjie.windows import Said
from zongjie.writers import FORMATS

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
RATE = "characters/s"
AT_ONCE = 4  # documents in a piece of work of a process
LONGEST = 450  # characters that a BERT reads at once, more or less


@dataclass(frozen=True)
class Row:
    """One line of the table; ``figure`` is ``None`` where ``unit`` says why there is none."""

    part: str
    what: str
    figure: float | None
    unit: str = RATE
    share: float | None = None


@dataclass(frozen=True)
class Size:
    """How much is measured: characters for us, for the slow peers, and how often."""

    chars: int
    peer_chars: int
    rounds: int


def samples() -> list[Text]:
    """Read the samples."""
    read = [text for file in sorted(SAMPLES.rglob("*")) if file.is_file() for text in read_path(file)]
    texts = [text for text in read if isinstance(text, Text)]
    if not texts:
        raise SystemExit(f"{SAMPLES} holds no document that can be read. Restore data/samples.")
    return texts


def repeated(texts: Sequence[Text], chars: int) -> list[Text]:
    """Repeat texts until there are enough characters; each copy begins differently."""
    copies: list[Text] = []
    size = 0
    while size < chars:
        copies.append(Text.of(f"{len(copies)}\n{texts[len(copies) % len(texts)].content}"))
        size += len(copies[-1].content)
    return copies


def best(run: Callable[[], object], rounds: int) -> float:
    """Give the seconds of the best of some rounds; what disturbs a run only ever makes it slower."""
    took = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        run()
        took = min(took, time.perf_counter() - start)
    return took


def exhaust(items: Iterable[object]) -> None:
    """Go through all items."""
    for _ in items:
        pass


def length(texts: Iterable[Text]) -> int:
    """Count characters."""
    return sum(len(text.content) for text in texts)


# -- text to record ----------------------------------------------------------------------------------------------------


@functools.cache
def _own() -> zongjie.Extractor:
    return zongjie.load()


def _extracted(texts: list[Text]) -> int:
    return sum(outcome.record is not None for outcome in _own().pipe(texts))


def text_to_record(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure one process, and two that have loaded the model already."""
    part, chars, extract = "text to record", length(texts), _own()
    yield Row(part, "one process", chars / best(lambda: exhaust(extract.pipe(texts)), size.rounds))
    pieces = [texts[i : i + AT_ONCE] for i in range(0, len(texts), AT_ONCE)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_extracted, [texts[:1]] * 4))
        yield Row(part, "two processes", chars / best(lambda: exhaust(pool.map(_extracted, pieces)), size.rounds))


# -- peers -------------------------------------------------------------------------------------------------------------


def bert_base() -> tuple[str, Callable[[list[str]], object]]:
    """Give what most people would take: a token-classification pipeline of BERT-base size.

    Its weights are random, which takes the same time; its labels are ours in BIOES.
    """
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast, pipeline

    known = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *map(chr, range(0x4E00, 0x4E00 + 21128 - 5))]
    with tempfile.TemporaryDirectory() as folder:
        (vocab := Path(folder) / "vocab.txt").write_text("\n".join(known), encoding="utf-8")
        tokenizer = BertTokenizerFast(vocab=str(vocab), vocab_file=str(vocab), model_max_length=512)
    labels = 4 * len(get_args(EntityType)) + 1
    model = BertForTokenClassification(BertConfig(vocab_size=len(known), num_labels=labels)).eval()
    run = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")
    return "transformers: token classification, BERT-base, all cores (spans alone)", run


def spacy_pipe() -> tuple[str, Callable[[list[str]], object]]:
    """Give spaCy's own pipeline, untrained: entities of our types, and our roles for a text."""
    import spacy

    nlp = spacy.blank("zh")
    for name, labels in (("ner", get_args(EntityType)), ("textcat", get_args(ClauseRole))):
        pipe: Any = nlp.add_pipe(name)
        for label in labels:
            pipe.add_label(label)
    nlp.initialize()
    return "spaCy: nlp.pipe, untrained ner and textcat (spans and one role a paragraph)", lambda texts: exhaust(
        nlp.pipe(texts)
    )


def jionlp() -> tuple[str, Callable[[list[str]], object]]:
    """Give what JioNLP has for figures: money and times with their values."""
    with contextlib.redirect_stdout(io.StringIO()):
        import jionlp as jio

    def run(texts: list[str]) -> None:
        for text in texts:
            jio.ner.extract_money(text, with_parsing=True)
            jio.ner.extract_time(text, time_base=1704067200, with_parsing=True)

    return "JioNLP: money and time (no spans besides, no roles, no facts)", run


def peers(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure the peers on paragraphs of the same texts; one that is not installed is said to be missing."""
    part = "peers, on the same text"
    whole = "\n".join(text.content for text in texts)[: size.peer_chars]
    paragraphs = [
        line[i : i + LONGEST] for line in whole.splitlines() if line.strip() for i in range(0, len(line), LONGEST)
    ]
    for make in (bert_base, spacy_pipe, jionlp):
        try:
            name, run = make()
            run(paragraphs[:1])
        except ImportError as error:
            yield Row(part, make.__name__, None, f"not installed: {error.name}")
            continue
        took = best(functools.partial(run, paragraphs), min(size.rounds, 2))
        yield Row(part, name, sum(map(len, paragraphs)) / took)


# -- the whole command -------------------------------------------------------------------------------------------------


def command(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure ``zongjie extract`` from its start to its end: a small file, and the most memory that it took."""
    with tempfile.TemporaryDirectory() as scratch:
        small, large = Path(scratch) / "small.txt", Path(scratch) / "large.txt"
        small.write_text(min((text.content for text in texts), key=len)[:500], encoding="utf-8")
        large.write_text("\n".join(text.content for text in texts), encoding="utf-8")
        runs = [_command(small, Path(scratch) / "out") for _ in range(max(3, size.rounds))]
        part = "zongjie extract, as a command"
        yield Row(
            part, "start-up to first record: one small txt, best of 3 or more", min(took for took, _ in runs), "s"
        )
        for name, file in (("one small txt", small), (f"one document of {length(texts):,} characters", large)):
            memory = _command(file, Path(scratch) / "out")[1]
            unit = "MiB" if memory else "not known on this platform"
            yield Row(part, f"peak memory: {name}", memory / 2**20 if memory else None, unit)


# A process begins with the peak of the one that started it, so a small one stands between.
LAUNCH = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
if hasattr(os, "wait4"):
    _, status, usage = os.wait4(process.pid, 0)
    code, most = os.waitstatus_to_exitcode(status), usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
else:
    code, most = process.wait(), 0
print(code, time.perf_counter() - start, most)
"""


def _command(file: Path, out: Path) -> tuple[float, int]:
    """Run the command; give the seconds and the most bytes that it held, 0 where that is not told."""
    shutil.rmtree(out, ignore_errors=True)
    args = [sys.executable, "-m", "zongjie.cli", "extract", str(file), "-o", str(out)]
    told = subprocess.run([sys.executable, "-c", LAUNCH, *args], capture_output=True, text=True, check=True)
    code, took, most = told.stdout.split()
    if code != "0":
        raise SystemExit(f"{' '.join(args)}: ended with {code}. Run it to see why.")
    return float(took), int(most)


# -- files -------------------------------------------------------------------------------------------------------------


def reading(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure the readers: the samples as they are, and a table made of their lines."""
    with tempfile.TemporaryDirectory() as scratch:
        files = sorted(file for file in SAMPLES.rglob("*") if file.is_file())
        plain = Path(scratch) / "large.txt"
        plain.write_text("\n".join(text.content for text in texts), encoding="utf-8")
        files.append(plain)
        try:
            files.append(_sheet(texts, Path(scratch) / "lines.xlsx"))
        except ImportError as error:
            yield Row("reading a file", ".xlsx", None, f"not installed: {error.name}")
        for file in files:
            found = [text for text in read_path(file) if isinstance(text, Text)]
            what = f"{file.suffix}, {file.stat().st_size / 1024:,.0f} KiB"
            if found:
                took = best(lambda file=file: exhaust(read_path(file)), size.rounds)  # type: ignore[misc]
                yield Row("reading a file", what, length(found) / took)
            else:
                yield Row("reading a file", what, None, "cannot be read with what is installed")


def _sheet(texts: Sequence[Text], path: Path) -> Path:
    """Make a workbook of the lines of texts, cut at their commas."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("lines")
    for text in texts:
        for line in text.content.splitlines():
            sheet.append(line.split("，"))
    book.save(path)
    return path


def writing(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure the writers, by the characters of the documents whose records are written."""
    records = [outcome.record for outcome in _own().pipe(texts) if outcome.record]
    for name, format_ in FORMATS.items():
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / format_.name
            try:
                took = best(functools.partial(_write, name, path, records), size.rounds)
            except ZongjieError as error:
                yield Row("writing records", name, None, str(error))
            else:
                yield Row("writing records", name, length(texts) / took)


def _write(name: str, path: Path, records: Iterable[Record]) -> None:
    with FORMATS[name].open(path, force=True) as write:
        for record in records:
            write(record)


# -- stages ------------------------------------------------------------------------------------------------------------


class Stopwatch:
    """Sums the time of functions by stage; the time of a stage within another is not the other's.

    It is the processor's time, so that what else the machine does changes no share.
    """

    def __init__(self) -> None:
        self.took: dict[str, float] = {}
        self._within: list[float] = []

    def of(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Give the function, timed."""

        @functools.wraps(function)
        def timed(*args: Any, **options: Any) -> Any:  # noqa: ANN401 - any function
            self._within.append(0.0)
            start = time.process_time()
            try:
                found = function(*args, **options)
                return list(found) if isinstance(found, Iterator) else found
            finally:
                took = time.process_time() - start
                self.took[stage] = self.took.get(stage, 0.0) + took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


STAGES: tuple[tuple[str, Any, str], ...] = (
    ("read", extractor, "read_path"),
    ("grammar", extractor, "Reading"),
    ("grammar", tagger, "windows"),
    ("grammar", tagger, "find_links"),
    ("encoder", OnnxScorer, "__call__"),
    ("decode and link", Tagger, "mark_spans"),
    ("decode and link", Tagger, "assign_roles"),
    ("decode and link", Tagger, "link_facts"),
    ("normalise", extractor, "sift"),
    ("normalise", extractor, "to_record"),
    ("write", Record, "to_json"),
)


def stages(texts: list[Text], size: Size) -> Iterator[Row]:
    """Measure how the time from a file to its line of JSON divides; the samples, each in its own format."""
    del texts
    files = sorted(file for file in SAMPLES.rglob("*") if file.is_file())
    watch = Stopwatch()
    with ExitStack() as stack:
        for stage, owner, name in STAGES:
            stack.enter_context(patch.object(owner, name, watch.of(stage, getattr(owner, name))))
        of = classmethod(watch.of("grammar", Said.of.__func__))  # type: ignore[attr-defined]
        stack.enter_context(patch.object(Said, "of", of))
        extract = zongjie.load()
        exhaust(extract.pipe(files))  # what is loaded but once
        watch.took.clear()
        start = time.process_time()
        for _ in range(size.rounds):
            for outcome in extract.pipe(files):
                if outcome.record:
                    outcome.record.to_json()
        whole = time.process_time() - start
    for stage in (*dict.fromkeys(stage for stage, _, _ in STAGES), "the rest"):
        took = watch.took.get(stage, 0.0) if stage != "the rest" else whole - sum(watch.took.values())
        yield Row(
            "file to line of JSON, by stage, processor time", stage, 1000 * took / size.rounds, "ms", took / whole
        )


PARTS = (text_to_record, peers, command, stages, reading, writing)


def show(rows: Iterable[Row]) -> Table:
    """Lay the rows out, with rates as multiples of the first one."""
    table = Table("what", "figure", "unit", "×", title="zongjie and peers, this machine")
    for column in table.columns[1:]:
        column.justify = "right"
    first: float | None = None
    part = ""
    for row in rows:
        if row.part != part:
            part = row.part
            table.add_section()
            table.add_row(f"[bold]{part}[/]")
        if row.figure is None:
            table.add_row(f"  {row.what}", "–", row.unit, "")
            continue
        if row.unit == RATE:
            first = first or (row.figure if row.part == "text to record" else None)
            row = replace(row, share=row.figure / first if first else None)
        figure = f"{row.figure:,.0f}" if row.figure >= 100 else f"{row.figure:,.2f}"
        share = "" if row.share is None else f"{row.share:.0%}" if row.unit == "ms" else f"{row.share:,.2f}"
        table.add_row(f"  {row.what}", figure, row.unit, share)
    return table


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")  # the peers' own, as are the tracebacks they log
    logging.disable()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chars", type=int, default=100_000, help="characters to work on")
    parser.add_argument("--peer-chars", type=int, default=10_000, help="characters for each peer to work on")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best one counts")
    parser.add_argument("--only", nargs="*", choices=[part.__name__ for part in PARTS], help="these parts alone")
    args = parser.parse_args()
    size = Size(args.chars, min(args.chars, args.peer_chars), args.rounds)
    texts = repeated(samples(), size.chars)
    chosen = [part for part in PARTS if args.only is None or part.__name__ in args.only]
    Console().print(show(row for part in chosen for row in part(texts, size)))


if __name__ == "__main__":
    main()
