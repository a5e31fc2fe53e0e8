from __future__ import annotations

import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import zongjie
from reports import report, said
from zongjie.dataframes import Frames, Numbers, TableName, frames, headings
from zongjie.errors import ZongjieError
from zongjie.record import Record
from zongjie.writers import FORMATS
from zongjie.writers.tables import TABLES

pd = pytest.importorskip("pandas", reason="needs pandas")

RATE = "学前三年毛入园率"


def rate(number: str, text: str = "{}", role: str = "R", **more: object) -> dict[str, Any]:
    """A sentence that states the rate."""
    return said(text.format(f"{RATE}{number}%"), role, metric=RATE, number=f"{number}%", value=number, **more)


@pytest.fixture
def two() -> list[Record]:
    """The reports of two places."""
    clouds = report(
        rate("95.8", "2023年，全市{}", time="2023年", period=("2023-01-01", "2023-12-31"), place="全市", name="云川市"),
        rate("94.7", "2022年{}", time="2022年", period=("2022-01-01", "2022-12-31")),
        said("新增学位1.2万个", action="新增", metric="学位", number="1.2万个", value="12000", unit="个"),
        rate("96.5", "2024年{}以上", "T", time="2024年", period=("2024-01-01", "2024-12-31")),
        said("实施强校行动", "M", program="强校行动"),
        source="云川.docx",
        title="云川市教育局2023年工作总结",
        region="云川市",
        year=2023,
    )
    creek = report(
        rate("93.1", "{}"), said("城区学位不足", "I"), source="清溪.pdf", region="清溪县", year=2023, kind="bulletin"
    )
    return [clouds, creek]


def test_tables_are_typed(two: list[Record]) -> None:
    found = frames(two)
    types = {name: str(dtype) for name, dtype in found.facts.dtypes.items()}
    assert types["id"] == types["document_id"] == types["metric"] == types["sentence"] == "string"
    assert {types[name] for name in ("unit", "flag", "status", "kind")} == {"category"}
    assert {types[name] for name in ("low", "high", "confidence")} == {"float64"}
    assert {types[name] for name in ("doc", "number_start", "metric_end", "page")} == {"Int64"}
    assert types["period_start"].startswith("datetime64[")
    assert types["year"].startswith("period[Y")
    assert str(found.entities["type"].dtype) == str(found.statements["role"].dtype) == "category"
    assert (len(found.documents), len(found.facts), len(found.statements)) == (2, 5, 7)
    assert repr(found) == f"Frames(documents=2, facts=5, statements=7, entities={len(found.entities)})"


def test_cells_say_what_the_record_says(two: list[Record]) -> None:
    fact = frames(two).facts.iloc[0]
    assert (fact["low"], fact["unit"], fact["place_name"], fact["year"].year) == (95.8, "%", "云川市", 2023)
    assert fact["period_end"] == pd.Timestamp("2023-12-31")
    assert fact["sentence"][fact["metric_start"] : fact["metric_end"]] == fact["metric"]
    assert pd.isna(fact["school"])
    assert pd.isna(fact["page"])


def test_decimals_are_exact(two: list[Record]) -> None:
    low = frames(two, numbers="decimal").facts["low"]
    assert low.dtype == object
    assert list(low) == [Decimal(n) for n in ("95.8", "94.7", "12000", "96.5", "93.1")]
    assert low.iloc[[0, 1]].sum() == Decimal("190.5")


def test_what_is_not_known_is_missing() -> None:
    unread = report(said("数值若干", metric="数值", number="若干"))
    for numbers in ("float", "decimal"):
        facts = frames([unread], numbers=numbers).facts  # type: ignore[arg-type]
        assert facts[["low", "unit", "period_start", "year", "place"]].isna().all(axis=None)


@pytest.mark.parametrize("numbers", ["float", "decimal"])
def test_no_records_give_the_same_columns_and_types(two: list[Record], numbers: Numbers) -> None:
    full, empty = frames(two, numbers=numbers), frames([], numbers=numbers)
    for name in TABLES:
        there, none = getattr(full, name), getattr(empty, name)
        assert not len(none)
        assert {c: str(d) for c, d in there.dtypes.items()} == {c: str(d) for c, d in none.dtypes.items()}
    assert empty.indicator(RATE).table.empty


@pytest.mark.parametrize(
    ("start", "end", "year"),
    [
        ("2023-01-01", "2023-12-31", 2023),
        ("2023-09-01", "2023-09-30", 2023),
        (None, "2023-12-31", 2023),
        ("2022-09-01", "2023-08-31", None),
        ("2021-01-01", None, None),
        ("1066-10-14", "1066-10-14", 1066),
    ],
)
def test_a_year_is_that_in_which_the_period_lies(start: str | None, end: str | None, year: int | None) -> None:
    found = frames([report(rate("95", "届时{}", time="届时", period=(start, end)))]).facts["year"].iloc[0]
    assert (None if pd.isna(found) else found.year) == year


