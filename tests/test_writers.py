import csv
import io
import json
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from zongjie.errors import OutputExists, ZongjieError
from zongjie.outputs import query
from zongjie.record import Record, Value
from zongjie.writers import FORMATS
from zongjie.writers.facts import Column, columns, rows

TEXT = "2023年新增学位59500个，新增学位120个。"
Make = Callable[..., Record]
NEEDED = {"excel": "xlsxwriter", "parquet": "pyarrow", "duckdb": "duckdb"}
every_format = pytest.mark.parametrize("name", sorted(FORMATS))


@pytest.fixture(autouse=True)
def _library(request: pytest.FixtureRequest) -> None:
    """Skip what needs a library that is not installed."""
    callspec = getattr(request.node, "callspec", None)
    if callspec and (needed := NEEDED.get(callspec.params.get("name"))):
        pytest.importorskip(needed, reason=f"needs {needed}")


def write(name: str, folder: Path, records: list[Record], *, text: bool = True, force: bool = False) -> Path:
    path = folder / FORMATS[name].name
    with FORMATS[name].open(path, text=text, force=force) as put:
        for record in records:
            put(record)
    return path


def contents(path: Path) -> dict[str, object]:
    if path.suffix == ".duckdb":  # the same rows need not be the same bytes
        with query(path, "SELECT * FROM facts") as answer:
            return {path.name: list(answer.rows)}
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return {file.name: file.read_bytes() for file in files}


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))


def with_fact(record: Record, **changed: object) -> Record:
    return record.model_copy(update={"facts": [record.facts[0].model_copy(update=changed)]})


@every_format
def test_writers_give_the_same_bytes_each_time(make_record: Make, tmp_path: Path, name: str) -> None:
    one = contents(write(name, tmp_path / "one", [make_record(TEXT)]))
    assert one == contents(write(name, tmp_path / "two", [make_record(TEXT)]))


@every_format
def test_writers_refuse_to_replace(make_record: Make, tmp_path: Path, name: str) -> None:
    path = write(name, tmp_path, [make_record(TEXT)])
    before = contents(path)
    with pytest.raises(OutputExists, match=r"already exists.*--force"):
        write(name, tmp_path, [make_record("别的")])
    assert contents(path) == before


@every_format
def test_writers_replace_when_forced(make_record: Make, tmp_path: Path, name: str) -> None:
    write(name, tmp_path, [make_record(TEXT, "old.txt"), make_record(TEXT, "older.txt")])
    path = write(name, tmp_path, [make_record("别的", "new.txt")], force=True)
    fresh = write(name, tmp_path / "fresh", [make_record("别的", "new.txt")])
    assert contents(path) == contents(fresh)


@every_format
def test_writers_leave_what_was_there_when_interrupted(make_record: Make, tmp_path: Path, name: str) -> None:
    before = contents(write(name, tmp_path, [make_record(TEXT)]))
    path = tmp_path / FORMATS[name].name
    with pytest.raises(KeyboardInterrupt), FORMATS[name].open(path, force=True) as put:  # noqa: PT012
        put(make_record("别的"))
        raise KeyboardInterrupt
    assert contents(path) == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@every_format
def test_writers_write_nothing_well(tmp_path: Path, name: str) -> None:
    assert write(name, tmp_path, []).exists()


@pytest.mark.parametrize(("name", "library"), NEEDED.items())
def test_a_missing_library_is_said_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with (
        pytest.raises(ZongjieError, match=rf"needs {library}.*pip install 'zongjie\["),
        FORMATS[name].open(tmp_path / "x"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, format_ in FORMATS.items() if format_.read])
def test_records_come_back_in_order(make_record: Make, tmp_path: Path, name: str) -> None:
    # doubles, texts without facts, and an order that is not that of the names
    texts = [(TEXT, "b.txt"), ("没有数", "c.txt"), (TEXT, "a.txt"), ("线\u2028段", "d"), (TEXT, "b.txt")]
    records = [make_record(*one) for one in texts]
    read = FORMATS[name].read
    assert read
    assert list(read(write(name, tmp_path / "whole", records))) == records
    bare = [record.model_copy(update={"text": None}) for record in records]
    assert list(read(write(name, tmp_path / "bare", records, text=False))) == bare


@pytest.mark.parametrize("name", ["jsonl", "json"])
def test_a_record_without_text_gets_none(make_record: Make, tmp_path: Path, name: str) -> None:
    bare = make_record(TEXT).model_copy(update={"text": None})
    left_out = contents(write(name, tmp_path / "one", [make_record(TEXT)], text=False))
    assert contents(write(name, tmp_path / "two", [bare])) == left_out


def test_a_folder_is_whole_when_a_run_dies_between_two_renames(make_record: Make, tmp_path: Path) -> None:
    path = write("json", tmp_path, [make_record(TEXT, "old.txt")])
    (path / "notes.md").write_text("mine", "utf-8")
    old = contents(path)
    path.rename(aside := tmp_path / ".records.replaced")
    with pytest.raises(OutputExists):
        write("json", tmp_path, [make_record(TEXT, "new.txt")])
    assert contents(path) == old
    path.rename(aside)
    new = write("json", tmp_path / "elsewhere", [make_record(TEXT, "new.txt")]).rename(path)
    write("json", tmp_path, [make_record(TEXT, "newer.txt")], force=True)
    assert sorted(contents(new)) == ["index.txt", "newer.txt.json", "notes.md"]
    assert not aside.exists()


