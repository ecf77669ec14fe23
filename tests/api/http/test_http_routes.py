"""Every route and every refusal, over a real socket, against a desk on the paper gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from apps.api.http import incoming
from apps.api.http import server as http_server
from apps.api.http.operations import Call, Operation, Outcome
from apps.api.http.problems import MEDIA_TYPE
from apps.domain.errors import (
    AlreadyDone,
    BrokerError,
    BrokerRejected,
    DeadlineExceeded,
    DeskError,
    JournalLost,
    NotConnected,
    RiskRefused,
    TradingDisabled,
    TradingHalted,
)
from apps.engine.routines.catalogue import ROUTINES
from tests.api.http.serving import TOKEN, Served, on_fakes, on_paper
from tests.api.programs import ROOT
from tests.api.stand_ins import FakeDesk
from tests.engine_on_paper.play import Play

WATCH = {"symbol": "AAPL", "level": 190.50, "quantity": 10}


@pytest.fixture
async def both() -> AsyncIterator[tuple[Play, Served]]:
    async with on_paper() as found:
        yield found


@pytest.fixture
async def play(both: tuple[Play, Served]) -> Play:
    return both[0]


@pytest.fixture
async def served(both: tuple[Play, Served]) -> Served:
    return both[1]


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    return found


async def unlinked(play: Play) -> None:
    """Lose the link for good."""
    play.wire.target = 1
    play.wire.cut()
    await play.until(lambda: not play.desk.link.takes_orders)


def every_route(served: Served) -> list[tuple[str, str]]:
    routes = [each for each in served.app.api.routes if isinstance(each, APIRoute)]
    assert len(routes) == len(served.app.operations)
    return [(method, each.path) for each in routes for method in sorted(each.methods or ())]


# ------------------------------------------------------------------------------------ reading


async def test_what_can_be_looked_at_is_what_the_commands_show(play: Play, served: Served) -> None:
    await play.protected()
    get = served.caller.get
    assert (await get("/account")).json()["account"] == "DU1234567"
    assert (await get("/account")).json()["trading"] == "active"
    (position,) = (await get("/positions")).json()
    assert (position["position"]["symbol"], position["ours"]) == ("AAPL", "10")
    assert {each["order_type"] for each in (await get("/orders")).json()} == {"LMT", "STP"}
    assert [each["quantity"] for each in (await get("/executions")).json()] == ["10"]
    assert [each["id"] for each in (await get("/watchers")).json()] == ["w1"]
    quote = (await get("/quotes/AAPL")).json()
    assert quote["quote"]["bid"] == "190.59"
    assert (await get("/quotes/aapl")).status_code == 200


async def test_every_routine_is_served_by_both_methods(served: Served) -> None:
    routes = every_route(served)
    for routine in ROUTINES:
        assert ("GET", f"/{routine.name}") in routes
        assert ("POST", f"/{routine.name}") in routes


async def test_a_routine_that_reads_answers_get_and_post_alike(served: Served) -> None:
    got = (await served.caller.get("/summary")).json()
    posted = (await served.caller.post("/summary")).json()
    assert got == posted
    assert got["intent"] == "summary"
    assert got["utcTimestamp"].endswith("Z")
    assert got["result"]["account"]["account"] == "DU1234567"


async def test_get_of_a_routine_that_trades_sends_nothing_and_post_does(
    play: Play, served: Served
) -> None:
    await play.protected()
    tried = (await served.caller.get("/close-all?symbols=AAPL")).json()
    assert (tried["dry_run"], len(tried["result"]["would_close"])) == (True, 1)
    assert play.held() == 10
    done = await play.done(served.caller.post("/close-all", json={"symbols": ["AAPL"]}))
    assert done.json()["is_done"]
    assert play.is_flat()


async def test_a_dry_run_by_post_sends_nothing_wherever_it_is_said(
    play: Play, served: Served
) -> None:
    await play.protected()
    for asked in (
        served.caller.post("/close-all", json={"dry_run": True}),
        served.caller.post("/close-all?dry_run=true"),
    ):
        assert (await asked).json()["dry_run"] is True
    assert play.held() == 10


async def test_get_of_a_routine_that_trades_cannot_be_made_to_send(served: Served) -> None:
    found = problem(await served.caller.get("/close-all?dry_run=false"), 422)
    assert "dry_run" in found["problems"]


async def test_what_changes_the_desks_reckoning_is_not_taken_by_get(served: Served) -> None:
    found = problem(await served.caller.get("/reconcile?adopt=true"), 422)
    assert found["problems"] == {"adopt": "is for POST: GET changes nothing"}
    assert (await served.caller.post("/reconcile", json={"adopt": True})).status_code == 200


async def test_health_and_readiness_are_told_apart(play: Play, served: Served) -> None:
    assert (await served.caller.get("/health")).json() == {"status": "alive"}
    ready = await served.caller.get("/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    await unlinked(play)
    assert (await served.caller.get("/health")).status_code == 200
    found = problem(await served.caller.get("/ready"), 503)
    assert found["type"].endswith("not-ready")
    assert found["problems"].keys() == {"link"}


async def test_a_halt_leaves_the_desk_ready_and_says_so(play: Play, served: Served) -> None:
    await play.done(play.desk.halt())
    ready = await served.caller.get("/ready")
    assert (ready.status_code, ready.json()["trading"]) == (200, "halted")


async def test_the_document_tells_of_every_route(served: Served) -> None:
    document = (await served.caller.get("/openapi.json")).json()
    told = {(method.upper(), path) for path, all_ in document["paths"].items() for method in all_}
    assert told == set(every_route(served))
    assert "http" not in json.dumps(document["paths"])  # nothing is fetched from elsewhere
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert "401" in operation["responses"]


async def test_the_page_tells_of_every_route(served: Served) -> None:
    page = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
    for operation in served.app.operations:
        place = operation.path.partition("{")[0].rstrip("/")
        assert f"$at{place}" in page or f"`{operation.path}`" in page, operation.path
        if operation.path.strip("/") in {each.name for each in ROUTINES}:
            assert f"### {operation.path.strip('/')}" in page


# ------------------------------------------------------------------------------------ watchers


async def test_a_watcher_is_previewed_started_listed_and_stopped(
    play: Play, served: Served
) -> None:
    post = served.caller.post
    preview = (await post("/watchers", json={**WATCH, "dry_run": True})).json()
    assert preview["result"]["money_at_risk"] == "13.30"
    assert (await served.caller.get("/watchers")).json() == []
    started = (await post("/watchers", json=WATCH)).json()
    assert (started["result"]["id"], started["result"]["level"]) == ("w1", "190.5")
    await play.sync()
    (stopped,) = (await served.caller.delete("/watchers/w1")).json()
    assert stopped["end_reason"] == "stopped"
    problem(await served.caller.delete("/watchers/w9"), 404)


async def test_a_level_keeps_the_digits_that_were_written(served: Served) -> None:
    for level in ("190.50", '"190.50"', '"+0.06%"'):
        body = f'{{"symbol": "AAPL", "level": {level}, "dry_run": true}}'
        headers = {"content-type": "application/json"}
        answer = await served.caller.post("/watchers", content=body, headers=headers)
        assert Decimal(answer.json()["result"]["level"]) in (Decimal("190.5"), Decimal("190.52"))


async def test_everything_that_is_wrong_with_a_watcher_is_told_at_once(served: Served) -> None:
    wrong = {
        "level": "high",
        "quantity": -1,
        "direction": "up",
        "bar": "7s",
        "entry": "guess",
        "on_false_break": "cry",
        "take_profit": 0,
        "gap_entry": "perhaps",
        "stop_los": 1,
        "deadline_s": 0,
    }
    found = problem(await served.caller.post("/watchers", json=wrong), 422)
    assert set(found["problems"]) == {*wrong, "symbol"}


async def test_watchers_are_started_at_the_same_time_by_several(play: Play, served: Served) -> None:
    asked = [
        served.caller.post("/watchers", json={**WATCH, "level": 191 + number})
        for number in range(8)
    ]
    answers = await asyncio.gather(*asked)
    assert [each.status_code for each in answers] == [200] * 8
    assert len(play.desk.watchers()) == 8


# ---------------------------------------------------------------------------- who may come in


STRANGERS: tuple[dict[str, str], ...] = (
    {},
    {"authorization": ""},
    {"authorization": "Bearer"},
    {"authorization": f"Bearer {TOKEN}x"},
    {"authorization": f"Bearer {TOKEN[:-1]}"},
    {"authorization": f"Basic {TOKEN}"},
    {"authorization": TOKEN},
    {"authorization": f"Bearer {TOKEN.upper()}"},
    {"authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
    {"cookie": f"token={TOKEN}"},
)


async def test_a_stranger_is_given_nothing_on_any_route(served: Served) -> None:
    unknown = [("GET", "/"), ("GET", "/docs"), ("GET", "/nope"), ("TRACE", "/summary")]
    told = set()
    async with served.client("") as stranger:
        for method, path in [*every_route(served), *unknown, ("POST", f"/summary?token={TOKEN}")]:
            place = path.replace("{", "").replace("}", "")
            for headers in STRANGERS:
                answer = await stranger.request(method, place, headers=headers)
                assert problem(answer, 401)["type"].endswith("no-token")
                assert answer.headers["www-authenticate"] == "Bearer"
                told.add(answer.content)
    assert len(told) == 1  # not a word more on one route than on another


async def test_two_tokens_in_one_request_are_none(served: Served) -> None:
    async with served.client("") as stranger:
        headers = [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")]
        problem(await stranger.get("/health", headers=headers), 401)


async def test_the_scheme_may_be_written_in_any_case(served: Served) -> None:
    async with served.client("") as caller:
        answer = await caller.get("/health", headers={"authorization": f"bEARER {TOKEN}"})
    assert answer.status_code == 200


async def test_only_addresses_and_the_desks_own_names_are_taken() -> None:
    async with on_fakes(FakeDesk(), http_allowed_hosts="desk.lan") as served:

        async def called(host: str) -> httpx.Response:
            return await served.caller.get("/health", headers={"host": host})

        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1"):
            problem(await called(host), 421)
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "10.0.0.7", "desk.lan"):
            assert (await called(host)).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:80", "192.168.1.7", "desk.lan"]
)
async def test_addresses_and_the_desks_names_are_taken(host: str) -> None:
    async with on_fakes(FakeDesk(), http_allowed_hosts="desk.lan") as served:
        answer = await served.caller.get("/health", headers={"host": host})
        assert answer.status_code == 200


async def test_no_page_of_elsewhere_is_let_in(served: Served) -> None:
    origin = {"origin": "https://evil.example"}
    for answer in (
        await served.caller.get("/account", headers=origin),
        await served.caller.options("/account", headers=origin),
    ):
        assert not [each for each in answer.headers if each.startswith("access-control")]
        assert answer.headers["cache-control"] == "no-store"


async def test_who_asks_too_often_waits_and_nobody_else_does() -> None:
    async with on_fakes(FakeDesk(), http_requests_per_s="5") as served:
        answers = [await served.caller.get("/health") for _ in range(30)]
        refused = [each for each in answers if each.status_code != 200]
        assert refused
        assert problem(refused[0], 429)["type"].endswith("too-many")
        assert refused[0].headers["retry-after"] == "1"
        # a stranger spends nothing of it, and is not told of it
        async with served.client("") as stranger:
            problem(await stranger.get("/health"), 401)


# ------------------------------------------------------------------------- what cannot be read


BODIES = (
    (b"{", 400),
    (b'{"side": NaN}', 400),
    (b'{"side": "long", "side": "long"}', 400),
    (b"[]", 400),
    (b"\xff", 400),
    (b'{"side": "up"}', 422),
    (b'{"sides": "long"}', 422),
    (b'{"side": "\\ud800"}', 422),
    (b'{"\\ud800": 1}', 422),
    (b'{"deadline_s": 1e9}', 422),
    (b'{"dry_run": "perhaps"}', 422),
)


async def test_a_body_that_cannot_be_is_one_problem_and_nothing_is_sent(served: Served) -> None:
    headers = {"content-type": "application/json"}
    for body, status in BODIES:
        problem(await served.caller.post("/close-all", content=body, headers=headers), status)


async def test_which_field_and_why_is_told_of_all_of_them(served: Served) -> None:
    wrong = {"side": "up", "size": 1, "deadline_s": -1}
    found = problem(await served.caller.post("/close-all", json=wrong), 422)
    assert found["problems"]["side"] == "is 'up'; may be both or long or short"
    assert found["problems"]["size"].startswith("is not known here; there is symbols, side")
    assert found["problems"]["deadline_s"] == "is -1; may be a number above 0 up to 86400"


async def test_a_query_that_nobody_knows_is_refused(served: Served) -> None:
    for path in ("/account?a=1", "/journal?last=0", "/events?kinds=x", "/health?x"):
        problem(await served.caller.get(path), 422)


async def test_a_name_in_query_and_body_is_refused(served: Served) -> None:
    answer = await served.caller.post("/close-all?side=long", json={"side": "short"})
    assert "twice" in problem(answer, 422)["problems"]["side"]


async def test_a_body_that_is_not_said_to_be_json_is_refused(served: Served) -> None:
    for headers in (
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ):
        answer = await served.caller.post("/close-all", content=b"{}", headers=headers)
        problem(answer, 415)


async def sent_in_pieces(piece: bytes, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece


@pytest.mark.parametrize("is_told", [True, False], ids=["length", "chunked"])
async def test_a_body_of_ten_megabytes_is_cut_off(served: Served, is_told: bool) -> None:
    headers = {"content-type": "application/json"}
    body = b"x" * 10_000_000 if is_told else sent_in_pieces(b"x" * 100_000, 100)
    answer = await served.caller.post("/close-all", content=body, headers=headers)
    assert "262,144" in problem(answer, 413)["detail"]
    assert answer.headers["connection"] == "close"
    assert (await served.caller.get("/health")).status_code == 200


async def test_a_body_of_ten_megabytes_of_a_stranger_is_not_looked_at(served: Served) -> None:
    async with served.client("") as stranger:
        problem(await stranger.post("/close-all", content=b"x" * 10_000_000), 401)


async def test_a_body_that_never_ends_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incoming, "BODY_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"POST /close-all HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{".encode()
    )
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_a_head_that_never_ends_is_cut_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_S", 0.05)
    for said in (b"", b"GET / HTTP/1.1\r\nHost: lo"):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(said)
        async with asyncio.timeout(5):
            with Ended():
                assert await reader.read() == b""
        writer.close()


class Ended:
    """A reset, or an end: both are a connection that is over."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is None or issubclass(kind, ConnectionError)


