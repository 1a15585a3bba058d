"""What of a field goes into its page."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from omnifield.export.page_bake import (
    APPEARANCE,
    CHANNELS,
    DENSITY,
    SCALES,
    SeenCells,
    bake,
    rounded,
    why_not_shown,
)
from omnifield.export.page_file import PageForm, page_bytes, page_program, write_page
from omnifield.fields import HashConfig
from omnifield.ops.voxel_lookup import SIDE
from omnifield.train.field_file import TrainedField

from .pages import BOX, noisy, psnr, rendered


def test_bytes_are_as_near_as_bytes_can_be():
    for scale in (DENSITY, APPEARANCE):
        lo, hi = scale.values(torch.tensor([0, 255], dtype=torch.uint8)).tolist()
        values = torch.linspace(lo, hi, 5000)
        assert float((scale.values(scale.codes(values)) - values).abs().max()) <= scale.step * 0.5001
        assert scale.values(scale.codes(torch.zeros(1))).item() == 0
        assert scale.codes(torch.tensor([-1e9, 1e9])).tolist() == [0, 255]


def test_cells_in_a_box_are_counted():
    generator = torch.Generator().manual_seed(0)
    cells = torch.rand(6**3, generator=generator) < 0.05
    seen = SeenCells(cells)
    middle = torch.rand(400, 3, generator=generator)
    lo, hi = middle - 0.1, middle + 0.15
    index = torch.arange(6)
    inside = [(index[None] + 1 > lo[:, i, None] * 6) & (index[None] < hi[:, i, None] * 6) for i in range(3)]
    box = inside[2][:, :, None, None] & inside[1][:, None, :, None] & inside[0][:, None, None, :]
    expected = (box.reshape(400, -1) & cells).any(-1)
    assert 20 < int(expected.sum()) < 380 and torch.equal(seen.any_between(lo, hi), expected)


@pytest.fixture(scope="module")
def field() -> TrainedField:
    return noisy(BOX, occupied_share=0.02, coarsest_resolution=32)


def test_what_no_ray_reads_is_left_out(field: TrainedField):
    baked = bake(field)
    finest, zero = baked.levels[0], torch.tensor([scale.zero for scale in SCALES])
    assert len(baked.levels) == 2 and finest.codes.shape[1:] == (SIDE**3, CHANNELS)
    empty = (finest.codes == zero).all(-1)
    assert 0.3 < empty.float().mean() < 1 and not bool(empty.all(1).any())
    assert len(page_bytes(baked)) == 16**3 // 8 + sum(
        6 * (len(level.blocks) + len(level.bricks)) + level.codes.numel() for level in baked.levels
    ) + 4 * sum(weight.numel() for weight in baked.network)


def test_rounding_is_hardly_seen(field: TrainedField):
    for view in range(3):
        plain = rendered(field, field.cameras[0], view)
        assert 38 < psnr(rendered(rounded(field), field.cameras[0], view), plain) < 90


def test_what_a_page_cannot_show(field: TrainedField, tmp_path: Path):
    assert why_not_shown(field) == ""
    assert "no mipvog" in why_not_shown(replace(field, field=HashConfig().build(BOX)))
    assert "blend=meaning" in why_not_shown(noisy(BOX, blend="meaning"))
    assert "weights" in why_not_shown(noisy(BOX, color_hidden=64))
    with pytest.raises(ValueError, match="activation=before: convert it to mipvog first"):
        write_page(noisy(BOX, activation="before"), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_an_empty_field_leaves_nothing(tmp_path: Path):
    with pytest.raises(ValueError, match="nothing to see"):
        write_page(noisy(BOX, occupied_share=0.0), tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_said(field: TrainedField, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file/page\.html cannot be written"):
        write_page(field, tmp_path / "file" / "page.html")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_of_a_folder_that_cannot_be_written_nothing_stays(field: TrainedField, tmp_path: Path):
    (tmp_path / "site" / "page.js").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"page\.js cannot be written"):
        write_page(field, tmp_path / "site", PageForm(folder=True))
    assert [each.name for each in (tmp_path / "site").iterdir()] == ["page.js"]


def test_a_title_is_no_program(field: TrainedField, tmp_path: Path):
    write_page(field, tmp_path / "page.html", PageForm("</title><script>alert(1)</script>"))
    assert "<script>alert" not in (tmp_path / "page.html").read_text()


def test_the_program_is_one_script_in_which_no_two_things_have_one_name():
    program = page_program()
    assert not re.search(r"^(import|export) ", program, re.M)
    names = re.findall(r"^(?:async )?(?:function|const|class) (\w+)", program, re.M)
    assert len(names) > 40 and len(names) == len(set(names))
