from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import simplejson
import spacy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc, DocBin

from zongjie.clauses import split_clauses
from zongjie.cli import GoldFormat
from zongjie.corpus import LETTERS, GoldError, Passage, parse_markup, read_gold
from zongjie.errors import OutputExists, ZongjieError
from zongjie.exchange import FORMATS, Suggestion, export, import_, passages_of
from zongjie.exchange.sheets import from_sheet, to_sheet
from zongjie.exchange.units import from_utf16, to_utf16
from zongjie.layers import LINK_TYPES, LINKS

MARKUP = """\
#zj-x1
<T1|2023年>，<G1|清溪县><A1|实施><M1|<P1|薄弱学校提升工程>><N1|46个>，<M2|小学入学率>、<M3|初中入学率>均为<N2|100%>。
N1 M1 A1 P1 T1 G1 actual level 46|46|个|=
N2 M2 T1 G1 actual level 100|100|%|=
N2 M3 T1 G1 actual level 100|100|%|=
roles O R R

#zj-x2
𠮷溪小学的😀孩子，<T1|明年>将<A1|新增><M1|学位><N1|600个>，比<N2|400个>多一半。
N1 M1 A1 T1 N2 target level 600|600|个|=
N2 M1 actual level 400|400|个|=
roles O T T
"""
PASSAGES = parse_markup(MARKUP, source="made-up")
TOOLS = [name for name, format_ in FORMATS.items() if format_.read]
NAMES = {"brat": "folder", "spacy": "file.spacy", "markup": "file.txt", "jsonl": "file.jsonl", "doccano": "d.jsonl"}


def there_and_back(passages: list[Passage], name: str, folder: Path) -> list[Passage]:
    path = folder / NAMES.get(name, "tasks.json")
    assert export(passages, name, path, force=True) == len(passages)
    return list(import_(path, name).passages)


def without_source(passage: Passage) -> Passage:
    return passage.model_copy(update={"source": ""})


def test_the_command_offers_every_format() -> None:
    assert [f.value for f in GoldFormat] == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_gold_survives_there_and_back(name: str, gold: Path, tmp_path: Path) -> None:
    passages = read_gold(gold)
    found = there_and_back(passages, name, tmp_path)
    if name == "markup":  # it says of a passage only what it is called
        passages, found = (list(map(without_source, some)) for some in (passages, found))
    assert found == passages


# -- hostile text ------------------------------------------------------------------------------------------------------

SIGNS = "学校增个一12%，。\n\r\t \u3000\u2028\x85\x0b\x00\x1b\ufeff\u200b\u0301<>|\"'\\&#😀𠮷👩\u200d🎓"


