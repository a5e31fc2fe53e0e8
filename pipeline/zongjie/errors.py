"""The errors a caller may meet: one root, few children.

Every message says what went wrong, where, and what mends it.
"""

from __future__ import annotations


class ZongjieError(Exception):
    """Root of every error that this package raises on purpose."""


class ConfigError(ZongjieError):
    """A file under ``configs/`` is missing or wrong; the message names file, table and key."""


class ModelError(ZongjieError):
    """A model's folder is missing, damaged or of another version, or its device is not there."""


class UnreadableDocument(ZongjieError):  # noqa: N818 - the name says what it is; callers read it aloud
    """One document cannot be read.

    Attributes:
        source: The document's path or name, as given.
        reason: What is wrong with it.
        remedy: What the user can do about it.
    """

    def __init__(self, source: str, reason: str, remedy: str) -> None:
        super().__init__(f"{source}: {reason}. {remedy}")
        self.source = source
        self.reason = reason
        self.remedy = remedy


class OutputExists(ZongjieError):  # noqa: N818 - as above
    """An output would overwrite a file; the message names the file and the flag that permits it."""


class InternalError(ZongjieError):
    """A fault in zongjie itself, not in what it was given; please report it."""
