"""From annotated passages to a model folder: what ``zongjie train`` and ``make train`` run.

In: a TOML file shaped like ``configs/train.toml``. Out: a folder that ``zongjie.model.open_model`` opens, or the scores
on documents held out of training. Not for: reading unlabelled text (``pretrain``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import torch
from datasets import Dataset
from pydantic import Field
from sklearn.model_selection import GroupKFold
from torch import Tensor

from zongjie.alphabet import Alphabet
from zongjie.corpus import GoldError, Passage, read_gold
from zongjie.decoding import TOKENS
from zongjie.errors import ConfigError
from zongjie.layers import LINKS
from zongjie.model import digest
from zongjie.ontology import Table, read_table
from zongjie.record import Record
from zongjie.score import Scores, score
from zongjie.tagger import Mix, Tagger
from zongjie.training.augment import augmented
from zongjie.training.calibrate import Seen, collect, extract, fit_lines
from zongjie.training.completion import completed, nearest
from zongjie.training.encoders import BiLstm, Borrowed
from zongjie.training.export import export
from zongjie.training.fit import Fit, Task, TorchScorer, fit_all, mean, network_of
from zongjie.training.network import LONGEST, Network, Shape
from zongjie.training.rows import all_texts, dataset_of, silver_dataset, silver_texts
from zongjie.training.standoff import read_standoff
from zongjie.windows import MARKS, TYPES

BILSTM = "bilstm"  # the name by which ``--encoder`` asks for ours; any other is one of Hugging Face
_SMOKE = 16  # passages of a trial run
_TRIED = 200  # texts among which it looks for those like gold
_LIBRARIES = ("accelerate", "datasets", "numpy", "onnx", "onnxruntime", "torch", "transformers")

_log = logging.getLogger(__name__)  # warnings go to the standard error


class Data(Table):
    """``[data]``: paths from where the command runs; what is not there is left out.

    Attributes:
        gold: Annotated passages, files or folders.
        standoff: Files of annotations whose texts stand in ``corpora`` (see ``training.standoff``), as careful as gold.
        loose: The same, less careful: learned before the last passes only.
        corpora: Text files, or folders of such, that those annotations are of.
        silver: Folders of ``zongjie.training.silver``; what the grammar says of some of it is learned before gold.
        silver_passages: How many of them.
        pretrained: Folder of ``zongjie.training.pretrain``; its alphabet holds for every encoder, its weights for ours.
    """

    gold: tuple[str, ...]
    standoff: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    corpora: tuple[str, ...] = ()
    silver: tuple[str, ...] = ()
    silver_passages: Annotated[int, Field(ge=1)] = 6000
    pretrained: str | None = None


class Size(Table):
    """``[network]``: see ``network.Shape``; the shape of a pretrained encoder overrides all but ``dropout``."""

    width: int = 256
    layers: int = 4
    heads: int = 4
    inner: int = 1024
    pairs: int = 32768
    pair_width: int = 128
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class Borrowing(Table):
    """``[borrowed]``: what holds for an encoder of Hugging Face; a large one is spoiled by the rate of a small one."""

    rate: float = 3e-5


class Own(Table):
    """``[own]``: own completion. What a first network says of silver is learned before gold by the one that is kept.

    Attributes:
        passages: How many passages of silver, those most like gold (see ``completion``); none if 0.
        head_rate, hide, blank: See ``fit.Fit``.
    """

    passages: Annotated[int, Field(ge=0)] = 0
    head_rate: float = 1e-3
    hide: float = 0.2
    blank: float = 0.03


class Last(Table):
    """``[last]``: the last passes, over all but what is annotated loosely; see ``fit.Fit``.

    Attributes:
        share: Weight of the network after these passes in its mean with the one before them.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.67
    epochs: float = 1.5
    rate: float = 2e-4
    head_rate: float = 4e-4
    warmup: int = 40


class Certainty(Table):
    """``[calibration]``: what is held out, to learn how sure a model may be.

    Attributes:
        folds: How many parts gold is split into, no document in two; below two: nothing is calibrated.
        parts: How many of them are held out in their turn, each for one fit without it.
    """

    folds: Annotated[int, Field(ge=0)] = 2
    parts: Annotated[int, Field(ge=1)] = 1


class Export(Table):
    """``[export]``: whether weights are written in eight bits."""

    int8: bool = True


class TrainConfig(Table):
    """``configs/train.toml``.

    Attributes:
        keep: Folder where finished fits are kept; a run that was broken off goes on from them.
    """

    keep: str | None = None
    data: Data
    network: Size = Size()
    fit: Fit
    own: Own = Own()
    last: Last = Last()
    mix: Mix = Mix()
    borrowed: Borrowing = Borrowing()
    calibration: Certainty = Certainty()
    export: Export = Export()


