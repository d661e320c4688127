"""Drive the real project through a simulated agency, day by day, and see what its decisions earn.

    python benchmarks/closed_loop.py [--world agency] [--seed 1 --seed 2] [--days 90] [--no-peers]

Each day the models are built by dbt in this process, as of 03:05; what they publish is sent, and its
outcomes are in the input two days later. The worlds and all settings are told in docs/decisions.md.
Random, oracle and peers fill the very slots that the project planned, each with its own history, under the
same rests, weekly limits and restrictions. Skill is (earned - random) / (oracle - random), of true mean
earnings.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = "eros_scheduling_brain"
ZONE = ZoneInfo("America/Los_Angeles")
FIRST_DAY = date(2025, 1, 13)
WARM_UP_DAYS = 14
TIERS = ("budget", "mid", "premium", "bump")
# Messages a week in the warm-up, by the smallest audience; and how three styles of page share them out.
WARM_UP_RATES = ((0, 10), (1_000, 14), (5_000, 20), (20_000, 28), (50_000, 37))
STYLES = ((0.40, 0.15, 0.05, 0.40), (0.18, 0.27, 0.15, 0.40), (0.09, 0.21, 0.30, 0.40))
# What a plan needs; the rest of the project (statistics, health, findings) decides nothing.
UNCHANGED = "caption_bank_checked captions_checked creator_caption_restrictions_checked stg_restriction_rows"
NEEDED = "+schedule_recommendations"


@dataclass(frozen=True)
class World:
    """An agency. Effects are standard deviations of natural logarithms unless said otherwise."""

    name: str = "agency"
    pages: int = 40
    captions: int = 1_000
    tier_shares: tuple[float, ...] = (0.29, 0.29, 0.19, 0.23)
    prices: tuple[tuple[float, ...], ...] = ((5, 7, 9, 12), (15, 18, 20, 25), (30, 35, 45, 60), (0,))
    audience: float = 6_000
    audience_sd: float = 1.1
    page: float = 0.5
    caption: float = 0.35
    category: float = 0.12
    urgency: float = 0.10
    pair: float = 0.25
    taste: float = 0.10
    message: float = 0.45
    day: float = 0.15
    hour: float = 0.3
    elasticity: float = 0.7
    in_vain: float = 0.0
    drift: float = 0.0
    opens: float = 0.0
    restricted: float = 0.3
    score: str = "caption"  # or sales, noise
    message_price: float = 0.0  # above 0: of every message, whatever its tier
    weekly: tuple[int, int] | None = None  # priced and free messages of every page


AGENCY = World()
WORLDS = {
    world.name: world
    for world in (
        AGENCY,
        replace(AGENCY, name="in vain", in_vain=0.12),
        replace(AGENCY, name="small", audience=900, audience_sd=0.6),
        replace(
            AGENCY, name="low signal", caption=0.18, category=0.06, urgency=0.05, pair=0.12, taste=0.05,
            message=0.6,
        ),
        replace(AGENCY, name="drift", drift=0.03),
        replace(AGENCY, name="nothing shared", caption=0.0, category=0.0, urgency=0.0, pair=0.43),
        replace(AGENCY, name="large bank", captions=6_000),
        replace(AGENCY, name="opens", opens=0.15),
        replace(AGENCY, name="score from sales", score="sales"),
        replace(AGENCY, name="score from sales, large bank", score="sales", captions=6_000),
        replace(AGENCY, name="score noise", score="noise"),
        replace(
            AGENCY, name="ten a day", captions=400, tier_shares=(0.42, 0.21, 0.07, 0.30), message_price=12.0,
            elasticity=0.0, audience=3_300, audience_sd=0.9, weekly=(49, 21), hour=0.0, category=0.0,
            urgency=0.0, taste=0.0, restricted=0.0,
        ),
    )
}  # fmt: skip


def rest_of(total: float, *parts: float) -> float:
    """The standard deviation that is left of `total` when independent parts are taken off."""
    return math.sqrt(max(total**2 - sum(part**2 for part in parts), 0.0))


class Agency:
    """One draw of a world: its pages, captions and what every message would earn.

    Effects are natural logarithms: `caption_effect` of each caption, `pair_effect` of each page and caption.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.seed = world, seed
        rng = np.random.default_rng([seed, 1])
        pages, captions = world.pages, world.captions
        self.page_names = [f"page_{number:02d}" for number in range(pages)]
        self.audience = np.clip(
            world.audience * np.exp(rng.normal(0, world.audience_sd, pages)), 150, 150_000
        )
        self.view_rate = rng.uniform(0.35, 0.6, pages)
        self.page_effect = rng.normal(0, world.page, pages)
        self.peak_hour = rng.uniform(11, 22, pages)
        self.style = rng.integers(0, len(STYLES), pages)

        self.tier = rng.choice(len(TIERS), captions, p=world.tier_shares)
        self.category = rng.integers(0, 12, captions)
        self.urgent = rng.random(captions) < 0.22
        self.caption_price = np.array([rng.choice(world.prices[tier]) for tier in self.tier], float)
        urgency_sd = world.urgency * math.sqrt(0.22 * 0.78)
        self.caption_effect = (
            rng.normal(0, 1, 12)[self.category] * world.category
            + self.urgent * world.urgency
            + rng.normal(0, rest_of(world.caption, world.category, urgency_sd), captions)
        )
        taste = rng.normal(0, world.taste, (pages, 12))[:, self.category]
        self.pair_effect = taste + rng.normal(0, rest_of(world.pair, world.taste), (pages, captions))
        self.open_effect = rng.normal(0, world.opens, captions)
        self.refused = np.where(rng.random(pages) < world.restricted, rng.integers(0, 12, pages), -1)
        self.message_price = world.message_price * np.exp(
            rng.normal(0, 0.3, (pages, 1)) + rng.normal(0, 0.2, (1, captions))
        )
        self.score = 1 / (1 + np.exp(-(self.caption_effect + rng.normal(0, 0.3, captions))))
        if world.score == "noise":
            self.score = 1 / (1 + np.exp(-rng.normal(0, 0.46, captions)))
        self._drift_rng = np.random.default_rng([seed, 2])

    def price(self, page: int | np.ndarray, caption: int | np.ndarray) -> Any:
        """What a message costs, US dollars."""
        return self.message_price[page, caption] if self.world.message_price else self.caption_price[caption]

    def log_rate(self, page: int, captions: np.ndarray) -> np.ndarray:
        """Log purchases per view at no particular hour."""
        price = np.maximum(self.price(page, captions), 1e-9)
        return (
            math.log(0.025)
            + self.page_effect[page]
            + self.caption_effect[captions]
            + self.pair_effect[page, captions]
            - self.world.elasticity * np.log(price / 18)
        )

    def worth(self, page: int, captions: np.ndarray) -> np.ndarray:
        """True mean earnings, US dollars, of a message with each caption at no particular hour."""
        views = self.audience[page] * 0.95 * self.view_rate[page] * np.exp(self.open_effect[captions])
        return views * np.exp(self.log_rate(page, captions)) * self.price(page, captions) * 0.8

    def hour_effect(self, page: int, hour: int | np.ndarray) -> Any:
        """Log factor on purchases at an hour."""
        return self.world.hour * np.cos((hour - self.peak_hour[page]) * 2 * math.pi / 24)

    def outcome(self, day: date, page: int, caption: int, hour: int) -> dict[str, Any]:
        """The message's counts and earnings; luck depends on seed, day, page and caption alone."""
        world = self.world
        rng = np.random.default_rng([self.seed, 3, day.toordinal(), page, caption])
        day_luck = np.random.default_rng([self.seed, 4, day.toordinal(), page]).normal(0, world.day)
        sent = round(self.audience[page] * rng.uniform(0.9, 1.0))
        viewed = round(
            sent * min(1.0, self.view_rate[page] * math.exp(rng.normal(0, 0.25) + self.open_effect[caption]))
        )
        price = float(self.price(page, caption))
        bought, earnings = 0, 0.0
        is_in_vain = rng.random() < world.in_vain
        luck, paid, draw = rng.normal(0, world.message), rng.normal(0, 0.30), rng.integers(0, 2**31)
        if price > 0 and not is_in_vain:
            rate = self.log_rate(page, np.array([caption]))[0] + self.hour_effect(page, hour)
            expected = viewed * math.exp(rate + luck + day_luck)
            bought = min(int(np.random.default_rng(draw).poisson(expected)), viewed)
            earnings = round(bought * price * 0.8 * math.exp(paid), 2)
        moment = datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).astimezone(timezone.utc)
        return {
            "page_name": self.page_names[page], "message": f"caption number {caption}",
            "sending_time": moment.replace(tzinfo=None), "price": price, "sent_count": sent,
            "viewed_count": viewed, "purchased_count": bought, "earnings": earnings, "caption_id": caption,
        }  # fmt: skip

    def walk(self) -> None:
        """A day passes: in a drifting world each pair's rate walks."""
        if self.world.drift:
            self.pair_effect += self._drift_rng.normal(0, self.world.drift, self.pair_effect.shape)

    def warm_up(self) -> list[dict[str, Any]]:
        """Two weeks of random captions at random hours, before EROS was there."""
        rng = np.random.default_rng([self.seed, 5])
        of_tier = [np.flatnonzero(self.tier == tier) for tier in range(len(TIERS))]
        sent = []
        for page, audience in enumerate(self.audience):
            weekly = max(rate for smallest, rate in WARM_UP_RATES if audience >= smallest)
            for number in range(WARM_UP_DAYS):
                day = FIRST_DAY - timedelta(days=WARM_UP_DAYS - number)
                count = min(int(rng.poisson(weekly / 7)), 16)
                hours = rng.choice(np.arange(8, 24), count, replace=False)
                tiers = rng.choice(len(TIERS), count, p=STYLES[self.style[page]])
                for hour, tier in zip(hours, tiers, strict=True):
                    caption = int(rng.choice(of_tier[tier]))
                    sent.append(self.outcome(day, page, caption, int(hour)))
        if self.world.score == "sales":
            self.score = self._score_from_sales(sent)
        return sent

    def _score_from_sales(self, sent: Sequence[dict[str, Any]]) -> np.ndarray:
        logs = defaultdict(list)
        for message in sent:
            if message["price"] > 0 and message["viewed_count"]:
                value = message["earnings"] / message["viewed_count"]
                logs[message["caption_id"]].append(math.log(max(value, 1e-3)))
        means = {caption: float(np.mean(values)) for caption, values in logs.items()}
        centre, spread = np.mean(list(means.values())), np.std(list(means.values())) or 1.0
        score = np.full(self.world.captions, 0.5)
        for caption, value in means.items():
            score[caption] = 1 / (1 + math.exp(-(value - centre) / spread))
        return score

    def bank(self) -> pd.DataFrame:
        """caption_bank as the project reads it."""
        return pd.DataFrame(
            {
                "caption_id": np.arange(self.world.captions),
                "caption_text": [f"caption number {number}" for number in range(self.world.captions)],
                "content_category": [f"category {number}" for number in self.category],
                "price_tier": [TIERS[tier] for tier in self.tier],
                "has_urgency": self.urgent,
                "avg_revenue": np.full(self.world.captions, np.nan),
                "overall_performance_score": self.score,
                "usage_status": "available",
            }
        )

    def restrictions(self) -> pd.DataFrame:
        """creator_caption_restrictions: some pages refuse a category; no page needs a minimum."""
        rows = [
            (name, [], [], [f"category {refused}"], [], "ALL", 0, 0, True)
            for name, refused in zip(self.page_names, self.refused, strict=True)
            if refused >= 0
        ]
        names = (
            "page_name hard_patterns soft_patterns restricted_categories restricted_price_tiers"
            " applies_to_scope min_ppv_pool min_bump_pool is_active"
        )
        return pd.DataFrame(rows, columns=names.split())


