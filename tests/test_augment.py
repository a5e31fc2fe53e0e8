from collections.abc import Sequence
from pathlib import Path

import pytest

from zongjie.clauses import split_clauses
from zongjie.corpus import Passage, parse_markup, read_gold
from zongjie.quantity import parse_quantity
from zongjie.training.augment import augmented
from zongjie.training.edits import Edit, edited

ROOT = Path(__file__).parents[1]

MARKUP = """\
#zj-u1
<T1|2023年>，<G1|全县><A1|实施><M1|<P1|“薄弱学校提升”工程>><N1|46个>，<S1|临溪县杏坪小学><A2|新增><M2|学位><N2|600个>。教师走进课堂。
N1 M1 A1 P1 T1 G1 actual level 46|46|个|=
N2 M2 A2 T1 G1 S1 actual level 600|600|个|=
roles O R R M
"""


def passage() -> Passage:
    return parse_markup(MARKUP, source="made-up")[0]


def apply(old: str, new: str) -> Passage | None:
    start = passage().text.index(old)
    return edited(passage(), [Edit(start, start + len(old), new)])


@pytest.fixture(scope="module")
def gold() -> list[Passage]:
    return read_gold(ROOT / "data" / "gold")


@pytest.fixture(scope="module")
def copies(gold: list[Passage]) -> list[Passage]:
    return augmented(gold, copies=2, seed=5)


def test_edited_moves_what_stands_after_and_around() -> None:
    changed = apply("薄弱学校提升", "强基")
    assert changed is not None
    assert changed.text == "2023年，全县实施“强基”工程46个，临溪县杏坪小学新增学位600个。教师走进课堂。"
    assert {t.id: t.text for t in changed.entities} == {
        **{t.id: t.text for t in passage().entities},
        "M1": "“强基”工程",
        "P1": "“强基”工程",
    }
    assert all(changed.text[t.start : t.end] == t.text for t in changed.entities)
    assert Passage.from_dict(changed.to_dict()).facts == passage().facts
    assert [(c.start, c.end) for c in changed.clauses] == split_clauses(changed.text)


@pytest.mark.parametrize("old", ["年，全", "“薄弱学校提升”工程46", "46个，临溪县"])
def test_edited_leaves_out_what_crosses_a_span(old: str) -> None:
    assert apply(old, "某") == passage()


def test_edited_keeps_a_span_whose_first_character_is_lost() -> None:
    changed = apply("“", "")
    assert changed is not None
    assert next(t.text for t in changed.entities if t.id == "P1") == "薄弱学校提升”工程"


def test_edited_takes_the_first_of_two_edits_that_overlap() -> None:
    start = passage().text.index("教师")
    changed = edited(passage(), [Edit(start + 1, start + 4, ""), Edit(start, start + 3, "老师走")])
    assert changed is not None
    assert changed.text.endswith("。老师走进课堂。")


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [("46个", "4.8万个", "48000"), ("46个", "46 个", "46"), ("600", "６００", "600"), ("600", "7,000", "7000")],
)
def test_edited_tells_new_values(old: str, new: str, value: str) -> None:
    changed = apply(old, new)
    assert changed is not None
    assert value in [str(claim.value.low) for claim in changed.facts]


@pytest.mark.parametrize(("old", "new"), [("46个", "46所"), ("46个", "近46个"), ("46个", "若干个")])
def test_edited_refuses_another_unit_or_flag(old: str, new: str) -> None:
    assert apply(old, new) is None


def test_a_joined_clause_has_the_role_of_its_last_part() -> None:
    changed = apply("。", "")
    assert changed is not None
    assert [c.role for c in changed.clauses] == ["O", "R", "M"]


def test_a_clause_that_falls_apart_keeps_its_role() -> None:
    changed = apply("小学新增", "小学，新增")
    assert changed == passage()  # 小学 ends a span
    changed = apply("走进", "，走进")
    assert changed is not None
    assert [c.role for c in changed.clauses] == ["O", "R", "R", "M", "M"]


def test_copies_pass_the_checks_of_the_corpus(copies: list[Passage]) -> None:
    for copy in copies:
        assert Passage.from_dict(copy.to_dict()) == copy
        assert all(copy.text[t.start : t.end] == t.text for t in copy.entities)
        assert [(c.start, c.end) for c in copy.clauses] == split_clauses(copy.text)


