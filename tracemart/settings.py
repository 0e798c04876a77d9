"""What a team can set, from the environment, `.env` and `projects.yml`; `.env.example` documents each."""

import hashlib
import json
import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tracemart.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
ACTIVE_INSTANCE_FILE = "active.json"


def default_home() -> Path:
    """`.tracemart` in the project; as root, where PostgreSQL runs as another user, a folder that user can reach."""
    home = PROJECT_ROOT / ".tracemart"
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in [PROJECT_ROOT, *PROJECT_ROOT.parents]):
        return home
    digest = hashlib.sha256(str(PROJECT_ROOT).encode()).hexdigest()[:8]
    return Path("/var/lib/tracemart") / f"{PROJECT_ROOT.name}-{digest}"


class LangfuseProject(BaseModel):
    """One Langfuse project and the key that reads it; `name` labels it until the server tells its own.

    `requests_per_minute` is the limit of the project's organisation, as the server states it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    host: str = Field(pattern=r"^https?://")
    public_key: str = ""
    secret_key: SecretStr = SecretStr("")
    name: str | None = None
    api: Literal["auto", "v4", "v3"] = "auto"
    export: str | None = None
    requests_per_minute: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def can_be_read(self) -> "LangfuseProject":
        has_keys = bool(self.public_key and self.secret_key.get_secret_value())
        if not has_keys and (self.public_key or not self.export):
            raise ValueError("a project needs public_key and secret_key, or the address of its export alone")
        return self


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="TRACEMART_",
        env_file=os.environ.get("TRACEMART_ENV_FILE", PROJECT_ROOT / ".env"),
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
    )

    home: Path = Field(default_factory=default_home)
    database_url: SecretStr | None = None
    projects_file: Path = PROJECT_ROOT / "projects.yml"
    timezone: str = "UTC"
    currency: str = "USD"
    overlaps: str = "2h, 48h/6h, 30d/1d"
    rejected_share: float = Field(default=0.05, ge=0, le=1)
    raw_retention_months: int | None = Field(default=None, ge=1)
    reconciled_days: int = Field(default=35, ge=1)
    store_io: Literal["no", "redacted"] = "no"
    metadata_keys: Annotated[list[str], NoDecode] = ["*"]
    user_ids: Literal["plain", "hmac"] = "plain"
    user_id_key: SecretStr | None = None
    smtp_url: SecretStr | None = None
    report_recipients: Annotated[list[str], NoDecode] = []
    report_sender: str = "tracemart@localhost"
    superset_url: str | None = None
    as_of: datetime | None = None
    langfuse_concurrency: int = Field(default=2, ge=1)
    langfuse_wait_seconds: float | None = Field(default=None, ge=0)

    langfuse_host: str | None = Field(default=None, validation_alias="LANGFUSE_HOST")
    langfuse_public_key: str | None = Field(default=None, validation_alias="LANGFUSE_PUBLIC_KEY")
    langfuse_secret_key: SecretStr | None = Field(default=None, validation_alias="LANGFUSE_SECRET_KEY")

    @field_validator("report_recipients", "metadata_keys", mode="before")
    @classmethod
    def split_at_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [entry.strip() for entry in value.split(",") if entry.strip()]
        return value

    @field_validator("timezone")
    @classmethod
    def timezone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; use a name such as Europe/Istanbul") from None
        return value

    @field_validator("currency")
    @classmethod
    def currency_has_three_letters(cls, value: str) -> str:
        if not (len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()):
            raise ValueError(f"{value!r} is no currency; use its three letters of ISO 4217, such as EUR")
        return value

    @field_validator("as_of")
    @classmethod
    def as_of_has_zone(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @field_validator("home", "projects_file")
    @classmethod
    def path_is_absolute(cls, value: Path) -> Path:
        return value if value.is_absolute() else PROJECT_ROOT / value

    @classmethod
    def load(cls) -> "Settings":
        """Settings of the environment and `.env`, under those of the instance that `./run demo` or `up` made active.

        Raises SettingsError.
        """
        configured = cls.configured()
        return cls.configured(**configured.active_instance())

    @classmethod
    def configured(cls, **settings: Any) -> "Settings":
        """Settings of the environment and `.env` alone, under those given. Raises SettingsError."""
        try:
            return cls(**settings)
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            name = ".".join(str(part) for part in problem["loc"])
            variable = name if name.isupper() else f"TRACEMART_{name.upper()}"
            message = problem["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{variable} is not usable: {message}. Mend it in .env or the environment.") from None

    def active_instance(self) -> dict[str, Any]:
        """Settings of the active instance; none if the warehouse was named anew since it was started."""
        file = self.home / ACTIVE_INSTANCE_FILE
        if not file.exists():
            return {}
        instance = json.loads(file.read_text())
        asked = self.database_url.get_secret_value() if self.database_url else None
        if asked is not None and asked not in (instance["asked_database_url"], instance["settings"]["database_url"]):
            return {}
        settings: dict[str, Any] = instance["settings"]
        return settings

    def now(self) -> datetime:
        """The moment that freshness, forecasts and report weeks are counted from, in UTC."""
        return self.as_of or datetime.now(UTC)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def projects(self) -> list[LangfuseProject]:
        """Langfuse projects to extract. Raises SettingsError where none is set or one is incomplete."""
        if self.projects_file.exists():
            return self._projects_in_file()
        if not (self.langfuse_host and self.langfuse_public_key and self.langfuse_secret_key):
            raise SettingsError(
                "No Langfuse project is set: put LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
                f" into .env, or list several projects in {self.projects_file}."
            )
        return [
            LangfuseProject(
                instance="langfuse",
                host=self.langfuse_host.rstrip("/"),
                public_key=self.langfuse_public_key,
                secret_key=self.langfuse_secret_key,
            )
        ]

    def _projects_in_file(self) -> list[LangfuseProject]:
        try:
            content = yaml.safe_load(self.projects_file.read_text())
            return [LangfuseProject.model_validate(entry) for entry in content["projects"]]
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise SettingsError(f"{self.projects_file}: {where}: {problem['msg']}.") from None
        except (yaml.YAMLError, KeyError, TypeError, OSError):
            raise SettingsError(
                f"{self.projects_file} is not a list of Langfuse projects; projects.example.yml shows one."
            ) from None