@st.composite
def passages(draw: st.DrawFn) -> Passage:
    """Passages of hostile text, spans side by side or one in another, ids in the order of the text."""
    text = draw(st.text(st.sampled_from(SIGNS), min_size=1, max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    counts = dict.fromkeys(LETTERS, 0)
    entities = []
    for start, end in pairwise(cuts):
        for type_ in draw(st.sampled_from([(), ("METRIC", "PROGRAM"), *((name,) for name in LETTERS)])):
            counts[type_] += 1
            id_ = f"{LETTERS[type_]}{counts[type_]}"
            entities.append({"id": id_, "type": type_, "start": start, "end": end, "text": text[start:end]})
    facts = []
    for number in (e["id"] for e in entities if e["type"] == "NUMBER"):
        for _ in range(draw(st.integers(1, 2))):
            fact = {"number": number, "status": draw(st.sampled_from(["actual", "target"]))}
            for role in LINKS:
                wanted = LINK_TYPES.get(role, role.upper())
                known = [e["id"] for e in entities if e["type"] == wanted and e["id"] != number]
                if known and draw(st.booleans()):
                    fact[role] = draw(st.sampled_from(known))
            side, unit = draw(st.integers(-5, 99)), draw(st.sampled_from(["", "个", "😀"]))
            value = {"low": side, "high": side, "unit": unit, "flag": "~"}
            fact |= {"kind": draw(st.sampled_from(["level", "up", "down", "rank"])), "value": value}
            if fact not in facts:
                facts.append(fact)
    clauses = [
        {"start": start, "end": end, "role": draw(st.sampled_from("MRTIO"))} for start, end in split_clauses(text)
    ]
    id_ = draw(st.sampled_from(["a", "../../b", "第 1 篇", "c:d|e\t😀"]))
    return Passage.from_dict(
        {"id": id_, "source": "s", "text": text, "entities": entities, "facts": facts, "clauses": clauses}
    )


@pytest.mark.parametrize("name", [*TOOLS, "jsonl"])
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(passage=passages())
def test_hostile_text_survives_there_and_back(
    name: str, passage: Passage, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("x")
    marked = [passage.text[mark.start : mark.end] for mark in to_sheet(passage).marks]
    if name == "brat" and any("" in (*piece[0].splitlines(), *piece[-1].splitlines()) for piece in marked):
        with pytest.raises(GoldError, match="begins or ends with a line break, which brat cannot show"):
            there_and_back([passage], name, folder)
    else:
        assert there_and_back([passage], name, folder) == [passage]


@given(passage=passages())
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_text_can_be_judged_where_a_person_says_nothing(passage: Passage) -> None:
    sheet = to_sheet(passage)
    silent = [replace(mark, status=None, kind=None) for mark in sheet.marks]
    found = from_sheet(replace(sheet, marks=tuple(silent)), "here")
    assert found.entities == passage.entities
    assert {(c.number, c.value, *c.links().values()) for c in found.facts} == {
        (c.number, c.value, *c.links().values()) for c in passage.facts
    }


@given(text=st.text(st.sampled_from(SIGNS)), data=st.data())
@settings(derandomize=True)
def test_utf16_units_are_those_of_the_encoding(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    units = to_utf16(text, (start, end))
    assert text.encode("utf-16-le")[2 * units[0] : 2 * units[1]] == text[start:end].encode("utf-16-le")
    assert from_utf16(text, units) == (start, end)


@pytest.mark.parametrize("place", [(-1, 1), (0, 9), (0, 1), (1, 2)])
def test_utf16_units_within_a_character_or_outside_are_none(place: tuple[int, int]) -> None:
    assert from_utf16("😀个", place) is None


# -- what the files say ------------------------------------------------------------------------------------------------


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "tasks.xml").write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match=r"tasks\.xml already exists"):
        export(PASSAGES, "label-studio", tmp_path / "tasks.json")
    assert {file.name for file in tmp_path.iterdir()} == {"tasks.xml"}
    export(PASSAGES, "label-studio", tmp_path / "tasks.json", force=True)
    assert {file.name for file in tmp_path.iterdir()} == {"tasks.json", "tasks.xml"}


@pytest.mark.parametrize("format_", ["label-studio", "brat", "jsonl"])
def test_a_folder_of_something_else_is_never_replaced(format_: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match=r"mine: this folder is no output of .* Name a new"):
        export(PASSAGES, format_, tmp_path / "mine", force=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "work.txt"]


def test_a_folder_takes_only_an_older_ones_place_or_an_empty_ones(tmp_path: Path) -> None:
    folder = tmp_path / "brat"
    folder.mkdir()
    for passages in (PASSAGES, PASSAGES[:1]):
        export(passages, "brat", folder, force=True)
        assert len(list(folder.glob("*.ann"))) == len(passages)
    (tmp_path / "file").write_text("mine", "utf-8")
    with pytest.raises(OutputExists, match="this is a file, and brat writes a folder"):
        export(PASSAGES, "brat", tmp_path / "file", force=True)


def test_tasks_cannot_have_the_name_of_their_config(tmp_path: Path) -> None:
    with pytest.raises(ZongjieError, match=r"tasks\.xml: label-studio writes a file of its own"):
        export(PASSAGES, "label-studio", tmp_path / "tasks.xml")
    assert not list(tmp_path.iterdir())


def test_another_encoding_is_said(tmp_path: Path) -> None:
    for name, format_ in (("gold.txt", "markup"), ("rows.jsonl", "jsonl"), ("tasks.json", "label-studio")):
        (tmp_path / name).write_bytes("#一\n清溪县".encode("gb18030"))
        with pytest.raises(GoldError, match=rf"{name}: not UTF-8|{name}: not JSON"):
            import_(tmp_path / name, format_)
    for name in ("gold.txt", "rows.jsonl"):
        with pytest.raises(GoldError, match=f"{name}: not UTF-8.*Save it as UTF-8"):
            list(passages_of(tmp_path / name))


def test_an_unknown_format_and_a_double_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ZongjieError, match="no format 'prodigy'; expected one of label-studio"):
        export(PASSAGES, "prodigy", tmp_path / "x")
    with pytest.raises(GoldError, match="passage zj-x1 stands twice"):
        export([PASSAGES[0], PASSAGES[0]], "jsonl", tmp_path / "x")
    with pytest.raises(FileNotFoundError, match="no such file"):
        import_(tmp_path / "nowhere", "brat")


def test_label_studio_config_has_what_the_results_name(tmp_path: Path) -> None:
    export(PASSAGES, "label-studio", tmp_path / "tasks.json")
    config = ElementTree.fromstring((tmp_path / "tasks.xml").read_text("utf-8"))
    named = {tag.get("name"): {child.get("value") for child in tag} for tag in config if tag.get("name")}
    relations = {relation.get("value") for relation in config.iterfind("Relations/Relation")}
    for task in simplejson.loads((tmp_path / "tasks.json").read_text("utf-8")):
        assert list(task) == ["data", "annotations"]
        for item in task["annotations"][0]["result"]:
            if item["type"] == "relation":
                assert set(item["labels"]) <= relations
            else:
                said = item["value"].get("labels") or item["value"].get("choices") or []
                assert set(said) <= named[item["from_name"]]


def test_label_studio_counts_code_points_and_doccano_utf16_units(tmp_path: Path) -> None:
    export(PASSAGES[1:], "label-studio", tmp_path / "tasks.json")
    export(PASSAGES[1:], "doccano", tmp_path / "rows.jsonl")
    [task] = simplejson.loads((tmp_path / "tasks.json").read_text("utf-8"))
    [row] = map(simplejson.loads, (tmp_path / "rows.jsonl").read_text("utf-8").splitlines())
    assert task["annotations"][0]["result"][0]["value"]["start"] == 9  # 𠮷 and 😀 stand before it
    assert row["entities"][0]["start_offset"] == 11


def test_suggestions_are_predictions_with_a_score(tmp_path: Path) -> None:
    export([Suggestion(PASSAGES[0], 0.75)], "label-studio", tmp_path / "tasks.json")
    [task] = simplejson.loads((tmp_path / "tasks.json").read_text("utf-8"))
    assert list(task) == ["data", "predictions"]
    assert task["predictions"][0]["score"] == 0.75
    assert task["predictions"][0]["model_version"].startswith("zongjie-")
    with pytest.raises(GoldError, match=r"nobody has annotated any of its 1 passages\. Submit"):
        import_(tmp_path / "tasks.json", "label-studio")


def test_brat_reads_what_another_hand_has_written(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("清溪县新建\n学校3所。", "utf-8")
    lines = [
        "T9\tMETRIC 3 5;6 8\t新建 学校",
        "T2\tNUMBER 8 10\t3所",
        "R1\tmetric Arg1:T2 Arg2:T9",
        "#1\tOther T2\tnote",
    ]
    (tmp_path / "a.ann").write_text("\n".join(lines), "utf-8")
    [passage] = import_(tmp_path, "brat").passages
    assert (passage.id, [tag.text for tag in passage.entities]) == ("a", ["新建\n学校", "3所"])
    assert passage.facts[0].metric == "M1"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("T1\tTOWN 0 3\t清溪县", "a.ann:1: TOWN is no type of span; expected one of SCHOOL"),
        ("T1\tPLACE 0 3\t云川市", "T1 quotes '云川市', which is not what stands there"),
        ("T1\tPLACE 0 1;2 3\t清 县", "T1 is in pieces with text between them; mark one piece"),
        ("E1\tNUMBER:T1", "'E1.*' is no T, R, A or # line"),
        ("T1\tNUMBER 8 10\t3所\nA1\tStatus T1 maybe", "T1: Status is 'maybe'; expected actual or target"),
        ("T1\tNUMBER 8 10\t3所\n#1\tAnnotatorNotes T1\t3", "passage a: bad value '3'; expected LOW"),
        ("T1\tPLACE 0 30", "T1 stands at 0 to 30, outside of the text"),
        ("T1\tPLACE 0 3\t清溪县\nR1\tplace Arg1:T7 Arg2:T1", "an arrow leads to T7, but nothing is marked so"),
    ],
)
def test_brat_says_what_it_cannot_take(lines: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("清溪县新建\n学校3所。", "utf-8")
    (tmp_path / "a.ann").write_text(lines, "utf-8")
    with pytest.raises(GoldError, match=said):
        import_(tmp_path, "brat")


def test_brat_wants_a_folder_with_annotations(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"no \.txt with an \.ann beside it"):
        import_(tmp_path, "brat")
    (tmp_path / "a.txt").write_bytes("清溪县".encode("gb18030"))
    (tmp_path / "a.ann").touch()
    with pytest.raises(GoldError, match="not UTF-8"):
        import_(tmp_path, "brat")


def test_spacy_reads_words_and_numbers_that_have_no_fact(tmp_path: Path) -> None:
    doc = spacy.blank("zh").make_doc("清溪县新建学校3所。")
    doc.spans["entities"] = [doc.char_span(7, 9, "NUMBER"), doc.char_span(0, 3, "PLACE")]
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    [passage] = import_(tmp_path / "a.spacy", "spacy").passages
    assert [(tag.id, tag.text) for tag in passage.entities] == [("G1", "清溪县"), ("N1", "3所")]
    assert [(claim.value.low, claim.value.unit) for claim in passage.facts] == [(3, "所")]


def test_spacy_says_what_it_cannot_take(tmp_path: Path) -> None:
    path = tmp_path / "a.spacy"
    path.write_bytes(b"no DocBin")
    with pytest.raises(GoldError, match=r"a\.spacy: no DocBin of spaCy"):
        import_(path, "spacy")

    def refuse(said: str, change: Callable[[Any], None]) -> None:
        export(PASSAGES, "spacy", path, force=True)
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("zh").vocab))
        change(docs[1])
        DocBin(docs=docs, store_user_data=True).to_disk(path)
        with pytest.raises(GoldError, match=said):
            import_(path, "spacy")

    refuse(r'document 2: no doc\.spans\["entities"\]', lambda doc: doc.spans.clear())
    refuse("a fact is of N1, but no NUMBER has that id", lambda doc: doc.spans.update({"entities": []}))
    refuse("has a fact without 'status'", lambda doc: doc.user_data["zongjie"]["facts"][0].pop("status"))

    def rename(doc: Doc) -> None:
        doc.spans["entities"] = [*doc.spans["entities"], doc.char_span(0, 2, "TOWN")]

    refuse("'𠮷溪' has the label 'TOWN'; expected one of SCHOOL", rename)


