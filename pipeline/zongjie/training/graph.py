"""The network as a graph of ONNX Runtime's own operators: what ``torch.onnx`` would write, in fewer and larger steps.

In: a ``Network`` over our own ``Encoder``. Out: ``network.onnx`` for one window at a time, so without padding. It
computes what the network computes, with these savings: the products of all heads are one, queries and keys are turned
together, and no size that is known is computed. Not for: other encoders (``export`` has ``torch.onnx`` trace those).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from zongjie.decoding import TOKENS
from zongjie.training.network import Encoder, Layer, Network
from zongjie.windows import MARKS

_OPSETS = {"": 17, "com.microsoft": 1}
_IR_VERSION = 8  # that of the opset; newer ones are not read by older runtimes
_OWN = ("DynamicQuantizeMatMul", "FusedMatMul", "Gelu", "RotaryEmbedding")  # operators of com.microsoft
_REST = np.iinfo(np.int64).max  # to the end

Array = npt.NDArray[Any]


def write_graph(network: Network, path: Path, *, int8: bool) -> None:
    """Write a network over our own encoder.

    Args:
        network: The fitted network.
        path: Where to.
        int8: Whether to write weights of products and tables in eight bits, and to quantise what is multiplied as it
            comes.
    """
    graph = _Graph(int8=int8)
    kinds, size = network.spans.kinds, network.spans.size
    spans, links, tokens = _heads(graph, network, _encoder(graph, network.encoder))  # type: ignore[arg-type]
    outputs: dict[str, tuple[str, list[str | int | None]]] = {
        "spans": (graph("FusedMatMul", *spans, transB=1), [1, kinds, "length", "length"]),
        "numbers": (links[0], [1, network.links.kinds, "length", size + 2]),
        "others": (links[1], [1, network.links.kinds, "length", size + 2]),
        "tokens": (tokens, [1, "length", TOKENS]),
    }
    for name, (value, _) in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
    made = helper.make_graph(
        graph.nodes,
        "network",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "length"]),
            helper.make_tensor_value_info("marks", TensorProto.FLOAT, [1, "length", MARKS]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, (_, shape) in outputs.items()],
        graph.constants,
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
    onnx.save(helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION), str(path))


class _Graph:
    """Nodes and constants; calling it adds a node."""

    def __init__(self, *, int8: bool) -> None:
        self.int8 = int8
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def __call__(self, kind: str, *inputs: str | Array, **attributes: float) -> str:
        """Add a node and give its output."""
        return self.several(kind, 1, *inputs, **attributes)[0]

    def several(self, kind: str, count: int, *inputs: str | Array, **attributes: float) -> list[str]:
        """Add a node and give its outputs."""
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        outputs = [f"{kind}_{len(self.nodes)}_{i}" for i in range(count)]
        domain = "com.microsoft" if kind in _OWN else ""
        node = helper.make_node(kind, names, outputs, outputs[0], domain=domain, **attributes)  # type: ignore[arg-type]
        self.nodes.append(node)
        return outputs

    def constant(self, value: Array) -> str:
        """Add a constant and give its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), f"constant_{len(self.constants)}"))
        return self.constants[-1].name

    def split(self, x: str, *sizes: int, axis: int = -1) -> list[str]:
        """Cut along an axis."""
        return self.several("Split", len(sizes), x, np.array(sizes), axis=axis)

    def shape(self, x: str, *sizes: int) -> str:
        """Give another shape; -1 is what is left."""
        return self("Reshape", x, np.array(sizes))

    def turn(self, x: str, *axes: int) -> str:
        """Change the order of the axes."""
        return self("Transpose", x, perm=list(axes))  # type: ignore[arg-type]

    def add(self, *x: str) -> str:
        """Add up. ``Sum``, because an ``Add`` before a norm would be fused with it, into what takes longer on a CPU."""
        return self("Sum", *x)

    def norm(self, x: str, layer: nn.LayerNorm) -> str:
        """Apply a norm."""
        return self("LayerNormalization", x, _of(layer.weight), _of(layer.bias), epsilon=layer.eps)

    def look_up(self, table: nn.Embedding, *ids: str) -> list[str]:
        """Look ids up."""
        weight = _of(table.weight)
        if not self.int8:
            kept = self.constant(weight)
            return [self("Gather", kept, each) for each in ids]
        low, high = min(float(weight.min()), 0.0), max(float(weight.max()), 0.0)
        scale = np.float32((high - low) / 255)
        zero = np.uint8(round(-low / float(scale)))
        kept = self.constant(np.clip(np.rint(weight / scale) + zero, 0, 255).astype(np.uint8))
        return [self("DequantizeLinear", self("Gather", kept, each), np.array(scale), np.array(zero)) for each in ids]

    def linear(self, x: str, *layers: nn.Linear) -> str:
        """Apply linear layers to one input; what they give stands side by side."""
        weights, bias = [_of(layer.weight).T for layer in layers], np.concatenate([_of(b.bias) for b in layers])
        if not self.int8:
            return self("Add", self("MatMul", x, np.concatenate(weights, 1)), bias)
        # a scale a column, so that joining the layers costs none of them its precision
        scales = np.concatenate([np.abs(w).max(0) / np.float32(127) for w in weights])
        whole = np.rint(np.concatenate(weights, 1) / scales).astype(np.int8)
        return self("DynamicQuantizeMatMul", x, whole, scales, np.zeros(scales.shape, np.int8), bias)


