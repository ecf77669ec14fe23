"""What a request says, as values: JSON in which no digit is lost, and queries.

Whatever two readers could understand differently is refused: a name twice, NaN, another encoding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from apps.api.http.problems import ProblemError

__all__ = ["json_object", "query_values"]

_MOST_DIGITS = 40
_MOST_FIELDS = 500


def json_object(body: bytes) -> dict[str, object]:
    """Give the object that ``body`` is; nothing at all is an empty one.

    Numbers with a point are Decimals. Raises ProblemError (400).
    """
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8")
        found = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_each_once,
        )
    except UnicodeDecodeError as error:
        raise ProblemError.not_json(f"The body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ProblemError.not_json(f"The body is not JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise ProblemError.not_json("The body is nested too deeply.") from None
    if not isinstance(found, dict):
        raise ProblemError.not_json('The body has to be a JSON object, such as {"dry_run": true}.')
    return found


def query_values(query: bytes) -> dict[str, object]:
    """Give what a query string holds: text, or a list of texts for a name that comes repeatedly.

    Raises ProblemError (400).
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise ProblemError.not_json(
            f"The query cannot be read: up to {_MOST_FIELDS} fields, in UTF-8."
        ) from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    return values


def _each_once(pairs: list[tuple[str, object]]) -> Mapping[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ProblemError.not_json(f"The body has {name[:40]!r} twice.")
        found[name] = value
    return found


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        _too_long()
    if len(text) > _MOST_DIGITS or abs(value.adjusted()) > _MOST_DIGITS:
        _too_long()
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        _too_long()
    return int(text)


def _too_long() -> NoReturn:
    raise ProblemError.not_json(f"The body has a number of more than {_MOST_DIGITS} digits.")


def _no_constant(text: str) -> NoReturn:
    raise ProblemError.not_json(f"The body holds {text}, which is not a number.")