def morning(day: date) -> datetime:
    """The moment (UTC) that a day is planned as of: 03:05 on the agency's clock."""
    return datetime(day.year, day.month, day.day, 3, 5, tzinfo=ZONE).astimezone(timezone.utc)


@dataclass(frozen=True)
class Slot:
    """A message that the project planned: a page's tier at an hour; the caption is what a policy fills in."""

    page: int
    tier: int
    hour: int


class Project:
    """The real project on a folder of its own, built by dbt in this process.

    `holdout_share` is the project's var, from 0 to 1; None leaves its default.
    """

    def __init__(self, folder: Path, agency: Agency, holdout_share: float | None = None) -> None:
        from dbt.cli.main import dbtRunner

        self.agency, self.folder = agency, folder
        self._vars = {} if holdout_share is None else {"holdout_share": holdout_share}
        self.database = folder / "eros.duckdb"
        (folder / "data").mkdir(parents=True)
        os.environ.update(
            EROS_DATA_DIR=str(folder / "data"), EROS_DUCKDB_PATH=str(self.database),
            DBT_TARGET_PATH=str(folder / "target"), DBT_LOG_PATH=str(folder / "logs"),
        )  # fmt: skip
        self._messages: list[dict[str, Any]] = []
        self._runner = dbtRunner()
        parsed = self._invoke("parse")
        self._runner = dbtRunner(manifest=parsed.result)
        self._is_begun = False

    def begin(self, warm_up: Sequence[dict[str, Any]]) -> None:
        """Write the inputs and build the seeds; no holidays, and the world's volume where it has one."""
        agency = self.agency
        self._messages.extend(warm_up)
        self._write("caption_bank", agency.bank())
        self._write("captions", agency.bank().head(0).drop(columns=["avg_revenue", "usage_status"]))
        self._write("creator_caption_restrictions", agency.restrictions())
        self._invoke("seed")
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(f"delete from {SCHEMA}.holiday_calendar")
            if agency.world.weekly:
                connection.execute(
                    f"update {SCHEMA}.volume_policy set weekly_ppv = ?, weekly_bump = ?, min_gap_hours = 1,"
                    " daily_maximum = 16",
                    agency.world.weekly,
                )

    def plan(self, day: date) -> list[tuple[Slot, int]]:
        """The day's slots, best first, each with the caption that the project chose."""
        known_until = datetime(day.year, day.month, day.day, tzinfo=ZONE) - timedelta(days=1)
        until = known_until.astimezone(timezone.utc).replace(tzinfo=None)
        messages = pd.DataFrame(self._messages)
        messages.insert(0, "row_id", np.arange(len(messages)))
        self._write("mass_messages", messages[messages["sending_time"] < until])
        os.environ["EROS_AS_OF"] = morning(day).isoformat()
        unchanged = ["--exclude", *UNCHANGED.split(), "resource_type:seed"] if self._is_begun else []
        self._invoke("run", "--select", NEEDED, *unchanged)
        self._is_begun = True
        with duckdb.connect(str(self.database)) as connection:
            rows = connection.execute(
                f"select page_name, price_tier, send_hour, caption_id from {SCHEMA}.schedule_recommendations"
                " where schedule_date = ? order by page_name, selection_rank",
                [day],
            ).fetchall()
        page_of = {name: number for number, name in enumerate(self.agency.page_names)}
        return [(Slot(page_of[page], TIERS.index(tier), hour), caption) for page, tier, hour, caption in rows]

    def send(self, day: date, chosen: Sequence[tuple[Slot, int]]) -> None:
        """Send what was planned; its outcomes are in the input two days later."""
        for slot, caption in chosen:
            self._messages.append(self.agency.outcome(day, slot.page, caption, slot.hour))

    def table(self, name: str) -> pd.DataFrame:
        """A table of the database."""
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(f"select * from {SCHEMA}.{name}").df()

    def _write(self, name: str, table: pd.DataFrame) -> None:
        with duckdb.connect() as connection:
            connection.register("given", table)
            target = self.folder / "data" / f"{name}.parquet"
            connection.execute(f"copy (select * from given) to '{target}' (format parquet)")

    def _invoke(self, *arguments: str) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        answer = self._runner.invoke(
            [
                "--quiet",
                "--no-write-json",
                "--log-level-file",
                "none",
                *arguments,
                "--project-dir",
                str(ROOT),
                "--profiles-dir",
                str(ROOT),
                "--vars",
                json.dumps(self._vars),
            ]
        )
        # The file is read and written between the days, and has one opener at a time.
        DuckDBConnectionManager.close_all_connections()
        if not answer.success:
            sys.exit(f"dbt {' '.join(arguments)} failed: {answer.exception or answer.result}")
        return answer


