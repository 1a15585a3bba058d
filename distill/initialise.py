"""Students that begin near their teacher: explicit fields are solved for before any of them descends a gradient."""

from collections.abc import Iterator
from functools import singledispatch

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..fields import Field
from ..fields.blocks import EMPTY, Blocks
from ..fields.mipvog import MipVogField
from ..fields.voxel import DEGREE, VoxelField
from ..ops import cell_place, spherical_harmonics
from ..ops.voxel_lookup import BLOCK, SIDE
from .match import SOLID, Densities
from .teacher import Teacher

VIEWS = 8  # of a voxel, to which its harmonics are fitted
POINTS = 4  # in a voxel, whose density is averaged
# Voxels of which so much is asked; of each of more it is less, for a student begins within its budget.
ENOUGH = 1 << 21
CHUNK = 1 << 16  # voxels at a time
FLAT = 0.3  # how much harmonics are drawn towards no view dependence, in units of one view
PALEST = 0.02  # colours are kept this far from 0 and 1, whose logits are infinite
SHINE = -3.0  # logit of the highlight that a Mip-VoG begins with


@singledispatch
def initialise(student: Field, teacher: Teacher, generator: torch.Generator) -> bool:
    """Write what the teacher says into a student whose parameters are values at places; False if it is none.

    The student is at its final resolution. Factored fields could be solved for as well: alternating least squares
    with conjugate gradients (three sweeps over 131,072 points) took 23 s for VM on Lego and gave 20.5 dB, where the
    volume stage from noise gave 23.4 dB after 3 s; starting it from a quicker solution (2 s) made it slower, too.
    """
    del student, teacher, generator
    return False


@initialise.register
@torch.no_grad()
def _voxel(student: VoxelField, teacher: Teacher, generator: torch.Generator) -> bool:
    """Densities at the voxels' centres; harmonics by least squares over the cameras' directions."""
    views = few(VIEWS, student.blocks)
    for rows, position in _dense_voxels(student, teacher, generator):
        student.harmonics[rows] = harmonics(position, teacher, generator, views)
    return True


@initialise.register
@torch.no_grad()
def _mipvog(student: MipVogField, teacher: Teacher, generator: torch.Generator) -> bool:
    """Densities at the voxels' centres, mean colours over the cameras' directions, and hardly a highlight."""
    device = student.log_density.device
    directions = torch.randn(1024, 3, generator=generator, device=device)
    directions = torch.nn.functional.normalize(directions, dim=-1)
    features = torch.rand(1024, student.feature_dim, generator=generator, device=device)
    hidden = torch.cat([spherical_harmonics(directions), features], -1)
    for weight in student.decoder.weights[:-1]:
        hidden = torch.relu(hidden @ weight.T)
    student.decoder.weights[-1].copy_((SHINE / hidden.sum(-1).mean()).expand_as(student.decoder.weights[-1]))
    shine = torch.sigmoid(torch.tensor(SHINE))
    views = few(VIEWS, student.blocks)
    for rows, position in _dense_voxels(student, teacher, generator):
        color = colors(position, teacher, generator, views)[1].mean(1)
        student.appearance[rows, :3] = logit((color - shine) / (1 - shine))
    student._blocks_changed()
    return True


def few(most: int, blocks: Blocks) -> int:
    """How much is asked of each of so many voxels."""
    return max(1, round(most * min(1.0, ENOUGH / (len(blocks.corners()) * BLOCK))))


def _dense_voxels(
    student: VoxelField | MipVogField, teacher: Teacher, generator: torch.Generator
) -> Iterator[tuple[Int[Tensor, "row"], Float[Tensor, "row xyz=3"]]]:
    """Writes densities into the student; rows of the voxels that have any, and their centres in the world."""
    points = few(POINTS, student.blocks)
    for rows, unit in voxels(student.blocks, teacher):
        found = log_density(unit, 1 / student.blocks.size, teacher, generator, points)
        student.log_density[rows] = found
        dense = found[:, 0] > 0
        yield rows[dense], student.domain.world_from_unit(unit[dense])


def voxels(
    blocks: Blocks, teacher: Teacher
) -> Iterator[tuple[Int[Tensor, "row"], Float[Tensor, "row xyz=3"]]]:
    """Rows of voxels beside which the teacher may be something, and their centres in the unit cube, some at a time."""
    corner = blocks.corners()
    inside = cell_place(torch.arange(BLOCK, device=corner.device), SIDE)
    for first in range(0, len(corner), CHUNK // BLOCK):
        voxel = (SIDE * corner[first : first + CHUNK // BLOCK, None] + inside).reshape(-1, 3)
        unit = (voxel + 0.5) / blocks.size
        (row,) = teacher.space.is_near(teacher.space.domain.world_from_unit(unit)).nonzero(as_tuple=True)
        yield first * BLOCK + row, unit[row]


def log_density(
    unit: Float[Tensor, "n xyz=3"], edge: float, teacher: Teacher, generator: torch.Generator, points: int
) -> Float[Tensor, "n one=1"]:
    """Of a few points in each voxel the mean opacity of a step there, as the logarithm of a density above EMPTY."""
    domain, sampler = teacher.space.domain, teacher.trained.sampler
    densities = Densities.of(sampler)
    _, step = teacher.seen_from_somewhere(domain.world_from_unit(unit), generator)
    mean = torch.zeros_like(unit[:, 0])
    for _ in range(points):
        shift = torch.rand(unit.shape, generator=generator, device=unit.device) - 0.5
        inside = domain.world_from_unit((unit + shift * edge).clamp(0, 1))
        density = teacher.trained.field.density(teacher.seen_from_somewhere(inside, generator)[0])
        mean += densities.opacity(density * sampler.contains(inside), step) / points
    density = -torch.log1p(-mean.clamp_max(SOLID)) / step
    return (density * domain.side).log().clamp_min(EMPTY)[:, None] - EMPTY


def colors(
    position: Float[Tensor, "n xyz=3"], teacher: Teacher, generator: torch.Generator, views: int
) -> tuple[Float[Tensor, "n view xyz=3"], Float[Tensor, "n view rgb=3"]]:
    """Directions from which cameras look at points, and the colours that they would see."""
    field = teacher.trained.field
    once, _ = teacher.seen_from_somewhere(position, generator)
    features = field.features(once, field.probe(once)).repeat_interleave(views, 0)
    points, _ = teacher.seen_from_somewhere(position.repeat_interleave(views, 0), generator)
    color = field.color(features, points)
    return points.direction.unflatten(0, (-1, views)), color.unflatten(0, (-1, views))


def harmonics(
    position: Float[Tensor, "n xyz=3"], teacher: Teacher, generator: torch.Generator, views: int
) -> Tensor:
    """Least squares of the colours' logits over the harmonics of the directions, drawn towards no view dependence."""
    directions, color = colors(position, teacher, generator, views)
    basis = spherical_harmonics(directions.flatten(0, 1), DEGREE).unflatten(0, (-1, views))
    flat = torch.full_like(basis[0, 0], FLAT)
    flat[0] = FLAT / 100
    gram = basis.mT @ basis + flat.diag()
    return torch.linalg.solve(gram, basis.mT @ logit(color)).mT.flatten(1)


def logit(color: Tensor) -> Tensor:
    return torch.logit(color.clamp(PALEST, 1 - PALEST))
