"""All functions and operators of the language, by name."""

from typing import Final

from octo_core.expressions.functions import Function
from octo_core.expressions.table import identity, json, logic, numbers, text, times

TABLE: Final[dict[str, Function]] = {
    function.name: function for family in (logic, numbers, text, times, json, identity) for function in family.FUNCTIONS
}
