"""The page in a real browser: headless Chromium, driven by Playwright. Without one of them these tests are skipped.

``ZONGJIE_PICTURE=data/pictures/page.png pytest tests/test_view_browser.py -k picture`` draws the README's picture anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zongjie import load
from zongjie.record import LayoutBlock, Record, Value, Warned
from zongjie.view import page as make_page
from zongjie.writers.facts import open_facts

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
if not CHROMIUM:
    pytest.skip("needs Chromium: apt-get install chromium", allow_module_level=True)

ROOT = Path(__file__).parents[1]
CALM = ("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update")
FIRST = "清溪县教育局总结\n2023年新增学位59500个，比上年多；其中城区新增学位120个。\n表彰先进。"
SECOND = "云川市简报\n今年新增学位12个，计划新增学位800个。"
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\u202e=1+1\x07 新增学位7个"
Make = Callable[..., Record]
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        options = [*CALM, "--no-sandbox", "--no-first-run", "--disable-sync"]  # as root there is no sandbox
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield running
        running.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:  # noqa: ANN401 - Playwright may be absent
    """Open records as a page; at the end no message may have been logged, and nothing but the page asked for."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_(records: list[Record], *, language: Any = "zh", **options: Any) -> Any:  # noqa: ANN401 - as above
        path = tmp_path / "page.html"
        path.write_text(make_page(records, language=language), encoding="utf-8")
        context = browser.new_context(viewport={"width": 1400, "height": 860}, reduced_motion="reduce", **options)
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: said.append(message.text))
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto(path.as_uri())
        return shown

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:///", "blob:"))] == []


@pytest.fixture
def two(make_record: Make) -> list[Record]:
    """Two documents with two facts each, which differ in all that can be filtered."""
    first, second = make_record(FIRST, "a/first.txt"), make_record(SECOND, "b/second.txt")
    about = {"title": "清溪县教育局2023年工作总结", "issuer": "清溪县教育局", "region": "清溪县"}
    a, b = first.facts
    town = {"start": FIRST.index("城区"), "end": FIRST.index("城区") + 2, "text": "城区", "name": "清溪县城区"}
    facts = [
        {**a.model_dump(), "confidence": 0.95, "sentence": {"start": FIRST.index("2023"), "end": FIRST.index("，")}},
        {**b.model_dump(), "confidence": 0.4, "indicator": "=新增城区学位", "kind": "up", "place": town},
    ]
    first_end, second_end = (at.start() for at in re.finditer("\n", FIRST))
    blocks = [("heading", 0, first_end, 1), ("paragraph", first_end + 1, second_end, None)]
    first = Record.model_validate(
        {
            **first.to_dict(),
            "document": {**first.document.model_dump(), **about},
            "facts": facts,
            "blocks": [LayoutBlock(kind=k, start=s, end=e, level=n, page=1) for k, s, e, n in blocks],  # type: ignore[arg-type]
            "warnings": [Warned(code="rejoined_lines", message="joined 2 lines")],
        }
    )
    c, d = second.facts
    value = Value(low=Decimal("12000.50"), high=Decimal("12000.50"), unit="人", flag="~")
    facts = [{**c.model_dump(), "value": value.model_dump()}, {**d.model_dump(), "status": "target", "value": None}]
    return [first, Record.model_validate({**second.to_dict(), "facts": facts})]


def rows(page: Any, column: str = "number") -> list[str]:  # noqa: ANN401
    found: list[str] = page.locator(f"#rows td.c-{column} > span").all_text_contents()
    return found


def test_page_opens_with_the_first_document(show: Open, two: list[Record]) -> None:
    page = show(two)
    assert page.locator(".entry b").all_text_contents() == ["清溪县教育局2023年工作总结", "second.txt"]
    assert page.locator("#name").text_content() == "清溪县教育局2023年工作总结"
    assert page.locator("#sum").text_content() == "2 份文件 · 4 条事实"
    assert rows(page) == ["59500个", "120个"]
    assert page.locator("#text h3.heading").text_content() == "清溪县教育局总结"
    assert page.locator("#text .page").text_content() == "第 1 页"
    assert page.locator("#text .initial.results").get_attribute("data-initial") == "效"
    assert "joined 2 lines" in page.locator("#warned li").text_content()


