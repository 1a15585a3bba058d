"""The sparse points that a data set brings, in the picture."""

import numpy as np
import viser

from .answering import answered
from .server import Viewer

MOST = 200_000  # more slow a browser down
SIZE = 0.003  # of the scene's side


class PointsCloud:
    """One cloud for each subject that has points, sent when it is shown first."""

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.clouds: dict[str, viser.PointCloudHandle] = {}
        subjects = viewer.display.subjects.values()
        any_points = any(subject.points is not None for subject in subjects)
        gui = viewer.server.gui
        only_points = any(subject.photograph is not None for subject in subjects)
        self.shown = gui.add_checkbox("Sparse points", only_points, visible=any_points)
        self.shown.on_update(answered(lambda event: self.refresh()))
        if any_points:
            self.refresh()

    def refresh(self) -> None:
        for name, subject in self.viewer.display.subjects.items():
            if self.shown.value and name not in self.clouds and subject.points is not None:
                some = np.random.default_rng(0).permutation(len(subject.points))[:MOST]
                self.clouds[name] = self.viewer.server.scene.add_point_cloud(
                    f"/points/{len(self.clouds)}",
                    subject.points.position[some].astype(np.float32),
                    subject.points.color[some],
                    point_size=SIZE * subject.domain.side,
                    point_shape="circle",
                )
        for cloud in self.clouds.values():
            cloud.visible = self.shown.value
