"""Hostile and broken files: each gives a record or a reason, none a crash."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from zongjie.errors import UnreadableDocument
from zongjie.readers import ocr, read_bytes, read_path
from zongjie.text import Text

_SLOW = 2_000_000  # bytes; larger ones are for the benchmark


def _load() -> ModuleType:
    path = Path(__file__).parent / "benchmarks" / "hostile.py"
    spec = importlib.util.spec_from_file_location("hostile", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOSTILE = _load()


@pytest.fixture(autouse=True)
def no_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "is_installed", lambda: False)


def check(document: Text | UnreadableDocument) -> None:
    if isinstance(document, UnreadableDocument):
        assert document.reason
        assert document.remedy
        assert " at 0x" not in document.reason
    else:
        assert document.content.strip()
        document.content.encode()
    document.source.encode()


@pytest.mark.parametrize(
    "make",
    [
        HOSTILE.broken,
        HOSTILE.texts,
        pytest.param(HOSTILE.nested, marks=pytest.mark.slow),
        pytest.param(HOSTILE.archives, marks=pytest.mark.slow),
    ],
    ids=lambda make: make.__name__,
)
def test_content(make: object) -> None:
    assert callable(make)
    for name, data in make():
        if len(data) < _SLOW:
            found = list(read_bytes(data, source=name, suffix=Path(name).suffix))
            assert found, name
            for document in found:
                check(document)


def test_file_system(tmp_path: Path) -> None:
    for strange in HOSTILE.strange_files(tmp_path):
        try:
            strange()
        except OSError:
            continue
    for name in os.listdir(tmp_path):
        found = list(read_path(tmp_path / name))
        assert found, name
        for document in found:
            check(document)
