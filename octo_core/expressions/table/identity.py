"""Value maps, hashes, pseudonyms, text of values, and what is fixed for a load."""

from typing import Final

from octo_core.expressions.functions import Duck, Function, MismatchError, Spark
from octo_core.expressions.tree import Call, Literal, Node

VARIABLES: Final = {
    "load_time": "octopipe_load_time",
    "load_id": "octopipe_load_id",
    "inner": "octopipe_pseudonym_inner",
    "outer": "octopipe_pseudonym_outer",
}
"""The DuckDB variables that the engine sets for a load. The two of `pseudonym` come from `pseudonym_pads(key)`."""
VIEW: Final = "octopipe_variables"
"""On Spark they are the columns of this view, of one row."""
_IDENTITY: Final = "values and identity"


def pseudonym_pads(key: bytes) -> dict[str, bytes]:
    """The values of the two variables that `pseudonym` reads: RFC 2104's padded keys, so that no SQL holds the key."""
    import hashlib

    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return {
        VARIABLES["inner"]: bytes(byte ^ 0x36 for byte in block),
        VARIABLES["outer"]: bytes(byte ^ 0x5C for byte in block),
    }


def _map_check(args: tuple[Node, ...]) -> None:
    keys = args[1:-1:2] if len(args) % 2 == 0 else args[1::2]
    seen = set()
    if len(args) < 3:
        raise MismatchError("map_values wants the value, then pairs of texts, then perhaps the text for all others")
    for index, key in enumerate(args[1:], start=1):
        if not isinstance(key, Literal):
            raise MismatchError(
                "map_values takes literals only: the pairs of the map, and the text for all others", index
            )
    for key in keys:
        assert isinstance(key, Literal)
        if key.value is None or key.value in seen:
            raise MismatchError(f"map_values has {key.value!r} twice" if key.value else "NULL is no key of a value map")
        seen.add(key.value)


def _mapped(_: Call, args: tuple[str, ...]) -> str:
    rest = args[1:-1] if len(args) % 2 == 0 else args[1:]
    whens = " ".join(f"WHEN {args[0]} = {key} THEN {value}" for key, value in zip(rest[::2], rest[1::2], strict=True))
    other = f" WHEN {args[0]} IS NOT NULL THEN {args[-1]}" if len(args) % 2 == 0 else ""
    return f"CASE {whens}{other} END"


def _unmapped(_: Call, args: tuple[str, ...]) -> str:
    if len(args) % 2 == 0:
        return "false"
    return f"({args[0]} NOT IN ({', '.join(args[1::2])}))"


_HMAC = "sha256(getvariable('{outer}')::BLOB || unhex(sha256(getvariable('{inner}')::BLOB || encode($0))))".format_map(
    VARIABLES
)


def _variable(name: str) -> str:
    """On Spark a load's variables are columns of a view of one row: no text of a query or plan shows their values."""
    return f"(SELECT {VARIABLES[name]} FROM {VIEW})"  # noqa: S608  (constants)


_SPARK_HMAC = (
    f"sha2(concat({_variable('outer')}, unhex(sha2(concat({_variable('inner')}, CAST($0 AS BINARY)), 256))), 256)"
)

FUNCTIONS: Final = (
    Function(
        "map_values", ("map_values(text, text, text...) → text",),
        "`map_values(x, 'A', 'active', 'C', 'cancelled', 'unknown')`: the text beside the value, else the last one; "
        "without a last one, a value outside the map fails.",
        Duck(_mapped, _unmapped, "$0 is not in the value map"), Spark(_mapped, _unmapped),
        family=_IDENTITY, check=_map_check, nulls="NULL stays NULL",
    ),
    Function(
        "md5", ("md5(text) → text",), "MD5 of the text in UTF-8, 32 hexadecimal digits.",
        Duck("md5($0)"), Spark("md5(CAST($0 AS BINARY))"), family=_IDENTITY,
    ),
    Function(
        "sha256", ("sha256(text) → text",), "SHA-256 of the text in UTF-8, 64 hexadecimal digits.",
        Duck("sha256($0)"), Spark("sha2(CAST($0 AS BINARY), 256)"), family=_IDENTITY,
    ),
    Function(
        "pseudonym", ("pseudonym(text) → text",),
        "HMAC-SHA256 of the text under the project's key, 64 hexadecimal digits. Fails where no key is configured.",
        Duck(_HMAC, "null", "no key for pseudonyms is configured"), Spark(_SPARK_HMAC, "null"), family=_IDENTITY,
    ),
    Function(
        "load_time", ("load_time() → timestamptz",), "When the load began; the same for all its rows.",
        Duck(f"CAST(getvariable('{VARIABLES['load_time']}') AS TIMESTAMPTZ)"),
        Spark(_variable("load_time")), family="the load", nulls="never NULL",
    ),
    Function(
        "load_id", ("load_id() → text",), "The load's id; the same for all its rows.",
        Duck(f"CAST(getvariable('{VARIABLES['load_id']}') AS VARCHAR)"), Spark(_variable("load_id")), family="the load",
        nulls="never NULL",
    ),
)  # fmt: skip
