"""A field as one page that draws it: HTML with its own program, shaders and bytes, which asks no network."""

import base64
import html
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..fields.blocks import EMPTY
from ..fields.mipvog import MipVogConfig
from ..renderers.march import March
from ..scenes import Box, Cameras
from ..scenes.cells import packed
from ..scenes.looked_at import middle_looked_at
from ..train.field_file import TrainedField
from ..train.files import write_atomically
from .page_bake import SCALES, Baked, bake, why_not_shown

ROOM = Path(__file__).parent / "web"
# In the order in which they use one another.
MODULES = (
    "gpu", "unpack", "bricks", "distances", "scene", "picture", "camera", "pace", "display", "controls", "main",
)  # fmt: skip
SHADERS = ("contraction", "harmonics", "network", "voxels", "march", "picture")
PART = 3 << 20  # bytes that are deflated together
Tell = Callable[[float], None]


@dataclass(frozen=True)
class PageForm:
    """How a page comes: under a title; as one file, or as a folder for a web server; and with a button that leads
    along a path of cameras, `fps` of them a second, if there is one."""

    title: str = ""
    folder: bool = False
    path: Cameras | None = None
    fps: float = 30.0


USUAL_FORM = PageForm()


@dataclass(frozen=True)
class PageWritten:
    """`bytes` of all its files; `bricks` are of 9³ voxels."""

    bytes: int
    blocks: int
    bricks: int


def write_page(
    trained: TrainedField, output: Path, form: PageForm = USUAL_FORM, tell: Tell = lambda done: None
) -> PageWritten:
    """One HTML file that shows a field; or a folder of files that do, with index.html as the page.

    `tell` hears what fraction is done. Raises ValueError where a page cannot show the field (`why_not_shown`), where
    there is nothing to see, or where it cannot be written.
    """
    if reason := why_not_shown(trained):
        raise ValueError(f"The field {reason}: convert it to mipvog first.")
    baked = bake(trained)
    tell(0.2)
    content = page_bytes(baked)
    parts = list(_deflated(content, lambda done: tell(0.2 + 0.7 * done)))
    facts = page_facts(trained, baked) | {"bytes": len(content), "parts": len(parts)}
    if form.path is not None:
        facts["path"] = {"fps": form.fps, "cameras": list(_cameras(form.path))}
    title = html.escape(form.title or f"{trained.provenance.get('scene', 'field')} · omnifield")
    write = _write_folder if form.folder else _write_file
    written = write(output, title, facts, parts)
    tell(1.0)
    return PageWritten(
        written,
        blocks=sum(len(level.blocks) for level in baked.levels),
        bricks=sum(len(level.bricks) for level in baked.levels),
    )


def page_bytes(baked: Baked) -> bytes:
    """What `scene.js` reads: the occupied cells; of each level the places of its blocks and bricks, and its codes one
    channel after another; the network's matrices."""
    parts = [packed(baked.occupied).numpy().tobytes()]
    for level in baked.levels:
        for places in (level.blocks, level.bricks):
            parts.append(places.numpy().astype("<u2").tobytes())
        parts.append(level.codes.permute(2, 0, 1).contiguous().numpy().tobytes())
    parts += [weight.contiguous().numpy().astype("<f4").tobytes() for weight in baked.network]
    return b"".join(parts)


def page_facts(trained: TrainedField, baked: Baked) -> dict[str, Any]:
    """What the page's program is told beside the bytes."""
    config, march, domain = trained.config, trained.sampler, trained.field.domain
    assert isinstance(config, MipVogConfig) and isinstance(march, March)
    return {
        "domain": {
            "kind": "box" if isinstance(domain, Box) else "contraction",
            "lo": domain.lo,
            "hi": domain.hi,
        },
        "middle": middle_looked_at(domain, trained.cameras).tolist(),
        "size": domain.side,
        "march": {
            "cells": march.grid.resolution,
            "step": march.grid.step,
            "cone": march.grid.cone,
            "horizon": march.grid.horizon,
        },
        "levels": [
            {"resolution": level.resolution, "blocks": len(level.blocks), "bricks": len(level.bricks)}
            for level in baked.levels
        ],
        "level": {
            "factor": config.lod_factor,
            "width": 1.0 if config.level_by == "width" else 3**-0.5,
            "density": config.density,
        },
        "empty": EMPTY,
        "scales": [{"step": scale.step, "zero": scale.zero} for scale in SCALES],
        "network": [list(weight.shape) for weight in baked.network],
        "background": list(trained.background),
        "cameras": [camera for group in trained.cameras for camera in _cameras(group)],
    }


def _cameras(group: Cameras) -> Iterator[dict[str, Any]]:
    """Without their distortion: a page's picture is a pinhole's."""
    for pose, focal in zip(group.world_from_camera.cpu(), group.focal.cpu(), strict=True):
        yield {
            "pose": [round(each, 6) for each in pose.T.reshape(-1).tolist()],
            "focal": [round(each, 4) for each in focal.tolist()],
            "size": [group.width, group.height],
            "near": group.near,
        }


def page_program() -> str:
    """The page's modules as one script: what they import of one another comes before them, so nothing is imported."""
    texts = [(ROOM / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    joined = re.sub(r"^import .*\n", "", "\n".join(texts), flags=re.M)
    return re.sub(r"^export (?=(async )?(function|class|const)\b)", "", joined, flags=re.M)


def page_shaders() -> dict[str, str]:
    return {name: (ROOM / "shaders" / f"{name}.glsl").read_text(encoding="utf-8") for name in SHADERS}


def _deflated(content: bytes, tell: Tell) -> Iterator[bytes]:
    for first in range(0, len(content), PART):
        yield zlib.compress(content[first : first + PART], 9)
        tell(min(1.0, (first + PART) / len(content)))


def _beginning(facts: dict[str, Any], read: str) -> str:
    """The script that starts the page."""
    return f"{page_program()}\nconst page = start({_json(facts)}, {_json(page_shaders())}, {read});\n"


def _json(content: Any) -> str:
    """JSON that may stand in a script: nothing in it ends that."""
    return json.dumps(content, allow_nan=False).replace("</", "<\\/").replace("<!--", "<\\!--")


def _page(title: str, scripts: str) -> str:
    template = (ROOM / "page.html").read_text(encoding="utf-8")
    return template.replace("{{scripts}}", scripts).replace("{{title}}", title)


def _write_file(output: Path, title: str, facts: dict[str, Any], parts: list[bytes]) -> int:
    texts = [
        f'<script type="text/plain" id="part-{i}">{base64.b64encode(part).decode()}</script>'
        for i, part in enumerate(parts)
    ]
    scripts = "\n".join([*texts, f"<script>\n{_beginning(facts, 'readFromPage')}</script>"])
    content = _page(title, scripts).encode()
    write_atomically(output, lambda beside: _put(beside, content))
    return len(content)


def _write_folder(output: Path, title: str, facts: dict[str, Any], parts: list[bytes]) -> int:
    """The page itself last: it is not there before all that it needs is. Where one cannot be written, none stays."""
    files = {f"part-{i}.bin": part for i, part in enumerate(parts)}
    files["page.js"] = _beginning(facts, "readFromFolder").encode()
    files["index.html"] = _page(title, '<script src="page.js"></script>').encode()
    new = [output / name for name in files if not (output / name).exists()]
    try:
        for name, content in files.items():
            write_atomically(output / name, lambda beside, content=content: _put(beside, content))
    except ValueError:
        for path in new:
            path.unlink(missing_ok=True)
        raise
    return sum(map(len, files.values()))


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
