"""What the march's kernel knows about empty space outlives a call: not the bits, nor the box."""

import torch
from omnifield.ops import MarchGrid, ray_march, references


def test_a_march_sees_that_bits_or_box_have_changed(generator: torch.Generator) -> None:
    """The bits change where they lie, as an occupancy's may."""
    cube = MarchGrid(
        (-1.0, -1.0, -1.0), (1.0, 1.0, 1.0), contracted=False, resolution=16, step=0.013, cone=0.0
    )
    tall = MarchGrid(
        (-1.0, -1.0, -1.0), (1.0, 3.0, 1.0), contracted=False, resolution=16, step=0.013, cone=0.0
    )
    origins = torch.randn(300, 3, generator=generator)
    directions = torch.nn.functional.normalize(torch.randn(300, 3, generator=generator), dim=-1)
    rays = origins, directions, torch.tensor([[0.0, 4.0]]).repeat(300, 1), torch.full((300,), 0.5)
    bits, seen = torch.zeros(16**3 // 8, dtype=torch.uint8), []
    for grid, byte in ((cube, 40), (cube, 300), (tall, 300), (cube, 300)):
        bits.zero_()[byte : byte + 8] = 255
        samples = ray_march(*rays, bits, grid)[3]
        with references():
            assert torch.equal(samples, ray_march(*rays, bits, grid)[3])
        seen.append(tuple(samples.tolist()))
    assert len({*seen[:3]}) == 3 and seen[3] == seen[1]
