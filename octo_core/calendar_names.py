"""Names of months and weekdays in other languages than English, as the CLDR has them; made by benchmarks/.

Not part of octo_core/expressions/, whose import would bring sqlglot with it (0.2 s): the inferrer reads them too.
"""

from functools import cache
from importlib import resources
from typing import Final, Literal

Letter = Literal["B", "b", "A", "a"]
"""strptime's letters: months in full and short, weekdays in full and short."""
_DOTTED: Final = frozenset({"tr"})
"""Languages whose capital i has its point."""


@cache
def _table() -> dict[str, dict[str, tuple[tuple[str, ...], ...]]]:
    found: dict[str, dict[str, tuple[tuple[str, ...], ...]]] = {}
    for line in resources.files("octo_core").joinpath("calendar_names.tsv").read_text("utf-8").splitlines():
        if line[0] != "#":
            language, letter, *cells = line.split("\t")
            found.setdefault(language, {})[letter] = tuple(tuple(cell.split()) for cell in cells)
    return found


def languages() -> tuple[str, ...]:
    """The languages whose names are known, by their ISO 639-1 codes; English is what a format without one means."""
    return tuple(_table())


def has_names(language: str, letter: str) -> bool:
    """Whether a language has names for a letter: Japanese counts its months."""
    return letter in _table()[language]


@cache
def names(language: str, letter: Letter) -> tuple[tuple[str, ...], ...]:
    """The names of 1, 2, 3 …, each as it may be written: small, with a capital, in capitals; short ones with
    and without a point. Monday is 1."""
    dotted = language in _DOTTED
    points = ("", ".") if letter in ("b", "a") else ("",)
    return tuple(
        tuple(dict.fromkeys(one + point for form in forms for one in _cases(form, dotted=dotted) for point in points))
        for forms in _table()[language].get(letter, ())
    )


def _cases(form: str, *, dotted: bool) -> tuple[str, ...]:
    written = (form, form[:1].upper() + form[1:], form.upper())
    if not dotted or "i" not in form:
        return written
    turkish = form.replace("i", "İ").upper()
    return (*written, turkish[:1] + form[1:], turkish)


@cache
def readings() -> dict[str, tuple[tuple[str, Letter, int], ...]]:
    """A word → what it can be: (language, letter, number)."""
    found: dict[str, list[tuple[str, Letter, int]]] = {}
    letters: tuple[Letter, ...] = ("B", "b", "A", "a")
    for language in languages():
        for letter in letters:
            for number, forms in enumerate(names(language, letter), 1):
                for form in forms:
                    found.setdefault(form, []).append((language, letter, number))
    return {form: tuple(meanings) for form, meanings in found.items()}
