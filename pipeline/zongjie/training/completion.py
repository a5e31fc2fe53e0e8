"""Own completion: text that no person has annotated, annotated by a network, for another to learn before gold.

In: passages of silver, and passages of gold that say what is wanted. Out: the passages of silver that are most like
gold, and a network's annotations of them. Not for: what a person has said, which comes after (``train``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

from zongjie.corpus import Passage
from zongjie.exchange.drafts import suggest
from zongjie.tagger import Tagger
from zongjie.training.calibrate import extract

_SHORT = 30  # characters below which a passage teaches little
_OTHERS = 3  # texts taken at random for each passage of gold, to tell gold from


def nearest(texts: Sequence[str], like: Sequence[str], most: int, *, seed: int) -> list[str]:
    """Choose the texts most like some others, by their pairs of characters (Moore and Lewis, ACL 2010, P10-2041).

    Args:
        texts: What to choose from.
        like: What is wanted.
        most: How many to choose.
        seed: Seed of chance, for the texts that ``like`` is told from.

    Returns:
        The chosen, the most alike first.
    """
    if len(texts) <= most:
        return list(texts)
    pairs = HashingVectorizer(analyzer="char", ngram_range=(2, 2), n_features=2**18, alternate_sign=False)
    chance = np.random.default_rng(seed)
    others = [texts[i] for i in chance.choice(len(texts), min(len(texts), _OTHERS * len(like)), replace=False)]
    wanted = [True] * len(like) + [False] * len(others)
    judge = LogisticRegression(C=10, max_iter=300).fit(pairs.transform([*like, *others]), wanted)
    found = np.argsort(-judge.decision_function(pairs.transform(texts)), kind="stable")[:most]
    return [texts[i] for i in found]


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
