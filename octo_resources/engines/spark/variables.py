"""What an expression may know of its load, as Spark takes it: parameters of the statement, never part of its text."""

from typing import Any

from octo_resources.engines.duckdb import LoadVariables


def parameters(variables: LoadVariables) -> dict[str, Any]:
    """Name → value of the parameters that rendered expressions name."""
    return {}
