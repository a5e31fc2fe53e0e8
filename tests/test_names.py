"""The finders of school and programme names: what they find, what they leave, and what every answer keeps to."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.rules.names import find_programs, find_schools
from zongjie.text import Mention

CASES = tomllib.loads((Path(__file__).parent / "cases" / "names.toml").read_text(encoding="utf-8"))
GOLD = Path(__file__).parents[1].parent / "shared" / "gold" / "train.jsonl"
FINDERS = {"SCHOOL": find_schools, "PROGRAM": find_programs}
FLOORS = {"SCHOOL": 0.86, "PROGRAM": 0.70}
PIECES = [
    "云州",
    "市",
    "小学",
    "大学",
    "“",
    "”",
    "《",
    "》",
    "行动",
    "工程",
    "、",
    "和",
    "（",
    "）",
    "十",
    "中",
    "实施",
    "学校",
    "示范",
    "\n",
    "。",
    "a",
    "1",
]


@pytest.mark.parametrize("case", CASES["school"], ids=lambda case: case["text"][:12])
def test_schools(case: dict[str, object]) -> None:
    text = str(case["text"])
    assert [text[m.start : m.end] for m in find_schools(text)] == case["names"]


@pytest.mark.parametrize("case", CASES["program"], ids=lambda case: case["text"][:12])
def test_programs(case: dict[str, object]) -> None:
    text = str(case["text"])
    assert [text[m.start : m.end] for m in find_programs(text)] == case["names"]


@pytest.mark.parametrize("kind", FINDERS)
@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_mentions_are_sorted_and_apart(kind: str, text: str) -> None:
    found = FINDERS[kind](text)
    assert all(0 <= m.start < m.end <= len(text) and m.type == kind for m in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("text", ["", "小学", "“”", "《》", "（）小学", "、和三个校区"])
def test_nothing_to_find(kind: str, text: str) -> None:
    assert FINDERS[kind](text) == []


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize("piece", ["《", "“", "（", "大学", "高中", "市", "县区", "、", "等", "实施", "《a《b》"])
def test_long_runs_end(kind: str, piece: str) -> None:
    text = piece * 20_000
    assert all(isinstance(m, Mention) for m in FINDERS[kind](text))


@pytest.mark.parametrize("kind", FINDERS)
def test_agrees_with_gold(kind: str) -> None:
    if not GOLD.exists():
        pytest.skip("the gold of the project lies outside the repository, in ../shared")
    hit = found_all = gold_all = 0
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        passage = json.loads(line)
        gold = {(e["start"], e["end"]) for e in passage["entities"] if e["type"] == kind}
        found = {(m.start, m.end) for m in FINDERS[kind](passage["text"])}
        hit, found_all, gold_all = hit + len(gold & found), found_all + len(found), gold_all + len(gold)
    assert 2 * hit / (found_all + gold_all) >= FLOORS[kind]
