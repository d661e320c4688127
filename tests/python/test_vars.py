"""A number of dbt_project.yml can be changed: no unit test relies on its default."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.python.harness import ROOT, Commands, Project, parsed_project

VARS = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
# Which moment and which inputs a run is about. A unit test whose model asks sets as_of, and with that these.
OF_THE_RUN = {"as_of", "sample_as_of", "since", "data_dir"}
READ = re.compile(r"\bvar\(\s*['\"](\w+)['\"]")
# All of them at once, both ways: sensible values of an agency elsewhere.
OTHER_VALUES = {
    "smaller": {
        "timezone": "Europe/Berlin", "earliest_year": 2018, "max_rejected_share": 0.04,
        "outcome_maturity_hours": 12, "message_lookback_days": 5, "median_window_days": 20,
        "stats_window_days": 60, "belief_window_days": 120, "caption_policy": "wilson",
        "holdout_share": 0, "active_window_days": 14,
        "circuit_breaker_threshold": 3, "caption_reuse_days": 5, "weekly_urgent_limit": 4,
        "weekly_category_limit": 15, "default_min_ppv_pool": 100, "default_min_bump_pool": 20,
        "first_send_hour": 7, "last_send_hour": 21, "sweep_warning_locks": 500,
        "active_locks_warning": 4000, "active_locks_critical": 8000, "stale_run_hours": 4,
        "performance_late_hours": 7, "daily_late_hours": 26, "sweep_late_hours": 1,
        "sweep_very_late_hours": 12, "input_late_hours": 12, "input_very_late_hours": 48,
        "rejected_share_warning": 0.005, "match_rate_drop_warning": 0.05, "match_rate_drop_critical": 0.2,
        "unlearnt_share_warning": 0.3, "unlearnt_share_critical": 0.6,
        "calibration_gap_warning": 0.05, "alert_repeat_hours": 12,
        "alert_delivery_hours": 48,
    },
    "larger": {
        "timezone": "Asia/Kolkata", "earliest_year": 2020, "max_rejected_share": 0.1,
        "outcome_maturity_hours": 36, "message_lookback_days": 10, "median_window_days": 45,
        "stats_window_days": 120, "belief_window_days": 240, "caption_policy": "pooled",
        "holdout_share": 0.1, "active_window_days": 45,
        "circuit_breaker_threshold": 7, "caption_reuse_days": 10, "weekly_urgent_limit": 7,
        "weekly_category_limit": 30, "default_min_ppv_pool": 250, "default_min_bump_pool": 60,
        "first_send_hour": 9, "last_send_hour": 22, "sweep_warning_locks": 2000,
        "active_locks_warning": 6000, "active_locks_critical": 12000, "stale_run_hours": 8,
        "performance_late_hours": 12, "daily_late_hours": 30, "sweep_late_hours": 4,
        "sweep_very_late_hours": 30, "input_late_hours": 36, "input_very_late_hours": 96,
        "rejected_share_warning": 0.02, "match_rate_drop_warning": 0.2, "match_rate_drop_critical": 0.5,
        "unlearnt_share_warning": 0.5, "unlearnt_share_critical": 0.8,
        "calibration_gap_warning": 0.2, "alert_repeat_hours": 48,
        "alert_delivery_hours": 96,
    },
}  # fmt: skip


def vars_of_macro(macros: dict[str, dict], unique_id: str, seen: set[str]) -> set[str]:
    """What a macro reads, and those that it calls."""
    if unique_id in seen or unique_id not in macros:
        return set()
    seen.add(unique_id)
    macro = macros[unique_id]
    called = (vars_of_macro(macros, name, seen) for name in macro["depends_on"]["macros"])
    return set(READ.findall(macro["macro_sql"])).union(*called)


def test_each_unit_test_sets_the_vars_that_its_model_reads(shared: Path, commands: Commands) -> None:
    target = parsed_project(shared, commands) / "target"
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    missing = {}
    for test in manifest["unit_tests"].values():
        model, seen = models[test["model"]], set()
        reads = set(READ.findall(model["raw_code"]))
        reads |= {
            name
            for macro in model["depends_on"]["macros"]
            for name in vars_of_macro(manifest["macros"], macro, seen)
        }
        given = set((test.get("overrides") or {}).get("vars") or {})
        if reads & set(VARS) - OF_THE_RUN - given:
            missing[test["name"]] = sorted(reads & set(VARS) - OF_THE_RUN - given)
    assert len(manifest["unit_tests"]) > 200
    assert missing == {}


def test_every_var_has_other_values() -> None:
    for values in OTHER_VALUES.values():
        assert set(values) == set(VARS) - OF_THE_RUN
        same = [name for name, value in values.items() if VARS[name] == value and name != "caption_policy"]
        assert same == []


@pytest.mark.slow
@pytest.mark.parametrize("direction", OTHER_VALUES)
def test_a_build_with_all_vars_changed_is_green(project: Project, direction: str) -> None:
    project.make_sample()
    answer = project.dbt(
        "build", "--vars", json.dumps({"as_of": "2025-06-15T12:00:00Z", **OTHER_VALUES[direction]})
    )
    assert "ERROR=0" in answer.stdout
    assert project.table("schedule_recommendations_messages")
