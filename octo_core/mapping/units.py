"""Units of measure: recognised in labels and names, and converted exactly. Currencies are never converted."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from octo_core.mapping.words import words


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: base = value × factor + offset, in its dimension's base unit (metre, kilogram, second, kelvin …)."""

    name: str
    dimension: str
    factor: Decimal
    offset: Decimal = Decimal(0)

    @property
    def plural(self) -> str:
        """As a sentence says it: `metres per second`, `inches`, `degrees Celsius`."""
        head, _, rest = self.name.partition(" ")
        if self.name in _UNCOUNTED or " per " in self.dimension:
            return self.name
        if self.name in _IRREGULAR:
            return _IRREGULAR[self.name]
        if rest and head not in ("degree", "metre", "kilometre", "mile", "inch", "millimetre"):
            return f"{self.name}s"
        many = _IRREGULAR.get(head, f"{head}s")
        return f"{many} {rest}" if rest else many


_IRREGULAR: Final = {"foot": "feet", "inch": "inches", "square foot": "square feet", "cubic foot": "cubic feet"}
_UNCOUNTED: Final = frozenset({"percent", "ratio", "per mille", "psi", "kelvin", "horsepower"})
_TABLE: Final = """
length: metre 1 = m meter meters metres mtr metro metros 米 公尺; kilometre 1000 = km kilometer kilometers kilometres kms kilometro kilometros 公里
length: centimetre 0.01 = cm centimeter centimeters centimetres zentimeter centimetro centimetros 厘米 公分; millimetre 0.001 = mm millimeter millimeters millimetres
length: mile 1609.344 = mi mile miles statute_miles 英里; nautical mile 1852 = nm nmi nautical_miles nautical_mile
length: foot 0.3048 = ft foot feet 英尺; inch 0.0254 = in inch inches; yard 0.9144 = yd yard yards
mass: kilogram 1 = kg kilo kilos kilogram kilograms kilogramme kilogrammes kilogramm kilogramos 公斤; gram 0.001 = g gr gram grams gramme grammes gramm gramos; milligram 0.000001 = mg milligram milligrams
mass: tonne 1000 = t tonne tonnes; pound 0.45359237 = lb lbs pound pounds; ounce 0.028349523125 = oz ounce ounces
temperature: degree Celsius 1 273.15 = c celsius degc centigrade °c ℃ 摄氏; kelvin 1 0 = k kelvin
time: second 1 = s sec secs second seconds sekunde sekunden secondes segundos 秒; minute 60 = min mins minute minutes minuten minutos 分钟 分鐘; hour 3600 = h hr hrs hour hours stunde stunden heures horas 小时 小時
time: day 86400 = d day days tage jours dias 天; week 604800 = week weeks wk wks; millisecond 0.001 = ms msec msek millis millisecond milliseconds; microsecond 0.000001 = us usec microsecond microseconds; nanosecond 0.000000001 = ns nsec nanosecond nanoseconds
speed: metre per second 1 = mps ms m/s m_s ms-1 metres_per_second meters_per_second; knot 0.514444444444444444 = kn kt kts knot knots
speed: kilometre per hour 0.277777777777777778 = kmh kph km/h kmph kilometres_per_hour kilometers_per_hour; mile per hour 0.44704 = mph mi/h miles_per_hour
flow: cubic metre per hour 1 = m3h m3/h m³/h m3_h m3_per_hour cubic_metres_per_hour cubic_meters_per_hour; cubic metre per second 3600 = m3s m3/s m³/s m3_s m3_per_second cubic_metres_per_second cubic_meters_per_second
flow: litre per minute 0.06 = lpm l/min l_min litres_per_minute liters_per_minute; litre per second 3.6 = lps l/s l_s litres_per_second liters_per_second; litre per hour 0.001 = lph l/h l_h litres_per_hour liters_per_hour
pressure: pascal 1 = pa pascal pascals; hectopascal 100 = hpa hectopascal hectopascals mbar mb millibar millibars; kilopascal 1000 = kpa
pressure: bar 100000 = bar bars; psi 6894.757293168 = psi; inch of mercury 3386.389 = inhg; millimetre of mercury 133.322387415 = mmhg; atmosphere 101325 = atm
data: byte 1 = b byte bytes; kilobyte 1000 = kb kilobyte kilobytes; megabyte 1000000 = mb megabyte megabytes; gigabyte 1000000000 = gb gigabyte gigabytes
data: kibibyte 1024 = kib; mebibyte 1048576 = mib; gibibyte 1073741824 = gib
scale: whole unit 1 = ones; cent 0.01 = cent cents pence penny centime centimes centavo centavos centimo centimos centesimi kopecks groszy paise minor_units minor_unit
scale: thousand 1000 = k thousand thousands tsd; million 1000000 = mio mln mn million millions; billion 1000000000 = bn billion billions
ratio: ratio 1 = ratio fraction share; percent 0.01 = percent pct percentage prozent porcentaje % 百分比; per mille 0.001 = permille ‰; basis point 0.0001 = bps
volume: cubic metre 1000 = m3 m³ cbm cu_m cubic_metre cubic_metres cubic_meter cubic_meters kubikmeter 立方米; cubic foot 28.316846592 = ft3 ft³ cft cuft cu_ft cubic_foot cubic_feet; cubic centimetre 0.001 = cm3 cm³ ccm cu_cm cubic_centimetre cubic_centimetres
volume: litre 1 = l litre litres liter liters litro litros; millilitre 0.001 = ml millilitre milliliter millilitres milliliters; centilitre 0.01 = cl centilitre centiliter centilitres centiliters; hectolitre 100 = hl hectolitre hectoliter hectolitres hectoliters; US gallon 3.785411784 = gal gallon gallons
area: square metre 1 = m2 sqm m² sq_m square_metre square_metres square_meter square_meters quadratmeter 平方米; square foot 0.09290304 = ft2 sqft ft² sq_ft square_foot square_feet; hectare 10000 = ha hectare hectares; acre 4046.8564224 = acre acres; square kilometre 1000000 = km2 km² sq_km
angle: degree 1 = deg degree degrees °; radian 57.295779513082320877 = rad radian radians
energy: joule 1 = j joule joules; watt hour 3600 = wh; kilowatt hour 3600000 = kwh; megawatt hour 3600000000 = mwh; gigawatt hour 3600000000000 = gwh; kilocalorie 4184 = kcal
voltage: volt 1 = v volt volts; millivolt 0.001 = mv millivolt millivolts; kilovolt 1000 = kv kilovolt kilovolts
power: watt 1 = w watt watts; kilowatt 1000 = kw kilowatt; megawatt 1000000 = mw megawatt; gigawatt 1000000000 = gw gigawatt; horsepower 745.699871582 = hp
"""  # noqa: E501  a table is read by its rows
SECOND: Final = Unit("second", "time", Decimal(1))
RATIO: Final = Unit("ratio", "ratio", Decimal(1))
PERCENT: Final = Unit("percent", "ratio", Decimal("0.01"))
ONES: Final = Unit("whole unit", "scale", Decimal(1))
"""What is counted one by one: where the other side counts in cents or thousands."""
CENT: Final = Unit("cent", "scale", Decimal("0.01"))
_SIZES: Final = frozenset({"size", "memory", "mem", "disk", "file", "storage", "traffic", "payload", "rx", "tx"})
"""What bytes are of, where a name ends in `b`."""
_CENTS: Final = frozenset({"ct", "cts", "p"})
"""Cents in the name of an amount; elsewhere a count."""
_AMOUNTS: Final = frozenset({
    "amount", "amt", "price", "cost", "fee", "total", "subtotal", "balance", "bal", "tax", "vat", "pay", "payment",
    "salary", "wage", "tip", "fare", "charge", "discount", "refund", "revenue", "net", "gross", "due", "paid",
    "invoice", "fine", "penalty", "value", "val", "premium", "deposit", "bill", "spend", "budget", "turnover", "income",
    "betrag", "preis", "kosten", "summe", "saldo", "gebuhr", "gebuehr", "steuer", "gehalt", "brutto",
    "netto", "umsatz", "montant", "prix", "cout", "solde", "frais", "importe", "precio", "costo", "coste", "importo",
    "prezzo", "bedrag", "prijs", "valor", "preco",
})  # fmt: skip
_RATED: Final = frozenset({"mass", "length", "volume", "area", "energy", "data"})
_SAID_ALONE: Final = frozenset({"mass", "length", "volume", "energy"})
"""What a name that is a unit in the plural measures: `grams`. Seconds and days are counted in too many ways."""
_LARGE: Final = frozenset({"sqft", "sqm", "cuft", "cft", "cbm"})
"""Units of area and volume that are a name of their own."""
_LENGTHS: Final = frozenset({"m", "km", "cm", "ft"})
_POWERFUL: Final = frozenset({"wh", "kwh", "mwh", "gwh"})
_MONEY: Final = "eur|usd|gbp|chf|cad|aud|mxn|inr|pln|brl|rub|cny|sek|nok|dkk|czk|huf|try|zar|nzd|sgd|hkd"
_CURRENCY: Final = re.compile(
    r"\b(?:euros?|dollars?|pounds?(?: sterling)?|francs?|pesos?|rupees?|zlotys?|reais|rubles?|yuan|"
    rf"{_MONEY})\b|[€$£₹]"
)
_CODE: Final = rf"{_MONEY}|jpy|euros?|dollars?|[€$£₹]"
_MANY: Final = {
    "k": "thousand", "t": "thousand", "tsd": "thousand", "tds": "thousand", "m": "million", "mn": "million",
    "mio": "million", "mln": "million", "bn": "billion", "mrd": "billion",
}  # fmt: skip
_BY: Final = "|".join(_MANY)
_SCALED: Final = re.compile(rf"({_BY})[ ._]?(?:{_CODE})|(?:{_CODE})[ ._]?({_BY})")
"""Money by the thousand or more, as one word: `kEUR`, `T€`, `USDm`."""
_IN_BRACKETS: Final = re.compile(r"[(\[]([^)\]]{1,24})[)\]]\s*\"?$")
_FAHRENHEIT: Final = Unit("degree Fahrenheit", "temperature", Decimal(5) / Decimal(9), Decimal("459.67") * 5 / 9)
_FAHRENHEIT_NAMES: Final = ("f", "fahrenheit", "degf", "°f", "℉", "华氏")
_SHORT: Final = frozenset({
    "m", "c", "f", "k", "g", "t", "s", "h", "d", "b", "l", "in", "j", "w", "v", "ms", "mv", "kv", "mb", "nm",
    "pa", "us",
})  # fmt: skip
_WORDY: Final = frozenset(
    {"min", "second", "seconds", "day", "days", "hour", "hours", "minute", "minutes", "week", "share", "bar"}
)


