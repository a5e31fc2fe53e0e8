"""Label Studio: tasks in JSON with labels, relations and per-region choices, and the labelling config beside them.

In: suggestions, or the file that Label Studio's export "JSON" gives. Out: the other. What a person has said goes out as
``annotations``, what the extractor has said as ``predictions`` with a score; only annotations come back in, of several
for one task the last one that was not cancelled.

Offsets are code points; old versions counted UTF-16 units, which is seen by the text that a region quotes.
Format: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import simplejson

from zongjie.corpus import GoldError, read_utf8
from zongjie.exchange.sheets import (
    KINDS,
    NUMBER,
    OTHER,
    ROLES,
    STATEMENTS,
    STATUSES,
    TYPES,
    Arc,
    Mark,
    Sheet,
    Suggestion,
    to_sheet,
)
from zongjie.exchange.units import from_utf16
from zongjie.layers import LINKS
from zongjie.looks import Word, looks

_TEXT: Final = "text"  # the names of the config's tags
_SPAN, _CLAUSE, _STATUS, _KIND, _VALUE = "span", "clause", "status", "kind", "value"


def write(suggestions: Sequence[Suggestion], path: Path) -> None:
    """Write tasks, and beside them ``NAME.xml``, the labelling config.

    Args:
        suggestions: What to write, in order.
        path: The file of tasks.

    Raises:
        GoldError: If a value cannot be written.
    """
    tasks = [_task(suggestion) for suggestion in suggestions]
    path.write_text(simplejson.dumps(tasks, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".xml").write_text(config(), encoding="utf-8")


def config() -> str:
    """Give the labelling config: what to paste under Settings, Labeling Interface, Code.

    Returns:
        XML.
    """
    look = looks()

    def label(value: str, name: str, color: str) -> str:
        hint = quoteattr(_both(look.names[name]))
        return f'    <Label value="{value}" background="{color}" hint={hint}/>'

    def choices(name: str, values: Sequence[str]) -> list[str]:
        tag = f'  <Choices name="{name}" toName="{_TEXT}" perRegion="true" choice="single-radio" showInline="true"'
        shown = [f'    <Choice value="{value}" hint={quoteattr(_both(look.names[value]))}/>' for value in values]
        return [f'{tag} whenTagName="{_SPAN}" whenLabelValue="{NUMBER}">', *shown, "  </Choices>"]

    area = f'<TextArea name="{_VALUE}" toName="{_TEXT}" perRegion="true" maxSubmissions="1" editable="true"'
    lines = [
        "<View>",
        "  <Relations>",
        *(f'    <Relation value="{role}"/>' for role in LINKS),
        "  </Relations>",
        f'  <Labels name="{_SPAN}" toName="{_TEXT}" choice="single">',
        *(label(type_, type_, look.colors[type_].light.ink) for type_ in TYPES),
        "  </Labels>",
        f'  <Labels name="{_CLAUSE}" toName="{_TEXT}" choice="single">',
        *(label(role, name, look.marks[name].light.ink) for role, name in STATEMENTS.items()),
        f'    <Label value="{OTHER}"/>',
        "  </Labels>",
        f'  <Text name="{_TEXT}" value="$text" granularity="symbol"/>',
        *choices(_STATUS, STATUSES),
        *choices(_KIND, KINDS),
        f'  {area} placeholder="LOW|HIGH|UNIT|FLAG" whenTagName="{_SPAN}" whenLabelValue="{NUMBER}"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def _both(word: Word) -> str:
    return f"{word.zh} {word.en}"


def _task(suggestion: Suggestion) -> dict[str, Any]:
    sheet = to_sheet(suggestion.passage)
    result = [item for mark in sheet.marks for item in _region(mark, sheet.text)]
    result += [_relation(arc) for arc in sheet.arcs]
    task: dict[str, Any] = {"data": {"text": sheet.text, "passage": sheet.id, "source": sheet.source}}
    if suggestion.certainty is None:
        task["annotations"] = [{"result": result}]
    else:
        said = {"model_version": f"zongjie-{version('zongjie')}", "score": round(suggestion.certainty, 4)}
        task["predictions"] = [{**said, "result": result}]
    return task


def _region(mark: Mark, text: str) -> Iterator[dict[str, Any]]:
    """Give the results of one region: its label, and what is said of a NUMBER."""
    place = {"start": mark.start, "end": mark.end}

    def result(name: str, type_: str, value: dict[str, Any]) -> dict[str, Any]:
        return {"id": mark.key, "from_name": name, "to_name": _TEXT, "type": type_, "value": {**place, **value}}

    labels = {"text": text[mark.start : mark.end], "labels": [mark.label]}
    yield result(_CLAUSE if mark.label in ROLES else _SPAN, "labels", labels)
    for name, said in ((_STATUS, mark.status), (_KIND, mark.kind)):
        if said:
            yield result(name, "choices", {"choices": [said]})
    if mark.value:
        yield result(_VALUE, "textarea", {"text": [mark.value]})


def _relation(arc: Arc) -> dict[str, Any]:
    ends = {"from_id": arc.source, "to_id": arc.target, "direction": "right"}
    return {"type": "relation", **ends, "labels": [arc.role]}


def read(path: Path) -> Iterator[tuple[str, Sheet | None]]:
    """Read tasks back.

    Args:
        path: What Label Studio's export "JSON" gives.

    Yields:
        Where it stands, for messages, and the sheet; ``None`` for a task that nobody has annotated.

    Raises:
        GoldError: If the file is no such export, or a region is marked in a way that cannot be taken.
    """
    try:
        tasks = simplejson.loads(read_utf8(path))
    except ValueError as error:
        raise GoldError(f"{path.name}: not JSON: {error}. Export from Label Studio as JSON.") from error
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        where = f"{path.name}: task {number}"
        if not isinstance(task, dict) or not isinstance(data := task.get("data"), dict):
            said = f"{where}: no task with 'data' and 'annotations'"
            raise GoldError(f"{said}. Export from Label Studio as JSON (JSON-MIN has no relations).")
        if not isinstance(text := data.get("text"), str):
            raise GoldError(f"{where}: its data has no 'text'. Import the tasks that zongjie export or review wrote.")
        result = _annotation(task)
        if result is None:
            yield where, None
            continue
        id_ = str(data.get("passage") or f"{path.stem}-{task.get('id', number)}")
        try:
            suggested = _suggested(task)
            marks = tuple(_unless_stale(mark, suggested) for mark in _marks(result, text))
            arcs = _arcs(result)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            said = f"{type(error).__name__}: {error}"
            raise GoldError(f"{where}: passage {id_}: a result is not as Label Studio writes it: {said}.") from error
        except GoldError as error:
            raise GoldError(f"{where}: passage {id_}: {error}") from error
        yield where, Sheet(id_, str(data.get("source") or path.stem), text, marks, arcs)


def _annotation(task: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Give what the last annotation of a task says; ``None`` if there is none."""
    said = [a for a in task.get("annotations") or () if not a.get("was_cancelled")]
    if not said:
        return None
    return sorted(said, key=lambda a: str(a.get("updated_at") or a.get("created_at") or ""))[-1].get("result") or []


