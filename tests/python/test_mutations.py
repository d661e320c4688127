"""The list of mutations fits the project, and the check that uses it can tell the three ends apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.console import Console

from tests.mutations import check
from tests.mutations.edits import Build, Edit, read_edits
from tests.python.harness import ROOT

VOLUME = "models/scheduling/creator_daily_volume.sql"
SWEEP = "macros/procedures/sweep_expired_caption_locks.sql"
EDITS = read_edits()


def test_every_edit_still_fits_its_file(tmp_path: Path) -> None:
    """Its old text stands exactly once and the new one changes it; each is named once."""
    for edit in EDITS:
        copy = tmp_path / edit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        before = (ROOT / edit.file).read_text(encoding="utf-8")
        copy.write_text(before, encoding="utf-8")
        edit.apply(tmp_path)
        assert copy.read_text(encoding="utf-8") != before, edit.breaks
    assert len({edit.breaks for edit in EDITS}) == len(EDITS)
    assert len({(edit.file, edit.old, edit.new) for edit in EDITS}) == len(EDITS)


def test_an_edit_that_no_longer_fits_is_told(tmp_path: Path) -> None:
    for text, found in (("nothing of the kind", 0), ("a rule, a rule", 2)):
        (tmp_path / "file.sql").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=f"stands {found} times"):
            Edit("broken", "file.sql", "a rule", "no rule", Build("any")).apply(tmp_path)


def test_what_should_notice_is_there() -> None:
    """The pytest tests that edits name exist, and every node that they build does."""
    names = {path.stem for kind in ("models", "seeds", "tests/dbt") for path in (ROOT / kind).rglob("*.*")}
    for edit in EDITS:
        for test in edit.pytest:
            file, _, name = test.split("[")[0].partition("::")
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {name or 'test_.*'}\(", source, re.MULTILINE), test
        assert set(edit.build.select.split()) <= names, edit.breaks


def test_no_model_is_left_out() -> None:
    """Each model of the rules has an edit of its own."""
    edited = {Path(edit.file).stem for edit in EDITS}
    folders = ("staging", "learning", "scheduling")
    models = {path.stem for folder in folders for path in (ROOT / "models" / folder).glob("*.sql")}
    assert models <= edited, models - edited


@pytest.mark.slow
def test_the_check_tells_killed_from_survived_and_invalid(tmp_path: Path) -> None:
    """A comment breaks nothing, half a statement is no rule, and a test that failed is named."""
    factor, volume = "scored.saturation_score >= 0.6e0", Build("creator_daily_volume")
    no_test = ("tests/python/test_locks.py::no_such_test",)
    edits = [
        Edit("a rule", VOLUME, factor, factor.replace(">=", ">"), volume),
        Edit("a comment", VOLUME, "A creator is active", "A page is active", volume),
        Edit("no SQL", VOLUME, factor, factor.replace(">=", ">= >="), volume),
        Edit("no Jinja", VOLUME, factor, "{% " + factor, volume),
        Edit("nothing tested", SWEEP, "Pre-hook of", "Hook of", Build("no_such_model")),
        Edit("no such test", SWEEP, "Pre-hook of", "Hook of", Build("caption_lock_summary"), no_test),
    ]
    laboratory = check.Laboratory(tmp_path)
    assert laboratory.check_unbroken(edits[:4]) == []
    outcomes = [laboratory.try_edit(number, edit) for number, edit in enumerate(edits)]
    statuses = [outcome.status for outcome in outcomes]
    assert statuses == [check.KILLED, check.SURVIVED, *[check.INVALID] * 4]
    assert outcomes[0].by == "test_creator_daily_volume__saturation_thresholds"
    assert outcomes[4].by == "nothing was tested"
    console = Console(record=True, width=160)
    console.print(check.report(outcomes))
    assert re.search(r"a comment .* survived", console.export_text())


@pytest.mark.slow
def test_a_test_that_is_red_without_any_edit_is_told(tmp_path: Path) -> None:
    (tmp_path / "laboratory").mkdir()
    laboratory = check.Laboratory(tmp_path / "laboratory")
    path = laboratory._built / VOLUME
    path.write_text(path.read_text(encoding="utf-8").replace(">= 0.6e0", "> 0.6e0"), encoding="utf-8")
    comment = Edit("a comment", VOLUME, "A creator", "A page", Build("creator_daily_volume"))
    [fault] = laboratory.check_unbroken([comment])
    assert fault.startswith("killed without any edit: test_creator_daily_volume__saturation_thresholds")
