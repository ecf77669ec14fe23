from __future__ import annotations

from pathlib import Path

from apps.paper.wire.responses.encode import RESPONSE_MESSAGES
from tests.conformance.agreement import Agreement, agreements, disagreements, unconfirmed
from tests.conformance.checks import PARTS, features
from tests.conformance.libraries import LIBRARIES
from tests.conformance.table import MESSAGES, cells, failures, table
from tests.conformance.vectors import VERSIONS, vectors

_ROOT = Path(__file__).resolve().parents[2]
_TABLE = _ROOT / "docs" / "paper-gateway-clients.md"


def test_committed_table_has_exactly_the_features_and_clients_of_the_checks() -> None:
    text = _TABLE.read_text(encoding="utf-8")
    rows = [(row.part, row.name) for row in features()]
    rows += [(MESSAGES, f"{m.__name__} ({RESPONSE_MESSAGES[m].msg_id})") for m in RESPONSE_MESSAGES]
    assert list(cells(text)) == [(part, name, len(LIBRARIES)) for part, name in rows]
    assert all(library.title in text for library in LIBRARIES.values())


def test_every_part_of_the_table_has_features() -> None:
    assert {row.part for row in features()} == {part.name for part in PARTS}


def test_cell_that_no_check_exercised_fails_the_run() -> None:
    results = {name: {row.key: {"result": "works"} for row in features()} for name in LIBRARIES}
    assert failures(results) == []
    left_out = features()[0].key
    del results["ibapi"][left_out]
    assert failures(results) == [f"ibapi: {left_out}: was not exercised"]


def test_reasons_are_numbered_once_each() -> None:
    results = {name: {row.key: {"result": "works"} for row in features()} for name in LIBRARIES}
    for row in features()[:2]:
        results["ibapi"][row.key] = {"result": "missing", "why": "it is older"}
    text = table(results, {name: {} for name in LIBRARIES}, seen=())
    assert text.count("– (1)") == 2
    assert "\n1. it is older\n" in text


def test_what_a_library_lacks_is_named_by_a_feature_or_a_part_that_there_is() -> None:
    known = {row.key for row in features()} | {part.name for part in PARTS}
    for library in LIBRARIES.values():
        assert set(library.missing) | set(library.differs) <= known


def test_each_client_has_a_lock_of_its_own() -> None:
    locks = {path.stem for path in (_ROOT / "tests/conformance/clients").glob("*.lock")}
    assert locks == set(LIBRARIES)


def vector(**meant: str) -> dict[str, object]:
    return {"message": "OrderStatus", "version": 176, "meant": meant}


def test_field_read_under_ibs_name_agrees() -> None:
    found = agreements([vector(market_cap_price="1.25")], [{"mktcapprice": ["1.25"]}])
    assert found["OrderStatus"] == Agreement(read={"market_cap_price"})


def test_field_that_a_library_leaves_out_is_dropped_and_one_misread_is_wrong() -> None:
    meant = vector(filled="7", remaining="8", why_held="t9")
    found = {"a": agreements([meant], [{"filled": ["8"], "remaining": ["0"]}])}
    assert found["a"]["OrderStatus"].dropped == {"remaining", "why_held"}
    assert disagreements(found) == [
        "a: OrderStatus.filled: 7 was meant, {'filled': ['8']} was read"
    ]


def test_field_that_only_one_library_reads_is_unconfirmed() -> None:
    meant = [vector(filled="7")]
    found = {
        "a": agreements(meant, [{"filled": ["7"]}]),
        "b": agreements(meant, [{"orderid": ["1"]}]),
    }
    assert unconfirmed(found) == ["OrderStatus.filled: 1 of the libraries read it"]


def test_every_message_has_vectors_at_both_ends_of_the_versions() -> None:
    made = {(one["message"], one["version"]) for one in vectors()}
    assert made == {(m.__name__, version) for m in RESPONSE_MESSAGES for version in VERSIONS}
