"""How good exported meshes are: how close to the true one, how alike in held-out views, and how long they take."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ..datasets import load_scene
from ..export.mesh_making import METHODS, ColoredMesh, MeshPlan, make_mesh
from ..export.stages import finished
from ..export.triangles import Triangles
from ..scenes import Views
from ..scenes.crop import crop_of
from ..scenes.views import full_size
from ..studio.demo import demo_scene
from ..studio.demo_objects import still_life
from ..studio.mesh_file import read_parts
from ..terminal.bar import Bar
from ..train.field_file import TrainedField
from .machine import slug
from .mesh_scores import compare
from .mesh_views import psnr_of_views
from .report import Measured, Sheet, figure

DEMO = "demo"
COUNTED = ("density", "fusion")
CELLS, FACES, TEXTURE = 256, 50_000, 2048  # as `omnifield export mesh` has them


@dataclass(frozen=True)
class ExportPlan:
    """`truth` is the file of the mesh that the field's pictures are of, `views` the data set whose held-out views are
    compared with, at every `stride`-th pixel; the demo's own are known."""

    truth: Path | None
    views: str | None
    stride: int


def measure_export(plan: ExportPlan, trained: TrainedField, console: Console) -> Measured:
    """Raises ValueError in the user's words where there is nothing to compare with."""
    scene = str(trained.provenance.get("scene", "field"))
    true, views = _truth(plan.truth, scene), _views(plan.views, scene)
    if true is None and views is None:
        raise ValueError(
            "bench export compares with the true mesh, --truth FILE, or with the held-out views of a data set, "
            "--views DATA; only those of the demo are known."
        )
    rows = [_measure(method, trained, true, views, plan.stride, console) for method in COUNTED]
    known = trained.provenance
    facts = {
        "scene": scene,
        "field": trained.config.tag,
        "steps": known.get("steps"),
        "train_seconds": known.get("seconds"),
        "resolution": CELLS,
        "faces": FACES,
        "texture": TEXTURE,
    }
    return Measured(
        slug(f"export {scene} {trained.config.tag}"), facts | {"meshes": rows}, _sheet(facts, rows)
    )


def _views(data: str | None, scene: str) -> Views | None:
    if data is None:
        return demo_scene().test[0] if scene == DEMO else None
    return full_size(load_scene(data).test)[0]


def _truth(file: Path | None, scene: str) -> Triangles | None:
    if file is None and scene != DEMO:
        return None
    if file is None:
        surface = still_life()
        return Triangles(surface.vertices.astype(np.float64), surface.faces.astype(np.int64))
    vertices, faces, first = [], [], 0
    for part in read_parts(file):
        vertices.append(part.vertices.astype(np.float64))
        faces.append(part.faces.astype(np.int64) + first)
        first += len(part.vertices)
    return Triangles(np.concatenate(vertices), np.concatenate(faces))


def _measure(
    method: str,
    trained: TrainedField,
    true: Triangles | None,
    views: Views | None,
    stride: int,
    console: Console,
) -> dict[str, Any]:
    plan = MeshPlan(crop_of(trained.field.domain, trained.cameras), CELLS, FACES, TEXTURE, 0.0)
    began = time.perf_counter()
    with Bar(console) as bar:
        made: ColoredMesh = finished(make_mesh(trained, plan, METHODS[method]), _shown(bar, method))
    seconds = time.perf_counter() - began
    mesh = made.moved(trained.frames.input_from_scene).mesh
    row: dict[str, Any] = {"method": method, "seconds": seconds, "faces": len(mesh.faces)}
    if true is not None:
        row["seen"] = compare(mesh, true, trained.cameras[0]).facts()
        row["everywhere"] = compare(mesh, true).facts()
    if views is not None:
        row["psnr"] = psnr_of_views(made, views, trained.background, stride)
    return row


def _shown(bar: Bar, method: str) -> Callable[..., None]:
    return lambda at: bar.update(at.done, f"{method}: {at.words}", "")


def _scores(found: dict[str, float] | None) -> tuple[str, str]:
    if found is None:
        return figure(None), figure(None)
    return f"{found['f_score']:.3f}", f"{100 * found['chamfer']:.2f}%"


def _sheet(facts: dict[str, Any], rows: list[dict[str, Any]]) -> Sheet:
    table = tuple(
        (
            row["method"],
            *_scores(row.get("seen")),
            *_scores(row.get("everywhere")),
            figure(row.get("psnr")),
            f"{row['faces']:,}",
            figure(row["seconds"]),
        )
        for row in rows
    )
    columns = ("mesh by", "F-score", "chamfer", "F, all", "chamfer, all", "PSNR (dB)", "faces", "s")
    notes = (
        f"A {facts['field']} field of {facts['steps']} steps ({facts['train_seconds']} s); "
        f"{facts['resolution']} cells, at most about {facts['faces']:,} faces, a texture of {facts['texture']}.",
        "F-score: of 200,000 points spread over either mesh, those within 1% of the true mesh's diagonal of the other "
        "(harmonic mean of both shares); chamfer: the mean of both mean distances over that diagonal.",
        "The first two of what 20 of the training cameras see of each; `all` also counts what nobody has seen.",
        "PSNR: the mesh, unlit, in held-out views. Seconds: the whole of the export but writing the file.",
    )
    return Sheet(f"Exported meshes of {facts['scene']}", columns, table, notes)
