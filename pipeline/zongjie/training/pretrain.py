"""Teach the encoder the language of reports from unlabelled text, and what the grammar sees in it.

In: a folder that ``zongjie.training.silver`` wrote. Out: a folder with the encoder's weights (safetensors) and the
shape of the network. Stopped and started again it goes on from its last checkpoint.

    python -m zongjie.training.pretrain SILVER OUT [--steps N]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import load_from_disk
from safetensors.torch import save_file
from torch import Tensor
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from zongjie.alphabet import MASK, Alphabet
from zongjie.training.network import Pretrainer, Shape
from zongjie.windows import ROLES, TYPES

TAGS = 5  # none, begin, inside, end, single
_HIDE = 0.2
_RUN = (1, 2, 3)  # a hidden run is about as long as a word
_RANDOM = 0.1


def hide(ids: np.ndarray, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hide runs of characters.

    Args:
        ids: Characters, (length,).
        size: Size of the alphabet, for the random ones.
        rng: Source of chance.

    Returns:
        The characters with about 20 % hidden, and the hidden ones with -100 elsewhere.
    """
    chosen = np.zeros(len(ids), bool)
    runs = max(1, round(len(ids) * _HIDE / np.mean(_RUN)))
    starts, lengths = rng.integers(0, len(ids), runs), rng.choice(_RUN, runs)
    for start, length in zip(starts, lengths, strict=True):
        chosen[start : start + length] = True
    shown = np.where(chosen, MASK, ids)
    swapped = chosen & (rng.random(len(ids)) < _RANDOM)
    shown[swapped] = rng.integers(MASK + 1, size, int(swapped.sum()))
    return shown, np.where(chosen, ids, -100)


class Collate:
    """Rows of silver to a padded batch."""

    def __init__(self, alphabet: Alphabet, seed: int) -> None:
        self.alphabet = alphabet
        self.rng = np.random.default_rng(seed)

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        """Make a batch, as ``Pretrainer.forward`` takes it."""
        longest = max(len(row["text"]) for row in rows)
        ids = np.zeros((len(rows), longest), np.int64)
        hidden = np.full((len(rows), longest), -100, np.int64)
        tags = np.full((len(rows), longest, len(TYPES)), -100, np.int64)
        roles = np.full((len(rows), longest), -100, np.int64)
        for i, row in enumerate(rows):
            n = len(row["text"])
            ids[i, :n], hidden[i, :n] = hide(self.alphabet.encode(row["text"]), len(self.alphabet), self.rng)
            tags[i, :n] = 0
            for start, end, kind in row["spans"]:
                tags[i, start + 1 : end - 1, kind] = 2
                tags[i, end - 1, kind] = 3
                tags[i, start, kind] = 1 if end - start > 1 else 4
            for start, end, role in row["clauses"]:
                roles[i, start:end] = role
        batch = {"ids": ids, "hidden": hidden, "tags": tags, "roles": roles}
        return {name: torch.from_numpy(values) for name, values in batch.items()}


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("silver", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=3600)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rows = load_from_disk(str(given.silver)).with_format(None)
    alphabet = Alphabet.read(given.silver / "alphabet.txt")
    shape = Shape(characters=len(alphabet), marks=128, dropout=0.0)  # less than one pass: nothing to overfit
    torch.manual_seed(given.seed)
    net = Pretrainer(shape, len(TYPES), TAGS, len(ROLES))
    arguments = TrainingArguments(
        output_dir=str(given.out / "checkpoints"),
        max_steps=given.steps,
        per_device_train_batch_size=given.batch,
        learning_rate=8e-4,
        warmup_steps=250,
        lr_scheduler_type="linear",
        weight_decay=0.01,
        adam_beta2=0.98,
        max_grad_norm=1.0,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=20,
        save_steps=400,
        save_total_limit=2,
        report_to=[],
        remove_unused_columns=False,
        seed=given.seed,
        disable_tqdm=True,
        train_sampling_strategy="group_by_length",
    )
    trainer = Trainer(net, arguments, train_dataset=rows, data_collator=Collate(alphabet, given.seed))
    checkpoints = given.out / "checkpoints"
    last = get_last_checkpoint(str(checkpoints)) if checkpoints.is_dir() else None  # type: ignore[no-untyped-call]
    trainer.train(resume_from_checkpoint=last)
    given.out.mkdir(parents=True, exist_ok=True)
    save_file(net.encoder.state_dict(), given.out / "encoder.safetensors")
    (given.out / "shape.json").write_text(json.dumps(shape.to_dict(), indent=1) + "\n", encoding="utf-8")
    alphabet.write(given.out / "alphabet.txt")


if __name__ == "__main__":
    main()
