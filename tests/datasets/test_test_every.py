"""`--test-every`: which pictures are held out, whatever the format's custom is."""

from pathlib import Path

import pytest
from omnifield.datasets import load_scene
from omnifield.scenes.views import names_of

from .colmap_folder import ring, save_pictures
from .conftest import Dataset

NAMES = [f"{i:02}.png" for i in range(12)]


def test_of_a_format_that_holds_out_every_eighth(tmp_path: Path) -> None:
    ring(NAMES).write(save_pictures(tmp_path, NAMES) / "sparse" / "0")
    assert names_of(load_scene(tmp_path).test) == ("00", "08")
    scene = load_scene(tmp_path, test_every=5)
    assert names_of(scene.test) == ("00", "05", "10") and len(names_of(scene.train)) == 9
    assert names_of(load_scene(tmp_path, test_every=100).test) == ("00",)


def test_it_goes_before_shares_and_lists(photographs: Dataset) -> None:
    """Of nerfstudio's, in the natural order of the names."""
    photographs.files["transforms.json"]["test_filenames"] = ["images/3.png"]
    assert names_of(load_scene(photographs.write()).test) == ("3",)
    assert names_of(load_scene(photographs.write(), test_every=4).test) == ("0", "4", "8")


def test_training_frames_without_any_for_testing(blender: Dataset) -> None:
    del blender.files["transforms_test.json"]
    assert names_of(load_scene(blender.write(), test_every=3).test) == ("r_0", "r_3")


def test_where_it_is_settled_it_is_refused(blender: Dataset) -> None:
    with pytest.raises(ValueError, match=r"transforms_test.json says itself what is for testing\.$"):
        load_scene(blender.write(), test_every=3)
    with pytest.raises(ValueError, match=r"--test-every is for data in one set; demo says"):
        load_scene("demo", test_every=3)


@pytest.mark.parametrize("every", [1, 0, -2])
def test_all_and_none_are_refused(photographs: Dataset, every: int) -> None:
    with pytest.raises(ValueError, match=rf"--test-every must be 2 or more, not {every}: .*\.$"):
        load_scene(photographs.write(), test_every=every)