@dataclass(frozen=True, slots=True)
class Material:
    """All that a run reads.

    Attributes:
        gold: Annotated passages.
        apart: Passages annotated apart from their texts, as carefully.
        loose: The same, less carefully.
        silver: Texts that no person has annotated, for the grammar to annotate.
        near: Such texts that are most like gold, for a first network to annotate.
        pretrained: Folder of a pretrained encoder, if there is one.
        like: Ids of the gold from the first of its paths, the nearest to what will be read.
        files: SHA-256 of every file read but the corpora, by its path as the config gives it.
    """

    gold: list[Passage]
    apart: list[Passage]
    loose: list[Passage]
    silver: list[str]
    near: list[str]
    pretrained: Path | None
    like: frozenset[str]
    files: dict[str, str]


def train(config: Path, out: Path, *, encoder: str | None = None, smoke: bool = False) -> Path:
    """Train a model and write it.

    Args:
        config: A TOML file shaped like ``configs/train.toml``.
        out: The model's folder; an earlier model there is replaced.
        encoder: Our own if not given; ``bilstm``; or a name or folder of an encoder of Hugging Face.
        smoke: Run once over a handful of passages, to see that everything works.

    Returns:
        ``out``.

    Raises:
        ConfigError: If the config is missing or does not fit, or none of its gold is there.
        GoldError: If an annotated passage is wrong.
        ModelError: If the encoder cannot be used.
    """
    how = _for(encoder, read_settings(config, smoke=smoke))
    material = gather(how, most=_SMOKE if smoke else None)
    folds = how.calibration.folds if not smoke else 0
    parts = list(held_out(material.gold, folds, how.fit.seed))[: how.calibration.parts] if folds > 1 else []
    lots = [material.gold, *(known for known, _ in parts)]
    network, alphabet, (kept, *others) = _fit_lots(how, material, encoder, lots)
    seen: list[Seen] = []
    for (_, unseen), fitted in zip(parts, others, strict=True):
        network.load_state_dict(fitted)
        # how sure it may be is learned from what is most like the reports to come
        like = [passage for passage in unseen if passage.id in material.like]
        seen += collect(Tagger(TorchScorer(network), alphabet, how.mix), like or unseen)
    network.load_state_dict(kept)
    export(
        network,
        alphabet,
        out,
        mix=how.mix,
        calibration=fit_lines(seen),
        training=_origin(how, material, encoder) | {"config": digest(config), "smoke": smoke},
        int8=how.export.int8,
    )
    return out


def cross_validate(config: Path, *, folds: int = 5, encoder: str | None = None, smoke: bool = False) -> Scores:
    """Train once a fold without its documents, extract from them, and score all folds together.

    Args:
        config: A TOML file shaped like ``configs/train.toml``.
        folds: How many parts, at least two.
        encoder: As for ``train``.
        smoke: As for ``train``.

    Returns:
        The scores on all gold passages, each extracted by a network that saw no passage of its document.

    Raises:
        ConfigError: As for ``train``, or if there are fewer documents than folds.
        GoldError: As for ``train``.
        ModelError: As for ``train``.
    """
    how = _for(encoder, read_settings(config, smoke=smoke))
    material = gather(how, most=_SMOKE if smoke else None)
    records: dict[str, Record] = {}
    parts = list(held_out(material.gold, folds, how.fit.seed))
    network, alphabet, weights = _fit_lots(how, material, encoder, [known for known, _ in parts])
    for (_, unseen), fitted in zip(parts, weights, strict=True):
        network.load_state_dict(fitted)
        found = extract(Tagger(TorchScorer(network), alphabet, how.mix), unseen)
        records |= {one.passage.id: one.record for one in found}
    return score(material.gold, records)


def held_out(passages: Sequence[Passage], folds: int, seed: int) -> Iterator[tuple[list[Passage], list[Passage]]]:
    """Split passages so that no document stands on both sides.

    Args:
        passages: Annotated passages; ``source`` says which document each is from (of markup: which file).
        folds: How many parts, at least two.
        seed: Seed of chance.

    Yields:
        For each part, the other passages and its own, both in their order.

    Raises:
        ConfigError: If there are fewer documents than folds.
    """
    sources = [passage.source for passage in passages]
    if len(set(sources)) < folds:
        raise ConfigError(f"{folds} folds of {len(set(sources))} documents; ask for fewer folds, or give more gold.")
    splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    for known, unseen in splitter.split(sources, groups=sources):
        yield [passages[i] for i in known], [passages[i] for i in unseen]


