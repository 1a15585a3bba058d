"""What a training corrected of its photographs, exposure and poses: what comes of it afterwards, and what is said."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from omnifield.export.film import pictures_of
from omnifield.scripts.export import run_export
from omnifield.scripts.flags.export import Export
from omnifield.train.field_file import load_field
from PIL import Image

from .conftest import COLOR, Typed

DARKER = 0.5
STILL = ("--max-steps", "100", "--preset", "tiny", "--set", "samples_per_step=8192")


def photographed_twice(data: Path) -> None:
    """Each pose first with a dark photograph, so that directions do not tell them apart."""
    path = data / "transforms_train.json"
    content, frames = json.loads(path.read_text()), []
    for frame in content["frames"]:
        rgba = np.array(Image.open(data / f"{frame['file_path']}.png"))
        rgba[..., :3] = (rgba[..., :3] * DARKER).round()
        Image.fromarray(rgba).save(data / f"{frame['file_path']}_dark.png")
        frames += [frame | {"file_path": f"{frame['file_path']}_dark"}, frame]
    path.write_text(json.dumps(content | {"frames": frames}))


def corrected(typed: Typed, data: Path, *settings: str) -> Path:
    run = data.parent / "corrected"
    words = [word for setting in settings for word in ("--set", setting)]
    code, _, said = typed("train", data, "--run-dir", run, "--overwrite", *STILL, *words)
    assert code == 0, said
    return run


def test_pictures_have_the_mean_exposure_and_not_the_first_photographs(typed: Typed, lego) -> None:
    """Report 34 (instant-ngp#1570): the exposure of photograph 0 in every picture, and nobody told."""
    data = lego()
    photographed_twice(data)
    run = corrected(typed, data, "fit.exposure=0.02")
    trained = load_field(run / "field.safetensors")
    assert trained.provenance["exposure"] == "the mean of all photographs"
    picture = next(iter(pictures_of(trained, trained.cameras[0], [0], "color"))).numpy()
    brightness = picture[12:20, 12:20].mean() / (255 * np.mean(COLOR))
    assert 1.2 * DARKER < brightness < 0.9  # between the dark photograph and the bright one
    for words in (("render", run, "--output", run / "f", "--frames", "1"), ("eval", run, data)):
        code, _, said = typed(*words)
        assert code == 0 and "has the mean of all" in re.sub(r"\s+", " ", said)
    code, _, said = typed("render", corrected(typed, data), "--output", run / "f", "--frames", "1")
    assert code == 0 and "the mean of all" not in said


def test_held_out_poses_are_refined_on_half_of_the_picture_and_both_figures_told(typed: Typed, lego) -> None:
    """Report 35 (nerfstudio#2469, #2496)."""
    data = lego()
    code, out, _ = typed("eval", corrected(typed, data, "fit.poses=0.001"), data, "--json")
    result = json.loads(out)
    assert code == 0 and all(image["psnr"] and image["psnr_posed"] for image in result["images"])
    assert result["psnr_posed"] == pytest.approx(np.mean([image["psnr_posed"] for image in result["images"]]))
    code, _, said = typed("eval", data.parent / "corrected", data)
    assert code == 0 and "refined on" in said and "other cameras" not in said
    code, out, _ = typed("eval", corrected(typed, data), data, "--json")
    assert code == 0 and "psnr_posed" not in json.loads(out)


def test_cameras_leave_as_they_were_refined_or_as_they_were_given(typed: Typed, lego) -> None:
    """Report 36 (nerfstudio#1191, PR#3116)."""
    data = lego()
    run = corrected(typed, data, "fit.poses=0.001")
    given = [
        each["transform_matrix"]
        for each in json.loads((data / "transforms_train.json").read_text())["frames"]
    ]
    trained = load_field(run / "field.safetensors")
    input_from_scene = trained.frames.input_from_scene
    last = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    refined = trained.cameras[0].world_from_camera
    found = [(input_from_scene @ torch.cat([pose, last]).double()).tolist() for pose in refined]
    for poses, expected in (("refined", found), ("given", given)):
        run_export(Export("cameras", run, run / f"{poses}.json", poses=poses, json=True))
        frames = json.loads((run / f"{poses}.json").read_text())["frames"]
        np.testing.assert_allclose([frame["transform_matrix"] for frame in frames], expected, atol=1e-5)
    assert np.abs(np.array(found) - np.array(given)).max() > 1e-4
