"""Other encoders for ``network.Network``: a recurrent one of our own, and any from Hugging Face.

In: ids of characters and marks, as ``network.Encoder`` takes them. Out: vectors that do not depend on how much padding
stands behind a window. Not for: the heads (``network``) or the loop (``fit``).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from zongjie.alphabet import MASK, PAD, UNKNOWN, Alphabet
from zongjie.errors import ModelError
from zongjie.training.network import Encoder, Shape, sum_marks
from zongjie.windows import MARKS

_KNOWN = 0.5  # least share of our characters that a borrowed encoder must know


class BiLstm(nn.Module):
    """Two layers of long short-term memory, each read forward and backward (Graves & Schmidhuber 2005).

    Args:
        shape: Width, tables and dropout; what concerns attention is not used.
    """

    def __init__(self, shape: Shape, *, layers: int = 2) -> None:
        super().__init__()
        self.width = shape.width
        self.read = Encoder(replace(shape, layers=0))  # the same way of reading characters, pairs and marks
        sizes = {"input_size": shape.width, "hidden_size": shape.width // 2, "batch_first": True}
        self.forth = nn.ModuleList(nn.LSTM(**sizes) for _ in range(layers))
        self.back = nn.ModuleList(nn.LSTM(**sizes) for _ in range(layers))
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, ids: Tensor, marks: Tensor | None = None) -> Tensor:
        """Encode.

        Args:
            ids: Characters, (batch, length); 0 is padding, at the end only.
            marks: What the grammar says, (batch, length, kinds); 0 is nothing.

        Returns:
            Vectors, (batch, length, width).
        """
        x: Tensor = self.read(ids, marks)
        # Each row is turned about its own length, so that the way back begins at its last character, not at padding.
        at = torch.arange(ids.shape[1], device=ids.device)[None]
        turned = (ids != PAD).sum(1, keepdim=True) - 1 - at
        turned = torch.where(turned < 0, at, turned)[..., None]
        for forth, back in zip(self.forth, self.back, strict=True):
            there = forth(x)[0]
            again = back(x.gather(1, turned.expand_as(x)))[0]
            x = self.dropout(torch.cat([there, again.gather(1, turned.expand_as(again))], dim=-1))
        return x


class Borrowed(nn.Module):
    """An encoder from Hugging Face, one token a character, with what the grammar says added to what it reads.

    Ids of our alphabet become ids of its tokenizer inside the network, so whatever uses the network needs no tokenizer.
    Code that comes with a model is never run.

    Args:
        name: Name on the Hugging Face hub, or a folder.
        alphabet: Our characters; what is not in it is unknown to the encoder too.
        longest: Most characters in a window.

    Attributes:
        width: Width of its vectors.

    Raises:
        ModelError: If there is no such encoder, if it reads too few characters at a time, or if it does not read
            Chinese character by character.
    """

    def __init__(self, name: str, alphabet: Alphabet, *, longest: int) -> None:
        super().__init__()
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            # safetensors where there are any; else torch's own format, of which it reads tensors only
            self.model: PreTrainedModel = AutoModel.from_pretrained(name, trust_remote_code=False, dtype=torch.float32)
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(
                f"{name}: no encoder could be loaded: {error} Give the name of an encoder on the Hugging Face hub, or "
                "a folder that holds one with its tokenizer."
            ) from error
        _check(self.model, name, longest + 2)
        self.register_buffer("table", torch.tensor(_table(tokenizer, alphabet, name)))
        self.first, self.last = tokenizer.cls_token_id, tokenizer.sep_token_id
        self.width = int(self.model.config.hidden_size)
        self.mark = nn.Embedding(MARKS, self.model.get_input_embeddings().weight.shape[1], padding_idx=0)
        nn.init.normal_(self.mark.weight, std=1e-3)
        nn.init.zeros_(self.mark.weight[0])  # nothing is said of [CLS] and [SEP]

    def forward(self, ids: Tensor, marks: Tensor | None = None) -> Tensor:
        """Encode.

        Args:
            ids: Characters, (batch, length); 0 is padding, at the end only.
            marks: What the grammar says, (batch, length, kinds); 0 is nothing.

        Returns:
            Vectors, (batch, length, width).
        """
        ends = (int(self.first is not None), int(self.last is not None))
        tokens = functional.pad(self.get_buffer("table")[ids], ends, value=self.first or 0)
        count = (ids != PAD).sum(1, keepdim=True) + ends[0]
        at = torch.arange(tokens.shape[1], device=ids.device)[None]
        if self.last is not None:  # right behind the last character, before any padding
            tokens = torch.where(at == count, self.last, tokens)
        x = self.model.get_input_embeddings()(tokens)
        if marks is not None:
            x = x + sum_marks(self.mark, functional.pad(marks, (0, 0, *ends)))
        read = self.model(inputs_embeds=x, attention_mask=(at < count + ends[1]).long()).last_hidden_state
        return read[:, ends[0] : read.shape[1] - ends[1]]  # type: ignore[no-any-return]


def _check(model: PreTrainedModel, name: str, wanted: int) -> None:
    """Refuse what is no encoder, or reads too few tokens at a time."""
    if model.config.is_encoder_decoder:
        raise ModelError(f"{name}: has a decoder; expected an encoder alone, such as one of the family of BERT.")
    room = getattr(model.config, "max_position_embeddings", None) or -1  # less than 0 where positions are relative
    positions = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    # the family of RoBERTa counts positions from behind that of padding
    before = getattr(positions, "padding_idx", None)
    room -= before + 1 if before is not None else 0
    if 0 < room < wanted:
        raise ModelError(
            f"{name}: reads at most {room} tokens; expected {wanted}, the longest window and both its ends. Choose "
            "another encoder, or lower [mix] longest in the training config and leave longer passages out."
        )


def _table(tokenizer: PreTrainedTokenizerBase, alphabet: Alphabet, name: str) -> list[int]:
    """Give the tokenizer's id for each of ours, in the order of ours."""
    unknown = tokenizer.unk_token_id
    if unknown is None:
        unknown = tokenizer.pad_token_id or 0
    special = {PAD: tokenizer.pad_token_id or 0, UNKNOWN: unknown, MASK: tokenizer.mask_token_id or unknown}
    found = [_token(tokenizer, character) for character in alphabet.characters]
    if sum(token is not None for token in found) < _KNOWN * len(found):
        raise ModelError(
            f"{name}: its tokenizer knows less than {_KNOWN:.0%} of our {len(found)} characters one by one. Choose an "
            "encoder that reads Chinese by character."
        )
    return [*(special[i] for i in sorted(special)), *(unknown if token is None else token for token in found)]


def _token(tokenizer: PreTrainedTokenizerBase, character: str) -> int | None:
    """Give the one token of a character, also in the form that the tokenizer gives it (small letters, say)."""
    for ids in ([tokenizer.convert_tokens_to_ids(character)], tokenizer.encode(character, add_special_tokens=False)):
        if len(ids) == 1 and ids[0] not in (None, tokenizer.unk_token_id):
            return int(ids[0])  # type: ignore[arg-type]
    return None
