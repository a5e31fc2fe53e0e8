from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import simplejson

import zongjie
from zongjie.cli import main
from zongjie.corpus import GoldError, Passage, format_markup, parse_markup, read_gold
from zongjie.exchange import Suggestion, passages_of, review, suggest
from zongjie.exchange.drafts import choose
from zongjie.record import Record
from zongjie.score import evaluate

ROOT = Path(__file__).parents[1]
RULES = ROOT / "tests" / "cases" / "by_rules.toml"
PAGE = """<html><body><h1>清溪县教育局2023年工作总结</h1>
<p>2023年，全县新增学位600个。巩固率提高到98%。</p>
<p>明年计划新建学校3所。</p>
<table><tr><th>学校</th><th>在校生</th></tr><tr><td>清溪一小</td><td>1200人</td></tr></table></body></html>"""


@pytest.fixture(scope="module")
def extract() -> zongjie.Extractor:
    return zongjie.load(RULES)


def passage(text: str, id_: str) -> Passage:
    [made] = parse_markup(f"#{id_}\n{text}\nroles O", source="made-up")
    return made


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main([str(part) for part in argv])
    return int(leaving.value.code or 0)


def test_passages_are_running_text_with_what_the_record_says(extract: zongjie.Extractor, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE, "utf-8")
    record = extract(tmp_path / "a.html")
    found = [suggestion.passage for suggestion in suggest(record)]
    assert [p.text for p in found] == [
        "清溪县教育局2023年工作总结",
        "2023年，全县新增学位600个。巩固率提高到98%。",
        "明年计划新建学校3所。",
    ]
    assert format_markup(found[1:2]).splitlines()[1:] == [
        "<T1|2023年>，<G1|全县><A1|新增><M1|学位><N1|600个>。<M2|巩固率><A2|提高到><N2|98%>。",
        "N1 M1 A1 T1 G1 actual level 600|600|个|=",
        "N2 M2 A2 T1 actual level 98|98|%|=",
        "roles O R R",
    ]
    assert found[1].id == f"{record.document.id[:12]}-{record.text and record.text.index('2023年，')}"
    assert all(0 <= suggestion.certainty < 1 for suggestion in list(suggest(record))[1:] if suggestion.certainty)


def test_lines_that_a_page_has_broken_are_joined(extract: zongjie.Extractor) -> None:
    [suggestion] = suggest(extract("清溪县全年新增普惠性幼儿园学位6\n00个，群众满意度进一步提高\n，得到各方面肯定。"))
    assert suggestion.passage.text == "清溪县全年新增普惠性幼儿园学位600个，群众满意度进一步提高，得到各方面肯定。"
    assert "600个" in [tag.text for tag in suggestion.passage.entities]


def test_long_paragraphs_are_cut_between_sentences(extract: zongjie.Extractor) -> None:
    text = "".join(f"第{n}季度全县新增普惠性幼儿园学位{n}00个，改善了办园条件。" for n in range(1, 20))
    pieces = [suggestion.passage.text for suggestion in suggest(extract(text))]
    assert "".join(pieces) == text
    assert all(piece.endswith("。") and len(piece) < 200 for piece in pieces)


def test_the_least_certain_come_first_and_near_doubles_are_left_out() -> None:
    texts = [
        "清溪县大力实施强校扩优行动并新增学位600个。",
        "云川市全面推进集团化办学改革试点工作。",
        "清溪县大力实施强校扩优行动并新增学位750个。",
        "石桥镇中心小学食堂完成改造。",
        "600。",
    ]
    certainties = (0.9, 0.5, 0.8, None, 0.9)
    given = [Suggestion(passage(text, f"p{n}"), c) for n, (text, c) in enumerate(zip(texts, certainties, strict=True))]
    assert [s.passage.id for s in choose(given)] == ["p1", "p2", "p3"]
    assert [s.passage.id for s in choose(given, 1)] == ["p1"]
    assert [s.passage.id for s in choose(reversed(given[3:] + given[:1]))] == ["p0", "p3"]


def test_records_without_text_cannot_be_cut(make_record: Callable[..., Record]) -> None:
    record = make_record("新增学位300个。").model_copy(update={"text": None})
    with pytest.raises(GoldError, match=r"its record has no text\. Extract again without --no-text"):
        review([record])


def test_a_document_that_stands_twice_is_given_once(make_record: Callable[..., Record]) -> None:
    record = make_record("新增学位300个。")
    assert len(review([record, record])) == 1


