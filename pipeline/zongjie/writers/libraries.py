"""Libraries that only some outputs need.

In: a library's name. Out: the library, or an error that says how to get it. Not for: what zongjie always needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zongjie.errors import ZongjieError


def library(name: str, extra: str) -> Any:  # noqa: ANN401 - modules of which not all publish types
    """Import a library that an extra brings.

    Args:
        name: The module.
        extra: The extra of zongjie that installs it.

    Returns:
        The module.

    Raises:
        ZongjieError: If it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        said = f"this needs {error.name}, which is not installed. Run: pip install 'zongjie[{extra}]'"
        raise ZongjieError(said) from error
