"""The occupancy grid against balls of which every cell is known to be inside or outside."""

import pytest
import torch
from omnifield.fields import Points
from omnifield.renderers import OccupancyConfig, OccupancyGrid, UniformConfig
from omnifield.scenes import Box, Contraction, Domain
from omnifield.scenes.cells import dilated, finer, packed, unpacked
from torch import Tensor

from .analytic import CUBE, UNBOUNDED, Ball, rays_around, unasked

SIZE = 16
CELLS = SIZE**3
EVERY = 2 * CELLS  # visits of which half suffice for all cells
LONG = Box((-2.0, -1.0, 0.0), (2.0, 1.0, 1.0))


def grid_of(domain: Domain = CUBE) -> OccupancyGrid:
    return OccupancyConfig(SIZE, 64).build(domain)


def cell_of(domain: Domain, position: Tensor) -> Tensor:
    x, y, z = (domain.unit_from_world(position) * SIZE).long().clamp(0, SIZE - 1).unbind(-1)
    return x + SIZE * y + SIZE**2 * z


def centers(domain: Domain) -> Tensor:
    """In the order of the bits: x runs first."""
    z, y, x = torch.meshgrid(*[(torch.arange(SIZE) + 0.5) / SIZE] * 3, indexing="ij")
    return domain.world_from_unit(torch.stack([x, y, z], -1).reshape(-1, 3))


def inside(ball: Ball, domain: Domain) -> Tensor:
    return (centers(domain) - ball.middle).norm(dim=-1) < ball.radius


class Recorder:
    """A density function that remembers where it was asked."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.points: list[Points] = []

    def __call__(self, points: Points) -> Tensor:
        self.points.append(points)
        return torch.zeros(len(points))

    def cells(self) -> Tensor:
        return torch.cat([cell_of(self.domain, points.position) for points in self.points])


def test_it_starts_full() -> None:
    rays, grid = rays_around(100), grid_of()
    assert grid.occupied.all() and grid.occupied.shape == (CELLS,)
    mine, uniform = (each.sample(unasked, rays, None) for each in (grid, UniformConfig(64).build(CUBE)))
    assert all(torch.equal(a, b) for a, b in zip(vars(mine).values(), vars(uniform).values(), strict=True))


@pytest.mark.parametrize("domain", [CUBE, LONG, UNBOUNDED, Contraction(LONG.lo, LONG.hi)], ids=str)
def test_one_sweep_finds_the_cells_of_a_ball(domain: Domain) -> None:
    ball, grid = Ball(domain, 100.0, radius=0.6, middle=(0.2, -0.1, 0.4)), grid_of(domain)
    for _ in range(16):
        grid.visit(ball.density, CELLS // 8)
    assert torch.equal(grid.occupied, inside(ball, domain))
    assert 10 < grid.occupied.sum() < CELLS // 4


def test_places_within_cells_come_from_the_generator(generator: torch.Generator) -> None:
    """After a few sweeps a cell wholly inside is occupied, one wholly outside is not, those between may be."""
    ball, grid = Ball(CUBE, 100.0, radius=0.6), grid_of()
    for _ in range(5):
        grid.visit(ball.density, CELLS, generator)
    distance, reach = centers(CUBE).norm(dim=-1), 3**0.5 / SIZE
    assert grid.occupied[distance < 0.6 - reach].all()
    assert not grid.occupied[distance > 0.6 + reach].any()
    between = (distance - 0.6).abs() < reach / 2
    assert grid.occupied[between].float().mean() > 0.7


def test_nothing_is_lost_before_it_has_been_looked_at() -> None:
    ball, grid = Ball(CUBE, 100.0, radius=0.6), grid_of()
    solid, seen = inside(ball, CUBE), torch.zeros(CELLS, dtype=torch.bool)
    for _ in range(7):
        recorder = Recorder(CUBE)
        grid.visit(lambda points, recorder=recorder: recorder(points) + ball.density(points), CELLS // 7)
        seen[recorder.cells()] = True
        assert torch.equal(grid.occupied, solid | ~seen)


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 1e4])
def test_faint_matter_counts_where_nothing_else_is(sigma: float) -> None:
    """A field at its beginnings is faint all over: what is above the mean is kept, however faint."""
    ball, grid = Ball(CUBE, sigma, radius=0.5), grid_of()
    for _ in range(3):
        grid.visit(ball.density, CELLS)
    assert torch.equal(grid.occupied, inside(ball, CUBE))


def test_opaque_matter_counts_even_below_the_mean() -> None:
    """0.01 of opacity in one step: instant-ngp's threshold."""
    step = 2 / 64
    faint, dense = Ball(CUBE, 0.011 / step, 0.4, (-0.5, 0.0, 0.0)), Ball(CUBE, 1e5, 0.4, (0.5, 0.0, 0.0))
    fainter = Ball(CUBE, 0.009 / step, 0.3, (0.0, 0.7, 0.0))
    grid = grid_of()
    for _ in range(3):
        grid.visit(lambda p: faint.density(p) + dense.density(p) + fainter.density(p), CELLS)
    assert torch.equal(grid.occupied, inside(faint, CUBE) | inside(dense, CUBE))


