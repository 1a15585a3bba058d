"""The child process that runs pycolmap: `python -m omnifield.photos.worker PLAN`. A native abort ends only this, and
all its memory goes back with it.

It says what it does on standard output, one JSON object a line, and ends when its standard input does: with its parent.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

from . import pairing

SEED = 0
MOST_DESCRIPTORS = 2000  # of a picture, that tell which others look like it


def main() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pycolmap.logging.minloglevel = 1  # warnings and worse
    pycolmap.set_random_seed(SEED)
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    say(phase="features")
    extract(plan)
    pairs = pairs_of(plan)
    say(phase="matches", total=len(pairs))
    match(plan, pairs)
    say(phase="cameras", done=0)
    say(result=reconstruct(plan))


def extract(plan: dict[str, Any]) -> None:
    """Pictures of one group have one camera; those that have features keep them."""
    options = pycolmap.FeatureExtractionOptions()
    options.max_image_size, options.num_threads = plan["max_size"], plan["threads"]
    options.use_gpu = False
    options.sift.max_num_features = plan["most_features"]
    affine = plan["features"] == "affine"
    options.sift.estimate_affine_shape = options.sift.domain_size_pooling = affine
    for number, names in enumerate(plan["groups"], 1):
        reader = pycolmap.ImageReaderOptions()
        reader.camera_model = plan["camera_model"]
        reader.existing_camera_id = _enter(plan, number, names, reader)
        if plan["masks"]:
            reader.mask_path = plan["masks"]
        pycolmap.extract_features(
            plan["database"],
            plan["images"],
            names,
            pycolmap.CameraMode.SINGLE,
            reader,
            options,
            pycolmap.Device.cpu,
        )


def pairs_of(plan: dict[str, Any]) -> list[tuple[str, str]]:
    """Of a video also such frames as come back to a place."""
    names = sorted(name for group in plan["groups"] for name in group)
    if plan["matcher"] == "exhaustive":
        return pairing.exhaustive(names)
    descriptors = _descriptors(plan, names)
    if plan["matcher"] == "sequential":
        return pairing.both(pairing.in_turn(names), pairing.alike(names, descriptors, pairing.RETURNS))
    return pairing.alike(names, descriptors, pairing.ALIKE)


def match(plan: dict[str, Any], pairs: list[tuple[str, str]]) -> None:
    """Pairs that were matched before are passed over."""
    options = pycolmap.FeatureMatchingOptions()
    options.num_threads, options.use_gpu = plan["threads"], False
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = SEED
    listed = pycolmap.ImportedPairingOptions()
    listed.match_list_path = Path(plan["output"]).with_name("pairs.txt")
    listed.match_list_path.write_text("".join(f"{one} {other}\n" for one, other in pairs))
    pycolmap.match_image_pairs(plan["database"], options, listed, verification, pycolmap.Device.cpu)


def reconstruct(plan: dict[str, Any]) -> dict[str, Any]:
    """The model with most pictures is written, and its points beside it."""
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = SEED
    options.num_threads = 1  # with more the result is another one each time
    options.ba_use_gpu = False
    output = Path(plan["output"])
    output.mkdir(exist_ok=True)
    placed = 0

    def count() -> None:
        nonlocal placed
        placed += 1
        say(phase="cameras", done=placed)

    models = pycolmap.incremental_mapping(
        plan["database"], plan["images"], output, options, next_image_callback=count
    )
    sizes = sorted((model.num_reg_images() for model in models.values()), reverse=True)
    if not models:
        return {"placed": [], "models": []}
    largest = max(models.values(), key=lambda model: (model.num_reg_images(), model.num_points3D()))
    return {"placed": _write(largest, output, plan["names"]), "models": sizes, **_figures(largest)}


def _write(model: pycolmap.Reconstruction, output: Path, names: dict[str, str]) -> list[str]:
    """The names that the pictures had for pycolmap, in order; the files have their own names again."""
    placed = sorted(model.images[number].name for number in model.reg_image_ids())
    points = model.points3D.values()
    table = np.array([(*point.xyz, *point.color, point.error, point.track.length()) for point in points])
    np.save(output / "points.npy", table.reshape(-1, 8))
    for image in model.images.values():
        image.name = names[image.name]
    chosen = output / "largest"
    chosen.mkdir(exist_ok=True)
    model.write_binary(chosen)
    return placed


def _figures(model: pycolmap.Reconstruction) -> dict[str, float]:
    return {
        "error": model.compute_mean_reprojection_error(),
        "points": model.num_points3D(),
        "seen_by": model.compute_mean_track_length(),
    }


def _descriptors(plan: dict[str, Any], names: list[str]) -> list[pairing.Descriptors]:
    with pycolmap.Database.open(plan["database"]) as database:
        by_name = {image.name: image.image_id for image in database.read_all_images()}
        numbers = [by_name[name] for name in names]
        return [np.asarray(database.read_descriptors(number).data)[:MOST_DESCRIPTORS] for number in numbers]


def _enter(plan: dict[str, Any], number: int, names: list[str], options: pycolmap.ImageReaderOptions) -> int:
    """A group's camera, made from what EXIF says of its first picture, and its pictures; returns the camera's number.

    Threads would enter pictures as they are done with them, and the order of pictures decides what comes of them.
    """
    with pycolmap.Database.open(plan["database"]) as database:
        if database.exists_camera(number):
            return number
        camera = pycolmap.infer_camera_from_image(Path(plan["images"]) / names[0], options)
        camera.camera_id = number
        database.write_camera(camera, use_camera_id=True)
        rig = pycolmap.Rig(rig_id=number)
        rig.add_ref_sensor(camera.sensor_id)
        database.write_rig(rig, use_rig_id=True)
        for name in names:
            of_picture = int(Path(name).stem) + 1
            image = pycolmap.Image(name=name, camera_id=number, image_id=of_picture)
            frame = pycolmap.Frame(frame_id=of_picture, rig_id=number)
            frame.add_data_id(image.data_id)
            database.write_image(image, use_image_id=True)
            database.write_frame(frame, use_frame_id=True)
    return number


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
