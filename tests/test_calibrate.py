"""Calibration, the model card and the classes of errors: on made-up scores, layers and figures, without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="sklearn is not installed: pip install 'zongjie[train]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'zongjie[train]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'zongjie[train]'")

from zongjie.alphabet import Alphabet
from zongjie.corpus import Passage, parse_markup
from zongjie.decoding import TOKENS, Scores
from zongjie.errors import ModelError
from zongjie.layers import LINKS
from zongjie.model import FORMAT, Card, digest, read_card
from zongjie.score import FactRow, Layers, RoleRange, compare
from zongjie.tagger import Calibration, Mix, Tagger
from zongjie.training import calibrate, card, errors
from zongjie.training.calibrate import Seen
from zongjie.windows import COLUMNS, MARKS, TYPES, Window

PASSAGES = """
#one
<T1|2023年>，<G1|全市><A1|新建><M1|幼儿园><N1|26所>，<A2|新增><M2|学位><N2|7400个>。
N1 M1 A1 T1 G1 actual level 26|26|所|=
N2 M2 A2 T1 G1 actual level 7400|7400|个|=
roles O R R

#two
<G1|岚江县><M1|食堂达标率>、<M2|课后服务覆盖率>均为<N1|100%>。
N1 M1 G1 actual level 100|100|%|=
N1 M2 G1 actual level 100|100|%|=
roles R
"""
SHARP = {"fact": (2.5, -0.6), "statement": (0.4, 0.2), "NUMBER": (1.7, 0.3), "SCHOOL": (0.5, -1.0)}  # the truth


class Dice:
    """Scores by chance, the same on every run."""

    def __call__(self, batch: Sequence[Window]) -> list[Scores]:
        rng = np.random.default_rng(7)
        return [
            Scores(
                rng.normal(-3, 1.5, (len(TYPES), n, n)),
                rng.normal(size=(len(LINKS), n, 4)),
                rng.normal(size=(len(LINKS), n, 4)),
                rng.normal(size=(n, TOKENS)),
            )
            for n in (len(w.ids) for w in batch)
        ]


@pytest.fixture
def passages() -> list[Passage]:
    return parse_markup(PASSAGES, source="made-up")


@pytest.fixture
def tagger(passages: list[Passage]) -> Tagger:
    return Tagger(Dice(), Alphabet.of((p.text for p in passages), at_least=1), Mix(), Calibration({"fact": (9.0, 9.0)}))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "alphabet.txt").write_text("一二\n", "utf-8")
    files = {"alphabet.txt": digest(folder / "alphabet.txt")}
    made = Card(format=FORMAT, marks=(MARKS, COLUMNS), mix=Mix(), calibration={"TIME": (1.0, 2.0)}, files=files)
    (folder / "model.json").write_text(made.model_dump_json(), "utf-8")
    return folder


def made_up(each: int, seed: int) -> list[Seen]:
    """Scores whose chance of being right is known, as an uncalibrated model would state them."""
    rng = np.random.default_rng(seed)
    seen = []
    for kind, (slope, intercept) in SHARP.items():
        for score in rng.normal(1, 2, each):
            stated, true = (1 / (1 + np.exp(-x)) for x in (score, slope * score + intercept))
            seen.append(Seen(kind, float(stated), bool(rng.random() < true)))
    return seen


def error(seen: Sequence[Seen], lines: dict[str, calibrate.Line]) -> float:
    chances = [Calibration(lines).chance(one.kind, one.score) for one in seen]
    return calibrate.expected_error(chances, [one.right for one in seen])


# -- calibration -------------------------------------------------------------------------------------------------------


def test_fitted_lines_make_scores_honest() -> None:
    lines = calibrate.fit_lines(made_up(4000, seed=1))
    for kind, truth in SHARP.items():
        assert lines[kind] == pytest.approx(truth, abs=0.3)
        fresh = [one for one in made_up(4000, seed=2) if one.kind == kind]
        assert error(fresh, lines) <= 0.03 < error(fresh, {})


def test_kinds_with_few_examples_share_the_line_of_all_spans() -> None:
    few = made_up(29, seed=3)
    lines = calibrate.fit_lines(few)
    assert set(lines) == set(TYPES)  # 29 facts and 29 statements are too few, 58 spans together are not
    assert len(set(lines.values())) == 1
    assert calibrate.fit_lines(few[:29]) == {}
    assert calibrate.fit_lines([]) == {}


def test_a_line_can_be_fitted_where_all_is_right() -> None:
    slope, intercept = calibrate.fit_lines([Seen("fact", 0.6 + i / 200, True) for i in range(50)])["fact"]
    assert all(0.9 < Calibration({"fact": (slope, intercept)}).chance("fact", score) < 1 for score in (0.5, 1.0, 1.5))


def test_bins_add_up() -> None:
    chances, right = [0.0, 0.05, 0.1, 0.55, 0.95, 1.0], [False, True, False, True, True, True]
    rows = calibrate.reliability(chances, right)
    assert sum(row.size for row in rows) == len(chances)
    assert sum(row.size * row.right for row in rows) == pytest.approx(sum(right))
    assert sum(row.size * row.chance for row in rows) == pytest.approx(sum(chances))
    assert [row.size for row in rows] == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]
    assert all(row.low <= row.chance <= row.high for row in rows if row.size)
    expected = (abs(0.05 - 1) + 0.1 + 0.45 + abs(1.95 - 2)) / 6
    assert calibrate.expected_error(chances, right) == pytest.approx(expected)
    assert calibrate.expected_error([], []) == 0


def test_scores_are_collected_as_the_model_gives_them(tagger: Tagger, passages: list[Passage]) -> None:
    seen = calibrate.collect(tagger, passages)
    assert seen == calibrate.collect(tagger, passages)
    assert sum(one.kind == "statement" for one in seen) == 4  # every clause
    assert {one.kind for one in seen} & set(TYPES)
    assert any(one.chance != round(one.chance, 3) for one in seen)
    bare = Tagger(tagger.scorer, tagger.alphabet, tagger.mix, Calibration())
    stated = [one for extracted in calibrate.extract(bare, passages) for one in calibrate.judge(extracted)]
    assert [(one.kind, one.right) for one in seen] == [(one.kind, one.right) for one in stated]
    assert [one.chance for one in seen] == pytest.approx([one.chance for one in stated], abs=6e-4)


def test_what_is_right_is_what_the_score_counts(tagger: Tagger, passages: list[Passage]) -> None:
    found = {e.passage.id: e for e in calibrate.extract(tagger, passages)}
    seen = calibrate.collect(tagger, passages)
    gold = [Layers.of(p.to_dict()) for p in passages]
    scores = compare(gold, {id_: Layers.of(e.record.to_dict()) for id_, e in found.items()})
    for kind in (*TYPES, "fact"):
        counts = scores.measures.get("fact.core" if kind == "fact" else f"span.{kind}")
        right = [one.right for one in seen if one.kind == kind]
        assert (sum(right), len(right)) == ((counts.tp, counts.tp + counts.fp) if counts else (0, 0))


def test_new_lines_stand_in_the_model(model: Path) -> None:
    before = read_card(model)
    calibrate.recalibrate(model, {"fact": (1.5, -0.25)})
    after = read_card(model)
    assert after.calibration == {"fact": (1.5, -0.25)}
    assert after == before.model_copy(update={"calibration": after.calibration})
    with pytest.raises(ModelError):
        calibrate.recalibrate(model.parent, {})


def test_the_picture_is_small_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        calibrate.plot(made_up(300, seed=4), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").stat().st_size <= 40_000


# -- the card ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def found(passages: list[Passage]) -> dict[str, Layers]:
    """The first passage as annotated; of the second nothing."""
    return {"one": Layers.of(passages[0].to_dict()), "two": Layers("two", passages[1].text)}


def test_the_interval_is_the_same_each_time_and_holds_the_figure(
    passages: list[Passage], found: dict[str, Layers]
) -> None:
    documents = [compare([Layers.of(p.to_dict())], found) for p in passages]
    bounds = card.bootstrap(documents)
    assert bounds == card.bootstrap(documents)
    assert bounds != card.bootstrap(documents, draws=3, seed=5)
    whole = compare([Layers.of(p.to_dict()) for p in passages], found)
    assert set(bounds) == {*whole.measures, "roles.macro"}
    for name, (low, high) in bounds.items():
        assert 0 <= low <= whole.f1(name) <= high <= 1
    assert bounds["span.PLACE"] == (0, 1)  # either document may be drawn twice
    assert card.bootstrap(documents[:1])["fact.core"] == (1, 1)


def test_names_are_counted_by_whether_training_had_them(passages: list[Passage], found: dict[str, Layers]) -> None:
    names = card.known_names(passages, passages[:1], found)
    assert names["PLACE"] == {"seen": {"gold": 1, "found": 1}, "unseen": {"gold": 1, "found": 0}}
    assert names["METRIC"] == {"seen": {"gold": 2, "found": 2}, "unseen": {"gold": 2, "found": 0}}
    assert names["SCHOOL"]["seen"]["gold"] == 0


def test_a_learning_curve_is_read_in_both_forms(passages: list[Passage], found: dict[str, Layers]) -> None:
    scores = compare([Layers.of(p.to_dict()) for p in passages], found)
    curve = card.curve_of({"100": scores.to_dict(), "25": {"fact.core": 0.5}})
    assert list(curve) == ["25", "100"]
    assert curve["25"] == {"fact.core": 0.5}
    assert curve["100"] == {name: scores.f1(name) for name in card.HEADLINES}


def test_the_card_says_what_the_figures_say(model: Path, passages: list[Passage], found: dict[str, Layers]) -> None:
    scores = compare([Layers.of(p.to_dict()) for p in passages], found)
    seen = made_up(40, seed=6)
    figures = {
        "model": {"bytes": {"network.onnx": 9_870_000}, "weights": 9_500_000, "seconds_to_open": 0.25},
        "measured_on": {"passages": 2, "documents": 1, "documents_also_in_train": 0, "train_passages": 1},
        **scores.to_dict(),
        "f1_interval": card.bootstrap([scores]),
        "names": card.known_names(passages, passages[:1], found),
        "calibration": card.calibration(seen),
        "curve": card.curve_of({"50": {"fact.core": 0.4321}}),
        "speed": {"characters a second": 4321},
    }
    card.write(model, figures, seen)
    text = (model / "README.md").read_text("utf-8")
    assert json.loads((model / "figures.json").read_text("utf-8"))["measures"] == figures["measures"]
    assert (model / "calibration.png").is_file()
    assert text.startswith("---\nlanguage: zh\n")
    for said in (
        "# model\n",
        "2 passages of 1 documents",
        "| fact.core | 1.000 | 0.500 | 0.667 | 0.667 to 0.667 | 4 |",
        "| PLACE | 1.000 | 1 | 0.000 | 1 |",
        "| SCHOOL | - | 0 | - | 0 |",
        "| 50 % | 0.432 |",
        "| `network.onnx` | 9,870 kB |",
        "| characters a second | 4321 |",
        "All links are chosen by the grammar",
        "(Platt 1999)",
    ):
        assert said in text
    assert "{" not in text
    assert "None" not in text


# -- errors ------------------------------------------------------------------------------------------------------------

TEXT = "岚江县新建幼儿园二十六所，新增学位七千个，招聘教师九名，培训校长三次，其他不详。"


def at(words: str) -> tuple[int, int]:
    start = TEXT.index(words)
    return start, start + len(words)


def fact(number: str, metric: str | None, low: float = 1.0, kind: str = "level") -> FactRow:
    links = (at(metric) if metric else None, *[None] * 6)
    return FactRow(at(number), (low, low, "", "="), "actual", kind, links)


def layers_of(spans: dict[str, str], facts: Sequence[FactRow] = (), roles: str = "") -> Layers:
    edges = [0, *(i + 1 for i, c in enumerate(TEXT) if c in "，。")]
    ranges = tuple(RoleRange(edges[i], edges[i + 1], role) for i, role in enumerate(roles))
    return Layers("p", TEXT, frozenset((type_, *at(words)) for words, type_ in spans.items()), tuple(facts), ranges)


def classes(gold: Layers, found: Layers) -> list[str]:
    return [slip.what for slip in errors.slips(gold, found)]


@pytest.mark.parametrize(
    ("gold", "found", "said"),
    [
        ({"岚江县": "PLACE"}, {"岚江县": "PLACE"}, []),
        ({"岚江县": "PLACE"}, {}, ["PLACE missed"]),
        ({}, {"教师": "METRIC"}, ["METRIC spurious"]),
        ({"岚江县": "PLACE"}, {"岚江县": "SCHOOL"}, ["PLACE marked SCHOOL"]),
        ({"幼儿园": "METRIC"}, {"儿园": "METRIC"}, ["METRIC boundary left"]),
        ({"幼儿园": "METRIC"}, {"幼儿": "METRIC"}, ["METRIC boundary right"]),
        ({"幼儿园": "METRIC"}, {"新建幼儿园二": "METRIC"}, ["METRIC boundary both"]),
        ({"幼儿园": "METRIC"}, {"新建幼儿": "PROGRAM"}, ["PROGRAM spurious", "METRIC missed"]),
        ({"新建幼儿园": "METRIC"}, {"新建": "METRIC", "幼儿园": "METRIC"}, ["METRIC boundary left", "METRIC spurious"]),
    ],
)
def test_classes_of_span_errors(gold: dict[str, str], found: dict[str, str], said: list[str]) -> None:
    assert classes(layers_of(gold), layers_of(found)) == said


@pytest.mark.parametrize(
    ("gold", "found", "said"),
    [
        ([fact("九名", "教师")], [fact("九名", "教师")], []),
        ([fact("九名", "教师")], [], ["NUMBER missing"]),
        ([fact("九名", "教师")], [fact("九", "教师")], ["NUMBER boundary"]),
        ([], [fact("九名", "教师")], ["NUMBER spurious"]),
        ([fact("九名", "教师")], [fact("九名", "招聘教师")], ["METRIC boundary"]),
        ([fact("九名", "教师")], [fact("九名", "校长")], ["METRIC other"]),
        ([fact("九名", "教师")], [fact("九名", None)], ["METRIC missing"]),
        ([fact("九名", None)], [fact("九名", "教师")], ["METRIC where there is none"]),
        ([fact("九名", "教师")], [fact("九名", "校长", 2.0, "up")], ["METRIC other + value + kind"]),
        ([fact("九名", "教师"), fact("九名", "校长")], [fact("九名", "校长")], ["one fact too few of a NUMBER"]),
        ([fact("九名", "教师")], [fact("九名", "校长"), fact("九名", "教师")], ["one fact too many of a NUMBER"]),
    ],
)
def test_classes_of_fact_errors(gold: list[FactRow], found: list[FactRow], said: list[str]) -> None:
    assert classes(layers_of({}, gold), layers_of({}, found)) == said


def test_errors_are_reported_the_largest_class_first() -> None:
    gold = layers_of({"岚江县": "PLACE", "教师": "METRIC", "校长": "METRIC"}, [fact("九名", "教师")], "RRRMO")
    found = layers_of({}, [], "RMMRO")
    text = errors.report(errors.slips(gold, found), most=1)
    assert [line.strip() for line in text.splitlines() if not line.strip().startswith("p: ")] == [
        "spans: 3 errors",
        "2  METRIC missed",
        "1  PLACE missed",
        "facts: 1 errors",
        "1  NUMBER missing",
        "roles: 3 errors",
        "2  R as M",
        "1  M as R",
    ]
    assert text.count("p: ") == 5
    assert "‹教师›" in text
    assert "p: " not in errors.report(errors.slips(gold, found), most=0)
