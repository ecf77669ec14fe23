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
    fields = {field.name for field in dataclasses.fields(Settings)} - {"sources", "shown"}
    assert {setting.field for setting in SETTINGS} == fields


def test_env_example_is_what_the_table_says() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == example()


def test_env_example_copied_to_env_changes_nothing(tmp_path: Path) -> None:
    plain = load(tmp_path)
    (tmp_path / ".env").write_text(example(), encoding="utf-8")
    copied = load(tmp_path, environment={})
    assert dataclasses.replace(copied, sources={}, shown={}) == dataclasses.replace(
        plain, sources={}, shown={}
    )


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


@pytest.mark.parametrize(
    "text", ["IB_PORT = [1]", "IB_PORT = true", "[IB_PORT]\na = 1", "LOG_FILE = 2026-11-20"]
)
def test_toml_value_that_is_no_text_or_number_is_refused(tmp_path: Path, text: str) -> None:
    write_toml(tmp_path, text)
    with pytest.raises(BadSetting, match=r"(IB_PORT|LOG_FILE) .* neither text nor a number"):
        load(tmp_path)


def test_toml_takes_numbers_booleans_and_names_in_either_case(tmp_path: Path) -> None:
    write_toml(
        tmp_path,
        "guard = false\nBELL = true\nib_port = 4002\nDEFAULT_TP_PCT = 1.5\nPAPER_SPEED = 1e2",
    )
    settings = load(tmp_path)
    assert (settings.guard, settings.bell) == (False, True)
    assert (settings.ib_port, settings.paper_speed) == (4002, 100.0)
    assert settings.default_tp_pct == Decimal("1.5")
    assert settings.shown["GUARD"] == "off"


# ---------------------------------------------------------------- tables of config.toml

OVERLAID = """
TRADING_MODE = "paper"
IB_PORT = 1
PAPER_SEED = 1
[common]
MAX_OPEN_POSITIONS = 2
LOG_LEVEL = "DEBUG"
[paper]
IB_PORT = 7497
MAX_OPEN_POSITIONS = 20
[live]
IB_PORT = 7496
TRADING_ENABLED = false
"""


def test_table_of_the_mode_overlays_what_is_common(tmp_path: Path) -> None:
    path = write_toml(tmp_path, OVERLAID)
    paper = load(tmp_path)
    assert (paper.ib_port, paper.max_open_positions, paper.trading_enabled) == (7497, 20, True)
    assert paper.sources["IB_PORT"] == f"[paper] in {path}"
    assert paper.sources["LOG_LEVEL"] == f"[common] in {path}"
    assert paper.sources["PAPER_SEED"] == str(path)
    live = load(tmp_path, environment={"TRADING_MODE": "LIVE"})
    assert (live.ib_port, live.max_open_positions, live.trading_enabled) == (7496, 2, False)
    assert live.sources["TRADING_ENABLED"] == f"[live] in {path}"


def test_mode_of_the_file_itself_chooses_its_table(tmp_path: Path) -> None:
    write_toml(tmp_path, OVERLAID.replace('"paper"', '"live"'))
    assert load(tmp_path).ib_port == 7496


def test_environment_goes_before_every_table(tmp_path: Path) -> None:
    write_toml(tmp_path, OVERLAID)
    settings = load(tmp_path, environment={"IB_PORT": "5", "LOG_LEVEL": "ERROR"})
    assert (settings.ib_port, settings.log_level) == (5, "ERROR")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[live]\nIB_PRT = 1", r"\[live\] in .* holds IB_PRT, .* did you mean IB_PORT\?"),
        ("[live]\nIB_PORT = 0", r"IB_PORT is '0' \(from \[live\] in .*\); it may hold a port"),
        ("[live]\nGUARD = 'maybe'", r"GUARD is 'maybe' \(from \[live\] in "),
        ("[live]\nIB_PORT = [1]", r"IB_PORT in \[live\] in .* neither text nor a number"),
        ("[paper]\nTRADING_MODE = 'live'", r"TRADING_MODE stands in \[paper\] in .* at the top"),
        ("[live]\nDESK_HOME = '/x'", r"DESK_HOME stands in \[live\] in .* in the environment"),
        ("[demo]\nIB_PORT = 1", r"the table \[demo\], which is none; there are \[common\]"),
        ("live = 1", r"live in .* is a table of settings: write \[live\]"),
        ("IB_PORT = 1\n[common]\nIB_PORT = 2", r"IB_PORT stands twice in .* at its top and in"),
        ("IB_PORT = 1\nib_port = 2", r"IB_PORT stands twice in "),
        ("TRADING_MODE = 'demo'", r"TRADING_MODE is 'demo' \(from "),
    ],
)
def test_mistake_anywhere_in_the_file_is_told_with_its_table(
    tmp_path: Path, text: str, words: str
) -> None:
    write_toml(tmp_path, text)
    with pytest.raises(BadSetting, match=words):
        load(tmp_path)


def test_mistake_in_the_file_is_told_also_where_the_environment_overrides_it(
    tmp_path: Path,
) -> None:
    write_toml(tmp_path, "IB_PORT = 0")
    with pytest.raises(BadSetting, match="IB_PORT is '0'"):
        load(tmp_path, environment={"IB_PORT": "7497"})


# ---------------------------------------------------------------- what must not be told


SECRET = "docker run -e TWS_PASSWORD=hunter2 gateway"  # noqa: S105 - the password of a test


def test_secret_is_told_nowhere(tmp_path: Path) -> None:
    settings = load(tmp_path, environment={"GATEWAY_COMMAND": SECRET})
    assert settings.gateway_command[-1] == "gateway"
    assert "hunter2" not in f"{settings!r} {settings.shown}"
    assert settings.shown["GATEWAY_COMMAND"] == "(set, not shown)"
    assert load(tmp_path).shown["GATEWAY_COMMAND"] == ""


def test_secret_that_is_wrong_is_told_without_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(BadSetting) as caught:
        load(tmp_path, environment={"GATEWAY_COMMAND": SECRET + ' "'})
    assert "hunter2" not in caught.value.message
    assert "GATEWAY_COMMAND is (set, not shown)" in caught.value.message


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
