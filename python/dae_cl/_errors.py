"""What goes wrong, in the words and with the place of the command line."""

from __future__ import annotations

from typing import Optional


class Error(RuntimeError):
    """A failure of dae-cl.

    status: the exit status that a command would have, 2 for a config to 143.
    file, line, column: the place in a text that the message names, from 1; None, 0 and 0 if it names none.
    """

    def __init__(self, message: str, status: int, file: Optional[str] = None, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.file = file
        self.line = line
        self.column = column


class InputError(Error, ValueError):
    """The config, an option, an array or a file is wrong."""


INPUT_STATUSES = (2, 4, 9)  # DAE_CONFIG, DAE_BAD_DATA, DAE_CHECKPOINT
