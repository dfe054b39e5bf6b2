"""Makes octo_core/calendar_names.tsv of the CLDR's names of months and weekdays, as Babel has them.

    uv run --no-project --with babel==2.18.0 python benchmarks/calendar_names.py > octo_core/calendar_names.tsv

The table is kept in the repository, and made anew on purpose only: what a format means must not change under a plan
that somebody approved because a library has other data.
"""

import multiprocessing
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from babel import Locale

LANGUAGES: Final = {
    "ar": ("ar", "ar_SY", "ar_MA", "ar_DZ"), "bg": ("bg",), "ca": ("ca",), "cs": ("cs",), "da": ("da",),
    "de": ("de", "de_AT", "de_CH"), "el": ("el",), "es": ("es", "es_MX", "es_PE", "es_UY"), "et": ("et",),
    "fi": ("fi",), "fr": ("fr", "fr_CA", "fr_CH"), "he": ("he",), "hr": ("hr",), "hu": ("hu",), "id": ("id",),
    "it": ("it", "it_CH"), "ja": ("ja",), "ko": ("ko",), "lt": ("lt",), "lv": ("lv",), "ms": ("ms",), "nb": ("nb",),
    "nl": ("nl", "nl_BE"), "pl": ("pl",), "pt": ("pt", "pt_PT"), "ro": ("ro",), "ru": ("ru",), "sk": ("sk",),
    "sl": ("sl",), "sr": ("sr", "sr_Latn"), "sv": ("sv",), "tr": ("tr",), "uk": ("uk",), "zh": ("zh", "zh_Hant"),
}  # fmt: skip
"""A language's tag → the locales whose names it takes. Years have to be those of ISO 8601: no Thai, no Persian."""
SEPARATE: Final = str.maketrans({"ı": "i", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O"})
ENGLISH: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def main() -> None:
    """Print a line for each language and letter: the names, as they may be written, of 1, 2, 3 …"""
    print("# Names of months (B, b) and weekdays (A, a; Monday first), by benchmarks/calendar_names.py from the CLDR.")
    print("# Copyright © 1991-2025 Unicode, Inc. Unicode License v3: https://www.unicode.org/license.txt")
    fresh = multiprocessing.get_context("spawn")  # Babel 2.18 puts names of one locale into the next
    with ProcessPoolExecutor(1, fresh, max_tasks_per_child=1) as pool:
        for lines in pool.map(table, LANGUAGES.items()):
            print(*lines, sep="\n")


def table(item: tuple[str, tuple[str, ...]]) -> list[str]:
    """The lines of one language."""
    language, locales = item
    full = cells("months", 12, ("wide",), locales)
    short = cells("months", 12, ("abbreviated",), locales)
    for month, forms in enumerate(beginnings(full)):
        if not forms & set(ENGLISH) - {ENGLISH[month]}:
            short[month] |= forms
    days = cells("days", 7, ("wide",), locales)
    short_days = cells("days", 7, ("abbreviated", "short"), locales)
    lines = []
    for letter, found in (("B", full), ("b", short), ("A", days), ("a", short_days)):
        told = distinct(found)
        if all(told):
            lines.append("\t".join((language, letter, *(" ".join(sorted(forms)) for forms in told))))
    return lines


def cells(part: str, size: int, widths: tuple[str, ...], locales: tuple[str, ...]) -> list[set[str]]:
    """The forms of each of so many names: within a date and alone, with and without accents."""
    found: list[set[str]] = [set() for _ in range(size)]
    for tag in locales:
        locale = Locale.parse(tag)
        for context in ("format", "stand-alone"):
            for width in widths:
                names = getattr(locale, part)[context].get(width, {})
                for place in range(size):
                    found[place].update(spellings(names[place + 1 if size == 12 else place], tag))
    return found


def spellings(name: str, tag: str) -> Iterator[str]:
    """A name in lower case as it is written by hand too; none of one with a digit or a blank in it."""
    whole = unicodedata.normalize("NFC", name.replace("\u200f", "")).lower().replace("i̇", "i")
    if any(sign.isdigit() or sign.isspace() for sign in whole):
        return
    forms = {whole}
    if unicodedata.name(whole[0]).startswith(("LATIN", "GREEK")):
        forms.add(plain(whole))
    if tag.startswith("de"):
        forms.add(whole.replace("ä", "ae"))
    yield from (form.removesuffix(".") for form in forms)


def plain(text: str) -> str:
    """A word without accents."""
    parts = unicodedata.normalize("NFD", text.translate(SEPARATE))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def beginnings(names: list[set[str]]) -> list[set[str]]:
    """The three letters with which a month begins, and no other one of its language."""
    return distinct([{form[:3] for form in forms if unicodedata.name(form[0]).startswith("LATIN")} for forms in names])


def distinct(found: Iterable[set[str]]) -> list[set[str]]:
    """Each one's forms without those that are another's too."""
    cases = list(found)
    return [
        forms - {form for other, others in enumerate(cases) if other != place for form in others}
        for place, forms in enumerate(cases)
    ]


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
