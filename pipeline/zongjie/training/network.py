"""The network: one encoder of characters, four heads over it.

In: ids of characters and of what the grammar says of each. Out: scores of spans, links, clause roles, status and kind.
Not for: turning text into ids (``zongjie.windows``) or scores into layers (``zongjie.decoding``).

A small transformer with rotary positions (Su et al., RoFormer, arXiv:2104.09864), read in by characters and hashed
character pairs; spans and links are scored by global pointers (Su et al., arXiv:2208.03054): a span is its first and
last character, so METRIC may hold PROGRAM and nothing needs a tag scheme.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

LONGEST = 512  # most characters that it reads at a time


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is.

    Attributes:
        characters: Ids of characters.
        marks: Ids of what the grammar says.
        width: Width of the encoder.
        layers: Layers of the encoder.
        heads: Attention heads a layer.
        inner: Width inside a feed-forward block.
        pairs: Buckets for character pairs.
        pair_width: Width of a pair's vector.
        dropout: Chance that a value is left out in training.
    """

    characters: int
    marks: int
    width: int = 256
    layers: int = 4
    heads: int = 4
    inner: int = 1024
    pairs: int = 32768
    pair_width: int = 128
    dropout: float = 0.1

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers by name."""
        return asdict(self)


def rotary(size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary positions, each (LONGEST, size)."""
    rates = 10000 ** (-torch.arange(0, size, 2) / size)
    angles = torch.arange(LONGEST)[:, None] * rates[None, :]
    return torch.cos(angles).repeat(1, 2), torch.sin(angles).repeat(1, 2)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn vectors by their positions: x (…, length, size)."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], dim=-1) * sin


def sum_marks(table: nn.Embedding, marks: Tensor) -> Tensor:
    """Add up what stands at a character, (batch, length, width).

    Args:
        table: Vectors of marks.
        marks: Ids, (batch, length, columns); or how often each id stands there, as floats, (batch, length, MARKS): the
            same sum as one product, and faster.

    Returns:
        The sums.
    """
    if marks.is_floating_point():
        return marks @ table.weight[: marks.shape[-1]]
    return table(marks).sum(2)  # type: ignore[no-any-return]