# -- what a person has done in doccano ---------------------------------------------------------------------------------


def doccano_row() -> dict[str, Any]:
    """What doccano gives back: ids of its own, our columns among its own."""
    text = "清溪县😀明年将新增学位600个。"
    entities = [
        {"id": 71, "label": "NUMBER_target_level", "start_offset": 12, "end_offset": 16},
        {"id": 72, "label": "METRIC", "start_offset": 10, "end_offset": 12},
        {"id": 73, "label": "CLAUSE_T", "start_offset": 5, "end_offset": 16},
    ]
    relations = [{"id": 5, "from_id": 71, "to_id": 72, "type": "metric"}]
    about = {"passage": "p", "source": "s", "values": [[12, 16, "600||个|>="]], "Comments": []}
    return {"id": 9, "text": text, "entities": entities, "relations": relations, **about}


def from_doccano(row: dict[str, Any], folder: Path) -> Passage:
    path = folder / "all.jsonl"
    path.write_text(simplejson.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    [passage] = import_(path, "doccano").passages
    return passage


def test_doccano_numbers_keep_their_value_where_they_stood(tmp_path: Path) -> None:
    passage = from_doccano(doccano_row(), tmp_path)
    assert (passage.id, [tag.text for tag in passage.entities]) == ("p", ["学位", "600个"])
    [claim] = passage.facts
    assert (claim.metric, claim.status, claim.value.flag) == ("M1", "target", ">=")
    assert [clause.role for clause in passage.clauses] == ["T"]


def test_doccano_numbers_marked_anew_are_read_and_judged_anew(tmp_path: Path) -> None:
    row = doccano_row()
    row["entities"][0] |= {"label": "NUMBER", "end_offset": 15}
    [claim] = from_doccano(row, tmp_path).facts
    assert (claim.value.low, claim.value.unit, claim.value.flag) == (600, "", "=")
    assert (claim.status, claim.kind) == ("target", "level")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row["entities"][0].update(end_offset=99), "ends outside of the text or within a character"),
        (lambda row: row["entities"][1].update(start_offset=4), "Untick 'count grapheme clusters"),
        (lambda row: row["entities"][1].update(label="TOWN"), "'学位' has the label TOWN; expected one of SCHOOL"),
        (lambda row: row.pop("entities"), "no row of doccano: KeyError: 'entities'"),
        (lambda row: row["relations"][0].update(type="time"), "'学位' says time, but that is a METRIC"),
    ],
)
def test_doccano_says_what_it_cannot_take(change: Callable[[Any], None], said: str, tmp_path: Path) -> None:
    row = doccano_row()
    change(row)
    with pytest.raises(GoldError, match=f"all.jsonl:1: .*{said}"):
        from_doccano(row, tmp_path)