def test_facts_of_two_documents_stack_merge_group_and_plot(two: list[Record]) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure", reason="needs matplotlib")
    one, other = (frames([record]) for record in two)
    stacked = pd.concat([one.facts, other.facts], ignore_index=True)
    assert str(stacked["status"].dtype) == "category"
    documents = pd.concat([one.documents, other.documents], ignore_index=True)
    merged = stacked.merge(documents, left_on="document_id", right_on="id", suffixes=("", "_of_document"))
    assert list(merged["source"]) == ["云川.docx"] * 4 + ["清溪.pdf"]
    counts = merged.groupby(["region", "status"], observed=True).size()
    assert counts.to_dict() == {("云川市", "actual"): 3, ("云川市", "target"): 1, ("清溪县", "actual"): 1}
    rates = merged[merged["metric"] == RATE].pivot_table(index="region", columns="year", values="low", observed=True)
    assert rates.loc["云川市"].to_list() == [94.7, 95.8, 96.5]
    axes = matplotlib.Figure().add_subplot()
    rates.T.set_axis([str(year) for year in rates.columns]).plot(ax=axes, legend=False)
    assert len(axes.lines) == len(rates)


def test_an_output_is_read(two: list[Record], tmp_path: Path) -> None:
    with FORMATS["jsonl"].open(tmp_path / "records.jsonl") as put:
        for record in two:
            put(record)
    assert [record.document.source for record in zongjie.read(tmp_path)] == ["云川.docx", "清溪.pdf"]
    for path in (tmp_path, str(tmp_path / "records.jsonl")):
        pd.testing.assert_frame_equal(zongjie.frames(path).facts, frames(two).facts)
    with pytest.raises(FileNotFoundError):
        zongjie.frames(tmp_path / "nowhere")


def test_one_record_will_do_and_nothing_else(two: list[Record]) -> None:
    assert len(frames(two[0]).documents) == 1
    with pytest.raises(ZongjieError, match=r"expected records, received dict.*\.record"):
        frames([two[0].to_dict()])  # type: ignore[list-item]
    with pytest.raises(ZongjieError, match="float, decimal"):
        frames(two, numbers="exact")  # type: ignore[arg-type]


def test_without_pandas_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ZongjieError, match=r"zongjie\[explore\]"):
        frames([])


def test_the_function_is_not_hidden_by_its_module() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import zongjie, sys; assert 'pandas' not in sys.modules; "
         "import zongjie.plot; assert 'matplotlib' not in sys.modules; "
         "print(zongjie.plot.over_years.__name__, zongjie.frames([]), zongjie.read.__name__)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == "over_years Frames(documents=0, facts=0, statements=0, entities=0) read"


@pytest.mark.parametrize("table", list(TABLES))
def test_every_column_has_a_chinese_heading_of_its_own(two: list[Record], table: TableName) -> None:
    found = frames(two)
    shown = found.chinese(table)
    assert not [heading for heading in shown.columns if heading.isascii()]
    assert shown.columns.is_unique
    assert list(headings(table)) != []
    assert list(getattr(found, table).columns) == list(getattr(frames(two), table).columns)


def test_statuses_have_chinese_names(two: list[Record]) -> None:
    facts = frames(two).chinese("facts")
    assert list(facts["状态"]) == ["实际", "实际", "实际", "目标", "实际"]
    assert set(facts["类型"]) == {"水平"}


# -- one indicator -----------------------------------------------------------------------------------------------------


def table(found: Frames, pattern: str | re.Pattern[str], **options: object) -> dict[str, dict[int, float]]:
    """A table as plain values."""
    wide = found.indicator(pattern, **options).table
    return {str(place): {year.year: value for year, value in row.dropna().items()} for place, row in wide.iterrows()}


def test_one_line_gives_places_by_years(two: list[Record]) -> None:
    found = frames(two)
    assert table(found, "毛入园率") == {"云川市": {2022: 94.7, 2023: 95.8}, "清溪县": {2023: 93.1}}
    assert table(found, "毛入园率", status="target") == {"云川市": {2024: 96.5}}
    assert table(found, re.compile("^新增.*学位$")) == {"云川市": {2023: 12000.0}}
    assert table(found, "(") == {}
    exact = frames(two, numbers="decimal").indicator("毛入园率").table
    assert exact.loc["清溪县"].dropna().to_list() == [Decimal("93.1")]


