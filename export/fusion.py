"""A surface fused from depths that a field renders: a truncated signed distance in blocks of voxels, by open3d (after
Curless and Levoy 1996)."""

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from ..ops import one_thread_of_torch
from ..renderers import VolumeRenderer
from ..scenes import Box, Cameras, PixelRays, pinhole
from ..scenes.camera_groups import all_poses, camera, camera_count, commonest
from ..scenes.crop import Crop
from ..train.field_file import TrainedField
from .density_lattice import Lattice
from .hidden import all_around
from .paths import undistorted
from .points import SOLID
from .ray_ends import at_time, ray_ends
from .triangles import Triangles

MOST_VIEWS = 48  # of the training cameras, evenly among them
MORE_VIEWS = 32  # directions all around, of which those are taken that no training camera looks along
NEW = math.cos(math.radians(30))  # of the angle to the nearest camera from which on a direction is a new one
SMALLEST, LARGEST = 64, 800  # pixels along a depth picture's longer side
TRUNCATION = 4.0  # voxels
FEW_SEEN = 1.5  # views' weight below which a voxel is not believed, where there are enough views
BLOCKS = 1000  # to begin with: the grid grows by itself
WITHOUT = (
    "--method fusion needs open3d, which is not installed here, or misses its system's libraries ({}). Install it by "
    "`pip install 'omnifield[mesh]'`, on Debian with `apt-get install libusb-1.0-0 libgl1`, or use --method density, "
    "which needs neither."
)


def open3d() -> Any:
    """The library. Raises ValueError, with what helps, where there is none."""
    try:
        import open3d as library  # pyright: ignore[reportMissingImports]  # an extra
    except (ImportError, OSError) as error:
        raise ValueError(WITHOUT.format(" ".join(str(error).split())[:200])) from error
    return library


def has_open3d() -> bool:
    try:
        open3d()
    except ValueError:
        return False
    return True


def fused(
    trained: TrainedField, crop: Crop, resolution: int, time: float, library: Any
) -> Generator[float, None, tuple[Triangles, float]]:
    """What share of the views is done, time and again, and in the end the surface, in the scene's world frame, and its
    voxels' size. Raises ValueError where none is seen."""
    when = time if trained.field.follows_time else None
    ray_ends(trained, crop, when)  # or says why there is no surface
    cell = Lattice.of(crop, resolution).cell
    grid = library.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight"), (library.core.float32,) * 2, ((1), (1)), cell, 16, BLOCKS
    )
    views, used = views_of(trained, crop, cell), 0
    for done, view in enumerate(views, 1):
        depth = _depth(trained, view, crop, when)
        if depth.any():  # of an empty picture, or grid, open3d raises
            _integrate(grid, depth, view, crop, library)
            used += 1
        yield done / len(views)
    if not used:
        raise ValueError("There is no surface: no view that was rendered ends in what is to be exported.")
    mesh = grid.extract_triangle_mesh(weight_threshold=FEW_SEEN if used > 8 else 0.5)
    local = torch.from_numpy(mesh.vertex.positions.numpy().astype(np.float64))
    faces = mesh.triangle.indices.numpy().astype(np.int64)
    return Triangles(crop.world_from_box(local).numpy(), faces), cell


def views_of(trained: TrainedField, crop: Crop, cell: float) -> Sequence[Cameras]:
    """Training cameras, and around a bounded scene others that look where those do not; with pixels about as large as
    a cell is where they look."""
    count = camera_count(trained.cameras)
    numbers = np.unique(np.linspace(0, count - 1, min(count, MOST_VIEWS)).round().astype(int))
    known = [camera(trained.cameras, int(number)).to("cpu") for number in numbers]
    more = _more(trained) if isinstance(trained.field.domain, Box) else []
    return [sized(view, crop, cell).to(trained.device) for view in (*known, *more)]


