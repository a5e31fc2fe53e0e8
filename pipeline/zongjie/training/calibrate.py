"""From the model's scores to honest chances: fit the lines of ``tagger.Calibration``, and measure how far they are off.

In: a ``Tagger`` and annotated passages that it was not trained on. Out: slope and intercept by kind, written into a
model's folder; the expected calibration error, its bins and a picture of them. Not for: training (``train``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from zongjie.corpus import Passage
from zongjie.layers import Draft, layers, reading
from zongjie.model import open_model, read_card
from zongjie.normalise import to_record
from zongjie.reading import Reading
from zongjie.record import Record
from zongjie.score import FactRow, Layers
from zongjie.tagger import Calibration, Tagger, logit
from zongjie.text import Text
from zongjie.windows import TYPES

FACT, STATEMENT = "fact", "statement"  # what the model is also sure of, beside its spans
PARTS: Mapping[str, tuple[str, ...]] = {"spans": TYPES, "facts": (FACT,), "clauses": (STATEMENT,)}
_FEW = 30  # examples below which a kind gets no line of its own
_BINS = 10
_COLOURS = 32  # of the picture

Line = tuple[float, float]


class Seen(NamedTuple):
    """One thing that was found in a passage.

    Attributes:
        kind: A span type, ``fact`` or ``statement`` (a clause and its role).
        chance: How sure the model said it is, 0 to 1.
        right: Whether the annotator says the same: the span's offsets and type, what ``fact.core`` compares of a fact,
            the clause's role.
    """

    kind: str
    chance: float
    right: bool

    @property
    def score(self) -> float:
        """Log odds of the chance; the model's score where nothing was calibrated or rounded."""
        return logit(self.chance)


class Extracted(NamedTuple):
    """A passage and what was made of it."""

    passage: Passage
    doc: Draft
    record: Record


class Bin(NamedTuple):
    """One bin of chances; half open, but for the last.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        size: How many chances fall into it.
        chance: Their mean; 0 if there are none.
        right: Share of them that is right; 0 if there are none.
    """

    low: float
    high: float
    size: int
    chance: float
    right: float


def extract(tagger: Tagger, passages: Iterable[Passage]) -> Iterator[Extracted]:
    """Extract from running text as ``Extractor`` does, and keep the draft.

    Args:
        tagger: The model, which makes all three layers.
        passages: What to read; only their texts are looked at.

    Yields:
        One outcome a passage, in order.
    """
    for passage in passages:
        doc = Draft(Reading(Text.of(passage.text, id=passage.id)))
        for step in (tagger.mark_spans, tagger.assign_roles, tagger.link_facts):
            doc = step(doc)
        yield Extracted(passage, doc, to_record(doc))


def collect(tagger: Tagger, passages: Iterable[Passage]) -> list[Seen]:
    """Say of all that a model finds what its score is and whether it is right.

    Args:
        tagger: The model; its calibration is left aside.
        passages: Annotated passages held out of its training.

    Returns:
        Spans, facts and clauses, passage by passage; ``Seen.score`` is the model's own.
    """
    bare = Tagger(tagger.scorer, tagger.alphabet, tagger.mix, Calibration(digits=None))
    return [seen for extracted in extract(bare, passages) for seen in judge(extracted)]


def judge(extracted: Extracted) -> Iterator[Seen]:
    """Compare what was found in one passage with what its annotator says.

    Args:
        extracted: The passage and what was made of it.

    Yields:
        Every span, every fact, and every clause that the annotator cut likewise.
    """
    passage, doc, record = extracted
    gold, found = Layers.of(passage.to_dict()), Layers.of(record.to_dict())
    for entity in record.entities:
        if entity.confidence is not None:
            yield Seen(entity.type, entity.confidence, (entity.type, entity.start, entity.end) in gold.spans)
    free = Counter(map(_core, gold.facts))
    for fact, row in zip(record.facts, found.facts, strict=True):
        right = free[_core(row)] > 0
        free[_core(row)] -= right
        if fact.confidence is not None:
            yield Seen(FACT, fact.confidence, right)
    roles = {(clause.start, clause.end): clause.role for clause in passage.clauses}
    for clause in layers(doc).clauses:
        place = reading(doc).to_content(clause.start, clause.end)
        if clause.confidence is not None and place in roles:
            yield Seen(STATEMENT, clause.confidence, clause.role == roles[place])


def _core(fact: FactRow) -> tuple[object, ...]:
    """Give what ``fact.core`` compares."""
    return fact.number, fact.metric, fact.said


