"""The grammar maker, on passages in the markup of the annotation guide; all of them are invented."""

from pathlib import Path

import pytest

import zongjie
from zongjie.corpus import Passage, parse_markup
from zongjie.rules.metrics import fact_words
from zongjie.score import Layers, compare
from zongjie.text import Text

CASES = parse_markup(
    (Path(__file__).parent / "cases" / "grammar.txt").read_text(encoding="utf-8"), source="grammar.txt"
)


@pytest.fixture(scope="module")
def extract() -> zongjie.Extractor:
    return zongjie.load(Path(__file__).parent / "cases" / "by_rules.toml")


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


def test_word_lists_hold_each_word_once_and_no_orphans() -> None:
    words = fact_words()
    for table in (words.verbs, words.frame, words.link):
        for name, listed in table:
            if isinstance(listed, list) and all(isinstance(word, str) for word in listed):
                assert len(listed) == len(set(listed)), name
    known = {*words.verbs.strong, *words.verbs.weak, *words.verbs.up, *words.verbs.down}
    assert known.issuperset(words.verbs.nouns)
    assert known.issuperset(words.verbs.light)