def test_many_documents_of_one_name_are_numbered(make_record: Make, tmp_path: Path) -> None:
    names = sorted(contents(write("json", tmp_path, [make_record(TEXT, f"{n}/a.txt") for n in range(3)])))
    assert names == ["a.txt-2.json", "a.txt-3.json", "a.txt.json", "index.txt"]


def test_jsonl_reads_back(make_record: Make, tmp_path: Path) -> None:
    records = [make_record(TEXT), make_record("线\u2028段")]
    lines = write("jsonl", tmp_path, records).read_bytes().decode().split("\n")
    assert lines.pop() == ""
    assert [Record.from_json(line) for line in lines] == records


@pytest.mark.parametrize("name", ["jsonl", "json"])
def test_text_can_be_left_out(make_record: Make, tmp_path: Path, name: str) -> None:
    content = contents(write(name, tmp_path, [make_record(TEXT)], text=False))
    content.pop("index.txt", None)
    assert ["text" in json.loads(one) for one in content.values()] == [False]


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        (["a/工作总结.docx", "b/工作总结.docx"], ["工作总结.docx.json", "工作总结.docx-2.json"]),
        (["A.txt", "a.txt"], ["A.txt.json", "a.txt-2.json"]),
        (["con.txt"], ["_con.txt.json"]),
        (["../../etc/passwd"], ["passwd.json"]),
        (["a:b*c?d|e.txt"], ["a_b_c_d_e.txt.json"]),
        ([".."], ["document.json"]),
        (["报" * 300 + ".txt"], ["报" * 70 + ".json"]),
    ],
)
def test_json_names_are_safe_and_unique(
    make_record: Make, tmp_path: Path, sources: list[str], names: list[str]
) -> None:
    path = write("json", tmp_path, [make_record(TEXT, source) for source in sources])
    assert (path / "index.txt").read_text("utf-8").split() == names
    assert sorted(contents(path)) == sorted(["index.txt", *names])


def test_json_keeps_other_files_when_forced(make_record: Make, tmp_path: Path) -> None:
    path = write("json", tmp_path, [make_record(TEXT)])
    (path / "notes.md").write_text("mine", "utf-8")
    write("json", tmp_path, [make_record(TEXT, "new.txt")], force=True)
    assert sorted(contents(path)) == ["index.txt", "new.txt.json", "notes.md"]


def test_csv_has_one_row_a_fact(make_record: Make, tmp_path: Path) -> None:
    path = write("csv", tmp_path, [make_record(TEXT, "a.txt"), make_record("没有数", "b.txt")])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    first, second = table(path)
    assert list(first) == [column.heading for column in columns()]
    assert (first["文件"], first["度量"], first["数值下限"], first["单位"]) == ("a.txt", "学位", "59500", "个")
    assert (first["界限"], first["状态"], first["句子"], first["学校"]) == ("等于", "实际", TEXT, "")
    assert TEXT[int(second["起始"]) : int(second["结束"])] == second["原文"] == "120个"


def test_csv_without_text_leaves_the_sentence_empty(make_record: Make, tmp_path: Path) -> None:
    assert {row["句子"] for row in table(write("csv", tmp_path, [make_record(TEXT)], text=False))} == {""}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＠", "\t=", "\r@", " -"])
def test_csv_makes_formulas_harmless(make_record: Make, tmp_path: Path, start: str) -> None:
    record = with_fact(make_record(TEXT), indicator=f"{start}1+cmd|'/C calc'!A0")
    (row,) = table(write("csv", tmp_path, [record]))
    assert row["指标"].startswith("'")
    assert start.strip() in row["指标"]


@pytest.mark.parametrize(
    ("low", "cell"), [("-5", "-5"), ("1E+3", "1000"), ("0.10", "0.10"), ("4120000000", "4120000000")]
)
def test_csv_keeps_numbers_numbers(make_record: Make, tmp_path: Path, low: str, cell: str) -> None:
    value = Value(low=Decimal(low), high=None, unit="元", flag=">=")
    (row,) = table(write("csv", tmp_path, [with_fact(make_record(TEXT), value=value)]))
    assert (row["数值下限"], row["数值上限"], row["界限"]) == (cell, "", "不低于")


def test_csv_cells_hold_no_control_characters(make_record: Make, tmp_path: Path) -> None:
    record = with_fact(make_record(TEXT), section=["一、\x1b[31m扩\n容", "（一）"], value=None)
    (row,) = table(write("csv", tmp_path, [record]))
    assert (row["章节"], row["数值下限"]) == ("一、 [31m扩 容 / （一）", "")


def test_columns_all_lead_somewhere(make_record: Make) -> None:
    (row, _) = rows(make_record(TEXT), columns())
    assert len(row) == len(columns()) == len({column.heading for column in columns()})
    assert {column.heading for column in columns() if column.show} >= {"指标", "原文"}


def test_columns_follow_a_path_until_it_ends(make_record: Make) -> None:
    record = with_fact(make_record(TEXT), value=None, confidence=0.93)
    shown = (Column(heading="a", field="fact.value.low"), Column(heading="b", field="fact.confidence"))
    assert list(rows(record, shown)) == [["", Decimal("0.93")]]
