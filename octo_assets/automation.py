"""When tables load by themselves."""

import dagster as dg

# An approval materializes `approved_mapping`, new data materializes `raw`: either starts the load. It never starts
# while something upstream is missing, so not before the first approval; the load itself asks for the approval again.
LOAD_WHEN_APPROVED_OR_NEW = dg.AutomationCondition.eager()
