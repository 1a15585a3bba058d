"""What a control of the page may be set to by a browser: viser tells the browser its limits, and leaves it at that."""

from collections.abc import Sequence
from typing import Any

import viser

from .wire import FAR, Refused, clamped

LONGEST_TEXT = 200  # letters

Number = viser.GuiSliderHandle | viser.GuiNumberHandle
Vector = viser.GuiVector2Handle | viser.GuiVector3Handle
Choice = viser.GuiDropdownHandle | viser.GuiButtonGroupHandle
Button = viser.GuiButtonHandle | viser.GuiButtonGroupHandle


def allowed(control: object, value: Any) -> Any:
    """The value within the control's limits. Raises Refused for one that is of another kind, or no choice."""
    if isinstance(control, viser.GuiButtonHandle | viser.GuiCheckboxHandle) and isinstance(value, bool):
        return value
    if isinstance(control, Number):
        return _number(value, control.min, control.max)
    if isinstance(control, Vector):
        return _numbers(value, len(control.value), control.min, control.max)
    if isinstance(control, viser.GuiRgbHandle):
        return [round(channel) for channel in _numbers(value, 3, (0, 0, 0), (255, 255, 255))]
    if isinstance(control, Choice) and isinstance(value, str) and value in control.options:
        return value
    if isinstance(control, viser.GuiTextHandle) and isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return value
    raise Refused(f"a value that a {type(control).__name__} cannot have")


def _numbers(
    values: Any, count: int, least: Sequence[int | float] | None, most: Sequence[int | float] | None
) -> list[int | float]:
    if not isinstance(values, list) or len(values) != count:
        raise Refused(f"a value that is not {count} numbers")
    lows, highs = least or [None] * count, most or [None] * count
    return [_number(*each) for each in zip(values, lows, highs, strict=True)]


def _number(value: Any, least: int | float | None, most: int | float | None) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused("a value that is not a number")
    return clamped(value, -FAR if least is None else least, FAR if most is None else most)