def _more(trained: TrainedField) -> list[Cameras]:
    """As far away as the median training camera, and as wide."""
    usual, domain = commonest(trained.cameras), trained.field.domain
    middle = torch.tensor([domain.lo, domain.hi]).mean(0)
    offset = all_poses(trained.cameras)[:, :, 3].cpu() - middle
    distance = offset.norm(dim=-1).median().item()
    known = torch.nn.functional.normalize(offset, dim=-1)
    found = []
    for direction in torch.from_numpy(all_around(MORE_VIEWS)).float():
        if (known @ direction).max() < NEW:
            pose = _looking(middle + distance * direction, direction)
            fov = 2 * math.atan(usual.height / 2 / usual.focal[0, 1].item())
            found.append(pinhole(pose[None], (usual.width, usual.height), fov, usual.near))
    return found


def _looking(position: Tensor, back: Tensor) -> Tensor:
    aside = torch.tensor([0.0, 0.0, 1.0]) if abs(back[2]) < 0.9 else torch.tensor([0.0, 1.0, 0.0])
    right = torch.nn.functional.normalize(torch.linalg.cross(aside, back), dim=-1)
    return torch.stack([right, torch.linalg.cross(back, right), back, position], -1)


def sized(view: Cameras, crop: Crop, cell: float) -> Cameras:
    """With pixels about as large as a cell where it looks, and without distortion, so that rays go straight through
    square pixels."""
    distance = max((view.world_from_camera[0, :, 3] - crop.center).norm().item(), view.near)
    factor = distance / cell / view.focal[0, 1].item()
    longest = max(view.width, view.height)
    factor = min(max(factor, SMALLEST / longest), LARGEST / longest)
    return undistorted(view, (max(2, round(view.width * factor)), max(2, round(view.height * factor))))


@one_thread_of_torch()
@torch.no_grad()
def _depth(
    trained: TrainedField, view: Cameras, crop: Crop, time: float | None
) -> Float32[np.ndarray, "height width"]:
    """Along the viewing axis, not along the rays; 0 where nothing is seen."""
    black = torch.zeros(3, device=trained.device)
    rays = at_time(crop.apply(PixelRays(view, [0])[:]), time)
    seen = VolumeRenderer(trained.sampler).render_image(trained.field, rays, black)
    along = -(rays.directions * view.world_from_camera[0, :, 2]).sum(-1)
    depth = torch.where((seen.opacity > SOLID) & seen.depth.isfinite(), seen.depth * along, 0.0)
    return depth.reshape(view.height, view.width).cpu().numpy()


def _integrate(
    grid: Any, depth: Float32[np.ndarray, "height width"], view: Cameras, crop: Crop, library: Any
) -> None:
    image = library.t.geometry.Image(np.ascontiguousarray(depth[..., None]))
    lens, pose = (library.core.Tensor(each) for each in (_lens(view), _camera_from_box(view, crop)))
    farthest = float(depth.max()) * 1.01
    blocks = grid.compute_unique_block_coordinates(image, lens, pose, 1.0, farthest, TRUNCATION)
    grid.integrate(blocks, image, lens, pose, 1.0, farthest, TRUNCATION)


def _lens(view: Cameras) -> Float64[np.ndarray, "row=3 column=3"]:
    """Pixel centres are at +0.5 there too."""
    (fx, fy), (cx, cy) = view.focal[0].tolist(), view.principal[0].tolist()
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]], np.float64)


def _camera_from_box(view: Cameras, crop: Crop) -> Float64[np.ndarray, "row=4 column=4"]:
    """open3d's cameras look along +z, y down."""
    pose = view.world_from_camera[0].double().cpu().numpy() * np.array([1.0, -1.0, -1.0, 1.0])
    turn = crop.rotation.double().cpu().numpy()
    box_from_camera = np.eye(4)
    box_from_camera[:3, :3] = turn.T @ pose[:, :3]
    box_from_camera[:3, 3] = turn.T @ (pose[:, 3] - crop.center.double().cpu().numpy())
    return np.linalg.inv(box_from_camera)
