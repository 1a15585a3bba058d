"""A conversion's teacher and student against real pictures."""

from collections.abc import Sequence

import torch

from ..scenes import Views
from ..train.evaluate import judge, mean_figure
from ..train.run import stride
from .convert import Conversion
from .report import Truth

RAYS = 1 << 19  # real pixels behind the comparison, at most; `omnifield eval` takes them all
ROWS = 3  # pictures shown


def compare_with_truth(done: Conversion, groups: Sequence[Views]) -> Truth:
    """The views are in the student's frame."""
    background = torch.tensor(done.student.background, device=done.student.device)
    groups = [views.to(background.device) for views in groups]
    step = stride(groups, RAYS)
    before, after = (
        list(judge(one.field, one.sampler, groups, background, step)) for one in (done.teacher, done.student)
    )
    rows = [(b.truth, b.image, a.image) for b, a in zip(before, after, strict=True)][:ROWS]
    return Truth(mean_figure(view.psnr for view in after), mean_figure(view.psnr for view in before), rows)