def test_a_fact_goes_to_its_place_and_a_number_back(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#rows tr").nth(1).click()
    assert page.locator("#text mark.lit").all_text_contents() == ["城区", "学位", "120个"]
    assert page.locator("#card strong").text_content() == "120个"
    assert "".join(page.locator("#card blockquote").all_text_contents()) == FIRST  # the sentence of the made record
    page.locator("#text mark.NUMBER", has_text="59500个").click()
    assert page.locator("#rows tr[aria-selected] .c-number > span").text_content() == "59500个"
    assert page.locator("#text .sentence.lit").all_text_contents() == ["2023年新增学位59500个"]
    assert page.locator("#text mark.lit").all_text_contents() == ["学位", "59500个"]


def test_a_place_far_down_is_scrolled_into_view(show: Open, make_record: Make) -> None:
    page = show([make_record("\n".join(["清溪县开展读书活动。"] * 300 + ["新增学位35个。"] + ["完。"] * 300))])
    number = page.locator("#text mark.NUMBER")
    inside = "e => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().bottom < innerHeight"
    assert not number.evaluate(inside)
    page.locator("#rows tr").click()
    assert number.evaluate(inside)


def test_number_with_several_facts_takes_turns(show: Open, make_record: Make) -> None:
    record = make_record(SECOND)
    again = record.facts[0].model_copy(update={"id": "f9", "indicator": "又一指标"})
    page = show([record.model_copy(update={"facts": [record.facts[0], again, record.facts[1]]})])
    number = page.locator("#text mark.NUMBER").first
    seen = []
    for _ in range(3):
        number.click()
        seen.append(page.locator("#rows tr[aria-selected] .c-indicator").text_content())
    assert seen == ["新增学位", "又一指标", "新增学位"]


def test_filters_narrow_the_table_and_can_be_cleared(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#all").click()
    assert rows(page) == ["59500个", "120个", "12个", "800个"]
    page.locator("#status").select_option("=target")
    assert rows(page) == ["800个"]
    page.locator("#status").select_option("")
    page.locator("#unit").select_option("=人")
    assert rows(page) == ["12个"]
    page.locator("#clear").click()
    page.locator("#place").select_option(label="清溪县城区 (1)")
    assert rows(page) == ["120个"]
    page.locator("#clear").click()
    page.locator("#kind").select_option("=up")
    assert rows(page) == ["120个"]
    page.locator("#clear").click()
    page.locator("#confidence").fill("0.9")  # a confidence that is not known is not below
    sync_api.expect(page.locator("#rows tr")).to_have_count(3)
    page.locator("#indicator").fill("城区")
    sync_api.expect(page.locator("#rows tr")).to_have_count(0)
    assert page.locator("#none").is_visible()
    assert page.locator("#export").is_disabled()
    page.locator("#clear").click()
    assert len(rows(page)) == 4


def test_row_that_is_filtered_out_is_said_to_be(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#kind").select_option("=up")
    page.locator("#text mark.NUMBER", has_text="59500个").click()
    page.locator("#card button").click()
    assert page.locator("#rows tr[aria-selected] .c-number > span").text_content() == "59500个"


def test_columns_sort_by_number_and_what_is_unknown_comes_last(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#all").click()
    number = page.locator("#heads .c-number button")
    number.click()
    assert rows(page) == ["120个", "12个", "59500个", "800个"]  # the last has no value
    number.click()
    assert rows(page) == ["59500个", "12个", "120个", "800个"]
    assert page.locator("#heads .c-number").get_attribute("aria-sort") == "descending"
    number.click()
    assert rows(page) == ["59500个", "120个", "12个", "800个"]
    page.locator("#heads .c-confidence button").click()
    assert rows(page, "confidence") == ["0.40", "0.95", "", ""]


def test_all_documents_in_parts_and_a_row_opens_its_document(show: Open, make_record: Make) -> None:
    records = [make_record(f"清溪县新增学位{n}个。", f"{n}.txt") for n in range(1, 251)]
    page = show(records)
    page.locator("#all").click()
    assert page.locator("#part").text_content() == "1 / 3 页"
    page.locator("#after").click()
    page.locator("#rows tr").nth(20).click()
    assert page.locator("#name").text_content() == "121.txt"
    assert page.locator("#text mark.NUMBER.lit").text_content() == "121个"
    page.locator("#before").click()
    page.locator("#text mark.NUMBER").click()  # its row is in the second part
    assert page.locator("#part").text_content() == "2 / 3 页"
    assert page.locator("#rows tr[aria-selected] .c-number").text_content() == "121个"


def test_search_finds_titles_indicators_and_text(show: Open, two: list[Record]) -> None:
    page = show(two)

    def found(words: str, count: int) -> list[str]:
        page.locator("#find").fill(words)
        sync_api.expect(page.locator("#list li:not([hidden])")).to_have_count(count)
        told: list[str] = page.locator("#list li:not([hidden]) .hit").all_text_contents()
        return told

    assert found("清溪", 1) == ["标题 · 正文 1 处"]
    assert found("新增学位", 2) == ["指标 1 处 · 正文 2 处", "指标 2 处 · 正文 2 处"]
    assert found("计划", 1) == ["正文 1 处"]
    page.locator("#list li:not([hidden]) .entry").click()
    lit = "[...CSS.highlights.get('hit')].map(range => range.toString())"
    assert page.evaluate(lit) == ["计划"]
    assert found("没有这样的话", 0) == []
    assert found("位800", 1) == ["正文 1 处"]  # across the edge of a mark
    assert page.evaluate(lit) == ["位800"]


def test_language_is_switched(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#rows tr").nth(1).click()
    page.locator("#language").click()
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("#sum").text_content() == "2 documents · 4 facts"
    assert page.title() == page.locator("#title").text_content() == "Measures and results"
    assert page.locator("#heads th").all_text_contents()[:2] == ["Indicator", "Number"]
    assert page.locator("#text mark.lit").all_text_contents() == ["城区", "学位", "120个"]  # what was lit is lit
    assert rows(page, "status") == ["actual", "actual"]
    page.locator("#language").click()
    assert rows(page, "status") == ["实际", "实际"]
    assert show(two, language="en").locator("#export").text_content() == "Export CSV"


def test_export_is_the_table_of_facts(show: Open, two: list[Record], make_record: Make, tmp_path: Path) -> None:
    hostile = make_record('＝1+1\x07\u2028,"新增学位7个', "=cmd.txt")
    records = [*two, hostile]
    page = show(records)
    page.locator("#all").click()
    with page.expect_download() as download:
        page.locator("#export").click()
    with open_facts(tmp_path / "facts.csv") as write:
        for record in records:
            write(record)
    got = Path(download.value.path()).read_bytes()
    assert got == (tmp_path / "facts.csv").read_bytes()
    assert "'=新增城区学位" in got.decode("utf-8-sig")
    page.locator("#status").select_option("=target")
    with page.expect_download() as download:
        page.locator("#export").click()
    assert len(Path(download.value.path()).read_text("utf-8-sig").splitlines()) == 2


def test_hostile_text_does_nothing(show: Open, make_record: Make) -> None:
    record = make_record(HOSTILE, HOSTILE)
    title = record.document.model_copy(update={"title": HOSTILE, "issuer": HOSTILE})
    fact = record.facts[0].model_copy(update={"indicator": HOSTILE, "section": [HOSTILE]})
    warned = [Warned(code="x", message=HOSTILE)]
    page = show([record.model_copy(update={"document": title, "facts": [fact], "warnings": warned})] * 2)
    page.locator("#all").click()
    page.locator("#rows tr").first.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, script:not(#data):not(:last-of-type)").count() == 0
    shown = page.locator("#text").text_content()
    assert shown == HOSTILE.replace("\u202e", "\ufffd").replace("\x07", "\ufffd")
    assert "\u202e" not in page.locator("body").inner_text()
    assert page.locator("#text mark.NUMBER.lit").text_content() == "7个"


def spans(record: Record, *places: tuple[str, int, int]) -> Record:
    text = record.text or ""
    made = [
        {"id": f"e{n}", "type": t, "start": s, "end": e, "text": text[s:e], "name": text[s:e], "confidence": 0.5}
        for n, (t, s, e) in enumerate(places, 1)
    ]
    return Record.model_validate({**record.to_dict(), "entities": made})


def test_offsets_are_code_points(show: Open, make_record: Make) -> None:
    page = show([make_record("𠮷溪县😀新增学位59500个，𠮷新增学位120个。"), make_record(SECOND)])
    assert page.locator("#text mark.NUMBER").all_text_contents() == ["59500个", "120个"]
    page.locator("#rows tr").nth(1).click()
    assert page.locator("#text mark.lit").all_text_contents() == ["学位", "120个"]
    page.locator("#find").fill("𠮷新")
    sync_api.expect(page.locator("#list li:not([hidden])")).to_have_count(1)
    assert page.evaluate("[...CSS.highlights.get('hit')].map(range => range.toString())") == ["𠮷新"]


def test_marks_nest_and_cross(show: Open, make_record: Make) -> None:
    text = "实施强校扩优行动项目"
    nested, crossing = ("METRIC", 2, 10), ("PLACE", 6, 10)
    page = show([spans(make_record(text), nested, ("PROGRAM", 2, 8), crossing)])
    assert page.locator("#text mark.METRIC > mark.PROGRAM").text_content() == "强校扩优行动"
    # what crosses another is in two pieces, each in what holds it
    assert page.locator("#text mark.METRIC mark.PLACE").all_text_contents() == ["行动", "项目"]
    assert page.locator("#text").inner_text() == text


def test_legend_switches_types_off(show: Open, two: list[Record]) -> None:
    page = show(two)
    metric = page.locator("#text mark.METRIC").first
    tint = "e => getComputedStyle(e).backgroundColor"
    before = metric.evaluate(tint)
    page.locator("#legend .METRIC").click()
    assert before != metric.evaluate(tint) == "rgba(0, 0, 0, 0)"
    page.locator("#rows tr").first.click()  # what is lit is seen all the same
    assert metric.evaluate(tint) == before
    page.locator("#legend .METRIC").click()
    assert page.locator("#legend .METRIC").get_attribute("aria-pressed") == "true"


def test_mark_in_the_margin_lights_its_statement(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#text .initial").click()
    lit = page.locator("#text .said.lit")
    assert "".join(lit.all_text_contents()) == "新增学位59500个，比上年多；其中城区新增学位120个"
    assert page.locator("#card .head b").text_content() == "成效"
    assert page.locator("#card mark.NUMBER").all_text_contents() == ["59500个", "120个"]
    page.locator("#text .initial").click()
    assert lit.count() == 0


def test_records_without_text(show: Open, two: list[Record]) -> None:
    page = show([record.model_copy(update={"text": None}) for record in two])
    assert "没有保留正文" in page.locator("#text").inner_text()
    assert rows(page) == ["59500个", "120个"]
    page.locator("#rows tr").nth(1).click()
    assert page.locator("#card .piece").all_text_contents() == ["数值120个", "度量学位", "地点城区"]
    page.locator("#find").fill("城区")
    sync_api.expect(page.locator("#list li:not([hidden])")).to_have_count(1)


def test_everything_is_reached_by_the_keyboard(show: Open, two: list[Record]) -> None:
    page = show(two)
    page.locator("#rows tr").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#card strong").text_content() == "59500个"
    page.keyboard.press("ArrowDown")
    assert page.locator("#card strong").text_content() == "120个"
    page.locator("#text mark.NUMBER").first.focus()
    page.keyboard.press("Space")
    assert page.locator("#card strong").text_content() == "59500个"
    page.locator("#legend .TIME").focus()
    page.keyboard.press("Enter")
    assert page.locator("#legend .TIME").get_attribute("aria-pressed") == "false"


def test_tables_of_documents_are_tables(show: Open, make_record: Make) -> None:
    text = "指标 | 数量\n新增学位35个 | 全县\n| 新增学位7个 | |"
    record = make_record(text)
    table = [LayoutBlock(kind="table", start=0, end=len(text))]
    page = show([record.model_copy(update={"blocks": table})])
    cells = [row.locator("td").all_text_contents() for row in page.locator("#text tr").all()]
    assert cells == [["指标", "数量"], ["新增学位35个", "全县"], ["新增学位7个", ""]]


def test_text_that_no_block_holds_is_shown(show: Open, make_record: Make) -> None:
    text = "# 题\n\n清溪县新增学位35个。\n\n## 二\n尾巴"
    record = make_record(text)
    headings = [("题", 1), ("二", 2)]
    blocks = [LayoutBlock(kind="heading", start=at, end=at + 1, level=n) for t, n in headings for at in [text.index(t)]]
    page = show([record.model_copy(update={"blocks": blocks})])
    assert page.locator("#text .block").all_text_contents() == ["题", "清溪县新增学位35个。", "二", "尾巴"]


def test_paper_has_all_rows_and_no_tools(show: Open, make_record: Make) -> None:
    page = show([make_record("".join(f"新增学位{n}个，" for n in range(150)))])
    assert len(rows(page)) == 100
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(rows(page)) == 150
    assert not page.locator("#export").is_visible()
    assert not page.locator("#documents").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(rows(page)) == 100


def test_page_of_no_records(show: Open) -> None:
    page = show([])
    assert page.locator("#text").inner_text() == "没有文件。"
    assert page.locator("#none").is_visible()


@pytest.mark.parametrize(("width", "height"), [(1400, 860), (1000, 760), (400, 800)])
def test_page_is_never_wider_than_the_window(show: Open, two: list[Record], width: int, height: int) -> None:
    page = show(two)
    page.set_viewport_size({"width": width, "height": height})
    for language in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, language
        page.locator("#language").click()


def test_picture(show: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the picture of the README, where one is asked for."""
    if not (path := os.environ.get("ZONGJIE_PICTURE")):
        pytest.skip("draws the picture of the README: give its path in ZONGJIE_PICTURE")
    image = pytest.importorskip("PIL.Image", reason="needs pillow")
    picture = Path(path).absolute()
    monkeypatch.chdir(ROOT)
    samples = [path for path in sorted(Path("data/samples").iterdir()) if path.suffix != ".jsonl"]
    page = show([one.record for one in load().pipe(samples) if one.record], color_scheme="light")
    page.locator(".entry", has_text="云川市教育局").click()
    number = page.locator("#text mark.NUMBER", has_text="78.9%")
    number.click()
    number.evaluate("mark => { mark.scrollIntoView({ block: 'center' }); mark.blur(); }")
    page.mouse.move(700, 5)
    page.screenshot(path=picture)
    image.open(picture).convert("RGB").quantize(colors=256).save(picture, optimize=True)
