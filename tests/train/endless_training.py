"""A training until it is killed: `python endless_training.py FOLDER [SECONDS]`.

It saves after every step; if seconds are given, by itself, so that no more of them are lost.
"""

import sys
from pathlib import Path

from omnifield.train import Budget, Progress, begin, callbacks, fit
from omnifield.train.run import Run
from sphere_scene import HASH, sphere_scene

scene = sphere_scene(train=4, test=1)
by_itself = len(sys.argv) > 2
if by_itself:
    callbacks.LOST_SECONDS = float(sys.argv[2])
run = Run(Path(sys.argv[1]), scene, begin(scene, HASH), provenance={})


def say(progress: Progress) -> None:
    if not by_itself:
        run.save()
    print(progress.step, flush=True)


saving = [callbacks.Saving(run)] if by_itself else []
fit(run.training, scene, Budget(steps=1_000_000), [say, *saving])
