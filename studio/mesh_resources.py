"""The files that a mesh file names: in its own folder or below it, and nowhere else."""

import base64
import os
import re
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]")  # file://…, http://…, C:\…, /…, \\server\…


def beside(mesh: Path, name: str) -> Path | None:
    """The file that `mesh` calls `name`, or None where it is not there.

    Both kinds of slash part folders, and where no name fits exactly, one that differs only in case does: most such
    files were written where that makes no difference. Raises ValueError where the name leads out of the folder.
    """
    name = name.strip()
    inside = os.path.normpath(name.replace("\\", "/"))
    if ELSEWHERE.match(name) or inside.split("/")[0] == "..":
        raise ValueError(
            f"{mesh} names the file {name}, and only files in its own folder, or in folders there, are read."
        )
    if not name or "\0" in name:
        return None
    for exact in (mesh.parent / name, mesh.parent / inside):
        if exact.is_file():
            return exact
    found = mesh.parent
    for step in inside.split("/"):
        found = _in_any_case(found, step)
        if found is None:
            return None
    return found if found.is_file() else None


def _in_any_case(folder: Path, name: str) -> Path | None:
    if (folder / name).exists():
        return folder / name
    if not folder.is_dir():
        return None
    return next((p for p in sorted(folder.iterdir()) if p.name.casefold() == name.casefold()), None)


def beside_uri(mesh: Path, uri: str) -> Path | None:
    """`beside` for a URI, in which a space is written %20."""
    return beside(mesh, unquote(uri)) or beside(mesh, uri)


def data_of_uri(uri: str) -> bytes:
    """What a `data:` URI holds (RFC 2397). Raises ValueError where it is not base64 as it says."""
    kind, _, content = uri.partition(",")
    if kind.rstrip().lower().endswith(";base64"):
        return base64.b64decode(unquote(content))
    return unquote_to_bytes(content)


def text_of(file: Path) -> str:
    """A text file of unknown age: UTF-8, or else Latin-1, in which every byte means something.

    Tabs are spaces, and lines that end in a backslash go on.
    """
    content = file.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ")
