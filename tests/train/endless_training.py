"""A training that saves after every step, until it is killed: `python endless_training.py FOLDER`."""

import sys
from pathlib import Path

from omnifield.train import Budget, begin
from omnifield.train.run import Run
from sphere_scene import HASH, sphere_scene

scene = sphere_scene(train=4, test=1)
run = Run(Path(sys.argv[1]), scene, begin(scene, HASH), provenance={})
for progress in run.advance(Budget(steps=1_000_000)):
    run.save()
    print(progress.step, flush=True)
