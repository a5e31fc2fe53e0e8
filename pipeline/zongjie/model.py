"""A trained model on disk: open it, check it, run it.

In: a folder as ``training.export`` writes it (``model.json``, ``alphabet.txt``, ``network.onnx``). Out: a ``Tagger``.
ONNX Runtime runs the network; there is no pickle and no torch here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field, ValidationError

from zongjie.alphabet import Alphabet
from zongjie.decoding import Scores
from zongjie.errors import ModelError
from zongjie.ontology import Table
from zongjie.tagger import Calibration, Mix, Tagger
from zongjie.windows import COLUMNS, MARKS, Window

if TYPE_CHECKING:
    import onnxruntime

FORMAT = 3  # what this code reads; raised when a change makes older models wrong
SHIPPED = "zongjie-base"
_REMEDY = "Reinstall zongjie, or train it anew with `make train`."


class Card(Table):
    """``model.json``.

    Attributes:
        format: Version of the folder's form.
        marks: How many ids of marks and columns of them the network was made for.
        mix: What the grammar keeps.
        calibration: For each kind of span, ``fact`` and ``statement``: slope and intercept, see ``tagger.Calibration``.
        files: SHA-256 of every other file.
        training: Where the model comes from: seeds, digests of configuration and data, figures.
    """

    format: int
    marks: tuple[int, int]
    mix: Mix
    calibration: dict[str, tuple[float, float]] = Field(default_factory=dict)
    files: dict[str, str]
    training: dict[str, Any] = Field(default_factory=dict)


class OnnxScorer:
    """Scores windows with ONNX Runtime; the same windows give the same scores, however they are batched.

    Args:
        session: A session over ``network.onnx``.
    """

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self.session = session

    def __call__(self, batch: Iterable[Window]) -> Iterator[Scores]:
        """Score windows; one result each, in order, made when it is asked for: they are large."""
        # one at a time: on one thread padding costs more than a batch saves, and no score depends on the neighbours
        for window in batch:
            length = len(window.ids)
            cells = window.marks + np.arange(0, length * MARKS, MARKS)[:, None]
            seen = np.bincount(cells.ravel(), minlength=length * MARKS).astype(np.float32)
            outputs = self.session.run(None, {"ids": window.ids[None], "marks": seen.reshape(1, length, MARKS)})
            yield Scores(*(output[0] for output in outputs))


def shipped() -> Path:
    """Give the folder of the model that ships with the package."""
    return Path(str(resources.files("zongjie.models").joinpath(SHIPPED)))


def digest(path: Path) -> str:
    """Give the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_card(folder: Path) -> Card:
    """Read ``model.json`` and check every file that it names.

    Args:
        folder: A model's folder.

    Returns:
        The card.

    Raises:
        ModelError: If the folder is no model, is of another version, or a file is missing or changed.
    """
    try:
        card = Card.model_validate_json((folder / "model.json").read_bytes())
    except OSError:
        raise ModelError(f"{folder}: no model here (model.json is missing). {_REMEDY}") from None
    except ValidationError as error:
        raise ModelError(f"{folder / 'model.json'}: {error}") from error
    if card.format != FORMAT or card.marks != (MARKS, COLUMNS):
        raise ModelError(
            f"{folder}: made for another version of zongjie (format {card.format}, marks {card.marks}; "
            f"this one reads format {FORMAT}, marks {(MARKS, COLUMNS)}). {_REMEDY}"
        )
    for name, wanted in card.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{path}: missing. {_REMEDY}")
        if digest(path) != wanted:
            raise ModelError(f"{path}: damaged, its SHA-256 is not the one in model.json. {_REMEDY}")
    return card


@cache
def open_model(folder: Path | None = None, *, device: Literal["cpu", "cuda"] = "cpu", threads: int = 1) -> Tagger:
    """Open a model.

    Args:
        folder: Its folder; the shipped one if not given.
        device: ``cuda`` asks for a GPU (needs the package onnxruntime-gpu).
        threads: Threads a session; worker processes use one each.

    Returns:
        The model as a maker of layers.

    Raises:
        ModelError: If the folder is no sound model of this version, or the device is not there.
    """
    import onnxruntime

    folder = folder or shipped()
    card = read_card(folder)
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if provider not in onnxruntime.get_available_providers():
        raise ModelError(f"device {device!r}: ONNX Runtime has no {provider}. Install onnxruntime-gpu, or use cpu.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(folder / "network.onnx"), options, providers=[provider])
    calibration = Calibration(card.calibration)
    return Tagger(OnnxScorer(session), Alphabet.read(folder / "alphabet.txt"), card.mix, calibration)