async def test_what_is_not_http_is_one_problem(served: Served) -> None:
    for said in (b"GARBAGE", b"GET /\xff HTTP/1.1", b"\x16\x03\x01"):
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(said + b"\r\n\r\n")
        answer = await reader.read()
        assert b" 400 " in answer.split(b"\r\n", 1)[0]
        assert MEDIA_TYPE.encode() in answer
        writer.close()


async def test_more_connections_than_there_is_room_for_are_cut_and_the_others_live(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "MOST_CONNECTIONS", 3)
    assert (await served.caller.get("/health")).status_code == 200
    opened = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(4)]
    with Ended():
        assert await opened[-1][0].read() == b""
    assert (await served.caller.get("/health")).status_code == 200
    for _, writer in opened:
        writer.close()


# ------------------------------------------------------------------------------- what is refused


async def test_a_path_that_leads_nowhere_says_where_to_look(served: Served) -> None:
    for path in ("/", "/closeall", "/summary/", "/docs", "/quotes/", "/quotes/A/B"):
        assert "openapi.json" in problem(await served.caller.get(path), 404)["detail"]


async def test_an_unknown_symbol_is_not_found(served: Served) -> None:
    problem(await served.caller.get("/quotes/NOPE"), 404)


async def test_a_method_that_there_is_not_names_those_that_there_are(served: Served) -> None:
    for method, path, allowed in (
        ("PUT", "/watchers", "GET, POST"),
        ("PATCH", "/watchers/w1", "DELETE"),
        ("DELETE", "/summary", "GET, POST"),
        ("POST", "/account", "GET"),
    ):
        answer = await served.caller.request(method, path)
        problem(answer, 405)
        assert answer.headers["allow"] == allowed


