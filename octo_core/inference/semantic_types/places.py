"""Semantic types of places, languages and times."""

from typing import Final

from octo_core.inference.semantic_types.checks import (
    between,
    language_tag,
    listed,
    pair_of_degrees,
    subdivision,
    time_zone,
    time_zone_said,
)
from octo_core.inference.semantic_types.model import CODE, MEASURE, semantic

_DEGREES = r"[+-]?\d{1,3}(?:\.\d+)?"
_WORDS = r"[^\W\d_][^\d@/<>{}|#$%^*+=~]{2,60}"
_COUNTRY = "country nation nationality iso iso2 iso3 cc pais land pays origin citizenship"

PLACES: Final = (
    semantic(
        "country_code",
        "country (ISO 3166-1), two or three letters",
        "ES",
        r"[A-Za-z]{2,3}",
        listed("countries", "alpha_2", "alpha_3"),
        named=_COUNTRY,
    ),
    semantic(
        "country",
        "country, by name",
        "Spain",
        _WORDS,
        listed("countries", "name", "common_name", "official_name"),
        named=_COUNTRY,
    ),
    semantic("subdivision", "state or province (ISO 3166-2)", "US-CA", r"[A-Z]{2}-[A-Z0-9]{1,3}", subdivision, alone=5),
    semantic(
        "subdivision",
        "state or province (ISO 3166-2)",
        "California",
        rf"[A-Z]{{2,3}}|{_WORDS}",
        subdivision,
        named="state province subdivision region bundesland provincia departement",
    ),
    semantic(
        "language_code",
        "language (ISO 639), maybe with a region",
        "de-AT",
        r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}",
        language_tag,
        named="lang language locale idioma sprache",
    ),
    semantic(
        "language",
        "language, by name",
        "German",
        _WORDS,
        listed("languages", "name"),
        named="lang language idioma sprache",
    ),
    semantic(
        "coordinates",
        "latitude and longitude",
        "41.5, -3.25",
        rf"\(?{_DEGREES}[,;] ?{_DEGREES}\)?|POINT ?\({_DEGREES} {_DEGREES}\)",
        pair_of_degrees,
        named="coordinates coord coords latlon latlng geo geolocation location point position",
        alone=5,
    ),
    semantic(
        "time_zone",
        "time zone of the IANA database",
        "Europe/Madrid",
        r"[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+){1,2}",
        time_zone,
        alone=1,
    ),
    semantic(
        "time_zone",
        "time zone",
        "CET",
        r"[A-Za-z][A-Za-z_/+-]{0,39}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?",
        time_zone_said,
        named="tz tzone timezone tzname",
    ),
    semantic(
        "airport_code",
        "airport: three letters of IATA, four of ICAO",
        "MAD",
        r"[A-Z]{3,4}",
        named="airport iata icao faa origin dest destination",
    ),
    semantic(
        "airline_code",
        "airline: two letters of IATA, three of ICAO",
        "IB",
        r"[A-Z0-9]{2}|[A-Z]{3}",
        named="airline carrier",
    ),
    semantic(
        "postal_code",
        "postal code",
        "28013",
        r"\d{4,5}(?:-\d{3,4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{3}-\d{4}|[A-Z]{2}-\d{4,5}"
        r"|\d{3} ?\d{2}|\d{6}|\d{4} ?[A-Z]{2}",
        named="zip zipcode postal postcode plz cep cp",
        families=CODE,
    ),
)

MEASURED: Final = (
    semantic(
        "latitude",
        "degrees north",
        "41.5",
        r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
        between(-90, 90),
        named="lat latitude latitud breite",
        families=MEASURE - {"integer"},
    ),
    semantic(
        "longitude",
        "degrees east",
        "-3.25",
        r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?",
        between(-180, 180),
        named="lon lng long longitude longitud",
        families=MEASURE - {"integer"},
    ),
    semantic(
        "year", "year", "2013", r"\d{4}", between(1000, 2200), named="year yr jahr año annee", families={"integer"}
    ),
)
