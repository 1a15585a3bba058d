"""What several files have to agree on is written down once in Python and once in C++, and both say the same."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from omnifield import ops
from omnifield.fields import blocks
from omnifield.ops import MarchGrid, _cpu, cell_number, cell_place, distortion, ray_march
from omnifield.ops.voxel_lookup import BLOCK, SIDE
from omnifield.renderers import didactic, opaque, shading, volume

ROOT = Path(__file__).parents[2]
PYTHON = [
    path
    for room in ("ops", "scenes", "fields", "renderers", "train", "distill")
    for path in (ROOT / room).rglob("*.py")
]
CPP = [path for pattern in ("*.cpp", "*.h") for path in (ROOT / "ops" / "cpu").glob(pattern)]


def test_blocks_of_voxels_have_one_size() -> None:
    assert (_cpu.VOXEL_SIDE, _cpu.VOXEL_ROWS) == (SIDE, BLOCK) == (SIDE, SIDE**3)
    assert blocks.SIDE is SIDE and blocks.BLOCK is BLOCK


def test_rays_end_at_one_transmittance() -> None:
    for op in (ops.ray_weights, ops.pass_through):
        for function in (op.reference, *op.kernels.values()):
            assert inspect.signature(function).parameters["stop"].default == ops.STOP
    assert didactic.STOP == opaque.STOP == volume.STOP == ops.STOP
    assert (didactic.VISIBLE, didactic.FOG) == (volume.VISIBLE, shading.FOG)


def test_lenses_are_undone_by_the_same_steps() -> None:
    spelled = dict(CONSTANT.findall((ROOT / "ops" / "cpu" / "camera_rays.cpp").read_text()))
    assert int(spelled["kIterations"]) == distortion.UNDISTORT_ITERATIONS
    assert float(spelled["kLargestStep"]) == distortion.LARGEST_STEP
    radius = torch.tensor([float(spelled["kConeRadiusPerPixel"]), distortion.CONE_RADIUS_PER_PIXEL])
    assert radius[0] == radius[1]  # as floats, which the kernel reckons in


def test_a_cells_number_and_place_belong_together() -> None:
    number = torch.arange(5**3)
    place = cell_place(number, 5)
    assert torch.equal(cell_number(place, 5), number)
    assert place[1 + 5 * (2 + 5 * 3)].tolist() == [1, 2, 3]
    assert [_cpu.cell_number(*cell, 5) for cell in place.tolist()] == number.tolist()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
def test_a_march_reads_its_bits_in_that_order(dtype: torch.dtype) -> None:
    """Of rays through the middles of all cells along x, the one of the occupied cell has samples, in that cell."""
    size, cell = 16, torch.tensor([3, 6, 9])
    bits = torch.zeros(size**3, dtype=torch.bool)
    bits[cell_number(cell, size)] = True
    occupied = (bits.reshape(-1, 8) * 2 ** torch.arange(8)).sum(-1).byte()
    y, z = cell_place(torch.arange(size**2), size)[:, :2].unbind(-1)
    origins = (torch.stack([torch.zeros_like(y), y, z], -1).to(dtype) + 0.5) / size
    origins[:, 0] = -1
    directions = torch.tensor([[1.0, 0.0, 0.0]], dtype=dtype).expand(len(y), 3).contiguous()
    span = torch.tensor([[0.0, 4.0]], dtype=dtype).expand(len(y), 2).contiguous()
    grid = MarchGrid((0.0,) * 3, (1.0,) * 3, False, size, 1 / 256, 0.0)
    t, _, ray, _ = ray_march(
        origins, directions, span, torch.full((len(y),), 0.5, dtype=dtype), occupied, grid
    )
    assert set(ray.tolist()) == {int(cell[1] + size * cell[2])}
    assert len(t) == 16 and ((t - 1) * size).floor().eq(cell[0]).all()


CONSTANT = re.compile(r"^constexpr \w+ (k\w+) = ([\d.e+-]+)f?;", re.MULTILINE)
NUMBERED = re.compile(r"\w*x \+ ([\w.]+) \* \(\w*y \+ \1 \* \w*z\)")


def test_the_order_of_cells_is_spelled_out_once_in_each_language() -> None:
    found = {path.name for path in (*PYTHON, *CPP) for line in code_of(path) if NUMBERED.search(line)}
    assert found == {"cell_order.py", "cells.h"}


def code_of(path: Path) -> list[str]:
    """Lines without comments, and of Python without the docstrings that begin and end on one of them."""
    lines = [re.split(r"//|#", line)[0] for line in path.read_text().splitlines()]
    return [line for line in lines if '"""' not in line]
