"""View names: distinct, and fit to be file names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnifield.datasets import load_scene
from omnifield.scenes.multiscale import with_scales
from omnifield.scenes.names import distinct_names, numbered

FILE = "transforms.json"


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["images/1.png", "images/2.png"], ["1", "2"]),
        (["images/left/0000.jpg", "images/right/0000.jpg", "x/1.jpg"], ["left_0000", "right_0000", "1"]),
        (["a/l/0.png", "b/l/0.png", "b/m/0.png"], ["a_l_0", "b_l_0", "b_m_0"]),
        (["a/0.jpg", "a/0.png"], ["0.jpg", "0.png"]),
        (["a/0.jpg", "a/0.jpg"], ["0", "0_2"]),
        (["a/x.png", "a/X.png"], ["x", "X_2"]),  # one file where capitals do not count
        (["left_0.png", "left/0.png", "right/0.png"], ["left_0", "left_0_2", "right_0"]),
        (["a/wo:what?.png", "a/wo*what?.png"], ["wo_what_", "wo_what__2"]),
    ],
)
def test_names_tell_pictures_apart(paths: list[str], names: list[str]) -> None:
    assert distinct_names([Path(path) for path in paths]) == names


PART = st.text(st.sampled_from("aA.0_: é字"), min_size=1, max_size=4).filter(
    lambda part: part.strip(".") != ""
)


@given(st.lists(st.lists(PART, min_size=1, max_size=4), max_size=8))
def test_names_of_any_paths_are_distinct_files_of_one_folder(parts: list[list[str]]) -> None:
    names = distinct_names([Path(*each) for each in parts])
    assert len({name.casefold() for name in names}) == len(names) == len(parts)
    for name in names:
        assert name and name not in (".", "..") and not set(name) & set("/\\:\0") and name == name.strip(" .")


def test_long_names_leave_room_in_a_files_name(tmp_path: Path) -> None:
    first, second = distinct_names([Path("字" * 80 + "1.jpg"), Path("字" * 80 + "2.jpg")])
    assert first != second and first.endswith("1")
    assert len(f".0000_{first}_d3.png.4194304.part".encode()) < 255


def test_numbers_keep_clear_of_what_is_taken() -> None:
    assert numbered(["a", "a", "b"], taken=["a", "A_2"]) == ["a_3", "a_4", "b"]


def test_two_folders_with_the_same_file_names(photographs) -> None:
    """Train and test of one file are told apart together: a name means one picture."""
    for i, frame in enumerate(photographs.files[FILE]["frames"]):
        name = f"{('left', 'right')[i % 2]}/{i // 2:04d}.png"
        (photographs.folder / name).parent.mkdir(exist_ok=True)
        (photographs.folder / frame["file_path"]).rename(photographs.folder / name)
        frame["file_path"] = name
    photographs.files[FILE]["test_filenames"] = ["left/0000.png", "right/0000.png", "left/0001.png"]
    scene = load_scene(photographs.write())
    assert scene.test[0].names == ("left_0000", "left_0001", "right_0000")
    assert len({*scene.train[0].names, *scene.test[0].names}) == 12


def test_the_two_files_of_a_pair_keep_their_own_names(blender) -> None:
    scene = load_scene(blender.write())
    assert scene.test[0].names == ("r_0", "r_1") and scene.train[0].names[:2] == ("r_0", "r_1")


def test_names_of_coarser_scales_are_distinct_too(blender) -> None:
    frames = blender.files["transforms_test.json"]["frames"]
    (blender.folder / "test" / "r_1.png").rename(blender.folder / "test" / "r_0_d1.png")
    frames[1]["file_path"] = "./test/r_0_d1"
    scene = with_scales(load_scene(blender.write()), 2)
    assert scene.test[0].names == ("r_0", "r_0_d1") and scene.test[1].names == (
        "r_0_d1_2",
        "r_0_d1_d1",
    )
