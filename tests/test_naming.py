"""Nouns of a list that share a head."""

import re

import pytest

from zongjie.naming import Stated, full_names


def names(marked: str) -> list[str]:
    """Complete the nouns between ‹ and ›; each measures the number in its turn, between { and }, or the last one."""
    text = re.sub("[‹›{}]", "", marked)
    at = [m.start() - i for i, m in enumerate(re.finditer("[‹›{}]", marked))]
    kinds = re.findall("[‹{]", marked)
    found = list(zip(kinds, zip(at[::2], at[1::2], strict=True), strict=True))
    numbers = [where for kind, where in found if kind == "{"]
    nouns = [where for kind, where in found if kind == "‹"]
    numbers += [numbers[-1]] * (len(nouns) - len(numbers))
    units = [re.sub(r"[\d.:]", "", text[slice(*number)]) for number in numbers]
    rows = [Stated(*row) for row in zip(nouns, numbers, units, strict=True)]
    return [name for _, name in sorted(full_names(text, rows).items())]


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("‹城镇›、‹农村居民人均可支配收入›分别增长{4.3%}、{5.7%}", ["城镇居民人均可支配收入"]),
        ("‹小学›、‹初中›和‹普通高中生师比›均为{16:1}", ["小学生师比", "初中生师比"]),
        ("‹公办小学›与‹初中学生人均公用经费›为{720元}", ["公办小学学生人均公用经费"]),
        ("‹幼儿园›、‹小学›、‹初中›各{3所}", []),  # each is whole
        ("‹小学入学率›、‹初中毛入学率›均为{100%}", []),
        ("‹制造业›、‹普惠小微贷款余额›增长{10%}", []),  # not of one kind: where the head begins is not known
        ("‹初中专任教师›、‹小学›各有{20人}", []),  # the head stands with the last
    ],
)
def test_a_noun_gets_the_head_that_the_last_one_has(marked: str, expected: list[str]) -> None:
    assert names(marked) == expected


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("‹小学师生比›{1:19}、‹初中›{1:13.5}，‹高中›{1:12.5}", ["初中师生比", "高中师生比"]),
        ("‹城区小学平均班额›{43.6人}，‹镇区›{38.2人}", ["镇区小学平均班额"]),
        ("‹小学›{98所}，‹初中›{31所}", []),  # each is whole
        ("‹小学在校生›{5万人}，‹初中›{31所}", []),  # another unit, so another thing
        ("‹小学在校生›{5万人}。‹初中›{2万人}", []),
        ("‹幼儿园在园幼儿›{4560人}，‹小学›{1200人}", []),  # a head of kindergartens alone
        ("‹小学服务半径›{500米}，‹初中运动会›{800米}", []),
    ],
)
def test_a_noun_gets_the_head_of_the_one_before_it(marked: str, expected: list[str]) -> None:
    assert names(marked) == expected