def test_copies_differ_and_keep_spans_and_facts(gold: list[Passage], copies: list[Passage]) -> None:
    originals = {p.id: p for p in gold}
    assert len(copies) >= 0.8 * 2 * len(gold)
    assert len({copy.id for copy in copies}) == len(copies)
    for copy in copies:
        original = originals[copy.id.rsplit("+", 1)[0]]
        assert copy.text != original.text
        assert [(t.id, t.type) for t in copy.entities] == [(t.id, t.type) for t in original.entities]
        assert [(c.number, c.links(), c.status, c.kind, c.value.unit, c.value.flag) for c in copy.facts] == [
            (c.number, c.links(), c.status, c.kind, c.value.unit, c.value.flag) for c in original.facts
        ]


def test_values_of_copies_are_what_their_numbers_say(gold: list[Passage], copies: list[Passage]) -> None:
    originals = {p.id: p for p in gold}
    changed = 0
    for copy in copies:
        for old, new in zip(originals[copy.id.rsplit("+", 1)[0]].facts, copy.facts, strict=True):
            if old.value != new.value:
                said = parse_quantity(next(t.text for t in copy.entities if t.id == new.number))
                assert said is not None
                assert (said.low, said.high, said.flag) == (new.value.low, new.value.high, new.value.flag)
                changed += 1
    assert changed > len(copies) / 4


def test_a_part_stays_below_its_whole(gold: list[Passage], copies: list[Passage]) -> None:
    def order(passage: Passage) -> list[bool]:
        most = {c.number: max(v for v in (c.value.low, c.value.high) if v is not None) for c in passage.facts}
        units = {c.number: c.value.unit for c in passage.facts}
        based = [(c.number, c.base) for c in passage.facts if c.base and units[c.base] == units[c.number]]
        return [most[number] < most[base] for number, base in based]

    originals = {p.id: p for p in gold}
    told = [(order(copy), order(originals[copy.id.rsplit("+", 1)[0]])) for copy in copies]
    assert sum(len(new) for new, _ in told) > 100
    assert all(new == old for new, old in told)


def test_shares_stay_shares(copies: list[Passage], gold: list[Passage]) -> None:
    def over(passages: Sequence[Passage]) -> set[str]:
        values = ((p.id.split("+")[0], c.value) for p in passages for c in p.facts if c.value.unit == "%")
        return {id_ for id_, value in values if max(value.low or 0, value.high or 0) > 100}

    assert over(copies) <= over(gold)


def test_deictic_places_stay(gold: list[Passage]) -> None:
    copy = augmented([passage(), *gold[:10]], copies=20, seed=2)[:20]
    places = {t.text for p in copy for t in p.entities if t.type == "PLACE"}
    schools = {t.text for p in copy for t in p.entities if t.type == "SCHOOL"}
    assert places == {"全县"}
    assert len(schools) > 3


def test_a_school_and_its_short_name_change_alike(gold: list[Passage]) -> None:
    markup = (
        "#zj-u2\n<S1|临溪县杏坪第一小学>新校区落成，<S2|杏坪一小><A1|新增><M1|学位><N1|300个>。\n"
        "N1 M1 A1 S2 actual level 300|300|个|=\nroles R R\n"
    )
    family = parse_markup(markup, source="made-up")
    seen = set()
    for copy in augmented([*family, *gold[:10]], copies=20, seed=3)[:20]:
        long, short = (t.text for t in copy.entities if t.type == "SCHOOL")
        core = short.removesuffix("一小")
        assert core in long
        seen.add(core)
    assert len(seen) > 3


def test_years_move_alike() -> None:
    markup = "#zj-u3\n<T1|2021年>开工的教学楼，按《2021年校舍规划》于<T2|2023年9月>交付使用。\nroles O R\n"
    for copy in augmented(parse_markup(markup, source="made-up"), copies=20, seed=4):
        first, second = (int(t.text[:4].translate({0xFF10 + d: 48 + d for d in range(10)})) for t in copy.entities)
        assert second - first == 2


def test_seed_decides(gold: list[Passage]) -> None:
    some = gold[:40]
    first = augmented(some, copies=2, seed=5)
    assert augmented(some, copies=2, seed=5) == first
    assert augmented(some, copies=1, seed=5) == [copy for copy in first if copy.id.endswith("+1")]
    assert augmented(some, copies=2, seed=6) != first


def test_what_cannot_change_has_no_copy() -> None:
    bare = parse_markup("#zj-u4\n教师走进课堂\nroles M\n", source="made-up")
    assert all(copy.text != bare[0].text for copy in augmented(bare, copies=3, seed=1))
    assert augmented([], copies=2, seed=1) == []
