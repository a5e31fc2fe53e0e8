from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import product

import pytest

from reports import report, said
from zongjie import display
from zongjie.display import html
from zongjie.looks import looks
from zongjie.record import Record

LINE = "2023年，全市新增“强校行动”学位1.2万个"
SPANS = {"time": "2023年", "place": "全市", "action": "新增", "metric": "“强校行动”学位", "program": "强校行动"}
HOSTILE = "<script>alert(1)</script>\"'&$x$\x00\ud800<b>"


class Seen(HTMLParser):
    """What a browser would see: texts, and every tag with its attributes, closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.marked: list[tuple[str, str]] = []  # classes and text of marks
        self._marks: list[tuple[str, int]] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)
        if tag == "span":
            self._marks.append((dict(attrs).get("class") or "", len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "span":
            classes, start = self._marks.pop()
            self.marked.append((classes, self.text[start:]))

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture
def record() -> Record:
    fact = said(LINE, number="1.2万个", value="12000", unit="个", name="云川市", section=["一、扩容"], **SPANS)
    return report(fact, said("城区学位不足", "I"), title="云川市总结", region="云川市")


def test_a_record_prints_in_one_line(record: Record) -> None:
    shown = "Record('云川市总结', facts=1, measures=0, results=1, targets=0, issues=1, warnings=0)"
    assert repr(record) == shown
    assert "facts=1" in str(record)
    untitled = report(source="甲.txt")
    assert repr(untitled).startswith("Record('甲.txt', facts=0")


def test_facts_text_and_statements_are_shown(record: Record) -> None:
    seen = Seen(record._repr_html_())
    for words in (
        "云川市总结",
        "事实 1",
        "新增“强校行动”学位",
        "12,000 个",
        "实际",
        "水平",
        "成效 1",
        "问题 1",
        "城区学位不足",
    ):
        assert words in seen.text
    assert "举措" not in seen.text  # there are none
    assert record.text
    assert record.text in seen.text
    assert "<script" not in record._repr_html_()
    assert not re.search(r"\b(src|https?:|url\()", record._repr_html_())


def test_marks_are_nested_and_quote_the_text(record: Record) -> None:
    seen = Seen(record._repr_html_())
    number, metric, program = (list(looks().colors).index(type_) for type_ in ("NUMBER", "METRIC", "PROGRAM"))
    marks = {(classes, text) for classes, text in seen.marked if classes}
    for type_, text in ((number, "1.2万个"), (metric, "“强校行动”学位"), (program, "强校行动")):
        assert (f"z zt{type_} zf0", text) in marks
    whole = html(record.to_dict()).split("white-space:pre-wrap", 1)[1]
    assert re.search(rf'zt{metric}[^>]*>“<span class="z zt{program}', whole)


def test_a_fact_under_the_pointer_lights_its_marks(record: Record) -> None:
    shown = record._repr_html_()
    assert ".zongjie:has(.zf0:hover) .zf0{outline" in shown
    assert shown.count('class="zf0"') == 1  # the row
    link = re.search(r'href="#([^"]+)"', shown)
    assert link
    assert shown.count(f'id="{link[1]}"') == 1
    other = report(said(LINE, number="1.2万个", value="1"), source="b.txt")._repr_html_()
    assert link[1] not in other


def test_every_part_can_be_read_without_the_style_sheet(record: Record) -> None:
    bare = re.sub(r"<style>.*?</style>|\sid=\"[^\"]*\"", "", record._repr_html_(), flags=re.S)
    marks = [attributes for tag, attributes in Seen(bare).tags if tag == "span" and attributes.get("class")]
    assert marks
    assert all(re.fullmatch(r"background:#[0-9a-f]{8}", attributes["style"] or "") for attributes in marks)
    assert record._repr_html_().count("<style>") == 1


def test_the_colours_can_be_read_in_light_and_in_dark_and_twice_over() -> None:
    def seen(front: tuple[int, ...], back: tuple[float, ...]) -> tuple[float, ...]:
        opaque = front[3] / 255
        return tuple(opaque * f + (1 - opaque) * b for f, b in zip(front[:3], back, strict=True))

    def light(color: tuple[float, ...]) -> float:
        parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    tints = [display._tint(color, display._TINT) for color in looks().colors.values()]
    parsed = [tuple(int(tint[at : at + 2], 16) for at in (1, 3, 5, 7)) for tint in tints]
    for (letters, page), outer, inner in product([(0, 255), (230, 17)], parsed, parsed):
        lights = sorted((light(seen(inner, seen(outer, (page,) * 3))), light((letters,) * 3)))
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 4.5


def test_hostile_words_stay_words() -> None:
    fact = said(f"{HOSTILE}学位5个", metric="学位", number="5个", value="5", unit=HOSTILE, section=[HOSTILE])
    hostile = report(fact, source=HOSTILE, title=HOSTILE, issuer=HOSTILE)
    warned = hostile.to_dict() | {"warnings": [{"code": "x", "message": HOSTILE, "start": None, "end": None}]}
    shown = html(warned)
    shown.encode()  # no half of a surrogate pair is left
    seen = Seen(shown)
    kept = {"div", "style", "span", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "a", "br"}
    assert {tag for tag, _ in seen.tags} <= kept | {"ul", "li", "p"}
    assert seen.text.count("<script>alert(1)</script>\"'&$x$\ufffd\ufffd<b>") >= 6
    assert "tex2jax_ignore" in (seen.tags[0][1]["class"] or "")  # no formula between dollar signs


def test_offsets_are_code_points() -> None:
    shown = Seen(report(said("😀𠮷", "M"), said("😀新增学位5个", metric="学位", number="5个", value="5"))._repr_html_())
    assert {text for classes, text in shown.marked if "zf0" in classes} == {"学位", "5个"}


def test_marks_that_cross_are_cut() -> None:
    marks = [display._Mark(0, 4, '<span id="a">'), display._Mark(2, 6, '<span id="b">'), display._Mark(5, 5, "<span>")]
    cut = display._marked("一二三四五六七", 0, 7, marks)
    assert cut == '<span id="a">一二<span id="b">三四</span></span><span data-id="b">五六</span>七'
    assert display._marked("一二三四五六七", 3, 5, marks[:1]) == '<span id="a">四</span>五'


def test_without_text_the_tables_are_shown(record: Record) -> None:
    seen = Seen(html(record.to_dict(text=False)))
    assert "这条记录没有正文" in seen.text
    assert "1.2万个" in seen.text
    assert "句子" not in seen.text
    assert not [tag for tag, _ in seen.tags if tag == "a"]
    assert "This record has no text" in html(record.to_dict(text=False), language="en")


def test_a_long_record_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"_TEXT": 30, "_OPEN": 20, "_ROWS": 2, "_SENTENCE": 12, "_LIT": 1}.items():
        monkeypatch.setattr(display, name, value)
    lines = [
        said(f"第{at}句说了很久很久以后新增学位{at}个还没有说完", metric="学位", number=f"{at}个", value=at)
        for at in range(10, 15)
    ]
    record = report(*lines)
    assert record.text
    shown = record._repr_html_()
    seen = Seen(shown)
    assert "共 5 条，这里是前 2 条；全部在 record.facts。" in seen.text
    assert f"正文共 {len(record.text)} 字，这里是前 30 字" in seen.text
    assert record.text[:30] in seen.text
    assert record.text[:31] not in seen.text
    assert re.search(r"…[^…]{12}…", seen.text)
    assert [attributes for tag, attributes in seen.tags if tag == "details"][-1] == {}  # closed
    assert ".zf0:hover" in shown
    assert ".zf1:hover" not in shown
    assert shown.count("<a ") == 1  # the second number is not in what is shown of the text


def test_the_same_record_gives_the_same_characters(record: Record, make_record: Callable[..., Record]) -> None:
    assert record._repr_html_() == Record.from_json(record.to_json())._repr_html_()
    assert "新增学位" in make_record("2023年新增学位120个")._repr_html_()
    assert "Record(" not in record._repr_html_()


def test_both_languages_are_whole(record: Record) -> None:
    english = Seen(html(record.to_dict(), language="en")).text
    assert ("facts 1" in english, "sentence" in english, "actual" in english) == (True, True, True)
