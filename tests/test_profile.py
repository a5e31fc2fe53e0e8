from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zongjie.profile import Profile, profile
from zongjie.text import Block, Stated, Text

CASES = tomllib.loads((Path(__file__).parent / "cases" / "profile.toml").read_text(encoding="utf-8"))["case"]


def expected(case: dict[str, Any]) -> Profile:
    def day(words: str | None) -> date | None:
        return date.fromisoformat(words) if words else None

    words, start, end = case.get("period", (None, None, None))
    named = (case.get("title"), case.get("issuer"), case.get("region"))
    return Profile(*named, day(case.get("published")), words, day(start), day(end), case["kind"], day(case.get("base")))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_reads_what_the_document_states(case: dict[str, Any]) -> None:
    assert profile(Text.of(case["text"])) == expected(case)


def test_the_container_goes_before_the_lines() -> None:
    stated = Stated("安岚县2024年工作要点", "安岚县教育局", "2024-02-26")
    text = Text("工作要点\n2024年3月1日", "x", "x.html", "text/html", stated=stated)
    found = profile(text)
    assert (found.title, found.issuer, found.published) == (stated.title, stated.issuer, date(2024, 2, 26))
    assert (found.region, found.kind) == ("安岚县", "plan")


def test_media_are_no_issuer() -> None:
    stated = Stated("安岚县新建学校5所", "安岚日报", None)
    assert profile(Text("9月1日，5所学校开学。", "x", "x", "text/html", stated=stated)).issuer is None


def test_furniture_is_passed_over() -> None:
    content = "教育要点\n云川市教育局2023年工作总结\n2023年，新建学校5所。"
    text = Text(content, "x", "x", "text/html", blocks=(Block("furniture", 0, 4),))
    assert profile(text).title == "云川市教育局2023年工作总结"


@given(st.text(alphabet="云川市教育局2023年工作总结关于的通知要点《》〔〕月日12：|。，\n 　#报告第届", max_size=120))
def test_any_text_has_a_profile(content: str) -> None:
    found = profile(Text.of(content))
    assert found == profile(Text.of(content))
    assert found.title is None or found.title
