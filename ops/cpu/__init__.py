"""C++ kernels: importing this fills the cells (op, "cpu", float32) of the table in `backend`."""

from . import (
    adam,
    coarser_voxels,
    composite,
    grid_lookup,
    hash_grid,
    mlp,
    ray_march,
    ray_points,
    spherical_harmonics,
    voxel_lookup,
)

__all__ = [
    "adam",
    "coarser_voxels",
    "composite",
    "grid_lookup",
    "hash_grid",
    "mlp",
    "ray_march",
    "ray_points",
    "spherical_harmonics",
    "voxel_lookup",
]
