"""The model card: measure a model on annotated passages, and write ``README.md`` into its folder.

In: a model's folder, the passages to measure on, the passages it was trained on. Out: beside the model ``README.md``,
``figures.json`` (every number of the card and more) and ``calibration.png``. Not for: choosing between models.

    python -m zongjie.training.card MODEL_FOLDER --dev DEV.jsonl --train TRAIN.jsonl...
        [--curve curve.json] [--speed speed.json]

``curve.json`` holds, by the share of the training passages in per cent, figures by measure, or what
``zongjie evaluate --json`` prints. ``speed.json`` holds figures by what they are figures of.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from zongjie.corpus import Passage, read_gold
from zongjie.model import Card, digest, open_model, read_card
from zongjie.score import Layers, Scores, compare
from zongjie.training.calibrate import Seen, expected_error, extract, judge, parts, plot, reliability
from zongjie.windows import TYPES

NAMES = ("SCHOOL", "PLACE", "PROGRAM", "METRIC", "ACTION")  # types whose surfaces may be known from training or not
HEADLINES = ("span.all", "fact.core", "fact.full", "roles.macro")
MACRO = "roles.macro"
_DRAWS, _SEED = 1000, 1
_LEVEL = (2.5, 97.5)  # percentiles that bound the interval
_ENOUGH = 30  # gold items below which a figure says little
_PICTURE = "calibration.png"

Floats = npt.NDArray[np.float64]


def measure(folder: Path, dev: Sequence[Passage], train: Iterable[Passage]) -> tuple[dict[str, Any], list[Seen]]:
    """Measure a model.

    Args:
        folder: Its folder.
        dev: Annotated passages to measure on.
        train: The annotated passages that it was trained on.

    Returns:
        The figures, as plain values for JSON; and how sure it was of what it found.

    Raises:
        ModelError: If the folder is no sound model.
    """
    known = list(train)
    gold = {passage.id: Layers.of(passage.to_dict()) for passage in dev}
    found: dict[str, Layers] = {}
    seen: list[Seen] = []
    for extracted in extract(open_model(folder), dev):
        found[extracted.passage.id] = Layers.of(extracted.record.to_dict())
        seen += judge(extracted)
    documents: dict[str, list[Layers]] = defaultdict(list)
    for passage in dev:
        documents[passage.source].append(gold[passage.id])
    scores = compare(gold.values(), found)
    figures = {
        "model": describe(folder),
        "measured_on": {
            "passages": len(dev),
            "documents": len(documents),
            "documents_also_in_train": len(documents.keys() & {passage.source for passage in known}),
            "train_passages": len(known),
        },
        **scores.to_dict(),
        "f1_interval": bootstrap([compare(rights, found) for rights in documents.values()]),
        "names": known_names(dev, known, found),
        "calibration": calibration(seen),
    }
    return figures, seen


def describe(folder: Path) -> dict[str, Any]:
    """Give what can be said of a model without running it: sizes in bytes, weights, seconds to open."""
    card = read_card(folder)
    graph = onnx.load(str(folder / "network.onnx")).graph
    seconds = []
    for _ in range(3):  # the first time the files are cold
        begun = time.perf_counter()
        open_model.__wrapped__(folder)
        seconds.append(time.perf_counter() - begun)
    return {
        "bytes": {name: (folder / name).stat().st_size for name in sorted([*card.files, "model.json"])},
        "weights": int(sum(np.prod(tensor.dims, dtype=np.int64) for tensor in graph.initializer)),
        "seconds_to_open": round(min(seconds), 3),
    }


def bootstrap(documents: Sequence[Scores], *, draws: int = _DRAWS, seed: int = _SEED) -> dict[str, tuple[float, float]]:
    """Bound the F1 of every measure by drawing documents anew, with replacement (Efron 1979).

    Documents are drawn, not passages, as the passages of one document are alike.

    Args:
        documents: Scores of each document.
        draws: How many times to draw.
        seed: Seed of chance.

    Returns:
        The ends of the 95 % interval of F1, by measure; ``roles.macro`` too.
    """
    names = sorted({name for scores in documents for name in scores.measures})
    counts = np.zeros((len(documents), len(names), 3))
    for row, scores in enumerate(documents):
        for name, prf in scores.measures.items():
            counts[row, names.index(name)] = prf.tp, prf.fp, prf.fn
    share = np.full(len(documents), 1 / len(documents))
    times = np.random.default_rng(seed).multinomial(len(documents), share, size=draws)
    drawn: Floats = np.tensordot(times, counts, axes=1)
    tp, fp, fn = np.moveaxis(drawn, -1, 0)
    f1 = 2 * tp / np.maximum(2 * tp + fp + fn, 1)
    roles = [i for i, name in enumerate(names) if name.startswith("role.")]
    there = tp[:, roles] + fn[:, roles] > 0
    macro = np.sum(f1[:, roles] * there, axis=1) / np.maximum(there.sum(axis=1), 1)
    low, high = np.percentile(np.column_stack([f1, macro]), _LEVEL, axis=0)
    return {name: (float(low[i]), float(high[i])) for i, name in enumerate([*names, MACRO])}


def known_names(
    dev: Iterable[Passage], train: Iterable[Passage], found: Mapping[str, Layers]
) -> dict[str, dict[str, dict[str, int]]]:
    """Count how many spans were found, by whether their words stand under that type in the training passages.

    Args:
        dev: Annotated passages.
        train: The annotated passages that the model was trained on.
        found: What was found in each passage of ``dev``.

    Returns:
        By type and ``seen`` or ``unseen``: ``gold``, how many there are, and ``found``, with the right offsets.
    """
    words = {(tag.type, tag.text) for passage in train for tag in passage.entities}
    names = {type_: {part: {"gold": 0, "found": 0} for part in ("seen", "unseen")} for type_ in NAMES}
    for passage in dev:
        for tag in passage.entities:
            if tag.type in NAMES:
                count = names[tag.type]["seen" if (tag.type, tag.text) in words else "unseen"]
                count["gold"] += 1
                count["found"] += (tag.type, tag.start, tag.end) in found[passage.id].spans
    return names


def calibration(seen: Sequence[Seen]) -> dict[str, dict[str, Any]]:
    """Compare what the model says of its sureness with how often it is right.

    Args:
        seen: What it found.

    Returns:
        For spans, facts and clauses, then for each span type: ``count``, mean ``chance``, share ``right``, expected
        calibration ``error`` and the ``bins`` that are not empty.
    """
    groups = parts(seen) | {type_: [one for one in seen if one.kind == type_] for type_ in TYPES}
    rows = {}
    for name, found in groups.items():
        chances, right = [one.chance for one in found], [one.right for one in found]
        rows[name] = {
            "count": len(found),
            "chance": sum(chances) / max(1, len(found)),
            "right": sum(right) / max(1, len(found)),
            "error": expected_error(chances, right),
            "bins": [row._asdict() for row in reliability(chances, right) if row.size],
        }
    return rows


def curve_of(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Read a learning curve.

    Args:
        rows: By share of the training passages in per cent: F1 by measure, or ``Scores.to_dict()``.

    Returns:
        F1 by measure, the smallest share first.
    """

    def plain(row: Mapping[str, Any]) -> dict[str, float]:
        if "measures" not in row:
            return {name: float(value) for name, value in row.items()}
        all_ = {name: counts["f1"] for name, counts in row["measures"].items()} | {MACRO: row[MACRO]}
        return {name: all_[name] for name in HEADLINES if name in all_}

    return {share: plain(rows[share]) for share in sorted(rows, key=float)}


