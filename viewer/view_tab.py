"""The controls of looking: which field, what of it, beside which other, and where the eye is."""

from collections.abc import Callable

import numpy as np
import torch
import viser

from ..scenes.camera_groups import any_moving
from .answering import answered
from .crop_box import CropBox
from .job_board import JobBoard
from .points_cloud import PointsCloud
from .server import Viewer, fly
from .training_views import TrainingViews

NOTHING = "nothing"
HOW = {"Split": "split", "Difference": "difference"}
AXES = ("+z", "+y", "+x", "-z", "-y", "-x")
SMALLEST, LARGEST, STEP = 128, 2048, 64  # pixels along the longer side
KEYS = """Drag to turn, right-drag to shift, wheel to come closer. **W A S D** fly, **Q E** sink and rise, arrows turn.
**Ctrl-click** a surface to turn around it."""


class ViewTab:
    """Whatever is chosen here is the look of the display, for every browser."""

    def __init__(self, viewer: Viewer, board: JobBoard, switched: Callable[[], None]) -> None:
        """`switched` hears that another subject is shown."""
        self.viewer = viewer
        self.switched = switched
        self._picks = answered(self._picked_once)
        self._picking = False
        self.display = viewer.display
        gui, look = viewer.server.gui, viewer.display.look
        names = tuple(self.display.subjects)
        self.subject = gui.add_dropdown("Field", names, visible=len(names) > 1)
        self.output = gui.add_dropdown("Show", self.display.outputs())
        self._comparison(names)
        self.sharp = gui.add_slider(
            "Sharpness",
            SMALLEST,
            LARGEST,
            STEP,
            look.longest_side,
            hint="Pixels along the longer side of the finished picture",
        )
        self.background = gui.add_rgb("Background", rgb_bytes(look.background))
        moving = any(any_moving(subject.cameras) for subject in self.display.subjects.values())
        self.time = gui.add_slider("Time", 0.0, 1.0, 0.01, 0.0, visible=moving, hint="Moment of the scene")
        self._camera()
        self.crop = CropBox(viewer, self.apply)
        TrainingViews(viewer, board)
        PointsCloud(viewer)
        gui.add_markdown(KEYS)
        for control in (
            self.output,
            self.other,
            self.how,
            self.split,
            self.sharp,
            self.background,
            self.time,
        ):
            control.on_update(self._changed)
        self.subject.on_update(self._switched)

    def add_name(self, name: str) -> None:
        """A subject has come: it is compared with the one that is shown."""
        names = tuple(self.display.subjects)
        self.subject.options, self.subject.visible = names, True
        self.compare.visible = True
        self.other.options = (NOTHING, *names)
        self.other.value = name
        self.apply()

    def apply(self) -> None:
        """What the controls say, all at once: whichever changed last, the look is that of all of them."""
        other = self.other.value
        red, green, blue = self.background.value
        self.display.change(
            subject=self.subject.value,
            output=self.output.value if self.output.value in self.display.outputs() else "Colour",
            comparison=NOTHING if other == NOTHING else HOW[self.how.value],
            other=other,
            split=self.split.value,
            background=(red / 255, green / 255, blue / 255),
            crop=self.crop.crop(),
            time=self.time.value,
            longest_side=int(self.sharp.value),
        )
        self.viewer.renderer.redraw()

    def _comparison(self, names: tuple[str, ...]) -> None:
        gui = self.viewer.server.gui
        self.compare = gui.add_folder("Compare", visible=len(names) > 1)
        with self.compare:
            self.other = gui.add_dropdown("With", (NOTHING, *names))
            self.how = gui.add_dropdown(
                "How", tuple(HOW), hint="Difference: black is none, white a quarter or more"
            )
            self.split = gui.add_slider("Divide at", 0.0, 1.0, 0.01, 0.5)

    def _camera(self) -> None:
        gui = self.viewer.server.gui
        with gui.add_folder("Camera", expand_by_default=False):
            self.fov = gui.add_slider("Field of view", 5.0, 120.0, 0.5, 50.0, hint="Vertical, in degrees")
            self.up = gui.add_dropdown("Up axis", AXES)
            pick = gui.add_button(
                "Turn around a point", icon=viser.Icon.FOCUS_2, hint="Then click it in the picture"
            )
            reset = gui.add_button("Reset view", icon=viser.Icon.HOME)
        home = np.degrees(self.viewer.first_camera()[1])
        self.fov.value = min(max(round(home * 2) / 2, 5.0), 120.0)
        self.fov.on_update(self._zoomed)
        self.up.on_update(self._turned_up)
        reset.on_click(self._reset)
        pick.on_click(answered(self._pick))
        self.viewer.server.scene.on_click(modifier="cmd/ctrl")(answered(self._picked))

    async def _changed(self, event: viser.GuiEvent) -> None:
        self.apply()

    async def _switched(self, event: viser.GuiEvent) -> None:
        self.display.change(subject=self.subject.value)
        self.output.options = self.display.outputs()
        self.apply()
        self.switched()

    async def _zoomed(self, event: viser.GuiEvent) -> None:
        if event.client is not None:
            event.client.camera.fov = float(np.radians(self.fov.value))

    async def _turned_up(self, event: viser.GuiEvent) -> None:
        sign, axis = self.up.value
        up = np.eye(3)["xyz".index(axis)] * (1 if sign == "+" else -1)
        self.viewer.server.scene.set_up_direction(up)
        self.viewer.server.initial_camera.up = up
        for client in self.viewer.server.get_clients().values():
            client.camera.up_direction = up

    async def _reset(self, event: viser.GuiEvent) -> None:
        if event.client is None:
            return
        pose, fov, target = self.viewer.first_camera()
        fly(event.client, pose, fov)
        event.client.camera.look_at = target
        self.fov.value = float(np.degrees(fov))

    def _pick(self, event: viser.GuiEvent) -> None:
        """The next click, without a key, says where."""
        if not self._picking:
            self._picking = True
            self.viewer.server.scene.on_click()(self._picks)
        if event.client is not None:
            event.client.add_notification(
                "Turn around a point", "Click a surface in the picture.", auto_close_seconds=4
            )

    def _picked_once(self, click: viser.SceneClickEvent) -> None:
        if self._picking:
            self._picking = False
            self.viewer.server.scene.remove_click_callback(self._picks)
            self._picked(click)

    def _picked(self, click: viser.SceneClickEvent) -> None:
        origin, direction = torch.tensor(click.ray_origin), torch.tensor(click.ray_direction)
        direction = torch.nn.functional.normalize(direction, dim=-1)
        distance = self.viewer.renderer.distance(origin, direction).result()
        if np.isfinite(distance):
            self.viewer.turn_around(click.client, (origin + distance * direction).double().numpy())
        else:
            click.client.add_notification("Nothing there", "That click met no surface.", auto_close_seconds=3)


def rgb_bytes(color: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (round(255 * channel) for channel in color)
    return red, green, blue
