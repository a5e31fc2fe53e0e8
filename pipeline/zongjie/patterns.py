"""The patterns of one quantity: what a numeral, a unit, a bound and a link may look like.

In: ``numerals.toml`` and ``units.toml``. Out: compiled regular expressions, each to be matched at a given place.
Not for: what a match means (``measure.py``).
"""

from __future__ import annotations

import re

from zongjie.numeral import Numerals
from zongjie.ontology import either
from zongjie.record import Flag
from zongjie.units import unit_names, unit_pattern, units

_GAP = r"\s{0,2}"  # a line feed or a space may fall inside a quantity


class Flagged:
    """Bounds and approximators, the longest first, each with what it says."""

    def __init__(self, words: dict[Flag, list[str]], prefix: str = "") -> None:
        self.words: dict[str, Flag] = {word: flag for flag, forms in words.items() for word in forms}
        self.source = prefix + either(self.words)
        self.pattern = re.compile(f"({self.source})")
        self.end = re.compile(rf"({self.source})\s{{0,2}}\Z")
        self.last = frozenset(word[-1] for word in self.words)

    def flag(self, match: re.Match[str]) -> Flag:
        """Give what the word that matched says."""
        return self.words[match[1]]


class Patterns:
    """The patterns of one quantity, compiled from ``numerals.toml`` and ``units.toml``.

    Every pattern is matched at a given place and has bounded repeats, so reading costs a constant.

    Args:
        table: ``numerals.toml``.
        whole: Whether to read also what only a string that is one quantity may hold: loose forms of units, ordinals.
    """

    def __init__(self, table: Numerals, *, whole: bool = False) -> None:
        words, rank = table.words, table.rank
        self.table, self.whole = table, whole
        self.unit_scales = set(table.scales) & set(unit_names())  # 兆, which is a unit where it stands last
        scales = [char for char in table.scales if char not in self.unit_scales]
        digits, steps = "".join(table.digits), "".join((*table.steps, *scales))
        self.scale = steps
        self.contracted = "".join(form for form in table.contracted if len(form) == 1)
        self.scales_all = "".join((steps, *table.latin_scales))
        low_digits = "".join(char for char, value in table.digits.items() if value)
        no_verb = "".join(f"(?!(?<={verb[0]}){verb[1:]})" for verb in table.deny.verb_ends)
        self.after, self.before = Flagged(table.after), Flagged(table.before, no_verb)
        self.before_scale = Flagged(table.before_scale, f"(?<![{table.deny.verbs}])")
        self.bare = frozenset(steps) - {words.ten}
        self.vague = re.compile(f"{either(table.vague)}(?=[{steps}])")
        self.neighbours = re.compile(
            rf"([{low_digits}{steps}]*[{''.join(table.steps)}])?([{low_digits}])([{low_digits}])([{steps}]*)"
        )
        self.link = re.compile(rf"(?:{re.escape(table.remark)})?{_GAP}{either(table.links)}{_GAP}")
        self.joint = re.compile(either(table.joints))
        self.between = re.compile(either(table.between))
        self.colon = re.compile(r"\s?[:∶]\s{0,2}")
        self.third = re.compile(r"[:∶]\d")
        self.to = re.compile(words.to)
        self.to_one = re.compile(table.misread.to_one)
        self.side_end = re.compile(r"\s?(?:[,。;、)!?]|\Z)")
        self.share = re.compile(rf"\s?{words.share}\s?")
        self.slash = re.compile(r"(?<=[0-9])/(?=[1-9]\d?(?![\d/.]))")
        self.hundredths = re.compile(f"({either(words.hundredths)}){_GAP}")
        self.tenths = re.compile(
            rf"\s?{either(words.tenths)}(?![{words.tenths_not_before}])(?:({words.half})|([{low_digits}])\Z)?"
        )
        self.two_tenths = re.compile(f"([{low_digits}1-9])([{low_digits}0-9])(?={words.tenths[-1]})")
        self.fixed = re.compile(f"({words.whole})|({either(words.halves)})|({words.doubled})|({rank.first})")
        self.times = re.compile(f"[{low_digits}1-9]{words.doubling}")
        self.rank_unit = re.compile(either([*rank.units, *([rank.ordinal_measure] if whole else ())]))
        self.leading = re.compile(rank.leading)
        self.top = re.compile(either([*rank.units, rank.leading]))
        self.top_barred = re.compile(f"[{rank.top_not_before}]")
        self.more_after = re.compile(either(table.more[:2]))
        self.four_digits = re.compile(r"\d{4}")
        self.glue = re.compile(either(words.glue if whole else words.glue[:1]))
        self._compile_numbers(digits, steps)
        self._compile_units(low_digits)
        self._compile_simple(steps)
        self._compile_misread(steps)

    def _compile_numbers(self, digits: str, steps: str) -> None:
        """Compile what a numeral may look like."""
        table, words = self.table, self.table.words
        # 千 of 千米 and 千瓦 belongs to the unit.
        barred = either(form for form in unit_names() if len(form) > 1 and form[0] in steps)
        scale = f"(?!{barred})[{steps}]"
        measured = f"(?:{words.scale_measure}(?![{words.scale_measure_not_before}]))?"
        one, scaled = words.scale_measure[0], words.scale_measure[1:]
        counted = f"(?:{one}(?={either(table.more[:2])}{scaled}))?"  # 1个多亿
        arabic = rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,4}}(?!\d)|\d{{1,18}}(?!\d))(?:(?:\.\n?|{words.point})\d{{1,30}}(?!\d))?"
        self.spaced = r"(?:\d(?:\x20\d){1,7}|(?<=[^\s\d.,])\d{1,3}(?:\x20\d{3}){1,3})(?=\x20?[^\s\d.,])"
        decimals = f"(?:{words.point}[{digits}\\d]{{1,20}}{scale}{{0,2}})?"
        chinese = rf"(?:(?!{barred})[{digits}{steps}{self.contracted}]){{1,40}}{decimals}"
        mixed = rf"(?:{_GAP}{scale}){{0,3}}(?:[{digits}\d]{{1,4}}{scale}{{1,2}}){{0,3}}"
        self.number = re.compile(
            rf"({self.spaced}{_GAP}{scale}{{0,2}}|{arabic}(?:[kK](?![A-Za-z])|{mixed}{measured})"
            rf"|{chinese}(?:\d{{1,4}}{scale}{{1,2}})?{measured})"
            rf"(?:{counted}({either(table.more)})(?!{either(words.tenths)})({scale}{{0,3}}))?"
        )
        self.barred = barred

    def _compile_units(self, low_digits: str) -> None:
        """Compile units and what may stand beside them."""
        table, words, generic = self.table, self.table.words, units().generic
        pattern = unit_pattern(loose=self.whole)
        self.unit = re.compile(rf"{_GAP}({pattern})(\((?:{pattern})\))?")
        self.noun = f"{generic.measure}({either(table.more[:2])}|{words.half})?({either(generic.nouns)})"
        self.noun += f"(?![{generic.not_before}])"
        self.generic = re.compile(_GAP + self.noun)
        self.half = re.compile(f"{words.half}(?![{words.half_not_before}])")
        self.halved = re.compile(f"{words.half}(?={pattern}|{either(words.tenths)})")
        end = rf"(?={self.side_end.pattern}|{self.link.pattern}|{self.after.source})"
        self.last_digits = re.compile(rf"({words.zero}?[{low_digits}]{{1,2}}){end}")

    def _compile_simple(self, steps: str) -> None:
        """Compile the plain quantity (1200人, 3.5万元) after which no rule of the grammar looks any further."""
        table, words = self.table, self.table.words
        following = "".join(
            (self.contracted, *table.digits, *table.steps, *table.scales, words.half, words.share[0], words.doubling)
        )
        following += "".join(word[0] for word in (*words.tenths, *table.more, *table.links, *table.joints, *words.glue))
        following += "".join(word[0] for word in (*self.after.words, *units().generic.nouns, *unit_names(loose=True)))
        following += words.to + words.point + table.rank.leading + units().per.marks + table.misread.to_one + ":∶/)."
        in_bracket = "".join({form[0] for form in unit_names(loose=True)}) + table.remark[1]
        go_on = rf"[A-Za-z\d{''.join(map(re.escape, sorted(set(following))))}]"
        numeral = f"{''.join(table.digits)}{steps}"
        gap = rf"{_GAP}(?!{go_on})[^\s,(]|{_GAP}\((?![{re.escape(in_bracket)}])|{_GAP},(?!\d{{3}})|{_GAP}\Z"
        stop = rf"(?={gap}|\s{{3}}|\s{{1,2}}\d|(?<=[^\d.{numeral}])\d{{4}})"
        scale = f"(?!{self.barred})[{''.join(set(table.scales) - self.unit_scales)}]"
        arabic = rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,4}}(?!\d)|\d{{1,12}})(?:\.\d{{1,8}})?(?![\d.])(?:{scale})?"
        chinese = rf"(?:(?!{self.barred})[{numeral}]){{1,20}}"
        unit = unit_pattern(loose=self.whole)
        self.simple = re.compile(
            rf"(?!{self.spaced})(?>(?P<numeral>{arabic}|{chinese})(?:(?!{self.noun})(?P<unit>{unit}))?){stop}"
        )

    def _compile_misread(self, steps: str) -> None:
        """Compile numbers in which scanning has put letters for digits: 1O0名."""
        digits = self.table.misread.digits
        self.look_alikes = {ord(char): digit for digit, chars in digits.items() for char in chars}
        like = "".join(map(chr, self.look_alikes))
        # l at the end may be litres.
        self.misread = re.compile(
            rf"(?<![A-Za-z0-9.-])(?=[{like}]{{0,8}}\d)(?=\d{{0,8}}[{like}])[{like}\d]{{1,8}}(?:(?!l)[{like}]|\d)"
            rf"(?=(?:\.\d{{1,4}})?(?:[{steps}]|{unit_pattern()}))(?![A-Za-z])"
        )

    def mend(self, text: str) -> str:
        """Put digits for the letters that scanning has mistaken for them, one for one.

        Args:
            text: Text of folded width.

        Returns:
            A text of the same length; the same object if there was nothing to mend.
        """
        if not any(chr(char) in text for char in self.look_alikes):
            return text
        return self.misread.sub(lambda match: match.group().translate(self.look_alikes), text)
