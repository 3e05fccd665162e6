"""Tests of the bench itself: `python3 benches/tax/tests.py`. They need no peer and no network."""

from __future__ import annotations

import os
import sys
import tempfile
import time
import unittest
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import ledger
import on_bittytax
import on_rp2
from compare import Roundings, compare
from environment import Environment
from failure import Failure
from figures import Figures
from measure import Command, measured

HEADER = (
    "id,timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,received_asset,"
    "fee_amount,fee_asset,value,fee_value,currency\n"
)
BUY = "b,2021-01-01T02:00:00Z,buy,Kite,,100.00,USD,0.5,BTC,2.00,USD,,,USD\n"
SELL = "s,2022-03-01T12:00:00Z,sell,Kite,,0.25,BTC,60.00,USD,1.00,USD,,,USD\n"
TRADE = "t,2022-04-01T12:00:00Z,trade,Kite,,0.125,BTC,2,ETH,,,30.00,,USD\n"
STAKING = "k,2022-05-01T12:00:00Z,staking,Kite,,,,0.1,ETH,,,1.50,,USD\n"
SPEND = "p,2022-06-01T12:00:00Z,spend,Kite,,0.01,BTC,,,,,2.50,,USD\n"
NEW_YORK = ZoneInfo("America/New_York")
REPORT = """\
integrity check: passed
Tax Year - 2024/25 (Apr 6th 2024 to Apr 5th 2025)
Capital Gains
Total                      £1.00         £0.00         £0.00         £7.00
Number of disposals:                                32
Gains in the year, before losses:            £1,231.78
Losses in the year:                            £262.97
Income
Asset   Date     Income Type     Description      Quantity    Market Value          Fees
Total                                              0.02       £1,392.82         £0.00
Income Type                                                 Market Value          Fees
Staking                                                        £1,425.54         £0.00
Total                                                          £1,425.54         £0.00
Total                      £0.00         £0.00         £0.00         £0.00
"""


