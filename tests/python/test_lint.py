"""What lints this project is itself right: its own conventions catch a breach, CI and commits run it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.python.harness import ROOT, Project

BIN = Path(sys.executable).parent
WORKFLOW = ROOT / ".github/workflows/ci.yml"
DIRECT = "select page_name from eros_scheduling_brain.caption_bank"

pytest.importorskip("dbt_bouncer", reason="the extra `lint` is not installed")


def breaches(manifest: dict, folder: Path) -> set[tuple[str, str]]:
    """(check, name) of everything that dbt-bouncer finds in a manifest."""
    config = yaml.safe_load((ROOT / "dbt-bouncer.yml").read_text())
    config |= {"dbt_artifacts_dir": str(folder), "custom_checks_dir": str(ROOT / config["custom_checks_dir"])}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "dbt-bouncer.yml").write_text(yaml.safe_dump(config))
    found = folder / "found.json"
    command = [BIN / "dbt-bouncer", "--config-file", "dbt-bouncer.yml", "--output-file", str(found)]
    result = subprocess.run([*command, "--output-only-failures"], cwd=folder, capture_output=True, text=True)
    failures = json.loads(found.read_text())
    assert result.returncode == (1 if failures else 0), result.stdout + result.stderr
    return {tuple(failure["check_run_id"].split(":")[::2]) for failure in failures}


@pytest.fixture
def manifest(project: Project) -> dict:
    return json.loads((project.directory / "target/manifest.json").read_text())


def test_each_convention_catches_its_breach(manifest: dict, tmp_path: Path) -> None:
    assert breaches(manifest, tmp_path) == set()
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    macros = {macro["name"]: macro for macro in manifest["macros"].values()}
    models["stg_captions"]["patch_path"] = None
    models["page_beliefs"]["patch_path"] = "eros://models/learning/beliefs.yml"
    models["caption_beliefs"]["patch_path"] = "eros://models/operations/caption_beliefs.yml"
    models["caption_candidates"]["description"] = "The captions that may go out."
    models["caption_bandit_stats"]["config"]["unique_key"] = None
    models["schedule_recommendations"]["config"]["incremental_strategy"] = None
    models["message_outcomes"]["config"]["meta"] = {}
    models["creator_checks"]["raw_code"] = DIRECT
    models["caption_scores"]["raw_code"] += "\nwhere current_timestamp is not null"
    models["creator_day_plan"]["columns"]["schedule_date"]["data_type"] = "STRING"
    models["send_hour_patterns"]["config"]["contract"]["enforced"] = False
    models["send_hour_patterns"]["contract"]["enforced"] = False
    macros["add_days"]["arguments"][0]["type"] = None
    macros["array_has"]["patch_path"] = "eros://macros/hooks/_macros.yml"
    macros["text_literal"]["description"] = ""
    assert breaches(manifest, tmp_path) == {
        ("check_model_property_file_location", "stg_captions"),
        ("check_model_documented_in_same_directory", "stg_captions"),
        ("check_model_property_file_location", "page_beliefs"),
        ("check_model_documented_in_same_directory", "caption_beliefs"),
        ("check_model_description_contains_regexp_pattern", "caption_candidates"),
        ("check_model_incremental_has_strategy_and_key", "caption_bandit_stats"),
        ("check_model_incremental_has_strategy_and_key", "schedule_recommendations"),
        ("check_model_incremental_has_strategy_and_key", "message_outcomes"),
        ("check_model_hard_coded_references", "creator_checks"),
        ("check_model_code_does_not_contain_regexp_pattern", "caption_scores"),
        ("check_model_column_name_complies_to_column_type", "creator_day_plan"),
        ("check_model_has_contracts_enforced", "send_hour_patterns"),
        ("check_macro_arguments_have_types", "add_days"),
        ("check_macro_is_described_beside_it", "array_has"),
        ("check_macro_description_populated", "text_literal"),
    }


def is_valid_workflow(path: Path) -> bool:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    return subprocess.run([*command, str(path)], capture_output=True).returncode == 0


def test_ci_is_valid_pinned_and_has_least_rights(tmp_path: Path) -> None:
    assert is_valid_workflow(WORKFLOW)
    text = WORKFLOW.read_text()
    broken = tmp_path / "broken.yml"
    broken.write_text(text.replace("runs-on", "runs-at"))
    assert not is_valid_workflow(broken)
    workflow = yaml.load(text, yaml.BaseLoader)  # keeps the key `on`
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request" in workflow["on"]
    assert "secrets." not in text
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert actions
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
    assert [step["run"] for step in steps if "run" in step] == ["make ci"]


@pytest.mark.parametrize(
    ("module", "line", "breach"),
    [
        (
            "report/commands.py",
            "from eros_dbt_runner.export import formats",
            "report is not allowed to import",
        ),
        ("warehouse/base.py", "from eros_dbt_runner import operations", "warehouse is not allowed to import"),
        ("alerts/channels.py", "from eros_dbt_runner.alerts import check", "No circles"),
        ("forecast.py", "", "forecast"),
    ],
)
def test_each_breach_of_the_layers_is_found(module: str, line: str, breach: str, tmp_path: Path) -> None:
    """A room that imports another, a look upwards, a circle inside a room, a module without a place."""
    shutil.copytree(ROOT / "eros_dbt_runner", tmp_path / "eros_dbt_runner")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    command = [BIN / "lint-imports", "--no-cache"]
    before = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert before.returncode == 0, before.stdout
    with (tmp_path / "eros_dbt_runner" / module).open("a") as file:
        file.write(f"\n{line}\n")
    after = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert after.returncode == 1
    assert breach in after.stdout.partition("Broken contracts")[2]


def test_commit_hooks_are_local_and_installed() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    assert subprocess.run([BIN / "pre-commit", "validate-config", config]).returncode == 0
    repositories = yaml.safe_load(config.read_text())["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    programs = {hook["entry"].split()[0] for hook in hooks}
    assert [program for program in programs if not (BIN / Path(program).name).exists()] == []


def commit_lint(sql: str) -> str:
    command = [BIN / "sqlfluff", "lint", "--config", "lint/commit.cfg", "-"]
    result = subprocess.run(command, input=sql, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stderr
    return result.stdout if result.returncode else ""


def test_the_quick_lint_renders_the_macros_and_finds_a_violation() -> None:
    """With the project's own macros, of which `as_of` needs the run's time and `add_days` an engine."""
    sql = "select\n    {{ add_days(execution_date(), 1) }} as tomorrow,\n    {{ as_of() }} as moment\n"
    assert commit_lint(sql) == ""
    assert "CP01" in commit_lint(sql.replace(" as moment", " AS moment"))
