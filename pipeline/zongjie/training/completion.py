"""Own completion: text that no person has annotated, annotated by a network, for another to learn before gold.

In: passages of silver, and passages of gold that say what is wanted. Out: the passages of silver that are most like
gold, and a network's annotations of them. Not for: what a person has said, which comes after (``train``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from zongjie.corpus import Passage
from zongjie.exchange.drafts import suggest
from zongjie.tagger import Tagger
from zongjie.training.calibrate import extract

_SHORT = 30  # characters below which a passage teaches little
_OTHERS = 3  # texts taken at random for each passage of gold, to tell gold from
_SHARED = 16  # characters in a row that say that a text holds a passage of gold


def nearest(texts: Sequence[str], like: Sequence[str], most: int, *, seed: int) -> list[str]:
    """Choose the texts most like some others, by their pairs of characters (Moore and Lewis, ACL 2010, P10-2041).

    Args:
        texts: What to choose from.
        like: What is wanted. A text that holds a piece of them is left out: what is held out of gold stays unread.
        most: How many to choose, at most.
        seed: Seed of chance, for the texts that ``like`` is told from.

    Returns:
        The chosen, the most alike first.
    """
    pairs = HashingVectorizer(analyzer="char", ngram_range=(2, 2), n_features=2**18, alternate_sign=False)
    chance = np.random.default_rng(seed)
    others = [texts[i] for i in chance.choice(len(texts), min(len(texts), _OTHERS * len(like)), replace=False)]
    wanted = [True] * len(like) + [False] * len(others)
    judge = LogisticRegression(C=10, max_iter=300).fit(pairs.transform([*like, *others]), wanted)
    order = np.argsort(-judge.decision_function(pairs.transform(texts)), kind="stable")
    known = {piece for text in like for piece in _pieces(text)}
    return list(islice((texts[i] for i in order if known.isdisjoint(_pieces(texts[i]))), most))


def _pieces(text: str) -> Iterator[str]:
    return (text[i : i + _SHARED] for i in range(len(text) - _SHARED + 1))


def completed(tagger: Tagger, texts: Iterable[str]) -> list[Passage]:
    """Annotate texts by a model.

    Args:
        tagger: The model.
        texts: Passages.

    Returns:
        Passages of one to a few sentences each, as ``exchange.drafts.suggest`` cuts them.
    """
    bare = (
        Passage(id=f"own{i}", source="own", text=text, entities=(), facts=(), clauses=())
        for i, text in enumerate(texts)
    )
    found = (one.passage for record in extract(tagger, bare) for one in suggest(record.record))
    return [passage for passage in found if len(passage.text) >= _SHORT]
