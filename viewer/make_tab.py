"""What can be made of the shown field: files and other fields, each as a job."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import viser

from .answering import answered
from .job_board import JobBoard
from .jobs import Task
from .scheduler import Scheduler
from .server import Viewer
from .subject import Subject

MOST_SECONDS = 3600.0


@dataclass(frozen=True)
class Made:
    """What an action leaves: a file, and perhaps another subject to look at."""

    file: Path
    subject: Subject | None = None


@dataclass(frozen=True)
class Order:
    """What somebody asks for: to make something of a subject (by name), as one of the choices, in so many seconds."""

    subject: str
    choice: str
    seconds: float


@dataclass(frozen=True)
class Action:
    """Something to make of a subject. `choices` and `seconds` are asked for where there are any. Its heavy work takes
    turns at the scheduler, as `offline.JOB`."""

    label: str
    hint: str
    make: Callable[[Task, Scheduler, Order], Made]
    choices: tuple[str, ...] = ()
    choice: str = "As"
    seconds: float = 0.0


class MakeTab:
    def __init__(
        self, viewer: Viewer, board: JobBoard, actions: tuple[Action, ...], came: Callable[[str], None]
    ) -> None:
        """`came` hears the name of every subject that an action made."""
        self.viewer = viewer
        self.board = board
        self.came = came
        for action in actions:
            self._add(action)

    def _add(self, action: Action) -> None:
        gui = self.viewer.server.gui
        gui.add_markdown(action.hint)
        chosen = gui.add_dropdown(action.choice, action.choices) if action.choices else None
        seconds = (
            gui.add_number("Seconds", action.seconds, min=1, max=MOST_SECONDS) if action.seconds else None
        )
        button = gui.add_button(action.label)

        def begin(event: viser.GuiEvent) -> None:
            order = Order(
                self.viewer.display.look.subject,
                chosen.value if chosen is not None else "",
                float(seconds.value) if seconds is not None else 0.0,
            )
            self._begin(action, order)

        button.on_click(answered(begin))

    def _begin(self, action: Action, order: Order) -> None:
        def work(task: Task) -> Path:
            made = action.make(task, self.viewer.scheduler, order)
            if made.subject is not None:
                self.viewer.display.subjects[made.subject.name] = made.subject
                self.came(made.subject.name)
            return made.file

        self.board.run(f"{action.label}: {order.choice or order.subject}", work)