class Policy:
    """Fills the planned slots with captions; knows its own history and what became of it.

    `rank` gives a number for each caption, the best first; the rules are the project's: a text rests 7 days
    either way, 5 urgent ones and 20 of a category go out in 7 days, refused categories never.
    """

    def __init__(self, agency: Agency, seed: int) -> None:
        self.agency = agency
        self.rng = np.random.default_rng([seed, 6])
        self.sent: dict[int, list[tuple[date, int]]] = defaultdict(list)

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def learn(self, page: int, message: dict[str, Any]) -> None:
        """Take in an outcome, two days after it was sent."""

    def fill(self, day: date, slots: Sequence[Slot]) -> list[tuple[Slot, int]]:
        """The captions of a day, tier by tier."""
        chosen = []
        for (page, tier), quota in Counter((slot.page, slot.tier) for slot in slots).items():
            free = self._free(day, page, tier)
            order = np.argsort(-self.rank(day, page, free), kind="stable")
            picked = [int(caption) for caption in free[order][:quota]]
            places = [slot for slot in slots if (slot.page, slot.tier) == (page, tier)]
            chosen.extend(zip(places, picked, strict=False))
        for slot, caption in chosen:
            self.sent[slot.page].append((day, caption))
        return chosen

    def _free(self, day: date, page: int, tier: int) -> np.ndarray:
        agency = self.agency
        recent = [caption for sent_on, caption in self.sent[page] if 0 < (day - sent_on).days <= 7]
        is_free = (agency.tier == tier) & (agency.category != agency.refused[page])
        is_free[recent] = False
        if sum(bool(agency.urgent[caption]) for caption in recent) >= 5:
            is_free &= ~agency.urgent
        for category, count in Counter(int(agency.category[caption]) for caption in recent).items():
            if count >= 20:
                is_free &= agency.category != category
        return np.flatnonzero(is_free)


