"""Recordings of real providers (make llm-record), replayed: what they once said still becomes a mapping."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import eval_llm
from benchmarks.llm_record import FOLDER, shop
from octo_core.asking import mapping_question, schema_question
from octo_core.asking.replies import MappingReply, SchemaReply
from octo_core.asking.sharing import nameable
from octo_core.mapping.attribute import source_fields
from tests.servers.api import Reply
from tests.servers.model import ModelServer, answering

ROOT = Path(__file__).parents[2]
MAPPING = {
    "order_id": "order_no",
    "placed_at": "placed",
    "amount": "cast(cast(total_cents as decimal(10, 2)) / 100 as decimal(10, 2))",
    "status": "case st when 'P' then 'paid' when 'S' then 'sent' else 'void' end",
    "contact": "buyer",
    "gift_note": None,
}


def judged(calls: list[dict[str, Any]]) -> mapping_question.Verdict:
    """What becomes of a recording's answers."""
    schema, catalog = shop()
    table = catalog.tables["public.sale"]
    answers = {call["purpose"]: call["answer"] for call in calls if call["state"] == "answered"}
    fields = nameable(source_fields(schema))
    schema_question.judged(SchemaReply.model_validate_json(answers["schema"]), fields, lambda _: ())
    reply = MappingReply.model_validate_json(answers["mapping"])
    return mapping_question.judged(reply, schema, table, [column.name for column in table.columns])


def recorded(folder: Path, server: ModelServer) -> subprocess.CompletedProcess[str]:
    """`make llm-record` in an empty folder."""
    told = {"OCTOPIPE_LLM_MODEL": "openai/test-1", "OCTOPIPE_LLM_BASE_URL": server.base_url}
    command = [sys.executable, "-m", "benchmarks.llm_record"]
    env = {"PYTHONPATH": str(ROOT), **told}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_a_recording_is_made_of_what_a_provider_answers(tmp_path: Path) -> None:
    says = answering({"order_no": {"type": "text", "description": "The order's number"}}, MAPPING)
    with ModelServer(says) as server:
        done = recorded(tmp_path, server)
    assert done.returncode == 0, done.stderr
    calls = json.loads((tmp_path / FOLDER / "openai-test-1.json").read_text())
    assert [call["purpose"] for call in calls] == ["mapping", "schema"]
    assert judged(calls).refused == {}
    assert "buyer1@" not in json.dumps(calls)


def test_nothing_is_recorded_of_a_provider_that_refuses(tmp_path: Path) -> None:
    with ModelServer([Reply({"error": {"message": "Incorrect API key"}}, 401)]) as server:
        done = recorded(tmp_path, server)
    assert done.returncode == 1
    assert "it refused the key (401)" in done.stderr + done.stdout
    assert not (tmp_path / FOLDER).exists()


def test_the_evaluation_with_a_model_takes_the_folder_that_the_other_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = tmp_path / "data" / "mapping" / "web" / "pair_1"
    pair.mkdir(parents=True)
    (pair / "source.csv").write_text("Name,Town\nAna Bo,Oslo\n")
    (pair / "target.csv").write_text("full name,city\nCy Du,Rome\n")
    (pair / "gt.csv").write_text("source_column,target_column\nName,full name\nTown,city\n")
    monkeypatch.chdir(tmp_path)
    with ModelServer(answering(mapping={"full name": '"Name"', "city": '"Town"'})) as server:
        monkeypatch.setenv("OCTOPIPE_LLM_MODEL", "openai/test-1")
        monkeypatch.setenv("OCTOPIPE_LLM_BASE_URL", server.base_url)
        for folder in (tmp_path / "data", tmp_path / "data" / "mapping"):
            assert eval_llm.main([str(folder)]) == 0
            assert "web: Recall@GT 1.000" in capsys.readouterr().out
        assert eval_llm.main([str(pair)]) == 2
        assert "no labelled pairs (mapping/gdc, mapping/web) in" in capsys.readouterr().err
    with ModelServer([Reply({"error": {"message": "Incorrect API key"}}, 401)]) as server:
        monkeypatch.setenv("OCTOPIPE_LLM_BASE_URL", server.base_url)
        monkeypatch.setenv("OCTOPIPE_LLM_MODEL", "openai/test-2")
        assert eval_llm.main([str(tmp_path / "data")]) == 1
    assert "not the model's figures: it refused the key (401)" in capsys.readouterr().err


def test_recorded_answers_become_mappings() -> None:
    for path in sorted((ROOT / FOLDER).glob("*.json")):
        verdict = judged(json.loads(path.read_text(encoding="utf-8")))
        assert verdict.chosen["order_id"].expr == "order_no", path.name
        assert "placed" in str(verdict.chosen["placed_at"].expr), path.name