async def test_without_a_link_what_asks_the_broker_is_503(play: Play, served: Served) -> None:
    await unlinked(play)
    for path in ("/account", "/positions", "/orders", "/summary", "/quotes/AAPL"):
        answer = await served.caller.get(path)
        problem(answer, 503)
        assert answer.headers["retry-after"] == "5"
    assert (await served.caller.get("/watchers")).status_code == 200


async def test_a_deadline_is_504_and_says_what_became_of_it(play: Play, served: Served) -> None:
    await play.protected()
    play.wire.loses_answers = True
    asked = served.caller.post("/close-all", json={"deadline_s": 0.5})
    found = problem(await play.done(asked), 504)
    assert "not done within 0.5 s" in found["detail"]
    play.wire.loses_answers = False


ERRORS: tuple[tuple[DeskError, int], ...] = (
    (AlreadyDone("it runs already."), 409),
    (BrokerRejected("no margin.", code=201), 409),
    (RiskRefused("too many."), 409),
    (TradingDisabled("it is off."), 423),
    (TradingHalted("it is halted."), 423),
    (BrokerError("no permission.", code=354), 502),
    (NotConnected("no link."), 503),
    (DeadlineExceeded("too late."), 504),
    (JournalLost("the disk is full."), 507),
    (DeskError("something else."), 500),
)


