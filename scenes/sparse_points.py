"""Points that structure from motion found on the surfaces of a scene."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

GREY = 128  # of a point without a colour


@dataclass(frozen=True)
class SparsePoints:
    """With their colours in sRGB; those that are not finite are left out: points only ever help."""

    position: Float[np.ndarray, "point xyz=3"]
    color: UInt8[np.ndarray, "point rgb=3"]

    @staticmethod
    def of(position: np.ndarray, color: np.ndarray) -> "SparsePoints":
        kept = np.isfinite(position).all(-1)
        return SparsePoints(position[kept].astype(np.float64), color[kept].astype(np.uint8))

    def __len__(self) -> int:
        return len(self.position)

    def moved(self, there_from_here: Float[Tensor, "row=4 column=4"]) -> "SparsePoints":
        there = there_from_here.double().numpy()
        return SparsePoints(self.position @ there[:3, :3].T + there[:3, 3], self.color)
