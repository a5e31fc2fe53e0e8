import importlib.util
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from zongjie.corpus import read_gold
from zongjie.record import Record
from zongjie.score import PRF, Layers, compare, evaluate, read_layers, score

TEXT = "新增学位300个，培训教师80人。"


@dataclass(frozen=True)
class FakePassage:
    row: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.row["id"])

    @property
    def text(self) -> str:
        return str(self.row["text"])

    def to_dict(self) -> dict[str, Any]:
        return self.row


def entity(id_: str, type_: str, piece: str) -> dict[str, Any]:
    start = TEXT.index(piece)
    return {"id": id_, "type": type_, "start": start, "end": start + len(piece), "text": piece}


def passage(**changed: object) -> dict[str, Any]:
    """One annotated passage with two facts, changed as asked."""
    entities = [entity("M1", "METRIC", "学位"), entity("N1", "NUMBER", "300个")]
    entities += [entity("A1", "ACTION", "培训"), entity("M2", "METRIC", "教师"), entity("N2", "NUMBER", "80人")]
    said = {"status": "actual", "kind": "level"}
    facts = [
        {"number": "N1", "metric": "M1", "value": {"low": 300.0, "high": 300.0, "unit": "个", "flag": "="}, **said},
        {"number": "N2", "metric": "M2", "action": "A1", "value": {"low": 80, "high": 80, "unit": "人"}, **said},
    ]
    clauses = [{"start": 0, "end": 9, "role": "R"}, {"start": 9, "end": 17, "role": "M"}]
    return {"id": "p1", "text": TEXT, "entities": entities, "facts": facts, "clauses": clauses, **changed}


def compared(changed: dict[str, Any]) -> Callable[[str], float]:
    return compare([Layers.of(passage())], {"p1": Layers.of(changed)}).f1


def test_prf_adds_up() -> None:
    total = PRF.of("aab", "abc") + PRF.of("", "d")
    assert total == PRF(tp=2, fp=2, fn=1)
    assert (total.precision, total.recall) == (0.5, pytest.approx(2 / 3))
    assert total.f1 == pytest.approx(4 / 7)


def test_prf_of_nothing_is_zero() -> None:
    assert (PRF().precision, PRF().recall, PRF().f1) == (0.0, 0.0, 0.0)


def test_score_of_gold_against_itself_is_one() -> None:
    scores = compare([Layers.of(passage())], {"p1": Layers.of(passage())})
    counted = [name for name, *_, tp, fp, fn in scores.table() if tp + fp + fn]
    assert {scores.f1(name) for name in (*counted, "roles.macro")} == {1.0}
    assert (scores.passages, scores.absent) == (1, 0)


def test_score_counts_an_absent_passage_as_missed() -> None:
    scores = compare([Layers.of(passage())], {})
    assert scores.absent == 1
    assert scores.measures["span.all"] == PRF(fn=5)
    assert scores.measures["fact.loose"] == PRF(fn=2)


def test_score_core_needs_the_metric_and_value_does_not() -> None:
    changed = passage()
    del changed["facts"][0]["metric"]
    f1 = compared(changed)
    assert (f1("value"), f1("fact.core"), f1("fact.loose"), f1("link.action")) == (1.0, 0.5, 0.5, 1.0)


def test_score_loose_forgives_a_long_number_and_a_near_metric() -> None:
    changed = passage()
    changed["entities"][1]["end"] += 1  # 300个，
    f1 = compared(changed)
    assert (f1("value"), f1("fact.core"), f1("fact.loose")) == (0.5, 0.5, 1.0)


def test_score_full_needs_every_link() -> None:
    changed = passage()
    del changed["facts"][1]["action"]
    f1 = compared(changed)
    assert (f1("fact.core"), f1("fact.full"), f1("link.action")) == (1.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("said", "role"),
    [
        ([{"start": 0, "end": 5, "role": "M"}], 1.0),
        ([{"start": 0, "end": 4, "role": "R"}], 0.0),
        ([], 0.0),
    ],
)
def test_score_role_goes_to_what_covers_more_than_half(said: list[dict[str, Any]], role: float) -> None:
    gold = passage(clauses=[{"start": 0, "end": 9, "role": said[0]["role"] if said else "R"}])
    assert compare([Layers.of(gold)], {"p1": Layers.of(passage(clauses=said))}).roles_macro == role


def test_score_reads_records(make_record: Callable[..., Record]) -> None:
    gold = [FakePassage(passage())]
    scores = score(gold, {"p1": make_record(TEXT, id_="p1")})
    assert scores.measures["fact.core"] == PRF(tp=1, fn=1)
    assert scores.measures["role.R"] == PRF(tp=1)
    again = evaluate(gold, lambda text: make_record(text.content, id_=text.id))
    assert again == scores


def perturb(row: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Make some of every kind of mistake in an annotated passage."""
    for piece in row["entities"]:
        if chance.random() < 0.1:
            piece["end"] = min(piece["end"] + 1, len(row["text"]))
        if chance.random() < 0.05:
            piece["type"] = "PLACE"
    row["facts"] = [fact for fact in row["facts"] if chance.random() > 0.1] + row["facts"][:1]
    for fact in row["facts"]:
        for key in ("metric", "action", "value", "time"):
            if chance.random() < 0.1:
                fact.pop(key, None)
        if chance.random() < 0.1:
            fact["status"] = "target"
        if fact.get("value") and chance.random() < 0.1:
            fact["value"]["low"] = None
    for clause in row["clauses"]:
        clause["start"] += chance.randrange(3)
        if chance.random() < 0.1:
            clause["role"] = chance.choice("MRTIO")
    return row


@pytest.mark.parametrize("seed", [1, 2])
def test_score_agrees_with_the_referee(shared: Path, gold: Path, tmp_path: Path, seed: int) -> None:
    spec = importlib.util.spec_from_file_location("referee", shared / "eval" / "score.py")
    assert spec
    assert spec.loader
    referee = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(referee)
    lines = [passage.to_json() for passage in read_gold(gold)]
    chance = random.Random(seed)
    changed = [perturb(json.loads(line), chance) for line in lines[:-1]]
    right, wrong = tmp_path / "right.jsonl", tmp_path / "wrong.jsonl"
    right.write_text("\n".join(lines), "utf-8")
    wrong.write_text("\n".join(map(json.dumps, changed)), "utf-8")

    expected, _ = referee.score(referee.load(str(right)), referee.load(str(wrong)))
    scores = compare(read_layers(right).values(), read_layers(wrong))

    assert scores.roles_macro == expected.pop("roles.macro")["f1"]
    assert scores.to_dict()["measures"] == expected
    assert 0.2 < scores.f1("fact.core") < 0.95
