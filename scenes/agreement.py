"""What the pictures say about the poses: whether views agree where they see the same, and how far away that is.

Positions and directions alone cannot tell a walk through a room from a camera that trembles while it turns on the
spot, nor poses in one convention from poses in another: both look the same at another scale, or turned inside out. So
pairs of views are compared: pixels of one are carried along their rays to some distance, and looked up in the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .cameras import Cameras, Lens, distort
from .views import Views, view_count

PAIRS = 16
ACROSS, DOWN = 20, 15  # pixels compared
COARSE = 48  # pixels: the width of the pictures in which they are looked up
APART = 0.25  # of the field of view: how far the two of a pair should be turned against one another
DISTANCES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 24.0, torch.inf)  # times the pair's distance
BEYOND = 64.0  # times the pair's distance: taken for infinity, where nothing moves any more
MOST_APART = (
    0.6  # of the field of view: beyond it two views of an object on a plain ground agree by its outline only
)
FEWEST_PAIRS = 4  # that can tell anything
OVERLAP = 0.25  # share of the pixels compared that must be in both views
TRUSTED = 0.6  # correlation of views that agree
BETTER = 0.15  # how much better they must agree in another convention to be thought to be in it


@dataclass(frozen=True)
class Pairs:
    """Views to be compared, two by two, as coarse grey pictures of them all; `counts` is 0 where a mask ignores."""

    first: Int[Tensor, "pair"]
    second: Int[Tensor, "pair"]
    grey: Float[Tensor, "pair two=2 rows columns"]
    counts: Float[Tensor, "pair two=2 rows columns"]


def pair_up(views: Views, most: int = PAIRS) -> Pairs:
    """Up to `most` views, spread over all, each with that which is turned against it by about APART.

    Views that have none within MOST_APART are in no pair.
    """
    count, cameras = len(views), views.cameras
    first = torch.linspace(0, count - 1, min(count, most)).long()
    rotation = cameras.world_from_camera[:, :, :3].reshape(count, 9)
    angle = ((rotation[first] @ rotation.T - 1) / 2).clamp(-1, 1).acos()
    view_angle = 2 * torch.atan(cameras.width / 2 / cameras.focal[:, 0].median())
    score = (angle - APART * view_angle).abs()
    score[torch.arange(len(first)), first] = torch.inf
    nearest = score.argmin(1)
    near = angle.gather(1, nearest[:, None])[:, 0] < MOST_APART * view_angle
    first, second = first[near], nearest[near]
    both = torch.stack([first, second], 1)
    coarse = {view: _coarse(views, view) for view in both.unique().tolist()}
    stacked = [torch.stack([torch.stack(coarse[a]), torch.stack(coarse[b])]) for a, b in both.tolist()]
    pictures = torch.stack(stacked) if stacked else torch.zeros(0, 2, 2, 1, 1)
    return Pairs(first, second, pictures[:, :, 0], pictures[:, :, 1])


def correlations(pairs: Pairs, cameras: Cameras) -> Float[Tensor, "pair distance"]:
    """Of the pixels of each pair, where they are as far away as each of DISTANCES; -1 where too few are in both."""
    x, y = (torch.arange(n) + 0.5 for n in (ACROSS, DOWN))
    grid = torch.stack(torch.meshgrid(x / ACROSS, y / DOWN, indexing="xy"), -1).reshape(1, -1, 1, 2) * 2 - 1
    grid = grid.expand(len(pairs.first), -1, -1, -1)
    known, counted = _look_up(pairs.grey[:, 0], grid), _look_up(pairs.counts[:, 0], grid) > 0.5
    each = grid.shape[1]
    view = pairs.first.repeat_interleave(each)
    size = torch.tensor([cameras.width, cameras.height])
    sensor = ((grid + 1) / 2 * size).reshape(-1, 2)
    rays = cameras.rays(view, sensor[:, 0], sensor[:, 1])
    baseline = _baseline(pairs, cameras)
    answers = []
    for distance in DISTANCES:
        toward = rays.directions.reshape(-1, each, 3)
        if distance < torch.inf:
            toward = toward * (distance * baseline.norm(dim=-1))[:, None, None] - baseline[:, None]
        there, seen = _project(cameras, pairs.second, toward)
        there = there / size * 2 - 1
        seen &= (there.abs() < 1).all(-1)
        other = _look_up(pairs.grey[:, 1], there[:, :, None].float())
        seen &= counted & (_look_up(pairs.counts[:, 1], there[:, :, None].float()) > 0.5)
        answers.append(_correlation(known, other, seen))
    return torch.stack(answers, -1)


@dataclass(frozen=True)
class Told:
    """`distance` to what the pictures show, in world units, 0 where they do not tell; `convention` is the one that the
    poses seem to be in by mistake, in words that a user knows, empty where they seem right."""

    distance: float
    convention: str


def ask(groups: Sequence[Views]) -> Told:
    """Compare some pairs of the views, each within a group, by their poses and by what these might have been meant to
    be."""
    count = view_count(groups)
    # Of each group as many pairs as it has of the views; a view alone has none to be compared with.
    asked = [
        (pair_up(views, -(-PAIRS * len(views) // count)), views.cameras) for views in groups if len(views) > 1
    ]
    if sum(len(pairs.first) for pairs, _ in asked) < FEWEST_PAIRS:
        return Told(0.0, "")
    correlation = _all_correlations(asked, lambda poses: poses)
    agree = correlation.amax(1).median().item()
    others = {name: 0.0 for name in CONVENTIONS}
    if agree + BETTER < 1:
        for name, right in CONVENTIONS.items():
            others[name] = _all_correlations(asked, right).amax(1).median().item()
    best = max(others, key=lambda name: others[name])
    mistaken = others[best] > max(TRUSTED, agree + BETTER)
    return Told(_distance(asked, correlation), best if mistaken else "")


def _all_correlations(
    asked: Sequence[tuple[Pairs, Cameras]], right: Callable[[Tensor], Tensor]
) -> Float[Tensor, "pair distance"]:
    meant = (
        (pairs, replace(cameras, world_from_camera=right(cameras.world_from_camera)))
        for pairs, cameras in asked
    )
    return torch.cat([correlations(pairs, cameras) for pairs, cameras in meant])


def _distance(asked: Sequence[tuple[Pairs, Cameras]], correlation: Float[Tensor, "pair distance"]) -> float:
    """Where views agree best as if all were infinitely far, there is no parallax to measure by: a panorama, whose scale
    is free. It is taken as one unit, or, if that is more, as the least distance at which nothing moves.
    """
    best, index = correlation.max(1)
    trusted = best > TRUSTED
    if trusted.float().mean() < 0.5:
        return 0.0
    baseline = torch.cat([_baseline(*each) for each in asked]).norm(dim=-1)
    distance = (baseline * torch.tensor(DISTANCES).clamp_max(BEYOND)[index])[trusted].median().item()
    infinite = (index[trusted] == len(DISTANCES) - 1).float().mean().item() > 0.5
    return max(distance, 1.0) if infinite else distance


def _baseline(pairs: Pairs, cameras: Cameras) -> Float[Tensor, "pair xyz=3"]:
    position = cameras.world_from_camera[:, :, 3]
    return position[pairs.second] - position[pairs.first]


def _opencv(poses: Float[Tensor, "view row column=4"]) -> Float[Tensor, "view row column=4"]:
    return poses * torch.tensor([1, -1, -1, 1]).to(poses)


def _inverse(poses: Float[Tensor, "view row column=4"]) -> Float[Tensor, "view row column=4"]:
    back = poses[:, :, :3].transpose(1, 2)
    return torch.cat([back, -back @ poses[:, :, 3:]], 2)


CONVENTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "camera-to-world matrices with OpenCV's camera axes (y down, z forward)": _opencv,
    "world-to-camera matrices": _inverse,
    "world-to-camera matrices with OpenCV's camera axes (y down, z forward)": lambda poses: _opencv(
        _inverse(poses)
    ),
}
"""What poses are by mistake, and what makes them right."""


def _coarse(views: Views, view: int) -> tuple[Float[Tensor, "rows columns"], Float[Tensor, "rows columns"]]:
    """Grey levels, over white where transparent, and what counts of each pixel."""
    step = max(1, views.cameras.width // (4 * COARSE))
    color, alpha = views.colors_and_alpha(view, slice(None, None, step), slice(None, None, step))
    grey = color.mean(-1) * alpha + 1 - alpha
    counts = (~views.ignored[view, ::step, ::step]).float()
    rows = max(2, round(COARSE * views.cameras.height / views.cameras.width))
    stack = torch.stack([grey * counts, counts])[None]
    grey, counts = torch.nn.functional.adaptive_avg_pool2d(stack, (rows, COARSE))[0]
    return grey / counts.clamp_min(1e-6), counts


def _look_up(
    pictures: Float[Tensor, "pair rows columns"], grid: Float[Tensor, "pair n 1 xy=2"]
) -> Float[Tensor, "pair n"]:
    found = torch.nn.functional.grid_sample(
        pictures[:, None], grid, padding_mode="border", align_corners=False
    )
    return found[:, 0, :, 0]


def _project(
    cameras: Cameras, view: Int[Tensor, "pair"], toward: Float[Tensor, "pair n xyz=3"]
) -> tuple[Float[Tensor, "pair n xy=2"], Bool[Tensor, "pair n"]]:
    """Sensor positions of vectors from each camera, and whether they are ahead of it."""
    right, up, away = (toward @ cameras.world_from_camera[view, :, :3]).unbind(-1)
    across, ahead = torch.stack([right, -up], -1), away < -1e-9 * toward.norm(dim=-1)
    if cameras.lens is Lens.FISHEYE:
        radius = across.norm(dim=-1)
        sensor = across * (torch.atan2(radius, -away) / radius.clamp_min(1e-12))[..., None]
    else:
        sensor = across / torch.where(ahead, -away, 1)[..., None]
    distortion = cameras.distortion[view].repeat_interleave(toward.shape[1], 0)
    bent = distort(sensor.reshape(-1, 2), distortion, cameras.lens).reshape(sensor.shape)
    return bent * cameras.focal[view][:, None] + cameras.principal[view][:, None], ahead


def _correlation(
    a: Float[Tensor, "pair n"], b: Float[Tensor, "pair n"], both: Bool[Tensor, "pair n"]
) -> Float[Tensor, "pair"]:
    count = both.sum(1).clamp_min(1)
    a, b = ((v - ((v * both).sum(1) / count)[:, None]) * both for v in (a, b))
    scale = (a.square().sum(1) * b.square().sum(1)).sqrt()
    return torch.where(count >= OVERLAP * a.shape[1], (a * b).sum(1) / scale.clamp_min(1e-3), -1.0)
