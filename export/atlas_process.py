"""What `atlas.py` runs beside itself: nothing of omnifield is imported here, so that it starts at once."""

import sys

import numpy as np
import xatlas

PADDING = 4  # texels between charts
AIM = 0.97  # of the side asked for
TRIES = 5


def main(given: str, made: str) -> None:
    """It packs by an estimate, which came out up to twice as large as asked for: so its scale is corrected."""
    with np.load(given, allow_pickle=False) as mesh:
        vertices, faces, side = mesh["vertices"], mesh["faces"], int(mesh["side"])
    atlas = xatlas.Atlas()
    atlas.add_mesh(vertices, faces)
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    packing.padding, packing.bilinear, packing.resolution = PADDING, True, int(0.6 * side)
    for _ in range(TRIES):
        atlas.generate(charts, packing)
        reached = max(atlas.width, atlas.height)
        if reached <= side and atlas.atlas_count == 1:
            break
        packing.resolution = 0
        packing.texels_per_unit = atlas.texels_per_unit * (AIM * side / reached) ** 1.3
    else:
        sys.exit(
            f"{atlas.chart_count} charts take {atlas.width} by {atlas.height} texels, not {side} by {side}"
        )
    origin, corners, uv = atlas.get_mesh(0)
    np.savez(made, origin=origin, faces=corners, uv=uv, size=np.array([atlas.width, atlas.height]))


if __name__ == "__main__":
    main(*sys.argv[1:])
