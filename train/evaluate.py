"""How good a field is: held-out views against what the camera saw."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import binary_erosion
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from ..fields import Field
from ..renderers import Rendering, Sampler, VolumeRenderer
from ..scenes import PixelRays, Views

FEWEST = 8  # pixels along each side of a view that a stride has to leave
STIFF = 1e-4  # of a fit of colours: how it is drawn towards no change
SSIM_WINDOW = 11  # pixels; a smaller image has no SSIM


@dataclass(frozen=True)
class Judged:
    """One held-out view at every `stride`-th pixel: what was rendered, what was there, the pixels that are not masked,
    and their figures. `psnr` is NaN where there are none."""

    name: str
    image: Float[Tensor, "height width rgb=3"]
    truth: Float[Tensor, "height width rgb=3"]
    counted: Bool[Tensor, "height width"]
    psnr: float
    stride: int

    @cached_property
    def psnr_fitted(self) -> float:
        return psnr_fitted(self.image, self.truth, self.counted)

    @cached_property
    def ssim(self) -> float:
        """NaN where no window of 11 pixels is free of masks, and at a stride above 1, where the picture is another one.
        Computed when it is asked for: it takes longer than many a rendering, and a curve has no use for it."""
        return ssim(self.image, self.truth, self.counted) if self.stride == 1 else math.nan


def judge(
    field: Field,
    sampler: Sampler,
    groups: Sequence[Views],
    background: Float[Tensor, "rgb=3"],
    stride: int = 1,
) -> Iterator[Judged]:
    """Every view of every group in turn, at every `stride`-th pixel, over one background, in sRGB."""
    renderer = VolumeRenderer(sampler)
    for views, view in ((each, view) for each in groups for view in range(len(each))):
        rendering = renderer.render_image(field, PixelRays(views.cameras, [view], stride), background)
        truth = true_image(views, view, background, stride)
        image = picture(rendering, truth.shape[0])
        counted = ~views.ignored[view, ::stride, ::stride]
        yield Judged(
            name=views.names[view],
            image=image,
            truth=truth,
            counted=counted,
            psnr=psnr(image, truth, counted),
            stride=stride,
        )


def check_stride(stride: int, groups: Sequence[Views]) -> None:
    """Raises ValueError where every `stride`-th pixel is too few of them to judge a view by."""
    for cameras in (views.cameras for views in groups):
        width, height = (-(-side // stride) for side in (cameras.width, cameras.height))
        if stride > 1 and min(width, height) < FEWEST:
            raise ValueError(
                f"--stride {stride} leaves {width}x{height} of the {cameras.width}x{cameras.height} pixels of a view, "
                f"too few to judge it by: it has to leave at least {FEWEST} along each side."
            )


def picture(rendering: Rendering, height: int) -> Float[Tensor, "height width rgb=3"]:
    return rendering.color.reshape(height, -1, 3).clamp(0, 1)


def true_image(
    views: Views, view: int, background: Float[Tensor, "rgb=3"], stride: int = 1
) -> Float[Tensor, "height width rgb=3"]:
    every = slice(None, None, stride)
    color, alpha = views.colors_and_alpha(view, every, every)
    return color * alpha[..., None] + background * (1 - alpha[..., None])


def psnr(
    image: Float[Tensor, "height width rgb=3"],
    truth: Float[Tensor, "height width rgb=3"],
    counted: Bool[Tensor, "height width"],
) -> float:
    """Peak signal-to-noise ratio in dB of the pixels that count; 100 where they are the same, NaN if none counts."""
    error = (image - truth).square()[counted].mean().item()
    return -10 * math.log10(max(error, 1e-10))


def ssim(
    image: Float[Tensor, "height width rgb=3"],
    truth: Float[Tensor, "height width rgb=3"],
    counted: Bool[Tensor, "height width"],
) -> float:
    """Structural similarity (Wang et al. 2004): Gaussian window of 11 pixels, σ = 1.5; the mean over the channels and
    the windows that lie in the picture and hold no masked pixel, NaN where there is none."""
    if min(image.shape[:2]) < SSIM_WINDOW:
        return math.nan
    a, b = (np.asarray(x.cpu(), dtype=np.float64) for x in (image, truth))
    _, similarity, *_ = structural_similarity(
        a,
        b,
        data_range=1.0,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    window = np.ones((SSIM_WINDOW, SSIM_WINDOW))
    whole = np.asarray(binary_erosion(np.asarray(counted.cpu()), window), dtype=bool)
    return np.asarray(similarity, dtype=np.float64)[whole].mean().item() if whole.any() else math.nan


def psnr_fitted(
    image: Float[Tensor, "height width rgb=3"],
    truth: Float[Tensor, "height width rgb=3"],
    counted: Bool[Tensor, "height width"],
) -> float:
    """PSNR of the right half after an affine map of colours that fits the left half best, by least squares: what a
    photograph's own exposure and white balance cost does not count. NaN where either half has too few pixels."""
    middle = image.shape[1] // 2
    left, right = counted[:, :middle], counted[:, middle:]
    if min(int(left.sum()), int(right.sum())) < FEWEST**2:
        return math.nan
    colors = nn.functional.pad(image.double(), (0, 1), value=1.0)
    known, wanted = colors[:, :middle][left], truth[:, :middle][left].double()
    near_identity = STIFF * len(known) * torch.eye(4).to(known)  # one colour alone says nothing of the others
    change = torch.linalg.solve(known.T @ known + near_identity, known.T @ (wanted - known[:, :3]))
    fitted = (colors[..., :3] + colors @ change).clamp(0, 1)
    return psnr(fitted[:, middle:], truth[:, middle:], right)


def mean_figure(figures: Iterable[float]) -> float:
    """The mean over the views that have the figure (a view that is masked everywhere has none); NaN where none has."""
    there = [figure for figure in figures if not math.isnan(figure)]
    return sum(there) / len(there) if there else math.nan


def masked_everywhere(groups: Sequence[Views]) -> list[str]:
    """The names of the views of which no pixel counts."""
    return [
        name
        for views in groups
        for name, ignored in zip(views.names, views.ignored, strict=True)
        if bool(ignored.all())
    ]
