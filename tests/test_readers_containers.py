"""Old Office files, OFD, workbooks, delimited text, mails, archives and pictures, each built here by hand."""

from __future__ import annotations

import io
import os
import stat
import sys
import time
import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import pytest

from zongjie.errors import UnreadableDocument
from zongjie.readers import read_bytes
from zongjie.readers.base import Allowance, Nest
from zongjie.text import Text

RTF = rb"{\rtf1\ansi hello}"
SAID = "2023年，全市新增学位1.9万个。"


def documents(data: bytes, suffix: str | None, source: str = "样本") -> dict[str, Text | UnreadableDocument]:
    found = list(read_bytes(data, source=source, suffix=suffix))
    assert len({d.source for d in found}) == len(found)
    return {d.source: d for d in found}


def one(data: bytes, suffix: str | None) -> Text:
    (document,) = documents(data, suffix).values()
    assert isinstance(document, Text), str(document)
    return document


def reason(data: bytes, suffix: str | None) -> str:
    (document,) = documents(data, suffix).values()
    assert isinstance(document, UnreadableDocument), repr(document)
    assert document.remedy
    return document.reason


def codes(text: Text) -> set[str]:
    return {notice.code for notice in text.notices}


def archive(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def word(words: str) -> bytes:
    document, stream = docx.Document(), io.BytesIO()
    document.add_paragraph(words)
    document.save(stream)
    return stream.getvalue()


class TestOffice:
    @pytest.fixture
    def program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A stand-in for LibreOffice, first on the PATH; what it does is written by each test."""
        path = tmp_path / "bin" / "soffice"
        path.parent.mkdir()
        monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
        return path

    def write(self, program: Path, body: str) -> None:
        program.write_text(f"#!{sys.executable}\nimport os, sys, time, pathlib, subprocess\n{body}", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def test_converted(self, program: Path, tmp_path: Path) -> None:
        (tmp_path / "made.docx").write_bytes(word(SAID))
        self.write(
            program,
            "out = pathlib.Path(sys.argv[sys.argv.index('--outdir') + 1])\n"
            "profile = next(a for a in sys.argv if a.startswith('-env:UserInstallation=file://')).split('://')[1]\n"
            "assert 'DisableMacrosExecution' in pathlib.Path(profile, 'user/registrymodifications.xcu').read_text()\n"
            "assert pathlib.Path(sys.argv[-1]).read_bytes().startswith(b'{')\n"
            "out.mkdir()\n"
            f"(out / 'document.docx').write_bytes(open({str(tmp_path / 'made.docx')!r}, 'rb').read())\n",
        )
        text = one(RTF, ".rtf")
        assert text.content == SAID
        assert text.media_type == "application/rtf"

    def test_what_it_cannot_convert(self, program: Path) -> None:
        self.write(program, "print('Error: source file could not be loaded')\n")
        assert "could not be loaded" in reason(RTF, ".rtf")

    def test_killed_with_its_children_when_time_is_up(
        self, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from zongjie.readers import office
        from zongjie.readers.base import settings

        short = settings().model_copy(update={"office": settings().office.model_copy(update={"seconds": 1.0})})
        monkeypatch.setattr(office, "settings", lambda: short)
        self.write(
            program,
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\ntime.sleep(600)\n",
        )
        assert "more than 1 seconds" in reason(RTF, ".rtf")
        if (tmp_path / "child").exists():  # a slow machine may not have come so far
            process = Path("/proc", (tmp_path / "child").read_text(), "stat")
            for _ in range(200):  # the kernel ends it when it comes to it
                if not process.exists() or ") Z " in process.read_text():
                    return
                time.sleep(0.05)
            raise AssertionError(process.read_text())

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        (found,) = read_bytes(RTF, source="a.rtf", suffix=".rtf")
        assert isinstance(found, UnreadableDocument)
        assert "LibreOffice is not installed" in found.reason
        assert "Install LibreOffice" in found.remedy


def ofd(pages: list[str], **more: str) -> bytes:
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    parts = {
        "OFD.xml": f"<ofd:OFD {space}><ofd:DocBody><ofd:DocInfo><ofd:Title>云溪市教育局2023年工作总结</ofd:Title>"
        "</ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {space}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 210 297"
        "</ofd:PhysicalBox></ofd:PageArea></ofd:CommonData><ofd:Pages>"
        + "".join(f'<ofd:Page ID="{n}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(len(pages)))
        + "</ofd:Pages></ofd:Document>",
        **{
            f"Doc_0/Pages/Page_{n}/Content.xml": f"<ofd:Page {space}><ofd:Content><ofd:Layer>{page}</ofd:Layer>"
            "</ofd:Content></ofd:Page>"
            for n, page in enumerate(pages)
        },
        **more,
    }
    return archive({name: words.encode() for name, words in parts.items()})


def line(words: str, y: float, x: float = 20) -> str:
    return (
        f'<ofd:TextObject Boundary="{x} {y} {5 * len(words)} 6" Size="5"><ofd:TextCode X="0" Y="5"'
        f' DeltaX="g {len(words) - 1} 5">{words}</ofd:TextCode></ofd:TextObject>'
    )


class TestOfd:
    def test_lines_in_the_order_of_the_page(self) -> None:
        pages = [
            line("第二段讲问题。", 60)
            + line("云溪市教育局文件", 10)
            + line("新增学位", 40)
            + line("1.9万个。", 40, 40),
            line("云溪市教育局文件", 10) + line("培训教师300名。", 40),
        ]
        text = one(ofd(pages), ".ofd")
        assert text.content.split("\n") == [
            "云溪市教育局文件",
            "新增学位1.9万个。",
            "第二段讲问题。",
            "云溪市教育局文件",
            "培训教师300名。",
        ]
        assert [b.kind for b in text.blocks] == ["furniture", "paragraph", "paragraph", "furniture", "paragraph"]
        assert [b.page for b in text.blocks] == [1, 1, 1, 2, 2]
        assert text.stated.title == "云溪市教育局2023年工作总结"

    def test_damaged_and_protected(self) -> None:
        assert "damaged" in reason(archive({"OFD.xml": b"<a"}), ".ofd")
        assert "damaged" in reason(archive({"OFD.xml": b"<OFD><DocBody><DocRoot>x</DocRoot></DocBody></OFD>"}), ".ofd")
        assert "entities" in reason(archive({"OFD.xml": b'<!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'}), ".ofd")
        assert "password" in reason(ofd([line("字", 9)], **{"Doc_0/Encryptions.xml": "<a/>"}), ".ofd")
        assert "text layer" in reason(ofd([""]), ".ofd")


class TestSheets:
    def test_workbook(self) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "学校"
        sheet.append(["云溪市2023年学校情况"])
        sheet.append(["县区", "学校数", "占比"])
        sheet.append(["云溪县", 120, 0.956])
        sheet["C3"].number_format = "0.0%"
        sheet.append(["青湾区", 1.5, "=1+1"])
        sheet.merge_cells("A1:C1")
        book.create_sheet("隐藏").append(["看不见的字"])
        book["隐藏"].sheet_state = "hidden"
        stream = io.BytesIO()
        book.save(stream)
        text = one(stream.getvalue(), ".xlsx")
        assert text.content.split("\n") == [
            "学校",
            "云溪市2023年学校情况",
            "县区 | 学校数 | 占比",
            "云溪县 | 120 | 95.6%",
            "青湾区 | 1.5",
        ]
        assert "hidden_sheets" in codes(text)
        assert [(c.row, c.column, c.width) for c in text.tables[0]][:3] == [(0, 0, 3), (1, 0, 1), (1, 1, 1)]

    def test_damaged(self) -> None:
        assert "damaged" in reason(archive({"xl/workbook.xml": b"x"}), ".xlsx")

    @pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
    def test_delimited(self, mark: str) -> None:
        rows = [["学段", "学校数"], ["小学", "1 20"], ["", "35"]]
        text = one("\r\n".join(mark.join(row) for row in rows).encode("gb18030"), ".csv")
        assert text.content.split("\n") == ["学段 | 学校数", "小学 | 1 20", " | 35"]
        assert [text.content[c.start : c.end] for c in text.tables[0]] == ["学段", "学校数", "小学", "1 20", "35"]

    def test_delimited_prose_is_paragraphs(self) -> None:
        text = one(f'标题,正文\n总结,"{SAID * 20}"'.encode(), ".csv")
        assert [b.kind for b in text.blocks] == ["table", "paragraph", "paragraph"]

    def test_too_many_columns(self) -> None:
        assert reason(("1," * 2_000_001).encode(), ".csv").startswith("it has more than")


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "云溪市教育局2023年工作总结"
    message["From"] = "云溪市教育局 <a@example.org>"
    message["Date"] = "Tue, 09 Jan 2024 10:00:00 +0800"
    message.set_content(SAID)
    return message


class TestMail:
    def test_body_and_attachments(self) -> None:
        message = mail()
        message.add_attachment(word(SAID), maintype="application", subtype="msword", filename="附件.docx")
        message.add_attachment(b"MZ", maintype="application", subtype="x", filename="a.exe")
        inner = EmailMessage()
        inner.set_content("培训教师300名。")
        inner["Subject"] = "回复"
        message.add_attachment(inner)
        found = documents(message.as_bytes(), ".eml", "a.eml")
        assert list(found) == ["a.eml", "a.eml/附件.docx", "a.eml/a.exe", "a.eml/附件3.eml"]
        text = found["a.eml"]
        assert isinstance(text, Text)
        assert text.content.endswith(SAID)
        assert text.stated.title == "云溪市教育局2023年工作总结"
        assert text.stated.published == "2024-01-09"
        assert [b.kind for b in text.blocks] == ["heading", "furniture", "furniture", "paragraph"]
        attached = found["a.eml/附件.docx"]
        assert isinstance(attached, Text)
        assert attached.content == SAID
        assert isinstance(found["a.eml/a.exe"], UnreadableDocument)
        assert isinstance(found["a.eml/附件3.eml"], Text)

    def test_web_page_as_body(self) -> None:
        message = EmailMessage()
        message["Subject"] = "总结"
        message.set_content(f"<html><body><p>{SAID}</p></body></html>", subtype="html")
        assert SAID in one(message.as_bytes(), ".eml").content

    def test_empty(self) -> None:
        assert "empty" in reason(b"From: a\nTo: b\n\n", ".eml")


class TestZip:
    def test_folder(self) -> None:
        inner = archive({"深/c.txt": SAID.encode()})
        data = archive(
            {"a/b.docx": word(SAID), "n.zip": inner, "x.exe": b"MZ", "__MACOSX/._b.docx": b"x", "e.txt": b""}
        )
        found = documents(data, ".zip", "a.zip")
        assert list(found) == ["a.zip/a/b.docx", "a.zip/n.zip/深/c.txt", "a.zip/x.exe", "a.zip/e.txt"]
        assert [isinstance(d, Text) for d in found.values()] == [True, True, False, False]

    def test_names_in_gbk(self) -> None:
        name = "总结.txt".encode("gb18030")
        data = archive({"x" * len(name): SAID.encode()}).replace(b"x" * len(name), name)
        assert list(documents(data, ".zip", "a.zip")) == ["a.zip/总结.txt"]

    def test_depth(self) -> None:
        data = archive({"a.txt": SAID.encode()})
        for _ in range(9):
            data = archive({"a.zip": data})
        assert "archives or mails" in reason(data, ".zip")

    @pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "b/../../a.txt", "C:\\a.txt", "..\\a.txt"])
    def test_names_that_lead_outside(self, name: str) -> None:
        assert "leads out" in reason(archive({name: SAID.encode()}), ".zip")

    def test_bomb(self) -> None:
        data = archive({"a.txt": bytes(64 << 20), "b.txt": SAID.encode()})
        found = list(documents(data, ".zip").values())
        assert isinstance(found[0], UnreadableDocument)
        assert "unpack" in found[0].reason
        assert isinstance(found[1], Text)

    def test_all_that_is_nested_shares_one_allowance(self) -> None:
        data = archive({f"{n}.zip": archive({"a.txt": SAID.encode() * 9}) for n in range(8)})
        found = list(read_bytes(data, source="a.zip", suffix=".zip", nest=Nest(left=Allowance(size=1500))))
        kinds = [type(d) for d in found]
        assert kinds == sorted(kinds, key=[Text, UnreadableDocument].index)
        assert set(kinds) == {Text, UnreadableDocument}

    def test_encrypted_and_damaged_members(self) -> None:
        data = bytearray(archive({"a.txt": SAID.encode()}))
        directory = data.index(b"PK\x01\x02")
        data[6] |= 1
        data[directory + 8] |= 1
        assert "password" in reason(bytes(data), ".zip")
        data = bytearray(archive({"a.txt": SAID.encode() * 9}))
        data[40] ^= 255
        assert "damaged" in reason(bytes(data), ".zip")


class TestPictures:
    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from zongjie.readers import ocr

        monkeypatch.setattr(ocr, "is_installed", lambda: False)
        (found,) = read_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40), source="a.png", suffix=".png")
        assert isinstance(found, UnreadableDocument)
        assert "zongjie[ocr]" in found.remedy

    @pytest.mark.slow
    def test_picture(self) -> None:
        pytest.importorskip("rapidocr")
        from PIL import Image, ImageDraw

        picture, stream = Image.new("RGB", (600, 200), "white"), io.BytesIO()
        ImageDraw.Draw(picture).text((20, 60), "Schools 12345", fill="black", font_size=40)
        picture.save(stream, "PNG")
        text = one(stream.getvalue(), ".png")
        assert "12345" in text.content
        assert "ocr_text" in codes(text)
