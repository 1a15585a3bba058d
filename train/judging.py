"""How many held-out pixels are judged, so that nobody waits long for a figure of a slow field."""

SHARE = (
    0.1  # of a training's seconds that its final pictures take, about; and that all points of its curve do
)
LEAST_SECONDS = 2.0  # that the final pictures of a short training may take
FEWEST_RAYS = 1 << 12  # judged all the same, however slow: fewer say little


def final_rays(most: int, training_seconds: float, seconds_per_ray: float) -> int:
    """Of the pictures drawn at the end, at most `most`."""
    return _within(most, max(SHARE * training_seconds, LEAST_SECONDS), seconds_per_ray)


def curve_rays(most: int, budget_seconds: float, points: int, seconds_per_ray: float) -> int:
    """Of each of so many points of a curve."""
    return _within(most, SHARE * budget_seconds / points, seconds_per_ray)


def _within(most: int, seconds: float, seconds_per_ray: float) -> int:
    return min(most, max(FEWEST_RAYS, int(seconds / max(seconds_per_ray, 1e-12))))
