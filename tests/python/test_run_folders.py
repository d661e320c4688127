"""What a run leaves in its folder, whatever became of it."""

import json
from datetime import timedelta

import pytest

from eros_dbt_runner import run_folders
from eros_dbt_runner.clock import now
from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import run_arguments


def newest(project):
    return run_folders.folders(project.directory / "runs")[0]


def test_a_run_leaves_its_record_its_results_and_its_log(built):
    result = built.run("sweep")
    folder = newest(built)
    facts = folder.facts()
    assert facts["status"] == result.json["status"] == "SUCCESS"
    assert facts["invocation_id"] == result.json["invocation_id"]
    assert facts["report"] == result.json
    assert "model.eros.caption_lock_summary" in {node["unique_id"] for node in folder.results()}
    assert folder.log().name == "dbt.log.gz"
    assert "caption_lock_summary" in built.log


def test_a_run_that_fails_leaves_the_same(built):
    built.edit("models/operations/caption_lock_summary.sql", "from assignments", "from nowhere")
    built.run("sweep", code=ExitCode.RUN_FAILED)
    assert newest(built).facts()["status"] == "FAILED"
    assert any(node["status"] == "error" for node in newest(built).results())


@pytest.mark.slow
def test_a_killed_run_leaves_a_record_that_says_so(built):
    child = built.start(*run_arguments("performance"), "--full-refresh")
    child.wait_for("caption_bank_checked")
    child.kill()
    child.wait()
    facts = newest(built).facts()
    assert facts["status"] == "RUNNING"  # only the run log in the database can tell that it died
    [row] = built.query("select job_id from etl_job_runs where job_status = 'RUNNING'")
    assert facts["invocation_id"] == row["job_id"]


def test_the_results_of_plain_dbt_are_kept_by_the_next_run(built):
    built.dbt("build", "--select", "caption_lock_summary")
    built.run("sweep")
    _, plain = run_folders.folders(built.directory / "runs")[:2]
    assert plain.path.name.split("_")[1] == "dbt"
    assert plain.results()
    [row] = built.query(
        "select job_name from etl_job_runs where job_id = ?", [plain.facts()["invocation_id"]]
    )
    assert row["job_name"] == "build_part"


OF_BEFORE = {"schedule": "sweep", "as_of": None, "began_at": None, "status": "SUCCESS", "target": "duckdb"}
OF_PLAIN_DBT = {"schedule": None, "invocation_id": "1b4e28ba", "ended_at": "2025-06-15T12:00:00Z"}


def a_folder(runs, name, files):
    """A folder called `name` with these files; a dict is written as JSON."""
    (runs / name).mkdir(parents=True)
    for file, content in files.items():
        path = runs / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def everything_in(folder):
    return sorted(path.relative_to(folder) for path in folder.rglob("*"))


@pytest.mark.parametrize("record", [OF_BEFORE, OF_PLAIN_DBT], ids=["eros", "dbt"])
def test_folders_past_their_time_go(tmp_path, record):
    old, young = now() - timedelta(days=31), now() - timedelta(days=29)
    for moment in (old, young):
        name = f"{moment:%Y%m%dT%H%M%SZ}_sweep_1"
        files = {"run.json": record, "run_results.json": {}, "dbt.log.1": "", "dbt.log.gz": ""}
        a_folder(tmp_path, name, files)
    assert run_folders.prune(tmp_path, 30) == 1
    assert [folder.path.name[:8] for folder in run_folders.folders(tmp_path)] == [f"{young:%Y%m%d}"]


FOREIGN = {
    "a repository": (".git", {"HEAD": "ref: refs/heads/main"}),
    "keys": (".ssh", {"id_ed25519": "key"}),
    "exports": ("2023-exports", {"mass_messages.parquet": "rows"}),
    "a name as of a run, no record": ("20200101T000000Z_sweep_1", {"photo.jpg": "face"}),
    "an empty folder": ("2020", {}),
    "somebody's run.json": ("20200101T000000Z_sweep_1", {"run.json": {"status": "SUCCESS", "game": "chess"}}),
    "a broken run.json": ("20200101T000000Z_sweep_1", {"run.json": '{"schedule": '}),
    "a run.json that is a list": ("20200101T000000Z_sweep_1", {"run.json": "[]"}),
    "notes beside the record": ("20200101T000000Z_sweep_1", {"run.json": OF_BEFORE, "notes.md": "why"}),
    "a folder beside the record": ("20200101T000000Z_sweep_1", {"run.json": OF_BEFORE, "dbt.log/x": "why"}),
    "our record in a folder of another name": ("20200101-sweep", {"run.json": OF_BEFORE}),
    "a name that goes on": ("20200101T000000Z_sweep_1 (copy)", {"run.json": OF_BEFORE}),
}


@pytest.mark.parametrize("case", FOREIGN)
def test_what_no_run_made_is_neither_deleted_nor_listed(tmp_path, case):
    name, files = FOREIGN[case]
    a_folder(tmp_path, name, files)
    before = everything_in(tmp_path)
    assert run_folders.prune(tmp_path, 1) == 0
    assert everything_in(tmp_path) == before
    if OF_BEFORE not in files.values():
        assert run_folders.folders(tmp_path) == []


def test_a_link_to_a_folder_elsewhere_stays(tmp_path):
    a_folder(tmp_path / "elsewhere", "20200101T000000Z_sweep_1", {"run.json": OF_BEFORE})
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "20200101T000000Z_sweep_1").symlink_to(tmp_path / "elsewhere" / "20200101T000000Z_sweep_1")
    assert run_folders.prune(runs, 1) == 0
    assert (tmp_path / "elsewhere" / "20200101T000000Z_sweep_1" / "run.json").exists()


def test_a_run_leaves_alone_what_lies_beside_its_folder(built):
    runs_dir = built.directory / "runs"
    for name, files in FOREIGN.values():
        if not (runs_dir / name).exists():
            a_folder(runs_dir, name, files)
    before = everything_in(runs_dir)
    built.run("sweep")
    assert set(before) <= set(everything_in(runs_dir))


def test_databases_that_share_a_folder_do_not_close_each_others_runs(built):
    """Neither a run that is in progress on the other one, nor one that was killed there."""
    job_id = built.run("sweep").json["invocation_id"]
    folder = newest(built)
    folder.record({"status": "RUNNING", "database": str(built.directory / "other.duckdb")})
    built.run("sweep", code=None)
    assert folder.facts()["status"] == "RUNNING"
    folder.record({"database": str(built.database), "invocation_id": "0f" + job_id[2:]})
    built.run("sweep")
    assert folder.facts()["status"] == "FAILED"


def test_a_record_of_before_is_closed_by_the_database_that_knows_its_run(built):
    built.run("sweep")
    folder = newest(built)
    facts = {name: value for name, value in folder.facts().items() if name != "database"}
    folder.path.joinpath("run.json").write_text(
        json.dumps({**facts, "status": "RUNNING", "invocation_id": "nobody-knows"}), encoding="utf-8"
    )
    built.run("sweep")
    assert folder.facts()["status"] == "RUNNING"
    assert built.query("select count(*) as n from etl_job_runs where job_id = 'nobody-knows'") == [{"n": 0}]
    folder.record({"invocation_id": facts["invocation_id"]})
    built.run("sweep")
    assert folder.facts()["status"] == "SUCCESS"


def test_a_wrong_number_of_days_is_told(built):
    result = built.run("sweep", env={"EROS_KEEP_RUNS_DAYS": "ten"}, code=ExitCode.USAGE)
    assert "EROS_KEEP_RUNS_DAYS" in result.json["error"]