def failing_with(error: Exception | None, path: str = "/fails") -> Operation:
    async def fails(_: Call) -> Outcome:
        if error is None:
            return Outcome(object())  # it has no JSON form
        raise error

    return Operation("GET", path, path.strip("/"), "Fails.", "", fails)


async def test_each_error_of_an_operation_is_its_problem() -> None:
    failing = tuple(failing_with(each, f"/{type(each).__name__}") for each, _ in ERRORS)
    async with on_fakes(FakeDesk(), failing) as served:
        for error, status in ERRORS:
            found = problem(await served.caller.get(f"/{type(error).__name__}"), status)
            assert found.get("ib_code") == error.code
            assert found["detail"] == error.message[0].upper() + error.message[1:]


@pytest.mark.parametrize("error", [RuntimeError("account DU1234567"), None], ids=["raised", "json"])
async def test_a_bug_is_a_problem_without_a_trace_and_a_line_in_the_log(
    error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with on_fakes(FakeDesk(), (failing_with(error),)) as served:
        answer = await served.caller.get("/fails")
        found = problem(answer, 500)
        assert (await served.caller.get("/openapi.json")).status_code == 200
    assert "DU1234567" not in found["detail"]
    assert "Traceback" not in answer.text
    assert any(each.exc_info for each in caplog.records)


async def test_trading_that_is_switched_off_refuses_what_trades_and_reads_on() -> None:
    desk = FakeDesk()
    desk.fail("check_trading", *[TradingDisabled("TRADING_ENABLED is off: nothing was sent.")] * 2)
    async with on_fakes(desk) as served:
        for path, body in (("/close-all", {}), ("/watchers", WATCH)):
            problem(await served.caller.post(path, json=body), 423)
        assert (await served.caller.get("/close-all")).status_code == 200
        assert (await served.caller.get("/account")).status_code == 200
    assert "close" not in desk.names()
    assert "arm" not in desk.names()


@pytest.mark.parametrize(
    ("setting", "mode", "is_let"),
    [
        ("off", "paper", False),
        ("paper", "paper", True),
        ("live", "paper", True),
        ("off", "live", False),
        ("paper", "live", False),
        ("live", "live", True),
    ],
)
async def test_whether_calls_may_trade_is_a_setting(setting: str, mode: str, is_let: bool) -> None:
    desk = FakeDesk()
    async with on_fakes(desk, http_trading=setting, trading_mode=mode) as served:
        answer = await served.caller.post("/watchers", json=WATCH)
        assert (await served.caller.post("/watchers?dry_run=on", json=WATCH)).status_code == 200
    if is_let:
        assert answer.status_code == 200
    else:
        assert "HTTP_TRADING" in problem(answer, 423)["detail"]
    assert ("arm" in desk.names()) is is_let


async def test_nothing_of_a_request_is_logged(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "uvicorn")
    caplog.set_level("DEBUG", "apps")
    for path in ("/quotes/SECRET1?x=DU1234567", "/SECRET2", "/journal/SECRET3"):
        await served.caller.get(path)
    words = " ".join(each.getMessage() for each in caplog.records if each.name != "httpx")
    assert not [each for each in ("SECRET", "DU1234567", TOKEN) if each in words]
