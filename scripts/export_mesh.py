"""`omnifield export mesh`."""

import time
from typing import Any

from rich.console import Console

from ..export.fusion import has_open3d
from ..export.mesh_making import METHODS, MeshPlan, make_mesh
from ..export.mesh_output import TEXTURED, up_in, write_mesh
from ..export.stages import finished
from ..export.texture_bake import Texture
from ..terminal.bar import Bar
from ..terminal.say import say
from ..train.field_file import TrainedField
from .export_place import Place, crop, facts, moment, output_from_scene
from .flags.export import Export

NAME = "mesh.glb"
ENDINGS = (".glb", ".obj", ".ply")
WITHOUT_FUSION = (
    "The surface was taken from the density: open3d, by which it would be better, is not installed here, or misses its "
    "system's libraries (pip install 'omnifield[mesh]'; on Debian apt-get install libusb-1.0-0 libgl1)."
)


def run(trained: TrainedField, place: Place, flags: Export, console: Console) -> dict[str, Any]:
    """Ctrl-C leaves nothing. Raises ValueError in the user's words."""
    output, began = place.output, time.perf_counter()
    texture = flags.texture if output.suffix.lower() in TEXTURED else 0
    plan = MeshPlan(crop(trained, flags), flags.resolution, flags.faces, texture, moment(trained, flags))
    there = output_from_scene(trained, flags)
    with Bar(console) as bar:
        work = make_mesh(trained, plan, METHODS[flags.method])
        made = finished(work, lambda at: bar.update(at.done, at.words, ""))
    write_mesh(output, made.moved(there), up_in(there))
    if flags.method == "auto" and not has_open3d():
        say(console, WITHOUT_FUSION)
    if made.said:
        say(console, made.said)
    result = facts(output, trained, flags, began) | {
        "vertices": len(made.mesh.vertices),
        "faces": len(made.mesh.faces),
        "texture": list(made.paint.picture.shape[1::-1]) if isinstance(made.paint, Texture) else None,
    }
    if not flags.json:
        say(console, f"{result['faces']:,} faces in {result['seconds']:.1f} s: {output}")
    return result