# -- what a person has done in Label Studio ----------------------------------------------------------------------------

TEXT = "2023年，清溪县巩固率提高3.5个百分点，明年将新增学位600个。"


def region(key: str, label: str, piece: str, **said: str) -> list[dict[str, Any]]:
    start = TEXT.index(piece)
    place = {"start": start, "end": start + len(piece)}
    name = "clause" if len(label) == 1 else "span"
    both = {"id": key, "to_name": "text"}
    results = [{**both, "from_name": name, "type": "labels", "value": {**place, "text": piece, "labels": [label]}}]
    for name, word in said.items():
        value = {"text": [word]} if name == "value" else {"choices": [word]}
        type_ = "textarea" if name == "value" else "choices"
        results.append({**both, "from_name": name, "type": type_, "value": {**place, **value}})
    return results


def arrow(source: str, target: str, **said: object) -> dict[str, Any]:
    return {"type": "relation", "from_id": source, "to_id": target, "direction": "right", **said}


def from_label_studio(result: list[dict[str, Any]], folder: Path, **task: object) -> list[Passage]:
    data = {"text": TEXT, "passage": "p", "source": "s"}
    whole = {"id": 12, "data": data, "annotations": [{"id": 3, "was_cancelled": False, "result": result}], **task}
    path = folder / "project-1.json"
    path.write_text(simplejson.dumps([whole], ensure_ascii=False), "utf-8")
    return list(import_(path, "label-studio").passages)