# -- the card ----------------------------------------------------------------------------------------------------------

_HEAD = """---
language: zh
license: apache-2.0
library_name: zongjie
pipeline_tag: token-classification
tags: [information-extraction, education, onnx]
---

# {name}

The trained half of zongjie. It reads a Chinese 工作总结 (a work report of an education bureau, a school or a
government) and marks in it seven types of spans (SCHOOL, PROGRAM, NUMBER, METRIC, ACTION, TIME, PLACE), links every
number to what belongs to it, says whether it was reached or is planned, and what each clause is for (M measure,
R result, T target, I issue, O other). Every span, fact and clause comes with a confidence.

One network scores characters, with what the grammar of zongjie says of each written beside it; a decoder keeps the
rules of the annotation. Numbers are parsed, and dates and places resolved, by rules and not by the network.
"""

_USE = """
```python
import zongjie

extract = zongjie.load()  # or a TOML file with [model] path = "a model's folder"
record = extract("report.docx")
```
"""

_DATA = """
## Data and licences

| what | where from | in this folder |
| --- | --- | --- |
| `data/gold` | written and annotated for this project; its licence is in `data/README.md` | no |
| `../shared/gold` | passages of public reports, mostly official documents, annotated by hand (a) | no |
| `data/standoff` | offsets and labels of public news and reports, made for this project, without their text | no |
| text for pretraining, where an encoder was pretrained | public documents; not redistributed | no |
| weights, list of characters, this card | made by this project, Apache-2.0 | yes |

(a) For training and evaluation only, not to be redistributed. Official documents carry no copyright in the PRC
(Copyright Law, Art. 5); a part is news and profiles of schools, which may.

No text ships with the model: `alphabet.txt` holds single characters.
"""

