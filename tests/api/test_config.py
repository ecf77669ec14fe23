from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path

import pytest

from apps.api.config import SETTINGS, Settings, example, load_settings
from apps.api.outcomes import ExitCode, exit_code_of
from apps.domain.errors import BadSetting

ROOT = Path(__file__).parents[2]


def load(
    tmp_path: Path,
    *,
    line: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
    project: Path | None = None,
) -> Settings:
    home = {"DESK_HOME": str(tmp_path / "home")}
    return load_settings(
        line or {}, home | (environment or {}), working_folder=tmp_path, project_root=project
    )


def write_toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "home" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_table_and_dataclass_name_the_same_settings() -> None:
    fields = {field.name for field in dataclasses.fields(Settings)} - {"sources"}
    assert {setting.field for setting in SETTINGS} == fields


def test_env_example_is_what_the_table_says() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example()


def test_env_example_copied_to_env_changes_nothing(tmp_path: Path) -> None:
    plain = load(tmp_path)
    (tmp_path / ".env").write_text(example(), encoding="utf-8")
    copied = load(tmp_path, environment={})
    assert dataclasses.replace(copied, sources={}) == dataclasses.replace(plain, sources={})


def test_defaults_hold_when_nothing_is_said(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.embedded
    assert not settings.live
    assert settings.default_qty == Decimal(100)
    assert settings.sources["IB_PORT"] == "the default"


def test_each_layer_gives_way_to_the_one_before_it(tmp_path: Path) -> None:
    toml = write_toml(
        tmp_path, "PAPER_SEED = 1\nPAPER_SPEED = 1.5\nIB_PORT = 1\nLOG_LEVEL = 'info'"
    )
    (tmp_path / ".env").write_text("PAPER_SPEED=2\nIB_PORT=2\nLOG_LEVEL=debug\n", encoding="utf-8")
    settings = load(
        tmp_path,
        line={"LOG_LEVEL": "ERROR"},
        environment={"IB_PORT": "3", "LOG_LEVEL": "WARNING"},
    )
    assert settings.paper_seed == 1
    assert settings.paper_speed == 2.0
    assert settings.ib_port == 3
    assert settings.log_level == "ERROR"
    assert settings.sources["PAPER_SEED"] == str(toml)
    assert settings.sources["PAPER_SPEED"] == str(tmp_path / ".env")
    assert settings.sources["IB_PORT"] == "the environment"
    assert settings.sources["LOG_LEVEL"] == "the command line"


def test_env_file_of_the_working_folder_hides_that_of_the_project(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".env").write_text("IB_PORT=1\nPAPER_SEED=7\n", encoding="utf-8")
    assert load(tmp_path, project=project).paper_seed == 7
    (tmp_path / ".env").write_text("IB_PORT=2\n", encoding="utf-8")
    settings = load(tmp_path, project=project)
    assert (settings.ib_port, settings.paper_seed) == (2, 1)


def test_empty_host_in_the_environment_overrides_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("IB_HOST=127.0.0.1\n", encoding="utf-8")
    assert not load(tmp_path).embedded
    assert load(tmp_path, environment={"IB_HOST": ""}).embedded


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("IB_PORT", "seventy"),
        ("IB_PORT", "0"),
        ("IB_PORT", "65536"),
        ("IB_PORT", "7_497"),
        ("IB_PORT", ""),
        ("IB_CLIENT_ID", "0"),
        ("TRADING_MODE", "demo"),
        ("DEFAULT_SYMBOL", ""),
        ("DEFAULT_SYMBOL", "A B"),
        ("DEFAULT_QTY", "0"),
        ("DEFAULT_QTY", "-1"),
        ("DEFAULT_QTY", "1.5"),
        ("DEFAULT_TP_PCT", "0"),
        ("DEFAULT_TP_PCT", "one"),
        ("DEFAULT_SL_PCT", "100"),
        ("DEFAULT_SL_PCT", "nan"),
        ("MAX_ORDER_NOTIONAL", "-5"),
        ("MAX_ORDER_NOTIONAL", "Infinity"),
        ("MAX_OPEN_POSITIONS", "0"),
        ("MAX_DAILY_LOSS", "lots"),
        ("LOG_LEVEL", "LOUD"),
        ("PAPER_SEED", "-1"),
        ("PAPER_SPEED", "0"),
        ("PAPER_SPEED", "1e9"),
    ],
)
def test_bad_value_is_one_sentence_with_name_value_and_what_it_may_hold(
    tmp_path: Path, name: str, held: str
) -> None:
    with pytest.raises(BadSetting) as caught:
        load(tmp_path, environment={name: held})
    sentence = caught.value.message
    may_hold = next(setting.may_hold for setting in SETTINGS if setting.name == name)
    assert sentence == f"{name} is {held!r} (from the environment); it may hold {may_hold}."
    assert exit_code_of(caught.value) is ExitCode.USAGE


def test_unknown_toml_key_is_refused_by_name(tmp_path: Path) -> None:
    write_toml(tmp_path, "MAX_ORDER_NOTIONL = 100")
    with pytest.raises(BadSetting, match="MAX_ORDER_NOTIONL, which is no setting"):
        load(tmp_path)


def test_desk_home_in_its_own_toml_is_refused(tmp_path: Path) -> None:
    write_toml(tmp_path, "DESK_HOME = '/elsewhere'")
    with pytest.raises(BadSetting, match="set it in the environment"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["IB_PORT = [1]", "IB_PORT = true", "[IB_PORT]\na = 1"])
def test_toml_value_that_is_no_text_or_number_is_refused(tmp_path: Path, text: str) -> None:
    write_toml(tmp_path, text)
    with pytest.raises(BadSetting, match=r"IB_PORT .* neither text nor a number"):
        load(tmp_path)


@pytest.mark.parametrize("text", [b"IB_PORT = ", b"\xff\xfe"])
def test_broken_toml_is_told_with_its_path(tmp_path: Path, text: bytes) -> None:
    path = write_toml(tmp_path, "")
    path.write_bytes(text)
    with pytest.raises(BadSetting, match=r"config\.toml cannot be read"):
        load(tmp_path)


def test_env_file_that_is_not_utf8_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"IB_HOST=\xff\xfe\n")
    with pytest.raises(BadSetting, match=r"\.env cannot be read"):
        load(tmp_path)


def test_percent_sign_and_letter_case_are_forgiven(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        environment={"DEFAULT_TP_PCT": "2%", "DEFAULT_SYMBOL": "msft", "TRADING_MODE": "Live"},
    )
    assert settings.default_tp_pct == Decimal(2)
    assert settings.default_symbol == "MSFT"
    assert settings.live
