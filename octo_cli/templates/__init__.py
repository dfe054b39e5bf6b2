"""The files that `octopipe new` writes, and where each of them goes."""

from collections.abc import Mapping
from importlib.resources import files

TARGETS: Mapping[str, str] = {
    "octopipe.yaml": "octopipe.yaml",
    "workspace.yaml": "workspace.yaml",
    "dagster.yaml": "dagster.yaml",
    "README.md": "README.md",
    "env.example": ".env.example",
    "gitignore": ".gitignore",
    "check.yml": ".github/workflows/check.yml",
    "pipelines/orders/pipeline.yaml": "pipelines/orders/pipeline.yaml",
    "pipelines/orders/warehouse.sql": "pipelines/orders/warehouse.sql",
    "pipelines/orders/samples/orders.csv": "pipelines/orders/samples/orders.csv",
}
"""Template → path in the new folder. Dotfiles lie here without their dot, so that no tool takes them for its own."""


def template(name: str) -> str:
    """The text of one template."""
    return files(__package__).joinpath("project", *name.split("/")).read_text(encoding="utf-8")