_LIMITS = """
## Limits

- Made for reports on education, in simplified Chinese of the mainland; other subjects and kinds of text were not
  measured.
- Measured on passages of one to a few sentences. What only a whole document shows (headings, tables, a time or a place
  named a page before) is in none of these figures.
- The network reads at most {longest} characters at a time, whole sentences where they fit.
- {links}
- The passages it is measured on were looked at while zongjie was made, so expect somewhat less on new places.
- One annotation was taken for right. People who annotate the same passage differ too, most of all in where a PROGRAM
  begins and ends.
- A confidence is the chance that the whole item is right to the character, on text like that it was fitted on; on other
  text it may be too high.
- It finds what a report says, not whether that is true. The figures are the reporting body's own: do not rank schools
  or judge people by them.
"""


def render(name: str, card: Card, figures: Mapping[str, Any]) -> str:
    """Write the card.

    Args:
        name: The model's name.
        card: Its ``model.json``.
        figures: As ``measure`` gives them, and ``curve`` and ``speed`` where known.

    Returns:
        Markdown.
    """
    sections = (
        _HEAD.format(name=name),
        _USE,
        _DATA,
        _training(card),
        _quality(figures),
        _weakest(figures["measures"]),
        _names(figures["names"]),
        _curve(figures.get("curve")),
        _confidence(card, figures["calibration"]),
        _costs(figures["model"], figures.get("speed")),
        _limits(card),
    )
    return "\n".join(section.strip("\n") + "\n" for section in sections if section)


def _training(card: Card) -> str:
    """Say where the model comes from, as its own file has it."""
    origin = dict(card.training)
    trial = "\n**This model is a trial run over a handful of passages; its figures mean nothing.**\n"
    files = origin.pop("files", {})
    rows = [(key.replace("_", " "), _plain(value)) for key, value in origin.items()]
    kept = card.mix.model_dump()
    rows += [(f"mix: {key}", _plain(value)) for key, value in kept.items() if value]
    said = f"\n## Training\n{trial if origin.get('smoke') else ''}\n"
    said += _table(("", ""), rows) + "\n\n`zongjie train` says how; `model.json` has this as data.\n"
    if files:
        said += "\n" + _table(("file read", "SHA-256"), [(f"`{path}`", f"`{sha}`") for path, sha in files.items()])
    return said + "\n"


def _quality(figures: Mapping[str, Any]) -> str:
    on = figures["measured_on"]
    rows = [
        (name, *(f"{m[key]:.3f}" for key in ("p", "r", "f1")), _interval(figures, name), str(m["tp"] + m["fn"]))
        for name, m in figures["measures"].items()
    ]
    rows.append((MACRO, "", "", f"{figures[MACRO]:.3f}", _interval(figures, MACRO), ""))
    files = "".join(f"\n- `{name}`: SHA-256 `{sha}`" for name, sha in figures.get("files", {}).items())
    return f"""
## How well it works

Measured on {on["passages"]} passages of {on["documents"]} documents; of these documents {on["documents_also_in_train"]}
also stand in the {on["train_passages"]} training passages. `zongjie.score` says what one item of each measure is.
The interval is of F1, 95 %, by drawing documents anew {_DRAWS:,} times.
{files}

{_table(("measure", "precision", "recall", "F1", "interval", "in gold"), rows)}
"""


def _interval(figures: Mapping[str, Any], name: str) -> str:
    low, high = figures["f1_interval"][name]
    return f"{low:.3f} to {high:.3f}"


def _weakest(measures: Mapping[str, Mapping[str, float]]) -> str:
    single = {
        name: m
        for name, m in measures.items()
        if name.startswith(("span.", "link.", "role.")) and name != "span.all" and m["tp"] + m["fn"] >= _ENOUGH
    }
    worst = sorted(single, key=lambda name: single[name]["f1"])[:5]
    listed = ", ".join(f"{name} ({single[name]['f1']:.3f})" for name in worst)
    return f"Weakest, of what stands in gold at least {_ENOUGH} times: {listed}.\n" if worst else ""


