"""How fast one core finds and reads quantities and periods, and beside it, in the same run, the peers that do so too.

In: ``data/samples`` as prose, and made-up worst cases: runs of digits, tables, lists, repeated years, long Chinese
numerals. Out: a table of characters a second, with the ratio to prose, and one of the peers on the same prose. They are
JioNLP (money and time) and Recognizers-Text (all that it knows of Chinese); one that is not installed is left out
with a word. Nothing is asserted. Run: ``make bench``; for the peers first ``pip install
jionlp recognizers-text-suite "emoji<2"``.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

import zongjie

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
BASE = 1704067200  # a time for the peers to count from

Finder = Callable[[str], object]


def prose(chars: int) -> list[str]:
    """Give the paragraphs of the samples, repeated until there are enough characters."""
    read = [outcome.record for outcome in zongjie.load().pipe(f for f in sorted(SAMPLES.rglob("*")) if f.is_file())]
    lines = [line for record in read if record and record.text for line in record.text.splitlines() if line.strip()]
    if not lines:
        raise SystemExit(f"{SAMPLES} holds no document that can be read. Restore data/samples.")
    return lines * max(1, round(chars / sum(map(len, lines))))


def worst_cases(chars: int) -> dict[str, str]:
    """Make texts of numbers and nothing else."""
    numbers = [str(7919 * i % 10007) for i in range(1, chars)]
    rows = ("青禾小学\t" + "\t".join(numbers[i : i + 12]) for i in range(0, chars, 12))
    texts = {
        "a run of digits": "1" * chars,
        "numbers in a row": " ".join(numbers),
        "a table of numbers": "\n".join(rows),
        "a table of shares": "\n".join(f"青禾小学 {n}.5% {n}.7%" for n in numbers),
        "a list of numbers": "、".join(numbers),
        "a list of counts": "、".join(f"{n}人" for n in numbers),
        "2021年, again and again": "2021年" * (chars // 5),
        "Chinese numerals": "三千五百" * (chars // 4),
        "one Chinese digit": "一" * chars,
        "codes": "3-" * (chars // 2),
    }
    return {name: text[:chars] for name, text in texts.items()}


def normalise(text: str) -> object:
    """Find and read the quantities and the periods of a text."""
    return zongjie.find_quantities(text), zongjie.find_periods(text)


def jionlp() -> Iterator[tuple[str, Finder]]:
    """Give what JioNLP has for the same task."""
    with contextlib.redirect_stdout(io.StringIO()):
        import jionlp as jio

    yield "JioNLP: money", lambda text: jio.ner.extract_money(text, with_parsing=True)
    yield "JioNLP: time", lambda text: jio.ner.extract_time(text, time_base=BASE, with_parsing=True)


def recognizers() -> Iterator[tuple[str, Finder]]:
    """Give what Recognizers-Text has for the same task."""
    import recognizers_suite as suite

    culture = suite.Culture.Chinese
    tasks = (
        suite.recognize_number,
        suite.recognize_percentage,
        suite.recognize_currency,
        suite.recognize_dimension,
        suite.recognize_datetime,
    )
    for task in tasks:
        name = task.__name__.removeprefix("recognize_")
        yield f"Recognizers-Text: {name}", lambda text, task=task: task(text, culture)


def peers(console: Console) -> dict[str, Finder]:
    """Give the peers that are installed, and say which are not."""
    found: dict[str, Finder] = {}
    for peer in (jionlp, recognizers):
        try:
            found.update(peer())
        except ImportError as error:
            console.print(f"{peer.__name__} is left out: {error}.")
    return found


def rate(find: Finder, texts: Sequence[str], rounds: int) -> float:
    """Give the best of some rounds, in characters a second; what disturbs a run only ever makes it slower."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        for text in texts:
            find(text)
        best = min(best, time.perf_counter() - start)
    return sum(map(len, texts)) / best


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")  # the peers' own, as are the tracebacks they log
    logging.disable()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chars", type=int, default=100_000, help="characters to work on")
    parser.add_argument("--peer-chars", type=int, default=10_000, help="characters for each peer to work on")
    parser.add_argument("--rounds", type=int, default=3, help="rounds; the best one counts")
    args = parser.parse_args()
    console = Console()
    texts = prose(args.chars)
    normalise(texts[0])  # compiles the grammars
    cases = {"prose": texts} | {name: [text] for name, text in worst_cases(args.chars).items()}
    own = Table(
        "text", "quantities", "× prose", "quantities and periods", "× prose", title="characters a second, one core"
    )
    base: tuple[float, float] | None = None
    for name, case in cases.items():
        rates = rate(zongjie.find_quantities, case, args.rounds), rate(normalise, case, args.rounds)
        base = base or rates
        ratios = [f"{figure / first:.2f}" for figure, first in zip(rates, base, strict=True)]
        own.add_row(name, f"{rates[0]:,.0f}", ratios[0], f"{rates[1]:,.0f}", ratios[1])
    console.print(own)
    beside = Table("what", "characters a second", "× first row", title="the same prose, paragraph by paragraph")
    few = prose(args.peer_chars)
    first = rate(normalise, few, args.rounds)
    beside.add_row("zongjie: quantities and periods", f"{first:,.0f}", "1.00")
    for name, find in peers(console).items():
        find(few[0])
        figure = rate(find, few, 1)
        beside.add_row(name, f"{figure:,.0f}", f"{figure / first:.3f}")
    console.print(beside)


if __name__ == "__main__":
    main()
