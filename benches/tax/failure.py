"""What ends the bench: what went wrong, and what the person can do."""


class Failure(Exception):
    """Printed without a trace, with its help in a line of its own."""

    def __init__(self, what: str, help_line: str) -> None:
        super().__init__(what)
        self.help_line = help_line