def test_what_a_person_leaves_open_is_filled_in(tmp_path: Path) -> None:
    result = [
        *region("k_2", "NUMBER", "600个"),
        *region("k_1", "NUMBER", "3.5个百分点"),
        *region("k-3", "ACTION", "提高"),
        *region("k-4", "METRIC", "巩固率"),
        *region("k-5", "METRIC", "学位"),
        *region("c", "T", "将新增学位"),
        *region("d", "R", "清溪县巩固率提高3.5个百分点，明"),
        arrow("k-4", "k_1"),  # the wrong way round, and nothing said
        arrow("k-3", "k_1", labels=["action"], direction="left"),
        arrow("k-5", "k_2", labels=["metric"], direction="bi"),
        arrow("k_2", "k-5", labels=[]),
    ]
    [passage] = from_label_studio(result, tmp_path)
    assert [(tag.id, tag.text) for tag in passage.entities] == [
        ("M1", "巩固率"),
        ("A1", "提高"),
        ("N1", "3.5个百分点"),
        ("M2", "学位"),
        ("N2", "600个"),
    ]
    rise, seats = passage.facts
    assert (rise.metric, rise.action, rise.kind, rise.status, str(rise.value.low)) == (
        "M1",
        "A1",
        "up",
        "actual",
        "3.5",
    )
    assert (seats.metric, seats.action, seats.kind, seats.status) == ("M2", None, "level", "target")
    assert [clause.role for clause in passage.clauses] == ["O", "R", "T"]


