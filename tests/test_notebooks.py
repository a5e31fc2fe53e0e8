"""Every notebook runs, and what is kept of it is what comes out. Slow: each starts a kernel."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

import run_notebooks as notebooks
from zongjie.ontology import load_table
from zongjie.plot import PlotTable

NAMES = notebooks.names()
LARGEST = 400_000  # bytes of a notebook
NEEDS = {"4-teach": ("torch", "transformers", "datasets", "sklearn", "onnx")}


def test_there_are_notebooks() -> None:
    assert len(NAMES) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_and_says_what_is_kept(name: str, tmp_path: Path) -> None:
    for library in NEEDS.get(name, ()):
        pytest.importorskip(library, reason=f"{library} is not installed: pip install 'zongjie[train]'")
    before, after = notebooks.kept(name), without_hint(notebooks.executed(name, tmp_path))
    for old, new in zip(before.cells, after.cells, strict=True):
        if old.cell_type == "code":
            remedy = f"{old.id}: if that was meant, run: python tests/run_notebooks.py {name}"
            assert [one.output_type for one in new.outputs] == [one.output_type for one in old.outputs], remedy
            if notebooks.SAME in old.metadata.get("tags", ()):
                assert notebooks.plain(new) == notebooks.plain(old), remedy
    assert not complaints(after)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_clean_and_small(name: str) -> None:
    notebook = notebooks.kept(name)
    assert notebooks.cleaned(deepcopy(notebook)) == notebook
    assert not complaints(notebook)
    assert [cell.id for cell in notebook.cells if cell.cell_type == "code" and not cell.execution_count] == []
    assert any(notebooks.SAME in cell.metadata.get("tags", ()) for cell in notebook.cells)
    assert (notebooks.FOLDER / f"{name}.ipynb").stat().st_size < LARGEST


def without_hint(notebook: notebooks.Notebook) -> notebooks.Notebook:
    """Leave out the hint that is given where no font with Chinese letters is installed."""
    hint = load_table("plot.toml", PlotTable).hint
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr" or hint not in one.text]
    return notebook


def complaints(notebook: notebooks.Notebook) -> list[str]:
    """Say where a notebook warns, or shows where the machine keeps its files."""
    outputs = [(cell.id, output) for cell in notebook.cells for output in cell.get("outputs", ())]
    warned = [f"{id_} warns: {output.text}" for id_, output in outputs if output.get("name") == "stderr"]
    paths = (str(notebooks.ROOT), "/tmp/", "site-packages")
    return warned + [f"{id_} shows {path}" for id_, output in outputs for path in paths if path in str(output)]
