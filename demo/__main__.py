"""`make demo`: the main job from end to end, told as it happens; `make dev`: Dagster's UI on the same state."""

import sys

from demo.story import develop, tell

if __name__ == "__main__":
    sys.exit(develop() if sys.argv[1:2] == ["dev"] else tell())
