from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.gazetteer import resolve_place
from zongjie.places import find_places, region_name

CASES = tomllib.loads((Path(__file__).parent / "cases" / "places.toml").read_text(encoding="utf-8"))
GOLD = Path(__file__).parents[1].parent / "shared" / "gold" / "dev.jsonl"


def unmark(marked: str) -> tuple[str, list[tuple[int, int]]]:
    text, spans, start = "", [], 0
    for char in marked:
        if char == "‹":
            start = len(text)
        elif char == "›":
            spans.append((start, len(text)))
        else:
            text += char
    return text, spans


@pytest.mark.parametrize("marked", CASES["found"])
def test_finds_places(marked: str) -> None:
    text, spans = unmark(marked)
    assert [text[m.start : m.end] for m in find_places(text)] == [text[a:b] for a, b in spans]
    assert [(m.start, m.end) for m in find_places(text)] == spans


@pytest.mark.parametrize("text", CASES["empty"])
def test_leaves_out_what_is_no_place(text: str) -> None:
    assert [text[m.start : m.end] for m in find_places(text)] == []


@pytest.mark.parametrize(("surface", "region", "name"), CASES["resolved"])
def test_resolves_to_the_full_name(surface: str, region: str, name: str) -> None:
    assert resolve_place(surface, region=region or None) == (name or None)


@pytest.mark.parametrize(("words", "name"), CASES["regions"])
def test_names_the_area_of_a_body(words: str, name: str) -> None:
    assert region_name(words) == (name or None)


def test_a_short_form_that_is_a_word_needs_its_full_form() -> None:
    assert find_places("资源配置更加均衡。") == []
    text = "资源县投入3000万元，资源教育再上台阶。"
    assert [text[m.start : m.end] for m in find_places(text)] == ["资源县", "资源"]


@given(st.text(alphabet="全市省我县区云南曲靖镇乡在、，。《》教育局第1x*（）“” \n", max_size=60))
def test_mentions_are_in_order_and_inside_the_text(text: str) -> None:
    found = find_places(text)
    assert found == sorted(found)
    assert all(0 <= m.start < m.end <= len(text) and m.type == "PLACE" for m in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.skipif(not GOLD.exists(), reason="the gold passages are not beside this checkout")
def test_quality_on_gold_stays_above_the_floor() -> None:
    hit = found = gold = 0
    for line in GOLD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        spans = {kind: [] for kind in ("PLACE", "SCHOOL", "PROGRAM", "METRIC")}
        for entity in row["entities"]:
            spans.setdefault(entity["type"], []).append((entity["start"], entity["end"]))
        outer = spans["SCHOOL"] + spans["PROGRAM"] + spans["METRIC"]
        mine = {(m.start, m.end) for m in find_places(row["text"])}
        mine = {(a, b) for a, b in mine if not any(c <= a and b <= d for c, d in outer)}
        hit += len(mine & set(spans["PLACE"]))
        found += len(mine)
        gold += len(spans["PLACE"])
    assert 2 * hit / (found + gold) >= 0.8
