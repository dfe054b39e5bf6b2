"""SortingHat's labelled columns as profiles, as the product has them of whole columns.

The file (`train.csv`: 7,936 columns with counts, extremes, five sample values and one of nine classes) is made from
`ML-Data-Prep-Zoo/MLFeatureTypeInference/Benchmark-Labeled-Data/data_train.csv` of github.com/pvn25 (Apache-2.0).
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

from octo_core.inference import FieldProfile
from octo_core.inference.claims import NUMBER_SHAPES
from octo_core.inference.observe import profile_values
from octo_core.inference.profile import Candidate, Evidence

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True, slots=True)
class Labelled:
    """One column: its name, its file, its class, its profile, and the profile of its five samples alone."""

    name: str
    file: str
    role: str
    profile: FieldProfile
    samples: FieldProfile


def read(path: Path) -> list[Labelled]:
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return [_labelled(row) for row in csv.DictReader(file)]


def _labelled(row: dict[str, str]) -> Labelled:
    """The profile of the samples, with the counts and extremes that the set gives of the whole column."""
    seen = profile_values([row[f"sample_{i}"] or None for i in range(1, 6)])
    total, nulls = int(float(row["total_vals"])), int(float(row["num_nans"]))
    filled = max(total - nulls, 0)
    whole = replace(
        seen,
        rows=total,
        nulls=min(nulls, total),
        carriers={"text": filled} if filled else {},
        known_distinct=int(float(row["num_of_dist_val"])),
        claims=_widened(seen.claims, float(row["min_val"] or 0), float(row["max_val"] or 0)),
    )
    return Labelled(row["Attribute_name"], row["Record_id"], row["y_act"], whole, seen)


def _widened(claims: dict[Candidate, Evidence], low: float, high: float) -> dict[Candidate, Evidence]:
    """The numbers among the claims with the least and greatest of the column (zeros: it is no column of numbers)."""
    key = next((key for key in claims if key[0] in NUMBER_SHAPES), None)
    if key is None or low == high == 0:
        return claims
    seen = claims[key]
    wide = replace(seen, low=min(seen.low, (low, str(low))), high=max(seen.high, (high, str(high))))
    return {**claims, key: wide}
