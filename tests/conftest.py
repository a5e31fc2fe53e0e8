"""What several test modules share: where things are, and records and extractors made by hand."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from zongjie.errors import UnreadableDocument, ZongjieError
from zongjie.normalise import NOTHING_LEFT_OUT, LeftOut
from zongjie.record import Record
from zongjie.text import Text

ROOT = Path(__file__).parents[1]
COUNTED = re.compile(r"新增(学位)(\d+)(个)")


@dataclass(frozen=True)
class Outcome:
    source: str
    record: Record | None
    error: ZongjieError | None
    left_out: LeftOut = NOTHING_LEFT_OUT


def build_record(text: str, source: str = "report.txt", id_: str | None = None) -> Record:
    """Make a record with one fact for each 新增学位N个, as an extractor would."""

    def span(match: re.Match[str], first: int, last: int) -> dict[str, Any]:
        start, end = match.start(first), match.end(last)
        return {"start": start, "end": end, "text": text[start:end]}

    matches = list(COUNTED.finditer(text))
    entities, facts = [], []
    for index, match in enumerate(matches, 1):
        number, metric, value = span(match, 2, 3), span(match, 1, 1), Decimal(match[2])
        for type_, piece in (("NUMBER", number), ("METRIC", metric)):
            name = piece["text"]
            entities.append({"id": f"e{len(entities) + 1}", "type": type_, **piece, "name": name, "confidence": None})
        fact = dict.fromkeys(("action", "time", "place", "school", "program", "base", "confidence", "page"))
        value_ = {"low": value, "high": value, "unit": "个", "flag": "="}
        fact |= {"id": f"f{index}", "indicator": "新增学位", "number": number, "metric": metric, "value": value_}
        fact |= {
            "status": "actual",
            "kind": "level",
            "sentence": {"start": 0, "end": len(text)},
            "section": ["一、扩容"],
        }
        facts.append(fact)
    results = []
    if matches:
        start, end = matches[0].start(), matches[-1].end()
        said = {"start": start, "end": end, "text": text[start:end], "programs": [], "schools": []}
        results = [{"id": "r1", **said, "facts": [f["id"] for f in facts], "section": [], "confidence": None}]
    digest = hashlib.sha256(text.encode()).hexdigest()
    document = dict.fromkeys(("title", "issuer", "region", "published", "period"))
    document |= {"id": id_ or digest, "source": source, "media_type": "text/plain", "chars": len(text)}
    document |= {"text_sha256": digest, "kind": "summary"}
    layers = {"entities": entities, "facts": facts, "results": results}
    empty: dict[str, Any] = {name: [] for name in ("blocks", "measures", "targets", "issues", "warnings")}
    return Record.model_validate({"document": document, "text": text, **layers, **empty})


class FakeExtractor:
    """Stands in for ``zongjie.Extractor``: a file that says 坏 cannot be read, a ``.jsonl`` holds a document a line."""

    def __call__(self, source: Path | bytes | str | Text) -> Record:
        outcome = next(self.pipe([source]))
        if outcome.record is None:
            raise outcome.error or AssertionError
        return outcome.record

    def pipe(self, sources: Iterable[Path | bytes | str | Text]) -> Iterator[Outcome]:
        for source in sources:
            if isinstance(source, Text):
                if "坏" in source.content:
                    damaged = UnreadableDocument(source.source, "it is damaged", "Save it again")
                    yield Outcome(source.source, None, damaged)
                else:
                    yield Outcome(source.source, build_record(source.content, source.source, source.id), None)
                continue
            name = source.as_posix() if isinstance(source, Path) else "-"
            content = source.read_text("utf-8") if isinstance(source, Path) else str(source, "utf-8")
            for piece in content.splitlines() if name.endswith(".jsonl") else [content]:
                if "坏" in piece:
                    yield Outcome(name, None, UnreadableDocument(name, "it is damaged", "Save it again"))
                else:
                    yield Outcome(name, build_record(piece, name), None)


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return build_record


@pytest.fixture
def fake() -> FakeExtractor:
    return FakeExtractor()


@pytest.fixture
def shared() -> Path:
    """The folder of shared material beside a checkout; what needs it is skipped elsewhere."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared, which is not part of the project")
    return folder


@pytest.fixture
def gold() -> Path:
    return ROOT / "data" / "gold"
