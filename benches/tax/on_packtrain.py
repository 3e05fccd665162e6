"""packtrain: its ledgers, one run of it, and what its report says."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path

from environment import surroundings
from failure import Failure
from figures import Figures
from measure import Command, quiet

REPORTS = "reports"


def version(program: Path) -> str:
    """What the program calls itself."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(
            f"{program} does not run: {error}",
            "give the path of a packtrain program, built with --release, as --packtrain",
        ) from None
    return said.stdout.strip()


def write_ledgers(program: Path, rows: int, folder: Path) -> None:
    """Has packtrain write the ledgers that all programs are measured on."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(program), "bench", "tax", "--write", str(folder), "--rows", str(rows)]
    quiet(Command("packtrain bench tax", words, folder, surroundings(folder), folder / "write.log"))


def command(program: Path, ledger: Path, country: str, folder: Path) -> Command:
    """A report as CSV and JSON, by the default method of the country."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [str(program), "report", str(ledger), "--country", country]
    words += ["--format", "csv", "--format", "json", "--out", REPORTS, "--quiet"]
    output = folder / f"packtrain-{country}.log"
    return Command("packtrain report", words, folder, surroundings(folder), output)


def figures(folder: Path) -> Figures:
    """What the report of the last run says."""
    found = list((folder / REPORTS).glob("*.json"))
    if len(found) != 1:
        raise Failure(
            f"packtrain left {len(found)} JSON files in {folder / REPORTS}, not one",
            "give a packtrain whose `report` takes --format more than once",
        )
    report = json.loads(found[0].read_text(encoding="utf-8"))
    result = Figures(lines=len(report["disposals"]))
    for year, totals in report["totals"].items():
        result.add_gain(year, Decimal(totals["net"]))
        result.add_income(year, Decimal(totals["income"]))
    return result
