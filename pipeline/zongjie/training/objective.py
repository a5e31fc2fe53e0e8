"""What the network is taught: one loss over spans, links, clause roles, status and kind.

In: the network's scores and a batch of targets. Out: a number to make small.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from zongjie.decoding import KIND, LOUDEST, ROLE, STATUS, WEIGHT
from zongjie.training.network import Network

_NEVER = -1e4
# spans are summed over types and would drown what is a mean over clauses or numbers
_SHARE = {"spans": 1.0, "roles": 4.0, "status": 4.0, "kind": 2.0, "links": 2.0}


def span_loss(scores: Tensor, gold: Tensor, ids: Tensor) -> Tensor:
    """Every right span above zero and every wrong one below (Su et al., arXiv:2208.02955).

    Args:
        scores: (batch, types, length, length).
        gold: The right ones, the same shape.
        ids: Characters, (batch, length); 0 is padding.

    Returns:
        The mean over passages of the sum over types.
    """
    length = ids.shape[1]
    real = (ids > 0)[:, None, None, :] & torch.ones(length, length, dtype=torch.bool, device=ids.device).triu()
    scores = scores.float()
    wrong = torch.logsumexp(scores.masked_fill(gold | ~real, _NEVER).flatten(2), -1)
    batch, kind, first, last = gold.nonzero(as_tuple=True)  # few: not worth a square of exponentials
    group = batch * scores.shape[1] + kind
    low = -scores[batch, kind, first, last]
    none = torch.zeros(wrong.numel(), device=scores.device)
    top = none.scatter_reduce(0, group, low.detach(), "amax")  # exponentials stay below one
    right = top + torch.log(torch.exp(-top).index_add(0, group, torch.exp(low - top[group])))
    return (functional.softplus(wrong) + right.view_as(wrong)).sum(1).mean()


def pool(values: Tensor, group: Tensor, count: int) -> Tensor:
    """Mean of values (batch, length, n) by group (batch, length; -1 is none), (count, n)."""
    keep = group >= 0
    index = group[keep]
    total = torch.zeros(count, values.shape[-1], device=values.device).index_add(0, index, values[keep].float())
    size = torch.zeros(count, device=values.device).index_add(0, index, torch.ones_like(index, dtype=torch.float))
    return total / size.clamp(min=1e-6)[:, None]


def clause_scores(tokens: Tensor, clause: Tensor, count: int) -> Tensor:
    """Scores of clause roles: the characters' say, each by its weight in the clause, (count, roles)."""
    weight = tokens[..., WEIGHT].float().clamp(-LOUDEST, LOUDEST).exp()[..., None]
    both = pool(torch.cat([tokens[..., ROLE].float() * weight, weight], -1), clause, count)
    return both[:, :-1] / both[:, -1:].clamp(min=1e-6)


class Lesson(nn.Module):
    """The network with its loss, as ``transformers.Trainer`` wants it."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(  # noqa: PLR0913 - one argument for each part of a batch
        self,
        ids: Tensor,
        marks: Tensor,
        spans: Tensor,
        clause: Tensor,
        roles: Tensor,
        number: Tensor,
        states: Tensor,
        links: Tensor,
        rivals: Tensor,
        gold: Tensor,
    ) -> dict[str, Tensor]:
        """Give the losses of a batch (see ``rows.Collate``)."""
        scores, numbers, others, tokens = self.network(ids, marks)
        loss = {"spans": span_loss(scores, spans, ids)}
        loss["roles"] = functional.cross_entropy(clause_scores(tokens, clause, len(roles)), roles)
        if len(states):
            state = pool(tokens, number, len(states))
            loss["status"] = functional.cross_entropy(state[:, STATUS], states[:, 0])
            loss["kind"] = functional.cross_entropy(state[:, KIND], states[:, 1])
        if len(links):
            batch, role, at = links.unbind(1)
            mine = numbers[batch, role, at].float()  # (links, size)
            theirs = others[batch[:, None], role[:, None], rivals.clamp(min=0)].float()  # (links, rivals, size)
            choice = (theirs @ mine[:, :, None]).squeeze(-1).masked_fill(rivals < 0, _NEVER)
            choice = functional.pad(choice, (0, 1))  # none scores zero
            chance = functional.log_softmax(choice, -1).masked_fill(~gold, _NEVER)
            loss["links"] = -torch.logsumexp(chance, -1).mean()
        total = torch.stack([_SHARE[name] * part for name, part in loss.items()]).sum()
        return {"loss": total, **{k: v.detach() for k, v in loss.items()}}