def test_what_moves_away_is_forgotten_and_what_comes_is_found_at_once() -> None:
    before, after = Ball(CUBE, 50.0, 0.4, (-0.5, 0.0, 0.0)), Ball(CUBE, 50.0, 0.4, (0.5, 0.0, 0.0))
    grid = grid_of()
    grid.visit(before.density, EVERY)
    grid.visit(after.density, EVERY)
    assert grid.occupied[inside(before, CUBE)].all() and grid.occupied[inside(after, CUBE)].all()
    for _ in range(100):
        grid.visit(after.density, EVERY)
    assert torch.equal(grid.occupied, inside(after, CUBE))


def test_a_field_that_breaks_down_does_not_empty_the_grid() -> None:
    ball, grid = Ball(CUBE, 100.0, radius=0.6), grid_of()
    grid.visit(ball.density, EVERY)
    grid.visit(lambda points: torch.full((len(points),), torch.nan), EVERY)
    assert torch.equal(grid.occupied, inside(ball, CUBE))


@pytest.mark.parametrize("domain", [CUBE, UNBOUNDED], ids=["box", "contraction"])
@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize("cells", [1000, 1024, 10 * CELLS])
def test_half_of_the_visits_go_to_occupied_cells_and_half_to_all_in_turn(
    domain: Domain, jitter: bool, cells: int, generator: torch.Generator
) -> None:
    grid, some = grid_of(domain), torch.rand(CELLS, generator=generator) < 0.2
    recorder, again, in_turn = Recorder(domain), [], []
    for _ in range(9):
        grid.set_occupied(some)
        before = int(grid.in_turn)
        grid.visit(recorder, cells, generator if jitter else None)
        visited = recorder.cells()
        recorder.points.clear()
        share = len(visited) - (int(grid.in_turn) - before)
        again.append(visited[:share])
        in_turn.append(visited[share:])
    if cells < CELLS:
        assert all(len(part) == cells // 2 for part in (*again, *in_turn))
    assert all(some[part].all() for part in again)
    for visited, all_of_them in ((torch.cat(again), int(some.sum())), (torch.cat(in_turn), CELLS)):
        for sweep in visited.split(all_of_them):
            assert len(sweep.unique()) == len(sweep)
    assert not torch.equal(in_turn[0][:100].sort().values, in_turn[0][:100])  # scattered over the grid


def test_a_surface_that_fills_a_tenth_of_its_cells_stays_for_a_thousand_visits(
    generator: torch.Generator,
) -> None:
    """A plane, a tenth of a cell thick: visits to any place of a cell would miss it thirteen times running soon, and
    by then it would be forgotten."""
    grid = grid_of()
    low = CUBE.lo[2] + CUBE.side * (5 + 0.47) / SIZE

    def plane(points: Points) -> Tensor:
        height = (points.position[:, 2] - low) / CUBE.side * SIZE
        return 50.0 * ((height > 0) & (height < 0.1))

    for _ in range(100):
        grid.visit(plane, EVERY, generator)
    cells = torch.arange(CELLS) // SIZE**2 == 5
    assert torch.equal(grid.occupied, cells)
    for _ in range(1000):
        grid.visit(plane, CELLS // 2, generator)
        assert grid.occupied[cells].all()


def test_finer_cells_keep_what_is_known_and_are_looked_at_where_something_is(
    generator: torch.Generator,
) -> None:
    ball, grid = Ball(CUBE, 100.0, radius=0.3, middle=(0.2, -0.1, 0.4)), grid_of()
    grid.restrict(centers(CUBE)[:, 0] > -0.5)
    for _ in range(20):
        grid.visit(ball.density, EVERY, generator)
    before = grid.occupied
    grid.refine()
    assert grid.resolution == 2 * SIZE and torch.equal(grid.occupied, finer(dilated(before), 2))
    assert grid.grid.resolution == 2 * SIZE and grid.grid.step == grid_of().grid.step
    unknown = int(grid.occupied.sum())
    assert (
        grid.looked_at
        == len(grid.order) - unknown
        == int(finer(centers(CUBE)[:, 0] > -0.5, 2).sum()) - unknown
    )
    recorder = Recorder(CUBE)
    grid.look_at_the_rest(lambda points: recorder(points) + ball.density(points))
    assert len(torch.cat([points.position for points in recorder.points])) == unknown
    fine = OccupancyConfig(2 * SIZE, 64).build(CUBE)
    fine.look_at_the_rest(ball.density)
    assert torch.equal(grid.occupied, fine.occupied) and grid.looked_at == len(grid.order)
    resumed = grid_of()
    resumed.load_state_dict(grid.state_dict())
    assert resumed.resolution == 2 * SIZE and torch.equal(resumed.occupied, grid.occupied)
    for each in (grid, resumed):
        each.visit(ball.density, 1000)
    assert all(torch.equal(a, b) for a, b in zip(grid.buffers(), resumed.buffers(), strict=True))


def test_nobody_has_looked_at_the_rest_until_told_to() -> None:
    ball, grid = Ball(CUBE, 100.0, radius=0.6), grid_of()
    grid.visit(ball.density, 1000)
    assert 500 <= grid.looked_at <= 1000 and grid.occupied.sum() > CELLS - 1000
    grid.look_at_the_rest(ball.density)
    assert grid.looked_at == CELLS and torch.equal(grid.occupied, inside(ball, CUBE))


def test_a_visit_asks_for_a_point_like_any_other(generator: torch.Generator) -> None:
    recorder = Recorder(CUBE)
    grid_of().visit(recorder, CELLS, generator)
    [points] = recorder.points
    torch.testing.assert_close(points.direction.norm(dim=-1), torch.ones(CELLS))
    assert (points.footprint == 0).all() and points.time.min() >= 0 and points.time.max() <= 1
    assert points.time.std() > 0.2
    offset = (CUBE.unit_from_world(points.position) * SIZE).frac()
    assert (offset.std(0) > 0.2).all() and (offset.mean(0) - 0.5).abs().max() < 0.05


def test_only_possible_cells_are_visited_or_occupied(generator: torch.Generator) -> None:
    possible = torch.rand(CELLS, generator=generator) < 0.3
    grid, recorder = grid_of(), Recorder(CUBE)
    grid.restrict(possible)
    assert torch.equal(grid.occupied, possible)
    for _ in range(6):
        grid.visit(recorder, 500)
    visited = recorder.cells()
    assert possible[visited].all() and len(visited.unique()) == possible.sum()
    for _ in range(20):
        grid.visit(Ball(CUBE, 100.0).density, 500)
    assert torch.equal(grid.occupied, possible)


def test_nothing_possible() -> None:
    grid = grid_of()
    grid.restrict(torch.zeros(CELLS, dtype=torch.bool))
    grid.visit(Ball(CUBE, 100.0).density, 500)
    assert not grid.occupied.any() and len(grid.sample(unasked, rays_around(10), None)) == 0


def test_a_byte_holds_eight_cells_the_lowest_bit_first(generator: torch.Generator) -> None:
    grid, occupied = grid_of(), torch.rand(CELLS, generator=generator) < 0.4
    grid.set_occupied(occupied)
    for byte, cells in zip(grid.bits.tolist(), occupied.reshape(-1, 8).tolist(), strict=True):
        assert byte == sum(2**place for place, cell in enumerate(cells) if cell)
    assert torch.equal(grid.occupied, occupied) and grid.bits.dtype == torch.uint8
    assert torch.equal(unpacked(packed(occupied)), occupied)


@pytest.mark.parametrize("domain", [CUBE, UNBOUNDED], ids=["box", "contraction"])
def test_samples_lie_in_occupied_cells_alone_and_none_is_missing(
    domain: Domain, generator: torch.Generator
) -> None:
    grid, rays = grid_of(domain), rays_around(200)
    occupied = torch.rand(CELLS, generator=generator) < 0.2
    every = grid.sample(unasked, rays, None)
    grid.set_occupied(occupied)
    samples = grid.sample(unasked, rays, None)
    expected = occupied[cell_of(domain, every.points(rays).position)]
    wrong = abs(int(expected.sum()) - len(samples))
    assert wrong <= 1e-3 * len(samples) + 2 and 0 < len(samples) < len(every) / 2
    assert occupied[cell_of(domain, samples.points(rays).position)].float().mean() > 0.998


def test_a_seeded_generator_decides_everything() -> None:
    def after(seed: int) -> dict[str, Tensor]:
        grid, generator = grid_of(), torch.Generator().manual_seed(seed)
        for _ in range(3):
            grid.visit(lambda points: points.position.square().sum(-1) * 10, 1000, generator)
        return grid.state_dict()

    first, again, other = after(0), after(0), after(1)
    assert all(torch.equal(first[name].nan_to_num(), again[name].nan_to_num()) for name in first)
    assert not all(torch.equal(first[name].nan_to_num(), other[name].nan_to_num()) for name in first)


def test_a_state_is_taken_up_where_it_was_left() -> None:
    ball, grid, other = Ball(CUBE, 100.0, radius=0.6), grid_of(), grid_of()
    grid.visit(ball.density, 1000)
    other.load_state_dict(grid.state_dict())
    assert torch.equal(other.occupied, grid.occupied)
    for each in (grid, other):
        each.visit(ball.density, 1000)
    assert torch.equal(other.occupied, grid.occupied) and other.in_turn == 1000


def test_longer_steps_through_the_same_cells() -> None:
    rays, grid = rays_around(100), grid_of()
    grid.set_occupied(inside(Ball(CUBE, 1.0, 0.6), CUBE))
    fine, coarse = grid.sample(unasked, rays, None), grid.longer(3.0).sample(unasked, rays, None)
    assert coarse.dt[0].item() == pytest.approx(3 * fine.dt[0].item())
    assert len(coarse) == pytest.approx(len(fine) / 3, rel=0.05)
    assert grid.occupied[cell_of(CUBE, coarse.points(rays).position)].all()
