from __future__ import annotations

import shutil
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import zongjie
from zongjie.record import Fact, Period, Record, Statement, TimeSpan, Value
from zongjie.writers import workbook
from zongjie.writers.workbook import open_workbook

pytest.importorskip("xlsxwriter", reason="needs XlsxWriter")
openpyxl = pytest.importorskip("openpyxl", reason="needs openpyxl, to open what was written")

unescape = pytest.importorskip("openpyxl.utils.escape", reason="needs openpyxl").unescape

TEXT = "2023年新增学位59500个，新增学位120个。"
SHEETS = ["成效", "措施", "目标", "问题", "学校", "项目", "文档"]
Make = Callable[..., Record]


def save(folder: Path, *records: Record, text: bool = True) -> Path:
    path = folder / "zongjie.xlsx"
    with open_workbook(path, text=text) as put:
        for record in records:
            put(record)
    return path


def table(book: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    head, *rest = book[name].iter_rows()
    return [dict(zip((cell.value for cell in head), row, strict=True)) for row in rest]


def values(row: dict[str, Any], *headings: str) -> list[Any]:
    return [row[heading].value for heading in headings]


def with_fact(record: Record, **changed: object) -> Record:
    return record.model_copy(update={"facts": [record.facts[0].model_copy(update=changed)], "results": []})


def value(low: str | None, high: str | None, unit: str = "个", flag: str = "=") -> Value:
    return Value.model_validate({"low": low, "high": high, "unit": unit, "flag": flag})


@pytest.fixture(scope="module")
def real() -> list[Record]:
    """Records of two of the samples, as the grammar makes them."""
    root = Path(__file__).parents[1]
    extract = zongjie.load(root / "tests" / "cases" / "by_rules.toml")
    samples = ("yunchuan-2023-summary.docx", "anlan-2024-plan.html")
    return [extract(root / "data" / "samples" / name) for name in samples]


def test_a_person_finds_what_was_extracted(real: list[Record], tmp_path: Path) -> None:
    book = openpyxl.load_workbook(save(tmp_path, *real))
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == sheet.dimensions
        assert sheet["A1"].font.bold
        assert all(width.width > 5 for width in sheet.column_dimensions.values())
    for name, status, role in (("成效", "actual", "results"), ("目标", "target", "targets")):
        rows = table(book, name)
        facts = [fact for record in real for fact in record.facts if fact.status == status]
        bare = [one for record in real for one in getattr(record, role) if not one.facts]
        assert [row["原文"].value for row in rows if row["原文"].value] == [fact.number.text for fact in facts]
        assert sum(row["原文"].value is None for row in rows) == len(bare)
        assert all(row["句子"].value for row in rows)
    for name, role in (("措施", "measures"), ("问题", "issues")):
        said = [row[name].value for row in table(book, name)]
        assert said == [" ".join(one.text.split()) for record in real for one in getattr(record, role)]
    schools = {e.name for record in real for e in record.entities if e.type == "SCHOOL"}
    assert {row["学校"].value for row in table(book, "学校")} == schools
    assert [row["事实"].value for row in table(book, "文档")] == [len(record.facts) for record in real]


def test_no_cell_is_a_formula_or_an_error(real: list[Record], tmp_path: Path) -> None:
    for sheet in openpyxl.load_workbook(save(tmp_path, *real)):
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "inlineStr", "n", "d"}


@pytest.mark.parametrize(
    ("given", "shown", "form"),
    [
        (value("95.65", "95.65", "%"), [0.9565, None, "等于"], "0.00%"),
        (value("98", None, "%", ">="), [0.98, None, "不低于"], "0%"),
        (value("3", "5", "%", "-"), [0.03, 0.05, "区间"], "0%"),
        (value(None, "0.4", "%", "<="), [0.004, None, "不超过"], "0.0%"),
        (value("41.20", "41.20", "个百分点", "~"), [41.2, None, "约"], "#,##0.0"),
        (value("4120000000", "4120000000", "元", ">"), [4120000000, None, "超过"], "#,##0"),
        (value("-2.5", "-2.5", "元", "<"), [-2.5, None, "不足"], "#,##0.0"),
        (value("0", "0"), [0, None, "等于"], "#,##0"),
        (value("1E+3", "1E+3"), [1000, None, "等于"], "#,##0"),
        (value("1E+400", "1E+400"), ["1E+400", None, "等于"], "General"),
    ],
)
def test_numbers_are_numbers_and_shares_percentages(
    make_record: Make, tmp_path: Path, given: Value, shown: list[object], form: str
) -> None:
    (row,) = table(openpyxl.load_workbook(save(tmp_path, with_fact(make_record(TEXT), value=given))), "成效")
    assert values(row, "数值", "至", "界限", "单位") == [*shown, given.unit]
    assert row["数值"].number_format == form


