"""Type inference on plain Python values: the same profile and the same `decide` as pipelines use."""

from collections.abc import Iterable, Mapping

from octo_core.inference.decide import decide
from octo_core.inference.observe import profile_records, profile_values
from octo_core.inference.together import decide_together
from octo_core.schema import Field


def infer_column(values: Iterable[object], name: str = "") -> Field:
    """The field that a column of values suggests.

    `values`: str (as a CSV file has them), None for null, or Python's numbers, booleans, dates, dicts and lists.
    `name` is evidence too: units, times, identities, persons.

    >>> str(infer_column(["01/02/2021", "25/12/2021"], "day").type)
    'date'
    >>> infer_column(["1.234,50", "12,75"], "price_eur").unit
    'EUR'
    """
    return decide(profile_values(values), name)


def infer_rows(records: Iterable[Mapping[str, object]]) -> tuple[Field, ...]:
    """The fields of records, in the order in which their keys were first seen; records of records nest.

    >>> [str(field.type) for field in infer_rows([{"id": 1, "tags": ["a"]}, {"id": 2}])]
    ['int32', 'list<text>']
    """
    children = profile_records(records).children or {}
    return decide_together(children).fields
