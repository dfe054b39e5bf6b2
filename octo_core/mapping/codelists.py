"""Pairs names with codes of public lists, and back: countries, languages, currencies, states (pycountry's ISO lists).

A column says by its name, its label, its length or the values that it has which form it wants; a field is of a list
where most of its values are in it. Only values that were seen are paired, in whatever form each of them has.
"""

import gettext
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal

from octo_core.catalog import Column
from octo_core.letters import unaccented
from octo_core.mapping.attribute import Attribute
from octo_core.mapping.words import words

Listing = Literal["countries", "languages", "currencies", "subdivisions"]

RECOGNISED: Final = 0.75
"""Share of a field's distinct values that have to be of the list."""
TELLING: Final = 0.9
"""The same of the values that a column already has."""
MEMBERS: Final = 400
"""Distinct values above which nothing is paired; there are 249 countries."""

_LONGEST_CODE: Final = 3

_WORDS: Final[Mapping[Listing, frozenset[str]]] = {
    "countries": frozenset(
        ["country", "nation", "nationality", "ctry", "land", "pais", "pays", "citizenship", "国家", "國家", "بلد"]
    ),
    "languages": frozenset(["language", "lang", "locale", "idioma", "sprache", "langue", "语言"]),
    "currencies": frozenset(["currency", "curr", "ccy", "money", "moneda", "devise", "waehrung", "货币", "貨幣"]),
    "subdivisions": frozenset(["state", "province", "subdivision", "region", "prov", "bundesland", "省", "州"]),
}
_CODES: Final = frozenset(
    [
        "code",
        "cd",
        "iso",
        "iso2",
        "iso3",
        "alpha2",
        "alpha3",
        "abbreviation",
        "abbr",
        "abbrev",
        "kode",
        "codigo",
        "代码",
    ]
)
_NAMES: Final = frozenset(["name", "nm", "nombre", "nom", "bezeichnung", "名称", "名稱"])
_FORMS: Final[Mapping[Listing, tuple[str, ...]]] = {
    "countries": ("alpha_2", "alpha_3", "numeric", "name"),
    "languages": ("alpha_2", "alpha_3", "name"),
    "currencies": ("alpha_3", "numeric", "name"),
    "subdivisions": ("short", "code", "name"),
}
_SAID: Final = (
    (re.compile(r"alpha[ -_]?2|iso[ -_]?2\b|\b(two|2)[ -_]?(letter|char)|639-1", re.I), "alpha_2"),
    (re.compile(r"alpha[ -_]?3|iso[ -_]?3\b|\b(three|3)[ -_]?(letter|char)|639-[23]|4217", re.I), "alpha_3"),
    (re.compile(r"\bnumeric\b|\bm49\b|iso[ -_]?num", re.I), "numeric"),
    (re.compile(r"3166-2"), "code"),
)
_FIRST_STATES: Final = ("US", "CA", "DE", "ES", "IT", "BR", "MX", "AU", "IN", "FR", "GB")
"""Of two countries whose states have the values seen, the earlier one here."""
_LOCALES: Final = ("de", "es", "fr", "it", "pt", "nl", "pl", "sv", "ru", "zh_CN", "ja", "ar", "tr")
_DOMAINS: Final[Mapping[Listing, str]] = {"countries": "iso3166-1", "languages": "iso639-3", "currencies": "iso4217"}

