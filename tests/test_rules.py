"""The grammar maker, on passages in the markup of the annotation guide; all of them are invented."""

from pathlib import Path

import pytest

import zongjie
from zongjie.corpus import Passage, parse_markup
from zongjie.score import Layers, compare
from zongjie.text import Text

CASES = parse_markup(
    (Path(__file__).parent / "cases" / "grammar.txt").read_text(encoding="utf-8"), source="grammar.txt"
)


@pytest.fixture(scope="module")
def extract() -> zongjie.Extractor:
    return zongjie.load()


@pytest.mark.parametrize("passage", CASES, ids=lambda p: p.id)
def test_grammar_finds_what_the_guide_marks(passage: Passage, extract: zongjie.Extractor) -> None:
    record = extract(Text.of(passage.text, id=passage.id))
    gold, found = Layers.of(passage.to_dict()), Layers.of(record.to_dict())
    said = sorted(f"{e.type} {e.text}" for e in record.entities)
    want = sorted(f"{t.type} {t.text}" for t in passage.entities)
    assert said == want
    agreed = compare([gold], {passage.id: found})
    assert len(record.facts) == len(passage.facts)
    assert not passage.facts or agreed.f1("fact.full") == 1.0, [f.model_dump() for f in record.facts]
