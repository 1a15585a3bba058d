"""Which of the many statements of a lens holds, of the frame's and of the file's."""

import math
import warnings
from typing import Any

import pytest
from omnifield.datasets import load_scene
from omnifield.scenes import Lens

FILE = "transforms.json"
WHOLE = {"fl_x": 20.0, "fl_y": 21.0}
ANGLE = 2 * math.atan(0.5)  # of a focal length of 24 pixels in a picture of 24, or 16 in one of 16


def with_frame(dataset: Any, file: dict[str, object], frame: dict[str, object]) -> Any:
    """The cameras where images/0.png alone has fields of its own; its view is the first."""
    dataset.files[FILE].update({"fl_x": None, "fl_y": None} | file)
    next(f for f in dataset.files[FILE]["frames"] if f["file_path"] == "images/0.png").update(frame)
    return load_scene(dataset.write()).train[0].cameras


@pytest.mark.parametrize(
    "file",
    [WHOLE, {"fl_x": 20.0}, {"x_fov": 50.0}, {"x_fov": 50.0, "y_fov": 40.0}, {"camera_angle_x": 0.9}],
    ids=lambda fields: "+".join(fields),
)
@pytest.mark.parametrize(
    ("frame", "focal"),
    [
        ({"camera_angle_x": ANGLE}, [24, 24]),
        ({"camera_angle_y": ANGLE}, [16, 16]),
        ({"camera_angle_x": ANGLE, "camera_angle_y": 2 * ANGLE}, [24, 8 / math.tan(ANGLE)]),
        ({"x_fov": math.degrees(ANGLE)}, [24, 24]),
        ({"x_fov": math.degrees(ANGLE), "fl_y": 30}, [24, 30]),
        ({"fl_x": 33.0, "fl_y": 34.0}, [33, 34]),
        ({"x_fov": 90.0, "fl_x": 33.0, "camera_angle_x": 1.0}, [12, 12]),
        ({"fl_x": 33.0, "fl_y": 34.0, "camera_angle_x": 1.0}, [33, 33]),
    ],
)
def test_a_frames_focal_length_goes_before_the_files_in_any_form(
    photographs, file: dict[str, object], frame: dict[str, object], focal: list[float]
) -> None:
    if "camera_angle_x" in frame and "fl_y" in frame:
        focal = [33, 34]
    cameras = with_frame(photographs, file, frame)
    assert cameras.focal[0].tolist() == pytest.approx(focal)
    assert (cameras.focal[1:] == cameras.focal[1]).all() and cameras.focal[1, 0] != pytest.approx(focal[0])


def test_principal_points_and_distortion_go_before_the_files_field_by_field(photographs) -> None:
    file = WHOLE | {"k1": 0.1, "k2": 0.02, "p1": 0.01}
    cameras = with_frame(photographs, file, {"cx": 10.5, "k1": 0.2, "p2": 0.03})
    assert cameras.principal[:2].tolist() == [[10.5, 8.25], [11.5, 8.25]]
    assert cameras.distortion[0].tolist() == pytest.approx([0.2, 0.02, 0, 0, 0.01, 0.03])
    assert cameras.distortion[1].tolist() == pytest.approx([0.1, 0.02, 0, 0, 0.01, 0])


def test_angles_are_of_the_frames_own_size(photographs) -> None:
    cameras = with_frame(photographs, {"camera_angle_x": ANGLE}, {"w": 48, "h": 32})
    assert cameras.focal[0].tolist() == pytest.approx(
        [24, 24]
    )  # the pictures have 24 pixels, whatever w says


def test_a_frames_model_goes_before_the_files_flag(photographs) -> None:
    photographs.files[FILE].update({"camera_model": None, "is_fisheye": True})
    for frame in photographs.files[FILE]["frames"]:
        frame["camera_model"] = "OPENCV"
    assert load_scene(photographs.write()).train[0].cameras.lens is Lens.PERSPECTIVE


@pytest.mark.parametrize(("field", "value"), [("cx", 0.5), ("cy", 0.5), ("cx", 1), ("cy", 0), ("cx", 0.0)])
@pytest.mark.parametrize("in_frame", [False, True])
def test_a_principal_point_that_is_a_share_is_refused(
    photographs, field: str, value: float, in_frame: bool
) -> None:
    file = photographs.files[FILE]
    (file["frames"][3] if in_frame else file)[field] = value
    with pytest.raises(ValueError, match=rf"{field} is {value:g} where .* must be in pixels") as caught:
        load_scene(photographs.write())
    assert ("frames[3]." in str(caught.value)) == in_frame and str(caught.value).endswith(".")


def test_a_principal_point_outside_is_said_and_one_far_outside_refused(photographs) -> None:
    photographs.files[FILE]["cx"] = -6.0  # cut out of the right part of a larger picture
    with pytest.warns(
        UserWarning, match=r"principal point \(-6, 8.25\) of frames\[\d+\] \(and of 11 more"
    ) as said:
        scene = load_scene(photographs.write())
    assert len(said) == 1 and str(said[0].message).endswith(".")
    assert scene.train[0].cameras.principal[0].tolist() == [-6, 8.25]
    photographs.files[FILE]["cx"] = 480.0
    with pytest.raises(ValueError, match="cx is 480, far outside"):
        load_scene(photographs.write())


def test_a_principal_point_inside_is_nothing_to_speak_of(photographs) -> None:
    photographs.files[FILE].update({"cx": 24.0, "cy": 1.5})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_scene(photographs.write())
