"""What the flags of several verbs have in common. Quick to import, as all flags are, since `--help` is."""

import ast
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

LOCAL = "127.0.0.1"
PORT = 8080
Device = Literal["auto", "cpu", "cuda"]
Repeated = Annotated[tuple[str, ...], tyro.conf.UseAppendAction]


def named(metavar: str) -> Any:
    """What help calls a flag's value, or one without a flag, where its type says too little."""
    return tyro.conf.arg(metavar=metavar)


def usually(value: object) -> Any:
    """What help says becomes of a flag that is not given, where its default is None."""
    return tyro.conf.arg(help_behavior_hint=f"(default: {value})")


def one_of(names: tuple[str, ...]) -> Any:
    """Of a flag that need not be given: tyro itself would count "None" among its choices."""
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=f"{{{','.join(names)}}}",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: value is None or value in names,
        str_from_instance=lambda value: [str(value)],
        choices=names,
    )


def names_of(room: str, kind: str) -> tuple[str, ...]:
    """Those of the union in a room's `choice.py`, where the file of each has its tag for a name. It is read and not
    imported, which would take torch's seconds."""
    text = (Path(__file__).parents[2] / room / "choice.py").read_text()
    files, union = {}, ""
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom):
            files |= {alias.name: node.module for alias in node.names}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == kind:
            union = ast.unparse(node.value)
    return tuple(files[name] for name in union.split(" | "))


FIELDS, SAMPLERS = names_of("fields", "FieldConfig"), names_of("renderers", "AnySamplerConfig")
FieldName, SamplerName = (tyro.extras.literal_type_from_choices(names) for names in (FIELDS, SAMPLERS))
