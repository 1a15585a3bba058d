"""What a person can look at besides colour, as pictures: each a way to paint what rays have seen."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..export.color_maps import depth_picture, depth_range, error_map, opacity_picture, turbo
from ..train.pictures import to_bytes
from ..viewer.display import FIGURE, OTHER
from ..viewer.lens import rays_of
from ..viewer.subject import Paint, Picture

Image = UInt8[Tensor, "height width rgb=3"]
FEW = 1 << 14  # pixels from which the range of distances is told
BAND = 1 << 16  # pixels, about, whose normals are found at once


def _color(picture: Picture) -> Image:
    return to_bytes(picture.layer("color"))


def _opacity(picture: Picture) -> Image:
    return opacity_picture(picture.layer("opacity")[..., 0])


def _depth(picture: Picture) -> Image:
    depth, opacity = picture.layer("depth")[..., 0], picture.layer("opacity")[..., 0]
    step = max(1, int((depth.numel() / FEW) ** 0.5))
    return depth_picture(depth, opacity, depth_range([(depth[::step, ::step], opacity[::step, ::step])]))


def _normals(picture: Picture) -> Image:
    """Of the surface that the distances make: x, y and z in the world as red, green and blue. Grey is none."""
    height = picture.camera.height
    rows = max(1, BAND // picture.camera.width)
    return torch.cat(
        [_normals_of(picture, first, min(first + rows, height)) for first in range(0, height, rows)]
    )


def _normals_of(picture: Picture, first: int, last: int) -> Image:
    """Of the rows from `first` to before `last`."""
    place = _places(
        picture, first - 1, last + 1
    )  # with a row on either side, whose own slopes are not asked for
    across, down = _slope(place, 1)[1:-1], _slope(place, 0)[1:-1]
    normal = torch.nn.functional.normalize(torch.linalg.cross(down, across), dim=-1)
    seen = picture.layer("opacity")[first:last].clamp(0, 1)
    return to_bytes((normal + 1) / 2 * seen + 0.5 * (1 - seen))


def _places(picture: Picture, first: int, last: int) -> Float[Tensor, "height width xyz=3"]:
    """What the pixels of some rows see; beyond the picture's edge follows the row at the opposite one."""
    camera, depth = picture.camera, picture.layer("depth")
    row = torch.arange(first, last, device=depth.device) % camera.height
    pixels = row[:, None] * camera.width + torch.arange(camera.width, device=depth.device)
    rays, depth = rays_of(camera, pixels.reshape(-1)), depth[row].reshape(-1, 1)
    place = rays.origins + rays.directions * torch.where(depth.isfinite(), depth, 0.0)
    return place.reshape(len(row), camera.width, 3)


def _slope(place: Float[Tensor, "height width xyz=3"], along: int) -> Float[Tensor, "height width xyz=3"]:
    """The shorter of the steps to the two neighbours: the longer one may lead over an edge."""
    after = torch.roll(place, -1, along) - place
    before = place - torch.roll(place, 1, along)
    shorter = after.square().sum(-1, keepdim=True) < before.square().sum(-1, keepdim=True)
    return torch.where(shorter, after, before)


def _samples(picture: Picture) -> Image:
    """Dark blue is none; the most that a ray took is dark red."""
    samples = picture.layer("samples")[..., 0]
    return to_bytes(turbo(samples / samples.max().clamp_min(1)))


def figure(picture: Picture) -> Image:
    """A figure of the surface, from its least (blue) to its most (red), white where there is none."""
    values, seen = picture.layer(FIGURE)[..., 0], picture.layer("opacity").clamp(0, 1)
    shown = values[seen[..., 0] > 0.5]
    low, high = (shown.min(), shown.max()) if shown.numel() else (values.min(), values.max())
    return to_bytes(turbo((values - low) / (high - low).clamp_min(1e-6)) * seen + (1 - seen))


def difference(picture: Picture) -> Image:
    return error_map(picture.layer("color"), picture.layer(OTHER))


PAINTS: dict[str, Paint] = {
    "Colour": _color,
    "Opacity": _opacity,
    "Depth": _depth,
    "Normals": _normals,
    "Samples per ray": _samples,
}
