from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from apps.paper.clock import millis_of
from apps.paper.settings import GatewaySettings
from apps.paper.state.opening import Kept, Opening, opening_on

NOON = datetime(2026, 11, 19, 17, 0, 0, 123_000, tzinfo=UTC)
LATER = datetime(2026, 11, 20, tzinfo=UTC)
WANTED = GatewaySettings(seed=3)


def test_new_file_has_everything_as_it_was_asked_for() -> None:
    assert opening_on(Kept(), WANTED) == Opening(WANTED)


def test_market_goes_on_to_the_millisecond_where_it_was() -> None:
    opening = opening_on(Kept(millis_of(NOON), Decimal(250_000), ("DU1234567",)), WANTED)
    assert opening.settings.start == NOON
    assert opening.notices == ()


def test_later_start_is_followed_and_an_earlier_one_is_not_and_said() -> None:
    kept = Kept(millis_of(NOON), Decimal(250_000), ("DU1234567",))
    assert opening_on(kept, GatewaySettings(start=LATER)).settings.start == LATER
    opening = opening_on(Kept(millis_of(LATER), Decimal(250_000)), GatewaySettings(start=NOON))
    assert opening.settings.start == LATER
    (notice,) = opening.notices
    assert "2026-11-20 00:00:00 UTC" in notice
    assert "not from 2026-11-19 17:00:00" in notice


def test_accounts_nobody_named_give_way_to_the_files() -> None:
    kept = Kept(None, Decimal(250_000), ("DU5", "DU6"))
    assert opening_on(kept, WANTED, names_accounts=False).settings.accounts == ("DU5", "DU6")
    assert opening_on(kept, WANTED).settings.accounts == ("DU1234567",)


def test_cash_is_what_the_file_began_with_and_other_cash_is_said() -> None:
    kept = Kept(None, Decimal(1_000), ("DU1234567",))
    assert opening_on(kept, WANTED) == Opening(
        GatewaySettings(seed=3, cash=Decimal(1_000)),
    )
    opening = opening_on(kept, WANTED, names_cash=True)
    assert opening.settings.cash == 1_000
    (notice,) = opening.notices
    assert "began with 1000" in notice
