"""doccano: JSONL of a project for sequence labelling with relations.

In: suggestions, or the file that doccano's export "JSONL" with relations gives. Out: the other. doccano knows labels and
nothing besides, so status and kind of a NUMBER stand in its label (``NUMBER_target_level``; ``NUMBER`` alone leaves them
open), a clause is an entity ``CLAUSE_M``, and values travel as a column that doccano keeps as metadata: a number that is
marked where it was keeps its value, another one is read anew.

The project must allow overlapping entities and use relations. Offsets are UTF-16 units, as doccano counts unless
"count grapheme clusters as one character" is ticked, which therefore must not be: https://github.com/doccano/doccano/issues/2290.
"""  # noqa: E501 - an address

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import simplejson

from zongjie.corpus import GoldError, read_utf8
from zongjie.exchange.sheets import KINDS, NUMBER, ROLES, STATUSES, TYPES, Arc, Mark, Sheet, Suggestion, to_sheet
from zongjie.exchange.units import from_utf16, to_utf16
from zongjie.layers import LINKS
from zongjie.looks import looks

CLAUSE: Final = "CLAUSE"
_LABELS: Final[dict[str, tuple[Any, ...]]] = {
    **{type_: (type_,) for type_ in TYPES},
    **{f"{NUMBER}_{status}_{kind}": (NUMBER, status, kind) for status, kind in product(STATUSES, KINDS)},
    **{f"{CLAUSE}_{role}": (role,) for role in ROLES},
}


def write(suggestions: Sequence[Suggestion], path: Path) -> None:
    """Write rows, and beside them ``NAME.labels.json`` and ``NAME.relations.json``, the label types of the project.

    Args:
        suggestions: What to write, in order.
        path: The file of rows.

    Raises:
        GoldError: If a value cannot be written.
    """
    rows = (simplejson.dumps(_row(to_sheet(s.passage)), ensure_ascii=False) for s in suggestions)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    colors = {type_: color.light.ink for type_, color in looks().colors.items()}
    spans = [{"text": name, "background_color": colors.get(said[0], "#666666")} for name, said in _LABELS.items()]
    for kind, labels in (("labels", spans), ("relations", [{"text": role} for role in LINKS])):
        written = simplejson.dumps(labels, ensure_ascii=False, indent=1)
        path.with_suffix(f".{kind}.json").write_text(f"{written}\n", encoding="utf-8")


def _row(sheet: Sheet) -> dict[str, Any]:
    entities: list[dict[str, Any]] = []
    ids: dict[str, int] = {}
    values = []
    for mark in sheet.marks:
        ids[mark.key] = len(entities)
        start, end = to_utf16(sheet.text, (mark.start, mark.end))
        entities.append({"id": ids[mark.key], "label": _label(mark), "start_offset": start, "end_offset": end})
        if mark.label == NUMBER:
            values.append([start, end, mark.value])
    relations = [
        {"id": at, "from_id": ids[arc.source], "to_id": ids[arc.target], "type": arc.role}
        for at, arc in enumerate(sheet.arcs)
    ]
    about = {"passage": sheet.id, "source": sheet.source, "values": values}
    return {"text": sheet.text, "entities": entities, "relations": relations, **about}


def _label(mark: Mark) -> str:
    said = (mark.label, mark.status, mark.kind) if mark.status and mark.kind else (mark.label,)
    return next(name for name, parts in _LABELS.items() if parts == said)


def read(path: Path) -> Iterator[tuple[str, Sheet | None]]:
    """Read rows back.

    Args:
        path: What doccano's export gives.

    Yields:
        Where it stands, for messages, and the sheet.

    Raises:
        GoldError: If a line is no such row.
    """
    for number, line in enumerate(read_utf8(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = simplejson.loads(line)
            yield where, _sheet(row, f"{path.stem}-{row.get('id', number)}", path.stem)
        except GoldError as error:
            raise GoldError(f"{where}: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            said = f"no row of doccano: {type(error).__name__}: {error}"
            raise GoldError(f"{where}: {said}. Export as JSONL from a project that uses relations.") from error


def _sheet(row: dict[str, Any], id_: str, source: str) -> Sheet:
    text = row["text"]
    values: dict[tuple[int, int], list[str]] = {}
    for start, end, value in row.get("values") or ():
        values.setdefault((start, end), []).append(value)
    marks = []
    for entity in row["entities"]:
        place = int(entity["start_offset"]), int(entity["end_offset"])
        label = entity["label"]
        span = from_utf16(text, place)
        if span is None:
            said = f"the entity {label} at {place[0]} to {place[1]} ends outside of the text or within a character"
            raise GoldError(f"{said}. Untick 'count grapheme clusters as one character', or mark it anew.")
        if label not in _LABELS:
            raise GoldError(f"{text[slice(*span)]!r} has the label {label}; expected one of {', '.join(_LABELS)}.")
        kept = values.get(place, []) if label.startswith(NUMBER) else []
        value = kept.pop(0) if len(kept) > 1 else kept[0] if kept else None
        type_, status, kind = (*_LABELS[label], None, None)[:3]
        marks.append(Mark(str(entity["id"]), type_, *span, status, kind, value))
    arcs = [Arc(str(r["from_id"]), str(r["to_id"]), r.get("type")) for r in row.get("relations") or ()]
    return Sheet(str(row.get("passage") or id_), str(row.get("source") or source), text, tuple(marks), tuple(arcs))
