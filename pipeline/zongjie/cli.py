"""The command ``zongjie``: each command a thin parser over a plain function of the library.

In: arguments. Out: files, or text on the standard output; exit code 0 if all went well, 1 if some documents failed,
2 if the command was used wrongly, 130 if it was interrupted. Not for: work. What is slow to import is imported by the
command that needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
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
_INCLUDE = typer.Option(
    "--include", metavar="GLOB", help="Of folders, read only files that fit: '*.docx', '2023/**'. May be repeated."
)
_EXCLUDE = typer.Option("--exclude", metavar="GLOB", help="Leave out files and folders that fit. May be repeated.")
_GOLD_STYLES = {".jsonl": "jsonl", ".txt": "markup"}  # what import writes, by the ending
_INTERRUPTED = 130  # exit code, as of a shell's command that Ctrl-C ended


class OutputFormat(StrEnum):
    """The formats that ``extract`` offers: the keys of ``writers.FORMATS``, without importing it."""

    jsonl = "jsonl"
    json = "json"
    csv = "csv"
    excel = "excel"
    parquet = "parquet"
    duckdb = "duckdb"


class GoldFormat(StrEnum):
    """The formats of annotated passages: the keys of ``exchange.FORMATS``, without importing it."""

    label_studio = "label-studio"
    doccano = "doccano"
    brat = "brat"
    spacy = "spacy"
    markup = "markup"
    jsonl = "jsonl"


class Language(StrEnum):
    """The languages of the page that ``view`` makes."""

    zh = "zh"
    en = "en"


class Engine(StrEnum):
    """Where ``extract`` works."""

    local = "local"
    ray = "ray"


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
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="Folder for the output.")],
    format: Annotated[OutputFormat, typer.Option(help="What to write.")] = OutputFormat.jsonl,
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave the documents' text out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Start anew, and replace what is in OUT.")] = False,
    config: Annotated[Path | None, _CONFIG] = None,
    min_confidence: Annotated[float | None, _SURE] = None,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", metavar="N", min=1, help="Worker processes (1); with --engine ray, actors."),
    ] = None,
    engine: Annotated[Engine, typer.Option(help="Work here, or on the Ray cluster of RAY_ADDRESS.")] = Engine.local,
    include: Annotated[list[str] | None, _INCLUDE] = None,
    exclude: Annotated[list[str] | None, _EXCLUDE] = None,
) -> None:
    """Extract from documents into a folder; inputs that fail are listed in OUT/failures.jsonl.

    Given again it goes on where it stopped, and reads what is new or changed.
    """
    from zongjie.batch import Output, extract_files
    from zongjie.engines import Plan
    from zongjie.progress import shown
    from zongjie.sources import Selection, find_sources

    select = Selection(tuple(include or ()), tuple(exclude or ()))
    plan = Plan.of(config, min_confidence=min_confidence)
    try:
        with shown() as report:
            if engine is Engine.ray:
                from zongjie.cluster import Job, extract_on_cluster

                job = Job(inputs, out, format.value, text=not no_text, force=force, select=select)
                summary = extract_on_cluster(plan, job, actors=jobs, report=report)
            else:
                sources = find_sources(inputs, leave_out=Path(out), select=select)
                output = Output(Path(out), format.value, text=not no_text, force=force)
                summary = extract_files(plan, sources, output, jobs=jobs or 1, report=report)
    except KeyboardInterrupt:
        typer.echo("stopped; the outputs are as they were, and what was done is kept", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    _report(summary)
    raise typer.Exit(_INTERRUPTED if summary.interrupted else 1 if summary.totals.failed else 0)


@app.command()
def show(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A document, or - for standard input.")],
    config: Annotated[Path | None, _CONFIG] = None,
    min_confidence: Annotated[float | None, _SURE] = None,
) -> None:
    """Print the facts of a document as a table."""
    import zongjie

    if file != "-" and not Path(file).exists():
        raise FileNotFoundError(f"{file}: no such file. Check the path; it is relative to {Path.cwd()}.")
    failed = False
    extract = zongjie.load(config, min_confidence=min_confidence)
    for outcome in extract.pipe([sys.stdin.buffer.read() if file == "-" else Path(file)]):
        if outcome.record:
            _print_record(outcome.record)
            _print_left_out(outcome.left_out)
        else:
            failed = True
            typer.echo(f"{type(outcome.error).__name__}: {outcome.error}", err=True)
    raise typer.Exit(1 if failed else 0)


@app.command()
def evaluate(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", exists=True, help="Annotated passages: a file or a folder.")],
    predicted: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Records of these passages; extracted if not given."),
    ] = None,
    config: Annotated[Path | None, _CONFIG] = None,
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
        scores = score.evaluate(passages, zongjie.load(config))
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
def query(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that extract wrote to, or an output in it.")],
    sql: Annotated[str, typer.Argument(metavar="SELECT", help="A query; DESCRIBE facts tells the columns.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask an output in SQL; tables documents, facts, statements, entities; needs the extra zongjie[tables]."""
    from zongjie import outputs

    with outputs.query(out, sql) as answer:
        if as_csv:
            outputs.print_csv(answer, sys.stdout)
        elif not outputs.print_table(answer, sys.stdout):
            typer.echo("there are more rows; --csv prints all of them", err=True)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder that extract wrote to, or an output in it.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the new output.", file_okay=False)],
    format: Annotated[OutputFormat, typer.Option(help="What to write.")],
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave the documents' text out.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an output that is there.")] = False,
) -> None:
    """Turn an output into another format."""
    from zongjie import outputs

    path, documents = outputs.convert(source, out, format.value, text=not no_text, force=force)
    typer.echo(f"documents: {documents}", err=True)
    typer.echo(path)


