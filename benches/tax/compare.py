"""Whether two programs reported the same sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from figures import Figures

CENT = Decimal("0.01")
# Cost, fees and proceeds of a part, each rounded to a cent: the error of the part's gain has a
# standard deviation of a cent times the root of 3/12, and the errors of many parts add up as
# roots do. Six of these are never passed by chance.
DEVIATION = CENT / 2
DEVIATIONS_MAX = 6


class Roundings(Enum):
    """What the peer rounds; packtrain rounds the sums of a year."""

    NONE = "nothing"
    EVERY_PART = "cost, fees and proceeds of every part of a disposal"


@dataclass(frozen=True)
class Check:
    """One kind of sum, as both programs report it for each year."""

    what: str
    packtrain: Decimal
    peer: Decimal
    # What roundings can make up.
    allowed: Decimal
    years: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def difference(self) -> Decimal:
        """The peer's sum less packtrain's."""
        return self.peer - self.packtrain

    @property
    def is_same(self) -> bool:
        """Whether roundings can explain the difference, that of each year too."""
        years = (theirs - ours for ours, theirs in self.years.values())
        return all(abs(one) <= self.allowed for one in (self.difference, *years))


def compare(packtrain: Figures, peer: Figures, roundings: Roundings) -> list[Check]:
    """The gains and the income of all years."""
    parts = 0 if roundings is Roundings.NONE else peer.lines
    by_parts = DEVIATION * DEVIATIONS_MAX * Decimal(parts).sqrt()
    return [
        _check("gains", packtrain.gain, peer.gain, by_parts),
        _check("income", packtrain.income, peer.income, Decimal(0)),
    ]


def _check(
    what: str, packtrain: Mapping[str, Decimal], peer: Mapping[str, Decimal], by_parts: Decimal
) -> Check:
    years = sorted(set(packtrain) | set(peer))
    nothing = Decimal(0)
    pairs = {year: (packtrain.get(year, nothing), peer.get(year, nothing)) for year in years}
    return Check(
        what=what,
        packtrain=sum((ours for ours, _ in pairs.values()), nothing),
        peer=sum((theirs for _, theirs in pairs.values()), nothing),
        # A year's sum is rounded by half a cent at most, by each of the two.
        allowed=by_parts + CENT * len(years),
        years=pairs,
    )
