"""spaCy: a ``DocBin`` of documents with a token a character, for spaCy's own training and tools.

In: suggestions, or such a file. Out: the other. Spans stand in ``doc.spans["entities"]`` with their ids, clauses with
their roles in ``doc.spans["clauses"]``, facts as plain values in ``doc.user_data["zongjie"]``. A NUMBER that somebody
has added without a fact gets one. Tokens may be of any kind on the way back: spans are read by their characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

from zongjie.corpus import GoldError
from zongjie.exchange.sheets import NUMBER, ROLES, TYPES, Arc, Label, Mark, Sheet, Suggestion, written
from zongjie.layers import LINKS

_KEY: Final = "zongjie"
_ENTITIES, _CLAUSES = "entities", "clauses"


def write(suggestions: Sequence[Suggestion], path: Path) -> None:
    """Write a ``.spacy`` file.

    Args:
        suggestions: What to write, in order.
        path: The file.

    Raises:
        GoldError: If a value cannot be written.
    """
    from spacy.tokens import DocBin, Span
    from spacy.vocab import Vocab

    from zongjie.language import characters

    vocab = Vocab()
    docs = DocBin(store_user_data=True)
    for passage, _ in suggestions:
        doc = characters(vocab, passage.text)
        doc.spans[_ENTITIES] = [Span(doc, t.start, t.end, label=t.type, span_id=t.id) for t in passage.entities]
        doc.spans[_CLAUSES] = [Span(doc, c.start, c.end, label=c.role) for c in passage.clauses]
        facts = [
            {"number": claim.number, **claim.links(), "status": claim.status, "kind": claim.kind}
            | {"value": written(passage.id, claim.value)}
            for claim in passage.facts
        ]
        doc.user_data[_KEY] = {"id": passage.id, "source": passage.source, "facts": facts}
        docs.add(doc)
    docs.to_disk(path)


def read(path: Path) -> Iterator[tuple[str, Sheet | None]]:
    """Read a ``.spacy`` file back.

    Args:
        path: The file.

    Yields:
        Where it stands, for messages, and the sheet.

    Raises:
        GoldError: If it is no such file, or a document has no spans.
    """
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    try:
        docs = list(DocBin().from_disk(path).get_docs(Vocab()))
    except Exception as error:  # what spaCy and msgpack raise of a file that is none of theirs
        raise GoldError(f"{path.name}: no DocBin of spaCy: {error}. Write one with DocBin.to_disk.") from error
    for number, doc in enumerate(docs, 1):
        where = f"{path.name}: document {number}"
        if _ENTITIES not in doc.spans:
            raise GoldError(f'{where}: no doc.spans["{_ENTITIES}"]; put the spans there.')
        about: dict[str, Any] = doc.user_data.get(_KEY) or {}
        spans = [(s.id_, s.label_, s.start_char, s.end_char) for s in doc.spans[_ENTITIES]]
        clauses = [(f"C{i}", s.label_, s.start_char, s.end_char) for i, s in enumerate(doc.spans.get(_CLAUSES, ()))]
        for known, (_, label, start, end) in [*((TYPES, s) for s in spans), *((ROLES, c) for c in clauses)]:
            if label not in known:
                said = f"{doc.text[start:end]!r} has the label {label!r}"
                raise GoldError(f"{where}: {said}; expected one of {', '.join(known)}.")
        try:
            marks, arcs = _marks(spans, about.get("facts", ()))
        except (KeyError, TypeError) as error:
            said = f'doc.user_data["{_KEY}"] has a fact without {error}'
            raise GoldError(f"{where}: {said}. Leave it as zongjie export wrote it, or delete it.") from error
        marks += [Mark(key, cast(Label, label), start, end) for key, label, start, end in clauses]
        id_, source = about.get("id", f"{path.stem}-{number}"), about.get("source", path.stem)
        yield where, Sheet(id_, source, doc.text, tuple(marks), tuple(arcs))


def _marks(spans: Sequence[tuple[str, str, int, int]], facts: Sequence[Any]) -> tuple[list[Mark], list[Arc]]:
    """Make a mark of every span, of a NUMBER one for each of its facts."""
    marks: list[Mark] = []
    arcs: list[Arc] = []
    known = {id_: (label, start, end) for id_, label, start, end in spans if id_}
    for at, (id_, label, start, end) in enumerate(spans):
        own = [fact for fact in facts if fact["number"] == id_] if label == NUMBER and id_ else []
        if not own:
            marks.append(Mark(id_ or f"span {at + 1}", cast(Label, label), start, end))
        for count, fact in enumerate(own, 1):
            key = id_ if count == 1 else f"{id_}.{count}"
            marks.append(Mark(key, NUMBER, start, end, fact["status"], fact["kind"], fact["value"]))
            arcs += [Arc(key, fact[role], role) for role in LINKS if fact.get(role)]
    for fact in facts:
        if known.get(fact["number"], ("",))[0] != NUMBER:
            said = f"a fact is of {fact['number']}, but no NUMBER has that id"
            raise GoldError(f"{said}. Delete the fact too.")
    return marks, arcs