@app.command()
def export(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="Annotated passages, or a folder that extract wrote to.", exists=True)
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The file; for brat the folder.")],
    format: Annotated[GoldFormat, typer.Option(help="The annotation tool's format.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write passages for an annotation tool: those that people have annotated, or all of extracted documents."""
    from zongjie import exchange

    _keep(out, [source])
    written = exchange.export(exchange.passages_of(source), format.value, out, force=force)
    typer.echo(f"passages: {written}", err=True)
    typer.echo(out)


@app.command()
def review(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A folder that extract wrote to.", exists=True)],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="The file; for brat the folder.")],
    format: Annotated[GoldFormat, typer.Option(help="The annotation tool's format.")] = GoldFormat.label_studio,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="How many passages at most.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Write passages for people to correct, those that the extractor is least sure of first."""
    from zongjie import exchange, outputs

    _keep(out, [source])
    written = exchange.export(exchange.review(outputs.read(source), limit=limit), format.value, out, force=force)
    typer.echo(f"passages: {written}", err=True)
    typer.echo(out)


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="What the tool has exported; for brat a folder.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", metavar="OUT", help="Gold rows in .jsonl, or markup in .txt.", dir_okay=False)
    ],
    format: Annotated[GoldFormat, typer.Option(help="The annotation tool's format.")],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
) -> None:
    """Read back what people have annotated, for train and evaluate."""
    from zongjie import exchange

    if not (style := _GOLD_STYLES.get(out.suffix)):
        raise typer.BadParameter(f"{out}: its name must end in {' or '.join(_GOLD_STYLES)}.", param_hint="'--out'")
    _keep(out, files)
    imported = [exchange.import_(file, format.value) for file in files]
    untouched = sum(len(one.untouched) for one in imported)
    if untouched:
        typer.echo(f"not annotated, and so left out: {untouched} passages", err=True)
    written = exchange.export((p for one in imported for p in one.passages), style, out, force=force)
    typer.echo(f"passages: {written}", err=True)
    typer.echo(out)


@app.command()
def view(
    sources: Annotated[
        list[Path], typer.Argument(metavar="RECORDS...", help="Folders that extract wrote to, or outputs in them.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="HTML", help="The page.", dir_okay=False)],
    title: Annotated[str | None, typer.Option(help="What the page is called.")] = None,
    language: Annotated[Language, typer.Option(help="In which language it opens.")] = Language.zh,
    force: Annotated[bool, typer.Option("--force", help="Replace a page that is there.")] = False,
) -> None:
    """Show records as one HTML page: every number in its place in the text; it needs no network."""
    from zongjie import outputs
    from zongjie.view import page
    from zongjie.writers.atomic import open_atomic

    _keep(out, sources)
    with open_atomic(out, force=force) as stream:
        records = [record for source in sources for record in outputs.read(source)]
        stream.write(page(records, title=title, language=language.value))
    typer.echo(f"documents: {len(records)}, facts: {sum(len(record.facts) for record in records)}", err=True)
    typer.echo(out)


@app.command()
def schema() -> None:
    """Print the JSON Schema of a record."""
    import simplejson

    from zongjie.record import json_schema

    typer.echo(simplejson.dumps(json_schema(), indent=2, ensure_ascii=False))


def _keep(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to replace what is read, which --force would otherwise lose."""
    from zongjie import outputs
    from zongjie.errors import OutputExists

    if not out.exists():
        return
    for path in inputs:
        read = [stored.path for stored in outputs.find(path)] or [path]
        if {kept.resolve() for kept in read} & {out.resolve(), *out.resolve().parents}:
            raise OutputExists(f"{out}: this is what is to be read, or in it, and is not replaced. Name another.")


def _report(summary: Summary) -> None:
    """Say what a run came to, on the standard error; the outputs' paths on the standard output."""
    listed, totals = summary.listed, summary.totals
    for note in summary.skipped:
        typer.echo(f"skipped {note}", err=True)
    if listed.stale:
        typer.echo(f"model, config or version changed: {listed.stale:,} files were to be read again", err=True)
    if listed.kept or listed.changed:
        said = f"kept from before: {listed.kept:,} files; to be read: {listed.waiting:,}"
        typer.echo(f"{said}, of which {listed.changed:,} changed", err=True)
    if listed.gone:
        typer.echo(f"no longer among the inputs, and so not in the outputs: {listed.gone:,} files", err=True)
    counts = f"documents: {totals.documents} ({totals.without_facts} without facts), facts: {totals.facts}"
    typer.echo(f"{counts}, failed: {totals.failed}", err=True)
    _print_left_out(totals.left_out)
    if summary.interrupted:
        typer.echo("stopped before all was done; the same command goes on from here", err=True)
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