def test_suggestions_are_such_that_scoring_them_finds_no_fault(extract: zongjie.Extractor) -> None:
    records = [outcome.record for outcome in extract.pipe([ROOT / "data" / "samples" / "briefs.jsonl"])]
    found = [s.passage for record in records if record for s in suggest(record)]
    assert evaluate(found[:1], extract).passages == 1
    assert all(Passage.from_dict(p.to_dict()) == p for p in found)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("samples") / "out"
    assert run("extract", ROOT / "data" / "samples", "-o", out, "--config", RULES) == 0
    return out


def test_what_is_exported_is_gold_or_records_as_it_stands_there(output: Path, gold: Path, tmp_path: Path) -> None:
    assert list(passages_of(gold)) == read_gold(gold)
    whole = list(passages_of(output))
    assert whole == list(passages_of(output / "records.jsonl"))
    assert all(isinstance(item, Suggestion) for item in whole)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f"{p.to_json()}\n" for p in read_gold(gold)[:3]), "utf-8")
    assert list(passages_of(rows)) == read_gold(gold)[:3]


def test_what_is_read_is_not_replaced(output: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = output / "records.jsonl"
    before = records.read_bytes()
    for command in ("view", "review", "export"):
        more = ["--format", "jsonl"] if command == "export" else []
        assert run(command, output, "-o", records, "--force", *more) == 2
        assert "is not replaced. Name another" in capsys.readouterr().err
    assert records.read_bytes() == before
    rows = tmp_path / "rows.jsonl"
    assert run("export", output, "-o", rows, "--format", "jsonl") == 0
    assert run("import", rows, "-o", rows, "--format", "jsonl", "--force") == 2
    capsys.readouterr()
    assert run("import", rows, "-o", tmp_path / "gold.json", "--format", "jsonl") == 2
    assert "its name must end in .jsonl or .txt" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "gold.json").exists()


def corrections(tasks: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Submit every task as it was suggested, but for one label, as Label Studio's export has it."""
    for number, task in enumerate(tasks, 1):
        [prediction] = task.pop("predictions")  # type: ignore[misc, attr-defined]
        for item in prediction["result"]:
            if item["value"].get("text") == "云川市" if "value" in item else False:
                item["value"] |= {"labels": ["SCHOOL"]}
        result = [item for item in prediction["result"] if item.get("labels") != ["place"]]
        yield {"id": number, **task, "annotations": [{"id": number, "result": result}], "predictions": [prediction]}


def test_a_correction_comes_back(
    extract: zongjie.Extractor,
    output: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(vars(zongjie), "load", lambda _=None: extract)
    tasks, rows = tmp_path / "tasks.json", tmp_path / "rows.jsonl"
    assert run("review", output, "-o", tasks, "--limit", 30) == 0
    suggested = simplejson.loads(tasks.read_text("utf-8"))
    scores = [task["predictions"][0]["score"] for task in suggested]
    assert len(scores) == 30
    assert scores == sorted(scores)
    assert run("import", tasks, "--format", "label-studio", "-o", rows) == 2
    assert "nobody has annotated any of its 30 passages" in capsys.readouterr().err

    corrected = [*corrections(suggested[:-1]), suggested[-1]]
    tasks.write_text(simplejson.dumps(corrected, ensure_ascii=False), "utf-8")
    assert run("import", tasks, "--format", "label-studio", "-o", rows) == 0
    assert "not annotated, and so left out: 1 passages\npassages: 29" in capsys.readouterr().err
    found = read_gold(rows)
    assert [tag.type for p in found for tag in p.entities if tag.text == "云川市"] != []
    assert {tag.type for p in found for tag in p.entities if tag.text == "云川市"} == {"SCHOOL"}
    assert not any(claim.place for p in found for claim in p.facts)

    assert run("evaluate", rows, "--json") == 0
    assert simplejson.loads(capsys.readouterr().out)["passages"] == 29
    for format_, name in (("brat", "b"), ("doccano", "d.jsonl"), ("spacy", "s.spacy")):
        assert run("export", rows, "--format", format_, "-o", tmp_path / name) == 0
        assert run("import", tmp_path / name, "--format", format_, "-o", tmp_path / f"{name}.again.jsonl") == 0
        assert read_gold(tmp_path / f"{name}.again.jsonl") == found
    assert run("import", rows, "--format", "jsonl", "-o", tmp_path / "rows.txt") == 0
    assert [p.text for p in read_gold(tmp_path / "rows.txt")] == [p.text for p in found]
