"""Where things are: the dbt project, its profile, the database file, the input tables."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from eros_dbt_runner.errors import CannotStartError, UsageError, one_sentence

PROFILE = "eros"
DEFAULT_DATABASE = "eros.duckdb"
DEFAULT_DATA_DIR = "data"
SHIPPED_DATA_DIR = "sample_data"
DEFAULT_RUNS_DIR = "runs"
DEFAULT_BACKUP_DIR = "backups"
DEFAULT_KEEP_RUNS_DAYS = 30
DEFAULT_BIGQUERY_BACKUP_DAYS = 90
DEFAULT_LOG_MB = 16
DEFAULT_USD_PER_TIB = 6.25  # on-demand price of a query in location US
# The same rules in C, where there is a C library: ten times as fast over all the files of the models.
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(YAML_LOADER):  # type: ignore[misc, valid-type]  # chosen when it is imported
    """As dbt reads YAML, but a key that stands twice is an error, where the first would be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Raises ConstructorError for a key that stands twice."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} stands twice", node.start_mark)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


@dataclass(frozen=True)
class Target:
    """A target of profiles.yml; `adapter` is its type: duckdb, bigquery."""

    name: str
    adapter: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def settings(self) -> dict[str, Any]:
        """The target's settings with the environment's values in them, as dbt renders them.

        Raises ErosError (CANNOT_START) for a variable that is not set and has no default, or is not what
        profiles.yml makes of it.
        """
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.nativetypes import NativeEnvironment

        environment = NativeEnvironment(undefined=StrictUndefined)
        environment.globals["env_var"] = _env_var
        environment.filters |= {"as_number": float, "as_native": lambda value: value}
        found = {}
        for key, value in self.raw.items():
            try:
                found[key] = environment.from_string(value).render() if isinstance(value, str) else value
            except (ValueError, TypeError, TemplateError) as error:
                raise CannotStartError(
                    f"`{key}` of target {self.name} in profiles.yml is wrong: {one_sentence(str(error))}."
                ) from None
        return found


def _env_var(name: str, default: str | None = None) -> str | None:
    if name not in os.environ and default is None:
        raise CannotStartError(f"profiles.yml wants the environment variable {name}.")
    return os.environ.get(name, default)