def test_from_a_number_to_its_sentence(two: list[Record]) -> None:
    (row,) = frames(two).indicator("毛入园率").at("云川市", 2023).to_dict("records")
    assert row["sentence"] == f"2023年，全市{RATE}95.8%"
    assert (row["source"], row["id"], row["place_by"], row["year_by"]) == ("云川.docx", "f1", "fact", "time")


@pytest.mark.parametrize(
    ("text", "given", "status", "kind", "year"),
    [
        ("{}", {}, "actual", "summary", 2023),
        ("{}", {}, "actual", "news", 2023),
        ("{}", {}, "actual", "plan", None),  # a plan tells of the year before
        ("{}", {}, "target", "plan", 2023),
        ("{}", {}, "target", "summary", None),  # what is promised at the end of a summary is for later
        ("{}", {"section": ["二、2024年工作安排", "（一）学前教育"]}, "target", "summary", 2024),
        ("{}", {"section": ["一、2022年工作回顾"]}, "actual", "plan", 2022),
        ("{}", {"section": ["一、“十四五”时期工作回顾"]}, "actual", "summary", None),
        ("{}", {"section": ["一、2023年和“十三五”时期工作"]}, "actual", "summary", None),
        ("全年{}", {"time": "全年", "section": ["一、2022年和“十三五”时期工作"]}, "actual", "summary", 2022),
        ("全年{}", {"time": "全年"}, "actual", "summary", 2023),
        ("11月底{}", {"time": "11月底"}, "actual", "summary", 2023),
        ("每年{}", {"time": "每年"}, "actual", "summary", 2023),
        ("全年{}", {"time": "全年", "section": ["2021年回顾"]}, "actual", "summary", 2021),
        ("近三年{}", {"time": "近三年", "period": ("2021-01-01", "2023-12-31")}, "actual", "summary", None),
        ("前几年{}", {"time": "前几年"}, "actual", "summary", None),
    ],
)
def test_the_year_is_the_nearest_that_is_stated(
    text: str, given: dict[str, Any], status: str, kind: str, year: int | None
) -> None:
    found = frames([report(rate("95", text, status=status, **given), region="清溪县", year=2023, kind=kind)])
    facts = found.indicator(RATE, status=status).facts
    assert (None if pd.isna(facts["year"].iloc[0]) else facts["year"].iloc[0].year) == year
    assert facts["why"].isna().iloc[0] == (year is not None)


@pytest.mark.parametrize(
    ("text", "given", "document", "place", "why"),
    [
        ("全市{}", {"place": "全市", "name": "云川市"}, {"region": "云川市"}, "云川市", None),
        ("鹿汀县{}", {"place": "鹿汀县", "name": "鹿汀县"}, {"region": "云川市"}, "鹿汀县", None),
        ("{}", {}, {"region": "云川市"}, "云川市", None),
        ("{}", {}, {}, None, "place"),
        ("中西部{}", {"place": "中西部"}, {"region": "云川市"}, None, "place"),
        ("云川一中{}", {"school": "云川一中"}, {"region": "云川市"}, "云川市", "school"),
    ],
)
def test_the_place_is_the_facts_own_or_the_documents(
    text: str, given: dict[str, Any], document: dict[str, Any], place: str | None, why: str | None
) -> None:
    fact = frames([report(rate("95", text, **given), year=2023, **document)]).indicator(RATE).facts.iloc[0]
    assert (fact["place"] if place else pd.isna(fact["place"])) == (place or True)
    assert (fact["why"] if why else pd.isna(fact["why"])) == (why or True)


def test_what_a_school_says_is_not_of_its_place() -> None:
    own = report(
        said("望樵小学在晨光中", "M", school="望樵小学"), rate("95"), region="云川市", issuer="望樵小学", year=2023
    )
    assert list(frames([own]).indicator(RATE).facts["why"]) == ["place"]


def test_units_are_not_mixed() -> None:
    def hired(number: str, unit: str, place: str) -> Record:
        sentence = said(
            f"招聘教师{number}{unit}", action="招聘", metric="教师", number=f"{number}{unit}", value=number, unit=unit
        )
        return report(sentence, region=place, year=2023)

    found = frames([hired("30", "名", "甲县"), hired("40", "名", "乙县"), hired("50", "人", "丙县")])
    assert table(found, "教师") == {"甲县": {2023: 30.0}, "乙县": {2023: 40.0}}
    assert table(found, "教师", unit="人") == {"丙县": {2023: 50.0}}
    assert len(table(found, "教师", unit=("人", "名"))) == 3
    assert found.indicator("教师", unit=("人", "名")).unit == "人、名"
    assert list(found.indicator("教师").facts["why"].dropna()) == ["unit"]


