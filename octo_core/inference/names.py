"""What a field's name says: its words, a unit, and whether it speaks of time, truth, identity or a person."""

import re
from functools import lru_cache
from typing import Final

_SPLIT: Final = re.compile(r"A+(?=Aa)|A?a+|A+|9+|x+")
"""The words of a name's shape: capitals, small letters, digits, letters that have no case."""
_BRACKETED: Final = re.compile(r"[(\[]\s*([^)\]]+?)\s*[)\]]\s*$")

_UNITS: Final[dict[str, str]] = {
    **dict.fromkeys(("km", "kms", "kilometers", "kilometres", "kilometer", "kilometre"), "km"),
    **dict.fromkeys(("mi", "mile", "miles"), "miles"),
    **dict.fromkeys(("nm", "nmi"), "nautical miles"),
    **dict.fromkeys(("metre", "metres", "meter", "meters", "mtr"), "m"),
    **dict.fromkeys(("cm", "mm", "kg", "kwh", "mwh", "kw", "hz", "khz", "mhz", "ghz", "hpa", "psi", "mph", "kmh"), ""),
    **dict.fromkeys(("sqft",), ""),
    **dict.fromkeys(("kph",), "kmh"),
    **dict.fromkeys(("ft", "feet", "foot"), "feet"),
    **dict.fromkeys(("inch", "inches"), "inches"),
    **dict.fromkeys(("lb", "lbs", "pound", "pounds"), "lb"),
    **dict.fromkeys(("oz", "ounces"), "oz"),
    **dict.fromkeys(("gram", "grams"), "g"),
    **dict.fromkeys(("litre", "litres", "liter", "liters"), "l"),
    **dict.fromkeys(("knots", "kts", "kt"), "knots"),
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), "milliseconds"),
    **dict.fromkeys(("us", "usec", "micros", "microseconds"), "microseconds"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "seconds"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "minutes"),
    **dict.fromkeys(("hr", "hrs", "hour", "hours"), "hours"),
    **dict.fromkeys(("days", "weeks", "months", "years"), ""),
    **dict.fromkeys(("pct", "percent", "percentage", "perc"), "percent"),
    **dict.fromkeys(("fahrenheit",), "°F"),
    **dict.fromkeys(("celsius", "centigrade"), "°C"),
    **dict.fromkeys(("kelvin",), "K"),
    **dict.fromkeys(("bytes", "kb", "mb", "gb", "tb"), ""),
    **{code: code.upper() for code in (
        "usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "inr", "cny", "sek", "nok", "dkk"
    )},
    **dict.fromkeys(("cents",), "cents"),
    **dict.fromkeys(("degrees", "deg"), "degrees"),
}  # fmt: skip
_SHORT_UNITS: Final = {
    "s": "seconds", "h": "hours", "m": "m", "g": "g", "l": "l", "c": "°C", "f": "°F", "k": "K", "in": "inches",
    "%": "percent", "$": "USD", "€": "EUR", "£": "GBP",
}  # fmt: skip
_WARM: Final = frozenset({"temp", "temperature", "dewp", "dewpoint", "heat"})
_NOT_MEASURED: Final = frozenset({"min", "mi", "us", "second", "minute", "hour", "foot", "pound", "mb"})
"""Words that are units only where another word comes before them: `min_price` is a least price, `arr_minute` a part."""


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """The words of a name, lower case: `arrDelay_km2` → arr, delay, km, 2; `numéroClient` → numéro, client."""
    shape = "".join(map(_kind, name))
    return tuple(name[found.start() : found.end()].lower() for found in _SPLIT.finditer(shape))


def _kind(letter: str) -> str:
    if letter.isalpha():
        return "A" if letter.isupper() else "a" if letter.islower() else "x"
    return "9" if letter.isdecimal() else " "


_SIDES: Final = frozenset({"m", "km", "cm", "ft"})
"""Lengths that areas and volumes are told by."""


def unit_of(name: str) -> str | None:
    """The unit that a name tells, e.g. km of `distance_km`, °F of `temp_f`, kg of `Weight (kg)`; else None."""
    bracketed = _BRACKETED.search(name)
    if bracketed:
        inner = bracketed.group(1).strip()
        known = _SHORT_UNITS.get(inner.lower()) or _unit(inner.lower().strip("°. "))
        if known or inner.startswith("°"):
            return known or inner
    parts = words(name)
    if "per" in parts[:-1]:
        return None  # the pounds of `price_per_lb` are not what it is measured in
    if len(parts) < 2:
        return _unit(parts[0]) if parts and len(parts[0]) > 3 and parts[0] not in _NOT_MEASURED else None
    last, before = parts[-1], parts[-2]
    if before in ("sq", "square", "cu", "cubic"):
        return f"{before[:2]} {last}" if last in _SIDES else None
    if last in ("2", "3") and before in _SIDES and len(parts) > 2:
        return before + last
    if last in ("f", "c", "k") and _WARM & set(parts):
        return _SHORT_UNITS[last]
    if last in ("hour", "minute", "second", "day"):
        return None
    if last == "mi" or last not in _NOT_MEASURED or last in ("min", "us", "mb"):
        return _unit(last)
    return None


def _unit(word: str) -> str | None:
    return _UNITS[word] or word if word in _UNITS else None


_BOOLEAN_WORDS: Final = frozenset({
    "is", "has", "had", "was", "can", "should", "flag", "active", "enabled", "disabled", "deleted", "valid", "allowed",
    "verified", "opt", "subscribed", "cancelled", "canceled", "diverted", "bool", "ind", "indicator", "yn", "visible",
    "aktiv", "activo", "actif", "attivo", "ativo", "actief", "geprüft", "bezahlt", "pagado",
})  # fmt: skip
_TIME_WORDS: Final = frozenset({
    "date", "datetime", "time", "timestamp", "ts", "dt", "at", "on", "created", "updated", "modified", "epoch", "unix",
    "expires", "expiry", "since", "until", "day", "dob", "born", "birth", "start", "end", "last", "when", "datum",
    "fecha", "hora", "valid",
})  # fmt: skip
_EPOCH_WORDS: Final = frozenset({
    "timestamp", "ts", "epoch", "unix", "time", "created", "updated", "modified", "at", "expires", "date", "since",
    "posix", "datetime", "timestamps", "tstamp", "unixtime", "epochtime", "ctime", "mtime", "atime", "dt", "expiry",
    "exp", "iat", "nbf", "until", "deadline", "started", "ended", "finished", "received", "sent", "published", "logged",
    "seen", "when", "on", "utc", "creation", "modification", "fecha", "datum", "zeit", "hora",
})  # fmt: skip
IDENTITY_WORDS: Final = frozenset({
    "id", "ids", "uuid", "guid", "key", "pk", "identifier", "oid", "objectid", "sku", "ein", "isbn", "issn", "doi",
    "serial", "hash", "token",
})  # fmt: skip


def says_boolean(name: str) -> bool:
    return bool(_BOOLEAN_WORDS & set(words(name)))


def says_time(name: str) -> bool:
    return bool(_TIME_WORDS & set(words(name)))


def says_epoch(name: str) -> bool:
    return bool(_EPOCH_WORDS & set(words(name)))


def says_identity(name: str) -> bool:
    parts = words(name)
    return bool(parts) and bool(IDENTITY_WORDS & {parts[0], parts[-1]})