def fit_lines(seen: Iterable[Seen]) -> dict[str, Line]:
    """Fit a line from log odds to log odds by kind, by logistic regression (Platt 1999).

    Args:
        seen: What an uncalibrated model found in passages held out of its training.

    Returns:
        Slope and intercept by kind. A span type with few examples takes the line of all spans together; ``fact`` and
        ``statement`` with few have none.
    """
    by_kind: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        by_kind[one.kind].append(one)
    spans = [one for kind in TYPES for one in by_kind[kind]]
    lines: dict[str, Line] = {}
    for kind in (*TYPES, FACT, STATEMENT):
        examples = by_kind[kind] if len(by_kind[kind]) >= _FEW or kind not in TYPES else spans
        if len(examples) >= _FEW:
            lines[kind] = _line(examples)
    return lines


def _line(examples: Sequence[Seen]) -> Line:
    """Fit one line, to Platt's targets: a little short of 0 and 1, so that no sample is too clean to fit."""
    scores, right = np.array([e.score for e in examples]), np.array([e.right for e in examples])
    target = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))
    regression = LogisticRegression(C=np.inf)
    regression.fit(
        np.concatenate([scores, scores])[:, None],
        np.repeat([1, 0], len(scores)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    return round(float(regression.coef_[0, 0]), 4), round(float(regression.intercept_[0]), 4)


def recalibrate(folder: Path, lines: Mapping[str, Line]) -> None:
    """Put new lines into a model's folder, in place of those that are there.

    Args:
        folder: A model's folder; nothing but ``model.json`` changes.
        lines: Slope and intercept by kind.

    Raises:
        ModelError: If the folder is no sound model.
    """
    card = read_card(folder).model_copy(update={"calibration": dict(lines)})
    (folder / "model.json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    open_model.cache_clear()  # else this process would go on with the old lines


def reliability(chances: Sequence[float], right: Sequence[bool], *, bins: int = _BINS) -> list[Bin]:
    """Sort chances into bins of one width, and compare their mean with how often they were right.

    Args:
        chances: 0 to 1.
        right: Whether each came true.
        bins: How many bins.

    Returns:
        All bins, the empty ones too; their counts add up to the number of chances.
    """
    said, true = np.asarray(chances, float), np.asarray(right, float)
    place = np.minimum((said * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    mean, share = (np.bincount(place, x, minlength=bins) / np.maximum(counts, 1) for x in (said, true))
    return [Bin(i / bins, (i + 1) / bins, int(counts[i]), float(mean[i]), float(share[i])) for i in range(bins)]


def expected_error(chances: Sequence[float], right: Sequence[bool], bins: int = _BINS) -> float:
    """Give the expected calibration error (Guo et al. 2017).

    Args:
        chances: 0 to 1.
        right: Whether each came true.
        bins: How many bins.

    Returns:
        The mean distance of chance and truth over bins, weighted by their counts; 0 for no chances.
    """
    rows = reliability(chances, right, bins=bins)
    return sum(row.size * abs(row.chance - row.right) for row in rows) / max(1, sum(row.size for row in rows))


def parts(seen: Iterable[Seen]) -> dict[str, list[Seen]]:
    """Sort what was found into spans, facts and clauses."""
    found = list(seen)
    return {name: [one for one in found if one.kind in kinds] for name, kinds in PARTS.items()}


def plot(seen: Iterable[Seen], path: Path) -> None:
    """Draw a reliability diagram for spans, facts and clauses, and how many things stand in each bin.

    Args:
        seen: What a calibrated model found in passages held out of its training.
        path: The PNG to write.
    """
    from matplotlib.figure import Figure  # slow to import, and needed here alone
    from PIL import Image

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (name, found) in zip(figure.subplots(1, len(PARTS), sharey=True), parts(seen).items(), strict=True):
        chances, right = [one.chance for one in found], [one.right for one in found]
        rows = [row for row in reliability(chances, right) if row.size]
        axes.bar(
            [(row.low + row.high) / 2 for row in rows],
            [row.size / len(found) for row in rows],
            width=0.9 / _BINS,
            color="#d8dee6",
            label="share of all",
        )
        axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--")
        axes.plot([row.chance for row in rows], [row.right for row in rows], "o-", color="#1f5fa8", label="share right")
        axes.set(
            title=f"{name}: {len(found)}, ECE {expected_error(chances, right):.3f}",
            xlabel="stated confidence",
            xlim=(0, 1),
            ylim=(0, 1.02),
        )
    figure.axes[0].legend(loc="upper left", frameon=False)
    whole = BytesIO()
    figure.savefig(whole, dpi=100)
    Image.open(whole).convert("RGB").quantize(_COLOURS).save(path, optimize=True)  # a quarter of the size
