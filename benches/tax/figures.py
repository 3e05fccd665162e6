"""What a report says, in the few figures that all programs give."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass
class Figures:
    """Sums by tax year."""

    # Parts of disposals that the program lists.
    lines: int
    # Gains less losses.
    gain: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    income: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))

    def add_gain(self, year: str, amount: Decimal) -> None:
        """Adds to a year; a loss is negative."""
        self.gain[year] += amount

    def add_income(self, year: str, amount: Decimal) -> None:
        """Adds to a year."""
        self.income[year] += amount
