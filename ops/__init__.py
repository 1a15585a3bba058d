"""What is computed, and how fast: one public function per operation, defined by its plain-torch reference."""

from . import cpu
from ._cpu import instruction_set, keep_freed_memory
from .adam import AdamStep, adam_step, all_finite
from .backend import references
from .camera_rays import Sensors, camera_rays
from .cell_order import cell_number, cell_place
from .coarser_voxels import Parents, coarser_voxels
from .composite import STOP, accumulate, pass_through, ray_weights, take_rows
from .density_mlp import density_mlp, truncated_exp
from .grid_lookup import Grid, GridLayout, grid_lookup
from .hash_grid import HashGridLayout, hash_grid
from .kept_gradient import adding_in_place, gradient_sink
from .mlp import mlp
from .occupied_cells import next_set, occupied_bits
from .ray_march import MarchGrid, ray_march, ray_march_on
from .ray_points import ray_points
from .rounds import Round, first_samples, in_order, next_round, pass_round
from .spherical_harmonics import spherical_harmonics
from .threads import PoolCounts, one_thread_of_torch, set_threads, threads
from .unit_positions import unit_positions
from .view_color import view_color
from .visible_weights import VisibleWeights, visible_weights
from .voxel_lookup import VoxelLayout, voxel_lookup

__all__ = [
    "STOP",
    "AdamStep",
    "Grid",
    "GridLayout",
    "HashGridLayout",
    "MarchGrid",
    "Parents",
    "PoolCounts",
    "Round",
    "Sensors",
    "VisibleWeights",
    "VoxelLayout",
    "accumulate",
    "adam_step",
    "adding_in_place",
    "all_finite",
    "camera_rays",
    "cell_number",
    "cell_place",
    "coarser_voxels",
    "cpu",
    "density_mlp",
    "first_samples",
    "gradient_sink",
    "grid_lookup",
    "hash_grid",
    "in_order",
    "instruction_set",
    "keep_freed_memory",
    "mlp",
    "next_round",
    "next_set",
    "occupied_bits",
    "one_thread_of_torch",
    "pass_round",
    "pass_through",
    "ray_march",
    "ray_march_on",
    "ray_points",
    "ray_weights",
    "references",
    "set_threads",
    "spherical_harmonics",
    "take_rows",
    "threads",
    "truncated_exp",
    "unit_positions",
    "view_color",
    "visible_weights",
    "voxel_lookup",
]
