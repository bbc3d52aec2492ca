"""The mistakes of a user, told in one line: where, what, got, expected."""

from __future__ import annotations


class UsageError(Exception):
    """Something given to the suite is wrong; the command line ends with status 2 and shows no traceback.

    ``str()`` of it reads ``FILE:LINE: what · got · expected``, without the parts that are not known.
    """

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        expected: object = None,
        file: str | None = None,
        line: int | None = None,
    ) -> None:
        self.what, self.got, self.expected, self.file, self.line = what, got, expected, file, line
        parts = [what]
        if got is not None:
            parts.append(f"got {got}")
        if expected is not None:
            parts.append(f"expected {expected}")
        place = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(place + " ".join(" · ".join(parts).split()))
