"""Plain text, JSONL, furniture, encodings, and what the reading room promises for every input."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zongjie.errors import UnreadableDocument
from zongjie.readers import SUFFIXES, blocks_of_plain, find_furniture, name_of, read_bytes, read_path, read_text
from zongjie.readers import base as readers_base
from zongjie.text import Text

PROSE = (
    "2023年，全市投入资金7.6亿元，新建改扩建中小学28处，新增学位1.9万个。"
    "我们坚持教育优先发展不动摇，努力办好人民满意的教育。"
)
TRADITIONAL = "本市推動優質教育發展，投入經費九億元，興建學校三十五所，並持續改善教學環境與師資結構，照顧偏鄉學童。"
SHARED = Path(__file__).parents[1].parent / "shared"


def furniture(content: str) -> list[str]:
    return [content[start:end] for start, end in find_furniture(content)]


def one(data: bytes, suffix: str | None = ".txt") -> Text:
    (document,) = read_bytes(data, source="样本", suffix=suffix)
    assert isinstance(document, Text), str(document)
    return document


def failure(data: bytes, suffix: str | None = ".txt") -> UnreadableDocument:
    (document,) = read_bytes(data, source="样本", suffix=suffix)
    assert isinstance(document, UnreadableDocument), repr(document)
    return document


def codes(text: Text) -> set[str]:
    return {notice.code for notice in text.notices}


@pytest.mark.parametrize(
    "line",
    [
        "打印 关闭窗口",
        "【打印】【关闭】",
        "下载",
        "分享到：",
        "上一条：青湾区召开教育工作会议 下一条：云溪市召开开学工作会议",
        "下一篇：没有了",
        "来源：云溪日报 发布时间：2024-01-09 10:20 浏览次数：88 字体：[大 中 小]",
        "云溪发布 2024-01-09 阅读次数: 88",
        "【字号：大 中 小】",
        "当前位置：首页 > 政务公开 > 工作总结",
        "首页 > 政务公开 > 正文",
        "云ICP备12345678号-1 云公网安备 12345678901234号",
        "版权所有：云溪市教育局 主办单位：云溪市教育局 网站标识码：1234567890",
        "还剩35页未读，继续阅读",
        "下载文档",
        "- 3 -",
        "第3页 共10页",
        "1 / 5",
        "（编辑：柏小文）",
        "责任编辑：柏小文 审核：李四",
        "扫一扫在手机打开当前页",
        "点击数：１２３",
    ],
)
def test_line_is_furniture(line: str) -> None:
    assert furniture(f"{PROSE}\n{line}\n{PROSE}") == [line]


@pytest.mark.parametrize(
    "line",
    [
        PROSE,
        "关闭违规校外培训机构12家。",
        "为学校配备打印机300台，关闭锅炉5台",
        "资金来源：财政拨款5000万元，社会捐赠300万元。",
        "来源：财政拨款5000万元",
        "相关报道总点击量超6亿次。",
        "联系电话全部公布，浏览次数达到12万次，阅读量明显提高。",
        "落实上一条要求，下一条再议。",
        "公众号编辑：由3名教师兼任，发布信息120条。",
        "字体端正比赛获奖30人",
        "分享经验12次",
        "小学",
        "2024年1月9日",
        "云溪市教育局",
        "第3页所列学校均已开工。",
        "继续阅读推广活动，覆盖学生3万人",
    ],
)
def test_prose_is_not_furniture(line: str) -> None:
    assert furniture(f"{PROSE}\n{line}\n{PROSE}") == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"{PROSE} 还剩35页未读，继续阅读 {PROSE}", ["还剩35页未读，继续阅读"]),
        (f"{PROSE} - 3 - {PROSE}", ["- 3 -"]),
        (f"{PROSE}第3页 共10页 {PROSE}", ["第3页 共10页"]),
        (f"{PROSE}【打印】【关闭】", ["【打印】【关闭】"]),
        (f"{PROSE} 上一篇：青湾区召开会议 下一篇：没有了", ["上一篇：青湾区召开会议 下一篇：没有了"]),
        (f"{PROSE} 打印 关闭窗口", ["打印 关闭窗口"]),
        (f"来源：云溪日报 浏览次数：88 {PROSE}", ["来源：云溪日报 浏览次数：88"]),
        (f"{PROSE}（文字编辑：柏小文）", ["（文字编辑：柏小文）"]),
    ],
)
def test_only_the_segment_is_furniture(line: str, found: list[str]) -> None:
    assert furniture(line) == found


def test_furniture_over_several_lines() -> None:
    lines = ["来源:", "云溪日报", "【字体：", "大", "中", "小", "】", "分享：", "青湾区2023年工作总结", PROSE]
    lines += ["责任编辑：", "柏小文", "相关链接>>", "青湾区召开教育工作会议"]
    found = furniture("\n".join(lines))
    assert found == lines[:8] + lines[10:]


def test_find_furniture_is_quick_on_hostile_lines() -> None:
    for piece in ("来源:", "首页>", "打印 ", "- 3 ", "字体:[大", "编辑:a ", "((((", "第3页", " -"):
        find_furniture(piece * 20_000)


def test_blocks_of_plain() -> None:
    content = (
        "云溪市教育局2023年工作总结\r\n\r\n  新增学位300个。 打印 关闭窗口\n小学\t120\t3.5\n学段 | 校数 | 学位 |\n"
    )
    found = [(b.kind, content[b.start : b.end]) for b in blocks_of_plain(content)]
    assert found == [
        ("paragraph", "云溪市教育局2023年工作总结"),
        ("paragraph", "新增学位300个。"),
        ("furniture", "打印 关闭窗口"),
        ("table", "小学\t120\t3.5"),
        ("table", "学段 | 校数 | 学位 |"),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["学段    校数    学位", "小学    12    3600", "初中    5    1800"],
        ["学段\t校数\t学位", "小学\t12\t3600", "初中\t5\t1800"],
        ["| 学段 | 校数 | 学位 |", "|---|---|---|", "| 小学 | 12 | 3600 |", "| 初中 | 5 | 1800 |"],
    ],
)
def test_tables_of_plain_text_have_cells(lines: list[str]) -> None:
    text = read_text("\n".join(["一、基本情况。", *lines, "以上为年末数。"]))
    (cells,) = text.tables
    assert [text.content[c.start : c.end] for c in cells] == [
        "学段",
        "校数",
        "学位",
        "小学",
        "12",
        "3600",
        "初中",
        "5",
        "1800",
    ]
    assert [(c.row, c.column) for c in cells] == [(row, column) for row in range(3) for column in range(3)]


@pytest.mark.parametrize(
    ("content", "cells"),
    [
        ("\t2022年\t2023年\n学生\t300\t310", {"2022年": 1, "2023年": 2, "学生": 0, "300": 1, "310": 2}),
        ("学校\t学生\t班级\n甲小学\t\t12", {"学校": 0, "学生": 1, "班级": 2, "甲小学": 0, "12": 2}),
        ("| 学校 | 学生 | 班级 |\n| 甲小学 | | 12 |", {"学校": 0, "学生": 1, "班级": 2, "甲小学": 0, "12": 2}),
    ],
)
def test_empty_cells_keep_their_columns(content: str, cells: dict[str, int]) -> None:
    (table,) = read_text(content).tables
    assert {content[c.start : c.end]: c.column for c in table} == cells


def test_an_empty_line_parts_two_tables() -> None:
    rows = "| 学校 | 学生 | 班级 |\n|---|---|---|\n| 甲小学 | 300 | 9 |"
    assert len(read_text(f"{rows}\n\n{rows}").tables) == 2


@pytest.mark.parametrize(
    "content",
    [
        "张一鸣    李文    王芳\n赵云    钱进    孙丽\n周全    吴用    郑和",
        "二〇二四年  三月  五日",
        "小学    12    3600\n初中    5    1800",
    ],
)
def test_words_set_apart_are_no_table_by_themselves(content: str) -> None:
    assert read_text(content).tables == ()


def test_one_bar_in_a_title_is_no_table() -> None:
    assert [b.kind for b in blocks_of_plain("权威发布 | 云溪市通报教育工作")] == ["paragraph"]


def test_index_table_in_plain_text_is_stated() -> None:
    text = read_text("发布机构 | 青湾区教育局 | 发布日期 | 2019-04-26 |\n标 题 | 青湾区2019年工作要点 |\n" + PROSE)
    assert [b.kind for b in text.blocks] == ["table", "table", "paragraph"]
    assert (text.stated.issuer, text.stated.published) == ("青湾区教育局", "2019-04-26")
    assert text.stated.title == "青湾区2019年工作要点"


def test_markdown_headings_and_lists() -> None:
    text = one(f"# 工作总结\n\n## 一、成效\n- 新增学位300个\n---\n{PROSE}".encode(), ".md")
    assert [(b.kind, b.level, text.content[b.start : b.end]) for b in text.blocks][:3] == [
        ("heading", 1, "工作总结"),
        ("heading", 2, "一、成效"),
        ("list", None, "- 新增学位300个"),
    ]
    assert text.media_type == "text/markdown"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "gb2312"]
)
def test_encodings(encoding: str) -> None:
    text = one(PROSE.encode(encoding))
    assert text.content == PROSE
    assert codes(text) == set()
    assert text.id == hashlib.sha256(PROSE.encode(encoding)).hexdigest()


def test_big5() -> None:
    assert one(TRADITIONAL.encode("big5")).content == TRADITIONAL


def test_damaged_bytes_do_not_change_the_encoding() -> None:
    for encoding in ("utf-8", "gb18030"):
        data = bytearray((PROSE * 20).encode(encoding))
        data[400] = 0xFF
        text = one(bytes(data))
        assert text.content.startswith(PROSE)
        assert "damaged_characters" in codes(text)


def test_doubtful_encoding_is_said() -> None:
    assert "uncertain_encoding" in codes(one("l'été où la forêt brûlait à côté, déjà très âgée".encode("latin-1") * 9))


def test_line_ends_and_controls_are_settled_once() -> None:
    text = one("甲校\r\n乙\x00校\r丙\u200b校\x0c丁校".encode())
    assert text.content == "甲校\n乙校\n丙校\n丁校"
    assert codes(text) == {"dropped_characters"}


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("suffix", [*SUFFIXES, None])
def test_empty(data: bytes, suffix: str | None) -> None:
    assert "empty" in failure(data, suffix).reason


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html", None])
def test_invisible_characters_alone_are_empty(suffix: str | None) -> None:
    assert "empty" in failure("\u200b\n".encode(), suffix).reason


def test_binary_and_pictures() -> None:
    assert "neither text" in failure(bytes(range(256)) * 40).reason
    assert "picture" in failure(b"\x89PNG\r\n\x1a\n" + bytes(40), ".txt").reason


@pytest.mark.parametrize(
    ("data", "suffix", "media_type"),
    [
        (b"<!DOCTYPE html><html><body><p>" + PROSE.encode() + b"</p></body></html>", ".txt", "text/html"),
        (b"<html><body><p>" + PROSE.encode() + b"</p></body></html>", ".doc", "text/html"),
        (PROSE.encode(), ".docx", "text/plain"),
        (PROSE.encode(), ".pdf", "text/plain"),
        (PROSE.encode(), ".doc", "text/plain"),
    ],
)
def test_wrong_suffix(data: bytes, suffix: str, media_type: str) -> None:
    text = one(data, suffix)
    assert text.content == PROSE
    assert text.media_type == media_type
    assert "wrong_suffix" in codes(text)


def test_standard_input_goes_by_content() -> None:
    assert one(PROSE.encode(), None).media_type == "text/plain"
    assert one(b"<p>" + PROSE.encode() + b"</p><div></div>", None).media_type == "text/html"
    assert one(json.dumps({"id": "7", "text": PROSE}).encode(), None).id == "7"
    assert "wrong_suffix" not in codes(one(PROSE.encode(), None))


def test_jsonl_bad_lines_do_not_stop_the_rest() -> None:
    lines = [
        json.dumps({"id": "a", "text": PROSE, "title": "工作总结", "published": "2024年1月9日"}, ensure_ascii=False),
        "{not json",
        "",
        json.dumps({"id": 7, "text": "新增学位\ud800个\r\n。"}),
        json.dumps({"id": "c"}),
        json.dumps({"text": " "}),
        "[" * 100_000,
        json.dumps(["text"]),
        json.dumps({"text": "没有编号。"}),
    ]
    data = "\n".join(lines).encode() + b"\n\xff\xfe"
    documents = list(read_bytes(data, source="a/b.jsonl", suffix=".jsonl"))
    assert [d.source for d in documents] == [f"a/b.jsonl#{n}" for n in (1, 2, 4, 5, 6, 7, 8, 9, 10)]
    good = {d.source[-2:]: d for d in documents if isinstance(d, Text)}
    assert set(good) == {"#1", "#4", "#9"}
    assert (good["#1"].id, good["#1"].stated.title, good["#1"].stated.published) == ("a", "工作总结", "2024-01-09")
    assert (good["#4"].id, good["#4"].content) == ("7", "新增学位\ufffd个\r\n。")
    assert codes(good["#4"]) == {"replaced_surrogates"}
    assert good["#9"].id == hashlib.sha256("没有编号。".encode()).hexdigest()


def test_read_path(tmp_path: Path) -> None:
    path = tmp_path / "总结.txt"
    path.write_text(PROSE, encoding="utf-8")
    (text,) = read_path(path)
    assert text.source == path.as_posix()
    (named,) = read_path(path, source="夹/总结.txt")
    assert named.source == "夹/总结.txt"
    (missing,) = read_path(tmp_path / "无.txt")
    (folder,) = read_path(tmp_path)
    assert isinstance(missing, UnreadableDocument)
    assert isinstance(folder, UnreadableDocument)


def test_read_path_jsonl_utf16(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"id": "x", "text": PROSE}, ensure_ascii=False), encoding="utf-16")
    (text,) = read_path(path)
    assert isinstance(text, Text)
    assert text.content == PROSE


def test_limits_stop_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = readers_base.settings()
    small = table.model_copy(update={"limits": table.limits.model_copy(update={"max_bytes": 100})})
    for module in ("zongjie.readers", "zongjie.readers.base", "zongjie.readers.jsonl"):
        monkeypatch.setattr(f"{module}.settings", lambda: small)
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 101)
    (document,) = read_path(path)
    assert isinstance(document, UnreadableDocument)
    assert "limit" in document.reason
    lines = tmp_path / "a.jsonl"
    lines.write_bytes(b'{"text": "' + b"x" * 500 + b'"}\n{"text": "short"}\n')
    first, second = read_path(lines)
    assert isinstance(first, UnreadableDocument)
    assert isinstance(second, Text)


@settings(deadline=None, max_examples=150)
@given(
    st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda s: s.encode("utf-8", "surrogatepass"))),
    st.sampled_from([*SUFFIXES, ".doc", None]),
)
def test_every_input_comes_out_and_nothing_raises(data: bytes, suffix: str | None) -> None:
    documents = list(read_bytes(data, source="x", suffix=suffix))
    assert documents
    for document in documents:
        if isinstance(document, Text):
            assert document.content.strip()
            document.content.encode()
            ends = [0, *(end for b in document.blocks for end in (b.start, b.end)), len(document.content)]
            assert ends == sorted(ends)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.sampled_from([*"来源:>|-3大中小 \n\r。打印关闭", "首页", "上一篇", "字体", "浏览次数", PROSE[:9]]),
        max_size=40,
    )
)
def test_furniture_ranges_are_in_order(pieces: list[str]) -> None:
    content = "".join(pieces)
    ranges = find_furniture(content)
    flat = [0, *(edge for pair in ranges for edge in pair), len(content)]
    assert flat == sorted(flat)
    assert all(content[start:end].strip() and "\n" not in content[start:end] for start, end in ranges)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared documents are not here")
def test_no_gold_fact_lies_in_furniture() -> None:
    hidden = total = 0
    with (SHARED / "gold" / "train.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            passage = json.loads(line)
            ranges = find_furniture(passage["text"])
            numbers = {fact["number"] for fact in passage["facts"]}
            spans = [(e["start"], e["end"]) for e in passage["entities"] if e["id"] in numbers]
            total += len(spans)
            hidden += sum(any(s < end and start < e for s, e in ranges) for start, end in spans)
    assert total > 2000
    assert hidden <= 1


def test_a_name_that_is_not_utf8_can_be_written() -> None:
    """A file's name comes out with escapes for what is not UTF-8."""
    assert name_of("a/\udcff报告.txt") == "a/\\udcff报告.txt"


@pytest.mark.parametrize("name", ["long.txt", "long.jsonl"])
def test_a_document_of_too_many_characters_is_turned_away(tmp_path: Path, name: str) -> None:
    """It is small enough as a file, yet too much for what comes after."""
    words = "学" * (readers_base.settings().limits.max_chars + 1)
    content = json.dumps({"text": words}, ensure_ascii=False) if name.endswith("jsonl") else words
    (tmp_path / name).write_text(content, encoding="utf-8")
    (found,) = read_path(tmp_path / name)
    assert isinstance(found, UnreadableDocument)
    assert "characters" in found.reason
