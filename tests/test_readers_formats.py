"""Web pages, Word files and PDFs, each built here by hand."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.document import Document
from docx.oxml import parse_xml

from zongjie.errors import UnreadableDocument
from zongjie.readers import read_bytes
from zongjie.text import Text

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'

PAGE = """<!DOCTYPE html><html><head><meta charset="{charset}">
<title>云溪市教育局2023年工作总结_云溪市教育局网站</title>
<meta name="ContentSource" content="云溪市教育局">
<script>var a = "不是正文";</script></head><body>
<div class="nav"><ul><li><a href="/">首页</a></li><li><a href="/a">机构职能简介</a></li></ul></div>
<div id="wrap"><h1>云溪市教育局2023年工作总结</h1>
<div class="info">来源：云溪市教育局 发布时间：2024-01-09 浏览次数：88</div>
<div class="text"><h2>一、主要成效</h2>
<p>2023年，全市投入资金<b>7.6</b>亿元，新建改扩建中小学28处，新增学位1.9万个。</p>
<table><tr><th>学段</th><th>学校数</th></tr><tr><td>小学</td><td>120</td></tr></table>
<ul><li>一是实施强校扩优行动，组建教育集团12个，覆盖学校64所。</li></ul>
<p style="display:none">隐藏的文字不应当出现在正文里面，无论它有多长。</p>
<p>二、下一步打算<br>2024年规划新建学校12所，新增学位1.1万个。</p></div></div>
<div class="links"><a href="/1">关于印发某某通知的通知一</a><a href="/2">关于印发某某通知的通知二</a></div>
<div class="footer">版权所有：云溪市教育局 云ICP备12345678号-1</div></body></html>"""


def one(data: bytes, suffix: str | None) -> Text:
    (document,) = read_bytes(data, source="样本", suffix=suffix)
    assert isinstance(document, Text), str(document)
    for block, after in zip(document.blocks, (*document.blocks[1:], None), strict=True):
        assert 0 <= block.start < block.end <= len(document.content)
        assert after is None or block.end <= after.start
        assert document.content[block.start : block.end].strip() == document.content[block.start : block.end]
    return document


def failure(data: bytes, suffix: str | None) -> UnreadableDocument:
    (document,) = read_bytes(data, source="样本", suffix=suffix)
    assert isinstance(document, UnreadableDocument), repr(document)
    assert document.reason
    assert document.remedy
    return document


def blocks(text: Text, kind: str) -> list[str]:
    return [text.content[b.start : b.end] for b in text.blocks if b.kind == kind]


def codes(text: Text) -> set[str]:
    return {notice.code for notice in text.notices}


class TestHtml:
    @pytest.mark.parametrize(
        ("charset", "encoding"), [("utf-8", "utf-8"), ("gb2312", "gb18030"), ("GBK", "gbk"), ("utf-8", "gb18030")]
    )
    def test_page(self, charset: str, encoding: str) -> None:
        text = one(PAGE.format(charset=charset).encode(encoding), ".html")
        assert blocks(text, "heading") == ["云溪市教育局2023年工作总结", "一、主要成效"]
        assert "2023年，全市投入资金7.6亿元，新建改扩建中小学28处，新增学位1.9万个。" in blocks(text, "paragraph")
        assert blocks(text, "table") == ["学段 | 学校数\n小学 | 120"]
        assert blocks(text, "list") == ["一是实施强校扩优行动，组建教育集团12个，覆盖学校64所。"]
        assert "二、下一步打算" in blocks(text, "paragraph")
        assert text.stated.title == "云溪市教育局2023年工作总结"
        assert text.stated.issuer == "云溪市教育局"
        assert text.stated.published == "2024-01-09"
        assert not {"隐藏", "不是正文", "版权所有", "通知一"} & {
            w for w in ("隐藏", "版权所有", "通知一") if w in text.content
        }

    def test_index_table_states_and_layout_table_is_read(self) -> None:
        page = (
            "<html><body><table><tr><td>索 引 号：</td><td>A1/2019-7</td><td>公开目录</td><td>计划总结</td></tr>"
            "<tr><td>发布机构</td><td>青湾区教育局</td><td>发布日期</td><td>2019年3月4日</td></tr>"
            "<tr><td>标 题</td><td>青湾区教育局2019年工作要点</td></tr>"
            f"<tr><td colspan=4><p>{'全区教育工作的总体要求是稳中求进。' * 12}</p>"
            "<p>新增学位300个。</p></td></tr></table></body></html>"
        )
        text = one(page.encode(), ".html")
        assert (text.stated.title, text.stated.issuer, text.stated.published) == (
            "青湾区教育局2019年工作要点",
            "青湾区教育局",
            "2019-03-04",
        )
        assert len(blocks(text, "table")) == 1
        assert "新增学位300个。" in blocks(text, "paragraph")

    def test_navigation_inside_the_main_part_is_furniture(self) -> None:
        links = "<p><a href=a>教育要闻之一</a> <a href=b>教育要闻之二</a></p>"
        page = f"<html><body><p>新增学位300个。</p>{links}</body></html>"
        text = one(page.encode(), ".html")
        assert blocks(text, "furniture") == ["教育要闻之一 教育要闻之二"]

    def test_external_entities_are_not_followed(self) -> None:
        page = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        page += "<html><body><p>新增学位300个。&x;</p></body></html>"
        assert "root:" not in one(page.encode(), ".html").content

    def test_deep_nesting_does_not_raise(self) -> None:
        list(read_bytes(b"<html>" + b"<div>" * 50_000 + "学校".encode(), source="x", suffix=".html"))

    def test_page_without_text(self) -> None:
        assert "empty" in failure(b"<html><head><script>1</script></head><body> </body></html>", ".html").reason


def word(document: Document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


class TestDocx:
    def test_order_headings_lists_and_tables(self) -> None:
        document = docx.Document()
        document.core_properties.title = "云溪市教育局2023年工作总结"
        document.add_heading("云溪市教育局2023年工作总结", 0)
        document.add_heading("一、主要成效", 1)
        document.add_paragraph("新增学位1.9万个。")
        table = document.add_table(2, 2)
        for cell, words in zip(table._cells, ("学段", "学校数", "小学", "120"), strict=True):
            cell.text = words
        document.add_paragraph("组建教育集团12个", style="List Number")
        text = one(word(document), ".docx")
        assert [(b.kind, b.level, text.content[b.start : b.end]) for b in text.blocks] == [
            ("heading", 1, "云溪市教育局2023年工作总结"),
            ("heading", 1, "一、主要成效"),
            ("paragraph", None, "新增学位1.9万个。"),
            ("table", None, "学段 | 学校数\n小学 | 120"),
            ("list", None, "组建教育集团12个"),
        ]
        assert text.stated.title == "云溪市教育局2023年工作总结"

    def test_dull_title_is_not_stated(self) -> None:
        document = docx.Document()
        document.core_properties.title = "Microsoft Word - 新建文档.doc"
        document.add_paragraph("新增学位1.9万个。")
        assert one(word(document), ".docx").stated.title is None

    def test_text_box_once_and_deleted_text_never(self) -> None:
        document = docx.Document()
        paragraph = document.add_paragraph("框外文字。")
        box = f"<w:txbxContent {W}><w:p><w:r><w:t>框内文字。</w:t></w:r></w:p></w:txbxContent>"
        paragraph._p.append(
            parse_xml(
                f'<w:r {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:AlternateContent>'
                f'<mc:Choice Requires="wps"><w:drawing>{box}</w:drawing></mc:Choice><mc:Fallback><w:pict>{box}</w:pict>'
                "</mc:Fallback></mc:AlternateContent></w:r>"
            )
        )
        paragraph._p.append(parse_xml(f"<w:del {W}><w:r><w:delText>删去</w:delText></w:r></w:del>"))
        paragraph._p.append(parse_xml(f"<w:ins {W}><w:r><w:t>补入。</w:t></w:r></w:ins>"))
        assert one(word(document), ".docx").content == "框外文字。补入。\n框内文字。"

    def test_truncated_and_foreign_and_protected(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "")  # no LibreOffice
        data = word(docx.Document())
        assert "truncated" in failure(data[: len(data) // 2], ".docx").reason
        ole = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
        assert "old Office" in failure(ole, ".docx").reason
        assert "password" in failure(ole + "EncryptedPackage".encode("utf-16-le"), ".docx").reason
        assert "damaged" in failure(bytes(range(256)) * 9, ".docx").reason

    def test_zip_bomb_is_not_unpacked(self) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("word/document.xml", bytes(64 << 20))
        assert "unpack" in failure(stream.getvalue(), ".docx").reason

    @pytest.mark.parametrize(("part", "word"), [("OFD.xml", "OFD"), ("xl/workbook.xml", "Excel"), ("a.exe", "suffix")])
    def test_other_zips(self, part: str, word: str) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(part, "x")
        assert word in failure(stream.getvalue(), ".docx").reason

    def test_entities_are_refused(self) -> None:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("word/document.xml", '<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>')
        assert "entities" in failure(stream.getvalue(), ".docx").reason


def pdf(pages: list[list[tuple[float, float, float, str]]]) -> bytes:
    """Write a PDF of lines (x, y, size, words) in a font whose every character is one em wide."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>"
        % (b" ".join(b"%d 0 R" % (5 + 2 * i) for i in range(len(pages))), len(pages)),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /CIDSystemInfo"
        b" << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /FontDescriptor << /Type /FontDescriptor"
        b" /FontName /STSong-Light /Flags 6 /FontBBox [0 -120 1000 880] /Ascent 880 /Descent -120 /CapHeight 880"
        b" /ItalicAngle 0 /StemV 93 >> >>",
    ]
    for number, lines in enumerate(pages):
        show = b"\n".join(
            b"BT /F1 %f Tf %f %f Td <%s> Tj ET" % (size, x, y, words.encode("utf-16-be").hex().encode())
            for x, y, size, words in lines
        )
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * number)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(show), show))
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return out + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(out) - 0)


