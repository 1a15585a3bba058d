"""A Mip-VoG field in bytes: its voxels in 8 bits, in blocks, where anything can be seen; and the field they mean."""

import copy
from dataclasses import dataclass, replace
from itertools import product

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from ..fields.blocks import Blocks
from ..fields.mipvog import MipVogConfig
from ..fields.pyramid import Pyramid
from ..ops import cell_number, cell_place
from ..ops.voxel_lookup import BLOCK, SIDE
from ..renderers.march import March
from ..scenes.cells import unpacked
from ..train.field_file import TrainedField

CHANNELS = 8  # diffuse colour, log density, code: as the page's two textures have them
DENSITY_CHANNEL = 3
MOST_WEIGHTS = 4096  # of a network: every WebGL2 has room for 16 KiB of them
NEAREST_BRICKS = tuple(product((0, -1), repeat=3))


@dataclass(frozen=True)
class Scale:
    """A byte b means (b − zero)·step. What is beyond its ends is moved there; 0 is a byte."""

    step: float
    zero: int

    def codes(self, values: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
        return (values / self.step + self.zero).round().clamp(0, 255).to(torch.uint8)

    def values(self, codes: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return (codes.float() - self.zero) * self.step


# From -11, which is empty however it is interpolated, to 22, where densities are clamped (`density_from_logit`).
DENSITY = Scale(0.13, 85)
APPEARANCE = Scale(0.07, 127)  # before a sigmoid: from 0.0001 to 0.9999
SCALES = tuple(DENSITY if channel == DENSITY_CHANNEL else APPEARANCE for channel in range(CHANNELS))


@dataclass(frozen=True)
class BakedLevel:
    """One level of the pyramid. `blocks` are the places of those that are kept, in blocks; `bricks` of those between
    whose voxels a ray is ever asked: a brick has the 8³ voxels of its block, and the first of the seven after it."""

    resolution: int
    blocks: Int[Tensor, "block xyz=3"]
    bricks: Int[Tensor, "brick xyz=3"]
    codes: UInt8[Tensor, "block voxel channel"]


@dataclass(frozen=True)
class Baked:
    """All that a page shows. `occupied` cells are packed as in `scenes.cells`; those without a brick are left out."""

    levels: tuple[BakedLevel, ...]
    occupied: Bool[Tensor, "cell"]
    network: tuple[Float[Tensor, "_ _"], ...]


def why_not_shown(trained: TrainedField) -> str:
    """Why a page cannot show a field as it is, in words that follow its name; empty where it can."""
    config = trained.config
    if not isinstance(config, MipVogConfig):
        return "is no mipvog field"
    usual = MipVogConfig()
    for name in ("activation", "blend", "filter"):
        if getattr(config, name) != getattr(usual, name):
            return f"has {name}={getattr(config, name)}"
    if not isinstance(trained.sampler, March):
        return "is not sampled by marching"
    if sum(weight.numel() for weight in _network(trained)) > MOST_WEIGHTS:
        return f"has a network of more than {MOST_WEIGHTS} weights"
    return ""


def rounded(trained: TrainedField) -> TrainedField:
    """The same field with the values that its bytes have."""
    field = copy.deepcopy(trained.field)
    state = field.state_dict()
    state["log_density"] = DENSITY.values(DENSITY.codes(state["log_density"]))
    state["appearance"] = APPEARANCE.values(APPEARANCE.codes(state["appearance"]))
    field.load_state_dict(state)
    return replace(trained, field=field)


@torch.no_grad()
def bake(trained: TrainedField) -> Baked:
    """Raises ValueError where there is nothing to see."""
    field = rounded(trained).field
    state = {name: tensor.cpu() for name, tensor in field.state_dict().items()}
    blocks = Blocks(SIDE)
    blocks.take_shape_of(state["blocks.index"], state["blocks.resolution"])
    values = torch.cat([state["appearance"][:, :3], state["log_density"], state["appearance"][:, 3:]], -1)
    config = trained.config
    assert isinstance(config, MipVogConfig)
    pyramid = Pyramid(blocks, config.levels)
    coarser = pyramid.coarser(values)
    occupied = unpacked(_march(trained).bits.cpu())
    seen = SeenCells(occupied)
    levels, before = [], 0
    rows = torch.cat([values, coarser]).reshape(-1, BLOCK, CHANNELS)
    for level, resolution in enumerate(pyramid.layout.resolutions):
        first, last = pyramid.layout.index_offsets[level : level + 2]
        index = pyramid.index[first:last]
        count = int((index >= 0).sum())
        levels.append(_level(resolution, index - before, rows[before : before + count], seen))
        before += count
    if not len(levels[0].bricks):
        raise ValueError("there is nothing to see in it: no voxel of it is both stored and occupied")
    return Baked(tuple(levels), _with_bricks(occupied, levels[0]), tuple(_network(trained)))


def _level(
    resolution: int,
    index: Int[Tensor, "entry"],
    rows: Float[Tensor, "block voxel channel"],
    seen: "SeenCells",
) -> BakedLevel:
    """Voxels of which no occupied cell has a share become 0, and blocks of nothing else are left out."""
    (there,) = (index >= 0).nonzero(as_tuple=True)
    blocks = cell_place(there, resolution // SIDE)
    rows = rows[index[there].long()]
    codes = torch.stack([scale.codes(rows[..., i]) for i, scale in enumerate(SCALES)], -1)
    inside = cell_place(torch.arange(BLOCK), SIDE)
    zero = torch.tensor([scale.zero for scale in SCALES], dtype=torch.uint8)
    for block, code in zip(blocks.split(1024), codes.split(1024), strict=True):
        voxel = SIDE * block[:, None] + inside
        code[~seen.any_between((voxel - 0.5) / resolution, (voxel + 1.5) / resolution)] = zero
    kept = (codes != zero).flatten(1).any(-1)
    return BakedLevel(resolution, blocks[kept], _bricks(blocks[kept], resolution, seen), codes[kept])


def _bricks(
    blocks: Int[Tensor, "block xyz=3"], resolution: int, seen: "SeenCells"
) -> Int[Tensor, "brick xyz=3"]:
    """The places from whose voxel centres on to those of the next places something is stored, and may be seen."""
    size = resolution // SIDE
    places = (blocks[:, None] + torch.tensor(NEAREST_BRICKS)).reshape(-1, 3)
    places = cell_place(cell_number(places[(places >= 0).all(-1)], size).unique(), size)
    # Before the first centres and behind the last ones values go on as they are.
    lo = torch.where(places > 0, (SIDE * places + 0.5) / resolution, 0.0)
    hi = torch.where(places < size - 1, (SIDE * places + SIDE + 0.5) / resolution, 1.0)
    return places[seen.any_between(lo, hi)]


def _with_bricks(occupied: Bool[Tensor, "cell"], finest: BakedLevel) -> Bool[Tensor, "cell"]:
    """Cells where the finest level has voxels. Elsewhere there is next to nothing: exp(EMPTY) in each edge."""
    size = finest.resolution // SIDE
    stored = torch.zeros(size**3, dtype=torch.bool)
    stored[cell_number(finest.bricks, size)] = True
    near = SeenCells(stored)
    resolution = round(len(occupied) ** (1 / 3))
    cells = occupied.nonzero()[:, 0]
    place = cell_place(cells, resolution)
    shift = 0.5 / finest.resolution  # a brick begins at the centre of its first voxel
    kept = torch.zeros_like(occupied)
    kept[cells] = near.any_between(place / resolution - shift, (place + 1) / resolution - shift)
    return kept


class SeenCells:
    """Whether any of some cells of the unit cube lies in a box: cells are counted once, in a table of sums."""

    def __init__(self, cells: Bool[Tensor, "cell"]) -> None:
        self.size = round(len(cells) ** (1 / 3))
        cube = cells.reshape(self.size, self.size, self.size).int()
        for axis in range(3):
            cube = cube.cumsum(axis, dtype=torch.int32)
        self.sums = torch.nn.functional.pad(cube, (1, 0, 1, 0, 1, 0)).reshape(-1)

    def any_between(self, lo: Float[Tensor, "*n xyz=3"], hi: Float[Tensor, "*n xyz=3"]) -> Bool[Tensor, "*n"]:
        first = (lo * self.size).floor().long().clamp(0, self.size - 1)
        last = (hi * self.size).ceil().long().clamp(1, self.size)
        ends = torch.stack([first, last.maximum(first + 1)])
        count = torch.zeros_like(first[..., 0])
        for corner in product((0, 1), repeat=3):
            place = torch.stack([ends[corner[axis], ..., axis] for axis in range(3)], -1)
            sign = -1 if sum(corner) % 2 == 0 else 1
            count += sign * self.sums[cell_number(place, self.size + 1)]
        return count > 0


def _march(trained: TrainedField) -> March:
    assert isinstance(trained.sampler, March)
    return trained.sampler


def _network(trained: TrainedField) -> list[Float[Tensor, "_ _"]]:
    state = trained.field.state_dict()
    names = sorted(name for name in state if name.startswith("decoder.weights."))
    return [state[name].float().cpu() for name in names]
