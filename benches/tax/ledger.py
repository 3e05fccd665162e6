"""Reads the ledgers that `packtrain bench tax --write` makes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from failure import Failure

KINDS = {"buy", "sell", "trade", "staking", "spend"}
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Row:
    """One row, checked: what its kind needs is there, and all money is in one currency."""

    id: str
    at: datetime
    kind: str
    wallet: str
    sent: Decimal
    sent_asset: str
    received: Decimal
    received_asset: str
    # Money; paid on top of what a purchase costs, out of what a sale brings.
    fee: Decimal
    # What changed hands, in money: the price of a purchase or sale, the stated value of the rest.
    value: Decimal


def read(path: Path, currency: str) -> list[Row]:
    """The rows of a file, in its order, which is that of time."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            rows = [_row(line, currency, f"{path}:{lines.line_num}") for line in lines]
    except FileNotFoundError:
        raise Failure(
            f"{path} does not exist",
            "give a folder that holds it with --ledgers, or leave that out to have it written",
        ) from None
    except KeyError as missing:
        raise Failure(
            f"{path} has no column {missing}",
            "give a file in packtrain's neutral format, as `packtrain bench tax --write` makes",
        ) from None
    if not rows:
        raise Failure(f"{path} has no rows", "ask for at least one with --rows")
    return rows


def _row(line: dict[str, str], currency: str, place: str) -> Row:
    kind = line["type"]
    if kind not in KINDS:
        raise _unfit(place, f"a row of type {kind!r} is not converted")
    sent_asset, received_asset = line["sent_asset"], line["received_asset"]
    fee = _number(line, "fee_amount", place)
    if fee and line["fee_asset"] != currency:
        raise _unfit(place, f"a fee in {line['fee_asset']!r} is not converted, only {currency}")
    sent, received = _number(line, "sent_amount", place), _number(line, "received_amount", place)
    value = {"buy": sent, "sell": received}.get(kind)
    if value is None:
        value = _number(line, "value", place)
    wanted = {
        "buy": sent_asset == currency and received > 0,
        "sell": received_asset == currency and sent > 0,
        "trade": sent > 0 and received > 0 and currency not in (sent_asset, received_asset),
        "staking": received > 0,
        "spend": sent > 0,
    }
    if line["currency"] != currency or not wanted[kind]:
        raise _unfit(place, f"the {kind} is not complete, or not in {currency}")
    if value <= 0:
        # Without it a peer would look for a price on the network.
        raise _unfit(place, f"the {kind} states no value")
    return Row(
        id=line["id"],
        at=_time(line["timestamp"], place),
        kind=kind,
        wallet=line["wallet"],
        sent=sent,
        sent_asset=sent_asset,
        received=received,
        received_asset=received_asset,
        fee=fee,
        value=value,
    )


def _number(line: dict[str, str], column: str, place: str) -> Decimal:
    text = line[column]
    try:
        return Decimal(text) if text else NOTHING
    except InvalidOperation:
        raise _unfit(place, f"{column} is not a number: {text!r}") from None


def _time(text: str, place: str) -> datetime:
    try:
        # Python 3.10 does not know the Z.
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise _unfit(place, f"the time is not ISO 8601: {text!r}") from None
    if at.tzinfo is None:
        raise _unfit(place, f"the time has no zone: {text!r}")
    return at


def _unfit(place: str, what: str) -> Failure:
    return Failure(
        f"{place}: {what}",
        "the bench compares ledgers that all programs can read: packtrain's own trader ledgers",
    )