class Random(Policy):
    """Any caption that may go out."""

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        return self.rng.random(len(captions))


class Oracle(Policy):
    """The captions that truly earn most."""

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        return self.agency.worth(page, captions)


class Pairs(Policy):
    """What the peers share: how often a pair beat the page's median and how often not, and its EMV."""

    def __init__(self, agency: Agency, seed: int) -> None:
        super().__init__(agency, seed)
        shape = (agency.world.pages, agency.world.captions)
        self.wins, self.losses, self.total = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._history: dict[int, list[float]] = defaultdict(list)

    def median(self, page: int) -> float:
        """Median EMV of the page's last 60 messages."""
        return float(np.median(self._history[page][-60:] or [0.0]))

    def learn(self, page: int, message: dict[str, Any]) -> None:
        if not message["viewed_count"]:
            return
        emv = message["purchased_count"] / message["viewed_count"] * message["earnings"]
        self._history[page].append(emv)
        won = emv > self.median(page)
        (self.wins if won else self.losses)[page, message["caption_id"]] += 1
        self.total[page, message["caption_id"]] += emv


class ThompsonBeta(Pairs):
    """A draw from Beta(1 + successes, 1 + failures) of the pair."""

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        return self.rng.beta(1 + self.wins[page, captions], 1 + self.losses[page, captions])


