"""C++ kernels: importing this fills the cells (op, "cpu", float32) of the table in `backend`."""

from . import adam, composite, hash_grid, mlp, ray_march, ray_points, spherical_harmonics

__all__ = ["adam", "composite", "hash_grid", "mlp", "ray_march", "ray_points", "spherical_harmonics"]
