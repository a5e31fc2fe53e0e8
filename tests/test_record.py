from collections.abc import Callable
from decimal import Decimal

import jsonschema
import pytest
import simplejson
from pydantic import ValidationError

from zongjie.record import Record, Value, json_schema

TEXT = "2023年新增学位59500个，新增学位120个。"


def test_record_schema_is_valid_draft_2020_12() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("text", [True, False])
def test_record_fits_its_schema(make_record: Callable[..., Record], text: bool) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.validate(simplejson.loads(make_record(TEXT).to_json(text=text)))


def test_record_schema_refuses_what_it_does_not_know(make_record: Callable[..., Record]) -> None:
    row = simplejson.loads(make_record(TEXT).to_json()) | {"mood": "good"}
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(row)


def test_record_quotes_its_text(make_record: Callable[..., Record]) -> None:
    record = make_record(TEXT)
    for piece in (*record.entities, *record.results, *(fact.number for fact in record.facts)):
        assert record.text is not None
        assert record.text[piece.start : piece.end] == piece.text


@pytest.mark.parametrize("digits", ["59500", "0.1", "95.60", "0.6667", "123456789012345678901234567890.125", "-0.5"])
def test_value_keeps_exact_digits(make_record: Callable[..., Record], digits: str) -> None:
    record = make_record(TEXT)
    value = Value(low=Decimal(digits), high=None, unit="%", flag=">=")
    record = record.model_copy(update={"facts": [record.facts[0].model_copy(update={"value": value})]})
    line = record.to_json()
    assert f'"low": {digits}, "high": null' in line
    again = Record.from_json(line)
    assert again == record
    assert again.to_json() == line


def test_record_without_text_reads_back(make_record: Callable[..., Record]) -> None:
    line = make_record(TEXT).to_json(text=False)
    assert '"text": null' not in line
    assert Record.from_json(line).text is None


def test_record_bytes_are_the_same_each_time(make_record: Callable[..., Record]) -> None:
    assert make_record(TEXT).to_json().encode() == make_record(TEXT).to_json().encode()


def test_record_is_frozen(make_record: Callable[..., Record]) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_record(TEXT).text = "another"
