"""The part of the world a field covers, as a map between world space and the unit cube [0, 1]³."""

import abc
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from ..ops import unit_positions
from ..ops.unit_positions import Corner


@dataclass(frozen=True)
class Domain(abc.ABC):
    """`lo` and `hi` are the corners, in world units, of the box that holds what the cameras look at."""

    lo: Corner
    hi: Corner

    def __post_init__(self) -> None:
        if not all(low < high for low, high in zip(self.lo, self.hi, strict=True)):
            raise ValueError(
                f"The box is empty: its low corner {self.lo} is not below its high corner {self.hi}."
            )

    @property
    def side(self) -> float:
        """The longest edge of the box in world units: the unit in which fields measure density."""
        return max(high - low for low, high in zip(self.lo, self.hi, strict=True))

    @abc.abstractmethod
    def unit_from_world(self, position: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]: ...

    @abc.abstractmethod
    def world_from_unit(self, unit: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]: ...

    def corners(self, like: Tensor) -> tuple[Float[Tensor, "xyz=3"], Float[Tensor, "xyz=3"]]:
        return torch.tensor(self.lo).to(like), torch.tensor(self.hi).to(like)


@dataclass(frozen=True)
class Box(Domain):
    """A bounded scene: outside the box there is nothing, and the map is linear."""

    def unit_from_world(self, position: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        return _unit(position, self, contracted=False)

    def world_from_unit(self, unit: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        lo, hi = self.corners(unit)
        return lo + unit * (hi - lo)


@dataclass(frozen=True)
class Contraction(Domain):
    """An unbounded scene: the box fills the middle half of the unit cube, all beyond it the rest.

    With x in units of the half box, contract(x) = x inside, (2 - 1/‖x‖)·x/‖x‖ outside, in the maximum
    norm (Mip-NeRF 360, Eq. 10 of arXiv 2111.12077, with the norm that makes the image a cube).
    """

    def unit_from_world(self, position: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        return _unit(position, self, contracted=True)

    def world_from_unit(self, unit: Float[Tensor, "*n xyz=3"]) -> Float[Tensor, "*n xyz=3"]:
        lo, hi = self.corners(unit)
        y = unit * 4 - 2
        # The far face of the cube is infinitely far away; stop a thousandth before it.
        norm = y.abs().amax(-1, keepdim=True).clamp(1, 1.999)
        x = y / (norm * (2 - norm))
        return lo + (x + 1) / 2 * (hi - lo)


@dataclass(frozen=True)
class Outlook(Contraction):
    """An unbounded scene that all cameras look at from one side: the box is around the cameras, and reaches half
    as far as what they look at. That is beyond it, where the contraction is a view in perspective from the middle of
    the cameras, with its depth by inverse distance, as normalised device coordinates are (NeRF, Appendix C)."""


def _unit(
    position: Float[Tensor, "*n xyz=3"], domain: Domain, *, contracted: bool
) -> Float[Tensor, "*n xyz=3"]:
    unit = unit_positions(position.reshape(-1, 3), domain.lo, domain.hi, contracted)
    return unit.view(position.shape)