class Folder(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def rows(self, *lines: str, currency: str = "USD") -> list[ledger.Row]:
        """The lines, read as a ledger in this currency."""
        path = self.folder / "ledger.csv"
        path.write_text((HEADER + "".join(lines)).replace("USD", currency), encoding="utf-8")
        return ledger.read(path, currency)


class Ledgers(Folder):
    """What is read, and what is refused."""

    def test_a_row_without_a_value_is_refused_by_its_line(self) -> None:
        with self.assertRaisesRegex(Failure, r"ledger\.csv:3: the staking states no value"):
            self.rows(BUY, STAKING.replace("1.50", ""))

    def test_a_type_that_a_peer_does_not_know_is_refused(self) -> None:
        with self.assertRaisesRegex(Failure, "'gift_in' is not converted"):
            self.rows(BUY.replace(",buy,", ",gift_in,"))

    def test_a_fee_in_units_is_refused(self) -> None:
        with self.assertRaisesRegex(Failure, "a fee in 'BTC' is not converted"):
            self.rows(SELL.replace("1.00,USD", "0.01,BTC"))


class Rp2(Folder):
    """What rp2 is told."""

    def sheets(self, *lines: str) -> dict[str, on_rp2.Sheet]:
        """rp2's tables of these lines, after the purchase that they need."""
        return on_rp2._sheets(self.rows(BUY, *lines), NEW_YORK)

    def test_the_fee_of_a_purchase_is_on_top_of_its_price(self) -> None:
        bought = dict(zip(on_rp2.IN_COLUMNS, self.sheets()["BTC"].incoming[0], strict=True))
        told = [bought[name]["number"] for name in on_rp2.IN_COLUMNS[5:10]]
        self.assertEqual([Decimal(number) for number in told], [200, Decimal("0.5"), 2, 100, 102])

    def test_the_fee_of_a_sale_is_off_what_it_brings(self) -> None:
        sold = dict(zip(on_rp2.OUT_COLUMNS, self.sheets(SELL)["BTC"].outgoing[0], strict=True))
        self.assertEqual(Decimal(sold["fiat_out_no_fee"]["number"]), 59)
        self.assertEqual(Decimal(sold["spot_price"]["number"]), 236)

    def test_a_swap_is_a_sale_and_a_purchase_at_its_value(self) -> None:
        sheets = self.sheets(TRADE)
        sold = dict(zip(on_rp2.OUT_COLUMNS, sheets["BTC"].outgoing[0], strict=True))
        bought = dict(zip(on_rp2.IN_COLUMNS, sheets["ETH"].incoming[0], strict=True))
        self.assertEqual((sold["transaction_type"], bought["transaction_type"]), ("SELL", "BUY"))
        self.assertEqual(Decimal(sold["fiat_out_no_fee"]["number"]), 30)
        self.assertEqual(Decimal(bought["fiat_in_with_fee"]["number"]), 30)

    def test_times_are_the_taxpayers_own_since_rp2_takes_the_year_from_them(self) -> None:
        self.assertEqual(self.sheets()["BTC"].incoming[0][0], "2020-12-31 21:00:00-05:00")

    def test_a_ledger_of_several_wallets_is_refused(self) -> None:
        rows = self.rows(BUY, SELL.replace("Kite", "Vault"))
        with self.assertRaisesRegex(Failure, "the ledger has 2 wallets"):
            on_rp2.prepare(Environment(self.folder), rows, NEW_YORK, self.folder)

    def test_a_report_is_refused_once_rp2_warned(self) -> None:
        (self.folder / "rp2.log").write_text("WARNING: BTC: 1 != 2\n", encoding="utf-8")
        with self.assertRaisesRegex(Failure, "rp2 warned about its input"):
            on_rp2.figures(Environment(self.folder), self.folder)


class BittyTax(Folder):
    """What BittyTax is told, and how its report is read."""

    def test_both_sides_of_every_row_carry_the_value(self) -> None:
        rows = self.rows(BUY, SELL, TRADE, STAKING, SPEND, currency="GBP")
        lines = [
            dict(zip(on_bittytax.COLUMNS, on_bittytax._line(row), strict=True)) for row in rows
        ]
        told = [(line["Type"], line["Buy Value"], line["Sell Value"]) for line in lines]
        self.assertEqual(
            told,
            [
                ("Trade", "100.00", "100.00"),
                ("Trade", "60.00", "60.00"),
                ("Trade", "30.00", "30.00"),
                ("Staking", "1.50", ""),
                ("Spend", "", "2.50"),
            ],
        )

    def test_the_report_is_read_by_tax_year(self) -> None:
        (self.folder / "bittytax.log").write_text(REPORT, encoding="utf-8")
        read = on_bittytax.figures(self.folder)
        self.assertEqual(read.lines, 32)
        self.assertEqual(dict(read.gain), {"2024-25": Decimal("968.81")})
        self.assertEqual(dict(read.income), {"2024-25": Decimal("1425.54")})

    def test_a_report_is_refused_once_a_source_of_prices_was_opened(self) -> None:
        (self.folder / "bittytax.log").write_text(REPORT, encoding="utf-8")
        cache = self.folder / ".bittytax" / "cache"
        cache.mkdir(parents=True)
        (cache / "CoinGecko.json").touch()
        with self.assertRaisesRegex(Failure, r"opened sources of prices: CoinGecko\.json"):
            on_bittytax.figures(self.folder)


class Comparison(unittest.TestCase):
    """Which differences roundings explain."""

    def gains(self, difference: str, lines: int, roundings: Roundings) -> bool:
        """Whether two sums with this difference are taken as the same."""
        packtrain, peer = Figures(lines), Figures(lines)
        packtrain.add_gain("2024", Decimal(1_000))
        peer.add_gain("2024", Decimal(1_000) + Decimal(difference))
        return compare(packtrain, peer, roundings)[0].is_same

    def test_a_cent_a_year_is_the_rounding_of_sums(self) -> None:
        self.assertTrue(self.gains("0.01", 10_000, Roundings.NONE))
        self.assertFalse(self.gains("-0.02", 10_000, Roundings.NONE))

    def test_rounded_parts_explain_three_cents_by_the_root_of_their_number(self) -> None:
        self.assertTrue(self.gains("3.01", 10_000, Roundings.EVERY_PART))
        self.assertFalse(self.gains("3.02", 10_000, Roundings.EVERY_PART))

    def test_years_that_differ_are_not_the_same_though_their_sums_are(self) -> None:
        packtrain, peer = Figures(1), Figures(1)
        packtrain.add_gain("2023", Decimal(5))
        peer.add_gain("2024", Decimal(5))
        self.assertFalse(compare(packtrain, peer, Roundings.NONE)[0].is_same)

    def test_a_year_that_one_program_leaves_out_counts(self) -> None:
        packtrain, peer = Figures(1), Figures(1)
        packtrain.add_gain("2024", Decimal(5))
        self.assertFalse(compare(packtrain, peer, Roundings.NONE)[0].is_same)


class Measuring(Folder):
    """What one run is said to have used."""

    def command(self, *words: str) -> Command:
        """A command in the test's folder."""
        return Command(words[0], words, self.folder, os.environ, self.folder / "run.log")

    def test_the_memory_of_the_bench_is_not_counted_as_the_programs(self) -> None:
        held = bytearray(200_000_000)
        usage = measured(self.command(sys.executable, "-I", "-S", "-c", "pass"), 60)
        self.assertLess(usage.peak_bytes, len(held) // 2)

    def test_a_programs_own_memory_and_time_are_counted(self) -> None:
        work = "held = bytearray(100_000_000); total = sum(range(3_000_000))"
        usage = measured(self.command(sys.executable, "-c", work), 60)
        self.assertGreater(usage.peak_bytes, 100_000_000)
        self.assertGreater(usage.peak_bytes, usage.floor_bytes)
        self.assertGreater(usage.cpu_seconds, 0.01)

    def test_a_program_that_fails_is_told_with_what_it_said(self) -> None:
        with self.assertRaisesRegex(Failure, "ended with 4:\nno such ledger"):
            measured(self.command("/bin/sh", "-c", "echo no such ledger; exit 4"), 60)

    def test_a_program_that_passes_its_limit_is_ended(self) -> None:
        noted = self.folder / "pid"
        with self.assertRaisesRegex(Failure, "did not end within"):
            measured(self.command("/bin/sh", "-c", f"echo $$ > {noted}; exec sleep 60"), 1)
        words = Path("/proc", noted.read_text(encoding="utf-8").strip(), "cmdline")
        for _ in range(100):
            # One that ended has no words, until it is gone altogether.
            if not words.exists() or not words.read_bytes():
                return
            time.sleep(0.05)
        self.fail("the program still runs")


if __name__ == "__main__":
    unittest.main()
