"""The quality gate: no figure on ``data/gold/`` may fall below its floor in ``tests/gate.json``.

``python tests/gate.py`` checks (exit 1 if the gate is shut); ``--pin`` raises the floors to what is measured now.
The floors belong to one state of the gold data, known by its digest: other data, other figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import zongjie
from zongjie.corpus import read_gold
from zongjie.score import evaluate

HERE = Path(__file__).parent
GOLD = HERE.parent / "data" / "gold"
FLOORS = HERE / "gate.json"
MEASURES = (
    *(
        "span.all",
        "span.NUMBER",
        "span.METRIC",
        "span.SCHOOL",
        "span.PROGRAM",
        "span.ACTION",
        "span.TIME",
        "span.PLACE",
    ),
    *("value", "status", "kind", "fact.core", "fact.loose", "fact.full", "roles.macro"),
)
# By maker: the grammar gives the same on every machine; the model's sums may differ in the last bit between processors.
# The model has learned from these passages: its floors guard the way from text to record, not its quality.
SLACK = {"rules": 0.0, "model": 0.005}
Pinned = Mapping[str, Any]


def measure(gold: Path) -> dict[str, Any]:
    """Measure the present code on the present data: digest, number of passages, and F1 by measure."""
    passages = read_gold(gold)
    digest = hashlib.sha256("\n".join(passage.to_json() for passage in passages).encode()).hexdigest()
    figures = {}
    for by, slack in SLACK.items():
        scores = evaluate(passages, zongjie.load(HERE / "cases" / f"by_{by}.toml"))
        # rounded down, so that a floor is never above what was measured
        figures |= {f"{by} {name}": math.floor((scores.f1(name) - slack) * 10_000) / 10_000 for name in MEASURES}
    return {"gold": digest, "passages": len(passages), "floors": figures}


def complaints(pinned: Pinned, now: Pinned) -> list[str]:
    """Say what shuts the gate; an empty list if it is open."""
    if pinned["gold"] != now["gold"]:
        return [
            f"data/gold has changed (digest {now['gold'][:12]}, pinned {pinned['gold'][:12]}), so the floors do not "
            "hold for it. If that was intended, look at the figures (zongjie evaluate data/gold) and pin them: "
            "make pin; if not: git checkout data/gold."
        ]
    return [
        f"{name}: F1 {now['floors'][name]:.4f} is below its floor {floor:.4f}. Mend the change that lowered it; if the "
        "loss is worth it, say why in the commit and run: python tests/gate.py --pin --allow-lower"
        for name, floor in pinned["floors"].items()
        if now["floors"][name] < floor
    ]


def raised(pinned: Pinned | None, now: Pinned, *, allow_lower: bool) -> dict[str, Any]:
    """Give the new floors: what is measured now, but on the same data never less than before, unless allowed."""
    if pinned is None or allow_lower or pinned["gold"] != now["gold"]:
        return dict(now)
    return {**now, "floors": {name: max(f, pinned["floors"].get(name, 0.0)) for name, f in now["floors"].items()}}


def main(argv: Sequence[str] | None = None) -> int:
    """Check or pin; give the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pin", action="store_true", help="raise the floors to what is measured now")
    parser.add_argument("--allow-lower", action="store_true", help="with --pin: lower floors too")
    args = parser.parse_args(argv)
    pinned = json.loads(FLOORS.read_text("utf-8")) if FLOORS.exists() else None
    now = measure(GOLD)
    if args.pin:
        now, measured = raised(pinned, now, allow_lower=args.allow_lower), now
        FLOORS.write_text(json.dumps(now, indent=2) + "\n", "utf-8", newline="\n")
        kept = [name for name, floor in now["floors"].items() if measured["floors"][name] < floor]
        say(f"pinned {FLOORS.name}" + (f"; kept above what is measured: {', '.join(kept)}" if kept else ""))
        return 1 if kept else 0
    if pinned is None:
        say("tests/gate.json is not there, so no floor is pinned. Look at the figures and run: make pin")
        return 1
    for name, figure in now["floors"].items():
        say(f"{name:18s} {figure:.4f}  floor {pinned['floors'].get(name, 0.0):.4f}")
    found = complaints(pinned, now)
    for line in found:
        say(line)
    say("the gate is shut" if found else f"the gate is open: {now['passages']} passages, no figure below its floor")
    return 1 if found else 0


def say(line: str) -> None:
    """Write a line to the standard output."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
