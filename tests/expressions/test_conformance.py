"""Every case of tests/conformance/: what each function means, on DuckDB. A new case is text and no code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from octo_core.expressions import TABLE, Call, ExpressionError, canonical, parse
from octo_core.expressions.tree import children
from octo_core.schema import Field
from tests.expressions.running import evaluate, field, schema

FOLDER = Path(__file__).parent.parent / "conformance"
FILES = {
    "+": "plus", "-": "minus", "*": "times", "/": "divide", "%": "remainder", "=": "equal", "<>": "not_equal",
    "<": "less", "<=": "at_most", ">": "greater", ">=": "at_least", "||": "join",
}  # fmt: skip
GIVEN = re.compile(
    r'given (?P<name>"[^"]+"|[\w.\[\]]+): (?P<kind>\S+)(?: as `(?P<format>[^`]+)`)?(?: = (?P<token>.*))?'
)


@dataclass(frozen=True)
class Case:
    title: str
    fields: tuple[Field, ...]
    tokens: dict[str, str | None]
    expression: str
    kind: str
    expected: str


def cases(path: Path) -> Iterator[Case]:
    for block in re.split(r"^== ", path.read_text(), flags=re.MULTILINE)[1:]:
        title, *lines = block.rstrip("\n").split("\n")
        fields: dict[str, Field] = {}
        tokens: dict[str, str | None] = {}
        text: list[str] = []
        for line in lines:
            given = GIVEN.fullmatch(line)
            if given:
                name = given["name"]
                carrier = {"json": "object"}.get(given["kind"], "array" if given["kind"].startswith("list") else "text")
                fields[name] = field(name.strip('"'), given["kind"], fmt=given["format"], carrier=carrier)
                tokens[name] = None if given["token"] is None else given["token"]
            elif line.startswith(("=> ", "!! ", "?? ")):
                yield Case(title, tuple(fields.values()), dict(tokens), "\n".join(text), line[:2], line[3:])
                text = []
            elif line.strip():
                text.append(line)


ALL = [
    pytest.param(case, id=f"{path.stem}: {case.title}") for path in sorted(FOLDER.glob("*.txt")) for case in cases(path)
]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as found:
        found.execute("SET TimeZone = 'America/New_York'")  # nothing may hang on it
        found.execute("SET VARIABLE octopipe_load_time = TIMESTAMPTZ '2026-11-21 10:00:00+00'")
        found.execute("SET VARIABLE octopipe_load_id = '7c1e'")
        yield found


@pytest.mark.parametrize("case", ALL)
def test_the_case_holds(case: Case, connection: duckdb.DuckDBPyConnection) -> None:
    if case.kind == "??":
        with pytest.raises(ExpressionError) as caught:
            parse(case.expression, schema(*case.fields))
        assert case.expected in caught.value.message
        return
    node = parse(case.expression, schema(*case.fields))
    assert parse(canonical(node), schema(*case.fields)) == node
    outcome = evaluate(connection, node, case.tokens)
    if case.kind == "!!":
        assert outcome.reason == case.expected
    else:
        assert outcome.reason is None
        shown = "NULL" if outcome.text is None else outcome.text
        assert f"{shown} : {node.type}" == case.expected or shown == case.expected


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_function_has_cases_in_a_file_of_its_own(name: str) -> None:
    path = FOLDER / f"{FILES.get(name, name.replace(' ', '_'))}.txt"
    assert path.is_file()
    used = 0
    for case in cases(path):
        if case.kind != "??":
            stack = [parse(case.expression, schema(*case.fields))]
            while stack:
                node = stack.pop()
                used += isinstance(node, Call) and node.function == name
                stack.extend(children(node))
    assert used
