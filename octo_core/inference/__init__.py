"""Type inference: mergeable profiles, and `decide`, which chooses. Public: infer_column, infer_rows, decide."""

from octo_core.inference.columns import infer_column, infer_rows
from octo_core.inference.decide import decide
from octo_core.inference.profile import FieldProfile, merge

__all__ = ["FieldProfile", "decide", "infer_column", "infer_rows", "merge"]
