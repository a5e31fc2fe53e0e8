from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.reading import Reading
from zongjie.text import Block, Text


def read(content: str, *blocks: Block) -> Reading:
    text = Text.of(content)
    return Reading(Text(text.content, text.id, text.source, text.media_type, blocks=blocks))


@given(st.text(alphabet="全市新增学位5.9万个%，。；\n\u200b 一、（二）是\t"))
def test_view_offsets_point_at_the_same_characters(content: str) -> None:
    seen = read(content)
    for i, character in enumerate(seen.text):
        start, end = seen.to_content(i, i + 1)
        assert end == start + 1
        assert content[start] == character


@pytest.mark.parametrize(
    ("content", "view"),
    [
        ("全市加大投入，投入资金\n12.4亿元。", "全市加大投入，投入资金12.4亿元。"),
        ("改善条件，改扩建中小学\n43处\n,新增学位\n2.7万个\n。", "改善条件，改扩建中小学43处,新增学位2.7万个。"),
        ("投入资金\n18.26亿元。", "投入资金18.26亿元。"),
        ("在校学生\n1260人\n专任教师\n88人", "在校学生1260人\n专任教师88人"),
        ("主要成效\n35所学校通过验收。", "主要成效\n35所学校通过验收。"),
        ("工作总结\n2023年，成效明显。", "工作总结\n2023年，成效明显。"),
        ("投入资金18.\n26亿元。", "投入资金18.26亿元。"),
        ("投入资金18.26\n亿元。", "投入资金18.26亿元。"),
        ("师生比达到1:\n17.4。", "师生比达到1:17.4。"),
        ("普惠率达93\n.10%。", "普惠率达93.10%。"),
        ("零宽\u200b字符", "零宽字符"),
    ],
)
def test_numbers_broken_by_a_line_feed_are_rejoined(content: str, view: str) -> None:
    assert read(content).text == view


def test_wrapped_lines_are_read_as_one_sentence() -> None:
    lines = [
        "2023年，云川市教育局坚持以人民为中心的发展思想，加快迈向教育强市",
        "建设，新建改扩建中小学28处，新增学位1.9万个，学前三年毛入园率达到",
        "94.37%，普惠率和公办率分别达到92.7%和64.8%，全市教育事业取得新的",
        "进展。",
    ]
    seen = read("\n".join(lines))
    assert len(seen.sentences) == 1
    assert seen.rejoined


def test_short_lines_stay_apart() -> None:
    seen = read("工作总结\n一、基本情况\n二、主要做法\n三、下一步打算")
    assert len(seen.sentences) == 4
    assert not seen.rejoined


def test_furniture_is_not_in_the_view() -> None:
    content = "新增学位300个，还剩35页未读，继续阅读 惠及群众。"
    start = content.index("还剩")
    seen = read(content, Block("furniture", start, start + len("还剩35页未读，继续阅读")))
    assert "35页" not in seen.text
    at = seen.text.index("惠及")
    assert content[slice(*seen.to_content(at, at + 2))] == "惠及"


def test_sentences_cover_every_clause() -> None:
    seen = read("教育体系更健全。经费达874亿元，增长4.7%。惠及幼儿26万人")
    assert [seen.text[s:e] for s, e in seen.sentences] == [
        "教育体系更健全。",
        "经费达874亿元，增长4.7%。",
        "惠及幼儿26万人",
    ]


@pytest.mark.parametrize(
    ("content", "needle", "section"),
    [
        (
            "一、基本情况\n全市有学校12所。\n二、主要成效\n（一）扩大资源\n新增学位300个。",
            "300",
            ["二、主要成效", "（一）扩大资源"],
        ),
        ("一、成效 1.扩大资源。新增学位300个。 2.提升质量。优质率达60%。", "60", ["一、成效", "2.提升质量"]),
        ("一是教育根基进一步夯实。新增学位300个。二是质量稳步提升，优质率达60%。", "60", ["二是质量稳步提升"]),
        ("第一章 总则\n第一节 目标\n到2025年达到60所。", "60所", ["第一章 总则", "第一节 目标"]),
        ("2023年新增学位300个。", "300", []),
        (
            "（一）夯实根基，补齐短板一是加快建设。新增学位300个。二是提升质量。优质率60%。",
            "300",
            ["（一）夯实根基，补齐短板", "一是加快建设"],
        ),
        ("（一）统筹推进，唯一是民办的学校转公。新增学位300个。", "300", ["（一）统筹推进，唯一是民办的学校转公"]),
        (
            "（一）夯实根基。建成2所。\n（二）提升质量，推动民生项目化2023年策划生成重点项目46个，项目总投资约205亿元，"
            "年度计划投资17亿元，其中在建8个，续建5个，新开工13个，前期项目20个。",
            "46个",
            ["（二）提升质量"],
        ),
    ],
)
def test_section_is_the_path_of_headings(content: str, needle: str, section: list[str]) -> None:
    seen = read(content)
    assert seen.section(seen.text.index(needle)) == section


