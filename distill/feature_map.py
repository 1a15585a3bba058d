"""How appearance features of two fields are made comparable: by one colour decoder, or by a linear map."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ..fields import Field
from ..fields.decoders import ColorDecoder

RIDGE = 1e-3  # of least squares, relative to the mean square of what is mapped


class FeatureMap:
    """From the student's features to the teacher's. `note` is a sentence about it.

    The teacher's decoder is copied into the student's where it fits; the features of both then mean the same. Else
    they are compared through a linear map, fitted in closed form as often as asked, that nobody needs afterwards.
    Else (`compared` is False) they are not.
    """

    def __init__(self, teacher: Field, student: Field, decoder: Literal["inherited", "own"]) -> None:
        theirs, ours = teacher.color_decoder, student.color_decoder
        self.width = teacher.feature_dim
        self.compared = theirs is not None and ours is not None
        self.matrix: Tensor | None = None
        self.inherited: tuple[Tensor, ...] = ()
        if theirs is None or ours is None:
            self.note = "features are not compared: one of the two fields has no decoder of features"
        elif decoder == "inherited" and _fits(theirs, ours):
            _inherit(theirs, ours)
            self.inherited = tuple(ours.parameters())
            self.note = "the teacher's colour decoder was inherited"
        else:
            self.matrix = torch.zeros(
                1 + student.feature_dim, self.width, device=theirs.mlp.weights[0].device
            )
            self.note = "features were compared through a linear map: the student keeps a decoder of its own"

    def freeze_decoder(self, frozen: bool) -> None:
        """Keep an inherited decoder as it is, or let it learn again: until rays are compared it knows best."""
        for parameter in self.inherited:
            parameter.requires_grad_(not frozen)

    def mapped(self, features: Float[Tensor, "n student"]) -> Float[Tensor, "n teacher"]:
        """The student's features, to be compared with the teacher's."""
        if self.matrix is None:
            return features[:, : self.width]
        return features @ self.matrix[1:] + self.matrix[0]

    @torch.no_grad()
    def fit(self, student: Float[Tensor, "n student"], teacher: Float[Tensor, "n teacher"]) -> None:
        """The least-squares map of these pairs, where one is needed; without any, what there was stays."""
        if self.matrix is None or len(student) == 0:
            return
        inputs = torch.cat([torch.ones_like(student[:, :1]), student], 1)
        gram = inputs.T @ inputs
        ridge = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), device=gram.device)
        self.matrix = torch.linalg.solve(gram + ridge, inputs.T @ teacher)


def _fits(small: ColorDecoder, large: ColorDecoder) -> bool:
    """Whether a decoder can be written into the corner of another: as many layers, none of them wider."""
    pairs = list(zip(small.mlp.weights, large.mlp.weights, strict=False))
    return len(small.mlp.weights) == len(large.mlp.weights) and all(
        a <= b for one, other in pairs for a, b in zip(one.shape, other.shape, strict=True)
    )


@torch.no_grad()
def _inherit(small: ColorDecoder, large: ColorDecoder) -> None:
    """Make `large` give the colours of `small`; what else it has begins without a say."""
    for theirs, ours in zip(small.mlp.weights, large.mlp.weights, strict=True):
        rows, columns = theirs.shape
        ours[:rows, columns:] = 0
        ours[:rows, :columns] = theirs
