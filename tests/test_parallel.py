"""Nouns of a list that share what follows the last of them."""

import re

import pytest

from zongjie.parallel import full_names


@pytest.mark.parametrize(
    ("marked", "names"),
    [
        ("‹城镇›、‹农村居民人均可支配收入›分别增长4.3%、5.7%", ["城镇居民人均可支配收入"]),
        ("‹小学›、‹初中›和‹普通高中生师比›依次为", ["小学生师比", "初中生师比"]),
        ("‹公办小学›与‹初中学生人均公用经费›", ["公办小学学生人均公用经费"]),
        ("‹幼儿园›、‹小学›、‹初中›分别净增", []),  # each is whole
        ("‹小学入学率›、‹初中毛入学率›均为", []),
        ("‹制造业›、‹普惠小微贷款余额›分别增长", []),  # not of one kind: where the head begins is not known
        ("‹小学›12所，‹初中专任教师›320人", []),  # no list
        ("‹初中专任教师›、‹小学›各有", []),  # the head stands with the last
    ],
)
def test_a_noun_gets_the_head_that_the_last_one_has(marked: str, names: list[str]) -> None:
    text = re.sub("[‹›]", "", marked)
    marks = [m.start() - i for i, m in enumerate(re.finditer("[‹›]", marked))]
    assert [name for _, name in sorted(full_names(text, zip(marks[::2], marks[1::2], strict=True)).items())] == names