@lru_cache(maxsize=1)
def _units() -> dict[str, tuple[Unit, ...]]:
    found: dict[str, tuple[Unit, ...]] = dict.fromkeys(_FAHRENHEIT_NAMES, (_FAHRENHEIT,))
    for line in _TABLE.strip().splitlines():
        dimension, rest = line.split(":", 1)
        for part in rest.split(";"):
            said, names = part.split(" = ")
            head = said.split()
            numbers = [word for word in head if word[0].isdigit()]
            name = " ".join(word for word in head if not word[0].isdigit())
            unit = Unit(name, dimension, *map(Decimal, numbers))
            for alias in names.split():
                found[alias] = (*found.get(alias, ()), unit)
    return found


def named(text: str | None) -> tuple[Unit, ...]:
    """The units that a declared unit (`unit: km`) may mean, e.g. `mb` a megabyte or a millibar; empty if unknown."""
    key = (text or "").strip().casefold()
    if key not in _units() and (scaled := _SCALED.fullmatch(key)):  # msek: milliseconds, and no crowns
        return _units()[_MANY[scaled[1] or scaled[2]]]
    return _units().get(key) or _units().get(key.replace(" ", "_")) or _units().get(key.rstrip(".")) or ()


def in_name(name: str) -> tuple[Unit, ...]:
    """The units that the end of a column's name may say: `distance_km`, `temp_f`, `delay_minutes`."""
    inside = _IN_BRACKETS.search(name)
    if inside and _SCALED.fullmatch(inside[1].strip().casefold()):  # words lose the sign of `(T€)`
        return named(inside[1])
    parts = _whole(words(name))
    if "per" in parts[:-1]:
        return _rate(parts)
    if len(parts) < 2:
        if parts and parts[0] in _POWERFUL:
            return named(parts[0])
        if parts and parts[0] in _LARGE:
            return named(parts[0])
        if parts and parts[0].endswith("s") and len(parts[0]) > 3 and (found := named(parts[0])):
            return tuple(one for one in found if one.dimension in _SAID_ALONE and parts[0] != "pounds")
        return tuple(one for one in named(name) if one.dimension == "ratio" and name.casefold() != "share")
    squared = parts[-2] in ("sq", "square", "cu", "cubic")
    if (len(parts) >= 3 or squared) and (found := named("_".join(parts[-2:]))):
        return found
    last = parts[-1]
    if len(parts) > 2 and _CURRENCY.fullmatch(parts[-2]) and any(one.dimension in _RATED for one in named(last)):
        return ()  # price_eur_mwh: euros for each
    if last == "b" and not _SIZES & set(parts):  # quantity_a, quantity_b
        return ()
    if last in _CENTS:
        return (CENT,) if _AMOUNTS & set(parts) else ()
    if last in _WORDY and parts[-2] in ("of", "per", "time", "birth", "scheduled", "dep", "arr"):
        return ()
    return named(last)


