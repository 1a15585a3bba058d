"""The house rules that a parse tree can tell: each one a function from a file to what is wrong in it."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Which rooms each may import from.
_SEEN = ("ops", "scenes")
_MADE = (*_SEEN, "fields", "renderers", "train")
_HAD = ("ops", "scenes", "studio", "datasets", "photos")
LADDER = {
    "ops": (),
    "terminal": _MADE,
    "scenes": _SEEN[:1],
    "studio": _SEEN,
    "datasets": _HAD[:3],
    "photos": _HAD[:4],
    "fields": _SEEN,
    "renderers": _MADE[:3],
    "train": _MADE[:4],
    "distill": _MADE,
    "export": _MADE,
    "viewer": _MADE,
    "bench": (*_MADE, *_HAD[2:], "distill", "export", "viewer", "terminal"),
    "scripts": (*_MADE, *_HAD[2:], "distill", "export", "viewer", "terminal", "bench"),
}
MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_LINES_OF_A_VERB = 300, 60, 80
FLAGS = Path(__file__).parents[1] / "scripts" / "flags"
# Files of one name in several rooms are one idea met in each: what a verb types, measures and does; the loop and the
# report of a room; an op and the field of it; which of several there are. Any other name is of one room alone.
ONE_IDEA = frozenset(
    {"__init__", "choice", "convert", "export", "loop", "mlp", "process", "render", "report", "train"}
)
Wrong = tuple[int, str]


@dataclass(frozen=True)
class Source:
    """One Python file, its path relative to the root."""

    path: Path
    text: str

    @property
    def room(self) -> str:
        return self.path.parts[0]

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.text, str(self.path))))


def imported(source: Source) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported: `from a import b` is a.b, relative imports are resolved."""
    package = ("omnifield", *source.path.parent.parts)
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = (*above, *filter(None, [node.module]))
            yield from ((node.lineno, ".".join((*module, alias.name))) for alias in node.names)


def off_the_ladder(source: Source) -> Iterator[Wrong]:
    for line, name in imported(source):
        first, room, *_ = [*name.split("."), ""]
        if first == "omnifield" and room not in LADDER:
            yield line, f"omnifield has no room {room!r}"
        elif first == "omnifield" and room != source.room and room not in LADDER[source.room]:
            yield line, f"{source.room} must not import {room}, which comes after it or stands beside it"


def bare_rooms(source: Source) -> Iterator[Wrong]:
    for line, name in imported(source):
        if name.split(".")[0] in LADDER:
            yield line, f"import omnifield.{name}: a bare {name} is a second copy of every class"


def bare_rooms_in_fences(source: Source) -> Iterator[Wrong]:
    """The same in a Markdown file, by line: its Python is often no whole program."""
    rooms, python = "|".join(LADDER), False
    for line, text in enumerate(source.text.splitlines(), 1):
        if text.lstrip().startswith("```"):
            python = text.lstrip().startswith(("```python", "```py"))
        elif python and re.match(rf"\s*(>>> )?(from|import) ({rooms})\b", text):
            yield line, f"{text.strip()!r} wants `omnifield.` before the room"


def dangerous(source: Source) -> Iterator[Wrong]:
    """Whatever runs or unpickles what a file says."""
    for node in source.nodes:
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "torch.load", "builtins.eval", "builtins.exec"}:
                yield node.lineno, f"{called}() runs what it is given"
            if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
                yield node.lineno, "allow_pickle runs what the file says"
    for line, name in imported(source):
        if name == "torch.load" or name.split(".")[0] in {"pickle", "dill", "joblib", "shelve", "marshal"}:
            yield line, f"{name} runs what the file says"


def blinding(source: Source) -> Iterator[Wrong]:
    """`from __future__ import annotations` turns the shapes into strings, which nothing checks."""
    for line, name in imported(source):
        if name == "__future__.annotations":
            yield line, "annotations as strings are not checked at run time"


def duck_typing(source: Source) -> Iterator[Wrong]:
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "hasattr":
            yield node.lineno, "hasattr: let the type say what is there"


def asking_which_field(source: Source) -> Iterator[Wrong]:
    """Whoever asks what kind a field is has to be told of every new one."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"isinstance", "issubclass"}:
            kinds = {ast.unparse(each).split(".")[-1] for each in ast.walk(node.args[1])}
            for kind in sorted(kind for kind in kinds if kind.endswith("Field") and kind != "TrainedField"):
                yield node.lineno, f"{ast.unparse(node)}: make what is asked a member of Field, not of {kind}"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and len(node.args) == 3:
            yield node.lineno, "getattr with a default: let the type say what is there"


def broad_except(source: Source) -> Iterator[Wrong]:
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {ast.unparse(kind) if kind else "everything" for kind in kinds}
            for name in names & {"everything", "Exception", "BaseException"}:
                yield node.lineno, f"except {name} hides errors nobody thought of"


def long_function(source: Source) -> Iterator[Wrong]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield node.lineno, f"{node.name} has {lines} lines, more than {MOST_LINES_OF_A_FUNCTION}"


def long_file(source: Source) -> Iterator[Wrong]:
    lines = len(source.text.splitlines())
    if lines > MOST_LINES:
        yield MOST_LINES, f"{lines} lines, more than {MOST_LINES}"


def nameless(source: Source) -> Iterator[Wrong]:
    if "utils" in (*source.path.parent.parts, source.path.stem):
        yield 1, "utils says nothing: name it after what it does"


def long_verb(source: Source) -> Iterator[Wrong]:
    """A verb is flags, in `scripts/flags`, and a short module that hands them to the rooms."""
    lines, verbs = len(source.text.splitlines()), {path.stem for path in FLAGS.glob("*.py")} - {"choices"}
    if source.path.parent == Path("scripts") and source.path.stem in verbs:
        if lines > MOST_LINES_OF_A_VERB:
            yield MOST_LINES_OF_A_VERB, f"{lines} lines, more than {MOST_LINES_OF_A_VERB} of a verb"


def slow_flags(source: Source) -> Iterator[Wrong]:
    """`--help` does not wait: flags import nothing but Python's own, tyro, one another, and bounds of numbers."""
    quick = ("tyro", "omnifield.scripts.flags", "omnifield.scripts.arguments", *sys.stdlib_module_names)
    if source.path.parent == Path("scripts/flags") or source.path == Path("scripts/arguments.py"):
        for line, name in imported(source):
            if not any(name == other or name.startswith(f"{other}.") for other in quick):
                yield line, f"{name} is imported before anybody has asked for work"


def names_of_two_ideas(sources: list[Source]) -> Iterator[str]:
    """Names that files of different rooms have, and mean different things by."""
    rooms: dict[str, set[str]] = {}
    for source in sources:
        rooms.setdefault(source.path.stem, set()).add(source.room)
    for name, where in sorted(rooms.items()):
        if len(where) > 1 and name not in ONE_IDEA:
            yield f"{name}.py is in {', '.join(sorted(where))}: name them apart, or say in house.py that it is one idea"
