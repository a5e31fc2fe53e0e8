"""Annotated passages as rows that the network can learn from, and the batches made of them.

In: ``Passage``s. Out: a ``datasets.Dataset`` of ids, marks and targets; padded tensors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, load_from_disk
from torch import Tensor

from zongjie.alphabet import MASK, Alphabet
from zongjie.corpus import Passage
from zongjie.layers import LINK_TYPES, LINKS
from zongjie.reading import Reading
from zongjie.rules.roles import VOICES
from zongjie.text import Text
from zongjie.windows import COLUMNS, KINDS, ROLES, STATUSES, TYPES, VOICE, VOICE_ID, Said, marks_of

_log = logging.getLogger(__name__)


def row_of(passage: Passage, alphabet: Alphabet) -> dict[str, Any] | None:
    """Make the row of one passage.

    Args:
        passage: An annotated passage.
        alphabet: The model's characters.

    Returns:
        The row, or ``None`` where the view is not the text (soft line feeds), so that offsets would differ.
    """
    reading = Reading(Text.of(passage.text, id=passage.id))
    if reading.text != passage.text:
        return None
    tags = {tag.id: tag for tag in passage.entities}
    spans = [(t.start, t.end - 1, TYPES.index(t.type)) for t in passage.entities]
    links, numbers = [], {}
    for claim in passage.facts:
        number = tags[claim.number]
        numbers[number.start, number.end] = (STATUSES.index(claim.status), KINDS.index(claim.kind))
        for role, id_ in claim.links().items():
            links.append((LINKS.index(role), number.start, tags[id_].start))
    clauses = [(c.start, c.end, ROLES.index(c.role)) for c in passage.clauses]
    targets: dict[str, Sequence[tuple[int, ...]]] = {
        "spans": spans,
        "links": links,
        "numbers": _states(numbers),
        "clauses": clauses,
    }
    return _row(reading, Said.of(reading), alphabet, targets)


def _silver_row(text: str, alphabet: Alphabet) -> dict[str, Any]:
    """Make the row of a passage that no person has annotated: what the grammar says of it is learned."""
    reading = Reading(Text.of(text))
    said = Said.of(reading)
    spans = [(m.start, m.end - 1, TYPES.index(m.type)) for m in said.mentions]
    links, numbers = [], {}
    for link in said.links:
        at = link.number
        numbers[at.start, at.end] = (STATUSES.index(link.status), KINDS.index(link.kind))
        found = ((i, getattr(link, name)) for i, name in enumerate(LINKS))
        links += [(i, at.start, other.start) for i, other in found if other]
    clauses = [(c.start, c.end, ROLES.index(c.role)) for c in said.clauses]
    return _row(
        reading, said, alphabet, {"spans": spans, "links": links, "numbers": _states(numbers), "clauses": clauses}
    )


def silver_texts(folders: Sequence[Path], most: int) -> list[str]:
    """Read the first passages of silver that state figures or names.

    Args:
        folders: Folders of ``zongjie.training.silver``, whose passages stand in random order.
        most: How many to give.

    Returns:
        Their texts.
    """
    number, named = TYPES.index("NUMBER"), {TYPES.index("SCHOOL"), TYPES.index("PROGRAM")}
    found: list[str] = []
    for folder in folders:
        for row in load_from_disk(str(folder)):
            kinds = [kind for _, _, kind in row["spans"]]
            telling = kinds.count(number) > 1 or (number in kinds and not named.isdisjoint(kinds))
            if telling and len(kinds) >= _FEW:
                found.append(row["text"])
            if len(found) >= most:
                return found
    return found


def all_texts(folders: Sequence[Path]) -> list[str]:
    """Read all passages of silver.

    Args:
        folders: As for ``silver_texts``.

    Returns:
        Their texts, in order.
    """
    return [text for folder in folders for text in load_from_disk(str(folder))["text"]]


def silver_dataset(texts: Iterable[str], alphabet: Alphabet) -> Dataset:
    """Make the dataset of texts that no person has annotated: the grammar is the annotator.

    Args:
        texts: Passages.
        alphabet: The model's characters.

    Returns:
        One row a passage.
    """
    return Dataset.from_list([_silver_row(text, alphabet) for text in texts])


def _states(numbers: dict[tuple[int, int], tuple[int, int]]) -> list[tuple[int, ...]]:
    return [(start, end, *state) for (start, end), state in sorted(numbers.items())]


def _row(
    reading: Reading, said: Said, alphabet: Alphabet, targets: Mapping[str, Sequence[tuple[int, ...]]]
) -> dict[str, Any]:
    return {
        "ids": alphabet.encode(reading.text).tolist(),
        "length": len(reading.text),  # the loop batches rows of like length
        "marks": marks_of(reading, said).ravel().tolist(),
        **{name: [list(values) for values in sorted(set(found))] for name, found in targets.items()},
    }


def dataset_of(passages: Iterable[Passage], alphabet: Alphabet) -> Dataset:
    """Make the dataset of some passages.

    Args:
        passages: Annotated passages.
        alphabet: The model's characters.

    Returns:
        One row a passage; those whose view is not their text are left out, and that is said on the standard error.
    """
    rows = [row_of(passage, alphabet) for passage in passages]
    kept = [row for row in rows if row]
    if lost := len(rows) - len(kept):
        _log.warning("%d of %d passages are left out: their line feeds do not part lines", lost, len(rows))
    return Dataset.from_list(kept)


_FEW = 4  # mentions below which a passage of silver teaches little
_PLAIN, _TELLING, _FALSE = 0.6, 0.6, 0.1  # see ``_spoken``


class Collate:
    """Rows to a padded batch; in training some of what the grammar says is hidden, lest the net only copy it.

    Args:
        hide: Chance that a column of marks is left out for a passage, and half of it that all are.
        blank: Chance that a character is hidden.
        seed: Seed of chance.
    """

    def __init__(self, *, hide: float = 0.0, blank: float = 0.0, seed: int = 0) -> None:
        self.hide, self.blank = hide, blank
        self.rng = np.random.default_rng(seed)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Make a batch, as ``objective.Lesson.forward`` takes it."""
        longest = max(len(r["ids"]) for r in rows)
        ids = np.zeros((len(rows), longest), np.int64)
        marks = np.zeros((len(rows), longest, COLUMNS), np.int64)
        spans = np.zeros((len(rows), len(TYPES), longest, longest), bool)
        clause = np.full((len(rows), longest), -1, np.int64)
        number = np.full((len(rows), longest), -1, np.int64)
        roles: list[int] = []
        states: list[tuple[int, int]] = []
        links: list[tuple[int, int, int]] = []
        right: list[set[int]] = []
        rivals: list[list[int]] = []
        for b, row in enumerate(rows):
            n = len(row["ids"])
            ids[b, :n] = row["ids"]
            said = np.array(row["marks"]).reshape(n, COLUMNS)
            marks[b, :n] = self._some(self._spoken(said, [role for _, _, role in row["clauses"]]))
            for start, last, kind in row["spans"]:
                spans[b, kind, start, last] = True
            for start, end, role in row["clauses"]:
                clause[b, start:end] = len(roles)
                roles.append(role)
            for start, end, *state in row["numbers"]:
                number[b, start:end] = len(states)
                states.append((state[0], state[1]))
                for k, name in enumerate(LINKS):
                    wanted = LINK_TYPES.get(name, name.upper())
                    near = sorted({s for s, _, t in row["spans"] if TYPES[t] == wanted and s != start})
                    if near:
                        links.append((b, k, start))
                        rivals.append(near)
                        right.append({o for kk, s, o in row["links"] if kk == k and s == start})
        if self.blank:
            ids[(self.rng.random(ids.shape) < self.blank) & (ids > 0)] = MASK
        most = max((len(r) for r in rivals), default=1)
        other = np.full((len(links), most), -1, np.int64)
        gold = np.zeros((len(links), most + 1), bool)
        for i, (near, hit) in enumerate(zip(rivals, right, strict=True)):
            other[i, : len(near)] = near
            gold[i, : len(near)] = [o in hit for o in near]
            gold[i, most] = not gold[i].any()  # the last choice is none
        batch = {
            "ids": ids,
            "marks": marks,
            "spans": spans,
            "clause": clause,
            "roles": np.array(roles, np.int64),
            "number": number,
            "states": np.array(states, np.int64).reshape(-1, 2),
            "links": np.array(links, np.int64).reshape(-1, 3),
            "rivals": other,
            "gold": gold,
        }
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _some(self, marks: np.ndarray) -> np.ndarray:
        if not self.hide:
            return marks
        if self.rng.random() < self.hide / 2:
            return np.zeros_like(marks)
        return marks * (self.rng.random(COLUMNS) >= self.hide)

    def _spoken(self, marks: np.ndarray, roles: Sequence[int]) -> np.ndarray:
        """Say of some passages under what heading, or in what kind of document, they could stand.

        Gold passages come without headings, documents with them: a passage that is mostly of one voice is given a
        heading of that voice, and now and then of another, as headings do not always keep what they promise.
        """
        if not self.hide or marks[:, VOICE].any() or self.rng.random() < _PLAIN:
            return marks
        said = [ROLES[role] for role in roles]
        share = {role: said.count(role) / max(1, len(said)) for role in ROLES}
        if share["T"] >= _TELLING:
            fitting: tuple[str, ...] = ("plan_heading", "plan_document")
        elif share["I"] >= _TELLING:
            fitting = ("issue_heading",)
        elif share["R"] + share["M"] >= _TELLING and not share["T"]:
            fitting = ("past_heading", "past_document")
        else:
            return marks
        voice = self.rng.choice(VOICES if self.rng.random() < _FALSE else fitting)
        marks[:, VOICE] = VOICE_ID + VOICES.index(voice)
        return marks