def read_settings(path: Path, *, smoke: bool = False) -> TrainConfig:
    """Read a training config.

    Args:
        path: A TOML file shaped like ``configs/train.toml``.
        smoke: Read each passage once only.

    Returns:
        The config.

    Raises:
        ConfigError: If the file is missing or does not fit; the message names table and key.
    """
    how = read_table(path, TrainConfig, like="train.toml")
    return how.model_copy(update={"fit": _once(how.fit)}) if smoke else how


def _for(encoder: str | None, how: TrainConfig) -> TrainConfig:
    """Let a borrowed encoder learn at its own rate."""
    if encoder in (None, BILSTM):
        return how
    own_rate = {"rate": how.borrowed.rate}
    return how.model_copy(
        update={"fit": how.fit.model_copy(update=own_rate), "last": how.last.model_copy(update=own_rate)}
    )


def _once(how: Fit) -> Fit:
    return how.model_copy(update={"epochs": 1.0})


def gather(how: TrainConfig, *, most: int | None = None) -> Material:
    """Read all that a run learns from; what is not there is left out, with a word on the standard error.

    Args:
        how: The config.
        most: How many gold and how many silver passages to keep; as the config says if not given.

    Returns:
        Passages, the pretrained folder, and the digest of every file.

    Raises:
        ConfigError: If none of the gold is there.
        GoldError: If an annotated passage is wrong.
    """
    gold, silver = _there(how.data.gold), _there(how.data.silver)
    apart, loose, corpora = _there(how.data.standoff), _there(how.data.loose), _there(how.data.corpora)
    pretrained = _there((how.data.pretrained,) if how.data.pretrained else ())
    if not gold:
        raise ConfigError(f"[data] gold: nothing at {', '.join(how.data.gold) or 'no path'}. Name annotated passages.")
    first, *others = [read_gold(path) for path in gold]
    passages = [*first, *(passage for read in others for passage in read)]
    if long := next((passage for passage in passages if len(passage.text) > LONGEST), None):
        raise GoldError(f"passage {long.id}: {len(long.text)} characters; the network reads {LONGEST}. Cut it in two.")
    wanted = min(how.own.passages, most or how.own.passages)
    texts = all_texts(silver) if wanted else []
    return Material(
        passages[:: max(1, len(passages) // most)][:most] if most else passages,
        read_standoff(apart, corpora) if corpora and not most else [],
        read_standoff(loose, corpora) if corpora and not most else [],
        silver_texts(silver, most or how.data.silver_passages),
        nearest(texts[: most and _TRIED], [p.text for p in passages], wanted, seed=how.fit.seed) if texts else [],
        pretrained[0] if pretrained else None,
        frozenset(passage.id for passage in first),
        {
            file.as_posix(): digest(file)
            for path in (*gold, *apart, *loose, *silver, *pretrained)
            for file in _files(path)
        },
    )


def _there(names: Sequence[str]) -> list[Path]:
    """Keep the paths that exist."""
    for name in names:
        if not Path(name).exists():
            _log.warning("%s is not there and is left out", name)
    return [Path(name) for name in names if Path(name).exists()]


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]


def _fit_lots(
    how: TrainConfig, material: Material, encoder: str | None, lots: Sequence[Sequence[Passage]]
) -> tuple[Network, Alphabet, list[dict[str, Tensor]]]:
    """Fit to each lot of gold from one start, and give a network to put the weights in, and the weights of each lot.

    Weak first, gold last; mixed they help nothing (arXiv:2106.08977). Weak is what the grammar says of silver; then,
    if asked for, once more from the start, what the network that learned this lot says of silver: it has seen nothing
    of what the lot leaves out.
    """
    network, alphabet = _fresh(how, material, encoder)
    taught = network
    if material.silver:
        weak = how.fit.model_copy(update={"epochs": 1.0, "hide": how.fit.weak_hide, "head_rate": 1e-3})
        (state,) = fit_all([Task(network, partial(silver_dataset, material.silver, alphabet), weak)], how.keep)
        taught = _with(network, state)
    weights = _fit_gold([taught] * len(lots), lots, material, alphabet, how)
    if material.near:
        own = how.fit.model_copy(update={"epochs": 1.0, **how.own.model_dump(exclude={"passages"})})
        teachers = (_with(network, state) for state in weights)
        rows = (partial(_own_rows, teacher, material.near, alphabet, how) for teacher in teachers)
        weights = fit_all([Task(network, make, own) for make in rows], how.keep)
        weights = _fit_gold([_with(network, state) for state in weights], lots, material, alphabet, how)
    return network, alphabet, weights


def _fresh(how: TrainConfig, material: Material, encoder: str | None) -> tuple[Network, Alphabet]:
    texts = [p.text for p in (*material.gold, *material.apart, *material.loose)] + material.silver + material.near
    alphabet = (
        Alphabet.read(material.pretrained / "alphabet.txt") if material.pretrained else Alphabet.of(texts, at_least=1)
    )
    torch.manual_seed(how.fit.seed)
    longest = max([how.mix.longest, *map(len, texts)])
    return network_for(how, alphabet, material.pretrained, encoder, longest), alphabet


def _with(network: Network, state: Mapping[str, Tensor]) -> Network:
    """Give a copy of a network that has other weights."""
    other = deepcopy(network)
    other.load_state_dict(state)
    return other


def _fit_gold(
    starts: Sequence[Network],
    lots: Sequence[Sequence[Passage]],
    material: Material,
    alphabet: Alphabet,
    how: TrainConfig,
) -> list[dict[str, Tensor]]:
    """Fit to each lot from its start, each run with other copies and in another order, and give the mean of its runs.

    What is annotated loosely is learned together with the rest first; the last passes are without it.
    """
    firsts = [how.fit.model_copy(update={"seed": how.fit.seed + run}) for run in range(how.fit.runs)]
    pairs = zip(starts, lots, strict=True)
    runs = [(start, [*lot, *material.apart], first) for start, lot in pairs for first in firsts]
    rows = [partial(_gold_rows, [*gold, *material.loose], alphabet, first) for _, gold, first in runs]
    tasks = [Task(start, make, first) for (start, _, first), make in zip(runs, rows, strict=True)]
    weights = fit_all(tasks, how.keep)
    if material.loose:
        tasks = []
        for (start, gold, first), fitted in zip(runs, weights, strict=True):
            last = first.model_copy(update={**how.last.model_dump(exclude={"share"}), "seed": first.seed + 10})
            tasks.append(Task(_with(start, fitted), partial(_gold_rows, gold, alphabet, last), last))
        both = zip(weights, fit_all(tasks, how.keep), strict=True)
        weights = [{k: torch.lerp(old[k], new[k], how.last.share) for k in old} for old, new in both]
    return [mean(weights[i : i + len(firsts)]) for i in range(0, len(weights), len(firsts))]


def _own_rows(network: Network, texts: Sequence[str], alphabet: Alphabet, how: TrainConfig) -> Dataset:
    tagger = Tagger(TorchScorer(network), alphabet, how.mix)
    return _gold_rows(completed(tagger, texts), alphabet, how.fit)


def _gold_rows(gold: Sequence[Passage], alphabet: Alphabet, how: Fit) -> Dataset:
    copies = augmented(gold, copies=how.copies, seed=how.seed) if how.copies else []
    return dataset_of([*gold, *(copy for copy in copies if len(copy.text) <= LONGEST)], alphabet)


def network_for(
    how: TrainConfig, alphabet: Alphabet, pretrained: Path | None, encoder: str | None, longest: int
) -> Network:
    """Make the network that was asked for, not yet trained.

    Args:
        how: The config.
        alphabet: The network's characters.
        pretrained: Folder of a pretrained encoder of our own.
        encoder: As for ``train``.
        longest: Most characters that the network is to read at a time.

    Returns:
        The network; its heads are new.

    Raises:
        ModelError: If the encoder cannot be used.
    """
    if encoder is None and pretrained:
        known = json.loads((pretrained / "shape.json").read_text(encoding="utf-8"))
        return network_of(Shape(**known | {"dropout": how.network.dropout}), pretrained)
    shape = Shape(len(alphabet), MARKS, **how.network.model_dump())
    if encoder is None:
        return network_of(shape)
    read = BiLstm(shape) if encoder == BILSTM else Borrowed(encoder, alphabet, longest=longest)
    return Network(read, read.width, types=len(TYPES), links=len(LINKS), tokens=TOKENS)


def _origin(how: TrainConfig, material: Material, encoder: str | None) -> dict[str, Any]:
    """Say where a model comes from, without a word of the machine that made it."""
    return {
        "seed": how.fit.seed,
        "encoder": Path(encoder).name if encoder and Path(encoder).exists() else encoder or "zongjie",
        "passages": {
            "gold": len(material.gold),
            "apart": len(material.apart),
            "loose": len(material.loose),
            "silver": len(material.silver),
            "own": len(material.near),
        },
        "files": material.files,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
