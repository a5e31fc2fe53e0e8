"""Write some 200 hostile and broken files: ``python tests/benchmarks/hostile.py OUT``.

In: a folder that is empty or not there. Out: the same files every time; what a file system does not allow is left out.
Each must give a record or a line of failures; ``tests/test_hostile.py`` reads a part of them.
"""

from __future__ import annotations

import io
import os
import random
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

SAID = "2023年，全市新增学位1.9万个，新建改扩建中小学28处。"
BYTES = SAID.encode()
SPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE l [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]><l>&a11;</l>"
)
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'

Files = Iterator[tuple[str, bytes]]


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack parts, always to the same bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return stream.getvalue()


def word(body: str) -> bytes:
    """Write a Word file with a body of XML."""
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    target = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{kinds}"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'.encode(),
            "_rels/.rels": f'<Relationships xmlns="{rels}"><Relationship Id="r" Type="{target}"'
            ' Target="word/document.xml"/></Relationships>'.encode(),
            "word/document.xml": f"<w:document {SPACE}><w:body>{body}</w:body></w:document>".encode(),
        }
    )


def paragraph(words: str) -> str:
    """Write a paragraph of a Word file."""
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def workbook(sheet: str) -> bytes:
    """Write a workbook with a sheet of XML."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "http://schemas.openxmlformats.org/package/2006/content-types"
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{kinds}"><Default Extension="rels" ContentType="application/'
            'vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{media}.sheet.main+xml"/><Override PartName='
            f'"/xl/worksheets/sheet1.xml" ContentType="{media}.worksheet+xml"/></Types>'.encode(),
            "_rels/.rels": f'<Relationships xmlns="{rels}"><Relationship Id="r" Type="{office}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>'.encode(),
            "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="学校" sheetId="1"'
            ' r:id="rId1"/></sheets></workbook>'.encode(),
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{rels}"><Relationship Id="rId1" Type="{office}'
            '/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'.encode(),
            "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{sheet}</worksheet>'.encode(),
        }
    )


def cell(place: str, words: str) -> str:
    """Write a cell of a workbook."""
    return f'<c r="{place}" t="inlineStr"><is><t>{words}</t></is></c>'


def ofd(page: str, **more: bytes) -> bytes:
    """Write an OFD file with a page of XML."""
    return zipped(
        {
            "OFD.xml": b"<OFD><DocBody><DocRoot>Doc_0/Document.xml</DocRoot></DocBody></OFD>",
            "Doc_0/Document.xml": b'<Document><Pages><Page ID="1" BaseLoc="Page.xml"/></Pages></Document>',
            "Doc_0/Page.xml": f"<Page>{page}</Page>".encode(),
            **more,
        }
    )


SHOWN = f'<TextObject Boundary="20 20 100 6" Size="5"><TextCode X="0" Y="5">{SAID}</TextCode></TextObject>'


def pdf(pages: bytes, content: bytes = b"BT /F1 12 Tf 40 500 Td (1998 schools) Tj ET") -> bytes:
    """Write a PDF whose page tree is given; its objects are 1 catalog, 2 tree, 3 page, 4 font, 5 content."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        pages,
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 600] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = b"xref\n0 6\n0000000000 65535 f \n%strailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF"
    return out + end % (table, len(out))


