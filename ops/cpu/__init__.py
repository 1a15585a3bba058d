"""C++ kernels: importing this fills the cells (op, "cpu", float32) of the table in `backend`."""

from . import hash_grid, mlp, ray_march

__all__ = ["hash_grid", "mlp", "ray_march"]
