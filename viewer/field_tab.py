"""What is known of the shown field: its figures, and how its quality rose while it was trained."""

import numpy as np
from viser import uplot

from .server import Viewer

CURVE = "PSNR of held-out views (dB)"


class FieldTab:
    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        gui = viewer.server.gui
        self.figures = gui.add_markdown("")
        self.curve = gui.add_uplot(
            (np.zeros(2), np.zeros(2)),
            (
                uplot.Series(label="seconds"),
                uplot.Series(label="dB", stroke="#2b6cb0", width=2, points={"show": True}),
            ),
            title=CURVE,
            scales={"x": uplot.Scale(time=False, auto=True), "y": uplot.Scale(auto=True)},
            axes=(uplot.Axis(label="seconds of training"), uplot.Axis()),
            aspect=1.4,
            visible=False,
        )
        self.refresh()

    def refresh(self) -> None:
        """As the display's subject is now."""
        subject = self.viewer.display.subject(self.viewer.display.look)
        if self.figures.content != subject.figures:
            self.figures.content = subject.figures
        self.curve.visible = len(subject.curve) > 1
        if len(subject.curve) > 1:
            seconds, psnr = np.array(subject.curve).T
            self.curve.data = (np.ascontiguousarray(seconds), np.ascontiguousarray(psnr))
