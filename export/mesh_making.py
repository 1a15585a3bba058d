"""A mesh of a trained field: the surface, cleaned and reduced, and its colours."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from ..scenes.camera_groups import all_poses, camera_count
from ..scenes.crop import Crop
from ..train.field_file import TrainedField
from .atlas import NoAtlas, atlas_of
from .density_lattice import Lattice, closed, fill
from .fit_to_pictures import fitted
from .fusion import fused, has_open3d, open3d
from .hidden import without_hidden
from .level_set import surface_of
from .mesh_clean import decimated, smoothed, without_holes, without_specks
from .occupied_part import occupied_part
from .own_pictures import own_pictures
from .ray_ends import ray_ends
from .seen_faces import can_see
from .settle import settled
from .stages import Stage, Staged, stage
from .surface_color import Skin
from .texture_bake import Texture, baked, vertex_colors
from .triangles import Triangles

FEWEST = (
    12  # cameras: the steps of outlines in fewer pictures are not averaged, and vertices would follow them
)
ROUGH = 4  # times the faces asked for, of which what is hidden is found


@dataclass(frozen=True)
class MeshPlan:
    """`resolution` cells along the crop's longest edge, at most about so many `faces`, a texture at most so many
    texels wide and high (0: colours at the vertices), at one moment of a moving scene."""

    crop: Crop
    resolution: int
    faces: int
    texture: int
    time: float


@dataclass(frozen=True)
class ColoredMesh:
    """In the scene's world frame, or wherever it was `moved`. `said` is what a person should know of it."""

    mesh: Triangles
    paint: UInt8[np.ndarray, "vertex rgb=3"] | Texture
    said: str = ""

    def moved(self, there_from_here: Float[Tensor, "row=4 column=4"]) -> "ColoredMesh":
        there = there_from_here.double().cpu().numpy()
        vertices = self.mesh.vertices @ there[:3, :3].T + there[:3, 3]
        return replace(self, mesh=Triangles(vertices, self.mesh.faces))


Shape = Callable[[TrainedField, MeshPlan], Staged[tuple[Triangles, float]]]
"""How a surface is found; it comes with the length in the world of what it cannot be finer than."""


def make_mesh(trained: TrainedField, plan: MeshPlan, shape: Shape) -> Staged[ColoredMesh]:
    """Raises ValueError in the user's words where there is nothing to make one of."""
    plan = replace(plan, crop=occupied_part(plan.crop, trained))
    found, cell = yield from shape(trained, plan)
    moving = settled(found, trained, cell, plan.time)
    found = smoothed((yield from stage(moving, "moving to where light is absorbed", 0.4, 0.5)))
    mesh = decimated(without_specks(found), ROUGH * plan.faces)
    origins = all_poses(trained.cameras)[:, :, 3].double().cpu().numpy()
    mesh = yield from stage(without_hidden(mesh, origins), "removing what is hidden", 0.5, 0.58)
    yield Stage(0.58, f"{len(mesh.faces):,} faces become {min(plan.faces, len(mesh.faces)):,}")
    mesh = without_holes(decimated(without_specks(mesh), plan.faces))
    if not len(mesh.faces):
        raise ValueError("There is no surface left: nothing is larger than a speck.")
    mesh = Triangles(plan.crop.nearest(torch.from_numpy(mesh.vertices)).numpy(), mesh.faces)
    skin, said = Skin(trained, plan.time, cell), ""
    if plan.texture:
        try:
            atlas = yield from stage(atlas_of(mesh, plan.texture), "laying the surface flat", 0.6, 0.65)
        except NoAtlas as error:
            said = f"Colours are at the vertices, and there is no texture: {error}."
        else:
            texture = yield from baked(mesh, atlas, skin, trained.cameras, (0.65, 0.75))
            return (yield from _fitted(ColoredMesh(mesh, texture), trained, plan, cell))
    color = yield from vertex_colors(mesh, skin, trained.cameras, 0.6, 1.0)
    return ColoredMesh(mesh, color, said)


def _fitted(made: ColoredMesh, trained: TrainedField, plan: MeshPlan, cell: float) -> Staged[ColoredMesh]:
    """To the field's own pictures; where Embree is not installed, or cameras are few, it stays as it is."""
    few = camera_count(trained.cameras) < FEWEST
    if few or not can_see() or not isinstance(made.paint, Texture):
        return made
    looking = own_pictures(trained, plan.crop, cell, plan.time)
    pictures = yield from stage(looking, "pictures to compare with", 0.75, 0.85)
    fitting = fitted(made.mesh, made.paint, pictures, trained.background, cell)
    mesh, texture = yield from stage(fitting, "fitting it to the pictures", 0.85, 1.0)
    inside = plan.crop.nearest(torch.from_numpy(mesh.vertices)).numpy()
    return ColoredMesh(replace(mesh, vertices=inside), texture, made.said)


def by_density(trained: TrainedField, plan: MeshPlan) -> Staged[tuple[Triangles, float]]:
    """A level set of the density."""
    lattice = Lattice.of(plan.crop, plan.resolution)
    yield Stage(0.0, "where rays end")
    ends = ray_ends(trained, plan.crop, plan.time if trained.field.follows_time else None)
    side = yield from stage(fill(trained, lattice, ends.level, plan.time), "density", 0.05, 0.3)
    side = closed(side, lattice, ends)
    counted = yield from stage(surface_of(side), "surface", 0.3, 0.4)
    if not len(counted.faces):
        raise ValueError("There is no surface: the field is as good as empty in what is to be exported.")
    vertices = lattice.world(torch.from_numpy(counted.vertices)).cpu().numpy()
    return Triangles(vertices, counted.faces), lattice.cell


def by_fusion(trained: TrainedField, plan: MeshPlan) -> Staged[tuple[Triangles, float]]:
    """Depths of the field seen from all around, fused. Raises ValueError where open3d is not there."""
    work = fused(trained, plan.crop, plan.resolution, plan.time, open3d())
    return (yield from stage(work, "depths", 0.0, 0.4))


def best(trained: TrainedField, plan: MeshPlan) -> Staged[tuple[Triangles, float]]:
    """By fusion, which was nearer to the truth on all that was measured (docs/export.md); by density where open3d is
    not there."""
    return (by_fusion if has_open3d() else by_density)(trained, plan)


METHODS: dict[str, Shape] = {"auto": best, "density": by_density, "fusion": by_fusion}
