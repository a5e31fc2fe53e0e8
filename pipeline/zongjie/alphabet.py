"""Characters and their ids, as the model reads them.

In: text. Out: arrays of ids. Widths are folded first, one character for one, so positions stay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zongjie.text import fold

PAD, UNKNOWN, MASK = range(3)
_FIRST = 3  # the id of the first character

Ids = npt.NDArray[np.int64]


class Alphabet:
    """An ordered set of characters; everything else is ``UNKNOWN``.

    Args:
        characters: In the order of their ids; each once.
    """

    def __init__(self, characters: str) -> None:
        self.characters = characters
        codes = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
        self._table: Ids = np.full(0x110000, UNKNOWN, np.int64)
        self._table[codes] = np.arange(len(codes)) + _FIRST

    def __len__(self) -> int:
        """Count the ids, the three special ones included."""
        return len(self.characters) + _FIRST

    def encode(self, text: str) -> Ids:
        """Give the id of every character.

        Args:
            text: Any string without lone surrogates.

        Returns:
            Ids, (len(text),).
        """
        return self._table[np.frombuffer(fold(text).encode("utf-32-le"), np.uint32)]

    @classmethod
    def of(cls, texts: Iterable[str], *, at_least: int = 5) -> Alphabet:
        """Gather the characters that are common enough.

        Args:
            texts: What to count in.
            at_least: How often a character must stand there.

        Returns:
            The alphabet, the most frequent character first.
        """
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(fold(text))
        return cls("".join(c for c, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])) if n >= at_least))

    @classmethod
    def read(cls, path: Path) -> Alphabet:
        """Read what ``write`` wrote: hexadecimal code points, one a line."""
        return cls("".join(chr(int(line, 16)) for line in path.read_text(encoding="ascii").split()))

    def write(self, path: Path) -> None:
        """Write code points, so that no editor can spoil a line feed or a space."""
        path.write_text("".join(f"{ord(c):x}\n" for c in self.characters), encoding="ascii")
