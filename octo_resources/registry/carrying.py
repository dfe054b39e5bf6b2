"""Carries decisions and their recipes from one environment to another, as one sealed JSON document."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from octo_core.approvals import Decision, newest
from octo_core.errors import RegistryError, UsageError
from octo_core.plan.fingerprint import canonical_json, fingerprint
from octo_core.plan.model import Recipe
from octo_core.schema import Frozen
from octo_core.spec.pipeline import ApprovalPolicy
from octo_resources.registry.database import Database
from octo_resources.registry.decisions import Decisions, Entry
from octo_resources.registry.plans import read_recipe, save_recipe
from octo_resources.registry.reviewing import check_policy

FORMAT = "octopipe approvals 1"


class Carried(Frozen):
    """What an import did: decisions added, and for each one left out the reason."""

    added: tuple[Decision, ...] = ()
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.added)


class Carrying:
    """Export and import. What comes in keeps its origin and is appended to the chain here like any decision."""

    def __init__(self, database: Database, decisions: Decisions) -> None:
        self._database, self._decisions = database, decisions

    def export(self, pipeline: str | None = None) -> dict[str, Any]:
        """The decisions that hold (the newest for each plan), with their recipes, sealed by the first key."""
        with self._database.read() as connection:
            chain = self._decisions.verified(connection)
            held = [one for one in chain if newest(chain, one.pipeline, one.fingerprint) == one]
            held = [one for one in held if pipeline in (None, one.pipeline)]
            recipes = [read_recipe(connection, one.pipeline, one.fingerprint) for one in held]
        body = {
            "format": FORMAT,
            "decisions": [one.model_dump(mode="json") for one in held],
            "recipes": [one.model_dump(mode="json") for one in recipes if one is not None],
        }
        keys = self._decisions.keys
        return {**body, "seal": keys.seal, "hash": keys.sign(_text(body))}

    def load(
        self,
        document: Mapping[str, Any],
        *,
        by: str,
        policies: Mapping[str, ApprovalPolicy] | None = None,
        at: datetime | None = None,
    ) -> Carried:
        """Append what `export` wrote elsewhere; `by` carried it over. What is there already is not added again.

        `policies` are this environment's, by pipeline. RegistryError where the document is not as it was written;
        UsageError where it is none.
        """
        if not by.strip():
            raise UsageError("an import needs somebody who answers for it", hint="Say who: --reviewer you@example.com")
        decisions, recipes = self._opened(document)
        moment, added, skipped = at or datetime.now(UTC), [], []
        with self._database.write() as connection:
            chain = self._decisions.locked(connection)
            for one in decisions:
                recipe = recipes.get((one.pipeline, one.fingerprint))
                refused = _refused(one, recipe, chain, (policies or {}).get(one.pipeline))
                if refused or recipe is None:
                    skipped.append(f"{one.pipeline} {one.fingerprint[:8]}: {refused}")
                    continue
                save_recipe(connection, recipe, moment)
                added.append(self._decisions.append(connection, _entry(one, by.strip(), moment)))
        return Carried(added=tuple(added), skipped=tuple(skipped))

    def _opened(self, document: Mapping[str, Any]) -> tuple[list[Decision], dict[tuple[str, str], Recipe]]:
        if document.get("format") != FORMAT:
            raise UsageError(
                "this is no export of approvals", hint="Make one: octopipe approvals export > approvals.json"
            )
        body = {name: document.get(name) for name in ("format", "decisions", "recipes")}
        keys, seal = self._decisions.keys, str(document.get("seal"))
        if seal == "hmac-sha256" and not keys:
            raise RegistryError(
                "the export is sealed with a key, and none is configured here",
                hint="Set OCTOPIPE_APPROVAL_KEY to the key of the environment that it comes from.",
            )
        if keys and seal != "hmac-sha256":
            raise RegistryError(
                "the export is not sealed with a key, as this environment wants it",
                hint="Export it again where OCTOPIPE_APPROVAL_KEY is set to the same key.",
            )
        if not keys.verifies(_text(body), str(document.get("hash")), seal):
            raise RegistryError("the export was altered since it was written, or sealed with another key")
        try:
            decisions = [Decision.model_validate(one) for one in document["decisions"]]
            recipes = [Recipe.model_validate(one) for one in document["recipes"]]
        except (ValidationError, TypeError) as problem:
            raise UsageError(f"the export cannot be read: {str(problem).splitlines()[0]}") from problem
        return decisions, {(recipe.pipeline, fingerprint(recipe)): recipe for recipe in recipes}


def _refused(
    one: Decision, recipe: Recipe | None, chain: tuple[Decision, ...], policy: ApprovalPolicy | None
) -> str | None:
    if recipe is None:
        return "its recipe is not in the export"
    if any(_original(mine.origin) == one.hash or mine.hash == one.hash for mine in chain):
        return "is here already"
    mine = newest(chain, one.pipeline, one.fingerprint)
    if mine is not None and _made_at(mine) >= _made_at(one):
        return f"a newer decision is here ({mine.decision} by {mine.reviewer})"
    if policy is not None:
        try:
            checked = policy.model_copy(update={"not_author": False})  # who wrote it elsewhere is not known here
            check_policy(one.decision, one.pipeline, one.reviewer, one.via, checked, None)
        except UsageError as problem:
            return problem.message
    return None


def _entry(one: Decision, by: str, at: datetime) -> Entry:
    origin = one.model_dump(mode="json", exclude_none=True)
    carried = canonical_json({"decision": origin, "imported_by": by})
    return Entry(one.pipeline, one.fingerprint, one.decision, one.reviewer, one.reason, "import", at, carried)


def _original(origin: str | None) -> str | None:
    return None if origin is None else str(json.loads(origin)["decision"]["hash"])


def _made_at(one: Decision) -> datetime:
    """When somebody decided, however often the decision was carried since."""
    while one.origin is not None:
        one = Decision.model_validate(json.loads(one.origin)["decision"])
    return one.at


def _text(body: Mapping[str, Any]) -> str:
    return "export " + canonical_json(body)