def test_what_a_person_says_stands(tmp_path: Path) -> None:
    result = region("n", "NUMBER", "600个", status="actual", kind="down", value=" 500||个|>= ")
    [passage] = from_label_studio(result, tmp_path)
    [claim] = passage.facts
    assert (claim.status, claim.kind, claim.value.low, claim.value.flag) == ("actual", "down", 500, ">=")


def test_several_metrics_of_one_number_are_several_facts_and_doubles_are_one(tmp_path: Path) -> None:
    result = [
        *region("n", "NUMBER", "600个"),
        *region("n2", "NUMBER", "600个"),
        *region("m", "METRIC", "学位"),
        *region("m2", "METRIC", "巩固率"),
        *region("m3", "METRIC", "学位"),
        *(arrow(number, metric) for number in ("n", "n2") for metric in ("m", "m2", "m3")),
    ]
    [passage] = from_label_studio(result, tmp_path)
    assert [(claim.number, claim.metric) for claim in passage.facts] == [("N1", "M1"), ("N1", "M2")]
    assert len(passage.entities) == 3


def test_the_last_annotation_that_was_not_cancelled_counts(tmp_path: Path) -> None:
    def said(piece: str, at: str, **more: object) -> dict[str, Any]:
        return {"result": region("n", "PLACE", piece), "updated_at": at, **more}

    annotations = [
        said("清溪", "2026-02-02T00:00:00Z"),
        said("清溪县", "2026-02-03T00:00:00Z"),
        said("溪县", "2026-02-04T00:00:00Z", was_cancelled=True),
        said("溪", "2026-02-01T00:00:00Z"),
    ]
    [passage] = from_label_studio([], tmp_path, annotations=annotations)
    assert [tag.text for tag in passage.entities] == ["清溪县"]


def test_a_number_that_was_drawn_longer_is_read_anew(tmp_path: Path) -> None:
    suggested = [{"result": region("n", "NUMBER", "600", value="600|600||=")}]
    longer = region("n", "NUMBER", "600个", value="600|600||=")
    [passage] = from_label_studio(longer, tmp_path, predictions=suggested)
    assert passage.facts[0].value.unit == "个"
    [passage] = from_label_studio(longer, tmp_path, predictions=[17])
    assert passage.facts[0].value.unit == ""