def test_days_are_dates(make_record: Make, tmp_path: Path) -> None:
    time = TimeSpan(start=0, end=5, text="2023年", period=Period(start="2023-01-01", end="1898-12-31"))
    (row,) = table(openpyxl.load_workbook(save(tmp_path, with_fact(make_record(TEXT), time=time))), "成效")
    assert values(row, "时间", "起", "止") == ["2023年", datetime(2023, 1, 1), "1898-12-31"]
    assert row["起"].number_format == "yyyy-mm-dd"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r@", "\n+", " -", "<r>", "{="])
def test_words_are_words_whatever_they_start_with(make_record: Make, tmp_path: Path, start: str) -> None:
    said = f"{start}1+cmd|' /C calc'!A0</r>"
    path = save(tmp_path, with_fact(make_record(TEXT, source=said), indicator=said))
    (row,) = table(openpyxl.load_workbook(path), "成效")
    for cell in (row["指标"], row["文件"]):
        assert cell.value.strip() == said.strip()
        assert cell.data_type in ("s", "inlineStr")
        assert cell.quotePrefix == (said.strip()[0] in "=+-@＝＋－＠")
    sheets = [name for name in zipfile.ZipFile(path).namelist() if "worksheets" in name]
    assert not any(b"<f>" in zipfile.ZipFile(path).read(name) for name in sheets)


def test_what_xml_forbids_costs_nothing_else(make_record: Make, tmp_path: Path) -> None:
    said = "一\x00二\x0b三\x1b[31m四\ufffe五_x0041_六<&>\"'七😀八\u2028九\r\n十"
    (row,) = table(openpyxl.load_workbook(save(tmp_path, with_fact(make_record(TEXT), indicator=said))), "成效")
    # what a spreadsheet does, and openpyxl leaves to its caller
    assert unescape(row["指标"].value).replace("\ufffe", "") == "一 二 三 [31m四五_x0041_六<&>\"'七😀八 九 十"


@pytest.mark.parametrize("character", ["长", "😀"])
def test_a_text_longer_than_a_cell_is_cut_and_says_so(make_record: Make, tmp_path: Path, character: str) -> None:
    most = 32767 // (len(character.encode("utf-16-le")) // 2)
    for length, whole in ((most, True), (most + 1, False)):
        record = with_fact(make_record(TEXT), indicator=character * length)
        (row,) = table(openpyxl.load_workbook(save(tmp_path / str(length), record)), "成效")
        said = row["指标"].value
        assert (said == character * length) == whole
        assert said.endswith("已截断）") != whole
        assert 32750 <= len(said.encode("utf-16-le")) / 2 <= 32767


def test_rows_go_on_in_a_further_sheet(make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_ROWS", 4)
    book = openpyxl.load_workbook(save(tmp_path, *[make_record(TEXT, f"{n}.txt") for n in range(4)]))
    assert book.sheetnames == [*SHEETS, "成效 (2)", "成效 (3)", "文档 (2)"]
    names = [name for name in book.sheetnames if name.startswith("成效")]
    assert [row["文件"].value for name in names for row in table(book, name)] == [
        f"{n}.txt" for n in range(4) for _ in "12"
    ]
    assert {book[name].freeze_panes for name in names} == {"B2"}
    assert book["成效"].auto_filter.ref.endswith("4")


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("年度/a b#1%20?.txt", "年度/a b#1%20?.txt"),
        ("briefs.jsonl", "briefs.jsonl#3"),
        ("all.zip", "all.zip/年度/2023.docx"),
    ],
)
def test_a_row_leads_to_its_source(
    make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).touch()
    book = openpyxl.load_workbook(save(Path("out"), make_record(TEXT, source), make_record(TEXT, "gone.txt")))
    first, _, third, _ = table(book, "成效")
    target = file.replace("%", "%25").replace(" ", "%20").replace("#", "%23").replace("?", "%3F")
    assert (first["文件"].value, first["文件"].hyperlink.target) == (source, f"../{target}")
    assert (third["文件"].value, third["文件"].hyperlink) == ("gone.txt", None)


