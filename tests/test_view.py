"""The page as a document: what stands in it, and that nothing a record says can mean anything to a browser."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

import zongjie
from zongjie import cli
from zongjie.looks import looks
from zongjie.record import EntityType, Record, Value
from zongjie.view import page
from zongjie.writers.facts import columns
from zongjie.writers.jsonl import open_jsonl
from zongjie.writers.tables import ROLES

ASSETS = Path(zongjie.__file__).with_name("assets")
SCRIPTS = "".join(path.read_text("utf-8") for path in sorted(ASSETS.glob("*.js")))
TEXT = "2023年清溪县新增学位59500个，新增学位120个。"
HOSTILE = (
    "</script><script>alert(1)</script><!--<script> ]]> \u202e\u2066 \x00\x1b[31m \u2028 &lt; '\" $title 新增学位7个"
)
Make = Callable[..., Record]


class Parsed(HTMLParser):
    """The elements of a page with their attributes and what stands in them."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.inside = False
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))
        self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, attributes, before = self.found[-1]
            self.found[-1] = (tag, attributes, before + data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, content) for name, attributes, content in self.found if name == tag]


def data(content: str) -> dict[str, Any]:
    (held,) = [inner for attributes, inner in Parsed(content).all("script") if attributes.get("id") == "data"]
    found: dict[str, Any] = json.loads(held)
    return found