def test_a_unit_that_the_tables_have_as_another_is_said() -> None:
    spent = frames(
        [report(said("投入1.2万元", metric="投入", number="1.2万元", value="12000", unit="元"), region="甲县")]
    )
    with pytest.raises(ZongjieError, match=r"values in 万元 stand in the tables in 元\. Ask for 元\."):
        spent.indicator("投入", unit="万元")
    assert spent.indicator("投入", unit=("元", "个")).units == ("元", "个")
    assert spent.indicator("投入", unit="个").facts["why"].to_list() == ["unit"]


def test_words_that_are_not_known_are_said(two: list[Record]) -> None:
    given = frames(two)
    for argument, call in (
        ("status", lambda: given.indicator(RATE, status="planned")),  # type: ignore[arg-type]
        ("kind", lambda: given.indicator(RATE, kind="levels")),  # type: ignore[arg-type]
        ("numbers", lambda: frames(two, numbers="int")),  # type: ignore[arg-type]
        ("table", lambda: given.chinese("fact")),  # type: ignore[arg-type]
    ):
        with pytest.raises(ZongjieError, match=rf"^{argument}: '\w+' is not known\. Give one of: \w+"):
            call()


@pytest.mark.parametrize(
    ("value", "flag", "shown"),
    [(("95", None), ">=", 95.0), ((None, "45"), "<=", 45.0), (("2", "3"), "-", 2.5), ("0", "=", 0.0)],
)
def test_a_bound_counts_as_the_bound_and_a_range_as_its_middle(value: object, flag: str, shown: float) -> None:
    one = said("班额若干", metric="班额", number="若干", value=value, flag=flag)
    assert table(frames([report(one, region="甲县", year=2023)]), "班额") == {"甲县": {2023: shown}}


def test_of_several_the_name_that_most_places_have_stands_in_the_table() -> None:
    def says(metric: str, number: str, place: str) -> Record:
        one = said(f"{metric}{number}%", metric=metric, number=f"{number}%", value=number)
        return report(one, region=place, year=2023)

    found = frames(
        [says("城区覆盖率", "99", "甲县"), says("普惠园覆盖率", "91", "甲县"), says("普惠园覆盖率", "92", "乙县")]
    )
    cover = found.indicator("覆盖率")
    assert table(found, "覆盖率") == {"甲县": {2023: 91.0}, "乙县": {2023: 92.0}}
    assert list(cover.at("甲县", 2023)["value"]) == [91.0, 99.0]
    assert list(cover.at("甲县", 2023)["why"].astype("object")[1:]) == ["other"]


def test_of_several_the_nearest_and_most_exact_stands_in_the_table() -> None:
    region = {"region": "甲县", "year": 2023}
    stated = rate("95", "2023年{}", time="2023年", period=("2023-01-01", "2023-12-31"))
    rough = rate("96", flag="~")
    exact = rate("94", confidence=0.5)
    assert table(frames([report(rough, stated, **region)]), RATE) == {"甲县": {2023: 95.0}}
    assert table(frames([report(rough, exact, **region)]), RATE) == {"甲县": {2023: 94.0}}
    assert table(frames([report(exact, rate("93"), **region)]), RATE) == {"甲县": {2023: 93.0}}


def test_what_a_value_started_from_is_not_of_its_year() -> None:
    line = f"{RATE}由80%提高到85%"
    first = said(line, metric=RATE, number="80%", value="80")
    second = said(line, metric=RATE, number="85%", value="85", base="80%")
    record = report(first, second, region="甲县", year=2023)
    start = record.facts[0].number.start
    base = record.facts[1].base
    assert base
    moved = record.facts[1].model_copy(update={"base": base.model_copy(update={"start": start, "end": start + 3})})
    found = frames(record.model_copy(update={"facts": [record.facts[0], moved]}))
    assert table(found, RATE) == {"甲县": {2023: 85.0}}
    assert found.indicator(RATE).facts["why"].iloc[0] == "time"


def test_it_says_what_it_could_not_place(two: list[Record]) -> None:
    nowhere = report(rate("90"), said(f"公办{RATE}88%", metric=f"公办{RATE}", number="88%", value="88"), year=2021)
    there = report(said(f"公办{RATE}88%", metric=f"公办{RATE}", number="88%", value="88"), region="鹿汀县", year=2021)
    found = frames([*two, nowhere, there]).indicator("毛入园率")
    assert found.note() == f"毛入园率 (%): 4 条事实入表; 2 种说法 ({RATE} 3, 公办{RATE} 1); 2 条未入表 (地点不明 2)"
    assert found.note("en").endswith("2 left out (place not known 2)")
    assert repr(found).endswith(found.note())
    assert "云川市" in found._repr_html_()
    assert frames(two).indicator("<b>")._repr_html_().endswith("<p>&lt;b&gt;: 0 条事实入表</p>")
