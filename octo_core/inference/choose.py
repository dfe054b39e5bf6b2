"""Choosing a type for scalar tokens: the candidate that holds for nearly all of them, and why."""

from dataclasses import dataclass, replace
from typing import Final

from octo_core.inference import claims as c
from octo_core.inference.dates import read_temporal
from octo_core.inference.names import says_boolean, says_epoch, says_time, words
from octo_core.inference.numbers import leading_zeros, number_format, number_type, readings
from octo_core.inference.profile import Evidence, FieldProfile
from octo_core.schema import Field
from octo_core.types import BOOLEAN, DATE, INTERVAL, JSON, TEXT, TIME, TIMESTAMP, TIMESTAMPTZ, UUID, DataType

TOLERATED: Final = 0.05
"""Share of values that a type may fail: what the design calls drift, so no schema starts out as drifted. What fails
is quarantined by the contract, never forced."""
_ONE_BAD_AMONG: Final = 10
EITHER: Final = "every value also fits"
"""What a reason says of dates that fit two orders of day and month."""
_LETTERS: Final = frozenset({"1", "j", "o", "s"})
"""True in one place and something else, such as south, in another: believed where the name speaks of truth."""
_EPOCHS: Final = {"epoch_s": 6, "epoch_ms": 3, "epoch_us": 0}
"""Decimals down to the microsecond; those of expressions/times.py, whose import would bring sqlglot with it (0.2 s)."""
_BOOLEAN_TOLERATED: Final = 0.01
"""Of two words a third is seldom a mistake (yes, no, unsure), so less is forgiven."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A type, its format, how many of how many tokens it holds for, and the reason in words."""

    type: DataType
    held: int
    of: int
    why: str
    format: str | None = None
    low: str | None = None
    high: str | None = None
    ambiguous: bool = False

    @property
    def confidence(self) -> float:
        share = self.held / self.of if self.of else 0.0
        few = min(1.0, 0.7 + self.of / 30)
        return round(share * few * (0.6 if self.ambiguous else 1.0), 2)


def enough(held: int, of: int, tolerated: float = TOLERATED) -> bool:
    """Whether a candidate holds: all but 5 %, or all but one among ten or more."""
    failed = of - held
    return held > 0 and (failed <= tolerated * of or (failed == 1 and of >= _ONE_BAD_AMONG))


def choose(profile: FieldProfile, name: str, *, month_first: bool = False) -> Choice:
    """The type of a field's scalar tokens. Words for "no value" are left out of the count; text where nothing fits.

    `month_first`: what to take where every date fits either order.
    """
    spelled = profile.spelled_nulls
    zeros = sum(count for word, count in spelled.items() if word in c.ZERO_DATES)
    of = profile.tokens - sum(spelled.values()) + zeros
    if of <= 0:
        why = "only words for no value" if profile.tokens else "no values seen"
        return Choice(TEXT, profile.tokens, profile.tokens, why)
    found = (
        _uuid(profile, of)
        or _compact_date(profile, of - zeros, name)
        or _boolean(profile, of, name)
        or _number(profile, of, name)
        or _temporal(profile, of - zeros, month_first)
        or _simple(profile, of)
    )
    if found is None:
        return Choice(TEXT, profile.tokens, profile.tokens, _text_why(profile, of))
    failed = found.of - found.held
    return found if not failed else replace(found, why=f"{found.why}; {failed} of {found.of} values do not fit")


def _held(evidence: Evidence, kind: DataType, why: str, of: int, layout: str | None = None) -> Choice:
    return Choice(kind, evidence.count, of, why, layout, evidence.low[1], evidence.high[1])


def _uuid(profile: FieldProfile, of: int) -> Choice | None:
    evidence = profile.claims.get(("uuid", None))
    return _held(evidence, UUID, "every value is a UUID", of) if evidence and enough(evidence.count, of) else None


def _simple(profile: FieldProfile, of: int) -> Choice | None:
    for key, kind, why in (
        (("interval", "iso"), INTERVAL, "ISO 8601 durations"),
        (("interval", "hms"), INTERVAL, "hours, minutes and seconds"),
        (("json", None), JSON, "JSON written as text"),
    ):
        evidence = profile.claims.get(key)
        if evidence and enough(evidence.count, of):
            return Choice(kind, evidence.count, of, why, key[1])
    return None


def _boolean(profile: FieldProfile, of: int, name: str) -> Choice | None:
    """Two words for true and false. One word alone, or 1 and 0, need a name that speaks of truth."""
    hinted = says_boolean(name)
    for true, false in c.BOOLEAN_PAIRS:
        evidence = profile.claims.get(("boolean", f"{true}|{false}"))
        if evidence is None or not enough(evidence.count, of, _BOOLEAN_TOLERATED):
            continue
        both = evidence.low[0] != evidence.high[0]
        if (true in _LETTERS and not (hinted and both)) or not (both or hinted or true == "true"):
            continue
        low, high = evidence.low[1].strip(), evidence.high[1].strip()
        spelled = f"{high}|{low}" if both and true == high.lower() else f"{low}|{high}" if both else f"{true}|{false}"
        return Choice(BOOLEAN, evidence.count, of, f"only {' and '.join(spelled.split('|'))}", spelled)
    return None


