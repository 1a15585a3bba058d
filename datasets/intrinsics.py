"""The lens of one frame."""

from dataclasses import dataclass

from ..scenes.cameras import Lens

Size = tuple[int | float, int | float]  # width and height, or what else there is along x and y
NO_DISTORTION = (0.0,) * 6


@dataclass(frozen=True)
class Intrinsics:
    """Pixels of an image of `size` (width, height); `distortion` is k1, k2, k3, k4, p1, p2, as OpenCV has them."""

    size: Size
    focal: Size
    principal: Size
    distortion: tuple[float, ...] = NO_DISTORTION
    lens: Lens = Lens.PERSPECTIVE

    def resized(self, size: tuple[int, int]) -> "Intrinsics":
        """The same lens for the same picture at another size."""
        x, y = size[0] / self.size[0], size[1] / self.size[1]
        focal, principal = self.focal, self.principal
        return Intrinsics(
            size=(float(size[0]), float(size[1])),
            focal=(focal[0] * x, focal[1] * y),
            principal=(principal[0] * x, principal[1] * y),
            distortion=self.distortion,
            lens=self.lens,
        )

    def is_resize_of(self, size: tuple[int, int]) -> bool:
        """Whether the aspect agrees to within the two pixels that rounding may cost."""
        return aspect_error(self.size, size) <= 2 * max(self.size)


def aspect_error(one: Size, other: Size) -> float:
    """Of two sizes; zero where one is the other at a scale."""
    return float(abs(one[0] * other[1] - one[1] * other[0]))
