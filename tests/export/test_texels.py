"""Which texel shows which part of which face."""

import numpy as np
import pytest
from omnifield.export import texels
from omnifield.export.atlas import Atlas
from omnifield.export.texels import texels_of


def atlas(uv: list[list[float]], faces: list[list[int]]) -> Atlas:
    return Atlas(np.arange(len(uv)), np.array(faces), np.array(uv, np.float64), 16, 8)


def test_two_triangles_share_a_picture_out_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texels, "AT_ONCE", 40)  # a few at a time
    whole = atlas([[0, 0], [1, 0], [1, 1], [0, 1]], [[0, 1, 2], [0, 2, 3]])
    found = texels_of(whole)
    assert len(found.row) == 16 * 8 == len({*zip(found.row.tolist(), found.column.tolist(), strict=True)})
    uv = np.einsum("tc,tcx->tx", found.weights, whole.uv[whole.faces[found.face]])
    np.testing.assert_allclose(uv[:, 0] * 16, found.column + 0.5, atol=1e-6)
    np.testing.assert_allclose((1 - uv[:, 1]) * 8, found.row + 0.5, atol=1e-6)
    upper = found.face[(found.row == 0) & (found.column == 0)]
    assert upper.tolist() == [1]


def test_texels_just_outside_belong_to_the_edge() -> None:
    found = texels_of(atlas([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]], [[0, 1, 2]]))
    assert found.weights.min() >= 0 and np.allclose(found.weights.sum(1), 1)
    at = {*zip(found.row.tolist(), found.column.tolist(), strict=True)}
    assert (3, 3) in at and (3, 2) not in at and (6, 5) in at and (7, 5) not in at


def test_a_face_without_area_has_weights_too() -> None:
    found = texels_of(atlas([[0.1, 0.5], [0.5, 0.5], [0.9, 0.5]], [[0, 1, 2]]))
    assert np.isfinite(found.weights).all() and np.allclose(found.weights.sum(1), 1)
