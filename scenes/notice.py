"""What is noticed in a user's data and does not stop the program: one sentence, in the user's words."""

import warnings


class Notice(UserWarning):
    """The command line prints its text as it is; in Python it is a warning like any other."""


def notice(sentence: str) -> None:
    warnings.warn(sentence, Notice, stacklevel=3)
