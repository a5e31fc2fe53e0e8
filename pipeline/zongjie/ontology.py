"""What the system knows, read from ``configs/``: the one place that opens those files.

In: the TOML tables and word lists that ship as ``zongjie.configs``. Out: validated, frozen pydantic models. The module
that uses a table declares its shape and calls ``load_table``; an error names the file, the table and the key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from zongjie.errors import ConfigError


class Table(BaseModel):
    """Base of every config shape: frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T", bound=Table)


def either(words: Iterable[str]) -> str:
    """Write a pattern that matches any of some words, the longest first.

    Args:
        words: Plain words; at least one.

    Returns:
        The source of a regular expression: a group that captures nothing.
    """
    return "(?:" + "|".join(map(re.escape, sorted(set(words), key=lambda word: (-len(word), word)))) + ")"


def read_config(name: str) -> str:
    """Read one config file as text.

    Args:
        name: Path below ``configs/``, such as ``units.toml`` or ``lexicon/heads.txt``.

    Returns:
        The file's text.

    Raises:
        ConfigError: If there is no such file.
    """
    try:
        return resources.files("zongjie.configs").joinpath(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"configs/{name}: no such file. Reinstall zongjie, or restore the file.") from None


def load_table(name: str, shape: type[T]) -> T:
    """Read a TOML file and validate it.

    Args:
        name: Path below ``configs/``.
        shape: The model that the file must fit.

    Returns:
        The file as an instance of ``shape``.

    Raises:
        ConfigError: If the file is missing, is not TOML, or does not fit; the message names table and key.
    """
    return _parsed(read_config(name), shape, f"configs/{name}")


def read_table(path: str | Path, shape: type[T], *, like: str, over: T | None = None) -> T:
    """Read a TOML file of the user's.

    Args:
        path: The file.
        shape: The model that the file must fit.
        like: The file below ``configs/`` that shows the shape.
        over: What holds for the keys of its tables that the file leaves out; the shape's own defaults if not given.

    Returns:
        The file as an instance of ``shape``.

    Raises:
        ConfigError: If the file is missing or unreadable, is not TOML, or does not fit; the message names it, and table
            and key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config file. Give a TOML file like configs/{like}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: no text in UTF-8: {error}. Give a TOML file like configs/{like}.") from error
    return _parsed(text, shape, str(path), over)


def _parsed(text: str, shape: type[T], name: str, over: T | None = None) -> T:
    try:
        given, known = tomllib.loads(text), over.model_dump() if over else {}
        for key, value in given.items():
            both = isinstance(known.get(key), dict) and isinstance(value, dict)
            known[key] = {**known[key], **value} if both else value
        return shape.model_validate(known)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}.") from error
    except ValidationError as error:
        faults = ((".".join(map(str, e["loc"])), e["msg"], e["input"]) for e in error.errors())
        # a table that lacks a key would be shown whole
        said = (f"[{at}] {what}" + ("" if isinstance(got, dict) else f", not {got!r}") for at, what, got in faults)
        raise ConfigError(f"{name}: {'; '.join(said)}.") from error


@cache
def load_words(name: str) -> tuple[str, ...]:
    """Read a word list: one term a line, ``#`` starts a comment, blank lines are skipped.

    Args:
        name: File name below ``configs/lexicon/``, such as ``actions.txt``.

    Returns:
        The terms in file order, without duplicates.
    """
    lines = (line.split("#", 1)[0].strip() for line in read_config(f"lexicon/{name}").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))
