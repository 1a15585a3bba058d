"""Ray marching against a loop over rays and candidates; float64 is the reference."""

import dataclasses
import itertools
import math

import jaxtyping
import pytest
import torch
from omnifield.ops import MarchGrid, ray_march, references
from omnifield.ops.ray_march import HORIZON, ray_march_on

BOTH = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["reference", "kernel"])
LO, HI = (-1.0, -0.5, 0.0), (1.0, 0.5, 1.5)
STRAIGHT = MarchGrid(LO, HI, contracted=False, resolution=16, step=0.013, cone=0.0)
CONE = MarchGrid(LO, HI, contracted=False, resolution=16, step=0.013, cone=0.02)
CONTRACTED = MarchGrid(LO, HI, contracted=True, resolution=16, step=0.05, cone=0.04)
CONTRACTED_STRAIGHT = MarchGrid(LO, HI, contracted=True, resolution=16, step=1.0, cone=0.0)
GRIDS = pytest.mark.parametrize(
    "grid",
    [STRAIGHT, CONE, CONTRACTED, CONTRACTED_STRAIGHT],
    ids=["straight", "cone", "contracted", "contracted straight"],
)
NAN, INF = math.nan, math.inf


def distance(steps: float, grid: MarchGrid) -> float:
    if grid.cone == 0 or steps <= 1 / grid.cone:
        return grid.step * steps
    return grid.step / grid.cone * math.exp(grid.cone * steps - 1)


def steps_to(t: float, grid: MarchGrid) -> float:
    if grid.cone == 0 or t <= grid.step / grid.cone:
        return t / grid.step
    return (1 + math.log(t * grid.cone / grid.step)) / grid.cone


def entry_and_exit(origin, direction, near, far, grid):
    if grid.contracted:
        return near, min(far, HORIZON * max(h - low for low, h in zip(grid.lo, grid.hi, strict=True)) / 2)
    for o, d, low, high in zip(origin, direction, grid.lo, grid.hi, strict=True):
        if d == 0:
            near = near if low < o < high else INF
        else:
            walls = sorted([(low - o) / d, (high - o) / d])
            near, far = max(near, walls[0]), min(far, walls[1])
    return near, far


def cell(position, grid):
    unit = [(p - low) / (h - low) for p, low, h in zip(position, grid.lo, grid.hi, strict=True)]
    if grid.contracted:
        x = [2 * u - 1 for u in unit]
        norm = max(map(abs, x))
        if norm > 1:
            x = [(2 - 1 / norm) * value / norm for value in x]
        unit = [(value + 2) / 4 for value in x]
    x, y, z = (min(max(int(u * grid.resolution), 0), grid.resolution - 1) for u in unit)
    return x + grid.resolution * (y + grid.resolution * z)


