from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zongjie.alphabet import PAD, UNKNOWN, Alphabet
from zongjie.reading import Reading
from zongjie.text import Text
from zongjie.windows import COLUMNS, MARKS, Said, marks_of, windows

PIECES = [
    "一、工作成效\n",
    "2023年，",
    "全县新建",
    "改扩建幼儿园",
    "12所",
    "投入资金1.5亿元",
    "占比达93.2%",
    "力争",
    "云川市",
]
PIECES += [
    "实验小学",
    "“阳光助学”工程",
    "（其中：",
    "）",
    "，",
    "；",
    "。",
    "！",
    "\n",
    "\n\n",
    "\u3000",
    " ",
    "a",
    "𠮷",
    "较上年增长",
]
REPORTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
ALPHABET = Alphabet.of(PIECES, at_least=1)


@settings(deadline=None)
@given(REPORTS, st.integers(2, 60))
def test_windows_hold_every_character_once_and_are_never_too_long(text: str, longest: int) -> None:
    reading = Reading(Text.of(text))
    cut = windows(reading, Said.of(reading), ALPHABET, longest=longest)
    assert [i for w in cut for i in range(w.start, w.end)] == list(range(len(reading.text)))
    assert all(0 < w.end - w.start <= longest for w in cut)
    for window in cut:
        assert window.ids.shape == (window.end - window.start,)
        assert window.marks.shape == (window.end - window.start, COLUMNS)
        assert window.ids.tolist() == ALPHABET.encode(reading.text[window.start : window.end]).tolist()
        assert (window.ids != PAD).all()


@settings(deadline=None)
@given(REPORTS)
def test_marks_have_an_id_of_their_own_and_do_not_depend_on_windows(text: str) -> None:
    reading = Reading(Text.of(text))
    said = Said.of(reading)
    marks = marks_of(reading, said)
    assert marks.min(initial=0) >= 0
    assert marks.max(initial=0) < MARKS
    columns = [set(marks[:, i].tolist()) - {0} for i in range(COLUMNS)]
    assert sum(map(len, columns)) == len(set().union(*columns))  # no id stands in two columns
    pieces = [w.marks for w in windows(reading, said, ALPHABET, longest=20)]
    assert np.array_equal(np.concatenate(pieces) if pieces else marks, marks)


def test_a_short_text_is_one_window_and_a_long_one_is_cut_behind_a_sentence() -> None:
    text = "全县新建幼儿园12所。投入资金1.5亿元。"
    reading = Reading(Text.of(text))
    said = Said.of(reading)
    assert [(w.start, w.end) for w in windows(reading, said, ALPHABET, longest=32)] == [(0, len(text))]
    cut = windows(reading, said, ALPHABET, longest=15)
    assert [text[w.start : w.end] for w in cut] == ["全县新建幼儿园12所。", "投入资金1.5亿元。"]


def test_a_sentence_that_is_too_long_is_cut_behind_a_clause() -> None:
    text = "全县新建幼儿园12所，投入资金1.5亿元，占比达93.2%。"
    reading = Reading(Text.of(text))
    cut = windows(reading, Said.of(reading), ALPHABET, longest=25)
    assert [text[w.start : w.end] for w in cut] == ["全县新建幼儿园12所，投入资金1.5亿元，", "占比达93.2%。"]


def test_an_empty_text_has_no_windows() -> None:
    reading = Reading(Text.of(""))
    assert windows(reading, Said.of(reading), ALPHABET, longest=32) == []


@pytest.mark.parametrize(("character", "same"), [("１", "1"), ("，", ","), ("Ａ", "A")])
def test_width_makes_no_other_character(character: str, same: str) -> None:
    alphabet = Alphabet("1,A")
    assert alphabet.encode(character) == alphabet.encode(same) != UNKNOWN
