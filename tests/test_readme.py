"""The code at the top of each README runs and prints what stands below it."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<output>.*?)```", re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_readme_code_prints_what_it_says(name: str) -> None:
    shown = SHOWN.search((ROOT / name).read_text("utf-8"))
    assert shown, f"{name}: a python block followed by a text block with its output"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(shown["code"], name, "exec"), {})
    assert said.getvalue() == shown["output"]
