from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import zongjie
from zongjie import outputs
from zongjie.cli import main
from zongjie.errors import OutputExists, ZongjieError
from zongjie.outputs import Stored, convert, find, query, read
from zongjie.record import Record
from zongjie.writers import FORMATS
from zongjie.writers.facts import columns

TEXT = "2023年新增学位59500个，新增学位120个。"
Make = Callable[..., Record]
WHOLE = [name for name, format_ in FORMATS.items() if format_.read]
ASKED = ["jsonl", "json", "parquet", "duckdb"]

needs_tables = pytest.mark.usefixtures("_tables")


@pytest.fixture
def _tables() -> None:
    for name in ("duckdb", "pyarrow"):
        pytest.importorskip(name, reason=f"needs {name}")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the records of two samples, as the grammar makes them, and two that are the same document."""
    root = Path(__file__).parents[1]
    extract = zongjie.load(root / "tests" / "cases" / "by_rules.toml")
    samples = ("yunchuan-2023-summary.docx", "anlan-2024-plan.html", "yunchuan-2023-summary.docx")
    folder = tmp_path_factory.mktemp("real")
    with FORMATS["jsonl"].open(folder / "records.jsonl") as put:
        for name in samples:
            put(extract(root / "data" / "samples" / name))
    return folder


@pytest.fixture
def made(make_record: Make, tmp_path: Path) -> Path:
    """A folder with three small records."""
    folder = tmp_path / "made"
    with FORMATS["jsonl"].open(folder / "records.jsonl") as put:
        for text, source in ((TEXT, "b.txt"), ("没有数", "a.txt"), (f"😀{TEXT}", "b.txt")):
            put(make_record(text, source))
    return folder


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with query(path, sql) as answer:
        return list(answer.rows)


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main([str(part) for part in argv])
    return int(leaving.value.code or 0)


@needs_tables
@pytest.mark.parametrize("name", [name for name in WHOLE if name != "jsonl"])
def test_there_and_back_gives_the_same_bytes(real: Path, tmp_path: Path, name: str) -> None:
    path, count = convert(real, tmp_path / "there", name)
    assert (path, count) == (tmp_path / "there" / FORMATS[name].name, 3)
    back, _ = convert(tmp_path / "there", tmp_path / "back", "jsonl")
    assert back.read_bytes() == (real / "records.jsonl").read_bytes()


@needs_tables
@pytest.mark.parametrize("table", ["documents", "facts", "statements", "entities"])
def test_every_output_gives_the_same_answer(real: Path, tmp_path: Path, table: str) -> None:
    odd = tmp_path / "it's [1]*"  # what a path may hold is no pattern and no SQL
    answers, types = {}, {}
    for name in ASKED:
        convert(real, odd / name, name)
        order = "doc" if table == "documents" else "doc, id"
        what = "* EXCLUDE doc" if name == "json" else "*"  # numbered by file name there
        answers[name] = ask(odd / name, f"SELECT {what} FROM {table} ORDER BY {order}")
        types[name] = [row[:2] for row in ask(odd / name, f"DESCRIBE {table}")]
    assert answers["jsonl"] == answers["parquet"] == answers["duckdb"]
    assert types["jsonl"] == types["json"] == types["parquet"] == types["duckdb"]
    assert sorted(map(repr, answers["json"])) == sorted(repr(row[1:]) for row in answers["duckdb"])
    assert answers["duckdb"]


@needs_tables
def test_tables_hold_what_the_record_says(real: Path, tmp_path: Path) -> None:
    record = next(read(real))
    fact = next(
        fact
        for fact in record.facts
        if fact.value and fact.value.low and fact.time and fact.time.period and fact.time.period.start and fact.metric
    )
    assert fact.value
    assert fact.value.low
    assert fact.time
    assert fact.metric
    assert fact.time.period
    (row,) = ask(
        convert(real, tmp_path, "duckdb")[0],
        "SELECT low, low_exact, metric, metric_start, period_start, sentence, section FROM facts "
        f"WHERE doc = 1 AND id = '{fact.id}'",
    )
    assert (row[0], Decimal(row[1])) == (float(fact.value.low), fact.value.low)
    assert row[2:4] == (fact.metric.text, fact.metric.start)
    assert row[4].isoformat() == fact.time.period.start
    assert row[5] == (record.text or "")[fact.sentence.start : fact.sentence.end]
    assert row[6] == fact.section


@needs_tables
def test_tables_are_keyed_and_typed(made: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow")
    database, _ = convert(made, tmp_path, "duckdb")
    sql = "SELECT table_name, constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
    keys = dict(ask(database, sql))
    assert keys.pop("documents") == ["doc"]
    assert keys == {name: ["doc", "id"] for name in ("facts", "statements", "entities")}
    schema = pq.read_schema(convert(made, tmp_path, "parquet")[0] / "facts.parquet")
    kinds = {name: str(schema.field(name).type) for name in ("low", "low_exact", "status", "period_start", "section")}
    assert kinds.pop("status").startswith("dictionary<")
    assert kinds.pop("section").startswith("list<")
    assert kinds == {"low": "double", "low_exact": "string", "period_start": "date32[day]"}


@needs_tables
def test_csv_is_asked_by_its_headings(made: Path, tmp_path: Path) -> None:
    convert(made, tmp_path, "csv")
    assert [row[0] for row in ask(tmp_path, "DESCRIBE facts")] == [column.heading for column in columns()]
    sql = 'SELECT "文件", "数值下限", "起始", "状态", "学校" FROM facts ORDER BY ALL'
    assert ask(tmp_path, sql)[0] == ("b.txt", 120.0, TEXT.index("120"), "实际", None)


@needs_tables
@pytest.mark.parametrize(("said", "back"), [("=1+1", "=1+1"), ("＠甲", "＠甲"), ("'甲", "'甲"), ("甲", "甲")])
def test_csv_is_asked_without_its_guards(make_record: Make, tmp_path: Path, said: str, back: str) -> None:
    with FORMATS["csv"].open(tmp_path / "facts.csv") as put:
        put(make_record(TEXT, said))
    assert ask(tmp_path, 'SELECT DISTINCT "文件" FROM facts') == [(back,)]


@needs_tables
@pytest.mark.parametrize("name", ["jsonl", "duckdb", "parquet"])
@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{0}/x.csv'",
        "SELECT * FROM read_text('{0}/secret.txt')",
        "SELECT * FROM '{0}/secret.csv'",
        "SELECT * FROM glob('{0}/*')",
        "SELECT 1; DROP TABLE facts",
        "DELETE FROM facts",
        "CREATE TABLE x AS SELECT 1",
        "ATTACH '{0}/y.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT nothing FROM facts",
        "SELECT * FROM made",  # a variable of the caller
        "SELEC 1",
        "",
    ],
)
def test_a_query_reads_the_output_and_nothing_else(made: Path, tmp_path: Path, name: str, sql: str) -> None:
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (tmp_path / "secret.csv").write_text("a\n1\n", "utf-8")
    convert(made, tmp_path / "out", name)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ZongjieError):
        ask(tmp_path / "out", sql.format(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@needs_tables
def test_a_failed_query_says_what_there_is(made: Path) -> None:
    with pytest.raises(ZongjieError, match=r"(?s)figures.*documents, facts, statements, entities"):
        ask(made, "SELECT * FROM figures")


def test_find_knows_an_output_by_its_folder_or_itself(made: Path, tmp_path: Path) -> None:
    convert(made, made, "json")
    convert(made, made, "csv")
    everything = {name: Stored(name, made / FORMATS[name].name) for name in ("jsonl", "json", "csv")}
    assert find(made) == tuple(everything.values())
    for stored in everything.values():
        assert find(stored.path) == (stored,)
    renamed = (made / "records.jsonl").rename(tmp_path / "mine.jsonl")
    assert find(renamed) == (Stored("jsonl", renamed),)
    assert find(tmp_path) == ()


def test_json_may_lose_or_gain_files(made: Path, tmp_path: Path) -> None:
    folder, _ = convert(made, tmp_path, "json")
    (folder / "b.txt.json").rename(folder / "0.json")
    assert [record.document.source for record in read(folder)] == ["a.txt", "b.txt", "b.txt"]
    (folder / "index.txt").unlink()
    assert [record.document.source for record in read(folder)] == ["b.txt", "a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema_version": "1.0"}', r"line 4.*document: Field required"),
        ("{", r"line 4.*not a record"),
        ("[1]", r"line 4.*not a record"),
        ("\udcff", r"line 4.*not a record"),
    ],
)
def test_a_damaged_line_is_named(made: Path, tmp_path: Path, content: str, said: str) -> None:
    path = made / "records.jsonl"
    path.write_bytes(path.read_bytes() + content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ZongjieError, match=said):
        convert(made, tmp_path / "out", "json")
    assert not list((tmp_path / "out").iterdir())


@needs_tables
@pytest.mark.parametrize("name", ["parquet", "duckdb"])
def test_a_damaged_output_is_an_error(made: Path, tmp_path: Path, name: str) -> None:
    path, _ = convert(made, tmp_path, name)
    (path if path.is_file() else path / "facts.parquet").write_bytes(b"PAR1 or what")
    with pytest.raises(ZongjieError, match="cannot be read back"):
        list(read(path))
    with pytest.raises(ZongjieError, match="the query failed"):
        ask(path, "SELECT * FROM facts")


def test_what_does_not_hold_whole_records_is_not_converted(made: Path, tmp_path: Path) -> None:
    convert(made, tmp_path, "csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZongjieError, match=r"holds whole records. There is facts.csv"):
        convert(tmp_path, tmp_path, "jsonl")
    with pytest.raises(ZongjieError, match="zongjie extract wrote to"):
        convert(made.parent / "empty", tmp_path / "x", "jsonl")
    with pytest.raises(FileNotFoundError):
        convert(tmp_path / "nowhere", tmp_path, "jsonl")


def test_an_output_is_not_turned_into_itself_or_over_another(made: Path, tmp_path: Path) -> None:
    with pytest.raises(ZongjieError, match="Name another folder"):
        convert(made, made, "jsonl", force=True)
    convert(made, tmp_path, "json")
    with pytest.raises(OutputExists):
        convert(made, tmp_path, "json")
    assert convert(made, tmp_path, "json", force=True)[1] == 3


@needs_tables
def test_the_command_prints_a_table_or_csv(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sql = "SELECT indicator, low, '=1' AS f, NULL AS n, section, metric_start FROM facts ORDER BY low DESC LIMIT 1"
    assert run("query", made, sql) == 0
    assert "59500" in capsys.readouterr().out
    assert run("query", made, sql, "--csv") == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [
        ["indicator", "low", "f", "n", "section", "metric_start"],
        ["新增学位", "59500", "'=1", "", '["一、扩容"]', "7"],
    ]
    assert run("query", made, "DROP TABLE facts") == 2
    assert "SELECT" in capsys.readouterr().err


@needs_tables
def test_the_command_says_when_there_is_more(
    made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "_SHOWN", 1)
    run("query", made, "SELECT id FROM facts")
    said = capsys.readouterr()
    assert ("f1" in said.out, "f2" in said.out, "--csv" in said.err) == (True, False, True)


def test_the_command_converts(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert", made, tmp_path, "--format", "json", "--no-text") == 0
    said = capsys.readouterr()
    assert (said.out.strip(), said.err.strip()) == (str(tmp_path / "records"), "documents: 3")
    assert "text" not in json.loads((tmp_path / "records" / "a.txt.json").read_text("utf-8"))
    assert run("convert", made, tmp_path, "--format", "json") == 2
    assert run("convert", made, tmp_path, "--format", "json", "--force") == 0
