"""Reads OFF files (Geomview's object file format), with the colours of their vertices."""

import re
from pathlib import Path

import numpy as np

from ..scenes.notice import notice
from .mesh_part import GREY, Part, count_checked, nowhere, plain, white
from .mesh_resources import text_of
from .raycast import linear_from_srgb

KIND = re.compile(r"(ST)?(C)?(N)?OFF", re.IGNORECASE)


def read_off(path: Path) -> list[Part]:
    """The polygons of an OFF, COFF, NOFF or STOFF file as triangles."""
    lines = [words for line in text_of(path).split("\n") if (words := line.split("#")[0].split())]
    kind = KIND.fullmatch(lines[0][0]) if lines else None
    if kind is None or lines[0][1:2] == ["BINARY"]:
        raise ValueError(f"{path} is not an OFF file of text: it does not begin with OFF.")
    lines = [lines[0][1:], *lines[1:]] if len(lines[0]) > 1 else lines[1:]  # the counts may stand beside OFF
    try:
        vertex_count, face_count = (int(word) for word in (lines[0] if lines else [])[:2])
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it does not say how many vertices and faces it has.") from error
    count_checked(path, faces=face_count, vertices=vertex_count)
    if len(lines) < 1 + vertex_count + face_count:
        raise ValueError(
            f"{path} is cut short: it has {len(lines) - 1} lines for its {vertex_count} vertices and "
            f"{face_count} faces."
        )
    if not face_count:
        raise ValueError(f"{path} holds only points and no faces, so there is nothing to render.")
    vertex_lines, face_lines = (
        lines[1 : 1 + vertex_count],
        lines[1 + vertex_count : 1 + vertex_count + face_count],
    )
    try:
        rows = np.array(vertex_lines, np.float64)
        polygons = [[int(word) for word in words[1 : 1 + int(words[0])]] for words in face_lines]
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"{path} is damaged: a vertex or a face is not made of numbers ({reason})."
        ) from error
    if any(len(words) > 1 + int(words[0]) for words in face_lines):
        notice(f"{path.name}: the colours of its faces are left out.")
    first_color = 6 if kind[3] else 3
    colors = rows[:, first_color : first_color + 3] if kind[2] else np.zeros((len(rows), 0))
    colored = colors.shape[1] == 3
    tint = linear_from_srgb(colors / (255 if colors.max() > 1 else 1)) if colored else white(len(rows))
    faces = [[p[0], p[k], p[k + 1]] for p in polygons for k in range(1, len(p) - 1)]
    corners = np.array(faces, np.int64).reshape(-1, 3)
    return [
        Part(
            np.ascontiguousarray(rows[:, :3]),
            corners,
            nowhere(len(rows)),
            tint,
            plain(1.0 if colored else GREY),
        )
    ]
