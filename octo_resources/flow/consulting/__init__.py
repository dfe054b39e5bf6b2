"""Ask a language model: for the types of a source, for the mapping of a table. Every claim is held against the rows;
what does not hold goes back, a bounded number of times, and what still does not is the embedded inferrer's.
"""

from octo_resources.flow.consulting.mappings import mapped_by_model
from octo_resources.flow.consulting.types import typed_by_model

__all__ = ["mapped_by_model", "typed_by_model"]
