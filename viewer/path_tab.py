"""The controls of a camera path: its keys, and a preview of the way through them."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import viser

from ..scenes.camera_groups import any_moving
from .answering import answer
from .lens import opencv_from_pose, pose_from_opencv
from .route import Key, Route
from .server import Viewer, fly, view_of

PURPLE, PINK = (130, 80, 210), (230, 50, 120)
STEPS_PER_KEY = 12  # of the line through the keys
PREVIEW_SECONDS = 0.05  # between two cameras
MOST_KEYS = 1000
SECONDS = 0.1, 600.0


class PathTab:
    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.keys: list[Key] = []
        self.listeners: list[Callable[[], None]] = []
        self._frusta: list[viser.SceneNodeHandle] = []
        self._playing: object = None  # of the browser that flies along; another one, or none, stops it
        self._key_controls()
        self._timing_controls()
        self._show()

    def route(self) -> Route:
        return Route(tuple(self.keys), seconds=float(self.seconds.value), loop=self.loop.value)

    def load(self, route: Route) -> None:
        self.keys = list(route.keys)
        self.seconds.value, self.loop.value = route.seconds, route.loop
        self._choose(0)

    def _key_controls(self) -> None:
        gui = self.viewer.server.gui
        moving = any(any_moving(subject.cameras) for subject in self.viewer.display.subjects.values())
        add = gui.add_button(
            "Add this view", icon=viser.Icon.PLUS, hint="A key where you look from, behind the chosen one"
        )
        self.hint = gui.add_markdown("A camera path leads through keys: add two or more.")
        self.key_folder = gui.add_folder("Key", visible=False)
        with self.key_folder:
            self.number = gui.add_slider("Chosen", 1, 2, 1, 1)
            self.fov = gui.add_slider("Field of view", 5.0, 120.0, 0.5, 50.0, hint="Vertical, in degrees")
            self.time = gui.add_slider("Time", 0.0, 1.0, 0.01, 0.0, visible=moving)
            place = gui.add_button_group("Camera", ("Go there", "Move it here"))
            order = gui.add_button_group("Order", ("Earlier", "Later", "Delete"))
        add.on_click(self._add)
        self.number.on_update(self._numbered)
        self.fov.on_update(self._adjusted)
        self.time.on_update(self._adjusted)
        place.on_click(self._place)
        order.on_click(self._reorder)

    def _timing_controls(self) -> None:
        gui = self.viewer.server.gui
        self.way = gui.add_folder("Along the path", visible=False)
        with self.way:
            self.seconds = gui.add_number("Seconds", 4.0, min=SECONDS[0], max=SECONDS[1], step=0.5)
            self.loop = gui.add_checkbox("Loop", False, hint="Go on from the last key to the first")
            self.along = gui.add_slider("Look from", 0.0, 1.0, 0.005, 0.0)
            self.play = gui.add_button("Play", icon=viser.Icon.PLAYER_PLAY)
        self.loop.on_update(self._looped)
        self.along.on_update(self._looked)
        self.play.on_click(self._play)

    @property
    def chosen(self) -> int:
        return min(int(self.number.value), len(self.keys)) - 1

    async def _add(self, event: viser.GuiEvent) -> None:
        if len(self.keys) >= MOST_KEYS:
            answer(event.client, f"The path has {len(self.keys):,} keys, and no room for more.")
        elif event.client is not None:
            at = self.chosen + 1 if self.keys else 0
            self.keys.insert(at, self._key_of(event.client))
            self._choose(at)

    def _key_of(self, client: viser.ClientHandle) -> Key:
        view = view_of(client.camera)
        return Key(
            pose_from_opencv(view.position, view.wxyz),
            float(np.degrees(view.fov)),
            self.viewer.display.look.time,
        )

    async def _numbered(self, event: viser.GuiEvent) -> None:
        if self.keys:
            self._choose(self.chosen)

    async def _adjusted(self, event: viser.GuiEvent) -> None:
        if event.client is not None and self.keys:  # not where the program set the value
            key = self.keys[self.chosen]
            self.keys[self.chosen] = replace(key, fov=self.fov.value, time=self.time.value)
            self._show()

    async def _place(self, event: viser.GuiEvent) -> None:
        if event.client is None or not self.keys:
            return
        key = self.keys[self.chosen]
        if event.target.value == "Go there":
            fly(event.client, key.pose, np.radians(key.fov))
        else:
            self.keys[self.chosen] = replace(self._key_of(event.client), time=key.time)
            self._choose(self.chosen)

    async def _reorder(self, event: viser.GuiEvent) -> None:
        if not self.keys:
            return
        at = self.chosen
        key = self.keys.pop(at)
        to = {"Earlier": max(at - 1, 0), "Later": min(at + 1, len(self.keys))}.get(event.target.value)
        if to is not None:
            self.keys.insert(to, key)
        self._choose(at if to is None else to)

    def _choose(self, at: int) -> None:
        """Show the keys with this one chosen."""
        count = len(self.keys)
        at = max(0, min(at, count - 1))
        self.number.max, self.number.value = max(count, 2), at + 1
        self.number.disabled = count < 2
        if self.keys:
            self.fov.value = min(max(self.keys[at].fov, 5.0), 120.0)
            self.time.value = self.keys[at].time
        self._show()

    def _show(self) -> None:
        """Keys as frusta, and the way through them as a line."""
        self.hint.visible = len(self.keys) < 2
        self.key_folder.visible, self.way.visible = bool(self.keys), len(self.keys) > 1
        scene = self.viewer.server.scene
        for node in self._frusta:
            node.remove()
        self._frusta = [self._frustum(number, key) for number, key in enumerate(self.keys)]
        if len(self.keys) > 1:
            along = self.route().keys_along(STEPS_PER_KEY * len(self.keys) + 1)
            points = np.stack([key.pose[:, 3] for key in along])
            if self.loop.value:
                points = np.concatenate([points, points[:1]])
            lines = np.stack([points[:-1], points[1:]], 1)
            self._frusta.append(
                scene.add_line_segments(
                    "/path/line", lines, colors=PURPLE, thickness=2.0, thickness_units="screen"
                )
            )
        for listener in self.listeners:
            listener()

    def _frustum(self, number: int, key: Key) -> viser.CameraFrustumHandle:
        position, wxyz = opencv_from_pose(key.pose)
        frustum = self.viewer.server.scene.add_camera_frustum(
            f"/path/{number}",
            float(np.radians(key.fov)),
            1.0,
            scale=self.viewer.display.subject(self.viewer.display.look).domain.side * 0.06,
            thickness=2.5,
            thickness_units="screen",
            color=PINK if number == self.chosen else PURPLE,
            wxyz=wxyz,
            position=position,
        )

        async def clicked(event: object) -> None:
            self._choose(number)

        frustum.on_click(clicked)
        return frustum

    async def _looped(self, event: viser.GuiEvent) -> None:
        self._show()

    async def _looked(self, event: viser.GuiEvent) -> None:
        if event.client is not None and self.keys:
            self._look(event.client, self.along.value)

    def _look(self, client: viser.ClientHandle, fraction: float) -> None:
        key = self.route().at(fraction)
        fly(client, key.pose, float(np.radians(key.fov)))

    def _play(self, event: viser.GuiEvent) -> None:
        """The browser that pressed it flies along; pressed again, it stops."""
        if event.client is None or self._playing is not None:
            self.stop()
            return
        self._playing = playing = object()
        self.play.label, self.play.icon = "Stop", viser.Icon.PLAYER_STOP
        server, began = self.viewer.server, time.monotonic()
        while self._playing is playing and event.client.client_id in server.get_clients() and self.keys:
            fraction = (time.monotonic() - began) / float(self.seconds.value)
            self._look(event.client, fraction % 1 if self.loop.value else min(fraction, 1.0))
            if fraction > 1 and not self.loop.value:
                break
            time.sleep(PREVIEW_SECONDS)
        if self._playing in (playing, None):
            self.stop()
            self.play.label, self.play.icon = "Play", viser.Icon.PLAYER_PLAY

    def stop(self) -> None:
        self._playing = None