class Layer(nn.Module):
    """One pre-norm transformer layer."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.before = nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.between = nn.LayerNorm(shape.width)
        self.up = nn.Linear(shape.width, shape.inner)
        self.down = nn.Linear(shape.inner, shape.width)
        self.dropout = nn.Dropout(shape.dropout)

    def extra_repr(self) -> str:
        """Say what stands in no weight."""
        return f"heads={self.heads}"

    def forward(self, x: Tensor, bias: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Give (batch, length, width) for the same; bias (batch, 1, 1, length) hides padding."""
        batch, length, width = x.shape
        qkv = self.qkv(self.before(x)).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, attn_mask=bias)
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(batch, length, width)))
        return x + self.dropout(self.down(functional.gelu(self.up(self.between(x)))))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Characters and marks to vectors."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.character = nn.Embedding(shape.characters, shape.width, padding_idx=0)
        self.pair = nn.Embedding(shape.pairs, shape.pair_width)
        self.mark = nn.Embedding(shape.marks, shape.width, padding_idx=0)
        self.join = nn.Linear(shape.width + 2 * shape.pair_width, shape.width)
        self.norm = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(shape.dropout)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        cos, sin = rotary(shape.width // shape.heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for table in (self.character, self.pair, self.mark):
            nn.init.normal_(table.weight, std=0.02 if table is not self.mark else 1e-3)
        for layer in self.layers:
            for linear in (layer.out, layer.down):
                nn.init.normal_(linear.weight, std=0.02 / math.sqrt(2 * shape.layers))  # type: ignore[arg-type, union-attr]

    def forward(self, ids: Tensor, marks: Tensor | None = None) -> Tensor:
        """Encode.

        Args:
            ids: Characters, (batch, length); 0 is padding.
            marks: What the grammar says, (batch, length, kinds); 0 is nothing.

        Returns:
            Vectors, (batch, length, width).
        """
        length = ids.shape[1]
        following = functional.pad(ids[:, 1:], (0, 1))
        right = (ids * 7919 + following * 104729) % self.shape.pairs
        left = functional.pad(right[:, :-1], (1, 0))
        read = torch.cat([self.character(ids), self.pair(left), self.pair(right)], dim=-1)
        x = self.join(read)
        if marks is not None:
            x = x + sum_marks(self.mark, marks)
        x = self.dropout(self.norm(x))
        bias = (ids == 0)[:, None, None, :].to(x.dtype) * -1e4
        cos, sin = self.get_buffer("cos")[:length], self.get_buffer("sin")[:length]
        for layer in self.layers:
            x = layer(x, bias, cos, sin)
        return self.last(x)  # type: ignore[no-any-return]


class Pretrainer(nn.Module):
    """The encoder while it learns from text alone: hidden characters, and what the grammar would say.

    Masked language modelling (Devlin et al., arXiv:1810.04805) at 20 % of the characters, in runs as words are, and one
    tag a type and a role for every character (weak supervision by the grammar).
    """

    def __init__(self, shape: Shape, kinds: int, tags: int, roles: int) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.hidden = nn.Sequential(nn.Linear(shape.width, shape.width), nn.GELU(), nn.LayerNorm(shape.width))
        self.bias = nn.Parameter(torch.zeros(shape.characters))
        self.tags = nn.Linear(shape.width, kinds * tags)
        self.roles = nn.Linear(shape.width, roles)

    def forward(self, ids: Tensor, hidden: Tensor, tags: Tensor, roles: Tensor) -> dict[str, Tensor]:
        """Give the losses.

        Args:
            ids: Characters with some hidden, (batch, length).
            hidden: The characters that were hidden, -100 elsewhere.
            tags: Tags by type, (batch, length, kinds), -100 for padding.
            roles: Clause roles, (batch, length), -100 for padding.

        Returns:
            ``loss``, the sum that is to be made small.
        """
        x = self.encoder(ids)
        chosen = hidden != -100
        guess = self.hidden(x[chosen]) @ self.encoder.character.weight.T + self.bias
        words = functional.cross_entropy(guess, hidden[chosen])
        scores = self.tags(x).view(*tags.shape, -1)
        grammar = functional.cross_entropy(scores.flatten(0, 2), tags.flatten(), ignore_index=-100)
        role = functional.cross_entropy(self.roles(x).flatten(0, 1), roles.flatten(), ignore_index=-100)
        return {"loss": words + 2.0 * grammar + 0.2 * role}


class Pointer(nn.Module):
    """A global pointer: how well a position begins, another ends, and the two belong together, kind by kind."""

    def __init__(self, width: int, kinds: int, size: int = 32) -> None:
        super().__init__()
        self.kinds, self.size = kinds, size
        self.ends = nn.Linear(width, 2 * kinds * size)
        self.alone = nn.Linear(width, 2 * kinds)
        cos, sin = rotary(size)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give first and second ends, each (batch, kinds, length, size + 2); their inner product is the score.

        The last two values carry what each end says alone, so that one product holds all three terms.
        """
        batch, length, _ = x.shape
        ends = self.ends(x).view(batch, length, 2, self.kinds, self.size).permute(2, 0, 3, 1, 4)
        alone = self.alone(x).view(batch, length, 2, self.kinds).permute(2, 0, 3, 1).unsqueeze(-1)
        cos, sin = self.get_buffer("cos")[:length], self.get_buffer("sin")[:length]
        one = torch.ones_like(alone[0])
        first = torch.cat([rotate(ends[0], cos, sin) / math.sqrt(self.size), alone[0], one], dim=-1)
        second = torch.cat([rotate(ends[1], cos, sin), one, alone[1]], dim=-1)
        return first, second


class Network(nn.Module):
    """The encoder with its heads.

    Args:
        encoder: Whatever turns ids and marks into vectors of ``width``.
        width: That width.
        types: Span types.
        links: Roles that a fact may link.
        tokens: Scores a character: its say on clause role, its weight in the clause, status and kind.
    """

    def __init__(self, encoder: nn.Module, width: int, *, types: int, links: int, tokens: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.spans = Pointer(width, types)
        self.links = Pointer(width, links)
        self.tokens = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, tokens))
        self.dropout = nn.Dropout(0.2)

    def forward(self, ids: Tensor, marks: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Score.

        Args:
            ids: Characters, (batch, length); 0 is padding.
            marks: What the grammar says, (batch, length, kinds).

        Returns:
            Spans (batch, types, length, length) from first to last character; the numbers' ends and the others' ends
            of links (batch, links, length, size); scores of characters (batch, length, tokens).
        """
        x = self.dropout(self.encoder(ids, marks))
        first, last = self.spans.parts(x)
        number, other = self.links.parts(x)
        return first @ last.transpose(-1, -2), number, other, self.tokens(x)
