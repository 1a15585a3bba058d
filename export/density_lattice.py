"""How dense a field is at the points of a lattice, as the side of a surface that each point is on."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float16
from scipy import ndimage
from torch import Tensor

from ..ops import one_thread_of_torch
from ..scenes.crop import Crop
from ..scenes.memory import available_memory
from ..train.field_file import TrainedField
from .ray_ends import Ends
from .surface_points import points_of

AT_ONCE = 1 << 18  # points
BYTES = 12  # of a point, in the most that is held at once
FAINTEST = (
    1e-3  # of a side: nothing is so near to the surface that a vertex would lie on a point of the lattice
)
NOTHING = -0.97
SEEN_EMPTY = (0.0, 0.3, 0.6, 0.9)  # shares of the way of a ray that ends
Side = Float16[np.ndarray, "x y z"]


@dataclass(frozen=True)
class Lattice:
    """Points of a crop, `cell` apart in the world, in its own axes."""

    crop: Crop
    cell: float
    shape: tuple[int, int, int]

    @staticmethod
    def of(crop: Crop, resolution: int) -> "Lattice":
        """`resolution` cells along the longest edge. Raises ValueError where there is no room for its points."""
        cell = crop.size.max().item() / resolution
        x, y, z = ((crop.size / cell - 1e-4).ceil().int() + 1).tolist()
        lattice = Lattice(crop, cell, (x, y, z))
        room = available_memory() / 2
        if lattice.bytes > room:
            fits = int(resolution * (room / lattice.bytes) ** (1 / 3)) // 8 * 8
            raise ValueError(
                f"--resolution {resolution} takes {lattice.bytes / 2**30:.1f} GiB of memory, and there are "
                f"{room / 2**30:.1f} to spare: {fits} would fit."
            )
        return lattice

    @property
    def bytes(self) -> int:
        return BYTES * int(np.prod(self.shape, dtype=np.int64))

    def world(self, place: Float[Tensor, "n xyz=3"]) -> Float[Tensor, "n xyz=3"]:
        """Where in the world places of the lattice lie, which are counted in cells."""
        middle = (torch.tensor(self.shape, dtype=place.dtype, device=place.device) - 1) / 2
        return self.crop.world_from_box((place - middle) * self.cell)

    def nearest(self, position: Float[Tensor, "n xyz=3"]) -> np.ndarray:
        """The points nearest to positions in the world, of those that lie within the lattice."""
        middle = (torch.tensor(self.shape, device=position.device) - 1) / 2
        place = (self.crop.box_from_world(position) / self.cell + middle).round().long().cpu().numpy()
        return place[((place >= 0) & (place < self.shape)).all(-1)]


def fill(trained: TrainedField, lattice: Lattice, level: float, time: float) -> Generator[float, None, Side]:
    """What share of the lattice is done, time and again, and in the end the side of every point: log(density / level),
    bent into -1 to 1; positive is inside."""
    side = np.full(lattice.shape, NOTHING, np.float16)
    step = max(1, AT_ONCE // (lattice.shape[1] * lattice.shape[2]))
    for first in range(0, len(side), step):
        part = side[first : first + step]
        place = np.indices(part.shape).reshape(3, -1).T + np.array([first, 0, 0])
        part.reshape(-1)[:] = _sides(trained, lattice.world(torch.from_numpy(place).float()), level, time)
        yield (first + len(part)) / len(side)
    return side


@one_thread_of_torch()
@torch.no_grad()
def _sides(
    trained: TrainedField, position: Float[Tensor, "n xyz=3"], level: float, time: float
) -> np.ndarray:
    position = position.to(trained.device)
    asked = trained.sampler.contains(position).nonzero()[:, 0]
    density = trained.field.density(points_of(position[asked], trained, time))
    log = (density.clamp_min(1e-12) / level).log()
    side = log / (1 + log.abs())
    side = torch.where(side.abs() < FAINTEST, torch.where(side < 0, -FAINTEST, FAINTEST), side)
    whole = torch.full_like(position[:, 0], NOTHING).index_copy(0, asked, side)
    return whole.half().cpu().numpy()


def closed(side: Side, lattice: Lattice, ends: Ends) -> Side:
    """Without what nobody can see: whatever empty space is reached neither from the lattice's boundary nor by the
    training cameras' rays counts as inside."""
    rooms = np.zeros(side.shape, np.int32)
    ndimage.label(side < 0, output=rooms)
    places = torch.cat([ends.places(share) for share in SEEN_EMPTY])
    x, y, z = lattice.nearest(places).T
    faces = [np.take(rooms, end, axis).reshape(-1) for axis in range(3) for end in (0, -1)]
    open_rooms = np.zeros(rooms.max() + 1, bool)
    open_rooms[np.concatenate([*map(np.unique, faces), rooms[x, y, z]])] = True
    open_rooms[0] = True  # what is inside already
    hidden = ~open_rooms[rooms]
    side[hidden] = -NOTHING
    return side
