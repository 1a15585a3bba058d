"""Reads Wavefront OBJ files: polygons, texture coordinates, vertex colours, and materials by name."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64

from ..scenes.notice import notice
from .mesh_part import GREY, Corners, Part, Places, Tint, count_checked, nowhere, plain, white
from .mesh_resources import beside, text_of
from .mtl_file import Coat, Library
from .raycast import linear_from_srgb

BLOCK = 1 << 24
FREE_FORM = ("curv", "curv2", "surf")


@dataclass
class Lines:
    """The lines of a file, by what they say."""

    vertices: list[str] = field(default_factory=list)
    uv: list[str] = field(default_factory=list)
    faces: dict[str, list[str]] = field(default_factory=dict)  # by material
    libraries: list[str] = field(default_factory=list)
    other: set[str] = field(default_factory=set)


def read_obj(path: Path) -> list[Part]:
    """All polygons as triangles, one part for each material; axes and units as in the file."""
    _count_lines(path)
    lines = _sorted(text_of(path))
    if not lines.faces:
        what = "only vertices, points or lines" if lines.vertices else "no geometry"
        raise ValueError(f"{path} holds {what} and no faces, so there is nothing to render.")
    if lines.other & set(FREE_FORM):
        notice(f"{path.name}: its free-form curves and surfaces are left out.")
    vertices, tint = _vertices(path, lines.vertices)
    uv = _numbers(path, "vt", lines.uv)[:, :2] if lines.uv else nowhere(0)
    uv = np.pad(uv, ((0, 0), (0, 2 - uv.shape[1])))
    libraries = _libraries(path, lines.libraries)
    parts = []
    for name, faces in lines.faces.items():
        places, uv_places = _triangles(path, faces)
        if len(places) and (places.min() < 1 or places.max() > len(vertices) or uv_places.max() > len(uv)):
            raise ValueError(f"{path} is damaged: a face refers to a vertex that is not there.")
        has_uv = (uv_places > 0).all(1)
        for rows, whether in ((has_uv, True), (~has_uv, False)):
            if rows.any():
                coat = _coat(path, name, libraries, has_uv=whether, has_tint=tint is not None)
                corners = np.stack(
                    [places[rows] - 1, uv_places[rows] - 1 if whether else 0 * places[rows]], -1
                )
                parts.append(_part(vertices, uv if whether else nowhere(1), tint, corners=corners, coat=coat))
    return parts


def _count_lines(path: Path) -> None:
    """Refuses too many faces before their text is taken apart."""
    faces = vertices = 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            faces, vertices = faces + block.count(b"\nf "), vertices + block.count(b"\nv ")
            count_checked(path, faces=faces, vertices=vertices)


def _sorted(text: str) -> Lines:
    lines = Lines()
    faces: list[str] | None = None
    for line in text.split("\n"):
        keyword, _, rest = line.partition(" ") if line[:1] != " " else line.strip().partition(" ")
        if keyword == "v":
            lines.vertices.append(rest)
        elif keyword == "f":
            if faces is None:
                faces = lines.faces.setdefault("", [])
            faces.append(rest if "-" not in rest else _counted_from_the_start(rest, lines))
        elif keyword == "vt":
            lines.uv.append(rest)
        elif keyword == "usemtl":
            faces = lines.faces.setdefault(rest.strip(), [])
        elif keyword == "mtllib":
            lines.libraries.append(rest.strip())
        else:
            lines.other.add(keyword)
    lines.faces = {name: faces for name, faces in lines.faces.items() if faces}
    return lines


def _counted_from_the_start(rest: str, lines: Lines) -> str:
    """Negative numbers count back from the last vertex, or texture coordinate, so far."""
    counts = (len(lines.vertices), len(lines.uv), 0)

    def counted(word: str, count: int) -> str:
        return str(count + 1 + int(word)) if word.startswith("-") and word[1:].isdigit() else word

    return " ".join(
        "/".join(counted(word, count) for word, count in zip(corner.split("/"), counts, strict=False))
        for corner in rest.split()
    )


def _vertices(path: Path, lines: list[str]) -> tuple[Places, Tint | None]:
    """Positions, and colours where x y z are followed by r g b."""
    rows = _numbers(path, "v", lines)
    if rows.shape[1] < 3:
        raise ValueError(f"{path} is damaged: a vertex has {rows.shape[1]} coordinates instead of three.")
    if rows.shape[1] < 6:
        return np.ascontiguousarray(rows[:, :3]), None
    colors = np.nan_to_num(rows[:, 3:6], nan=1.0)
    return np.ascontiguousarray(rows[:, :3]), linear_from_srgb(colors / (255 if colors.max() > 1 else 1))


def _numbers(path: Path, keyword: str, lines: list[str]) -> Float64[np.ndarray, "line column"]:
    """The numbers of all lines; those of shorter ones are filled up with NaN."""
    try:
        flat = np.fromiter(map(float, " ".join(lines).split()), np.float64)
    except ValueError as error:
        raise _not_numbers(path, keyword, lines) from error
    columns = len(lines[0].split())
    if len(flat) == columns * len(lines):
        return flat.reshape(-1, columns)
    rows = [[float(word) for word in line.split()] for line in lines]
    table = np.full((len(rows), max(map(len, rows))), np.nan)
    for index, row in enumerate(rows):
        table[index, : len(row)] = row
    return table


def _not_numbers(path: Path, keyword: str, lines: list[str]) -> ValueError:
    for line in lines:
        try:
            [float(word) for word in line.split()]
        except ValueError:
            why = "has commas where numbers have points" if "," in line else "is not made of numbers"
            return ValueError(f"{path} cannot be read: the line '{keyword} {line.strip()[:60]}' {why}.")
    raise AssertionError("a line that is no number was not found again")


def _triangles(path: Path, faces: list[str]) -> tuple[Corners, Int64[np.ndarray, "face corner=3"]]:
    """Fans of all polygons: numbers of vertices and of texture coordinates, from 1; 0 where there is none."""
    faces = [face.split("#")[0] for face in faces] if any("#" in face for face in faces) else faces
    try:
        vertex, uv = _corners((" ".join(faces) + " ").replace("//", "/0/").replace("/ ", "/0 ").split())
    except ValueError as error:
        wrong = next((face for face in faces if not set(face) <= set("0123456789/ ")), faces[0])
        raise ValueError(
            f"{path} cannot be read: the line 'f {wrong.strip()[:60]}' is not a face."
        ) from error
    sizes = np.fromiter((len(face.split()) for face in faces), np.int64, len(faces))
    starts = np.cumsum(sizes) - sizes
    fans = [
        starts[sizes == size, None, None] + np.array([[0, step, step + 1] for step in range(1, size - 1)])
        for size in np.unique(sizes)
        if size > 2
    ]
    rows = np.concatenate([fan.reshape(-1, 3) for fan in fans]) if fans else np.zeros((0, 3), np.int64)
    return vertex[rows], uv[rows]


def _corners(words: list[str]) -> tuple[Int64[np.ndarray, "corner"], Int64[np.ndarray, "corner"]]:
    """The numbers in `place`, `place/uv` or `place/uv/normal`, with 0 for what is not there.

    Where all corners are of one kind no list is made for each: a million lists would keep Python's collector busy.
    """
    slashes = {word.count("/") for word in words}
    if len(slashes) == 1:
        (count,) = slashes
        table = np.fromiter(map(int, " ".join(words).replace("/", " ").split()), np.int64)
        table = table.reshape(-1, count + 1)
        return table[:, 0], table[:, 1] if count else np.zeros_like(table[:, 0])
    pairs = [[*word.split("/"), ""][:2] for word in words]
    flat = np.fromiter((int(number or 0) for pair in pairs for number in pair), np.int64)
    return flat[::2], flat[1::2]


def _part(
    vertices: Places,
    uv: Float64[np.ndarray, "place uv=2"],
    tint: Tint | None,
    *,
    corners: Int64[np.ndarray, "face corner=3 place_uv=2"],
    coat: Coat,
) -> Part:
    """One material's triangles, with a vertex of its own for every pair of place and texture coordinates."""
    pair, faces = np.unique(corners[..., 0] * len(uv) + corners[..., 1], return_inverse=True)
    place = pair // len(uv)
    return Part(
        vertices[place],
        faces.reshape(-1, 3),
        coat.placed(uv[pair % len(uv)]),
        white(len(pair)) if tint is None else tint[place],
        coat.material,
    )