def _whole(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The words with `k`, `wh` (of kWh) and `m`, `2` (of m2) as one."""
    if len(parts) > 1 and parts[-1] in ("2", "3") and parts[-2] in _LENGTHS and named(parts[-2] + parts[-1]):
        return (*parts[:-2], parts[-2] + parts[-1])
    if len(parts) > 1 and len(parts[-2]) == 1 and parts[-2] + parts[-1] in _POWERFUL:
        return (*parts[:-2], parts[-2] + parts[-1])
    return parts


def _rate(parts: tuple[str, ...]) -> tuple[Unit, ...]:
    """What `price_per_kg` says: a pound costs less than a kilogram, so it is the inverse that converts. Of speeds as
    one word (`miles_per_hour`) the table knows; what is per hour or day is told in too many ways.
    """
    place = len(parts) - 1 - parts[::-1].index("per")
    if found := named("_".join(parts[max(0, place - 1) :])):
        return found
    over = "".join(one.name for one in named(parts[place - 1])) if place else ""
    return tuple(
        Unit(f"amounts per {one.name}", f"{over} per {one.dimension}", 1 / one.factor)
        for one in named("_".join(parts[place + 1 :]))
        if one.dimension in _RATED
    )


def in_text(text: str) -> tuple[Unit, ...]:
    """The units that a label says: `… in kilometres`, `distance (km)`, `minutes late`; one-letter ones in brackets."""
    folded = text.casefold()
    for inside in re.findall(r"[(\[]([^)\]]{1,24})[)\]]", folded):
        if found := named(inside):
            return found
    if scale := re.search(
        r"\b(?:in|as an?|decimal)\s+(?:[a-z]{3}\s+)?(cents|pence|minor units|thousands|millions|billions|fraction)\b",
        folded,
    ):
        return named(scale.group(1))
    if re.search(r"\bsmallest (?:currency|monetary) unit\b", folded):
        return (CENT,)
    for match in re.finditer(
        r"\b(?:in|measured in|unit:?|number of)\s+((?:nautical |degrees? |square |cubic )?[\w°%/²³€$£]+(?: per \w+)?)",
        folded,
    ):
        said = re.sub(r"^degrees? ", "", match.group(1))
        if (said not in _SHORT or said in ("m", "f", "c")) and (found := named(said)):
            return found
    first = next(iter(folded.split()), "").rstrip(",;:")
    return named(first) if first and first not in _SHORT and first != "min" else ()


def in_currency(*texts: str | None) -> bool:
    """Whether a unit, a label or a name says a currency, and with it that amounts are in whole units of it."""
    said = [re.sub(r"_", " ", text.casefold()) for text in texts if text]
    return any(_CURRENCY.search(text) and not in_text(text) for text in said)


def convertible(source: tuple[Unit, ...], target: tuple[Unit, ...]) -> tuple[Unit, Unit] | None:
    """The pair of meanings that measure the same thing, or None."""
    return next(((one, two) for one in source for two in target if one.dimension == two.dimension), None)


def formula(expr: str, source: Unit, target: Unit) -> str:
    """The SQL that turns a value of one unit into the other: `distance * 1.609344`, `(temp_f - 32) * 5 / 9`."""
    if source.dimension == "temperature" and {source.name, target.name} == {"degree Fahrenheit", "degree Celsius"}:
        return f"({expr} - 32) * 5 / 9" if source is _FAHRENHEIT else f"{expr} * 9 / 5 + 32"
    factor = source.factor / target.factor
    shift = (source.offset - target.offset) / target.factor
    if " per " in source.dimension and len(str(_plain(1 / factor))) < len(str(_plain(factor))):
        scaled = f"{expr} / {_plain(1 / factor):f}"
    elif factor < 1 and (inverse := _plain(1 / factor)) and inverse == inverse.to_integral_value():
        scaled = f"{expr} / {inverse:f}"
    else:
        scaled = expr if factor == 1 else f"{expr} * {_plain(factor):f}"
    if not shift:
        return scaled
    return f"{scaled} {'+' if shift > 0 else '-'} {_plain(abs(shift)):f}"


def _plain(number: Decimal) -> Decimal:
    """At most 12 significant digits, without trailing zeros or an exponent."""
    rounded = Decimal(f"{number:.12g}")
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded.normalize()
