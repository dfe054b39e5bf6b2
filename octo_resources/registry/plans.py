"""Plans and their recipes. A recipe, once saved, stays as it is; of plans with one fingerprint the newest is kept."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from octo_core.errors import RegistryError
from octo_core.plan.fingerprint import fingerprint
from octo_core.plan.model import Plan, Recipe
from octo_resources.registry.database import Database
from octo_resources.registry.model import StoredPlan
from octo_resources.registry.tables import plan as plans
from octo_resources.registry.tables import recipe as recipes


class Plans:
    """Plans by pipeline and fingerprint."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, plan: Plan, recipe: Recipe, *, inputs: str | None = None, at: datetime | None = None) -> None:
        """Keep a plan as the pipeline's newest. ValueError where plan and recipe do not belong together."""
        if plan.pipeline != recipe.pipeline or plan.fingerprint != fingerprint(recipe):
            raise ValueError(f"the plan of {plan.pipeline} does not have its recipe's fingerprint")
        made_at = at or plan.made_at or datetime.now(UTC)
        with self._database.write() as connection:
            self._database.hold(connection, f"plan {plan.pipeline}")
            save_recipe(connection, recipe, made_at)
            connection.execute(sa.delete(plans).where(*_is(plan.pipeline, plan.fingerprint)))
            connection.execute(
                sa.insert(plans).values(
                    pipeline=plan.pipeline,
                    fingerprint=plan.fingerprint,
                    inputs=inputs,
                    holds_rows=True,
                    body=plan.model_dump_json(by_alias=True),
                    made_at=made_at,
                )
            )

    def newest(self, pipeline: str) -> StoredPlan | None:
        """The plan saved last for a pipeline."""
        return self._stored(plans.c.pipeline == pipeline)

    def get(self, pipeline: str, fingerprint: str) -> StoredPlan | None:
        return self._stored(*_is(pipeline, fingerprint))

    def recipe(self, pipeline: str, fingerprint: str) -> Recipe | None:
        """The recipe of a fingerprint; RegistryError where its stored text was altered."""
        with self._database.read() as connection:
            return read_recipe(connection, pipeline, fingerprint)

    def fingerprints(self, pipeline: str) -> tuple[str, ...]:
        """Every fingerprint that was ever planned for a pipeline, oldest first."""
        query = sa.select(recipes.c.fingerprint).where(recipes.c.pipeline == pipeline).order_by(recipes.c.saved_at)
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def clean(self, before: datetime, *, pipeline: str | None = None, dry_run: bool = False) -> int:
        """Take the rows shown (samples and quarantined) out of plans made before `before`; how many plans.

        Counts, expressions and recipes stay, so approvals keep their meaning.
        """
        old = [plans.c.made_at < before, plans.c.holds_rows]
        if pipeline is not None:
            old.append(plans.c.pipeline == pipeline)
        with self._database.write() as connection:
            rows = connection.execute(sa.select(plans.c.id, plans.c.body).where(*old)).all()
            for row in [] if dry_run else rows:
                body = without_rows(Plan.model_validate_json(row.body)).model_dump_json(by_alias=True)
                change = sa.update(plans).where(plans.c.id == row.id)
                connection.execute(change.values(body=body, holds_rows=False))
        return len(rows)

    def _stored(self, *conditions: sa.ColumnElement[bool]) -> StoredPlan | None:
        query = sa.select(plans).where(*conditions).order_by(plans.c.id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                return None
            recipe = read_recipe(connection, row.pipeline, row.fingerprint)
        if recipe is None:
            raise RegistryError(f"The recipe of {row.pipeline}'s plan {row.fingerprint[:8]} is missing")
        plan = Plan.model_validate_json(row.body)
        return StoredPlan(plan=plan, recipe=recipe, inputs=row.inputs, made_at=row.made_at, holds_rows=row.holds_rows)


def save_recipe(connection: sa.Connection, recipe: Recipe, at: datetime) -> str:
    """Keep a recipe unless it is there; its fingerprint."""
    print_ = fingerprint(recipe)
    there = sa.select(recipes.c.fingerprint).where(*_is(recipe.pipeline, print_, recipes))
    if connection.execute(there).one_or_none() is None:
        values = {"pipeline": recipe.pipeline, "fingerprint": print_, "body": recipe.model_dump_json(), "saved_at": at}
        connection.execute(sa.insert(recipes).values(values))
    return print_


def read_recipe(connection: sa.Connection, pipeline: str, wanted: str) -> Recipe | None:
    """A recipe whose fingerprint was taken again and found the same, or None; RegistryError where it differs."""
    body = connection.execute(sa.select(recipes.c.body).where(*_is(pipeline, wanted, recipes))).scalar()
    if body is None:
        return None
    recipe = Recipe.model_validate_json(body)
    if recipe.pipeline != pipeline or fingerprint(recipe) != wanted:
        raise RegistryError(
            f"The registry's recipe of {pipeline}'s plan {wanted[:8]} was altered",
            hint="Make the plan again, or restore the registry from a backup.",
        )
    return recipe


def without_rows(plan: Plan) -> Plan:
    """The plan without any row of the source's: samples gone, quarantine reasons and counts kept."""
    tables = {}
    for name, table in plan.tables.items():
        quarantined = tuple(entry.model_copy(update={"row": {}}) for entry in table.quarantined)
        tables[name] = table.model_copy(update={"sample": (), "quarantined": quarantined})
    return plan.model_copy(update={"tables": tables})


def _is(pipeline: str, wanted: str, table: sa.Table = plans) -> tuple[sa.ColumnElement[Any], ...]:
    return table.c.pipeline == pipeline, table.c.fingerprint == wanted