def _libraries(path: Path, statements: list[str]) -> list[Library]:
    """A statement names one library, whose name may hold spaces, or several; each missing one is said."""
    libraries = []
    for statement in dict.fromkeys(statements):
        whole = beside(path, statement.strip('"'))
        several = [(name, beside(path, name)) for name in statement.split()]
        if whole is not None:
            several = [(statement, whole)]
        elif not any(file for _, file in several):
            several = [(statement, None)]
        for name, file in several:
            if file is None:
                notice(f"{path.name} names {name}, which is not there; plain grey is used for its materials.")
            else:
                libraries.append(Library(path, file))
    return libraries


def _coat(path: Path, name: str, libraries: list[Library], *, has_uv: bool, has_tint: bool) -> Coat:
    for library in libraries:
        same = [known for known in library.lines if known == name]
        same = same or [known for known in library.lines if known.casefold() == name.casefold()]
        if same:
            coat = library.coat(same[0], has_uv)
            # Colours of vertices are the diffuse colour, if there is no picture that they could be laid over.
            painted = coat.material.texture.size > 3
            return coat if painted or not has_tint else replace(coat, material=plain(1.0))
    if libraries and name:
        notice(f"{path.name}: its material {name!r} is in none of its libraries; plain grey is used.")
    return Coat(plain(1.0 if has_tint else GREY))
