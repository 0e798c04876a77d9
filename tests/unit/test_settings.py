"""Settings: what is read from where, what goes before what, and what a wrong one says."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tracemart.errors import SettingsError
from tracemart.settings import PROJECT_ROOT, Settings, default_home

PROJECT = {"instance": "demo", "host": "http://127.0.0.1:3000", "public_key": "pk-lf-1", "secret_key": "sk-lf-1"}


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.load()
    assert settings.home == default_home()
    assert settings.database_url is None
    assert settings.timezone == settings.zone.key == "UTC"
    assert settings.store_io == "no"
    assert settings.report_recipients == []


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "team.env"
    file.write_text("TRACEMART_TIMEZONE=Asia/Tokyo\nTRACEMART_CURRENCY=EUR\nSOMETHING_ELSE=1\n")
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    monkeypatch.setenv("TRACEMART_TIMEZONE", "Europe/Istanbul")
    settings = Settings.load()
    assert (settings.timezone, settings.currency) == ("Europe/Istanbul", "EUR")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TIMEZONE", "DATABASE_URL", "AS_OF", "STORE_IO", "SMTP_URL", "REPORT_RECIPIENTS", "HOME"):
        monkeypatch.setenv(f"TRACEMART_{name}", "")
    assert Settings.load() == Settings()


def test_relative_paths_are_below_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEMART_HOME", "state")
    monkeypatch.setenv("TRACEMART_PROJECTS_FILE", "/etc/projects.yml")
    settings = Settings.load()
    assert settings.home == PROJECT_ROOT / "state"
    assert settings.projects_file == Path("/etc/projects.yml")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TRACEMART_TIMEZONE", "Mars/Olympus", "no time zone; use a name such as"),
        ("TRACEMART_TIMEZONE", "../../etc/passwd", "no time zone"),
        ("TRACEMART_CURRENCY", "eur", "no currency; use its three letters"),
        ("TRACEMART_AS_OF", "yesterday", "valid datetime"),
        ("TRACEMART_STORE_IO", "everything", "'no' or 'redacted'"),
    ],
)
def test_a_wrong_value_is_named_in_one_sentence(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    message = str(caught.value)
    assert message.startswith(f"{variable} is not usable: ")
    assert says in message
    assert message.endswith("Mend it in .env or the environment.")
    assert "\n" not in message


@given(
    st.lists(st.from_regex(r"[a-z.]{1,12}@[a-z]{1,12}\.example", fullmatch=True), max_size=6),
    st.sampled_from([",", " , ", ",,", ", "]),
)
def test_recipients_are_split_at_commas(addresses: list[str], separator: str) -> None:
    assert Settings(report_recipients=separator.join(addresses)).report_recipients == addresses  # type: ignore[arg-type]


@given(
    st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_as_of_is_kept_as_the_same_moment_in_utc(local: datetime, offset: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert Settings(as_of=moment).now() == moment
    assert Settings(as_of=moment).now().utcoffset() == timedelta(0)
    assert Settings(as_of=local).now() == local.replace(tzinfo=UTC)


def test_without_as_of_now_is_the_clock() -> None:
    before = datetime.now(UTC)
    assert before <= Settings().now() <= datetime.now(UTC)


def test_three_variables_make_one_project() -> None:
    settings = Settings(
        langfuse_host="https://langfuse.example.com/",
        langfuse_public_key="pk-lf-1",
        langfuse_secret_key=SecretStr("sk-lf-1"),
        projects_file=Path("/nowhere"),
    )
    (project,) = settings.projects()
    assert (project.instance, project.host) == ("langfuse", "https://langfuse.example.com")
    assert project.secret_key.get_secret_value() == "sk-lf-1"
    assert "sk-lf-1" not in repr(settings) + repr(project)


def test_no_project_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="LANGFUSE_HOST, LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"):
        Settings(langfuse_host="https://x.example", projects_file=Path("/nowhere")).projects()


def test_a_file_of_projects_goes_before_the_three_variables(tmp_path: Path) -> None:
    file = tmp_path / "projects.yml"
    file.write_text(json.dumps({"projects": [PROJECT, {**PROJECT, "public_key": "pk-lf-2", "name": "Second"}]}))
    settings = Settings(langfuse_host="https://x.example", projects_file=file)
    assert [(project.public_key, project.name) for project in settings.projects()] == [
        ("pk-lf-1", None), ("pk-lf-2", "Second"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps({"projects": [{**PROJECT, "host": "langfuse.example.com"}]}), "host"),
        (json.dumps({"projects": [{**PROJECT, "instance": "Two Words"}]}), "instance"),
        (json.dumps({"projects": [{**PROJECT, "secret": "sk-lf-hidden"}]}), "secret"),
        ("projects: [", "not a list of Langfuse projects"),
        ("projects:", "not a list of Langfuse projects"),
        ("", "not a list of Langfuse projects"),
        ("- demo", "not a list of Langfuse projects"),
    ],
)
def test_a_bad_file_of_projects_is_refused_whole(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "projects.yml"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        Settings(projects_file=file).projects()
    assert str(file) in str(caught.value)
    assert says in str(caught.value)
    assert "sk-lf" not in str(caught.value)
    assert "\n" not in str(caught.value)


def activate(home: Path, asked: str | None, **settings: object) -> None:
    content = {"name": "a", "is_demo": True, "asked_database_url": asked, "settings": settings}
    (home / "active.json").write_text(json.dumps(content))


def test_the_active_instance_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    activate(tmp_path, None, database_url="postgresql://o:p@127.0.0.1:5432/demo", as_of="2026-01-31T00:00:00+00:00")
    monkeypatch.setenv("TRACEMART_HOME", str(tmp_path))
    settings = Settings.load()
    assert settings.now() == datetime(2026, 1, 31, tzinfo=UTC)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("/demo")


def test_another_warehouse_leaves_the_active_instance_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://o:p@127.0.0.1:5432/demo"
    activate(tmp_path, None, database_url=url, timezone="Asia/Tokyo")
    monkeypatch.setenv("TRACEMART_HOME", str(tmp_path))
    monkeypatch.setenv("TRACEMART_DATABASE_URL", "postgresql://o:p@127.0.0.1:5432/another")
    assert Settings.load().timezone == "UTC"
    monkeypatch.setenv("TRACEMART_DATABASE_URL", url)
    assert Settings.load().timezone == "Asia/Tokyo"