def column(lines: list[str], top: float = 500) -> list[tuple[float, float, float, str]]:
    """Set lines in a column of 25 characters of 12 points; a leading ideographic space indents by one."""
    return [(40 + 12 * (len(w) - len(w.lstrip("　"))), top - 20 * i, 12, w.lstrip("　")) for i, w in enumerate(lines)]


HEADER = (120.0, 570.0, 9.0, "云溪市教育局文件")


class TestPdf:
    def test_wrapped_lines_are_joined_also_over_pages(self) -> None:
        pages = [
            [
                HEADER,
                (100, 530, 20, "云溪市工作总结"),
                *column(
                    [
                        "一、主要成效",
                        "　　2023年，全市认真落实各项部署，累计投入资金",
                        "18.26亿元，新建改扩建中小学28处，新增学位。",
                        "　　生师比为1:",
                        "17.4，保持稳定。全市学前教育普惠率提高了百分之三十五以上，普惠"[:25],
                    ]
                ),
                (190, 30, 9, "- 1 -"),
            ],
            [HEADER, *column(["园达到64所。", "二、下一步打算", "　　新建学校12所。"]), (190, 30, 9, "- 2 -")],
        ]
        text = one(pdf(pages), ".pdf")
        words = text.content.split("\n")
        assert "2023年，全市认真落实各项部署，累计投入资金18.26亿元，新建改扩建中小学28处，新增学位。" in words
        assert "一、主要成效" in words
        assert "二、下一步打算" in words
        assert any("学前教育普惠" in line and line.endswith("园达到64所。") for line in words)
        assert "rejoined_lines" in codes(text)
        assert blocks(text, "furniture") == ["云溪市教育局文件", "- 1 -", "云溪市教育局文件", "- 2 -"]
        assert blocks(text, "heading") == ["云溪市工作总结"]
        assert {b.page for b in text.blocks} == {1, 2}

    def test_short_lines_stay_apart(self) -> None:
        lines = ["小学教育集团名单", "云溪一小", "青湾二小", "全市共有教育集团十二个，覆盖中小学校六十四所。"]
        text = one(pdf([column(lines)]), ".pdf")
        assert text.content.split("\n") == lines
        assert codes(text) == set()

    def test_page_without_text_layer(self) -> None:
        assert "OCR" in failure(pdf([[]]), ".pdf").remedy
        assert "pages_without_text" in codes(one(pdf([column(["新增学位三百个。"]), []]), ".pdf"))

    def test_broken(self) -> None:
        assert "damaged" in failure(b"%PDF-1.4\n nothing", ".pdf").reason
        assert isinstance(next(read_bytes(pdf([column(["新增学位。"])])[:300], source="x")), Text | UnreadableDocument)


@pytest.mark.parametrize("depth", [300, 5000])
def test_a_page_nested_too_deep_says_so(depth: int) -> None:
    """What the parser would leave out in silence is an error."""
    page = "<html><body><p>新建学校3所。</p>" + "<div>" * depth + "<p>新建学校5所。</p></body></html>"
    (found,) = read_bytes(page.encode(), source="deep.html", suffix=".html")
    assert isinstance(found, UnreadableDocument)
    assert "too deep" in found.reason


def test_a_declared_encoding_that_is_no_encoding_is_passed_over() -> None:
    """A template that was never filled in declares ``undefined``."""
    page = '<html><head><meta charset="undefined"></head><body><p>新建学校3所。</p></body></html>'
    (found,) = read_bytes(page.encode(), source="a.html", suffix=".html")
    assert isinstance(found, Text)
    assert found.content == "新建学校3所。"
