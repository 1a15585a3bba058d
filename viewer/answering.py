"""How a press that cannot be followed is answered: in the browser that pressed, and in words."""

import threading
from collections.abc import Callable
from typing import TypeVar

import viser

Event = TypeVar("Event", viser.GuiEvent, viser.SceneClickEvent)


def answered(act: Callable[[Event], None]) -> Callable[[Event], None]:
    """The same act, once at a time (presses meanwhile are dropped); bad input is answered in the words of whoever
    refuses it."""
    busy = threading.Lock()

    def acted(event: Event) -> None:
        if not busy.acquire(blocking=False):
            return
        try:
            act(event)
        except (ValueError, FileNotFoundError) as error:
            answer(event.client, str(error))
        finally:
            busy.release()

    return acted


def answer(client: viser.ClientHandle | None, words: str) -> None:
    if client is not None:
        client.add_notification("That did not work", words, color="red", auto_close_seconds=10)
