"""A box that hides all outside it: moved, turned and sized in the picture or in numbers."""

from collections.abc import Callable

import numpy as np
import torch
import viser
from scipy.spatial.transform import Rotation

from ..scenes.looked_at import box_looked_at
from .server import Viewer
from .subject import Crop

ORANGE = (240, 120, 20)


class CropBox:
    def __init__(self, viewer: Viewer, apply: Callable[[], None]) -> None:
        self.viewer = viewer
        self.apply = apply
        subject = viewer.display.subject(viewer.display.look)
        domain, (lo, hi) = subject.domain, np.array(box_looked_at(subject.domain, subject.cameras))
        self.middle, self.extent = (lo + hi) / 2, hi - lo
        gui, scene = viewer.server.gui, viewer.server.scene
        step = float(f"{domain.side / 100:.1g}")
        with gui.add_folder("Crop box", expand_by_default=False):
            self.on = gui.add_checkbox("Cut", False, hint="Hide what is outside the box")
            self.handles = gui.add_checkbox("Handles", True, hint="In the picture, to drag")
            self.center = gui.add_vector3("Centre", vector(self.middle), step=step)
            self.turn = gui.add_vector3(
                "Turned by", (0.0, 0.0, 0.0), step=1.0, hint="Degrees about x, y and z"
            )
            self.size = gui.add_vector3("Size", vector(self.extent), step=step, min=(step, step, step))
            again = gui.add_button("Whole scene", icon=viser.Icon.BOX)
        self.gizmo = scene.add_transform_controls("/crop", scale=domain.side / 3, visible=False)
        self.frame = scene.add_box("/crop/box", ORANGE, vector(self.extent), wireframe=True, visible=False)
        self.gizmo.position = self.middle
        self.gizmo.on_update(self._dragged)
        for control in (self.on, self.handles, self.center, self.turn, self.size):
            control.on_update(self._typed)
        again.on_click(self._again)

    def crop(self) -> Crop | None:
        if not self.on.value:
            return None
        return Crop(
            torch.tensor(self.center.value, dtype=torch.float32),
            torch.from_numpy(self._rotation().as_matrix()).float(),
            torch.tensor(self.size.value, dtype=torch.float32).clamp_min(1e-6),
        )

    def _rotation(self) -> Rotation:
        return Rotation.from_euler("xyz", self.turn.value, degrees=True)

    async def _dragged(self, event: viser.TransformControlsEvent) -> None:
        self.center.value = vector(np.round(event.target.position, 6))
        angles = Rotation.from_quat(event.target.wxyz, scalar_first=True).as_euler("xyz", degrees=True)
        self.turn.value = vector(np.round(angles, 3))
        self.apply()

    async def _typed(self, event: viser.GuiEvent) -> None:
        self._place()

    async def _again(self, event: viser.GuiEvent) -> None:
        self.center.value, self.size.value = vector(self.middle), vector(self.extent)
        self.turn.value = (0.0, 0.0, 0.0)
        self._place()

    def _place(self) -> None:
        self.gizmo.position = self.center.value
        self.gizmo.wxyz = self._rotation().as_quat(scalar_first=True)
        self.frame.dimensions = self.size.value
        self.gizmo.visible = self.frame.visible = self.on.value and self.handles.value
        self.apply()


def vector(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
