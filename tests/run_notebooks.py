"""The notebooks, executed: ``python tests/run_notebooks.py`` executes all of them anew and keeps what comes out.

Give names to execute some (``1-report``). A notebook runs in a copy of ``notebooks/`` beside a copy of ``data/``, so
nothing that it writes stays. Of what comes out only that is kept which is the same in the next run: no times, no
versions, no ids drawn at random.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode as Notebook

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
SAME = "same"
"""The tag of a cell whose output in plain text must come out as it is kept."""

_SECONDS = 300  # for one cell, on a busy machine


def names() -> list[str]:
    """List the notebooks, in the order of their numbers."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def kept(name: str) -> Notebook:
    """Read a notebook as it is kept."""
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def executed(name: str, folder: Path) -> Notebook:
    """Execute a notebook in an empty folder; an error in a cell is raised."""
    (folder / "notebooks").mkdir()
    shutil.copytree(ROOT / "data", folder / "data")
    notebook = kept(name)
    # the commands of this environment are found, and no setting of a person's own
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    alone = {"PATH": path, "IPYTHONDIR": str(folder / "ipython"), "OMP_WAIT_POLICY": "PASSIVE"}
    client = NotebookClient(
        notebook,
        timeout=_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder / "notebooks")}},
        record_timing=False,
        extra_arguments=["--Application.log_level=ERROR"],
    )
    client.execute(env={**os.environ, **alone})
    return cleaned(notebook)


def cleaned(notebook: Notebook) -> Notebook:
    """Leave out of a notebook what changes from run to run."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for at, cell in enumerate(notebook.cells, 1):
        cell.id = f"cell-{at}"
        cell.metadata = nbformat.from_dict({"tags": tags} if (tags := cell.metadata.get("tags")) else {})
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: Sequence[Any]) -> list[Any]:
    """Put neighbouring pieces of one stream together, as where they part depends on the clock."""
    found: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and found and found[-1].get("name") == output.name:
            found[-1].text += output.text
        else:
            found.append(output)
    return found


def plain(cell: Notebook) -> list[str]:
    """Give what a cell printed and showed, in plain text; pictures are left out."""
    said = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return [text for text in said if not text.startswith("<Figure")]


def main(chosen: Sequence[str]) -> int:
    """Execute notebooks and keep what comes out; give the exit code."""
    for name in chosen or names():
        with TemporaryDirectory() as folder:
            notebook = executed(name, Path(folder))
        path = FOLDER / f"{name}.ipynb"
        nbformat.write(notebook, path)
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
