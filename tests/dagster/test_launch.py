"""An error that ended a step is told by the command as it was raised there."""

import weakref

import dagster as dg
import pytest
from dagster._core.execution.plan.objects import StepFailureData, UserFailureData

from octo_assets.launch import _error
from octo_assets.steps.common import ERROR, failures_in_plain_words
from octo_core.errors import NotApproved, TablesChanged, UsageError


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


def test_a_failure_keeps_nothing_of_what_failed_open() -> None:
    class Connection:
        """Stands for one of DuckDB, which tells of a leak where it is open at the end of the process."""

    made: list[weakref.ref[Connection]] = []

    def read() -> None:
        connection = Connection()
        made.append(weakref.ref(connection))
        raise UsageError("the key names 'idd', which the source does not have")

    with pytest.raises(dg.Failure) as failed, failures_in_plain_words():
        read()
    assert failed.value.description == "the key names 'idd', which the source does not have"
    assert made[0]() is None
