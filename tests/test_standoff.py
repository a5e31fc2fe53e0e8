"""Annotations without their text, and the way back to it."""

import lzma
from pathlib import Path

import pytest

from zongjie.corpus import GoldError, Passage, parse_markup

standoff = pytest.importorskip(
    "zongjie.training.standoff", reason="needs the extra zongjie[train]", exc_type=ImportError
)

MARKUP = """#a1
<T1|去年>，<G1|云川市><A1|新建><M1|公办幼儿园><N1|12所>。
N1 M1 A1 T1 G1 actual level 12|12|所|=
roles R R

#a2
<M1|巩固率><A1|达到><N1|99.2%>。
N1 M1 A1 actual level 99.2|99.2|%|=
roles R
"""


@pytest.fixture
def passages() -> list[Passage]:
    return parse_markup(MARKUP, source="own")


@pytest.fixture
def corpus(tmp_path: Path, passages: list[Passage]) -> Path:
    path = tmp_path / "corpus.txt.xz"
    lines = [
        "别的话。",
        f"  {passages[1].text}全市九年义务教育{passages[1].text}",
        f"各位代表：{passages[0].text}请审议。",
    ]
    with lzma.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(lines))
    return path


def test_there_and_back(passages: list[Passage], corpus: Path, tmp_path: Path) -> None:
    rows = standoff.to_rows(passages, [corpus])
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{standoff.simplejson.dumps(row, use_decimal=True)}\n" for row in rows), "utf-8")
    assert not any("\u4e00" <= c <= "\u9fff" for e in rows for key in ("entities", "clauses") for c in str(e[key]))
    back = standoff.read_standoff([path], [corpus])
    assert [p.source for p in back] == ["corpus.txt.xz:3", "corpus.txt.xz:2"]
    assert [p.model_copy(update={"source": "own"}) for p in back] == passages


def test_what_stands_nowhere_is_an_error(passages: list[Passage], tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("别的话。\n", "utf-8")
    with pytest.raises(GoldError, match=r"a1.*empty\.txt"):
        standoff.to_rows(passages, [empty])


def test_without_its_line_a_row_is_left_out_and_that_is_said(
    passages: list[Passage], corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, other = tmp_path / "rows.jsonl", tmp_path / "other.txt"
    rows = standoff.to_rows(passages, [corpus])
    path.write_text("".join(f"{standoff.simplejson.dumps(row, use_decimal=True)}\n" for row in rows), "utf-8")
    other.write_text(passages[0].text, "utf-8")
    assert standoff.read_standoff([path], [other]) == []
    assert "2 of 2 annotations are left out" in caplog.text


def test_a_wrong_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"id": "a"}\n', "utf-8")
    with pytest.raises(GoldError, match=r"rows\.jsonl:1"):
        standoff.read_standoff([path], [])