def by_loop(origin, direction, span, jitter, occupied, grid):
    """The distances of one ray's samples."""
    begin, end = entry_and_exit(origin, direction, *span, grid)
    if not begin < end < INF:
        return []
    kept, first = [], steps_to(begin, grid)
    for k in itertools.count():
        t = distance(first + k + jitter, grid)
        if t >= end:
            return kept
        bit = cell([o + t * d for o, d in zip(origin, direction, strict=True)], grid)
        if occupied[bit // 8] >> (bit % 8) & 1:
            kept.append(t)


def random_bits(grid, share, generator):
    bits = torch.rand(grid.resolution**3, generator=generator) < share
    return (bits.reshape(-1, 8) * 2 ** torch.arange(8)).sum(-1).to(torch.uint8)


def random_rays(count, generator):
    """Towards the box from around it and from inside; a quarter along axes, some that miss."""
    middle = torch.tensor([LO, HI]).mean(0)
    origins = middle + torch.randn(count, 3, generator=generator) * 1.2
    targets = middle + torch.randn(count, 3, generator=generator) * 0.6
    directions = torch.nn.functional.normalize(targets - origins, dim=-1)
    axis = torch.randint(3, (count // 4,), generator=generator)
    sign = torch.randint(2, (count // 4, 1), generator=generator) * 2.0 - 1
    directions[: count // 4] = torch.eye(3)[axis] * sign
    origins[: count // 4] = middle + (origins[: count // 4] - middle) * 0.4
    near = torch.rand(count, generator=generator)
    far = near + 4 * torch.rand(count, generator=generator)
    far[::3] = INF
    return origins, directions, torch.stack([near, far], -1), torch.rand(count, generator=generator)


@BOTH
@GRIDS
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_parts_of_a_march_are_the_march(generator, dtype, grid, most):
    *rays, _ = (tensor.to(dtype) for tensor in random_rays(40, generator))
    bits = random_bits(grid, 0.3, generator)
    t, _, _, offsets = ray_march(*rays, torch.full((40,), 0.5, dtype=dtype), bits, grid)
    place, found = torch.zeros(40, dtype=torch.int32), [[] for _ in range(40)]
    while (place >= 0).any():
        part, _, ray, ends, place = ray_march_on(*rays, bits, place, grid, most)
        assert ends.diff().max() <= most and (ends.diff()[place >= 0] == most).all()
        assert torch.equal(ray, torch.repeat_interleave(torch.arange(40), ends.diff()))
        for index, distance in zip(ray.tolist(), part.tolist(), strict=True):
            found[index].append(distance)
    assert found == [t[begin:end].tolist() for begin, end in itertools.pairwise(offsets.tolist())]


@GRIDS
@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_the_reference_equals_a_loop_over_candidates(generator, grid, share):
    rays = [tensor.double() for tensor in random_rays(40, generator)]
    bits = random_bits(grid, share, generator)
    t, dt, ray, offsets = ray_march(*rays, bits, grid)
    expected = [
        by_loop(*one, bits.tolist(), grid) for one in zip(*(tensor.tolist() for tensor in rays), strict=True)
    ]
    assert offsets.tolist() == [0, *itertools.accumulate(map(len, expected))]
    assert ray.tolist() == [index for index, kept in enumerate(expected) for _ in kept]
    joined = torch.tensor(list(itertools.chain(*expected)), dtype=torch.float64)
    torch.testing.assert_close(t, joined, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(dt, (grid.cone * joined).clamp_min(grid.step), rtol=1e-12, atol=1e-12)
    assert any(expected) and (grid.contracted or not all(expected))


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02, 0.001, 0.0])
@pytest.mark.parametrize("resolution", [8, 24, 64])
def test_the_kernel_chooses_the_same_candidates_in_straight_boxes(generator, resolution, share):
    """Whatever it skips over; to the last bit, or a cell's wall would be seen from the other side."""
    grid = MarchGrid(LO, HI, contracted=False, resolution=resolution, step=0.004, cone=0.0)
    rays, bits = random_rays(3000, generator), random_bits(grid, share, generator)
    t, dt, ray, offsets = ray_march(*rays, bits, grid)
    with references():
        expected = ray_march(*rays, bits, grid)
    assert torch.equal(offsets, expected[3]) and torch.equal(ray, expected[2])
    torch.testing.assert_close(t, expected[0], rtol=0, atol=1e-5)
    assert torch.equal(dt, expected[1])


def test_the_kernel_skips_right_for_directions_of_any_length(generator):
    origins, directions, span, jitter = random_rays(3000, generator)
    directions = directions * torch.logspace(-1, 1, 3000)[:, None]
    bits = random_bits(STRAIGHT, 0.02, generator)
    t, _, _, offsets = ray_march(origins, directions, span, jitter, bits, STRAIGHT)
    with references():
        expected = ray_march(origins, directions, span, jitter, bits, STRAIGHT)
    assert torch.equal(offsets, expected[3])
    torch.testing.assert_close(t, expected[0])


@pytest.mark.parametrize("grid", [CONE, CONTRACTED, CONTRACTED_STRAIGHT])
@pytest.mark.parametrize("resolution, share", [(16, 0.3), (64, 0.003)], ids=["dense", "mostly skipped"])
def test_the_kernel_chooses_nearly_the_same_where_space_is_curved(generator, grid, resolution, share):
    """Exponentials differ in their last digit, so that one candidate in a thousand may be in another cell."""
    grid = dataclasses.replace(grid, resolution=resolution)
    rays, bits = random_rays(2000, generator), random_bits(grid, share, generator)
    t, _, _, offsets = ray_march(*rays, bits, grid)
    with references():
        expected_t, _, _, expected_offsets = ray_march(*rays, bits, grid)
    counts, expected_counts = offsets.diff(), expected_offsets.diff()
    assert len(expected_t) > 30 and (counts - expected_counts).abs().sum() <= 1e-3 * len(t) + 1
    same = (counts == expected_counts).nonzero()[:, 0]
    ours = torch.cat([t[offsets[i] : offsets[i + 1]] for i in same])
    theirs = torch.cat([expected_t[expected_offsets[i] : expected_offsets[i + 1]] for i in same])
    assert ((ours - theirs).abs() > 1e-5 * theirs + 1e-6).double().mean() < 1e-3


@BOTH
@GRIDS
def test_steps_join_up_along_a_ray_in_full_space(generator, dtype, grid):
    """Each sample stands for the middle of its step: what is between two is half of each."""
    rays = [tensor.to(dtype) for tensor in random_rays(200, generator)]
    rays[3] = torch.full_like(rays[3], 0.5)
    full = torch.full((grid.resolution**3 // 8,), 255, dtype=torch.uint8)
    t, dt, ray, offsets = ray_march(*rays, full, grid)
    follows = ray[1:] == ray[:-1]
    gap = (t.diff() - (dt[1:] + dt[:-1]) / 2)[follows]
    assert (gap.abs() <= ((1e-3 + grid.cone / 4) * dt[1:] + 1e-5 * t[1:])[follows]).all()
    for index in range(200):
        one = (tensor[index].tolist() for tensor in rays[:3])
        origin, direction, span = one
        begin, end = entry_and_exit(origin, direction, *span, grid)
        chord = max(end - begin, 0) if begin < INF else 0
        own = slice(int(offsets[index]), int(offsets[index + 1]))
        largest = float(dt[own].max()) if len(dt[own]) else grid.step
        assert abs(float(dt[own].sum()) - chord) <= largest * 1.05 + 1e-5 * chord


ALONG_X = {
    "through the middle": ((-3.0, 0.1, 0.7), (1.0, 0.0, 0.0), 154),
    "against the axis": ((3.0, 0.1, 0.7), (-1.0, 0.0, -0.0), 154),
    "from inside": ((0.0, 0.1, 0.7), (1.0, 0.0, 0.0), 77),
    "away from the box": ((-3.0, 0.1, 0.7), (-1.0, 0.0, 0.0), 0),
    "below it": ((-3.0, -0.6, 0.7), (1.0, 0.0, 0.0), 0),
    "above it": ((-3.0, 0.6, 0.7), (1.0, 0.0, 0.0), 0),
    "beside it, backwards": ((-3.0, 0.1, 1.6), (1.0, -0.0, -0.0), 0),
    "within a face": ((-3.0, -0.5, 0.7), (1.0, 0.0, 0.0), 0),
    "within an edge": ((-3.0, 0.5, 0.0), (1.0, -0.0, 0.0), 0),
}


@BOTH
@pytest.mark.parametrize("place", ALONG_X)
def test_rays_along_an_axis(dtype, place):
    origin, direction, count = ALONG_X[place]
    full = torch.full((STRAIGHT.resolution**3 // 8,), 255, dtype=torch.uint8)
    ray = (torch.tensor([values], dtype=dtype) for values in (origin, direction, (0.0, INF)))
    t, _, _, offsets = ray_march(*ray, torch.full((1,), 0.5, dtype=dtype), full, STRAIGHT)
    assert offsets.tolist() == [0, count] and len(t) == count


BROKEN = {
    "origin": ((NAN, 0.1, 0.7), (0.6, 0.8, 0.0), (0.0, INF)),
    "direction": ((-3.0, 0.1, 0.7), (1.0, NAN, 0.0), (0.0, INF)),
    "whole direction": ((-3.0, 0.1, 0.7), (NAN, NAN, NAN), (0.0, INF)),
    "zero direction": ((0.0, 0.1, 0.7), (0.0, 0.0, 0.0), (0.0, INF)),
    "near": ((-3.0, 0.1, 0.7), (1.0, 0.0, 0.0), (NAN, INF)),
    "far": ((-3.0, 0.1, 0.7), (1.0, 0.0, 0.0), (0.0, NAN)),
    "near beyond far": ((-3.0, 0.1, 0.7), (1.0, 0.0, 0.0), (3.0, 2.5)),
    "infinite origin": ((-INF, 0.1, 0.7), (1.0, 0.0, 0.0), (0.0, INF)),
}


@BOTH
@pytest.mark.parametrize("grid", [STRAIGHT, CONE], ids=["straight", "cone"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_ray_that_makes_no_sense_has_no_samples_and_harms_no_other(dtype, grid, what):
    good = ((-3.0, 0.1, 0.7), (1.0, 0.0, 0.0), (0.0, INF))
    full = torch.full((grid.resolution**3 // 8,), 255, dtype=torch.uint8)

    def counts(*rays):
        parts = (torch.tensor(part, dtype=dtype) for part in zip(*rays, strict=True))
        return ray_march(*parts, torch.full((len(rays),), 0.5, dtype=dtype), full, grid)[3].diff().tolist()

    [alone] = counts(good)
    assert alone > 0
    assert counts(good, BROKEN[what], good) == [alone, 0, alone]


@BOTH
def test_no_rays(dtype):
    none = torch.zeros(0, 3, dtype=dtype)
    full = torch.full((STRAIGHT.resolution**3 // 8,), 255, dtype=torch.uint8)
    t, dt, ray, offsets = ray_march(none, none, none[:, :2], none[:, 0], full, STRAIGHT)
    assert len(t) == len(dt) == len(ray) == 0 and offsets.tolist() == [0]


@BOTH
def test_each_bit_is_the_cell_x_first_then_y_then_z(dtype):
    """One cell at a time, seen from its own middle."""
    size = STRAIGHT.resolution
    for x, y, z in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (15, 15, 15), (9, 3, 12)]:
        number = x + size * (y + size * z)
        bits = torch.zeros(size**3 // 8, dtype=torch.uint8)
        bits[number // 8] = 1 << number % 8
        corner = torch.tensor([[x, y, z]], dtype=dtype)
        low, high = torch.tensor([LO, HI], dtype=dtype)
        middle = low + (corner + 0.5) / size * (high - low)
        far = torch.tensor([[0.0, 0.005]], dtype=dtype)
        half = torch.full((1,), 0.3, dtype=dtype)
        direction = torch.tensor([[0.0, 0.0, 1.0]], dtype=dtype)
        assert len(ray_march(middle, direction, far, half, bits, STRAIGHT)[0]) == 1
        assert len(ray_march(middle, direction, far, half, 255 - bits, STRAIGHT)[0]) == 0


FULL = torch.full((16**3 // 8,), 255, dtype=torch.uint8)
THREE, PAIRS, TWO = torch.ones(4, 3), torch.ones(4, 2), torch.ones(2, 3)
PLACES = torch.zeros(4, dtype=torch.int32)
REFUSED = {
    "resolution must be a multiple of 8, not 12": lambda: MarchGrid(LO, HI, False, 12, 0.1, 0.0),
    "the step must be positive": lambda: MarchGrid(LO, HI, False, 8, 0.0, 0.0),
    "the step must be positive.*nan": lambda: MarchGrid(LO, HI, False, 8, NAN, 0.0),
    r"the cone in \[0, 1\)": lambda: MarchGrid(LO, HI, False, 8, 0.1, 1.0),
    "511 bytes of occupancy": lambda: ray_march(THREE, THREE, PAIRS, torch.ones(4), FULL[1:], STRAIGHT),
    "ray_march: .*directions": lambda: ray_march(THREE, TWO, PAIRS, torch.ones(4), FULL, STRAIGHT),
    "ray_march: .*span": lambda: ray_march(THREE, THREE, PAIRS[1:], torch.ones(4), FULL, STRAIGHT),
    "ray_march: .*jitter": lambda: ray_march(THREE, THREE, PAIRS, torch.ones(3), FULL, STRAIGHT),
    "ray_march_on: .*not 0": lambda: ray_march_on(THREE, THREE, PAIRS, FULL, PLACES, STRAIGHT, 0),
    "ray_march_on: .*place": lambda: ray_march_on(THREE, THREE, PAIRS, FULL, PLACES[1:], STRAIGHT, 1),
    "ray_march: .*float64": lambda: ray_march(THREE, THREE.double(), PAIRS, torch.ones(4), FULL, STRAIGHT),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused_in_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()


def test_shapes_are_checked_while_testing():
    with pytest.raises(jaxtyping.TypeCheckError):
        ray_march(TWO.double(), THREE.double(), PAIRS.double(), torch.ones(4).double(), FULL, STRAIGHT)
