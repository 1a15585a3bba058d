"""What is computed, and how fast: one public function per operation, defined by its plain-torch reference."""

from . import cpu
from ._cpu import instruction_set, keep_freed_memory
from .adam import AdamStep, adam_step
from .backend import references
from .cell_order import cell_number, cell_place
from .coarser_voxels import Parents, coarser_voxels
from .composite import STOP, accumulate, pass_through, ray_rows, ray_sums, ray_weights, take_rows
from .grid_lookup import Grid, GridLayout, grid_lookup
from .hash_grid import HashGridLayout, hash_grid
from .kept_gradient import adding_in_place, gradient_sink
from .mlp import mlp
from .ray_march import MarchGrid, ray_march, ray_march_on
from .ray_points import ray_points
from .spherical_harmonics import spherical_harmonics
from .threads import one_thread_of_torch, set_threads, threads
from .voxel_lookup import VoxelLayout, voxel_lookup

__all__ = [
    "STOP",
    "AdamStep",
    "Grid",
    "GridLayout",
    "HashGridLayout",
    "MarchGrid",
    "Parents",
    "VoxelLayout",
    "accumulate",
    "adam_step",
    "adding_in_place",
    "cell_number",
    "cell_place",
    "coarser_voxels",
    "cpu",
    "gradient_sink",
    "grid_lookup",
    "hash_grid",
    "instruction_set",
    "keep_freed_memory",
    "mlp",
    "one_thread_of_torch",
    "pass_through",
    "ray_march",
    "ray_march_on",
    "ray_points",
    "ray_rows",
    "ray_sums",
    "ray_weights",
    "references",
    "set_threads",
    "spherical_harmonics",
    "take_rows",
    "threads",
    "voxel_lookup",
]