class Greedy(Pairs):
    """The mean EMV of the caption on all pages against their medians, one ordinary message added."""

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        medians = np.array([max(self.median(number), 1e-6) for number in range(self.agency.world.pages)])
        relative = (self.total[:, captions] / medians[:, None]).sum(axis=0)
        count = (self.wins + self.losses)[:, captions].sum(axis=0)
        return (1 + relative) / (1 + count) + 1e-6 * self.rng.random(len(captions))


class OldScore(Pairs):
    """The score before beliefs: a point of the pair's Wilson interval, and its EMV against the median."""

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        wins, losses = 1 + self.wins[page, captions], 1 + self.losses[page, captions]
        count, share, z2 = wins + losses, wins / (wins + losses), 3.8416
        centre = (share + z2 / (2 * count)) / (1 + z2 / count)
        half = 1.96 * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
        draw = np.clip(centre + half * self.rng.uniform(-1, 1, len(captions)), 0, 1)
        seen, median = count - 2, self.median(page)
        mean = np.where(seen > 0, self.total[page, captions] / np.maximum(seen, 1), median)
        value = np.where(mean + median > 0, mean / np.maximum(mean + median, 1e-12), 0.5)
        return 0.70 * draw + 0.15 * value


class VowpalWabbit(Policy):
    """A linear model of log value per view over page, caption, category and their crosses; 5 % at random."""

    def __init__(self, agency: Agency, seed: int) -> None:
        super().__init__(agency, seed)
        from vowpalwabbit import Workspace

        self._model = Workspace("--quiet -q pc -q pg --l2 1e-6 -b 20", arg_list=None)

    def _example(self, page: int, caption: int, label: str = "") -> str:
        agency = self.agency
        return (
            f"{label} |p page{page} |c caption{caption} score:{agency.score[caption]:.4f}"
            f" price:{float(agency.price(page, caption)) / 20:.3f}"
            f" |g category{agency.category[caption]} urgent{int(agency.urgent[caption])}"
        )

    def rank(self, day: date, page: int, captions: np.ndarray) -> np.ndarray:
        if self.rng.random() < 0.05:
            return self.rng.random(len(captions))
        return np.array([self._model.predict(self._example(page, int(caption))) for caption in captions])

    def learn(self, page: int, message: dict[str, Any]) -> None:
        if message["price"] > 0 and message["viewed_count"]:
            value = math.log(max(message["earnings"] / message["viewed_count"], 0.01))
            self._model.learn(self._example(page, message["caption_id"], f"{value:.4f}"))


