"""What is computed, and how fast: one public function per operation, defined by its plain-torch reference."""

from . import cpu
from ._cpu import instruction_set, keep_freed_memory
from .backend import references
from .hash_grid import HashGridLayout, hash_grid
from .mlp import mlp
from .ray_march import MarchGrid, ray_march

__all__ = ["HashGridLayout", "cpu", "hash_grid", "instruction_set", "keep_freed_memory", "mlp", "MarchGrid", "ray_march", "references"]
