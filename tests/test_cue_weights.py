import itertools
from pathlib import Path

import pytest

from zongjie.corpus import Passage, parse_markup
from zongjie.reading import Reading
from zongjie.rules import find_spans
from zongjie.rules.roles import (
    ROLES,
    _best,
    _seen,
    _votes,
    _weights,
    features,
    find_roles,
    intended,
    pairs_in,
    reached,
    role_words,
)
from zongjie.text import Text
from zongjie.training.cue_weights import as_toml, choose, describe, fit


def passages(count: int) -> list[Passage]:
    rows = []
    for i in range(count):
        rows.append(f"#p{i}\n力争建设更多学校，仍然存在不足。\nroles T I\n")
    return parse_markup("\n".join(rows), source="made up")


def test_fit_learns_which_cue_speaks_for_which_role() -> None:
    rows = [{"bias": 1.0, "plan": 1.0}, {"bias": 1.0, "lack": 1.0}] * 30
    weights = fit(rows, ["T", "I"] * 30, steps=200)
    assert max(weights["plan"], key=weights["plan"].__getitem__) == "T"
    assert max(weights["lack"], key=weights["lack"].__getitem__) == "I"


def test_describe_gives_a_row_a_clause() -> None:
    rows, roles = describe(passages(2))
    assert len(rows) == len(roles) == 4
    assert roles == ["T", "I", "T", "I"]


def test_choose_leaves_out_places_and_rare_pairs() -> None:
    rows = [f"#p{i}\n上海力争建成{'甲乙' if i == 0 else '学校'}。\nroles T\n" for i in range(20)]
    rows += [f"#q{i}\n仍然存在不足。\nroles I\n" for i in range(20)]
    chosen = choose(parse_markup("\n".join(rows), source="made up"), count=50)
    assert "力争" in chosen
    assert "^仍然" in chosen
    assert not {"上海", "^上海", "甲乙", "甲乙$"} & set(chosen)


def test_toml_reads_back(tmp_path: Path) -> None:
    import tomllib

    table = tomllib.loads(as_toml(["^力争"], {"^力争": {"T": 1.5}, "bias": {}}))
    assert table == {"cues": {"pairs": ["^力争"]}, "weights": {"^力争": {"T": 1.5}}}


def test_pairs_mark_start_and_end_behind_the_list_marker() -> None:
    assert pairs_in("（一）加强建设，") == {"加强", "强建", "建设", "^加强", "建设$"}


@pytest.mark.parametrize(
    ("before", "promised", "done"),
    [
        ("年度计划投资", True, False),
        ("力争公办率提高到", True, False),
        ("完成招生计划", False, False),
        ("计划总投资中已完成", False, True),
        ("累计培训教师", False, True),
        ("新增学位", False, False),
    ],
)
def test_words_of_intent_and_of_completion(before: str, promised: bool, done: bool) -> None:
    assert intended(before, 0, len(before)) is promised
    assert reached(before, 0, len(before)) is done


def test_a_heading_overrules_the_voice_of_the_words() -> None:
    plan = Reading(Text.of("2023年工作总结\n一、下一步打算\n新建学校12所，新增学位300个。\n"))
    past = Reading(Text.of("2023年工作总结\n一、主要成效\n新建学校12所，新增学位300个。\n"))
    assert {c.role for c in find_roles(plan, [])[-2:]} == {"T"}
    assert "T" not in {c.role for c in find_roles(past, [])[-2:]}


def test_the_order_of_features_decides_nothing() -> None:
    weights = {"a": {"R": 0.1}, "b": {"R": 0.2}, "c": {"R": 0.3}, "d": {"M": 0.6}}
    roles = {_best({name: 1.0 for name in order}, weights) for order in itertools.permutations("abcd")}
    assert roles == {"M"}


def test_every_context_group_of_the_config_is_one_that_the_code_names() -> None:
    named = {"number_alone", "plan_heading", "past_heading", "issue_heading", "plan_document", "past_document"}
    assert set(role_words().context) == named


def test_votes_count_what_features_name() -> None:
    text = "2023年工作总结\n一、主要成效\n" + "全县新建学校3所，新增学位1200个，同比增长5%；仍存在师资不足的问题。" * 4
    reading = Reading(Text.of(f"{text}\n二、下一步打算\n（一）加强队伍建设，力争到2025年招聘教师200名。\n"))
    own, pairs = _seen(reading, find_spans(reading))
    for row, votes in zip(features(reading, find_spans(reading)), _votes(own, pairs), strict=True):
        summed = [
            sum(strength * _weights().get(name, {}).get(role, 0) for name, strength in row.items()) for role in ROLES
        ]
        assert votes == pytest.approx(summed, abs=1e-9)
