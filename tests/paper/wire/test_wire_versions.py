from __future__ import annotations

import pytest

from apps.paper.wire import VersionRefused
from apps.paper.wire.versions import MAX_SERVER_VERSION, MIN_SERVER_VERSION, negotiate


@pytest.mark.parametrize(
    ("client", "agreed"),
    [
        pytest.param((157, 176), 176, id="ib_insync"),
        pytest.param((157, 178), 176, id="ib_async"),
        pytest.param((100, 157), 157, id="ibapi 9.81"),
        pytest.param((100, 225), 176, id="nautilus-ibapi"),
        pytest.param((157, 158), 157, id="158 is never answered"),
        pytest.param((158, 176), 176, id="from 158"),
        pytest.param((176, 200), 176, id="from 176"),
        pytest.param((100, 163), 163, id="in between"),
    ],
)
def test_the_highest_common_version_is_answered(client: tuple[int, int], agreed: int) -> None:
    assert negotiate(*client) == agreed


@pytest.mark.parametrize("client", [(177, 200), (201, 225)])
def test_a_client_that_is_too_new_is_refused_with_503_and_told_what_to_set(
    client: tuple[int, int],
) -> None:
    with pytest.raises(VersionRefused, match=r"157 to 176 .*: set the lowest .* to 176") as refused:
        negotiate(*client)
    assert (refused.value.code, refused.value.version) == (503, 176)
    assert refused.value.text == "The TWS is out of date and must be upgraded."


@pytest.mark.parametrize(
    ("client", "nearest"), [((100, 156), 156), ((158, 158), 158), ((170, 160), 160)]
)
def test_a_client_without_a_version_of_ours_is_refused_in_the_nearest_of_its_own(
    client: tuple[int, int], nearest: int
) -> None:
    with pytest.raises(VersionRefused, match=r"157 to 176 .*: use a newer client") as refused:
        negotiate(*client)
    assert (refused.value.code, refused.value.version) == (506, nearest)
    assert refused.value.text == "Unsupported version"


def test_158_is_never_the_answer() -> None:
    bounds = range(150, 190)
    for low in bounds:
        for high in bounds:
            try:
                version = negotiate(low, high)
            except VersionRefused:
                continue
            assert version != 158
            assert max(low, MIN_SERVER_VERSION) <= version <= min(high, MAX_SERVER_VERSION)
