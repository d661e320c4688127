"""Plain dbt does all that it offers: what its own commands and options need of the project."""

from __future__ import annotations

from tests.python.harness import Project


# ---- a parse ----


def test_a_parse_has_no_warning(project: Project) -> None:
    """Among them whatever differs between a macro and what is said of its arguments."""
    assert "validate_macro_args: true" in (project.directory / "dbt_project.yml").read_text(encoding="utf-8")
    project.dbt("--warn-error", "parse", "--no-partial-parse")