def test_old_offsets_in_utf16_units_are_understood(tmp_path: Path) -> None:
    export(PASSAGES[1:], "label-studio", tmp_path / "tasks.json")
    [task] = simplejson.loads((tmp_path / "tasks.json").read_text("utf-8"))
    for item in task["annotations"][0]["result"]:
        if item["type"] != "relation":
            value = item["value"]
            value["start"], value["end"] = to_utf16(PASSAGES[1].text, (value["start"], value["end"]))
    (tmp_path / "tasks.json").write_text(simplejson.dumps([task]), "utf-8")
    assert import_(tmp_path / "tasks.json", "label-studio").passages == (PASSAGES[1],)


def quoting(piece: str) -> list[dict[str, Any]]:
    changed = copy.deepcopy(region("m", "METRIC", "学位"))
    changed[0]["value"]["text"] = piece
    return changed


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ([*region("a", "METRIC", "新增学位"), *region("b", "PROGRAM", "将新增")], r"cross \('将新增' and '新增学位'\)"),
        (region("a", "TOWN", "清溪县"), r"the region '清溪县' has the labels \['TOWN'\]; give it one of SCHOOL"),
        (region("a", "PLACE", "清溪县") * 2, r"has the labels \['PLACE', 'PLACE'\]"),
        (region("a", "NUMBER", "600个", kind="up")[1:], r"the region 'a' has the labels \[\]"),
        (region("a", "NUMBER", "600个", kind="more"), "the region '600个' says 'more'; expected level or up"),
        (region("a", "NUMBER", "600个", value="600"), "bad value '600'; expected LOW"),
        (region("a", "NUMBER", "新增学位"), "the number '新增学位' has no value and cannot be read"),
        (quoting("学校"), "a region quotes '学校', but at .* the text says '学位'"),
        ([{"type": "labels"}], "a result is not as Label Studio writes it: KeyError: 'id'"),
        (
            [*region("a", "PLACE", "清溪县"), *region("b", "METRIC", "学位"), arrow("a", "b")],
            "the arrow between '学位' and '清溪县' joins no NUMBER",
        ),
        (
            [*region("a", "NUMBER", "600个"), *region("b", "T", "学位"), arrow("a", "b")],
            "the arrow between '600个' and '学位' joins no NUMBER with a span",
        ),
        (
            [*region("a", "NUMBER", "600个"), *region("b", "METRIC", "学位"), arrow("a", "b", labels=["place"])],
            "says place, but that is a METRIC. Change the one or the other; expected metric",
        ),
        (
            [
                *region("a", "NUMBER", "600个"),
                *region("b", "TIME", "明年"),
                *region("c", "TIME", "2023年"),
                *(arrow("a", key) for key in "bc"),
            ],
            "'600个' has 2 arrows to a time; a fact has one",
        ),
        ([*region("a", "NUMBER", "600个"), arrow("a", "a")], "is its own base"),
        ([*region("a", "NUMBER", "600个"), arrow("a", "z")], "an arrow leads to z, but nothing is marked so"),
    ],
)
def test_label_studio_says_what_it_cannot_take(result: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=rf"project-1\.json: task 1: passage p: .*{said}"):
        from_label_studio(result, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no JSON", "not JSON"),
        ('[{"text": "清溪县", "span": []}]', r"task 1: no task with 'data' and 'annotations'\. .*JSON-MIN"),
        ('[{"data": {"body": "清溪县"}}]', "task 1: its data has no 'text'"),
        (
            r'[{"data": {"text": "\ud83d县"}, "annotations": [{"result": []}]}]',
            "task 1: passage a-1: its text holds halves of characters",
        ),
    ],
)
def test_files_that_are_no_export_of_label_studio_are_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(GoldError, match=f"a.json: {said}"):
        import_(tmp_path / "a.json", "label-studio")


def test_a_task_of_another_hand_is_named_after_file_and_task(tmp_path: Path) -> None:
    [passage] = from_label_studio(region("a", "PLACE", "清溪县"), tmp_path, data={"text": TEXT})
    assert (passage.id, passage.source) == ("project-1-12", "project-1")
