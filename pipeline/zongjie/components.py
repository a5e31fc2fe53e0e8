"""spaCy components over the makers, one a layer.

In: a name and a maker's name. Out: a ``Doc → Doc`` component. A spaCy user adds them to any Chinese pipeline:

    nlp.add_pipe("zongjie_spans"); nlp.add_pipe("zongjie_roles"); nlp.add_pipe("zongjie_facts")
"""

from __future__ import annotations

from collections.abc import Callable

from spacy.language import Language
from spacy.tokens import Doc

from zongjie.language import show_spans
from zongjie.makers import maker

Component = Callable[[Doc], Doc]


@Language.factory("zongjie_spans", default_config={"by": "rules"})
def make_spans(nlp: Language, name: str, by: str) -> Component:
    """Make the component that marks spans; it also fills ``doc.spans["entities"]``."""
    return _then_show(maker(by).mark_spans)


@Language.factory("zongjie_roles", default_config={"by": "rules"})
def make_roles(nlp: Language, name: str, by: str) -> Component:
    """Make the component that gives clauses their roles; it also fills ``doc.spans["clauses"]``."""
    return _then_show(maker(by).assign_roles)


@Language.factory("zongjie_facts", default_config={"by": "rules"})
def make_facts(nlp: Language, name: str, by: str) -> Component:
    """Make the component that links numbers; the links are in ``doc._.layers.links``."""
    return maker(by).link_facts


def _then_show(fill: Component) -> Component:
    def component(doc: Doc) -> Doc:
        return show_spans(fill(doc))

    return component
