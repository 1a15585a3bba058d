"""The `omnifield` command: one verb per module, flat flags, and bad input answered in one sentence."""

import json
import sys
import warnings
from collections.abc import Mapping
from dataclasses import make_dataclass
from importlib import import_module
from typing import Annotated, Any, TextIO, Union

from ..terminal.interrupts import WORDS, answering, end_at_once, exit_code, unwind, unwound

# What each does, as its flags say it. They are imported only when they are called, and their flags without them: torch
# takes seconds.
VERBS = {
    "process": "Find out from where photographs were taken, or the frames of a video, and make a data set of them.",
    "train": "Train a field from images, or from a mesh, and save it as one file.",
    "eval": "Compare a trained field with the held-out pictures of a data set.",
    "render": "Render a trained field along a camera path, to a video or to pictures.",
    "view": "Look at trained fields in the browser, one or several to compare; or at a data set before training.",
    "convert": "Convert a trained field into another representation: any into any, without its images.",
    "export": "Take a trained field out: as a mesh, as points, as a web page, or as its cameras.",
    "info": "Say what is in a trained field's file.",
    "bench": "Measure speed here: of ops, of trainings, of a trained field's frames, of the viewer.",
}
DESCRIPTION = "One scene, any neural field: train it, look at it, convert it, export it."
QUICK = ("info",)  # what needs no torch, and no data in which anything could be noticed
BAD_INPUT = 2


def main() -> None:
    with answering(end_at_once):
        flags = _understood(sys.argv[1:])
        verb = type(flags).__name__.lower()
        run = getattr(import_module(f".{verb}", __package__), f"run_{verb}")
        try:
            with answering(unwind):
                if verb not in QUICK:
                    say_notices()
                result = run(flags)
        except KeyboardInterrupt:
            unwound()
            print(WORDS, file=sys.stderr)
            sys.exit(exit_code())
        except (ValueError, FloatingPointError, OSError) as error:
            # Errors at the public edge are sentences for the user; a traceback would hide them.
            print(f"omnifield: {_in_words(error)}", file=sys.stderr)
            sys.exit(BAD_INPUT)
    if flags.json:
        print(_json(result))
    if result.get("interrupted", False):
        sys.exit(exit_code())


def _json(result: dict[str, Any]) -> str:
    """JSON has neither NaN nor infinity: null stands for a figure that there is not."""
    return json.dumps(json.loads(json.dumps(result), parse_constant=lambda name: None))


def _in_words(error: Exception) -> str:
    """Our own errors are sentences; those of the system itself get one."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'The work'} failed: {error.strerror}."
    return str(error)


def flags_of(verb: str) -> type:
    return getattr(import_module(f".flags.{verb}", __package__), verb.capitalize())


def say_notices() -> None:
    """What is noticed in the user's data is a sentence on standard error; Python's other warnings stay as they are."""
    from ..scenes.notice import Notice

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


def _understood(words: list[str]) -> Any:
    """The flags as they were typed. Does not return where help was asked for, or is needed."""
    import tyro  # after the signals have their answer

    only = (tyro.conf.DisallowNone,)  # help would offer "None" for every flag that need not be given
    if words and words[0] in VERBS:
        flags = tyro.cli(flags_of(words[0]), prog=f"omnifield {words[0]}", args=words[1:], config=only)
    else:
        completing = any(word.startswith("--tyro-") for word in words)  # a shell's completion has every flag
        kinds = {verb: flags_of(verb) if completing else make_dataclass(verb, ()) for verb in VERBS}
        flags = tyro.cli(_any_of(kinds), prog="omnifield", description=DESCRIPTION, args=words, config=only)
    return flags


def _any_of(kinds: Mapping[str, type]) -> Any:
    import tyro

    named = (
        Annotated[kind, tyro.conf.subcommand(verb, prefix_name=False, description=VERBS[verb])]
        for verb, kind in kinds.items()
    )
    return Union[tuple(named)]  # noqa: UP007
