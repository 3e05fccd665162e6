"""packtrain and a peer on one ledger, as they are run and read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compare import Check, Roundings, compare
from figures import Figures
from measure import Command, Usage, measured, middle


@dataclass
class Side:
    """One program on one ledger."""

    name: str
    command: Command
    # Deleted before each run, so that every run starts alike and no old report is read.
    leftovers: Sequence[Path]
    read: Callable[[], Figures]
    runs: list[Usage] = field(default_factory=list)
    # What the last run reported.
    figures: Figures = field(default_factory=lambda: Figures(lines=0))

    def run(self, limit_seconds: float) -> None:
        """Measures one run and reads what it reported."""
        for leftover in self.leftovers:
            shutil.rmtree(leftover, ignore_errors=True)
        self.runs.append(measured(self.command, limit_seconds))
        self.figures = self.read()

    @property
    def usage(self) -> Usage:
        """The medians of all runs."""
        return middle(self.runs)


@dataclass
class Pair:
    """Two programs that are to compute the same."""

    title: str
    country: str
    packtrain: Side
    peer: Side
    roundings: Roundings

    @property
    def checks(self) -> list[Check]:
        """Whether both reported the same sums."""
        return compare(self.packtrain.figures, self.peer.figures, self.roundings)

    @property
    def cpu_ratio(self) -> float:
        """How often the peer takes packtrain's processor time."""
        return self.peer.usage.cpu_seconds / self.packtrain.usage.cpu_seconds
