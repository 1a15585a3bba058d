"""From what the user calls their data to a scene."""

from pathlib import Path

from ..scenes.notice import notice
from ..scenes.scene import Scene
from .blender import load_blender
from .checks import check_scene
from .document import Document, read_document
from .mipnerf import load_multiscale
from .transforms import load_transforms, load_transforms_of_split

DEMO = "demo"
MULTISCALE = "metadata.json"
MESHES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")
# Fields that a NeRF-synthetic file never has; one of them makes the pair a photograph set.
PHOTOGRAPH_FIELDS = (
    "fl_x",
    "fl_y",
    "camera_model",
    "w",
    "h",
    "aabb_scale",
    "is_fisheye",
    "k1",
    "applied_transform",
)


def load_scene(data: str | Path, *, downscale: int = 1) -> Scene:
    """The scene that `data` names: "demo", a dataset's folder or a json file in it, or a mesh file.

    "demo" is the built-in scene even beside a folder of that name, which is "./demo".

    Each side of the images is divided by `downscale`. Raises FileNotFoundError or ValueError on bad input:
    one sentence that names the file and the field.
    """
    if downscale < 1:
        raise ValueError(f"--downscale must be 1 or more, not {downscale}.")
    scene = _load(data, downscale)
    check_scene(scene, data)
    return scene


def _load(data: str | Path, downscale: int) -> Scene:
    path = Path(data).expanduser()
    if str(data) == DEMO or path.suffix.lower() in MESHES:
        return _rendered(data, path, downscale)
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {data}.")
    if path.is_dir():
        return _load_folder(path, downscale)
    if path.suffix.lower() != ".json":
        known = ", ".join(MESHES)
        raise ValueError(
            f"{data} is neither a dataset's folder, nor a json file in one, nor a mesh ({known})."
        )
    if path.name.startswith(("transforms_train", "transforms_val", "transforms_test")):
        return _load_split(path.parent, downscale)
    if path.name == MULTISCALE:
        return load_multiscale(path, downscale=downscale)
    return load_transforms(path, downscale=downscale)


def _rendered(data: str | Path, path: Path, downscale: int) -> Scene:
    # Imported late: ray tracing a mesh needs libraries that photographs do not.
    if downscale != 1:
        raise ValueError(
            f"--downscale is for images that exist; those of {data} are made when they are loaded."
        )
    if str(data) == DEMO:
        from ..studio.demo import demo_scene

        if path.exists():
            notice(f"{DEMO} is the built-in scene; the {_kind(path)} {DEMO} here would be ./{DEMO}.")
        return demo_scene()
    if not path.is_file():
        raise FileNotFoundError(f"There is no mesh file {data}.")
    from ..studio.mesh import mesh_scene

    return mesh_scene(path)


def _kind(path: Path) -> str:
    return "folder" if path.is_dir() else "file"


def _load_folder(folder: Path, downscale: int) -> Scene:
    has_split, has_one = (folder / "transforms_train.json").is_file(), (folder / "transforms.json").is_file()
    if has_split and (not has_one or _is_blender(read_document(folder / "transforms_train.json"))):
        return _load_split(folder, downscale)
    if has_one:
        return load_transforms(folder / "transforms.json", downscale=downscale)
    if (folder / MULTISCALE).is_file():
        return load_multiscale(folder / MULTISCALE, downscale=downscale)
    if not any(folder.iterdir()):
        raise FileNotFoundError(f"The folder {folder} is empty.")
    wanted = (
        "transforms.json (nerfstudio, instant-ngp) nor transforms_train.json (NeRF-synthetic) nor "
        f"{MULTISCALE} (Mip-NeRF)"
    )
    raise FileNotFoundError(f"The folder {folder} holds no dataset: neither {wanted} is in it.")


def _load_split(folder: Path, downscale: int) -> Scene:
    if _is_blender(read_document(folder / "transforms_train.json")):
        return load_blender(folder, downscale=downscale)
    return load_transforms_of_split(folder, downscale=downscale)


def _is_blender(document: Document) -> bool:
    return "camera_angle_x" in document and not any(field in document for field in PHOTOGRAPH_FIELDS)
