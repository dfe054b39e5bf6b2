"""How plans, loads, differences and refusals are shown; the same facts in the terminal and on Dagster's pages."""

from octo_core.plan.load_page import load_text
from octo_core.plan.markdown import load_markdown, plan_markdown, plan_sections
from octo_core.plan.plan_page import diff_text, plan_text
from octo_core.plan.refusal import misfit_text, refusal_text

__all__ = [
    "diff_text",
    "load_markdown",
    "load_text",
    "misfit_text",
    "plan_markdown",
    "plan_sections",
    "plan_text",
    "refusal_text",
]
