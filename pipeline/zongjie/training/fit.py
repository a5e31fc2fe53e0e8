"""Fit the network to rows, and score windows with it while it is still a torch module.

In: rows, a network, settings. Out: the fitted network. The loop is ``transformers.Trainer``'s.
"""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context, parent_process
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Annotated

import numpy as np
import torch
from datasets import Dataset
from pydantic import Field
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments

from zongjie.decoding import TOKENS, Scores
from zongjie.layers import LINKS
from zongjie.ontology import Table
from zongjie.training.network import Encoder, Network, Shape
from zongjie.training.objective import Lesson
from zongjie.training.rows import Collate
from zongjie.windows import TYPES, Window

_METHOD = 1  # raised when the same rows would be fitted otherwise: another loss or optimiser


class Fit(Table):
    """``[fit]`` of ``configs/train.toml``.

    Attributes:
        seed: Seed of chance.
        epochs: How often gold and its copies are read.
        batch: Passages a step.
        rate: Learning rate of what is pretrained.
        head_rate: Learning rate of the heads and of what reads marks.
        warmup: Steps until the rates are reached; they fall to zero from there.
        decay: Weight decay.
        hide: Chance that a column of marks is hidden for a passage of gold.
        weak_hide: The same while silver is read, which repeats what the marks say.
        blank: Chance that a character is hidden.
        copies: Changed copies of each gold passage (``augment``).
        runs: How many networks are fitted to gold, with other copies and another order, and averaged.
    """

    seed: int
    epochs: float
    batch: int
    rate: float
    head_rate: float
    warmup: int
    decay: float
    hide: float
    weak_hide: float
    blank: float
    copies: int
    runs: Annotated[int, Field(ge=1)] = 1


def network_of(shape: Shape, pretrained: Path | None = None) -> Network:
    """Make a network, its encoder pretrained where a folder is given.

    Args:
        shape: How large.
        pretrained: A folder of ``zongjie.training.pretrain``.

    Returns:
        The network; its heads are new.
    """
    encoder = Encoder(shape)
    if pretrained:
        encoder.load_state_dict(load_file(pretrained / "encoder.safetensors"))
    return Network(encoder, shape.width, types=len(TYPES), links=len(LINKS), tokens=TOKENS)


def fit(network: Network, rows: Dataset, how: Fit) -> Network:
    """Fit a network to rows.

    Args:
        network: The network; changed in place.
        rows: Rows of ``rows.dataset_of``.
        how: Settings.

    Returns:
        The same network, set to score.
    """
    torch.manual_seed(how.seed)
    lesson = Lesson(network)
    # what is pretrained learns slowly; heads and marks are new
    slow = [p for name, p in network.encoder.named_parameters() if "mark" not in name.split(".")]
    known = {id(p) for p in slow}
    groups = [
        {"params": slow, "lr": how.rate},
        {"params": [p for p in lesson.parameters() if id(p) not in known], "lr": how.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=how.decay, betas=(0.9, 0.98))
    with TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=how.epochs,
            per_device_train_batch_size=how.batch,
            lr_scheduler_type="linear",
            warmup_steps=how.warmup,
            max_grad_norm=1.0,
            bf16=True,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=100,
            save_strategy="no",
            report_to=[],
            remove_unused_columns=False,
            seed=how.seed,
            disable_tqdm=True,
            train_sampling_strategy="group_by_length",
        )
        collate = Collate(hide=how.hide, blank=how.blank, seed=how.seed)
        trainer = Trainer(lesson, arguments, train_dataset=rows, data_collator=collate, optimizers=(optimizer, None))
        trainer.train()
    return network.eval()


@dataclass(frozen=True, slots=True)
class Task:
    """One fit that waits to be made.

    Attributes:
        start: The network to start from; it is not changed.
        rows: Makes the rows.
        how: Settings.
    """

    start: Network
    rows: Callable[[], Dataset]
    how: Fit


def fit_all(tasks: Sequence[Task], keep: str | None = None) -> list[dict[str, Tensor]]:
    """Make several fits, on a machine without a GPU as many at a time as it has cores, each on its share of them.

    Args:
        tasks: What to fit.
        keep: Folder where the weights are kept; a fit that is found there is not made again.

    Returns:
        The fitted weights, in the order of the tasks.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    at_once = 1 if torch.cuda.is_available() else max(1, min(len(tasks), cores))
    with ExitStack() as stack:
        folder = Path(keep or stack.enter_context(TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if at_once == 1:
            paths = [_fit_one(task, folder, cores) for task in tasks]
        else:  # spawned: torch does not survive a fork of its threads
            spawn = get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(at_once, mp_context=spawn, initializer=_end_with_parent))
            paths = list(pool.map(_fit_one, tasks, repeat(folder), repeat(max(1, cores // at_once))))
        return [load_file(path) for path in paths]


def _end_with_parent() -> None:
    """Let a worker end when its parent is killed: a fit would go on for an hour, for nobody."""
    parent = parent_process()
    assert parent  # this runs in a worker

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _fit_one(task: Task, folder: Path, threads: int) -> Path:
    """Make one fit, or find it, and give the file of its weights."""
    torch.set_num_threads(threads)
    network, rows = copy.deepcopy(task.start), task.rows()
    known = hashlib.sha256(task.how.model_dump_json(exclude={"copies", "runs"}).encode())  # these made the rows
    known.update(f"{_METHOD} {network!r}".encode())  # dropout and the number of heads stand in no weight
    for row in rows:
        known.update(repr(sorted(row.items())).encode())
    for name, value in network.state_dict().items():
        known.update(name.encode() + value.float().numpy(force=True).tobytes())
    path = folder / f"{known.hexdigest()[:16]}.safetensors"
    if not path.exists():
        state = fit(network, rows, task.how).cpu().state_dict()
        part = path.with_suffix(".part")
        save_file({name: value.contiguous() for name, value in state.items()}, part)
        part.replace(path)
    return path


def mean(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Average the weights of networks that were fitted from one start (Wortsman et al., arXiv:2203.05482)."""
    return {name: sum((one[name] for one in weights[1:]), value) / len(weights) for name, value in weights[0].items()}


class TorchScorer:
    """Scores windows with a torch network, as the shipped session does (see ``tagger.Scorer``)."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()

    @torch.inference_mode()
    def __call__(self, batch: Sequence[Window]) -> list[Scores]:
        """Score windows; one result each, in order."""
        results = []
        for window in batch:
            outputs = self.network(torch.from_numpy(window.ids)[None], torch.from_numpy(window.marks)[None])
            results.append(Scores(*(np.ascontiguousarray(o[0].float().numpy()) for o in outputs)))
        return results
