"""Wavefront's material libraries (.mtl), as far as colours and the pictures of colours go."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..scenes.notice import notice
from .mesh_part import GREY, PLAIN_ROUGHNESS, Uv
from .mesh_picture import Picture, UnreadablePicture, linear, read_picture
from .mesh_resources import ELSEWHERE, beside, text_of
from .surface import Material, Sampling, Wrap

# The options that may stand between a map's keyword and its file, and how many values each has at most.
ONE_VALUE = ("-blendu", "-blendv", "-bm", "-boost", "-cc", "-clamp", "-imfchan", "-texres", "-type")
OPTIONS = {**dict.fromkeys(ONE_VALUE, 1), "-mm": 2, "-o": 3, "-s": 3, "-t": 3}
SOME_MAY_LACK = ("-mm", "-o", "-s", "-t")  # as many numbers as there are
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NOT_RENDERED = ("bump", "disp", "map_bump", "map_disp", "map_norm", "norm", "refl")
SOLID = 0.98  # nobody sees through what is more opaque than this


@dataclass(frozen=True)
class Map:
    """A picture, shown at (u, v)·scale + offset, its values times gain plus base."""

    file: str
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)
    base: float = 0.0
    gain: float = 1.0
    clamp: bool = False


@dataclass(frozen=True)
class Coat:
    """A material, and how texture coordinates lie on its picture."""

    material: Material
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)

    def placed(self, uv: Uv) -> Uv:
        return uv * np.array(self.scale) + np.array(self.offset)


class Library:
    """The materials of one .mtl file that an .obj file names."""

    def __init__(self, obj: Path, file: Path):
        self._obj, self._folder = obj, file.parent
        self._said: set[str] = set()
        self.lines: dict[str, dict[str, str]] = {}  # of each material, what follows each keyword
        material: dict[str, str] = {}
        for line in text_of(file).split("\n"):
            keyword, _, rest = line.strip().partition(" ")
            if keyword.lower() == "newmtl":
                material = self.lines[rest.strip()] = {}
            elif rest.strip() and not keyword.startswith("#"):
                material[keyword.lower()] = rest.strip()

    def coat(self, name: str, has_uv: bool) -> Coat:
        """What a part of a material looks like, whether or not it has texture coordinates."""
        lines = self.lines[name]
        unseen = [keyword for keyword in NOT_RENDERED if keyword in lines]
        if unseen:
            self._notice(f"{self._obj.name}: {' and '.join(unseen)} of material {name!r} are left out.")
        mapped = {
            keyword: read_map(lines[keyword]) for keyword in ("map_kd", "map_ke", "map_d") if keyword in lines
        }
        if mapped and not has_uv:
            self._notice(
                f"{self._obj.name}: the pictures of material {name!r} are left out where faces have no texture "
                "coordinates."
            )
            mapped = {}
        pictures = {keyword: self._picture(one) for keyword, one in mapped.items()}
        color, glow, mask = (pictures.get(keyword) for keyword in ("map_kd", "map_ke", "map_d"))
        # A picture stands for the diffuse colour: too many programs write a black or grey Kd beside it.
        texture = self._color(name, "kd", GREY) if color is None else linear(color[..., :3])
        emission = self._color(name, "ke", 0.0)
        if glow is not None:
            emission = linear(glow[..., :3])
        one = next((mapped[k] for k in ("map_kd", "map_ke", "map_d") if pictures.get(k) is not None), Map(""))
        wrap = Wrap.CLAMP if one.clamp else Wrap.REPEAT
        self._say_if_see_through(name)
        material = Material(
            texture, PLAIN_ROUGHNESS, sampling=Sampling(wrap, wrap), emission=emission, solid=_solid(mask)
        )
        return Coat(material, one.scale, one.offset)

    def _notice(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            notice(sentence)

    def _color(self, name: str, keyword: str, default: float) -> np.ndarray:
        words = self.lines[name].get(keyword, f"{default}").split()
        try:
            values = [float(word) for word in words[:3]]
        except ValueError:
            self._notice(
                f"{self._obj.name}: {keyword.capitalize()} of material {name!r} is not three numbers "
                f"({' '.join(words)!r}), and is left out."
            )
            values = [default]
        # One number stands for all three.
        return np.array((values * 3)[:3] if len(values) < 3 else values, np.float32).reshape(1, 1, 3)

    def _say_if_see_through(self, name: str) -> None:
        lines = self.lines[name]
        words = (lines.get("d") or "1").replace("-halo", "").split() or ["1"]
        numbers = [
            float(word) if NUMBER.fullmatch(word) else 1.0 for word in (words[0], lines.get("tr", "0"))
        ]
        opacity = numbers[0] if "d" in lines else 1 - numbers[1]
        if opacity < SOLID:
            self._notice(
                f"{self._obj.name}: material {name!r} is see-through (opacity {opacity:.2g}) and is rendered as opaque."
            )

    def _picture(self, one: Map) -> Picture | None:
        """The picture of a map, or None where it cannot be shown, which is said."""
        file = self._beside(one.file)
        if file is None and " #" in one.file:
            file = self._beside(one.file.split(" #")[0])
        if file is None:
            self._notice(f"{self._obj.name} names {one.file}, which is not there; its plain colour is used.")
            return None
        try:
            picture = read_picture(file, self._obj, file.name)
        except UnreadablePicture as reason:
            self._notice(f"{self._obj.name}: its texture {file.name} {reason}; its plain colour is used.")
            return None
        if (one.base, one.gain) == (0, 1):
            return picture
        colors = np.clip(picture[..., :3] * one.gain + one.base * 255, 0, 255).astype(np.uint8)
        return np.concatenate([colors, picture[..., 3:]], -1)

    def _beside(self, name: str) -> Path | None:
        """Names count from the library's folder, or from that of the .obj file."""
        within = self._folder.relative_to(self._obj.parent).as_posix()
        if within != "." and not ELSEWHERE.match(name):
            found = beside(self._obj, f"{within}/{name}")
            if found is not None or name.startswith(".."):
                return found
        return beside(self._obj, name)


def read_map(rest: str) -> Map:
    """What follows `map_Kd` and its like: options with their values, and a file whose name may hold spaces."""
    found: dict[str, list[str]] = {}
    word = _first(rest)
    while word.lower() in OPTIONS:
        option, values, rest = word.lower(), [], rest[len(word) :].lstrip()
        while len(values) < OPTIONS[option] and rest:
            word = _first(rest)
            if option in SOME_MAY_LACK and not NUMBER.fullmatch(word):
                break
            values.append(word)
            rest = rest[len(word) :].lstrip()
        found[option], word = values, _first(rest)

    def numbers(option: str, plain: tuple[float, float]) -> tuple[float, float]:
        given = [float(value) for value in found.get(option, [])[:2]]
        return (given[0] if given else plain[0], given[1] if len(given) > 1 else plain[1])

    base, gain = numbers("-mm", (0.0, 1.0))
    return Map(
        file=rest.strip().strip('"'),
        scale=numbers("-s", (1.0, 1.0)),
        offset=numbers("-o", (0.0, 0.0)),
        base=base,
        gain=gain,
        clamp=[value.lower() for value in found.get("-clamp", [])] == ["on"],
    )


def _first(text: str) -> str:
    return text.split(None, 1)[0] if text.strip() else ""


def _solid(mask: Picture | None) -> np.ndarray:
    """Where a mask says that there is something: by its alpha, or else by its brightness."""
    if mask is None:
        return np.ones((1, 1), bool)
    return (mask[..., 3] if (mask[..., 3] < 255).any() else mask[..., 0]) >= 128
