"""Makes docs/semantic-types.md: `python -m octo_core.inference.semantic_types.docs > docs/semantic-types.md`."""

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from octo_core.inference.semantic_types import Semantic
from octo_core.inference.semantic_types.companies import COMPANIES
from octo_core.inference.semantic_types.identifiers import IDENTIFIERS
from octo_core.inference.semantic_types.network import NETWORK
from octo_core.inference.semantic_types.people import NAMED, PEOPLE
from octo_core.inference.semantic_types.places import MEASURED, PLACES

INTRODUCTION: Final = """<!-- Made by `python -m octo_core.inference.semantic_types.docs`; do not edit. -->
# Semantic types

What the values of a field mean beyond their type. Each has a validator: a shape, then the check digits or the list of
what there is where such exist (python-stdnum, phonenumbers, pycountry, the IANA database). A field has a semantic type
when 90 % of up to 100 of its distinct values are valid. **By values alone** that is believed from so many distinct
values on; what chance could pass needs a name that says so, in one of the words shown. Values of what is personal are
masked in plans, and left out of stored schemas. `fields:` of a source says otherwise: `{semantic: iban, pii: true}`.
Eight and more names of people are personal whatever their field is called: where a quarter of them, and at least four,
hold a common given name of some thirty languages (half of them, where they are single words), or begin with a common
Chinese family name. Ships, streets and works that are called for people may be taken for them.
"""
_SECTIONS: Final[tuple[tuple[str, tuple[Semantic, ...]], ...]] = (
    ("Networks and software", NETWORK),
    ("Money, things and works", IDENTIFIERS),
    ("Companies, vehicles, goods", COMPANIES),
    ("Persons", (*PEOPLE, *NAMED)),
    ("Places, languages, times", (*PLACES, *MEASURED)),
)


def page() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for title, types in _SECTIONS:
        parts += [f"## {title}", "", "| name | what it is | example | by values alone | words of the name | personal |"]
        parts += ["|---|---|---|---|---|---|", *_rows(types), ""]
    parts += ["`uuid` is a type of its own and its semantic type too."]
    return "\n".join(parts) + "\n"


def _rows(types: Iterable[Semantic]) -> Iterator[str]:
    for one in types:
        alone = "never" if one.alone is None else "always" if one.alone == 1 else f"from {one.alone}"
        named, personal = ", ".join(sorted(one.named)), "yes" if one.pii else ""
        yield f"| `{one.name}` | {one.description} | `{one.example}` | {alone} | {named} | {personal} |"


if __name__ == "__main__":
    sys.stdout.write(page())
