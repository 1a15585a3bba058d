"""How photographs are turned into a scene."""

from dataclasses import dataclass
from typing import Literal

Matcher = Literal["auto", "exhaustive", "sequential", "similar"]
Features = Literal["auto", "sift", "affine"]
Lens = Literal["SIMPLE_RADIAL", "RADIAL", "OPENCV", "OPENCV_FISHEYE"]
MOST_EXHAUSTIVE = 80  # photographs: more make too many pairs
MOST_AFFINE = 40  # photographs: of more, features that follow a change of view take too long
MOST_FEATURES = {"sift": 8192, "affine": 4096}  # of a picture


@dataclass(frozen=True)
class ProcessOptions:
    """`max_size` is the longer side, in pixels, of the pictures in which features are looked for; `frames` are taken
    from a video."""

    max_size: int = 1600
    matcher: Matcher = "auto"
    features: Features = "auto"
    lens: Lens = "SIMPLE_RADIAL"
    frames: int = 150

    def matcher_for(self, count: int, in_turn: bool) -> str:
        """Which pairs of so many pictures are compared; those of a video were taken one after the other."""
        if self.matcher != "auto":
            return self.matcher
        if count <= MOST_EXHAUSTIVE:
            return "exhaustive"
        return "sequential" if in_turn else "similar"

    def features_for(self, count: int) -> str:
        """Which kind of features so many pictures get: SIFT's, or those with the affine shape of what they show, taken
        from several sizes of it, which are found again from farther aside and cost four times as much."""
        if self.features != "auto":
            return self.features
        return "affine" if count <= MOST_AFFINE else "sift"