def digest(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def test_page_gives_the_same_characters_each_time(make_record: Make) -> None:
    assert page([make_record(TEXT)]) == page(iter([make_record(TEXT)]))


def test_page_lets_only_its_own_script_and_style_run(make_record: Make) -> None:
    parsed = Parsed(page([make_record(TEXT)]))
    (policy,) = [a["content"] for a, _ in parsed.all("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))
    run = [content for attributes, content in parsed.all("script") if attributes.get("type") != "application/json"]
    assert [rules["script-src"]] == [digest(one) for one in run]
    assert [rules["style-src"]] == [digest(content) for _, content in parsed.all("style")]
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"


def test_page_asks_nothing_of_the_network(make_record: Make) -> None:
    content = page([make_record(TEXT)])
    assert not re.search(r"https?:|//\w+\.\w|@import|url\(", content.replace("application/json", ""))
    for tag, attributes, _ in Parsed(content).found:
        assert not {"src", "href", "style", "action", "srcset"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", SCRIPTS)


@pytest.mark.parametrize("where", ["text", "title", "indicator", "warning", "page"])
def test_hostile_text_stays_text(make_record: Make, where: str) -> None:
    record = make_record(HOSTILE if where == "text" else TEXT)
    if where == "title":
        record = record.model_copy(update={"document": record.document.model_copy(update={"title": HOSTILE})})
    if where == "indicator":
        record = record.model_copy(update={"facts": [record.facts[0].model_copy(update={"indicator": HOSTILE})]})
    if where == "warning":
        record = Record.model_validate({**record.to_dict(), "warnings": [{"code": "x", "message": HOSTILE}]})
    content = page([record], title=HOSTILE if where == "page" else None)
    parsed = Parsed(content)
    assert len(parsed.all("script")) == 2
    assert len(parsed.all("title")) == 1
    held = data(content)
    told = {
        "text": lambda: held["records"][0]["text"],
        "title": lambda: held["records"][0]["document"]["title"],
        "indicator": lambda: held["records"][0]["facts"][0]["indicator"],
        "warning": lambda: held["records"][0]["warnings"][0]["message"],
        "page": lambda: held["title"],
    }
    assert told[where]() == HOSTILE
    # nothing that cannot be seen stands in the file, but for line feeds
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", content.replace(HOSTILE, ""))


def test_lone_surrogates_keep_offsets(make_record: Make) -> None:
    broken = make_record(TEXT).model_copy(update={"text": "清\ud800\udc00溪"})
    assert data(page([broken]))["records"][0]["text"] == "清\ufffd\ufffd溪"
    page([broken], title="\udfff").encode()


def test_numbers_keep_their_digits(make_record: Make) -> None:
    record = make_record(TEXT)
    value = Value(low=Decimal("0.10"), high=Decimal("12345678901234567890.5"), unit="个", flag="-")
    fact = record.facts[0].model_copy(update={"value": value, "confidence": 0.1})
    (shown,) = data(page([record.model_copy(update={"facts": [fact]})]))["records"][0]["facts"]
    assert shown["value"] == {"low": "0.10", "high": "12345678901234567890.5", "unit": "个", "flag": "-"}
    assert shown["confidence"] == "0.1"


def test_quotations_stand_in_the_page_only_without_text(make_record: Make) -> None:
    record = make_record(TEXT)
    (told,) = data(page([record]))["records"]
    assert "text" not in told["facts"][0]["number"]
    assert told["entities"][0] == ["NUMBER", 12, 18, None]
    (told,) = data(page([record.model_copy(update={"text": None})]))["records"]
    assert told["facts"][0]["number"]["text"] == "59500个"


def test_language_and_title(make_record: Make) -> None:
    parsed = Parsed(page([make_record(TEXT), make_record(TEXT)], language="en"))
    assert parsed.all("html")[0][0]["lang"] == "en"
    assert parsed.all("title")[0][1] == looks().words["title"].en
    assert Parsed(page([], title="清溪 <县>")).all("title")[0][1] == "清溪 <县>"


def test_every_word_is_there_and_used() -> None:
    template = (ASSETS / "page.html").read_text("utf-8")
    asked = set(re.findall(r'\bword\("(\w+)"', SCRIPTS)) | set(re.findall(r'data-(?:word|hint)="(\w+)"', template))
    asked |= set(re.findall(r'key: "(\w+)"', SCRIPTS))  # the heads of the table
    labels = set(re.findall(r'data-label="(\w+)"', template))
    choices = {f"any_{choice}" for choice in ("status", "kind", "unit", "place")}
    words, names = set(looks().words), set(looks().names)
    assert asked | choices <= words
    assert labels <= words | names
    assert words <= asked | choices | labels | {"no_script"}


def test_types_and_roles_are_all_there_and_called_as_in_the_table() -> None:
    seen = looks()
    assert set(seen.colors) == set(get_args(EntityType))
    assert set(seen.marks) == set(seen.initials) == set(ROLES)
    labels = {
        key: word
        for column in columns()
        if column.field in ("fact.status", "fact.kind")
        for key, word in column.labels.items()
    }
    assert {key: seen.names[key].zh for key in labels} == labels


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Measure the contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_contrast(shade: str) -> None:
    style = (ASSETS / "page.css").read_text("utf-8")
    found = re.findall(r"^ +--(\w[\w-]*): (#\w{6});$", style, re.M)
    half = len(found) // 2
    surface = dict(found[:half] if shade == "light" else found[half:])
    pairs = [
        (ink, surface[ground]) for ink in (surface["ink"], surface["quiet"]) for ground in ("paper", "raised", "chosen")
    ]
    pairs += [(surface["accent"], surface[ground]) for ground in ("paper", "raised", "chosen")]
    pairs += [
        (surface["ink"], surface["sentence"]),
        (surface["ink"], surface["hit"]),
        (surface["quiet"], surface["desk"]),
    ]
    pairs += [(surface["on-accent"], surface["accent"])]
    for color in [*looks().colors.values(), *looks().marks.values()]:
        one = getattr(color, shade)
        pairs += [(one.ink, one.tint), (surface["ink"], one.tint)]
        pairs += [(one.ink, surface[ground]) for ground in ("paper", "raised", "chosen")]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


def run(*argv: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main([str(one) for one in argv])
    return int(left.value.code or 0)


def test_command_writes_a_page_of_several_outputs(
    make_record: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        with open_jsonl(tmp_path / name / "records.jsonl") as write:
            write(make_record(TEXT, f"{name}.txt"))
    out = tmp_path / "made" / "page.html"
    sources = [tmp_path / "one", tmp_path / "two" / "records.jsonl"]
    assert run("view", *sources, "-o", out, "--language", "en", "--title", "清溪县") == 0
    said = capsys.readouterr()
    assert (said.out.strip(), said.err.strip()) == (str(out), "documents: 2, facts: 4")
    made = data(out.read_text("utf-8"))
    assert [one["document"]["source"] for one in made["records"]] == ["one.txt", "two.txt"]
    assert (made["title"], made["language"]) == ("清溪县", "en")
    assert run("view", *sources, "-o", out) == 2  # it is there
    assert "--force" in capsys.readouterr().err
    assert run("view", *sources, "-o", out, "--force") == 0


def test_command_leaves_no_page_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("view", tmp_path, "-o", tmp_path / "page.html") == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