def _number(profile: FieldProfile, of: int, name: str) -> Choice | None:
    best = next((reading for reading in readings(profile) if enough(reading.held, of)), None)
    if best is None:
        return None
    kind = number_type(best, profile)
    zeros = leading_zeros(profile)
    if zeros and kind.family in ("integer", "decimal") and c.DECIMAL not in best.shapes and zeros >= min(5, of / 100):
        why = f"digits with zeros in front ({zeros} values): a code, kept as text"
        return Choice(TEXT, of, of, why)
    low = min((evidence.low for evidence in best.shapes.values()), key=lambda bound: bound[0])
    high = max((evidence.high for evidence in best.shapes.values()), key=lambda bound: bound[0])
    if best.format is None and best.adornment is None and kind.family != "float":
        layout = _epoch(low[0], high[0], name, max(evidence.scale for evidence in best.shapes.values()))
        if layout:
            return Choice(TIMESTAMPTZ, best.held, of, f"numbers in the range of {layout}", layout, low[1], high[1])
    if best.format is None and best.adornment is None and kind.is_integer and _hhmm(profile, of, high[0], name):
        why = "whole numbers that are all times of day without the colon, as their name says"
        return Choice(TIME, best.held, of, why, "hhmm", low[1], high[1])
    layout = number_format(best)
    why = "whole numbers" if kind.is_integer else "numbers with an exponent" if c.FLOAT in best.shapes else "numbers"
    why += f" written as {layout}" if layout else ""
    doubt = f"; {best.ambiguous}" if best.ambiguous else ""
    return Choice(kind, best.held, of, why + doubt, layout, low[1], high[1], ambiguous=best.ambiguous is not None)


def _epoch(low: float | str, high: float | str, name: str, decimals: int) -> str | None:
    """Seconds, milli- or microseconds since 1970, between 1980 and 2100, where the name speaks of time.

    Fractions may go down to the microsecond, as the formats do.
    """
    if not says_epoch(name) or isinstance(low, str) or isinstance(high, str):
        return None
    for layout, digits in _EPOCHS.items():
        scale = 10 ** (6 - digits)
        if 315_532_800 * scale <= low and high <= 4_102_444_800 * scale:
            return layout if decimals <= digits else None
    return None


def _hhmm(profile: FieldProfile, of: int, high: float | str, name: str) -> bool:
    """517 for 05:17: the name says time, no minute passes 59, and there are too many values for that to be chance."""
    evidence = profile.claims.get(("time", "hhmm"))
    return (
        evidence is not None
        and evidence.count == of
        and "time" in words(name)
        and isinstance(high, float)
        and high >= 1000
        and profile.distinct >= 20
    )


def _compact_date(profile: FieldProfile, of: int, name: str) -> Choice | None:
    """20130704, which is a whole number too: a date where the name says so, or where all are in our time."""
    evidence = profile.claims.get(("date", "%Y%m%d"))
    if evidence is None or not enough(evidence.count, of):
        return None
    ours = str(evidence.low[0]) >= "1950" and str(evidence.high[0]) < "2050" and evidence.count == of >= 3
    if not (says_time(name) or ours):
        return None
    return _held(evidence, DATE, "dates written as %Y%m%d", of, "%Y%m%d")


def _temporal(profile: FieldProfile, of: int, month_first: bool) -> Choice | None:
    for kind in (DATE, TIME, TIMESTAMP, TIMESTAMPTZ):
        reading = read_temporal(profile, kind, of, month_first=month_first)
        if reading is None or not enough(reading.held, of):
            continue
        spans = profile.claims.get(("interval", "hms"))
        if kind == TIME and spans and spans.count > reading.held:
            continue  # some hours pass 24: durations
        choice = Choice(
            kind, reading.held, of, f"written as {reading.format}", reading.format, reading.low, reading.high
        )
        if reading.rival is None:
            return choice
        why = f"written as {reading.format}; {EITHER} {reading.rival}, so this is a guess to confirm"
        return replace(choice, why=why, ambiguous=True)
    return None


def _text_why(profile: FieldProfile, of: int) -> str:
    if not profile.claims:
        return "text"
    (kind, layout), evidence = max(profile.claims.items(), key=lambda item: (item[1].count, str(item[0])))
    name = layout or kind
    return f"text: {name} would fit {evidence.count} of {of} values only" if evidence.count * 2 >= of else "text"


def rival_of(field: Field) -> str | None:
    """The other format of a field of dates whose days and months nothing tells apart."""
    return (field.why or "").partition(f"{EITHER} ")[2].partition(",")[0] or None
