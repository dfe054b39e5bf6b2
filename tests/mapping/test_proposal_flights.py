"""Real-looking flights into an airline's warehouse with other names, units and types."""

import pytest

from octo_core.catalog import ForeignKey, Table
from octo_core.mapping.model import TableMapping
from octo_core.schema import SourceSchema

from .build import column, expressions, field, proposed, schema, table


@pytest.fixture(scope="module")
def flights() -> SourceSchema:
    return schema(
        field("year", "int32", "2013"),
        field("month", "int32", *map(str, range(1, 13))),
        field("day", "int32", *map(str, range(1, 32))),
        field("dep_time", "int32", "517", "533", "2359", "1", "2400", every=False),
        field("sched_dep_time", "int32", "515", "529", "2359", "600", every=False),
        field("dep_delay", "int32", "2", "-6", "1301", every=False),
        field("arr_time", "int32", "830", "850", "2400", "2", every=False),
        field("sched_arr_time", "int32", "819", "830", "2359", "1", every=False),
        field("arr_delay", "int32", "11", "-25", "1272", every=False),
        field("carrier", "text", "UA", "AA", "B6", "DL", "EV"),
        field("flight", "int32", "1545", "1714", "1141", "725", every=False),
        field("tailnum", "text", "N14228", "N24211", "N619AA", every=False),
        field("origin", "text", "EWR", "LGA", "JFK"),
        field("dest", "text", "IAH", "MIA", "BQN", "ATL", every=False),
        field("air_time", "int32", "227", "160", "183", every=False),
        field("distance", "int32", "1400", "1416", "1089", every=False, unit="miles"),
        field("hour", "int32", *map(str, range(24))),
        field("minute", "int32", *map(str, range(60))),
        field("time_hour", "timestamptz", "2013-01-01T10:00:00Z", every=False, format="%Y-%m-%dT%H:%M:%SZ"),
        name="flights",
    )


@pytest.fixture(scope="module")
def flight() -> Table:
    return table(
        "flight",
        column("carrier", "text", native="char(2)", max_length=2, nullable=False),
        column("number", "int32", "flight number", nullable=False),
        column("departs_at", "timestamptz", "scheduled departure, in UTC", nullable=False),
        column("local_departure", "timestamp", "scheduled departure, local time"),
        column("flight_date", "date", "local date of the flight"),
        column("planned_off", "time", "scheduled departure, local time of day"),
        column("from_airport", "text", "airport of origin", max_length=3),
        column("to_airport", "text", "destination airport", max_length=3),
        column("aircraft", "text", "tail number of the plane"),
        column("dep_delay_min", "int32", "departure delay", unit="minutes"),
        column("arr_delay_min", "int32", "arrival delay", unit="minutes"),
        column("airborne", "interval", "time in the air"),
        column("distance_km", "decimal(6,1)", "distance flown", unit="km"),
        column("status", "text", "what became of the flight", enum=("flown", "cancelled"), nullable=False),
        column("gate", "text", "gate of departure"),
        column("loaded_at", "timestamptz", "when this row was loaded", nullable=False),
        column("row_id", "int64", identity="always", nullable=False),
        key=("carrier", "number", "departs_at"),
        foreign_keys=(ForeignKey(name="f", columns=("carrier",), ref_table="public.carrier", ref_columns=("code",)),),
    )


@pytest.fixture(scope="module")
def mapping(flights: SourceSchema, flight: Table) -> TableMapping:
    return proposed(flights, flight)


@pytest.mark.parametrize(
    ("target", "expr"),
    [
        ("carrier", "carrier"),
        ("number", "flight"),
        ("departs_at", "time_hour"),
        ("local_departure", "at_hhmm(make_date(year, month, day), sched_dep_time)"),
        ("flight_date", "make_date(year, month, day)"),
        ("planned_off", "hhmm_to_time(sched_dep_time)"),
        ("from_airport", "origin"),
        ("to_airport", "dest"),
        ("aircraft", "tailnum"),
        ("dep_delay_min", "dep_delay"),
        ("arr_delay_min", "arr_delay"),
        ("distance_km", "round(distance * 1.609344, 1)"),
        ("gate", None),
        ("status", None),
        ("loaded_at", "load_time()"),
        ("row_id", None),
    ],
)
def test_columns(mapping: TableMapping, target: str, expr: str | None) -> None:
    assert expressions(mapping)[target] == expr


