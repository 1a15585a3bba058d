"""Multi-resolution hash encoding (Müller et al. 2022, arXiv 2201.05989), laid out as tiny-cuda-nn lays it out."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from .backend import Op
from .check import check_shape

PRIMES = (1, 2654435761, 805459861)
CORNERS = tuple((corner & 1, corner >> 1 & 1, corner >> 2) for corner in range(8))


@dataclass(frozen=True)
class HashGridLayout:
    """Sizes of a hash grid: level l has ⌈s_l⌉ + 1 vertices per axis, s_l = base_resolution · per_level_scale^l − 1."""

    levels: int
    features: int
    log2_entries: int
    base_resolution: int
    per_level_scale: float

    @cached_property
    def scales(self) -> tuple[float, ...]:
        # In float32, as tiny-cuda-nn computes them: a last digit decides a ceiling. On the CPU, whatever the default.
        step = torch.tensor(math.log2(self.per_level_scale), dtype=torch.float32, device="cpu")
        levels = torch.arange(self.levels, dtype=torch.float32, device="cpu")
        return tuple((torch.exp2(levels * step) * self.base_resolution - 1).tolist())

    @cached_property
    def resolutions(self) -> tuple[int, ...]:
        return tuple(math.ceil(scale) + 1 for scale in self.scales)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First entry of each level, and at the end the number of entries of the whole table."""
        offsets = [0]
        for resolution in self.resolutions:
            dense = -(-(resolution**3) // 8) * 8
            offsets.append(offsets[-1] + min(dense, 2**self.log2_entries))
        return tuple(offsets)

    @property
    def entries(self) -> int:
        return self.offsets[-1]

    @property
    def width(self) -> int:
        """Length of the encoding: levels · features."""
        return self.levels * self.features

    def check(self, positions: Tensor, table: Tensor) -> None:
        check_shape("hash_grid", "positions", positions, (None, 3))
        if tuple(table.shape) != (self.entries, self.features):
            raise ValueError(
                f"hash_grid: the table has shape {tuple(table.shape)}, "
                f"but this layout needs ({self.entries}, {self.features})."
            )


@Op
def hash_grid(
    positions: Float[Tensor, "n xyz=3"], table: Float[Tensor, "entry feature"], layout: HashGridLayout
) -> Float[Tensor, "n level_feature"]:
    """Trilinearly interpolated features of every level, level-major, at positions in the unit cube.

    With p = x·s_l + ½, the cell is ⌊p⌋ and the weights come from p − ⌊p⌋. A vertex (i, j, k) lives at entry
    i + j·r + k·r² where all r³ vertices fit, else at (i·1 ⊕ j·2654435761 ⊕ k·805459861), both modulo the level's
    entries. Positions are clamped to the cube. Raises ValueError if the positions are not
    triples or the table does not fit the layout.
    """
    layout.check(positions, table)
    inside = positions.clamp(0, 1)
    encoded = []
    for level, (scale, resolution) in enumerate(zip(layout.scales, layout.resolutions, strict=True)):
        first, last = layout.offsets[level : level + 2]
        p = inside * scale + 0.5
        cell = p.detach().floor()
        fraction = p - cell
        value = torch.zeros(len(p), layout.features, dtype=table.dtype, device=table.device)
        for corner in CORNERS:
            offset = torch.tensor(corner, device=p.device)
            weight = torch.where(offset.bool(), fraction, 1 - fraction).prod(-1, keepdim=True)
            value = value + weight * table[first + _entry(cell.long() + offset, resolution, last - first)]
        encoded.append(value)
    return torch.cat(encoded, -1)


def _entry(vertex: Int[Tensor, "n xyz=3"], resolution: int, entries: int) -> Int[Tensor, "n"]:
    x, y, z = vertex.unbind(-1)
    if resolution**3 <= entries:
        return (x + y * resolution + z * resolution**2) % entries
    low32 = 0xFFFFFFFF
    hashed = (x * PRIMES[0] & low32) ^ (y * PRIMES[1] & low32) ^ (z * PRIMES[2] & low32)
    return hashed % entries
