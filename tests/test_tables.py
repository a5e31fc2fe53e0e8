"""Tables: headings over a number and beside it say what it is."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest

import zongjie
from zongjie.extractor import Extractor
from zongjie.readers import read_bytes
from zongjie.record import Record, Span
from zongjie.text import Text

CASES = tomllib.loads((Path(__file__).parent / "cases" / "tables.toml").read_text("utf-8"))["table"]
ROWS = [
    ["学段", "学校数（所）", "在校生（人）"],
    ["小学", "120", "45678"],
    ["初中", "35", "21000"],
]


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Extractor:
    config = tmp_path_factory.mktemp("config") / "rules.toml"
    config.write_text('[makers]\nspans = "rules"\nroles = "rules"\nfacts = "rules"\n', encoding="utf-8")
    return zongjie.load(config)


def said(record: Record) -> list[list[str]]:
    def words(span: Span | None) -> str:
        return span.text if span else ""

    return [
        [
            fact.indicator,
            fact.number.text,
            str(fact.value.low) if fact.value else "",
            fact.value.unit if fact.value else "",
            *(words(span) for span in (fact.time, fact.place, fact.school)),
            fact.status,
            fact.kind,
        ]
        for fact in record.facts
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_table(case: dict[str, Any], extract: Extractor) -> None:
    (text,) = read_bytes(f"<html><body>{case['html']}</body></html>".encode(), source="表", suffix=".html")
    assert isinstance(text, Text)
    for table in text.tables:
        assert all(text.content[cell.start : cell.end].strip() for cell in table)
    record = extract(text)
    assert said(record) == case["facts"]
    for entity in record.entities:
        assert text.content[entity.start : entity.end] == entity.text
    rows = [m for m in record.results for f in m.facts]
    assert bool(rows) == any(fact[7] == "actual" for fact in case["facts"])


def word() -> bytes:
    document = docx.Document()
    table = document.add_table(len(ROWS), len(ROWS[0]))
    for cell, words in zip(table._cells, (words for row in ROWS for words in row), strict=True):
        cell.text = words
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def workbook() -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append([int(words) if words.isdigit() else words for words in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        (word, ".docx"),
        (workbook, ".xlsx"),
        (lambda: "\n".join(map(",".join, ROWS)).encode("gb18030"), ".csv"),
        (lambda: "\n".join(map("\t".join, ROWS)).encode(), ".tsv"),
    ],
)
def test_every_container_gives_the_same_facts(make: Callable[[], bytes], suffix: str, extract: Extractor) -> None:
    (text,) = read_bytes(make(), source="表", suffix=suffix)
    assert isinstance(text, Text)
    assert [fact[:4] for fact in said(extract(text))] == [
        ["小学学校数", "120", "120", "所"],
        ["小学在校生", "45678", "45678", "人"],
        ["初中学校数", "35", "35", "所"],
        ["初中在校生", "21000", "21000", "人"],
    ]


def test_running_text_around_a_table_keeps_its_facts(extract: Extractor) -> None:
    page = f"<p>2023年，全市新增学位1.9万个。</p>{CASES[0]['html']}<p>培训教师300名。</p>"
    (text,) = read_bytes(page.encode(), source="表", suffix=".html")
    assert isinstance(text, Text)
    found = [fact[0] for fact in said(extract(text))]
    assert found[0] == "新增学位"
    assert found[-1] == "培训教师"
    assert len(found) == 2 + len(CASES[0]["facts"])
