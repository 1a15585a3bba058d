"""The `omnifield` command: one verb per module, flat flags, and bad input answered in one sentence."""

import json
import sys
import warnings
from typing import Annotated, TextIO

import tyro

from ..scenes.notice import Notice
from .bench import Bench, run_bench
from .convert import Convert, run_convert
from .eval import Eval, run_eval
from .info import Info, run_info
from .render import Render, run_render
from .train import Train, run_train
from .view import View, run_view

Command = (
    Annotated[Train, tyro.conf.subcommand("train", prefix_name=False)]
    | Annotated[Eval, tyro.conf.subcommand("eval", prefix_name=False)]
    | Annotated[Render, tyro.conf.subcommand("render", prefix_name=False)]
    | Annotated[View, tyro.conf.subcommand("view", prefix_name=False)]
    | Annotated[Convert, tyro.conf.subcommand("convert", prefix_name=False)]
    | Annotated[Info, tyro.conf.subcommand("info", prefix_name=False)]
    | Annotated[Bench, tyro.conf.subcommand("bench", prefix_name=False)]
)
RUN = {
    Train: run_train,
    Eval: run_eval,
    Render: run_render,
    View: run_view,
    Convert: run_convert,
    Info: run_info,
    Bench: run_bench,
}
DESCRIPTION = "One scene, any neural field: train it, look at it, convert it, export it."
BAD_INPUT = 2


def main() -> None:
    command = tyro.cli(Command, prog="omnifield", description=DESCRIPTION)
    say_notices()
    try:
        result = RUN[type(command)](command)
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        # Errors at the public edge are sentences for the user; a traceback would hide them.
        print(f"omnifield: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    if command.json:
        print(json.dumps(result))


def say_notices() -> None:
    """What is noticed in the user's data is a sentence on standard error; Python's other warnings stay as they are."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, Notice):
            print(f"omnifield: {message}", file=sys.stderr)
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    warnings.simplefilter("always", Notice)
