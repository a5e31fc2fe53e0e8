"""The names of schools and of programmes: one door to both finders.

In: any string. Out: ``Mention`` of type ``SCHOOL`` or ``PROGRAM``, sorted, with offsets into that string.
Not for: places (``places.py``), what a number counts, or whether two names mean one thing.
"""

from __future__ import annotations

from zongjie.rules.programs import find_programs
from zongjie.rules.schools import find_schools

__all__ = ["find_programs", "find_schools"]
