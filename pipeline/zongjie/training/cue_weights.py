"""Choose the clause-role cues and fit their weights on annotated passages.

In: gold passages. Out: ``cues`` and ``[weights]`` of ``configs/roles.toml``, written in place. Multinomial logistic
regression with an L2 penalty by full-batch gradient descent: a few hundred features and some ten thousand clauses need
no more. Needs the ``train`` extra (numpy).

    python -m zongjie.training.cue_weights GOLD.jsonl...
"""

from __future__ import annotations

import sys
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zongjie.corpus import Passage, read_gold
from zongjie.ontology import read_config
from zongjie.reading import Reading
from zongjie.rules import find_spans
from zongjie.rules.roles import ROLES, features, pairs_in
from zongjie.text import Text

_MARK = "# -- fitted: python -m zongjie.training.cue_weights --"

Floats = npt.NDArray[np.float64]


def fit(
    rows: Sequence[dict[str, float]], roles: Sequence[str], *, penalty: float = 1e-3, steps: int = 300
) -> dict[str, dict[str, float]]:
    """Fit one weight a feature and role.

    Args:
        rows: Features of each clause.
        roles: The gold role of each clause.
        penalty: Strength of the L2 penalty, relative to the mean loss.
        steps: Steps of Nesterov's accelerated gradient descent.

    Returns:
        Weights by feature and role, rounded to two decimals; small ones are left out.
    """
    names = sorted({name for row in rows for name in row})
    index = {name: i for i, name in enumerate(names)}
    x: Floats = np.zeros((len(rows), len(names)))
    for i, row in enumerate(rows):
        for name, value in row.items():
            x[i, index[name]] = value
    y: Floats = np.eye(len(ROLES))[[ROLES.index(role) for role in roles]]
    w: Floats = np.zeros((len(names), len(ROLES)))
    ahead = w.copy()
    rate = 4.0 / float(np.mean(np.sum(x * x, axis=1)))
    for step in range(1, steps + 1):
        scores = x @ ahead
        scores -= scores.max(axis=1, keepdims=True)
        chance = np.exp(scores)
        chance /= chance.sum(axis=1, keepdims=True)
        gradient = x.T @ (chance - y) / len(rows) + penalty * ahead
        new = ahead - rate * gradient
        ahead = new + (step - 1) / (step + 2) * (new - w)
        w = new
    return {
        name: {role: round(float(v), 2) for role, v in zip(ROLES, w[i], strict=True) if abs(v) >= 0.05}
        for name, i in index.items()
    }


def describe(passages: Iterable[Passage]) -> tuple[list[dict[str, float]], list[str]]:
    """Turn passages into features and roles, clause by clause.

    Args:
        passages: Gold passages whose clauses are split as ``clauses.split_clauses`` splits them; others are skipped.

    Returns:
        Features and gold roles, of equal length.
    """
    rows: list[dict[str, float]] = []
    roles: list[str] = []
    for passage in passages:
        reading = Reading(Text.of(passage.text))
        if [(c.start, c.end) for c in passage.clauses] != reading.clauses:
            continue
        rows += features(reading, find_spans(reading))  # the grammar's own spans, as when it extracts
        roles += [c.role for c in passage.clauses]
    return rows, roles


def choose(passages: Sequence[Passage], *, count: int = 300, least: int = 15) -> list[str]:
    """Choose the pairs of characters that say most about the role of their clause; place names are left out.

    Args:
        passages: Gold passages.
        count: How many to choose.
        least: In how many clauses a pair must stand.

    Returns:
        Pairs as ``pairs_in`` writes them, sorted.
    """
    places = {row.split(",")[1][:2] for row in read_config("lexicon/places.csv").splitlines()[1:]}
    total: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for passage in passages:
        for clause in passage.clauses:
            total[clause.role] += 1
            for pair in pairs_in(passage.text[clause.start : clause.end]):
                seen[pair][clause.role] += 1
    clauses = sum(total.values())

    def surprise(pair: str) -> float:
        n = sum(seen[pair].values())
        expected = {role: total[role] / clauses for role in total}
        return max(float(abs(seen[pair][role] - n * p) / (n * p * (1 - p)) ** 0.5) for role, p in expected.items())

    common = [pair for pair in seen if sum(seen[pair].values()) >= least and pair.strip("^$") not in places]
    return sorted(sorted(common, key=lambda pair: (-surprise(pair), pair))[:count])


def as_toml(cues: Sequence[str], weights: dict[str, dict[str, float]]) -> str:
    """Write cues and weights as they stand at the end of ``configs/roles.toml``.

    Args:
        cues: The chosen cues.
        weights: Weights by feature and role.

    Returns:
        TOML text.
    """
    listed = textwrap.fill(", ".join(f'"{cue}"' for cue in cues), 110, break_long_words=False)
    rows = (
        f'"{name}" = {{ {", ".join(f"{role} = {value}" for role, value in values.items())} }}'
        for name, values in weights.items()
        if values
    )
    return "\n".join([_MARK, "[cues]", f"pairs = [\n{listed},\n]", "", "[weights]", *rows]) + "\n"


def main(paths: Sequence[str]) -> None:
    """Choose, fit, and rewrite the end of ``configs/roles.toml``.

    Args:
        paths: Files or folders of gold passages.
    """
    passages = [p for path in paths for p in read_gold(Path(path))]
    file = Path(str(files("zongjie.configs"))) / "roles.toml"
    head = file.read_text(encoding="utf-8").split(_MARK)[0]
    cues = choose(passages)
    file.write_text(head + as_toml(cues, {}), encoding="utf-8")
    fitted = fit(*describe(passages))
    file.write_text(head + as_toml(cues, fitted), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
