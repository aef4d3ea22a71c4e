"""The root of every failure that is told to people rather than shown as a stack."""

from typing import ClassVar


class ExpectedError(Exception):
    """Something is as it should not be, and somebody can change it: the text says what, where and what to do.

    Attributes:
        exit_code: what a command ends with that it stops.
    """

    exit_code: ClassVar[int] = 1
