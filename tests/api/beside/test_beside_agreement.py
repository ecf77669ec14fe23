from __future__ import annotations

from pathlib import Path

import pytest

from apps.api.beside.agreement import Given, check_agreement, given_by
from apps.api.config import Settings, load_settings
from apps.domain.errors import BadSetting

ACCOUNT = "DU1234567"
GATEWAY = {"IB_HOST": "127.0.0.1", "IB_PORT": "4002"}


def settings(tmp_path: Path, by_hand: dict[str, str], around: dict[str, str]) -> Settings:
    return load_settings(by_hand, {"DESK_HOME": str(tmp_path)} | around, working_folder=tmp_path)


def given(tmp_path: Path, *by_hand: dict[str, str], **around: str) -> Given:
    return given_by(settings(tmp_path, dict(*by_hand), around))


def test_what_is_at_its_default_is_the_running_desks_affair(tmp_path: Path) -> None:
    there = settings(tmp_path, {}, {"MAX_ORDER_QTY": "5", "PAPER_SPEED": "60"})
    check_agreement(given(tmp_path), there, ACCOUNT)


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_is_set_for_the_command_has_to_be_so_in_the_desk(
    tmp_path: Path, by_hand: bool
) -> None:
    there = settings(tmp_path, {}, {"MAX_DAILY_LOSS": "2500.0"})
    same, other = {"MAX_DAILY_LOSS": "2500"}, {"MAX_DAILY_LOSS": "100"}
    source = "the command line" if by_hand else "the environment"
    check_agreement(given(tmp_path, same) if by_hand else given(tmp_path, **same), there, ACCOUNT)
    with pytest.raises(BadSetting, match=f"MAX_DAILY_LOSS is '100'.*{source}.*'2500.0' in the"):
        check_agreement(
            given(tmp_path, other) if by_hand else given(tmp_path, **other), there, ACCOUNT
        )


def test_other_port_is_told_even_at_its_default(tmp_path: Path) -> None:
    there = settings(tmp_path, {}, GATEWAY)
    with pytest.raises(BadSetting, match=r"IB_PORT is '7497'.*from the default.*'4002'"):
        check_agreement(given(tmp_path, IB_HOST="127.0.0.1"), there, ACCOUNT)


def test_account_is_compared_with_the_one_that_the_desk_has(tmp_path: Path) -> None:
    there = settings(tmp_path, {}, GATEWAY)
    check_agreement(given(tmp_path, IB_ACCOUNT=ACCOUNT, **GATEWAY), there, ACCOUNT)
    with pytest.raises(BadSetting, match=r"IB_ACCOUNT is 'DU2'.*'DU1234567'"):
        check_agreement(given(tmp_path, IB_ACCOUNT="DU2", **GATEWAY), there, ACCOUNT)


def test_bell_log_and_what_the_gateway_in_use_does_not_have_are_the_commands_own(
    tmp_path: Path,
) -> None:
    mine = given(tmp_path, BELL="off", LOG_LEVEL="DEBUG", IB_PORT="1", IB_CLIENT_ID="9")
    check_agreement(mine, settings(tmp_path, {}, {}), ACCOUNT)
    mine = given(tmp_path, PAPER_SPEED="60", GATEWAY_COMMAND="ibc --password hidden", **GATEWAY)
    check_agreement(mine, settings(tmp_path, {}, GATEWAY), ACCOUNT)
    assert "hidden" not in str(mine)


def test_halt_is_refused_for_another_gateway_on_its_command_line_alone(tmp_path: Path) -> None:
    mine = settings(tmp_path, {}, {"MAX_ORDER_QTY": "5", "IB_PORT": "4001"} | {"IB_HOST": "::1"})
    assert given_by(mine, by_hand_alone=True) == {}
    mine = settings(tmp_path, {"IB_PORT": "4001", "MAX_ORDER_QTY": "5"}, {"IB_HOST": "::1"})
    assert set(given_by(mine, by_hand_alone=True)) == {"IB_PORT"}


def test_setting_that_the_desk_does_not_know_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="MOOD is no setting of the desk that runs"):
        check_agreement({"MOOD": ("good", "x")}, settings(tmp_path, {}, {}), ACCOUNT)
