"""When tables load by themselves."""

import dagster as dg

# Only a failed check says that the plan waits again (a drift, a correction, a revoked approval): a load would refuse.
_STILL_APPROVED = dg.AutomationCondition.all_deps_match(
    dg.AutomationCondition.all_checks_match(dg.AutomationCondition.check_passed())
).with_label("approved")

# An approval materializes `approved_mapping`, new data materializes `raw`: either starts the load. It never starts
# while something upstream is missing, so not before the first approval; the load itself asks for the approval again.
LOAD_WHEN_APPROVED_OR_NEW = dg.AutomationCondition.eager() & _STILL_APPROVED
