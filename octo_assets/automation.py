"""When tables load by themselves."""

import dagster as dg

# Only a failed check says that the plan waits again (a drift, a correction, a revoked approval): a load would refuse.
_STILL_APPROVED = dg.AutomationCondition.all_deps_match(
    dg.AutomationCondition.all_checks_match(dg.AutomationCondition.check_passed())
).with_label("approved")

# An approval materializes `approved_mapping`, new data materializes `raw`: either starts the load. It never starts
# before the first approval, as the check has not passed then; the load itself asks for the approval again. What else is
# missing upstream says nothing: `octopipe plan` lands the data of a first load without a run.
#
# It is `eager()` but for one thing: there a load that ended resets what an approval in the same tick has set, so that
# nothing ever followed the approval. A run too many finds nothing new; a run too few is noticed by nobody.
_NEW = dg.AutomationCondition.any_deps_updated()
# The first look at a table compares with nothing: what was approved before the daemon ever ran, and is not loaded yet.
_WAITING = dg.AutomationCondition.missing() & dg.AutomationCondition.initial_evaluation()
_HANDLED = dg.AutomationCondition.newly_requested() | (dg.AutomationCondition.newly_updated() & ~_NEW)
# What stands further on is evaluated only of tables that all before it is true of: what asks the storage table by table
# comes last, so that a thousand plans that wait for approval cost it little.
LOAD_WHEN_APPROVED_OR_NEW = (
    (_NEW | _WAITING).since(_HANDLED)
    & _STILL_APPROVED
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
)
