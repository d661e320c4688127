"""The holiday seed against the `holidays` package, and against the policy of the 20 days."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import holidays
import pytest

SEED = Path(__file__).parents[2] / "seeds" / "holiday_calendar.csv"
YEARS = range(2024, 2031)

# holiday_name: (holiday_type, is_major_holiday, saturation_impact_factor), and the package's name
POLICY = {
    "New Year's Day": ("FEDERAL", True, 0.7, "New Year's Day"),
    "MLK Day": ("FEDERAL", False, 1.0, "Martin Luther King Jr. Day"),
    "Presidents' Day": ("FEDERAL", False, 1.0, "Washington's Birthday"),
    "Memorial Day": ("FEDERAL", True, 0.8, "Memorial Day"),
    "Juneteenth": ("FEDERAL", False, 1.0, "Juneteenth National Independence Day"),
    "Independence Day": ("FEDERAL", True, 0.7, "Independence Day"),
    "Labor Day": ("FEDERAL", True, 0.8, "Labor Day"),
    "Veterans Day": ("FEDERAL", False, 1.0, "Veterans Day"),
    "Thanksgiving": ("FEDERAL", True, 0.7, "Thanksgiving Day"),
    "Christmas Day": ("FEDERAL", True, 0.6, "Christmas Day"),
    "Valentine's Day": ("COMMERCIAL", True, 0.8, "Valentine's Day"),
    "Mother's Day": ("COMMERCIAL", True, 0.8, "Mother's Day"),
    "Father's Day": ("COMMERCIAL", False, 0.9, "Father's Day"),
    "Black Friday": ("COMMERCIAL", False, 0.9, "Day After Thanksgiving"),
    "St. Patrick's Day": ("CULTURAL", False, 1.0, "Saint Patrick's Day"),
    "Easter Sunday": ("CULTURAL", True, 0.8, "Easter Sunday"),
    "Columbus Day": ("CULTURAL", False, 1.0, "Columbus Day"),
    "Halloween": ("CULTURAL", False, 0.9, "Halloween"),
    "Christmas Eve": ("CULTURAL", True, 0.7, "Christmas Eve"),
    "New Year's Eve": ("CULTURAL", True, 0.7, "New Year's Eve"),
}

# Written out, so that neither a formula nor the package stands between the rule and the seed.
DATES_OF_2025 = {
    "New Year's Day": "2025-01-01",
    "MLK Day": "2025-01-20",
    "Valentine's Day": "2025-02-14",
    "Presidents' Day": "2025-02-17",
    "St. Patrick's Day": "2025-03-17",
    "Easter Sunday": "2025-04-20",
    "Mother's Day": "2025-05-11",
    "Memorial Day": "2025-05-26",
    "Father's Day": "2025-06-15",
    "Juneteenth": "2025-06-19",
    "Independence Day": "2025-07-04",
    "Labor Day": "2025-09-01",
    "Columbus Day": "2025-10-13",
    "Halloween": "2025-10-31",
    "Veterans Day": "2025-11-11",
    "Thanksgiving": "2025-11-27",
    "Black Friday": "2025-11-28",
    "Christmas Eve": "2025-12-24",
    "Christmas Day": "2025-12-25",
    "New Year's Eve": "2025-12-31",
}


@pytest.fixture(scope="module")
def calendar() -> list[dict[str, str]]:
    with SEED.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def of_year(calendar: list[dict[str, str]], year: int) -> dict[str, date]:
    days = [(row["holiday_name"], date.fromisoformat(row["holiday_date"])) for row in calendar]
    return {name: day for name, day in days if day.year == year}


def package_date(year: int, name: str) -> date:
    """The one date of the holiday itself; California is the state that names the Friday."""
    # `observed=False`: the holiday itself, not the weekday on which offices close instead.
    categories = holidays.US.supported_categories
    package = holidays.US(subdiv="CA", years=year, observed=False, categories=categories)
    (day,) = package.get_named(name, lookup="exact", split_multiple_names=True)
    return day


def test_every_year_has_the_twenty_days_once(calendar: list[dict[str, str]]) -> None:
    listed = sorted((row["holiday_date"][:4], row["holiday_name"]) for row in calendar)
    assert listed == sorted((str(year), name) for year in YEARS for name in POLICY)
    dates = [row["holiday_date"] for row in calendar]
    assert len(set(dates)) == len(dates) == 140
    assert dates == sorted(dates)


def test_type_rank_and_factor_follow_the_policy(calendar: list[dict[str, str]]) -> None:
    for row in calendar:
        found = (
            row["holiday_type"],
            {"true": True, "false": False}[row["is_major_holiday"]],
            float(row["saturation_impact_factor"]),
        )
        assert found == POLICY[row["holiday_name"]][:3], row


def test_2025_is_exact(calendar: list[dict[str, str]]) -> None:
    listed = {name: day.isoformat() for name, day in of_year(calendar, 2025).items()}
    assert listed == DATES_OF_2025


@pytest.mark.parametrize("year", YEARS)
def test_dates_agree_with_the_holidays_package(calendar: list[dict[str, str]], year: int) -> None:
    expected = {name: package_date(year, policy[3]) for name, policy in POLICY.items()}
    assert of_year(calendar, year) == expected
