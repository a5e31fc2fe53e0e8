from __future__ import annotations

import math
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zongjie.decoding import (
    TOKENS,
    WEIGHT,
    Floats,
    Scores,
    decode_spans,
    end_earlier,
    hear_neighbours,
    link_chances,
    role_chances,
    state_chances,
)
from zongjie.layers import LINKS
from zongjie.text import Mention
from zongjie.windows import KINDS, ROLES, STATUSES, TYPES

MAY_HOLD = {("METRIC", "PROGRAM"), ("PROGRAM", "SCHOOL")}


@st.composite
def grids(draw: st.DrawFn) -> Floats:
    """Scores of spans: most below zero, as many above as there is room to quarrel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, 14))
    return (rng.normal(size=(len(TYPES), length, length)) - draw(st.sampled_from([0.0, 1.0, 2.0]))).astype(np.float32)


def empty(length: int) -> Floats:
    return np.full((len(TYPES), length, length), -1, np.float32)


@settings(deadline=None)
@given(grids())
def test_spans_never_cross_and_nest_only_as_the_guide_says(scores: Floats) -> None:
    found = decode_spans(scores)
    for a, b in combinations(found, 2):
        if a.end <= b.start or b.end <= a.start:
            continue
        pairs = [(o, i) for o, i in ((a, b), (b, a)) if o.start <= i.start and i.end <= o.end]
        assert any((outer.type, inner.type) in MAY_HOLD for outer, inner in pairs), (a, b)


@settings(deadline=None)
@given(grids(), st.integers(0, 500))
def test_spans_are_real_sure_and_in_the_offsets_of_the_view(scores: Floats, offset: int) -> None:
    found = decode_spans(scores, offset=offset)
    for mention, score in found.items():
        assert offset <= mention.start < mention.end <= offset + scores.shape[1]
        assert score == scores[TYPES.index(mention.type), mention.start - offset, mention.end - 1 - offset] > 0
    assert list(found.values()) == sorted(found.values(), reverse=True)


@settings(deadline=None)
@given(grids())
def test_what_is_left_out_quarrels_with_something_surer(scores: Floats) -> None:
    found = decode_spans(scores)
    for kind, first, last in zip(*np.nonzero(scores > 0), strict=True):
        here = Mention(int(first), int(last) + 1, TYPES[kind])
        if first <= last and here not in found:
            assert any(
                m.start < here.end and here.start < m.end and score >= scores[kind, first, last]
                for m, score in found.items()
            )


@pytest.mark.parametrize(
    ("outer", "inner", "both"),
    [("METRIC", "PROGRAM", True), ("PROGRAM", "SCHOOL", True), ("PROGRAM", "METRIC", False), ("METRIC", "TIME", False)],
)
@pytest.mark.parametrize("length", [3, 5])
def test_who_may_hold_whom(outer: str, inner: str, both: bool, length: int) -> None:
    scores = empty(5)
    scores[TYPES.index(outer), 0, 4] = 2  # type: ignore[arg-type]
    scores[TYPES.index(inner), 0, length - 1] = 1  # type: ignore[arg-type]
    expected = {Mention(0, 5, outer)} | ({Mention(0, length, inner)} if both else set())  # type: ignore[arg-type]
    if length == 5 and (outer, inner) == ("PROGRAM", "METRIC"):
        expected.add(Mention(0, 5, "METRIC"))  # of one extent, so the METRIC holds the PROGRAM
    assert set(decode_spans(scores)) == expected


def test_a_shift_raises_recall_of_its_type_only() -> None:
    shift = np.zeros(len(TYPES), np.float32)
    shift[TYPES.index("PLACE")] = 1.5
    scores = np.full((len(TYPES), 2, 2), -1, np.float32)
    assert not decode_spans(scores)
    assert {m.type for m in decode_spans(scores, shift=shift)} == {"PLACE"}


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_roles_have_chances_whatever_the_weights(lengths: list[int], seed: int) -> None:
    ends = np.cumsum(lengths)
    tokens = np.random.default_rng(seed).normal(scale=50, size=(int(ends[-1]), TOKENS)).astype(np.float32)
    chances = role_chances(tokens, [(int(end) - n, int(end)) for n, end in zip(lengths, ends, strict=True)])
    assert chances.shape == (len(lengths), len(ROLES))
    assert np.allclose(chances.sum(1), 1, atol=1e-5)


def test_the_weightiest_character_speaks_for_its_clause() -> None:
    tokens = np.zeros((4, TOKENS), np.float32)
    tokens[0, 1], tokens[1, 2] = 5, 5
    tokens[1, WEIGHT] = 100  # bounded, so that nothing overflows
    assert role_chances(tokens, [(0, 2), (2, 4)])[0].argmax() == 2


def test_states_are_the_mean_over_a_number() -> None:
    tokens = np.zeros((3, TOKENS), np.float32)
    tokens[1, WEIGHT + 1] = 9
    tokens[2, WEIGHT + 1 + len(STATUSES) + 1] = 9
    status, kind = state_chances(tokens, [Mention(1, 3, "NUMBER")])
    assert (status.shape, kind.shape) == ((1, len(STATUSES)), (1, len(KINDS)))
    assert (status.argmax(), kind.argmax()) == (0, 1)


@settings(deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=1, max_size=6), st.floats(0, 6))
def test_neighbours_are_heard_as_if_all_ways_were_weighed(odds: list[float], bond: float) -> None:
    ways = list(product((0, 1), repeat=len(odds)))

    def weight(way: tuple[int, ...]) -> float:
        alike = sum(a == b for a, b in pairwise(way))
        return math.exp(sum(o for o, second in zip(odds, way, strict=True) if second) + bond * alike)

    told = hear_neighbours(odds, [bond] * (len(odds) - 1))
    for i, log_odds in enumerate(told):
        for_it, against = (sum(weight(way) for way in ways if way[i] == choice) for choice in (1, 0))
        assert log_odds == pytest.approx(math.log(for_it / against), abs=1e-6)


def test_a_doubtful_status_follows_the_sure_ones_beside_it() -> None:
    tokens = np.zeros((5, TOKENS), np.float32)
    tokens[[0, 4], WEIGHT + 2], tokens[2, WEIGHT + 1] = 4.0, 0.5
    numbers = [Mention(at, at + 1, "NUMBER") for at in (0, 2, 4)]
    alone, _ = state_chances(tokens, numbers)
    heard, _ = state_chances(tokens, numbers, [2.0, 2.0])
    parted, _ = state_chances(tokens, numbers, [0.0, 0.0])
    assert alone.argmax(1).tolist() == parted.argmax(1).tolist() == [1, 0, 1]
    assert heard.argmax(1).tolist() == [1, 1, 1]


@pytest.mark.parametrize(("says", "choice"), [(3.0, 0), (-3.0, 1)])
def test_a_link_is_chosen_among_candidates_and_none(says: float, choice: int) -> None:
    ends = np.zeros((len(LINKS), 4, 2), np.float32)
    numbers, others = ends.copy(), ends.copy()
    numbers[0, 3], others[0, 1] = 1, says
    scores = Scores(empty(4), numbers, others, np.zeros((4, TOKENS), np.float32))
    chances = link_chances((scores.numbers, scores.others), 0, 3, [1])
    assert chances.sum() == pytest.approx(1)
    assert chances.argmax() == choice
    assert link_chances((scores.numbers, scores.others), 0, 3, []).tolist() == [1.0]


@pytest.mark.parametrize(("grammar", "trust", "choice"), [(1, 0.0, 0), (1, 5.0, 1), (-1, 2.0, 0), (-1, 5.0, 2)])
def test_the_grammar_s_choice_weighs_as_much_as_it_is_trusted(grammar: int, trust: float, choice: int) -> None:
    ends = np.zeros((len(LINKS), 4, 2), np.float32)
    numbers, others = ends.copy(), ends.copy()
    numbers[0, 3, 0], others[0, 1], others[0, 2] = 1, 3, -1  # three for the first, minus one for the second, none 0
    assert link_chances((numbers, others), 0, 3, [1, 2], favoured=(grammar, trust)).argmax() == choice


def test_what_may_not_end_there_ends_earlier() -> None:
    scores = np.full((6, 6), -20, np.float32)
    scores[1, 3], scores[1, 5], scores[2, 5] = -2, 4, 1
    end_earlier(scores, 1, [5])
    assert (scores[1, 3], scores[2, 5]) == (4, 1)
    assert scores[1, 5] == -np.inf
    end_earlier(scores, 2, [5])
    assert (scores[2] < -10).all()  # nothing that ends earlier is likely enough
    before = scores.copy()
    end_earlier(scores, 3, [])
    assert np.array_equal(scores, before)
