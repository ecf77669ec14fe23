from __future__ import annotations

import importlib
import pkgutil

import pytest

from apps.paper import wire
from apps.paper.wire.requests.parse import REQUEST_MESSAGES
from apps.paper.wire.responses.encode import RESPONSE_MESSAGES

MODULES = [
    wire.__name__,
    *(module.name for module in pkgutil.walk_packages(wire.__path__, f"{wire.__name__}.")),
]


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_is_there(name: str) -> None:
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public)


def test_every_message_can_be_had_from_the_package() -> None:
    shapes = {message.record.shape for message in REQUEST_MESSAGES.values()} | set(
        RESPONSE_MESSAGES
    )
    assert {shape.__name__ for shape in shapes} <= set(wire.__all__)
    assert all(getattr(wire, shape.__name__) is shape for shape in shapes)
