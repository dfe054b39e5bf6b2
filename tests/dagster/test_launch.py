"""An error that ended a step is told by the command as it was raised there."""

import dagster as dg
import pytest
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData

from octo_assets.launch import _error
from octo_assets.steps.common import ERROR
from octo_core.errors import NotApproved, TablesChanged


@pytest.mark.parametrize("kind", [NotApproved, TablesChanged])
def test_a_plan_that_nobody_approved_keeps_its_fingerprint(kind: type[NotApproved]) -> None:
    told = {
        "kind": kind.__name__,
        "message": "altered",
        "where": "shop",
        "hint": "plan",
        "fingerprint": "7c1e",
        "mistakes": [],
    }
    failed = UserFailureData(label="", description=None, metadata={ERROR: dg.MetadataValue.json(told)})
    found = _error(StepFailureData(error=None, user_failure_data=failed))
    assert type(found) is kind
    assert isinstance(found, NotApproved)
    assert (found.message, found.where, found.hint, found.fingerprint) == ("altered", "shop", "plan", "7c1e")
