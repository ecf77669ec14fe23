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


@pytest.mark.parametrize("client", [(177, 200), (100, 156), (158, 158), (170, 160)])
def test_without_a_common_version_the_client_is_refused_with_503(client: tuple[int, int]) -> None:
    with pytest.raises(VersionRefused, match=r"speaks versions .* 157 to 176") as refused:
        negotiate(*client)
    assert refused.value.code == 503


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
