"""The closed, typed expression language: SQL's scalar expressions with one meaning, whatever engine runs them."""

from octo_core.expressions.assign import assign
from octo_core.expressions.canonical import canonical
from octo_core.expressions.duckdb import select_duckdb, to_duckdb
from octo_core.expressions.engine import Rendered
from octo_core.expressions.formats import check_format, token_sql
from octo_core.expressions.functions import Function
from octo_core.expressions.mistakes import ExpressionError
from octo_core.expressions.parse import parse
from octo_core.expressions.rendering import reason_in_full, with_lets
from octo_core.expressions.spark import SETTINGS as SPARK_SETTINGS
from octo_core.expressions.spark import native as spark_type
from octo_core.expressions.spark import select_spark, to_spark
from octo_core.expressions.table import TABLE
from octo_core.expressions.table.identity import VARIABLES, pseudonym_pads
from octo_core.expressions.table.identity import VIEW as SPARK_VARIABLES
from octo_core.expressions.tree import (
    Assign,
    Call,
    Case,
    Convert,
    Literal,
    Node,
    Path,
    path_parts,
    path_text,
    paths,
)
from octo_core.expressions.values import value_map_expr

__all__ = [
    "SPARK_SETTINGS", "SPARK_VARIABLES", "TABLE", "VARIABLES", "Assign", "Call", "Case", "Convert",
    "ExpressionError", "Function", "Literal", "Node", "Path", "Rendered", "assign", "canonical", "check_format",
    "parse", "path_parts", "path_text", "paths", "pseudonym_pads", "reason_in_full", "select_duckdb", "select_spark",
    "spark_type", "to_duckdb", "to_spark", "token_sql", "value_map_expr", "with_lets",
]  # fmt: skip
