"""The vocabulary of semantic types, in the order in which they are tried: the first that holds is taken."""

from typing import Final

from octo_core.inference.semantic_types.companies import COMPANIES
from octo_core.inference.semantic_types.identifiers import IDENTIFIERS
from octo_core.inference.semantic_types.model import Semantic
from octo_core.inference.semantic_types.network import NETWORK
from octo_core.inference.semantic_types.people import NAMED, PEOPLE
from octo_core.inference.semantic_types.places import MEASURED, PLACES

__all__ = ["VOCABULARY", "Semantic"]

_EMAIL, *_NETWORK = NETWORK
VOCABULARY: Final = (_EMAIL, *IDENTIFIERS, *COMPANIES, *_NETWORK, *PEOPLE, *PLACES, *MEASURED, *NAMED)