def _names(names: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    rows = [
        (type_, *(cell for part in ("seen", "unseen") for cell in (_recall(split[part]), str(split[part]["gold"]))))
        for type_, split in names.items()
    ]
    header = ("type", "recall, seen", "in gold", "recall, unseen", "in gold")
    return f"""
### Names that the training passages have, and others

A span counts as seen if the training passages have the same words under the same type.

{_table(header, rows)}
"""


def _recall(count: Mapping[str, int]) -> str:
    return f"{count['found'] / count['gold']:.3f}" if count["gold"] else "-"


def _curve(curve: Mapping[str, Mapping[str, float]] | None) -> str:
    if not curve:
        return ""
    columns = list(dict.fromkeys(name for row in curve.values() for name in row))
    rows = [
        (f"{share} %", *(f"{row[name]:.3f}" if name in row else "-" for name in columns))
        for share, row in curve.items()
    ]
    return f"""
### Learning curve

F1 by the share of the annotated passages that the network was given: one fit each, from one start, without the last
passes and with the shipped mix.

{_table(("share", *columns), rows)}
"""


def _confidence(card: Card, rows: Mapping[str, Mapping[str, Any]]) -> str:
    fitted = "by a line on its log odds, fitted on passages held out of training (Platt 1999)"
    how = fitted if card.calibration else "as they come, not calibrated"
    table = [
        (name, str(row["count"]), *(f"{row[key]:.3f}" if row["count"] else "-" for key in ("chance", "right", "error")))
        for name, row in rows.items()
    ]
    return f"""
## How far its confidence can be trusted

Confidences are made from scores {how}.
The expected calibration error (ECE, Guo et al. 2017) is the mean distance between confidence and share right, over ten
bins; 0 is best.

{_table(("what", "found", "mean confidence", "share right", "ECE"), table)}

![Share right by confidence, for spans, facts and clauses]({_PICTURE})
"""


def _costs(model: Mapping[str, Any], speed: Mapping[str, Any] | None) -> str:
    rows = [(f"`{name}`", f"{size / 1000:,.0f} kB") for name, size in model["bytes"].items()]
    rows += [("weights", f"{model['weights'] / 1e6:.1f} million"), ("to open it", f"{model['seconds_to_open']:.2f} s")]
    rows += [(name.replace("_", " "), _plain(value)) for name, value in (speed or {}).items()]
    return f"\n## Size and speed\n\n{_table(('', ''), rows)}\n"


def _limits(card: Card) -> str:
    chosen = ", ".join(card.mix.links)
    links = (
        f"The network chooses these links, among what it reads at a time, and the grammar the others: {chosen}."
        if chosen
        else "All links are chosen by the grammar; the network chooses spans, roles, status and kind."
    )
    return _LIMITS.format(longest=card.mix.longest, links=links)


def _plain(value: object) -> str:
    """Write a value of JSON for a reader."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)] if len(header) > 2 else ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def write(folder: Path, figures: Mapping[str, Any], seen: Sequence[Seen]) -> None:
    """Write card, figures and picture into a model's folder, in place of earlier ones."""
    (folder / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(render(folder.resolve().name, read_card(folder), figures), encoding="utf-8")
    plot(seen, folder / _PICTURE)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dev", type=Path, required=True, help="annotated passages to measure on")
    parser.add_argument("--train", type=Path, nargs="+", required=True, help="the passages that it was trained on")
    parser.add_argument("--curve", type=Path, help="figures by share of the training passages")
    parser.add_argument("--speed", type=Path, help="figures of speed")
    given = parser.parse_args()
    figures, seen = measure(given.model, read_gold(given.dev), [p for path in given.train for p in read_gold(path)])
    figures["files"] = {path.name: digest(path) for path in (given.dev, *given.train) if path.is_file()}
    if given.curve:
        figures["curve"] = curve_of(json.loads(given.curve.read_text(encoding="utf-8")))
    if given.speed:
        figures["speed"] = json.loads(given.speed.read_text(encoding="utf-8"))
    write(given.model, figures, seen)
    sys.stdout.write(f"{given.model / 'README.md'}\n")


if __name__ == "__main__":
    main()