def _marks(result: Sequence[dict[str, Any]], text: str) -> tuple[Mark, ...]:
    """Put the results of each region together."""
    regions: dict[str, dict[str, Any]] = {}
    for item in result:
        if item["type"] == "relation":
            continue
        region = regions.setdefault(item["id"], {"labels": []})
        value = item["value"]
        match item["type"]:
            case "labels":
                region["labels"] += value["labels"]
                region["place"] = _place(value, text)
            case "choices":
                region[item["from_name"]] = value["choices"][0]
            case "textarea":
                written = value["text"]
                region[item["from_name"]] = written if isinstance(written, str) else "".join(written[:1])
    return tuple(_mark(key, region, text) for key, region in regions.items())


def _suggested(task: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Give where the values that were suggested stood, by region and value."""
    predictions = [p for p in task.get("predictions") or () if isinstance(p, dict)]
    said = [p["result"] for p in predictions if isinstance(p.get("result"), list)]
    values = [item for result in said for item in result if item.get("from_name") == _VALUE]
    return {(v["id"], "".join(v["value"]["text"])): (v["value"]["start"], v["value"]["end"]) for v in values}


def _unless_stale(mark: Mark, suggested: dict[tuple[str, str], tuple[int, int]]) -> Mark:
    """Leave out a suggested value where the region was drawn longer or shorter: it is read anew."""
    place = suggested.get((mark.key, mark.value or ""), (mark.start, mark.end))
    return mark if place == (mark.start, mark.end) else replace(mark, value=None)


def _mark(key: str, region: dict[str, Any], text: str) -> Mark:
    labels = region["labels"]
    quoted = text[slice(*region["place"])] if "place" in region else key
    if len(labels) != 1 or labels[0] not in (*TYPES, *ROLES):
        raise GoldError(f"the region {quoted!r} has the labels {labels}; give it one of {', '.join((*TYPES, *ROLES))}.")
    status, kind = region.get(_STATUS), region.get(_KIND)
    for word, known in ((status, STATUSES), (kind, KINDS)):
        if word not in (None, *known):
            raise GoldError(f"the region {quoted!r} says {word!r}; expected {' or '.join(known)}.")
    start, end = region["place"]
    return Mark(key, labels[0], start, end, status, kind, region.get(_VALUE, "").strip() or None)


def _place(value: dict[str, Any], text: str) -> tuple[int, int]:
    """Give a region's range in code points."""
    start, end = int(value["start"]), int(value["end"])
    quoted = value.get("text")
    for place in ((start, end), from_utf16(text, (start, end))):
        if place and (quoted is None or _shown(quoted) == _shown(text[slice(*place)])):
            return place
    said = f"a region quotes {quoted!r}, but at {start} to {end} the text says {text[start:end]!r}"
    raise GoldError(f"{said}. The text was changed after it was marked: mark it anew.")


def _shown(piece: str) -> str:
    """Leave out white space, for the editor quotes what the browser shows, and a line feed as a backslash and an n."""
    return "".join(piece.replace("\\n", "").split())


def _arcs(result: Sequence[dict[str, Any]]) -> tuple[Arc, ...]:
    arcs = []
    for item in result:
        if item["type"] == "relation":
            ends = item["from_id"], item["to_id"]
            source, target = reversed(ends) if item.get("direction") == "left" else ends
            for role in item.get("labels") or [None]:
                arcs.append(Arc(source, target, role))
    return tuple(arcs)
