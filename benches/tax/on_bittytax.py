"""BittyTax: its input made from a ledger, one run of it, and what its report says."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

from environment import Environment
from failure import Failure
from figures import Figures
from ledger import Row
from measure import Command

CURRENCY = "GBP"
SPREADSHEET = "ledger.csv"
LOG = "bittytax.log"
COLUMNS = [
    "Type",
    "Buy Quantity",
    "Buy Asset",
    "Buy Value",
    "Sell Quantity",
    "Sell Asset",
    "Sell Value",
    "Fee Quantity",
    "Fee Asset",
    "Fee Value",
    "Wallet",
    "Timestamp",
    "Note",
]
TYPES = {
    # BittyTax has one type for all of these: one side of a purchase or sale is money.
    "buy": "Trade",
    "sell": "Trade",
    "trade": "Trade",
    "staking": "Staking",
    "spend": "Spend",
}
# All else is as BittyTax comes. By default it values today's holdings, at prices that it fetches
# from servers: without a source of prices it lists them as not available.
CONFIGURATION = "data_source_fiat: []\ndata_source_crypto: []\n"
SETTINGS_FOLDER = ".bittytax"
MONEY = r"£(-?[0-9,]+\.[0-9]{2})"
YEAR = re.compile(r"Tax Year - (\d{4})/(\d{2}) \(")
LINES = re.compile(r"Number of disposals: +(\d+)")
GAINS = re.compile(r"Gains in the year, before losses: +" + MONEY)
LOSSES = re.compile(r"Losses in the year: +" + MONEY)
INCOME_TABLE = re.compile(r"Income Type +Market Value +Fees")
INCOME = re.compile(r"Total +" + MONEY)


def prepare(rows: list[Row], folder: Path) -> None:
    """Writes BittyTax's input and its settings, into a home of its own."""
    settings = folder / SETTINGS_FOLDER
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "bittytax.conf").write_text(CONFIGURATION, encoding="utf-8")
    with (folder / SPREADSHEET).open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(COLUMNS)
        lines.writerows(_line(row) for row in rows)


def command(environment: Environment, folder: Path) -> Command:
    """The full report of all tax years, as text."""
    words = [environment.program("bittytax"), "--nopdf", SPREADSHEET]
    return environment.command("BittyTax", words, folder, folder / LOG)


def figures(folder: Path) -> Figures:
    """What the report of the last run says; refused where a price was not the ledger's."""
    report = (folder / LOG).read_text(encoding="utf-8")
    _check_prices(report, folder)
    return _read(report)


def _line(row: Row) -> list[str]:
    def side(amount: Decimal, asset: str) -> list[str]:
        return [str(amount), asset, str(row.value)] if asset else ["", "", ""]

    fee = [str(row.fee), CURRENCY, str(row.fee)] if row.fee else ["", "", ""]
    return [
        TYPES[row.kind],
        *side(row.received, row.received_asset),
        *side(row.sent, row.sent_asset),
        *fee,
        row.wallet,
        row.at.isoformat(),
        row.id,
    ]


def _check_prices(report: str, folder: Path) -> None:
    """Every source of prices that BittyTax opens leaves a file in its cache."""
    opened = sorted(path.name for path in (folder / SETTINGS_FOLDER / "cache").glob("*"))
    if opened:
        raise Failure(
            f"BittyTax opened sources of prices: {', '.join(opened)}",
            "its time would be that of a network; report this, the bench is to prevent it",
        )
    if "is not available, using price of" in report or "integrity check: passed" not in report:
        raise Failure(
            "BittyTax found the ledger wanting: a price is missing, or its check did not pass",
            f"see its report in {folder / 'bittytax.log'}",
        )


def _read(report: str) -> Figures:
    result = Figures(lines=0)
    year, in_income = "", False
    for line in report.splitlines():
        if found := YEAR.match(line):
            year, in_income = f"{found[1]}-{found[2]}", False
        elif found := LINES.match(line):
            result.lines += int(found[1])
        elif found := GAINS.match(line):
            result.add_gain(year, _money(found[1]))
        elif found := LOSSES.match(line):
            result.add_gain(year, -_money(found[1]))
        elif INCOME_TABLE.match(line):
            in_income = True
        elif in_income and (found := INCOME.match(line)):
            result.add_income(year, _money(found[1]))
            in_income = False
    return result


def _money(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))
