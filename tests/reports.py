"""Whole records made by hand: a report is a list of sentences, each with what is found in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from zongjie.record import Record

_TYPES = {
    "number": "NUMBER",
    "metric": "METRIC",
    "action": "ACTION",
    "time": "TIME",
    "place": "PLACE",
    "school": "SCHOOL",
    "program": "PROGRAM",
    "base": "NUMBER",
}
_LISTS = {"M": ("measures", "m"), "R": ("results", "r"), "T": ("targets", "t"), "I": ("issues", "i")}


def said(text: str, role: str = "R", **found: object) -> dict[str, Any]:
    """A sentence with what is found in it: pieces by role, ``value`` (a number or a pair), ``unit``, ``period`` …

    It states a fact if it has a ``number``.
    """
    return {"text": text, "role": role, **found}


def report(
    *sentences: dict[str, Any], source: str = "a.txt", blocks: list[Any] | None = None, **document: object
) -> Record:
    """A record of these sentences, one a line."""
    text, at = "", 0
    whole: dict[str, Any] = {
        name: [] for name in ("entities", "facts", "warnings", *(pair[0] for pair in _LISTS.values()))
    }
    for one in sentences:
        at, line = len(text), one["text"]
        text += f"{line}\n"
        spans = {}
        for role, type_ in _TYPES.items():
            if piece := one.get(role):
                start = at + (line.rindex(piece) if role == "number" else line.index(piece))
                spans[role] = {"start": start, "end": start + len(piece), "text": piece}
                id_ = f"e{len(whole['entities']) + 1}"
                whole["entities"].append({"id": id_, "type": type_, **spans[role], "name": piece, "confidence": 0.9})
        named = {
            kind: [e["id"] for e in whole["entities"] if e["type"] == type_ and e["start"] >= at]
            for kind, type_ in (("programs", "PROGRAM"), ("schools", "SCHOOL"))
        }
        section = one.get("section", [])
        if "number" in spans:
            whole["facts"].append(_fact(one, spans, f"f{len(whole['facts']) + 1}", (at, at + len(line))))
        name, letter = _LISTS[one["role"]]
        facts = [whole["facts"][-1]["id"]] if "number" in spans else []
        statement = {"id": f"{letter}{len(whole[name]) + 1}", "start": at, "end": at + len(line), "text": line}
        whole[name].append({**statement, **named, "facts": facts, "section": section, "confidence": None})
    known = dict.fromkeys(("title", "issuer", "region", "published", "period"))
    about = {"id": source, "source": source, "media_type": "text/plain", "chars": len(text), "text_sha256": "0" * 64}
    if isinstance(year := document.pop("year", None), int):
        known["period"] = {"text": f"{year}年", "start": f"{year}-01-01", "end": f"{year}-12-31"}
    about |= {"kind": "summary", **known, **document}
    return Record.model_validate({"document": about, "text": text, "blocks": blocks or [], **whole})


def _fact(one: dict[str, Any], spans: dict[str, Any], id_: str, sentence: tuple[int, int]) -> dict[str, Any]:
    fact: dict[str, Any] = {role: spans.get(role) for role in _TYPES}
    if fact["time"] and "period" in one:
        fact["time"] = {**fact["time"], "period": dict(zip(("start", "end"), one["period"], strict=True))}
    if fact["place"] and "name" in one:
        fact["place"] = {**fact["place"], "name": one["name"]}
    value = one.get("value")
    if value is not None:
        low, high = value if isinstance(value, tuple) else (value, value)
        ends = {"low": None if low is None else Decimal(low), "high": None if high is None else Decimal(high)}
        value = {**ends, "unit": one.get("unit", "%"), "flag": one.get("flag", "=")}
    metric, action = one.get("metric", ""), one.get("action", "")
    status = "target" if one["role"] == "T" else "actual"
    return {
        **fact,
        "id": id_,
        "indicator": action + metric,
        "value": value,
        "status": one.get("status", status),
        "kind": one.get("kind", "level"),
        "confidence": one.get("confidence", 0.9),
        "sentence": dict(zip(("start", "end"), sentence, strict=True)),
        "section": one.get("section", []),
        "page": None,
    }