def _of(value: Tensor) -> Array:
    """Give the values of a parameter."""
    return value.detach().cpu().numpy()


def _rotated(graph: _Graph, x: str, cos: Tensor, sin: Tensor) -> str:
    """Turn vectors by their positions; the two halves of a row of cosines and sines are alike."""
    half = cos.shape[1] // 2
    tables = _of(cos)[:, :half], _of(sin)[:, :half]
    return graph("RotaryEmbedding", x, np.zeros(1, np.int64), *tables, interleaved=0)


def _encoder(graph: _Graph, encoder: Encoder) -> str:
    """Encode, (1, length, width)."""
    none, one, last = np.zeros((1, 1), np.int64), np.array([1]), np.array([-1])
    following = graph("Concat", graph("Slice", "ids", one, np.array([_REST]), one), none, axis=1)
    hashed = graph("Add", graph("Mul", "ids", np.array(7919)), graph("Mul", following, np.array(104729)))
    right = graph("Mod", hashed, np.array(encoder.shape.pairs))
    left = graph("Concat", none, graph("Slice", right, np.array([0]), last, one), axis=1)
    read = [*graph.look_up(encoder.character, "ids"), *graph.look_up(encoder.pair, left, right)]
    x = graph.linear(graph("Concat", *read, axis=-1), encoder.join)
    x = graph.norm(graph.add(x, graph("MatMul", "marks", _of(encoder.mark.weight)[:MARKS])), encoder.norm)
    for layer in encoder.layers:
        x = _layer(graph, layer, x, encoder)  # type: ignore[arg-type]
    return graph.norm(x, encoder.last)


def _layer(graph: _Graph, layer: Layer, x: str, encoder: Encoder) -> str:
    """Apply one transformer layer, (1, length, width)."""
    width, heads = encoder.shape.width, layer.heads
    size = width // heads
    both, v = graph.split(graph.linear(graph.norm(x, layer.before), layer.qkv), 2 * width, width)
    both = _rotated(graph, both, encoder.get_buffer("cos"), encoder.get_buffer("sin"))
    # (1, length, 2 * heads, size) to twice (1, heads, length, size)
    q, k = graph.split(graph.turn(graph.shape(both, 1, -1, 2 * heads, size), 0, 2, 1, 3), heads, heads, axis=1)
    weights = graph("Softmax", graph("FusedMatMul", q, k, transB=1, alpha=1 / math.sqrt(size)), axis=-1)
    attended = graph("MatMul", weights, graph.turn(graph.shape(v, 1, -1, heads, size), 0, 2, 1, 3))
    x = graph.add(x, graph.linear(graph.shape(graph.turn(attended, 0, 2, 1, 3), 1, -1, width), layer.out))
    inner = graph("Gelu", graph.linear(graph.norm(x, layer.between), layer.up))
    return graph.add(x, graph.linear(inner, layer.down))


def _heads(graph: _Graph, network: Network, x: str) -> tuple[list[str], list[str], str]:
    """Give the ends of spans, the ends of links, each (1, kinds, length, size + 2), and what is said of characters."""
    pointers = network.spans, network.links
    first, last = cast(nn.Linear, network.tokens[0]), cast(nn.Linear, network.tokens[-1])
    counts = [2 * p.kinds for p in pointers]
    layers: list[nn.Linear] = [*(p.ends for p in pointers), *(p.alone for p in pointers), first]
    size = network.spans.size
    product = graph.linear(x, *layers)
    ends, alone, said = graph.split(product, sum(counts) * size, sum(counts), first.out_features)
    ends = _rotated(graph, ends, network.spans.get_buffer("cos"), network.spans.get_buffer("sin"))
    parts = [part for p in pointers for part in (p.kinds, p.kinds)]
    shaped = (graph.shape(each, 1, -1, sum(counts), n) for each, n in ((ends, size), (alone, 1)))
    ends_of, alone_of = (graph.split(graph.turn(each, 0, 2, 1, 3), *parts, axis=1) for each in shaped)

    def pair(i: int) -> list[str]:
        scaled = graph("Div", ends_of[i], np.array(math.sqrt(size), np.float32))
        one_more = np.array([0, 0, 0, 0, 0, 0, 0, 1]), np.array(1, np.float32)
        return [
            graph("Pad", graph("Concat", scaled, alone_of[i], axis=-1), *one_more),
            graph("Concat", graph("Pad", ends_of[i + 1], *one_more), alone_of[i + 1], axis=-1),
        ]

    return pair(0), pair(2), graph.linear(graph("Gelu", said), last)
