"""A mesh file as data: pictures of it are made when it is loaded."""

from pathlib import Path

from ..scenes import Scene
from .format import Format, Reading

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")


def load_mesh(file: Path, reading: Reading) -> Scene:
    """Raises FileNotFoundError or ValueError in the user's words."""
    reading.refuse_test_every(file)
    if reading.downscale != 1:
        raise ValueError(
            f"--downscale is for images that exist; those of {file} are made when they are loaded."
        )
    if not file.is_file():
        raise FileNotFoundError(f"There is no mesh file {file}.")
    from ..studio.mesh import mesh_scene  # late: ray tracing needs libraries that photographs do not

    return mesh_scene(file)


def is_mesh(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


MESHES = Format("", is_mesh, load_mesh)
