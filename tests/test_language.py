import spacy

from zongjie.language import blank, to_doc
from zongjie.layers import layers, reading
from zongjie.text import Text


def test_doc_text_is_the_content() -> None:
    text = Text.of("全市新增学位6.35万个。\n\n  二、工作打算\t\u200b")
    assert to_doc(text, blank()).text == text.content


def test_a_plain_spacy_doc_gets_a_reading() -> None:
    doc = spacy.blank("zh")("全市新增学位300个。")
    assert reading(doc).text == doc.text
    assert layers(doc).mentions == []
