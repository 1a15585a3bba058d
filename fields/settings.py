"""Settings as a user writes them: NAME=VALUE, or OWNER.NAME=VALUE for what is not the field's."""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any, get_args


def given(config: type[Any], settings: Sequence[str], kind: str) -> dict[str, int | float | str]:
    """The values of a configuration's settings "name=value", which are of a `kind` (in words).

    Raises ValueError, naming what there is, for an unknown name or a value of the wrong kind.
    """
    kinds = {field.name: field.type for field in dataclasses.fields(config)}
    values = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        known(name, list(kinds), kind)
        values[name] = _value(name, text, kinds[name])
    return values


def settings_of(owner: str, settings: Sequence[str]) -> list[str]:
    """Those of "owner.name=value", without their owner; of the owner "" those that name none."""
    return [setting.removeprefix(f"{owner}.") for setting in settings if owner_of(setting) == owner]


def owner_of(setting: str) -> str:
    """Of "owner.name=value"; "" where none is named."""
    return setting.partition("=")[0].rpartition(".")[0]


def known(name: str, names: list[str], kind: str) -> str:
    """The name; raises ValueError, naming what there is, where it is none of them."""
    if name not in names:
        raise ValueError(
            f"There is no {kind} named {name!r}: there are {', '.join(names)}.{_hint(name, names)}"
        )
    return name


def _hint(name: str, names: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, names, 1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _value(name: str, text: str, kind: object) -> int | float | str:
    """A setting's text as a value of its kind: int, float, or a `Literal` of words."""
    words = get_args(kind)
    if not words:
        return _number(name, text, kind)
    if text not in words:
        raise ValueError(
            f"The setting {name} takes one of {', '.join(words)}, not {text!r}.{_hint(text, words)}"
        )
    return text


def _number(name: str, text: str, kind: object) -> int | float:
    try:
        return int(text) if kind is int else float(text)
    except ValueError:
        raise ValueError(
            f"The setting {name} takes {'a whole number' if kind is int else 'a number'}, not {text!r}."
        ) from None