@dataclass(frozen=True)
class Project:
    """The checkout that `eros` works on, all paths absolute.

    Relative values of EROS_DUCKDB_PATH and EROS_DATA_DIR count from the project folder, where dbt
    resolves them too. `runs_dir` (EROS_RUNS_DIR) keeps what each run leaves, `backup_dir`
    (EROS_BACKUP_DIR) the copies of the DuckDB file. `is_sample` tells that nobody named a folder with
    inputs and the shipped sample is taken.
    """

    directory: Path
    profiles_dir: Path
    database: Path
    data_dir: Path
    runs_dir: Path
    backup_dir: Path
    is_sample: bool = False

    @classmethod
    def locate(cls, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> "Project":
        """Find the project.

        It is EROS_PROJECT_DIR, else the working folder, else the checkout that this package was
        installed from. Raises ErosError (CANNOT_START) when none of them holds a dbt_project.yml.
        """
        env = os.environ if env is None else env
        given = env.get("EROS_PROJECT_DIR")
        try:
            cwd = Path.cwd() if cwd is None else cwd
            candidates = [cwd / given] if given else [cwd, Path(__file__).resolve().parent.parent]
            for directory in candidates:
                if (directory / "dbt_project.yml").is_file():
                    return cls._at(directory.resolve(), env)
        except (OSError, RuntimeError) as error:  # a name that is too long, a link to itself
            raise CannotStartError(
                f"The project's folders cannot be found: {one_sentence(str(error), 200)}."
            ) from None
        where = given or f"{cwd} nor beside the installed package"
        raise CannotStartError(
            f"There is no dbt_project.yml in {where}; set EROS_PROJECT_DIR to the EROS checkout."
        )

    @classmethod
    def _at(cls, directory: Path, env: Mapping[str, str]) -> "Project":
        own = DEFAULT_DATA_DIR if any((directory / DEFAULT_DATA_DIR).glob("*")) else SHIPPED_DATA_DIR
        data = env.get("EROS_DATA_DIR") or own
        return cls(
            directory=directory,
            profiles_dir=directory / (dbt_option("PROFILES_DIR", env) or "."),
            database=(directory / (env.get("EROS_DUCKDB_PATH") or DEFAULT_DATABASE)).resolve(),
            data_dir=(directory / data).resolve(),
            is_sample=not env.get("EROS_DATA_DIR") and own == SHIPPED_DATA_DIR,
            runs_dir=(directory / (env.get("EROS_RUNS_DIR") or DEFAULT_RUNS_DIR)).resolve(),
            backup_dir=(directory / (env.get("EROS_BACKUP_DIR") or DEFAULT_BACKUP_DIR)).resolve(),
        )

    def inputs(self) -> str:
        """The folder of the input tables, and that all in it is invented if `eros sample-data` made it."""
        try:
            sizes = json.loads((self.data_dir / "generated.json").read_text(encoding="utf-8"))["bytes"]
            files = list(self.data_dir.glob("mass_messages*"))
            is_made = bool(files) and all(file.stat().st_size == sizes.get(file.name) for file in files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            is_made = False
        return f"{self.data_dir}{' (sample data: all of it is invented)' if is_made else ''}"

    def sample_as_of(self) -> str:
        """The moment at which the shipped sample ends, the var sample_as_of of dbt_project.yml."""
        return str(read_yaml(self.directory / "dbt_project.yml")["vars"]["sample_as_of"])

    @property
    def keep_runs_days(self) -> int:
        """How many days the folder of a run is kept (EROS_KEEP_RUNS_DAYS).

        Raises ErosError (USAGE) for a value that is no number of days.
        """
        return _whole_number("EROS_KEEP_RUNS_DAYS", DEFAULT_KEEP_RUNS_DAYS)

    @property
    def bigquery_backup_days(self) -> int:
        """After how many days BigQuery deletes a backup (EROS_BIGQUERY_BACKUP_DAYS).

        Raises ErosError (USAGE) for a value that is no number of days.
        """
        return _whole_number("EROS_BIGQUERY_BACKUP_DAYS", DEFAULT_BIGQUERY_BACKUP_DAYS)

    @property
    def log_limit_bytes(self) -> int:
        """From how many bytes on DuckDB's log goes into its file (EROS_DUCKDB_LOG_MB).

        Raises ErosError (USAGE) for a value that is no number of megabytes.
        """
        return _whole_number("EROS_DUCKDB_LOG_MB", DEFAULT_LOG_MB, "megabytes") * 10**6

    @property
    def usd_per_tib(self) -> float:
        """What BigQuery asks for a TiB read, in US dollars (EROS_BIGQUERY_USD_PER_TIB).

        Raises ErosError (USAGE) for a value that is no price.
        """
        given = os.environ.get("EROS_BIGQUERY_USD_PER_TIB") or str(DEFAULT_USD_PER_TIB)
        try:
            price = float(given)
        except ValueError:
            price = -1.0
        if not 0 <= price < float("inf"):
            raise UsageError(f"EROS_BIGQUERY_USD_PER_TIB must be a price in US dollars, not {given!r}.")
        return price

    @property
    def target_dir(self) -> Path:
        """Where dbt keeps its parse and what it compiled."""
        return self.directory / (dbt_option("TARGET_PATH", os.environ) or "target")

    def lock_file(self, target: Target) -> Path:
        """Runs that write to the same place share it: one per database file, else one per target."""
        if target.adapter == "duckdb":
            return self.database.with_name(self.database.name + ".lock")
        return self.directory / "target" / f"{target.name}.lock"

    def identity(self, target: Target) -> str:
        """What tells the database of `target` from others that share a folder of runs or backups."""
        if target.adapter == "duckdb":
            return str(self.database)
        settings = target.settings()
        return f"{target.adapter}:{settings.get('project')}.{settings.get('schema')}"

    def find_target(self, name: str | None) -> Target:
        """The target called `name`; None means the default one.

        Raises ErosError: USAGE for an unknown target, CANNOT_START for profiles that cannot be read.
        """
        profile = read_yaml(self.profiles_dir / "profiles.yml").get(PROFILE) or {}
        outputs = profile.get("outputs") or {}
        name = name or dbt_option("TARGET", os.environ) or profile.get("target")
        if name is None or name not in outputs:
            raise UsageError(f"There is no target {name!r} in profiles.yml; known: {', '.join(outputs)}.")
        return Target(name, str(outputs[name].get("type")), outputs[name])


def dbt_option(name: str, env: Mapping[str, str]) -> str | None:
    """What the environment says of an option of dbt, which has two spellings; None if nothing."""
    return env.get(f"DBT_ENGINE_{name}") or env.get(f"DBT_{name}")


def _whole_number(variable: str, default: int, unit: str = "days") -> int:
    given = os.environ.get(variable) or str(default)
    if not given.isdecimal() or len(given) > 5 or int(given) < 1:
        raise UsageError(
            f"{variable} must be a whole number of {unit} from 1 to 99999, not {one_sentence(given, 40)!r}."
        )
    return int(given)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises ErosError (CANNOT_START) for a file that is missing, is not YAML, or holds no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    except OSError as error:
        raise CannotStartError(f"{path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2025-02-30 is a ValueError
        message = one_sentence(str(error))
        raise CannotStartError(f"{path} is not valid YAML: {message}") from None
    if not isinstance(content, dict):
        raise CannotStartError(f"{path} must hold a mapping.")
    return content