_ALSO: Final[Mapping[Listing, Mapping[str, str]]] = {
    "countries": {
        "AE": "uae", "BN": "brunei", "BO": "bolivia", "CD": "dr congo|congo kinshasa|drc",
        "CG": "congo brazzaville|republic of the congo", "CI": "ivory coast", "CV": "cape verde",
        "CZ": "czech republic",
        "FK": "falkland islands", "FM": "micronesia", "GB": "uk|great britain|britain", "IR": "iran",
        "KP": "north korea",
        "KR": "south korea|korea", "LA": "laos", "MD": "moldova", "MK": "macedonia", "MM": "burma", "NL": "holland",
        "PS": "palestine", "RU": "russia", "SY": "syria", "SZ": "swaziland", "TL": "east timor", "TR": "turkey",
        "TW": "taiwan", "TZ": "tanzania", "US": "united states of america|usa|us|america", "VA": "vatican|vatican city",
        "VE": "venezuela", "VN": "vietnam|viet nam", "XK": "kosovo",
    },
    "languages": {"el": "greek", "zh": "mandarin|mandarin chinese", "fa": "farsi", "es": "castilian", "sw": "swahili",
                  "nl": "flemish", "no": "norwegian", "ms": "malay"},
    "currencies": {
        "AUD": "a$|au$", "BRL": "r$|real", "CAD": "c$|ca$", "CHF": "sfr", "CNY": "yuan|renminbi|rmb|chinese yuan",
        "EUR": "€", "GBP": "£|british pound|pound|sterling", "INR": "₹|rupee",
        "JPY": "japanese yen", "KRW": "₩|korean won",
        "MXN": "mexican peso", "PLN": "polish zloty|zł", "RUB": "₽|rouble", "SEK": "swedish crown", "TRY": "₺",
        "USD": "us$|u s dollar|american dollar", "UAH": "₴", "ILS": "₪", "VND": "₫",
    },
    "subdivisions": {},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paired:
    """`pairs`: value seen → what the column wants; `unmatched`: values of no entry; `said`: the list, for people."""

    pairs: tuple[tuple[str, str], ...]
    unmatched: tuple[str, ...]
    said: str
    nothing: tuple[str, ...] = ()
    """Values that say that nothing is known (`N/A`)."""

    @property
    def identical(self) -> bool:
        return all(left == right for left, right in self.pairs)


def paired(values: Sequence[str], column: Column, target: Attribute) -> Paired | None:
    """The values of a field as the column wants them; None where it wants no form of a list that they are of."""
    if not values or len(values) > MEMBERS:
        return None
    for listing, named in _lists_of(column, target):
        for entries in _groups(listing, values, named):
            form = _wanted(listing, column, target, entries)
            if form is None or not (named or target.values or _are_names(values)):
                continue
            found = _pair(values, entries, form, target.values if target.closed else None)
            known = len(found.pairs) / max(1, len(found.pairs) + len(found.unmatched))
            if found.pairs and known >= RECOGNISED:
                return found
    return None


def _are_names(values: Sequence[str]) -> bool:
    """Whether most values are too long for codes: the length of a column alone makes no country of the unit `ST`."""
    real = [value for value in values if _folded(value)]
    return 2 * sum(len(value) > _LONGEST_CODE for value in real) > len(real)


def _lists_of(column: Column, target: Attribute) -> Iterator[tuple[Listing, bool]]:
    """The lists that a column may be of, and whether its name or label says so; else its values or a code's length."""
    said = {*words(column.name), *words(target.text)}
    named: list[Listing] = [listing for listing, names in _WORDS.items() if said & names]
    yield from ((listing, True) for listing in named)
    if target.values or column.max_length in (2, 3):
        coded: tuple[Listing, ...] = ("countries", "currencies")
        yield from ((listing, False) for listing in coded if listing not in named)


@dataclass(frozen=True, slots=True)
class _Entries:
    """Some entries of one list: of each all its forms, and by every spelling which of them is meant."""

    rows: tuple[Mapping[str, str], ...]
    by_spelling: Mapping[str, int]
    said: str

    def of(self, value: str) -> Mapping[str, str] | None:
        place = self.by_spelling.get(_folded(value))
        return None if place is None else self.rows[place]

    def share(self, values: Sequence[str]) -> float:
        return sum(_folded(value) in self.by_spelling for value in values) / max(1, len(values))


def _groups(listing: Listing, values: Sequence[str], named: bool) -> Iterator[_Entries]:
    """The list, in English or in a language that knows more of the values; of states those of one country."""
    real = [value for value in values if _folded(value)]
    if listing == "subdivisions":
        known = Counter(country for value in real for country in _countries_of_states().get(_folded(value), ()))
        best_known = max(known.values(), default=0)
        ranked = sorted((one for one, count in known.items() if count == best_known), key=_state_rank)
        if ranked and best_known >= RECOGNISED * len(real):
            yield _states(ranked[0])
        return
    best = _entries(listing)
    if best.share(real) < RECOGNISED and named and listing in _DOMAINS:
        best = max((_entries(listing, locale) for locale in _LOCALES), key=lambda one: one.share(real))
    if best.share(real) >= RECOGNISED:
        yield best


def _wanted(listing: Listing, column: Column, target: Attribute, entries: _Entries) -> str | None:
    """The form that a column wants: by its values, its words, its length; None where nothing says so."""
    forms = _FORMS[listing]
    if target.values:
        shares = {form: _share_in(target.values, entries, form) for form in forms}
        best = max(forms, key=lambda form: shares[form])
        return best if shares[best] >= TELLING else None
    text, said = f"{column.name} {target.text}", {*words(column.name), *words(target.text)}
    form = next((form for pattern, form in _SAID if form in forms and pattern.search(text)), None)
    if form is not None and _fits(form, column, entries):
        return form
    if column.type.is_integer:
        return "numeric" if "numeric" in forms and said & _CODES else None
    codes = [form for form in forms if form != "numeric" and form != "name"]
    if column.max_length is not None and column.max_length <= 6:
        exact = [form for form in codes if _longest(form, entries) == column.max_length]
        return next(iter(exact), None) or next((form for form in codes if _fits(form, column, entries)), None)
    if {*words(column.name)} & _NAMES and not {*words(column.name)} & _CODES:
        return "name"
    if said & _CODES and not said & _NAMES:
        return codes[0]
    return None


def _pair(values: Sequence[str], entries: _Entries, form: str, members: Sequence[str] | None) -> Paired:
    """Each value by its entry. `members`: the only results there may be, spelled as there."""
    allowed = None if members is None else {_folded(one): one for one in members}
    pairs, unmatched = [], []
    for value in values:
        row = entries.of(value)
        result = None if row is None else row.get(form)
        if result is not None and allowed is not None:
            result = allowed.get(_folded(result))
        if result is not None:
            pairs.append((value, result))
        elif _folded(value):
            unmatched.append(value)
    nothing = tuple(value for value in values if not _folded(value))
    return Paired(tuple(pairs), tuple(unmatched), f"{entries.said} as {_CALLED[form]}", nothing)


_CALLED: Final = {
    "alpha_2": "codes of two letters",
    "alpha_3": "codes of three letters",
    "numeric": "numbers",
    "name": "names",
    "short": "codes",
    "code": "codes with their country",
}


def _share_in(values: Sequence[str], entries: _Entries, form: str) -> float:
    """The share of values that are just this form of an entry."""
    rows = [entries.of(value) for value in values]
    return sum(
        row is not None and _folded(row.get(form, "")) == _folded(value)
        for row, value in zip(rows, values, strict=True)
    ) / len(values)


def _longest(form: str, entries: _Entries) -> int:
    return max((len(row[form]) for row in entries.rows if form in row), default=0)


def _fits(form: str, column: Column, entries: _Entries) -> bool:
    return column.max_length is None or _longest(form, entries) <= column.max_length


@cache
def _entries(listing: Listing, locale: str | None = None) -> _Entries:
    """A list with the names of English, or also those of another language; of two entries the first has a spelling."""
    rows, names = [], []
    translate = _translator(listing, locale)
    for row in _rows(listing, locale):
        forms = {form: str(getattr(row, form)) for form in _FORMS[listing] if getattr(row, form, None)}
        if getattr(row, "common_name", None):
            forms["name"] = str(row.common_name)
        called = [str(getattr(row, key)) for key in ("name", "common_name", "official_name") if hasattr(row, key)]
        code = forms.get("alpha_2") or forms.get("alpha_3", "")
        called += _ALSO[listing].get(code, "").split("|")
        called += [translate(one) for one in called if one] if translate else []
        rows.append(forms)
        names.append([*_inverted(called), *(value for form, value in forms.items() if form != "name")])
    return _indexed(rows, names, listing)


def _rows(listing: Listing, locale: str | None) -> Iterable[Any]:
    """pycountry's rows; languages of two letters before, and in other tongues without, the thousands of three."""
    import pycountry  # 0.05 s, and up to 0.1 s a list

    found = list(getattr(pycountry, listing))
    if listing != "languages":
        return found
    short = [row for row in found if hasattr(row, "alpha_2")]
    return short if locale else [*short, *(row for row in found if not hasattr(row, "alpha_2"))]


def _translator(listing: Listing, locale: str | None) -> Any:
    import pycountry

    if locale is None or listing not in _DOMAINS:
        return None
    found = gettext.translation(_DOMAINS[listing], pycountry.LOCALES_DIR, languages=[locale], fallback=True)
    return found.gettext


def _inverted(names: Iterable[str]) -> Iterator[str]:
    """Names as they are, those with a comma also the other way round, and without what is in brackets or behind `;`."""
    for name in filter(None, names):
        yield name
        head, comma, tail = name.partition(", ")
        if comma:
            yield f"{tail} {head}"
        yield re.sub(r"\s*[(\[].*?[)\]]", "", name)
        yield from name.split("; ")


@cache
def _countries_of_states() -> Mapping[str, frozenset[str]]:
    """A spelling of a state → the countries that have one so called."""
    import pycountry

    found: dict[str, set[str]] = {}
    for row in pycountry.subdivisions:
        for spelling in _called_state(row):
            found.setdefault(_folded(spelling), set()).add(row.country_code)
    return {spelling: frozenset(countries) for spelling, countries in found.items()}


def _called_state(row: Any) -> list[str]:
    return [row.code.partition("-")[2], row.code, *_inverted([row.name])]


def _state_rank(country: str) -> int:
    return _FIRST_STATES.index(country) if country in _FIRST_STATES else len(_FIRST_STATES)


@cache
def _states(country: str) -> _Entries:
    import pycountry

    rows, names = [], []
    for row in pycountry.subdivisions.get(country_code=country) or ():  # type: ignore[no-untyped-call]  # its own gap
        rows.append({"short": row.code.partition("-")[2], "code": row.code, "name": row.name})
        names.append(_called_state(row))
    return _indexed(rows, names, f"states of {country}")


def _indexed(rows: Sequence[Mapping[str, str]], names: Sequence[Iterable[str]], said: str) -> _Entries:
    """What a spelling means: codes and first names before the rest; what is spelled by nothing is left out."""
    found: dict[str, int] = {}
    for place, row in enumerate(rows):
        for value in row.values():
            found.setdefault(_folded(value), place)
    for place, spellings in enumerate(names):
        for spelling in spellings:
            found.setdefault(_folded(spelling), place)
    found.pop("", None)
    return _Entries(tuple(rows), found, said)


_NO_LETTER: Final = re.compile(r"[^\w€£$₹₩₽₺₴₪₫]+|_", re.UNICODE)
_NOTHING: Final = frozenset({"n a", "null", "none", "nil", "nan", "unknown", "not available", "other"})


@lru_cache(maxsize=65536)
def _folded(text: str) -> str:
    """Without case, accents, signs and a leading article; empty for what says that nothing is known."""
    found = _NO_LETTER.sub(" ", unaccented(text).casefold()).strip().removeprefix("the ")
    return "" if found in _NOTHING else found
