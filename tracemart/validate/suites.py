"""Expectation suites as files: `expectations/<schema>/<table>.yml`, one per table, read and reviewed as text.

A file has `table` and `batches`. A batch is a query and what is expected of its rows:

- `name`       what the rows are, in words
- `query`      SQL; `current_setting('tracemart.now' | 'tracemart.zone' | 'tracemart.build_id')` are its parameters
- `named_by`   columns that name a row in messages
- `requires`   tables without which the batch is left out (a first build has no published marts to compare with)
- `expectations`  each one Great Expectations type with its arguments, a `severity` (`error` stops, `warning` is
  recorded), the `claim` in words, and the `remedy`: what to do when it does not hold
"""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tracemart.errors import SettingsError
from tracemart.settings import PROJECT_ROOT

EXPECTATIONS = PROJECT_ROOT / "expectations"

Stage = Literal["raw", "marts"]
Severity = Literal["error", "warning"]


class Expectation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(pattern="^expect_")
    arguments: dict[str, Any]
    severity: Severity
    claim: str = Field(min_length=1)
    remedy: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def one_type_with_arguments(cls, entry: Any) -> Any:
        types = [key for key in entry if str(key).startswith("expect_")]
        if len(types) != 1:
            raise ValueError("an expectation needs exactly one key that begins with expect_")
        rest = {key: value for key, value in entry.items() if key != types[0]}
        return {"type": types[0], "arguments": entry[types[0]], **rest}

    @property
    def column(self) -> str | None:
        column = self.arguments.get("column")
        return str(column) if column is not None else None


class Batch(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    query: str
    named_by: list[str] = []
    requires: list[str] = []
    expectations: list[Expectation] = Field(min_length=1)


class Suite(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = Field(pattern=r"^(raw|marts)\.[a-z_]+$")
    batches: list[Batch] = Field(min_length=1)

    @property
    def name(self) -> str:
        """Path of its file below `expectations/`, without the ending."""
        return self.table.replace(".", "/")


def read_suites(stage: Stage, folder: Path = EXPECTATIONS) -> list[Suite]:
    """The suites of one schema in the order of their names. Raises SettingsError that names file and place."""
    suites = []
    for file in sorted((folder / stage).glob("*.yml")):
        try:
            suite = Suite.model_validate(yaml.safe_load(file.read_text()))
        except yaml.YAMLError:
            raise SettingsError(f"{file} is no YAML; mend it or take back the last change.") from None
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise SettingsError(f"{file}: {where}: {problem['msg'].removeprefix('Value error, ')}.") from None
        if suite.table != f"{stage}.{file.stem}":
            raise SettingsError(f"{file}: table: it says {suite.table}; a suite is named as its table.")
        suites.append(suite)
    if not suites:
        raise SettingsError(f"{folder / stage} holds no expectation suite; take the folder from the release.")
    return suites
