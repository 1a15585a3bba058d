"""LPIPS (Zhang et al. 2018, arXiv 1801.03924), where the optional package and its weights are at hand."""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

# The usual nets, in the order of preference, and how torchvision names their weights in torch hub's cache.
WEIGHTS = {"vgg": "vgg16-*.pth", "alex": "alexnet-*.pth"}
SMALLEST_SIDE = 64  # pixels; the nets halve an image up to five times


@dataclass(frozen=True)
class Lpips:
    """The distance, and the net that it is measured with: figures of different nets do not compare."""

    net: str
    model: Callable[[Tensor, Tensor], Tensor]

    @torch.no_grad()
    def distance(
        self,
        image: Float[Tensor, "height width rgb=3"],
        truth: Float[Tensor, "height width rgb=3"],
        counted: Bool[Tensor, "height width"],
    ) -> float:
        """Of two pictures in [0, 1]; 0 where they are the same, NaN for a side under 64 pixels or if no pixel counts.

        Where a pixel does not count the truth stands in both. They are the same there, so the nets' mean over all
        places is that over the pixels that count times their share.
        """
        share = counted.float().mean().item()
        if min(image.shape[:2]) < SMALLEST_SIDE or share == 0:
            return math.nan
        seen = torch.where(counted[..., None], image, truth)
        first, second = (picture.permute(2, 0, 1)[None] * 2 - 1 for picture in (seen, truth))
        return self.model(first, second).item() / share


def find_lpips(device: torch.device) -> Lpips:
    """Never downloads. Raises LookupError, saying what is missing, where LPIPS cannot be measured."""
    for package in ("lpips", "torchvision"):
        if importlib.util.find_spec(package) is None:
            raise LookupError(f"the optional package {package} is not installed")
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    for net, pattern in WEIGHTS.items():
        if any(cache.glob(pattern)):
            import lpips  # pyright: ignore[reportMissingImports]  # optional

            return Lpips(net, lpips.LPIPS(net=net, verbose=False).to(device).eval())
    raise LookupError("torch hub's cache holds neither the weights of VGG-16 nor those of AlexNet")
