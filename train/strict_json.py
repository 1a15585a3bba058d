"""JSON that may be anybody's: small, shallow, without repeated names, every number finite."""

import json
import math
from typing import Any

MOST_CHARACTERS = 1 << 22
DEEPEST = 32


def parse(text: str) -> dict[str, Any]:
    """The object that a text describes. Raises ValueError in words if it is none, or one that nobody would write."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"its header is longer than {MOST_CHARACTERS} characters")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_number, parse_constant=_number)
    except RecursionError as error:
        raise ValueError("its header is nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("its header is no JSON object")
    _check(value, DEEPEST)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("its header has one name twice")
    return made


def _number(text: str) -> float:
    value = float(text)  # which makes infinities of what is too large
    if not math.isfinite(value):
        raise ValueError(f"its header has the number {text:.20}")
    return value


def _check(value: Any, left: int) -> None:
    """Raises ValueError for nests too deep to be looked at, and for halves of characters, which nobody can print."""
    if left == 0:
        raise ValueError("its header is nested too deeply")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, dict):
        for name, inner in value.items():
            name.encode()
            _check(inner, left - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, left - 1)