def test_a_sheet_has_as_many_links_as_it_may(
    make_record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "_LINKS", 1)
    (source := tmp_path / "a.txt").touch()
    book = openpyxl.load_workbook(save(tmp_path, make_record(TEXT, source.as_posix())))
    assert [bool(row["文件"].hyperlink) for row in table(book, "成效")] == [True, False]


def test_statements_bring_what_belongs_to_them(make_record: Make, tmp_path: Path) -> None:
    record = make_record(TEXT)
    entities = [
        record.entities[0].model_copy(update={"id": id_, "type": type_, "name": name})
        for id_, type_, name in (
            ("e7", "SCHOOL", "青禾小学"),
            ("e8", "PROGRAM", "强基计划"),
            ("e9", "SCHOOL", "青禾小学"),
        )
    ]
    plain = Statement(
        id="r2", start=0, end=5, text="办学条件改善", programs=[], schools=[], facts=[], section=[], confidence=None
    )
    measure = plain.model_copy(
        update={"id": "m1", "programs": ["e8"], "schools": ["e7", "e9"], "facts": ["f1"], "leads_to": ["r2"]}
    )
    update = {"entities": entities, "results": [*record.results, plain], "measures": [measure], "issues": [plain]}
    book = openpyxl.load_workbook(save(tmp_path, record.model_copy(update=update)))
    (row,) = table(book, "措施")
    assert values(row, "项目", "学校", "数据", "带来的成效") == [
        "强基计划",
        "青禾小学",
        "新增学位 59500个",
        "办学条件改善",
    ]
    assert [row["句子"].value for row in table(book, "成效")] == ["办学条件改善", TEXT, TEXT]
    assert [values(row, "学校", "次数", "句子") for row in table(book, "学校")] == [["青禾小学", 2, TEXT]]
    assert [row["问题"].value for row in table(book, "问题")] == ["办学条件改善"]


def test_without_text_no_sentence_is_quoted(make_record: Make, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(save(tmp_path, make_record(TEXT), text=False))
    assert {row["句子"].value for row in table(book, "成效")} == {None}


def test_every_column_is_filled_by_something(make_record: Make) -> None:
    record = make_record(TEXT)
    span = record.facts[0].number
    fact = record.facts[0].model_copy(update=dict.fromkeys(("time", "place", "school", "program", "base"), span))
    full: Fact = fact.model_copy(
        update={
            "time": TimeSpan(**span.model_dump(), period=Period(start="2023-01-01", end="2023-12-31")),
            "place": span.model_copy(update={"name": "临川"}),
            "value": Value(low=Decimal(1), high=Decimal(2), unit="个", flag="-"),
        }
    )
    view = workbook._View(record.model_copy(update={"facts": [full]}))
    layout = workbook._layout()
    known = {field for rows in ("results", "documents") for row in view.rows(rows) for field in row}
    known |= {"figures", "leads_to", "name", "times"}
    assert {column.field for group in layout.columns.values() for column in group} <= known
    labels = {column.labels for group in layout.columns.values() for column in group if column.labels}
    assert labels <= set(workbook._labels())


def test_libreoffice_opens_it(real: list[Record], tmp_path: Path) -> None:
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None or shutil.which("localc") is None:
        pytest.skip("needs LibreOffice with Calc")
    path = save(tmp_path, *real)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "csv", "--outdir", str(tmp_path), str(path)]
    subprocess.run(command, check=True, timeout=180, capture_output=True)
    said = (tmp_path / "zongjie.csv").read_text("utf-8")
    assert said.startswith("指标,界限,数值")
    assert real[0].facts[0].number.text in said
