"""Groups of views together: silhouettes, pixels and agreement over all of them, each in its own size and lens."""

import dataclasses

import torch
from omnifield.scenes import Lens, pinhole
from omnifield.scenes.camera_groups import camera, commonest, sizes
from omnifield.scenes.hull import possible_cells
from omnifield.train.pixels import random_pixels

from .test_hull import CUBE, look_at, scattered_eyes, touched, views_of


def sides() -> tuple:
    eyes = scattered_eyes(6, 3.0)
    poses = look_at(eyes, torch.zeros(6, 3))
    wide, tall = pinhole(poses[:4], (40, 30), 0.7, near=0.1), pinhole(poses[4:], (30, 40), 0.9, near=0.1)
    return views_of(wide, torch.zeros(3), 0.3), views_of(tall, torch.zeros(3), 0.3)


def test_every_group_rules_out_what_it_can() -> None:
    wide, tall = sides()
    each, both = (
        [possible_cells([views], CUBE, 32) for views in (wide, tall)],
        possible_cells(sides(), CUBE, 32),
    )
    assert both.sum() < min(one.sum() for one in each) and not (both & ~(each[0] & each[1])).any()
    assert both[touched(CUBE, 32, torch.zeros(3), 0.3)].all()
    fisheye = dataclasses.replace(tall, cameras=dataclasses.replace(tall.cameras, lens=Lens.FISHEYE))
    assert torch.equal(possible_cells([wide, fisheye], CUBE, 32), each[0])
    opaque = dataclasses.replace(tall, images=tall.images[..., :3].contiguous())
    assert torch.equal(possible_cells([wide, opaque], CUBE, 32), each[0])


def test_pixels_are_uniform_over_groups_with_and_without_alpha(generator: torch.Generator) -> None:
    wide, tall = sides()
    opaque = dataclasses.replace(tall, images=torch.full((2, 40, 30, 3), 7, dtype=torch.uint8))
    batch = random_pixels((wide, opaque), 60_000, generator)
    of_tall = (batch.color * 255).round().eq(7).all(-1)
    assert abs(of_tall.float().mean().item() - 2 / 6) < 0.01
    assert (batch.alpha[of_tall] == 1).all() and batch.alpha[~of_tall].min() == 0
    assert torch.equal(
        batch.rays.origins[of_tall].unique(dim=0), tall.cameras.world_from_camera[:, :, 3].unique(dim=0)
    )


def test_numbers_run_through_the_groups() -> None:
    groups = [views.cameras for views in sides()]
    assert commonest(groups) is groups[0] and sizes(groups) == "40×30 and 30×40"
    assert camera(groups, 5).height == 40 and torch.equal(camera(groups, 5).focal, groups[1].focal[1:])
    many = [groups[0].resized(width, 30) for width in range(40, 50)]
    assert sizes(many) == "40×30, 41×30, 42×30 and 7 other sizes"
