from __future__ import annotations

from pathlib import Path

import pytest

from apps.domain.errors import InvalidInput
from apps.paper.faults.fault import Fault, When
from apps.paper.faults.messages import Drop
from apps.paper.program.options import HelpWanted, launch_of
from tests.paper.faults.fault_side import a_stage, codes, ids, synced

SCENARIO = 'seed = 5\n[[fault]]\ndo = "error"\ncode = 2110\nafter_s = 10\n'


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    file = tmp_path / "morning.toml"
    file.write_text(SCENARIO)
    return str(file)


def test_scenario_and_faults_of_the_command_line_add_up(scenario: str) -> None:
    launch = launch_of(
        ["--fault", "drop on=error", "--scenario", scenario, "--fault", "drop on=openOrder"]
    )
    assert [each.label for each in launch.settings.faults] == ["error", "drop", "drop"]
    assert launch.settings.faults[1] == Fault(Drop(), When(on="error"))
    assert launch.settings.fault_seed == 5


def test_seed_of_the_command_line_goes_before_that_of_the_scenario(scenario: str) -> None:
    launch = launch_of(["--fault-seed", "9", "--scenario", scenario])
    assert launch.settings.fault_seed == 9


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fault", "drip"], "--fault: 'drip' is not a fault"),
        (["--scenario", "no/such.toml"], "scenario no/such.toml cannot be read: No such file"),
        (["--fault-seed", "x"], "a whole number"),
    ],
)
def test_wrong_faults_are_one_sentence(words: list[str], says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        launch_of(words)
    assert "\n" not in caught.value.message


def test_wrong_scenario_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text('[[fault]]\ndo = "bust"\n\nsymbl = "KO"\n')
    with pytest.raises(InvalidInput, match=r"bad\.toml, line 4: 'symbl' is not a key"):
        launch_of(["--scenario", str(file)])


def test_list_of_faults_is_for_the_asking() -> None:
    with pytest.raises(HelpWanted) as wanted:
        launch_of(["--list-faults"])
    assert "hold_client_id for_s=0" in wanted.value.text


async def test_faults_of_the_settings_are_there_from_the_start(scenario: str) -> None:
    faults = launch_of(["--scenario", scenario, "--fault", "drop on=managedAccounts"]).settings
    async with a_stage(faults=faults.faults) as stage:
        client = await stage.connect()
        await client.hello()
        client.send(71, 2, 1, "")
        assert ids(await synced(client))[0] == "9", "the accounts were dropped"
        stage.play(10)
        assert codes(await synced(client)) == [2110]