def test_clock_times_that_are_typed_already(flights: SourceSchema, flight: Table) -> None:
    clock = field("sched_dep_time", "time", "515", "2359", every=False, format="hhmm", carrier="number")
    fields = tuple(clock if one.name == clock.name else one for one in flights.fields)
    found = expressions(proposed(flights.model_copy(update={"fields": fields}), flight))
    assert found["planned_off"] == "sched_dep_time"
    assert found["local_departure"] == (
        "make_timestamp(year, month, day, hour(sched_dep_time), minute(sched_dep_time), second(sched_dep_time))"
    )


def test_every_column_is_there_in_order_and_says_why(mapping: TableMapping, flight: Table) -> None:
    assert [one.target for one in mapping.columns] == [one.name for one in flight.columns]
    assert all(one.why and one.layer == "embedded" and 0 <= one.confidence <= 1 for one in mapping.columns)
    assert all(len(one.alternatives) <= 3 for one in mapping.columns)


def test_the_conversion_is_named(mapping: TableMapping) -> None:
    distance = mapping.column("distance_km")
    assert distance is not None
    assert "converted from miles to kilometres, rounded to 1 decimal" in distance.why
    assert distance.confidence >= 0.7


def test_a_required_column_without_a_source_says_what_to_do(mapping: TableMapping) -> None:
    status = mapping.column("status")
    assert status is not None
    assert "required" in status.why
    assert "--set public.flight.status=EXPR" in status.why


def test_unused_fields_are_listed(mapping: TableMapping) -> None:
    assert {"arr_time", "sched_arr_time", "hour", "minute"} <= set(mapping.unmapped_source)
    assert not {"year", "distance", "carrier"} & set(mapping.unmapped_source)


def test_an_unknown_unit_is_not_converted_but_said(flights: SourceSchema, flight: Table) -> None:
    fields = tuple(one.model_copy(update={"unit": None}) for one in flights.fields)
    found = proposed(flights.model_copy(update={"fields": fields}), flight).column("distance_km")
    assert found is not None
    assert found.expr == "distance"
    assert "nothing says what unit the source has" in found.why
    assert found.confidence < 0.7


def test_airports() -> None:
    airports = schema(
        field("faa", "text", "JFK", "LGA", "EWR", every=False),
        field("name", "text", "John F Kennedy Intl", "La Guardia", every=False),
        field("lat", "float64", "40.639751", "-14.3310", every=False),
        field("lon", "float64", "-73.778925", "-176.646", "174.11", every=False),
        field("alt", "int32", "13", "22", "9078", every=False, description="altitude in feet"),
        field("tz", "int32", "-5", "-6", "8"),
        field("dst", "text", "A", "N", "U"),
        field("tzone", "text", "America/New_York", "America/Chicago"),
    )
    airport = table(
        "airport",
        column("iata_code", "text", "three-letter code of the airport", max_length=3, nullable=False),
        column("airport_name", "text", nullable=False),
        column("latitude", "decimal(8,4)", nullable=False),
        column("longitude", "decimal(9,4)", nullable=False),
        column("elevation", "decimal(7,1)", "altitude above the sea, in metres"),
        column("utc_offset", "decimal(4,2)", "hours from UTC"),
        column("time_zone", "text", "IANA time zone"),
        key=("iata_code",),
        checks=("((latitude >= '-90'::numeric) AND (latitude <= (90)::numeric))",),
    )
    found = proposed(airports, airport)
    assert expressions(found) == {
        "iata_code": "faa",
        "airport_name": "name",
        "latitude": "cast(lat as decimal(8,4))",
        "longitude": "cast(lon as decimal(9,4))",
        "elevation": "round(alt * 0.3048, 1)",
        "utc_offset": "tz",
        "time_zone": "tzone",
    }
    assert found.unmapped_source == ("dst",)