PEERS: dict[str, Callable[[Agency, int], Policy]] = {
    "Thompson on Beta": ThompsonBeta,
    "greedy": Greedy,
    "old score": OldScore,
    "Vowpal Wabbit": VowpalWabbit,
}


@dataclass
class Ledger:
    """What each policy earned, in true means, US dollars; and what hours were worth."""

    earned: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    hours: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def skill(self, policy: str) -> float:
        """The share of the gap between random and perfect choice that a policy closed."""
        gap = self.earned["oracle"] - self.earned["random"]
        return (self.earned[policy] - self.earned["random"]) / gap if gap else math.nan

    def hour_skill(self) -> float:
        """The same of the hours of priced messages."""
        gap = self.hours["best"] - self.hours["random"]
        return (self.hours["eros"] - self.hours["random"]) / gap if gap > 0 else math.nan


def peers_of(agency: Agency, seed: int) -> Iterator[tuple[str, Policy]]:
    """The peers that can be made; Vowpal Wabbit only where it is installed."""
    for name, peer in PEERS.items():
        try:
            yield name, peer(agency, seed)
        except ImportError:
            continue


def judge_hours(agency: Agency, slots: Sequence[Slot], ledger: Ledger) -> None:
    """Add what the day's hours of priced messages are worth, against random and best ones of the same gap."""
    by_page: dict[int, list[Slot]] = defaultdict(list)
    for slot in slots:
        by_page[slot.page].append(slot)
    for page, places in by_page.items():
        priced = sum(slot.tier != TIERS.index("bump") for slot in places)
        all_hours = sorted(slot.hour for slot in places)
        gap = min((later - earlier for earlier, later in pairwise(all_hours)), default=16)
        worth = np.exp(agency.hour_effect(page, np.arange(8, 24)))
        weight = agency.audience[page]
        used = [worth[slot.hour - 8] for slot in places if slot.tier != TIERS.index("bump")]
        ledger.hours["eros"] += weight * float(sum(used))
        ledger.hours["random"] += weight * priced * float(worth.mean())
        ledger.hours["best"] += weight * best_hours(worth, priced, min(gap, 3))


def best_hours(worth: np.ndarray, count: int, gap: int) -> float:
    """The largest sum of `count` hours, none closer than `gap`."""
    best = [[0.0] * (len(worth) + gap + 1) for _ in range(count + 1)]
    for taken in range(1, count + 1):
        best[taken] = [-math.inf] * (len(worth) + gap + 1)
        for hour in range(len(worth) - 1, -1, -1):
            best[taken][hour] = max(best[taken][hour + 1], worth[hour] + best[taken - 1][hour + gap])
    return best[count][0]


