"""Write a fitted network as a model folder that ``zongjie.model`` opens.

In: a ``Network``. Out: ``network.onnx`` (weights and activations of the large products in int8 where asked),
``alphabet.txt`` and ``model.json`` with the digest of each file.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

from zongjie.alphabet import Alphabet
from zongjie.model import FORMAT, Card, digest
from zongjie.tagger import Mix
from zongjie.training.graph import write_graph
from zongjie.training.network import Encoder, Network
from zongjie.windows import COLUMNS, MARKS

_OPSET = 17


def export(  # noqa: PLR0913 - the parts of a model folder
    network: Network,
    alphabet: Alphabet,
    folder: Path,
    *,
    mix: Mix,
    calibration: dict[str, tuple[float, float]] | None = None,
    training: dict[str, Any] | None = None,
    int8: bool = True,
) -> None:
    """Write a model folder.

    Args:
        network: The fitted network.
        alphabet: Its characters.
        folder: Where to; made if missing.
        mix: What the grammar keeps.
        calibration: Slope and intercept by kind.
        training: Where the model comes from.
        int8: Whether to quantise weights to eight bits (activations are quantised as they come).
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(network.encoder, Encoder):
        write_graph(network.eval(), folder / "network.onnx", int8=int8)
    else:
        _trace(network.eval(), folder / "network.onnx", int8=int8)
    alphabet.write(folder / "alphabet.txt")
    card = Card(
        format=FORMAT,
        marks=(MARKS, COLUMNS),
        mix=mix,
        calibration=calibration or {},
        files={name: digest(folder / name) for name in ("network.onnx", "alphabet.txt")},
        training=training or {},
    )
    (folder / "model.json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")


def _trace(network: Network, target: Path, *, int8: bool) -> None:
    """Write whatever torch can trace."""
    ids = torch.ones(2, 24, dtype=torch.long)
    marks = torch.ones(2, 24, MARKS)
    axes = {0: "batch", 1: "length"}
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter says that it is the older one
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            network,
            (ids, marks),
            str(whole),
            input_names=["ids", "marks"],
            output_names=["spans", "numbers", "others", "tokens"],
            dynamic_axes={
                "ids": axes,
                "marks": axes,
                "spans": {0: "batch", 2: "length", 3: "length"},
                "numbers": {0: "batch", 2: "length"},
                "others": {0: "batch", 2: "length"},
                "tokens": axes,
            },
            opset_version=_OPSET,
            dynamo=False,
        )
        if int8:
            quantize_dynamic(
                str(whole), str(target), weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm", "Gather"]
            )
        else:
            target.write_bytes(whole.read_bytes())
