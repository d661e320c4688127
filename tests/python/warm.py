"""What every command would work out anew: the forkserver of harness.py has it done before it forks."""

from importlib import import_module

from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.artifacts.resources.v1.config import Hook
from dbt.contracts.project import Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags
from dbt.contracts.selection import SelectorFile
from dbt.task.test import TestResultData

from eros_dbt_runner.cli import cli

for contract in (
    Configuration, DuckDBCredentials, Hook, PackageConfig, ProfileConfig, Project, ProjectFlags, SelectorFile,
    TestResultData,
):  # fmt: skip
    contract.json_schema()  # dbt keeps what it has worked out for a class

for module, _ in cli.known.values():
    if module != "sample_data.commands":  # numpy and pyarrow start threads, which no fork takes along
        import_module(f"eros_dbt_runner.{module}")