@pytest.mark.parametrize(
    ("content", "needle", "rest"),
    [
        ("一、成效\n（一）扩容\n新增学位300个。\n（二）提质\n优质率60%。\n二、打算\n新建2所。", "300", "（二）提质"),
        ("一、成效\n新增学位300个。\n（一）提质\n优质率60%。\n二、打算\n新建2所。", "300", "二、打算"),
        ("一、成效\n一是新增学位300个。二是优质率60%。", "300", ""),
        ("禾溪小学工作总结\n一、成效\n新增学位300个。", "禾溪", ""),
        ("2023年新增学位300个。", "300", ""),
    ],
)
def test_a_section_ends_at_the_next_heading_of_its_level_or_above(content: str, needle: str, rest: str) -> None:
    seen = read(content)
    end = seen.section_end(seen.text.index(needle))
    assert seen.text[end:].startswith(rest) if rest else end == len(seen.text)


def test_items_in_running_text_part_what_stands_in_them() -> None:
    seen = read("一、成效\n一是新增学位300个，新建学校2所；二是优质率60%。")
    at = {needle: seen.text.index(needle) for needle in ("300", "2所", "60%")}
    assert seen.in_one_item(at["300"], at["2所"])
    assert not seen.in_one_item(at["60%"], at["2所"])


def test_headings_of_the_container_count() -> None:
    content = "主要成效\n新增学位300个。"
    seen = read(content, Block("heading", 0, 4, level=1), Block("paragraph", 5, len(content)))
    assert seen.section(content.index("300")) == ["主要成效"]


def test_numbers_inside_times_are_no_quantities() -> None:
    seen = read("2021年以来，近3年新增学位300个。")
    assert [q.text for q in seen.quantities] == ["300个"]


@pytest.mark.parametrize(
    ("content", "words", "days"),
    [
        ("二、2026年工作打算\n6月底前建成2所。", "6月底前", (None, date(2026, 6, 30))),
        ("二、2026年工作打算\n全年建成2所。", "全年", (date(2026, 1, 1), date(2026, 12, 31))),
        ("一、2025年工作回顾\n比重由上年的38%提高到40%。", "上年", (date(2024, 1, 1), date(2024, 12, 31))),
        ("一、工作回顾\n2024年支出5亿元。年末结转2亿元。", "年末", (date(2024, 12, 1), date(2024, 12, 31))),
        ("二、2026年工作打算\n到2028年建成9所，6月底前建成2所。", "6月底前", (None, date(2026, 6, 30))),
        ("二、下步工作打算\n明年6月底前建成2所。", "明年6月底前", (date(2025, 12, 20), date(2026, 6, 30))),
        ("二、下步工作打算\n建成2所。", "建成", None),
    ],
)
def test_a_time_without_a_year_takes_that_of_its_sentence_heading_or_paragraph(
    content: str, words: str, days: tuple[date | None, date | None] | None
) -> None:
    seen = read(f"云川市教育局2025年工作总结\n2025年12月20日\n{content}")
    at = seen.text.rindex(words)
    told = seen.time_at(at, at + len(words))
    assert (told and (told.start, told.end)) == days


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("9月3日", (date(2024, 9, 3), date(2024, 9, 3))),
        ("3月", (date(2025, 3, 1), date(2025, 3, 31))),
        ("第一学期", (date(2024, 9, 1), date(2025, 1, 31))),
    ],
)
def test_a_report_on_a_school_year_dates_its_months(words: str, days: tuple[date, date]) -> None:
    seen = read(f"云川市第一中学2024—2025学年工作总结\n2025年7月10日\n{words}开展活动2次。")
    at = seen.text.rindex(words)
    told = seen.time_at(at, at + len(words))
    assert told
    assert (told.start, told.end) == days
