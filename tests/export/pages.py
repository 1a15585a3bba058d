"""A small Mip-VoG field of noise, its page in Chromium, and questions to the page's own shaders."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omnifield.export.page_file import USUAL_FORM, PageForm, page_shaders, write_page
from omnifield.fields import field_config
from omnifield.renderers import OccupancyConfig, VolumeRenderer
from omnifield.scenes import Box, Cameras, Contraction, Domain, PixelRays, pinhole
from omnifield.scenes.cells import packed
from omnifield.train.field_file import TrainedField
from torch import Tensor

BOX = Box((-1.0, -1.2, -0.8), (1.1, 0.9, 1.0))
UNBOUNDED = Contraction((-1.0, -1.2, -0.8), (1.1, 0.9, 1.0))
CELLS = 16
ASK = """async ({ shaders, body, inputs, outputs, count }) => {
    const { gl, painter } = await page, { scene } = painter;
    const nothing = "#version 300 es\\nprecision highp float; out vec4 color; void main() { color = vec4(0.0); }";
    const program = compile(gl, fieldShader(scene.facts, shaders) + body, nothing, Object.keys(outputs));
    scene.bind(program);
    const before = gl.getParameter(gl.VERTEX_ARRAY_BINDING), array = gl.createVertexArray();
    gl.bindVertexArray(array);
    for (const [name, { size, values }] of Object.entries(inputs)) {
        const place = gl.getAttribLocation(program, name);
        gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
        gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(values), gl.STATIC_DRAW);
        gl.enableVertexAttribArray(place);
        gl.vertexAttribPointer(place, size, gl.FLOAT, false, 0, 0);
    }
    const width = Object.values(outputs).reduce((a, b) => a + b), found = new Float32Array(count * width);
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, null);
    gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 0, buffer);
    gl.bufferData(gl.TRANSFORM_FEEDBACK_BUFFER, found.byteLength, gl.STREAM_READ);
    gl.enable(gl.RASTERIZER_DISCARD);
    gl.beginTransformFeedback(gl.POINTS);
    gl.drawArrays(gl.POINTS, 0, count);
    gl.endTransformFeedback();
    gl.disable(gl.RASTERIZER_DISCARD);
    gl.getBufferSubData(gl.TRANSFORM_FEEDBACK_BUFFER, 0, found);
    gl.bindVertexArray(before);
    return Array.from(found);
}"""
PICTURE = """async ({ camera, width, height }) =>
    Array.from((await page).pictureOf(camera, width, height).pixels)"""


def noisy(domain: Domain, occupied_share: float = 0.3, **settings: Any) -> TrainedField:
    """A field of random values in some random cells: whatever is read at a wrong place is seen."""
    generator = torch.Generator().manual_seed(4)
    occupancy = OccupancyConfig(CELLS).build(domain)
    occupancy.bits = packed(torch.rand(CELLS**3, generator=generator) < occupied_share)
    field = replace(field_config("mipvog", "tiny"), **settings).build(domain)
    field.refine(occupancy.contains)
    state = field.state_dict()
    for name, mean, spread in (("log_density", 8.0, 3.0), ("appearance", 0.0, 2.0)):
        noise = torch.randn(state[name].shape, generator=generator)
        state[name] = mean + spread * noise
    field.load_state_dict(state)
    return TrainedField(
        field=field,
        sampler=occupancy,
        cameras=(around(),),
        background=(0.9, 0.5, 0.2),
        scene_from_input=torch.eye(4),
        provenance={"scene": "noise"},
        thumbnail=torch.zeros(2, 2, 3, dtype=torch.uint8),
    )


def around() -> Cameras:
    """Three cameras that look at the middle, one from within the box."""
    poses = torch.tensor(
        [
            [[0.0, 0, 1, 3], [1, 0, 0, 0], [0, 1, 0, 0.1]],
            [[-1.0, 0, 0, 0], [0, 0, 1, 3.5], [0, 1, 0, 0]],
            [[0.0, 0, -1, -0.5], [-1, 0, 0, 0.1], [0, 1, 0, 0.2]],
        ]
    )
    return pinhole(poses, (96, 72), math.radians(50), near=0.05)


def opened(browser: Any, trained: TrainedField, path: Path, form: PageForm = USUAL_FORM) -> Any:
    """The field's page, once it draws."""
    write_page(trained, path, form)
    page = browser.new_page(viewport={"width": 320, "height": 240})
    page.set_default_timeout(150_000)
    page.goto(path.as_uri())
    page.wait_for_selector("#bar", state="visible")
    page.evaluate("async () => { globalThis.shownPage = await page }")
    return page


def ask(page: Any, body: str, outputs: dict[str, int], **inputs: Tensor) -> list[Tensor]:
    """What a vertex shader's `out` variables are, of so many numbers each, for rows of inputs of the names they have
    in it. `body` has the statements of its `main`, behind all of the page's functions."""
    columns = {name: each.reshape(len(each), -1).float() for name, each in inputs.items()}
    kinds = {1: "float", 2: "vec2", 3: "vec3", 4: "vec4"}
    lines = [f"in {kinds[each.shape[1]]} {name};" for name, each in columns.items()]
    lines += [f"out {kinds[size]} {name};" for name, size in outputs.items()]
    count = len(next(iter(columns.values())))
    found = page.evaluate(
        ASK,
        {
            "shaders": page_shaders(),
            "body": "\n".join([*lines, "void main() { gl_Position = vec4(0.0);", body, "}"]),
            "inputs": {
                name: {"size": each.shape[1], "values": each.reshape(-1).tolist()}
                for name, each in columns.items()
            },
            "outputs": outputs,
            "count": count,
        },
    )
    table = torch.tensor(found).reshape(count, -1)
    return [each.squeeze(-1) for each in table.split(list(outputs.values()), -1)]


def picture(page: Any, cameras: Cameras, view: int) -> np.ndarray:
    """A camera's, drawn by the page: rows from the top, sRGB in bytes."""
    told = {
        "pose": cameras.world_from_camera[view].T.reshape(-1).tolist(),
        "focal": cameras.focal[view].tolist(),
        "principal": cameras.principal[view].tolist(),
        "near": cameras.near,
    }
    pixels = page.evaluate(PICTURE, {"camera": told, "width": cameras.width, "height": cameras.height})
    return np.array(pixels, dtype=np.uint8).reshape(cameras.height, cameras.width, 4)[::-1, :, :3]


def rendered(trained: TrainedField, cameras: Cameras, view: int) -> np.ndarray:
    """The same by the renderer, in [0, 1]."""
    rays = PixelRays(cameras, [view], 1)
    seen = VolumeRenderer(trained.sampler).render_image(trained.field, rays, torch.tensor(trained.background))
    return seen.color.reshape(cameras.height, cameras.width, 3).numpy()


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((one - other) ** 2)))


def spread(numbers: Sequence[Tensor]) -> float:
    """The largest absolute difference of two."""
    one, other = numbers
    return float((one - other).abs().max())
