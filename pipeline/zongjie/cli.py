"""The command ``zongjie``: each command a thin parser over a plain function of the library.

In: arguments. Out: files, or text on the standard output; exit code 0 if all went well, 1 if some documents failed,
2 if the command was used wrongly. Not for: work. What is slow to import is imported by the command that needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from zongjie.batch import Summary
    from zongjie.normalise import LeftOut
    from zongjie.record import Record
    from zongjie.score import Scores

app = typer.Typer(
    help="Read Chinese 工作总结 and give back every measure and every result in them as grounded data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_CONFIG = typer.Option("--config", metavar="TOML", help="How to run: a file like configs/default.toml.", exists=True)
_SURE = typer.Option("--min-confidence", metavar="P", min=0, max=1, help="Leave out what is less sure than this.")


class OutputFormat(StrEnum):
    """The formats that ``extract`` offers: the keys of ``writers.FORMATS``, without importing it."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Raises:
        SystemExit: Always, with the exit code.
    """
    from zongjie.errors import ZongjieError

    for stream in (sys.stdout, sys.stderr):
        # on Windows a pipe would otherwise take the local code page, which lacks many characters
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace")  # a file's name need not be UTF-8
    try:
        app(args=argv, prog_name="zongjie")
    except (ZongjieError, OSError) as error:
        typer.echo(f"zongjie: {error}", err=True)
        sys.exit(2)
    sys.exit(0)


def _print_version(wanted: bool) -> None:
    if wanted:
        import zongjie

        typer.echo(f"zongjie {zongjie.__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


@app.command()
def extract(  # noqa: PLR0913 - a parameter is an option
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Files, folders, or - for standard input.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Folder for the output.", file_okay=False)],
    format: Annotated[OutputFormat, typer.Option(help="What to write.")] = OutputFormat.jsonl,
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave the documents' text out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the output of an earlier run.")] = False,
    config: Annotated[Path | None, _CONFIG] = None,
    min_confidence: Annotated[float | None, _SURE] = None,
) -> None:
    """Extract from documents into a folder; inputs that fail are listed in OUT/failures.jsonl."""
    import zongjie
    from zongjie.batch import Output, extract_files, find_sources

    sources = find_sources(inputs, leave_out=out)
    output = Output(out, format.value, text=not no_text, force=force)
    extractor = zongjie.load(config, min_confidence=min_confidence)
    summary = extract_files(extractor, sources, output, track=_progress)
    _report(summary)
    raise typer.Exit(1 if summary.failed else 0)


@app.command()
def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A document, or - for standard input.")],
    config: Annotated[Path | None, _CONFIG] = None,
    min_confidence: Annotated[float | None, _SURE] = None,
) -> None:
    """Print the facts of a document as a table."""
    import zongjie
    from zongjie.batch import Failure, find_sources, outcomes

    failed = False
    for found in outcomes(zongjie.load(config, min_confidence=min_confidence), find_sources([file]).files):
        if isinstance(found, Failure):
            failed = True
            typer.echo(f"{found.source}: {found.error}: {found.reason} {found.remedy}", err=True)
        else:
            record, left_out = found
            _print_record(record)
            _print_left_out(left_out)
    raise typer.Exit(1 if failed else 0)


@app.command()
def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", exists=True, help="Annotated passages: a file or a folder.")],
    predicted: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Records of these passages; extracted if not given."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure extraction against annotated passages."""
    import simplejson

    import zongjie
    from zongjie import score
    from zongjie.corpus import read_gold

    passages = read_gold(gold)
    if predicted:
        layers = (score.Layers.of(passage.to_dict()) for passage in passages)
        scores = score.compare(layers, score.read_layers(predicted))
    else:
        scores = score.evaluate(passages, zongjie.load())
    if as_json:
        typer.echo(simplejson.dumps(scores.to_dict(), indent=1))
    else:
        _print_scores(scores)


@app.command()
def train(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", exists=True, dir_okay=False, help="Settings, as in configs/train.toml.")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="The model's folder.", file_okay=False)
    ] = Path("out/model"),
    encoder: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_PATH", help="bilstm, or an encoder of Hugging Face; our own if not given."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=2, metavar="N", help="Write no model: train N times without a part and measure on that part."),
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Only try: once over a handful of passages.")] = False,
) -> None:
    """Train the model on annotated passages; needs the extra zongjie[train]."""
    from zongjie.errors import ZongjieError

    try:
        from zongjie.training import train as training
    except ModuleNotFoundError as error:
        said = f"training needs {error.name}, which is not installed. Run: pip install 'zongjie[train]'"
        raise ZongjieError(said) from error
    with redirect_stdout(sys.stderr):  # what the loop says of its progress is not the outcome
        if folds:
            done: Scores | Path = training.cross_validate(config, folds=folds, encoder=encoder, smoke=smoke)
        else:
            done = training.train(config, out, encoder=encoder, smoke=smoke)
    if isinstance(done, Path):
        typer.echo(done)
    else:
        _print_scores(done)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a record."""
    import simplejson

    from zongjie.record import json_schema

    typer.echo(simplejson.dumps(json_schema(), indent=2, ensure_ascii=False))


def _progress(files: Sequence[str]) -> Iterable[str]:
    """Show a bar on the standard error, if a person is looking at it."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(files, "extracting", console=console, disable=not console.is_terminal, transient=True)


def _report(summary: Summary) -> None:
    """Say what a run came to, on the standard error; the outputs' paths on the standard output."""
    for note in summary.skipped:
        typer.echo(f"skipped {note}", err=True)
    counts = f"documents: {summary.documents} ({summary.without_facts} without facts), facts: {summary.facts}"
    typer.echo(f"{counts}, failed: {summary.failed}", err=True)
    _print_left_out(summary.left_out)
    typer.echo(summary.records)
    typer.echo(summary.failures)


def _print_left_out(left: LeftOut) -> None:
    """Say on the standard error how much was less sure than asked for, if anything was."""
    if any(left):
        said = f"{left.facts} facts, {left.entities} spans, {left.statements} clauses of statements"
        typer.echo(f"left out as less sure than asked for: {said}", err=True)


def _print_record(record: Record) -> None:
    """Print a record's facts as a table, and how many statements of each role there are, and its warnings."""
    from rich.console import Console
    from rich.table import Table

    from zongjie.writers.facts import clean, columns, counts, rows

    shown = tuple(column for column in columns() if column.show)
    document = record.document
    table = Table(title=clean(document.title or document.source), title_justify="left")
    for column in shown:
        table.add_column(column.heading, overflow="fold")
    for row in rows(record, shown):
        table.add_row(*map(str, row))
    # the document's words are not markup
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(table)
    console.print(" · ".join(f"{word} {len(getattr(record, name))}" for name, word in counts().items()))
    for warning in record.warnings:
        console.print(f"{warning.code}: {clean(warning.message)}")


def _print_scores(scores: Scores) -> None:
    """Print scores as lines of aligned figures."""
    absent = f", {scores.absent} not predicted: all that stands in them counts as missed" if scores.absent else ""
    typer.echo(f"{scores.passages} passages{absent}")
    for name, precision, recall, f1, tp, fp, fn in scores.table():
        figures = f"P {precision:6.3f}  R {recall:6.3f}  F1 {f1:6.3f}   tp {tp:5d} fp {fp:5d} fn {fn:5d}"
        typer.echo(f"{name:16s} {figures}")
    typer.echo(f"{'roles.macro':16s} {'':20s}F1 {scores.roles_macro:6.3f}")


if __name__ == "__main__":
    main()
