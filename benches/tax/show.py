"""The figures for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from compare import Check
from measure import Usage
from pair import Pair, Side

MEGABYTE = 1_000_000
CENT = Decimal("0.01")


def text(rows: int, machine: Mapping[str, Any], pairs: list[Pair]) -> str:
    """The tables, with what has to be known to read them."""
    return "\n".join(_lines(rows, machine, pairs))


def document(rows: int, machine: Mapping[str, Any], pairs: list[Pair]) -> dict[str, Any]:
    """Every run and every year."""
    return {
        "rows": rows,
        "machine": dict(machine),
        "pairs": [
            {
                "country": pair.country,
                "packtrain": _side(pair.packtrain),
                "peer": _side(pair.peer),
                "peer_rounds": pair.roundings.value,
                "cpu_ratio": pair.cpu_ratio,
                "checks": [_check(check) for check in pair.checks],
            }
            for pair in pairs
        ],
    }


def _lines(rows: int, machine: Mapping[str, Any], pairs: list[Pair]) -> Iterator[str]:
    rounds = len(pairs[0].packtrain.runs)
    told = "one round" if rounds == 1 else f"medians of {rounds} rounds"
    yield f"Ledgers of {rows:,} rows, {told}"
    yield f"{machine['system']}, {machine['processors']} processors, Python {machine['python']}"
    for pair in pairs:
        yield ""
        yield f"{pair.title:<32}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}{'parts':>9}"
        for side in (pair.packtrain, pair.peer):
            yield _row(side)
        yield f"  the peer takes {pair.cpu_ratio:,.0f} times packtrain's CPU time"
        for check in pair.checks:
            yield from _verdict(check)
        yield f"  {pair.peer.name} rounds {pair.roundings.value};"
        yield "  packtrain rounds the sums of a year"
    yield ""
    yield "CPU is user and system time of the process; MB are 1,000,000 bytes. Parts are the lines"
    yield "of disposals that a program reports, one for each lot or rule. A swap is for rp2 a sale"
    yield "and a purchase at its value, and a payment a sale: it has no type for either."


def _row(side: Side) -> str:
    usage = side.usage
    peak = f"{usage.peak_bytes / MEGABYTE:,.0f}"
    if usage.peak_bytes <= usage.floor_bytes:
        # Below what the launcher takes, it is the launcher's memory that was measured.
        peak = f"<= {peak}"
    figures = f"{usage.cpu_seconds:>10,.3f}{usage.wall_seconds:>10,.3f}{peak:>10}"
    return f"  {side.name:<30}{figures}{side.figures.lines:>9,}"


def _verdict(check: Check) -> Iterator[str]:
    difference, explained = _cents(check.difference), _cents(check.allowed)
    yield (
        f"  {check.what}: packtrain {_cents(check.packtrain):,}, peer {_cents(check.peer):,}, "
        f"difference {difference:,}"
    )
    if check.is_same:
        yield f"    the same but for roundings, which explain up to {explained:,}"
        return
    yield f"    NOT THE SAME: roundings explain {explained:,} at most. The two did not compute the"
    yield "    same thing; their times say nothing until the reason is known. By year:"
    yield f"    {'':<8}{'packtrain':>18}{'peer':>18}{'difference':>18}"
    for year, (ours, theirs) in check.years.items():
        yield f"    {year:<8}{_cents(ours):>18,}{_cents(theirs):>18,}{_cents(theirs - ours):>18,}"


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "parts": side.figures.lines,
        "median": _usage(side.usage),
        "runs": [_usage(run) for run in side.runs],
    }


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "cpu_seconds": round(usage.cpu_seconds, 6),
        "wall_seconds": round(usage.wall_seconds, 6),
        "peak_bytes": usage.peak_bytes,
        # False: the launcher's own memory was more, and this is only an upper bound.
        "peak_is_exact": usage.peak_bytes > usage.floor_bytes,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "is_same": check.is_same,
        "packtrain": str(_cents(check.packtrain)),
        "peer": str(_cents(check.peer)),
        "difference": str(_cents(check.difference)),
        "roundings_explain": str(_cents(check.allowed)),
        "years": {
            year: {"packtrain": str(_cents(ours)), "peer": str(_cents(theirs))}
            for year, (ours, theirs) in check.years.items()
        },
    }


def _cents(amount: Decimal) -> Decimal:
    # Adding nothing takes the sign off a negative nothing.
    return amount.quantize(CENT) + 0