def run_world(
    world: World,
    seed: int,
    days: int,
    folder: Path,
    with_peers: bool,
    on_day: Callable[[], None],
    holdout_share: float | None = None,
) -> Ledger:
    """Drive the project and all others through one draw of a world."""
    agency = Agency(world, seed)
    ledger = Ledger()
    warm_up = agency.warm_up()
    project = Project(folder, agency, holdout_share)
    project.begin(warm_up)
    others: dict[str, Policy] = {"random": Random(agency, seed), "oracle": Oracle(agency, seed)}
    if with_peers:
        others |= dict(peers_of(agency, seed))
    page_of = {name: number for number, name in enumerate(agency.page_names)}
    pending: dict[str, list[list[dict[str, Any]]]] = {
        name: [list(warm_up), []] for name in others if name not in ("random", "oracle")
    }
    for number in range(days):
        day = FIRST_DAY + timedelta(days=number)
        agency.walk()
        chosen = project.plan(day)
        slots = [slot for slot, _ in chosen]
        filled = {"eros": chosen}
        for name, policy in others.items():
            if name in pending:
                for message in pending[name].pop(0):
                    policy.learn(page_of[message["page_name"]], message)
            filled[name] = policy.fill(day, slots)
            if name in pending:
                outcomes = [agency.outcome(day, slot.page, cap, slot.hour) for slot, cap in filled[name]]
                pending[name].append(outcomes)
        for name, messages in filled.items():
            ledger.earned[name] += sum(
                float(agency.worth(slot.page, np.array([caption]))[0]) for slot, caption in messages
            )
        judge_hours(agency, slots, ledger)
        project.send(day, chosen)
        on_day()
    return ledger


def show(console: Console, results: dict[str, dict[int, Ledger]]) -> None:
    """One row per world and policy: skill per seed, and the mean."""
    table = Table(title="share of the gap between random and perfect choice", title_justify="left")
    for heading in ("world", "policy", "skill", "seeds"):
        table.add_column(heading, justify="right" if heading == "skill" else "left")
    for world, by_seed in results.items():
        names = ["eros", *next(iter(by_seed.values())).earned]
        for name in dict.fromkeys(names):
            if name not in ("random", "oracle"):
                skills = [ledger.skill(name) for ledger in by_seed.values()]
                each = " ".join(f"{skill:.0%}" for skill in skills)
                table.add_row(world, name, f"{np.mean(skills):.1%}", each)
        hours = [ledger.hour_skill() for ledger in by_seed.values()]
        if not any(math.isnan(hour) for hour in hours):
            each = " ".join(f"{hour:.0%}" for hour in hours)
            table.add_row(world, "eros: hours", f"{np.mean(hours):.1%}", each)
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the worlds and print what was earned."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--world", action="append", choices=list(WORLDS), help="may be given several times")
    parser.add_argument("--seed", action="append", type=int, help="may be given several times")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument(
        "--holdout-share", type=float, default=0, help="the var; skills are compared without chance slots"
    )
    parser.add_argument("--no-peers", action="store_true", help="the project, random and oracle alone")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    options = parser.parse_args(arguments)
    os.chdir(ROOT)
    for name in [name for name in os.environ if name.startswith("EROS_")]:
        del os.environ[name]
    console = Console()
    worlds, seeds = options.world or ["agency"], options.seed or [1]
    results: dict[str, dict[int, Ledger]] = {}
    began = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, tempfile.TemporaryDirectory() as scratch:
        for world in worlds:
            for seed in seeds:
                folder = (options.keep or Path(scratch)) / f"{world.replace(' ', '_')}_{seed}"
                task = progress.add_task(f"{world}, seed {seed}", total=options.days)
                results.setdefault(world, {})[seed] = run_world(
                    WORLDS[world], seed, options.days, folder, not options.no_peers,
                    lambda task=task: progress.advance(task), options.holdout_share,
                )  # fmt: skip
    show(console, results)
    console.print(f"{options.days} days, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
