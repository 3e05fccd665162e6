#!/usr/bin/env python3
"""Measures packtrain's tax reports beside rp2 (US, FIFO) and BittyTax (UK) on the same ledgers."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import ledger
import on_bittytax
import on_packtrain
import on_rp2
import show
from compare import Roundings
from environment import PEERS, PYTHON_MIN, Environment
from failure import Failure
from pair import Pair, Side

REPOSITORY = Path(__file__).resolve().parents[2]
# Whose local time gives the tax year; packtrain's own default for the country.
US_ZONE = "America/New_York"
FAILED, DIFFERENT = 1, 3

DESCRIPTION = """\
Measures packtrain's tax reports beside two peers on the same ledgers: rp2 (US, first in first
out, with the reports that it writes by default) and BittyTax (UK, its full report as text).
Processor time, time on the clock and peak memory are those of one process from start to end.
The sums of gains and income are compared, so that programs which compute different things are
not compared by their speed.
"""

EXAMPLES = """\
examples:
  benches/tax/peers.py                          the whole measurement, several minutes
  benches/tax/peers.py --rows 300 --rounds 1    whether it runs
  benches/tax/peers.py --only rp2 --json        one peer, for programs

exits with 0, with 1 when something failed, with 3 when the programs' sums differ
"""


def main() -> int:
    """Runs the bench; the number is the exit code."""
    arguments = _arguments()
    try:
        _demand_machine()
        return _run(arguments)
    except Failure as failure:
        print(f"error: {failure}\n  {failure.help_line}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return FAILED


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--packtrain",
        type=Path,
        default=REPOSITORY / "target/release/packtrain",
        metavar="PATH",
        help="the program, built with --release [default: target/release/packtrain]",
    )
    parser.add_argument(
        "--rows", type=_count, default=10_000, metavar="N", help="rows of each ledger [10000]"
    )
    parser.add_argument(
        "--rounds", type=_count, default=3, metavar="N", help="runs of each program [3]"
    )
    parser.add_argument(
        "--only", choices=sorted(name.lower() for name in PEERS), help="leave out the other peer"
    )
    parser.add_argument(
        "--ledgers",
        type=Path,
        metavar="DIR",
        help="take trader-N-us.csv and trader-N-uk.csv from here [default: packtrain writes them]",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=REPOSITORY / ".packtrain/bench-tax",
        metavar="DIR",
        help="everything made is kept here [default: .packtrain/bench-tax]",
    )
    parser.add_argument(
        "--limit",
        type=_count,
        default=1_800,
        metavar="SECONDS",
        help="the longest that one run may take [1800]",
    )
    parser.add_argument("--json", action="store_true", help="print JSON: every run, every year")
    return parser.parse_args()


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _demand_machine() -> None:
    if sys.platform != "linux":
        raise Failure(
            "peak memory is measured by means of Linux",
            "run the bench on Linux",
        )
    if sys.version_info < PYTHON_MIN:
        least = ".".join(map(str, PYTHON_MIN))
        raise Failure(
            f"this is Python {platform.python_version()}, and the peers want {least} at least",
            "run the script with a newer python3",
        )


def _run(arguments: argparse.Namespace) -> int:
    work, program = arguments.work.absolute(), arguments.packtrain.absolute()
    packtrain = on_packtrain.version(program)
    work.mkdir(parents=True, exist_ok=True)
    environment = Environment(work / "venv")
    environment.install()
    ledgers = (arguments.ledgers or work / "ledgers").absolute()
    if arguments.ledgers is None:
        on_packtrain.write_ledgers(program, arguments.rows, ledgers)
    pairs = []
    if arguments.only != "bittytax":
        path = ledgers / f"trader-{arguments.rows}-us.csv"
        pairs.append(_us(environment, program, packtrain, path, work / "us"))
    if arguments.only != "rp2":
        path = ledgers / f"trader-{arguments.rows}-uk.csv"
        pairs.append(_uk(environment, program, packtrain, path, work / "uk"))
    for number in range(1, arguments.rounds + 1):
        for pair in pairs:
            for side in (pair.packtrain, pair.peer):
                told = f"round {number} of {arguments.rounds}: {pair.title}, {side.name}"
                print(told, file=sys.stderr)
                side.run(arguments.limit)
    return _tell(arguments, environment, pairs)


def _tell(arguments: argparse.Namespace, environment: Environment, pairs: list[Pair]) -> int:
    machine = {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "packages": environment.versions,
    }
    if arguments.json:
        print(json.dumps(show.document(arguments.rows, machine, pairs), indent=2))
    else:
        print(show.text(arguments.rows, machine, pairs))
    same = all(check.is_same for pair in pairs for check in pair.checks)
    return 0 if same else DIFFERENT


def _us(environment: Environment, program: Path, version: str, path: Path, folder: Path) -> Pair:
    try:
        zone = ZoneInfo(US_ZONE)
    except ZoneInfoNotFoundError:
        raise Failure(
            f"this machine does not know the time zone {US_ZONE}",
            "install its package of time zones, such as tzdata",
        ) from None
    rows = ledger.read(path, "USD")
    home = folder / "rp2"
    on_rp2.prepare(environment, rows, zone, home)
    return Pair(
        title="US, first in first out",
        country="us",
        packtrain=_packtrain(program, version, path, "us", folder / "packtrain"),
        peer=Side(
            name=f"rp2 {PEERS['rp2']}",
            command=on_rp2.command(environment, home),
            leftovers=[home / on_rp2.REPORTS, home / "log"],
            read=lambda: on_rp2.figures(environment, home),
        ),
        roundings=Roundings.NONE,
    )


def _uk(environment: Environment, program: Path, version: str, path: Path, folder: Path) -> Pair:
    rows = ledger.read(path, on_bittytax.CURRENCY)
    home = folder / "bittytax"
    on_bittytax.prepare(rows, home)
    return Pair(
        title="UK, same day, 30 days, pool",
        country="uk",
        packtrain=_packtrain(program, version, path, "uk", folder / "packtrain"),
        peer=Side(
            name=f"BittyTax {PEERS['BittyTax']}",
            command=on_bittytax.command(environment, home),
            leftovers=[home / on_bittytax.SETTINGS_FOLDER / "cache"],
            read=lambda: on_bittytax.figures(home),
        ),
        roundings=Roundings.EVERY_PART,
    )


def _packtrain(program: Path, version: str, path: Path, country: str, folder: Path) -> Side:
    return Side(
        name=version,
        command=on_packtrain.command(program, path, country, folder),
        leftovers=[folder / on_packtrain.REPORTS],
        read=lambda: on_packtrain.figures(folder),
    )


if __name__ == "__main__":
    sys.exit(main())
