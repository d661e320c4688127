"""The list in edits.yml, and what an entry of it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

LIST = Path(__file__).with_name("edits.yml")


@dataclass(frozen=True)
class Build:
    """A `dbt build` of what `select` names, so many days after the day that the sample data ends with.

    Tests that look at models outside the selection as well stay out unless named: they would compare
    what is broken with what was built before.
    """

    select: str
    days_later: int = 0
    forget: str = ""  # a table to drop first, so that it is made anew

    @property
    def arguments(self) -> list[str]:
        """What follows `dbt` on its command line; one thread, for --fail-fast interrupts all others."""
        options = ["--indirect-selection", "cautious", "--fail-fast", "--threads", "1"]
        return ["build", "--select", *self.select.split(), *options]

    @classmethod
    def merged(cls, builds: Iterable[Build]) -> list[Build]:
        """What they select, as it is, in as few builds as there are days."""
        by_day: dict[int, set[str]] = {}
        for build in builds:
            by_day.setdefault(build.days_later, set()).update(build.select.split())
        return [cls(" ".join(sorted(names)), days) for days, names in sorted(by_day.items())]


@dataclass(frozen=True)
class Edit:
    """One rule broken: `old` becomes `new` in `file`, a path from the project's folder.

    What has to notice, the cheapest first: the tests of `build`, then those of pytest.
    """

    breaks: str
    file: str
    old: str
    new: str
    build: Build
    pytest: tuple[str, ...] = ()

    def apply(self, directory: Path) -> None:
        """Break the copy in `directory`; a ValueError says so if `old` is not there exactly once."""
        path = directory / self.file
        text = path.read_text(encoding="utf-8")
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.breaks}: {self.old!r} stands {found} times in {self.file}, not once")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


def read_edits(path: Path = LIST) -> list[Edit]:
    """The edits of a list; an unknown key in an entry is a TypeError."""
    files = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [_edit(file, **entry) for file, entries in files.items() for entry in entries]


def _edit(
    file: str,
    breaks: str,
    old: str,
    new: str,
    build: str = "",
    days: int = 0,
    forget: str = "",
    pytest: Iterable[str] = (),
) -> Edit:
    return Edit(breaks, file, old, new, Build(build or Path(file).stem, days, forget), tuple(pytest))
