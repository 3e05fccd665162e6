"""rp2: its input made from a ledger, one run of it, and what its report says."""

from __future__ import annotations

import json
from collections.abc import Iterable
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from environment import Environment
from failure import Failure
from figures import Figures
from ledger import Row
from measure import Command, quiet

CONFIGURATION = "ledger.ini"
SPREADSHEET = "ledger.ods"
LOG = "rp2.log"
HOLDER = "Trader"
# rp2 reads what stands in a cell as a float and keeps eleven decimals of it.
DECIMALS = Decimal("1e-11")
IN_COLUMNS = [
    "timestamp",
    "asset",
    "exchange",
    "holder",
    "transaction_type",
    "spot_price",
    "crypto_in",
    "fiat_fee",
    "fiat_in_no_fee",
    "fiat_in_with_fee",
    "unique_id",
]
OUT_COLUMNS = [
    "timestamp",
    "asset",
    "exchange",
    "holder",
    "transaction_type",
    "spot_price",
    "crypto_out_no_fee",
    "crypto_fee",
    "fiat_out_no_fee",
    "unique_id",
]
# rp2 wants this section to be there; the ledgers have no transfers.
INTRA_COLUMNS = [
    "timestamp",
    "asset",
    "from_exchange",
    "from_holder",
    "to_exchange",
    "to_holder",
    "spot_price",
    "crypto_sent",
    "crypto_received",
]
TABLE_END = "TABLE END"
REPORTS = "reports"
REPORT = "fifo_tax_report_us.ods"
# Where that report has them, counted from 0; its headings take the first rows of a sheet.
HEADING_ROWS = 7
PROCEEDS, GAIN, TIMESTAMP = 4, 8, 15

Cell = Any
Line = list[Cell]


@dataclass
class Sheet:
    """The two tables of one asset."""

    incoming: list[Line]
    outgoing: list[Line]


def prepare(environment: Environment, rows: list[Row], zone: ZoneInfo, folder: Path) -> None:
    """Writes rp2's two input files."""
    folder.mkdir(parents=True, exist_ok=True)
    wallets = sorted({row.wallet for row in rows})
    if len(wallets) > 1:
        raise Failure(
            f"the ledger has {len(wallets)} wallets: rp2 matches lots over all of them, while "
            "packtrain does so to 2024 only, as the law has it",
            "take a ledger of one wallet",
        )
    sheets = _sheets(rows, zone)
    with (folder / CONFIGURATION).open("w", encoding="utf-8") as file:
        _configuration(sheets, wallets).write(file)
    cells = folder / "ledger.json"
    named = {asset: _table(sheet) for asset, sheet in sheets.items()}
    cells.write_text(json.dumps(named), encoding="utf-8")
    spreadsheet = folder / SPREADSHEET
    # The library would keep an old one beside the new one.
    spreadsheet.unlink(missing_ok=True)
    quiet(environment.ods(folder, "write", cells, spreadsheet))


def command(environment: Environment, folder: Path) -> Command:
    """US rules, first in first out, with the reports that rp2 writes by default."""
    words = [
        environment.program("rp2_us"),
        *("-m", "fifo", "-o", str(folder / REPORTS)),
        *(CONFIGURATION, SPREADSHEET),
    ]
    return environment.command("rp2", words, folder, folder / LOG)


def figures(environment: Environment, folder: Path) -> Figures:
    """What the report of the last run says."""
    log = folder / LOG
    if "WARNING" in log.read_text(encoding="utf-8"):
        raise Failure("rp2 warned about its input", f"what it found is in {log}")
    cells = folder / "report.json"
    quiet(environment.ods(folder, "read", folder / REPORTS / REPORT, cells))
    sheets = json.loads(cells.read_text(encoding="utf-8"))
    gains = list(_lines(sheets, "Capital Gains"))
    result = Figures(lines=len(gains))
    for line in gains:
        result.add_gain(_year(line), _money(line[GAIN]))
    for line in _lines(sheets, "Staking"):
        result.add_income(_year(line), _money(line[PROCEEDS]))
    return result


def _sheets(rows: Iterable[Row], zone: ZoneInfo) -> dict[str, Sheet]:
    sheets: dict[str, Sheet] = {}

    def of(asset: str) -> Sheet:
        return sheets.setdefault(asset, Sheet([], []))

    for row in rows:
        if row.kind in ("buy", "trade", "staking"):
            kind = "STAKING" if row.kind == "staking" else "BUY"
            of(row.received_asset).incoming.append(_incoming(row, kind, zone))
        if row.kind in ("sell", "trade", "spend"):
            of(row.sent_asset).outgoing.append(_outgoing(row, zone))
    for asset, sheet in sheets.items():
        if not sheet.incoming:
            raise Failure(
                f"rp2 cannot read a ledger in which {asset} only leaves",
                "take more --rows, so that every asset is bought",
            )
    return sheets


def _incoming(row: Row, kind: str, zone: ZoneInfo) -> Line:
    cost = row.value + row.fee
    return [
        *_head(row, row.received_asset, kind, zone),
        _number(row.value / row.received),
        *(_number(row.received), _number(row.fee), _number(row.value), _number(cost)),
        f"{row.id}-in",
    ]


def _outgoing(row: Row, zone: ZoneInfo) -> Line:
    # rp2 knows only fees in units of what is sold; one in money is off what the sale brings.
    proceeds = row.value - row.fee
    return [
        *_head(row, row.sent_asset, "SELL", zone),
        _number(proceeds / row.sent),
        *(_number(row.sent), _number(Decimal(0)), _number(proceeds)),
        f"{row.id}-out",
    ]


def _head(row: Row, asset: str, kind: str, zone: ZoneInfo) -> Line:
    # rp2 takes the tax year from the time as it is written.
    at = row.at.astimezone(zone).isoformat(sep=" ")
    return [at, asset, row.wallet, HOLDER, kind]


def _number(number: Decimal) -> Cell:
    return {"number": str(number.quantize(DECIMALS))}


def _table(sheet: Sheet) -> list[Line]:
    table = [["IN"], IN_COLUMNS, *sheet.incoming, [TABLE_END]]
    if sheet.outgoing:
        table += [[None], ["OUT"], OUT_COLUMNS, *sheet.outgoing, [TABLE_END]]
    return table


def _configuration(assets: Iterable[str], wallets: Iterable[str]) -> ConfigParser:
    configuration = ConfigParser()
    configuration["general"] = {
        "assets": ", ".join(sorted(assets)),
        "exchanges": ", ".join(wallets),
        "holders": HOLDER,
    }
    columns = {"in": IN_COLUMNS, "out": OUT_COLUMNS, "intra": INTRA_COLUMNS}
    for table, names in columns.items():
        places = {name: str(place) for place, name in enumerate(names)}
        configuration[f"{table}_header"] = places
    return configuration


def _lines(sheets: dict[str, list[Line]], name: str) -> Iterable[Line]:
    """The filled lines of a sheet; rp2 leaves a sheet out that would have none."""
    for line in sheets.get(name, [])[HEADING_ROWS:]:
        if line[0] is not None:
            yield line


def _year(line: Line) -> str:
    return str(datetime.fromisoformat(line[TIMESTAMP]).year)


def _money(cell: Cell) -> Decimal:
    return Decimal(repr(cell))