PDF = pdf(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
MAIL = (
    f"Subject: a\nFrom: b@example.org\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{SAID}\n".encode()
)


def broken() -> Files:
    """Sound files cut short, with bytes changed, and under the names of other formats: 108 files."""
    sound = {
        "docx": word(paragraph(SAID)),
        "xlsx": workbook(f"<sheetData><row r='1'>{cell('A1', '学校数')}{cell('B1', '28')}</row></sheetData>"),
        "ofd": ofd(SHOWN),
        "pdf": PDF,
        "zip": zipped({"a.txt": BYTES}),
        "eml": MAIL,
        "html": f"<html><body><p>{SAID}</p></body></html>".encode(),
        "csv": f"学段,学校数\n小学,28\n{SAID}".encode(),
        "txt": BYTES * 20,
    }
    dice = random.Random(7)
    suffixes = list(sound)
    for at, (suffix, data) in enumerate(sound.items()):
        for share in (0.1, 0.5, 0.9, 0.99):
            yield f"cut-{int(share * 100)}.{suffix}", data[: int(len(data) * share)]
        for turn in range(4):
            spoiled = bytearray(data)
            for _ in range(1 + turn * 8):
                spoiled[dice.randrange(len(data))] = dice.randrange(256)
            yield f"spoiled-{turn}.{suffix}", bytes(spoiled)
        for step in (1, 2, 4, 5):
            yield f"really-{suffix}-{step}.{suffixes[(at + step) % len(suffixes)]}", data


def texts() -> Files:
    """Bytes that are hardly text: 34 files."""
    dice = random.Random(11)
    for suffix in ("txt", "md", "html", "docx", "pdf", "jsonl", "doc", "rtf", "png", "odt"):
        yield f"empty.{suffix}", b""
        yield f"noise.{suffix}", dice.randbytes(4096)
    yield "blank.txt", " \n\u3000\ufeff\n".encode()
    yield "nuls.txt", bytes(100_000)
    yield "nuls-between.txt", b"\0".join(bytes([b]) for b in BYTES)
    yield "mixed.txt", BYTES + SAID.encode("gb18030") + SAID.encode("utf-16-le") + SAID.encode("cp950", "replace")
    yield "surrogates.txt", b"\xed\xa0\x80\xed\xb0\x80" * 50 + BYTES
    yield "surrogates.jsonl", b'{"text": "\\ud800' + BYTES + b'\\udfff"}\n'
    yield "utf16-odd.txt", b"\xff\xfe" + SAID.encode("utf-16-le") + b"\x4e"
    yield "one-line.txt", BYTES * 8000
    yield "digits.txt", b"1" * 200_000
    yield "brackets.txt", "（《“".encode() * 20_000
    yield "marks.txt", "，。；、".encode() * 20_000
    yield "right-to-left.txt", ("\u202e" + SAID + "\u202d").encode() * 50
    yield "too-long.txt", BYTES * 60_000
    yield "carriage.txt", BYTES + b"\r" * 100_000 + BYTES


def nested() -> Files:
    """What is deep, wide or refers to itself: 42 files."""
    for depth in (1_000, 100_000):
        yield f"deep-{depth}.html", b"<html><body>" + b"<div>" * depth + BYTES
        yield f"tables-{depth}.html", b"<table><tr><td>" * depth + BYTES
        yield f"deep-{depth}.jsonl", b'{"text": ' + b"[" * depth + b"]" * depth + b"}\n"
        yield f"deep-{depth}.docx", word("<w:sdt>" * depth + paragraph(SAID) + "</w:sdt>" * depth)
        yield f"deep-{depth}.ofd", ofd("<a>" * depth + SHOWN + "</a>" * depth)
    yield "spans.html", b"<table><tr><td colspan=99999999 rowspan=99999999>a</td><td>1</td></tr></table>" + BYTES
    yield "wide.html", b"<table><tr>" + b"<td>1</td>" * 100_000 + b"</tr></table>"
    yield "attributes.html", b"<p " + b"a=1 " * 100_000 + b">" + BYTES
    yield "entities.html", LAUGHS.encode() + BYTES
    yield "outside.html", OUTSIDE.encode() + BYTES
    yield "columns.csv", b"1," * 1_000_000
    yield "rows.csv", b"1,2\n" * 300_000
    yield "quote.csv", b'"' + b"1,2\n" * 100_000
    yield "quotes.csv", b'""",' * 50_000
    yield "laughs.docx", zipped({"word/document.xml": LAUGHS.encode()})
    yield "outside.docx", zipped({"word/document.xml": OUTSIDE.encode()})
    yield "laughs.ofd", ofd(SHOWN, **{"OFD.xml": LAUGHS.encode()})
    yield "laughs.xlsx", zipped({"xl/workbook.xml": LAUGHS.encode()})
    yield "span.docx", word(
        '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="99999999"/></w:tcPr>' + paragraph("数") + "</w:tc><w:tc>"
        + paragraph("1") + "</w:tc></w:tr></w:tbl>"
    )  # fmt: skip
    far = f"<sheetData><row r='1'>{cell('A1', '数')}</row><row r='1048576'>{cell('XFD1048576', '1')}</row></sheetData>"
    yield "far.xlsx", workbook(far)
    yield "lies.xlsx", workbook(f"<dimension ref='A1:XFD1048576'/>{far}")
    yield "merged.xlsx", workbook(f"{far}<mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>")
    yield "wrong-merge.xlsx", workbook(f"{far}<mergeCells><mergeCell ref='?'/></mergeCells>")
    many = "".join(f"<row r='{n}'>{cell(f'XFD{n}', '1')}</row>" for n in range(1, 2_000))
    yield "padded.xlsx", workbook(f"<sheetData>{many}</sheetData>")
    yield "cycle.pdf", pdf(b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>")
    yield "cycle-only.pdf", pdf(b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>")
    yield "many-pages.pdf", pdf(b"<< /Type /Pages /Kids [" + b"3 0 R " * 9_999 + b"] /Count 9999 >>")
    yield "lies.pdf", pdf(b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>")
    yield "huge-page.pdf", PDF.replace(b"[0 0 400 600]", b"[0 0 9e9 9e9]")
    yield "no-text.pdf", pdf(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", b" ")
    yield "self.ofd", ofd('<Template TemplateID="1"/>' + SHOWN)
    yield "no-page.ofd", ofd(SHOWN).replace(b"Page.xml", b"Pagf.xml", 1)
    yield "advances.ofd", ofd(SHOWN.replace('X="0"', 'X="0" DeltaX="g 999999999 5 g g g"'))


def archives() -> Files:
    """Bombs, cycles and names that lead astray, in archives and mails: 16 files."""
    yield "bomb.zip", zipped({"a.txt": bytes(200 << 20)})
    yield "bomb.docx", zipped({"word/document.xml": bytes(100 << 20)})
    inner = zipped({f"{n}.txt": bytes(900_000) for n in range(20)})
    yield "bombs.zip", zipped({f"{n}.zip": zipped({f"{m}.zip": inner for m in range(10)}) for n in range(10)})
    deep = zipped({"a.txt": BYTES})
    for _ in range(30):
        deep = zipped({"a.zip": deep})
    yield "deep.zip", deep
    cyclic = zipped({"a.zip": b"?" * 400, "a.txt": BYTES}, zipfile.ZIP_STORED)
    yield "cyclic.zip", cyclic.replace(b"?" * 400, cyclic[:400].ljust(400, b"\0"))
    yield "many.zip", zipped({f"{n}.txt": b"" for n in range(12_000)})
    yield (
        "names.zip",
        zipped({name: BYTES for name in ("../a.txt", "/etc/b.txt", "C:\\c.txt", "d/../../d.txt", "e.txt")}),
    )
    gbk = "总结.txt".encode("gb18030")
    yield "gbk.zip", zipped({"x" * len(gbk): BYTES}).replace(b"x" * len(gbk), gbk)
    yield "garbled.zip", zipped({"xxxx.txt": BYTES}).replace(b"xxxx", b"\xff\xfe\x80\x81")
    locked = bytearray(zipped({"a.txt": BYTES}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    yield "locked.zip", bytes(locked)
    lying = bytearray(zipped({"a.txt": bytes(3 << 20)}))
    struct.pack_into("<I", lying, lying.index(b"PK\x01\x02") + 24, 10)
    yield "lying.zip", bytes(lying)
    yield "twice.zip", zipped({"a.txt": BYTES, "A.txt": BYTES, "a.txt ": BYTES})
    head = b"Subject: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    part = b'--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename="%d.txt"\n\n%s\n'
    yield "parts.eml", head + b"".join(part % (n, BYTES) for n in range(1_000)) + b"--b--\n"
    levels = b"".join(b"--%d\nContent-Type: multipart/mixed; boundary=%d\n\n" % (n, n + 1) for n in range(5_000))
    yield "levels.eml", head.replace(b"boundary=b", b"boundary=0") + levels
    mail = MAIL
    for _ in range(30):
        mail = b"Subject: a\nFrom: b\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + mail
    yield "mails.eml", mail
    yield "headers.eml", b"Subject: =?utf-8?b?????=\nFrom: <<<>>@@\nDate: 99 Foo\nContent-Type: ;;;\n\n" + BYTES


FILES: tuple[Callable[[], Files], ...] = (broken, texts, nested, archives)


def write_files(folder: Path) -> int:
    """Write the files whose content is hostile, then those that are hostile to a file system.

    Args:
        folder: Where to; made if it is not there.

    Returns:
        How many there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for make in FILES:
        for name, data in make():
            (folder / name).write_bytes(data)
    for strange in strange_files(folder):
        try:
            strange()
        except OSError as error:
            print(f"left out: {error}", file=sys.stderr)  # noqa: T201 - a script
    return len(os.listdir(folder))


def strange_files(folder: Path) -> Iterator[Callable[[], object]]:
    """Give what makes files that are strange to a file system."""

    def sparse() -> None:
        with (folder / "sparse.txt").open("wb") as file:
            file.truncate(200 << 30)

    def unreadable() -> None:
        (folder / "unreadable.txt").write_bytes(BYTES)
        (folder / "unreadable.txt").chmod(0)

    def not_utf8() -> None:
        with open(os.fsencode(folder) + b"/\xd7\xdc\xbd\xe1.txt", "wb") as file:
            file.write(BYTES)

    yield sparse
    yield unreadable
    yield not_utf8
    yield lambda: (folder / "loop.txt").symlink_to("loop.txt")
    yield lambda: (folder / "nowhere.txt").symlink_to("/nowhere/at/all.txt")
    yield lambda: (folder / "above.txt").symlink_to("..")
    yield lambda: os.mkfifo(folder / "pipe.txt")
    yield lambda: (folder / f"{'长' * 80}.txt").write_bytes(BYTES)
    yield lambda: (folder / "line\nfeed.txt").write_bytes(BYTES)
    yield lambda: (folder / "folder.txt").mkdir()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write_files(Path(sys.argv[1])), "files")  # noqa: T201 - a script
