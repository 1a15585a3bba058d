"""Pictures of exported meshes for the documentation: `python docs/mesh_pictures.py NAME MESH.glb` writes
docs/images/mesh-NAME.png: the mesh with its texture above, its bare shape below, from three sides."""

import sys
from pathlib import Path

import numpy as np
import trimesh
from omnifield.studio.raycast import Caster, Hits
from omnifield.studio.shade import interpolated, lookup
from PIL import Image

IMAGES = Path(__file__).parent / "images"
SIDE, FINER = 420, 2  # pixels, and how many samples of each along either axis
SEEN_FROM = ((35, 25), (155, 15), (275, 50))  # degrees around and up
REACH = 0.30  # of the picture's half to the distance


def main(name: str, file: str) -> None:
    mesh = trimesh.load(file, force="mesh", process=False)
    caster = Caster(np.float32(mesh.vertices), np.int32(mesh.faces))
    rows = []
    for paint in (textured, bare):
        pictures = [seen(mesh, caster, np.radians(angles), paint) for angles in SEEN_FROM]
        rows.append(np.concatenate(pictures, 1))
    Image.fromarray(np.concatenate(rows)).save(IMAGES / f"mesh-{name}.png")


def seen(mesh, caster: Caster, angles: np.ndarray, paint) -> np.ndarray:
    """glTF is Y-up."""
    around, up = angles
    back = np.array([np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)])
    right = np.array([np.cos(around), 0, -np.sin(around)])
    middle, radius = mesh.bounds.mean(0), np.linalg.norm(mesh.extents) / 2
    row, column = np.mgrid[: SIDE * FINER, : SIDE * FINER].reshape(2, -1)
    x, y = (((each + 0.5) / (SIDE * FINER) * 2 - 1) * REACH for each in (column, row))
    directions = -back + x[:, None] * right - y[:, None] * np.cross(back, right)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = np.broadcast_to(middle + back * radius / REACH, directions.shape)
    hits = caster.first(np.float32(origins), np.float32(directions))
    color = np.where(hits.face[:, None] >= 0, paint(mesh, hits, directions), 1.0)
    picture = color.reshape(SIDE, FINER, SIDE, FINER, 3).mean((1, 3))
    return np.uint8(np.round(picture.clip(0, 1) * 255))


def textured(mesh, hits: Hits, directions: np.ndarray) -> np.ndarray:
    picture = np.float32(mesh.visual.material.baseColorTexture.convert("RGB")) / 255
    uv = interpolated(np.float32(mesh.visual.uv), np.int32(mesh.faces[hits.face.clip(0)]), hits.weights)
    return lookup(picture, np.ascontiguousarray(uv.T)[..., None])


def bare(mesh, hits: Hits, directions: np.ndarray) -> np.ndarray:
    """Grey, brightest where it faces the eye, and red where that sees a face from behind."""
    facing = -(mesh.face_normals[hits.face.clip(0)] * directions).sum(1, keepdims=True)
    return np.where(facing > 0, 0.25 + 0.65 * facing, [0.8, 0.1, 0.1])


if __name__ == "__main__":
    main(*sys.argv[1:])
