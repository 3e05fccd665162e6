//! Writes a made-up ledger in the neutral format, the same one for the same arguments.
//!
//! `cargo run --release -p packtrain-tax --example generate_ledger -- ROWS [SEED] [SHAPE]`
//!
//! Shapes: `trader` (buys, sales, swaps, rewards, payments; the default), `staker` (half the rows
//! open small reward lots, then small sales) and `mover` (a trader with several wallets and
//! transfers between them).

use std::io::{self, BufWriter, Write};

use chrono::{DateTime, Duration, SecondsFormat, Utc};

const ASSETS: [(&str, u64); 4] = [("BTC", 60_000), ("ETH", 3_000), ("SOL", 120), ("ADA", 1)];
const WALLETS: [&str; 5] = ["Coinharbor", "Hardware", "Phone", "Kite", "Vault"];

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let rows = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let seed = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    let shape = arguments.next().unwrap_or_else(|| "trader".to_owned());
    let mut ledger = Ledger {
        out: BufWriter::new(io::stdout().lock()),
        dice: Dice(seed),
        held: [[0; 5]; 4],
        at: "2021-01-01T00:00:00Z".parse().unwrap_or_default(),
        // Five years, whatever the number of rows.
        step: Duration::seconds(157_000_000 / i64::from(rows).max(1)),
        wallets: if shape == "mover" { WALLETS.len() } else { 1 },
    };
    writeln!(
        ledger.out,
        "id,timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,\
         received_asset,fee_amount,fee_asset,value,fee_value,currency"
    )?;
    for row in 0..rows {
        match shape.as_str() {
            "staker" => ledger.staker(row, rows)?,
            _ => ledger.trader(row)?,
        }
    }
    ledger.out.flush()
}

/// A small random source that gives the same numbers everywhere (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides.max(1)
    }

    fn pick(&mut self, count: usize) -> usize {
        let sides = u64::try_from(count).unwrap_or(1);
        usize::try_from(self.roll(sides)).unwrap_or(0)
    }
}

struct Ledger<W: Write> {
    out: W,
    dice: Dice,
    /// Hundred-millionths held, by asset and wallet.
    held: [[u64; 5]; 4],
    at: DateTime<Utc>,
    step: Duration,
    wallets: usize,
}

impl<W: Write> Ledger<W> {
    fn trader(&mut self, row: u32) -> io::Result<()> {
        self.at += self.step;
        let (asset, wallet) = (self.dice.pick(4), self.dice.pick(self.wallets));
        let other = (asset + 1 + self.dice.pick(3)) % 4;
        let kind = self.dice.roll(100);
        let out = (self.held[asset][wallet] / 4).min(50_000_000);
        let amount = 1 + self.dice.roll(out.max(1));
        match kind {
            _ if kind < 46 || out < 1_000 => self.buy(row, asset, wallet),
            46..75 => self.sell(row, "sell", asset, wallet, amount),
            75..87 => self.swap(row, (asset, other), wallet, amount),
            87..95 => self.reward(row, asset, wallet),
            _ if self.wallets > 1 && kind < 98 => self.transfer(row, asset, wallet, amount),
            _ => self.sell(row, "spend", asset, wallet, amount),
        }
    }

    fn staker(&mut self, row: u32, rows: u32) -> io::Result<()> {
        self.at += self.step;
        if row < rows / 2 {
            return self.reward(row, 1, 0);
        }
        let amount = 1 + self.dice.roll((self.held[1][0] / 4).clamp(1, 500_000));
        self.sell(row, "sell", 1, 0, amount)
    }

    fn price(&mut self, asset: usize) -> u64 {
        // Cents for a whole unit.
        ASSETS[asset].1 * (70 + self.dice.roll(60))
    }

    fn head(&mut self, row: u32, kind: &str, wallet: usize, to: &str) -> io::Result<()> {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(self.out, "r{row},{at},{kind},{},{to},", WALLETS[wallet])
    }

    fn buy(&mut self, row: u32, asset: usize, wallet: usize) -> io::Result<()> {
        let (amount, price) = (1_000_000 + self.dice.roll(100_000_000), self.price(asset));
        self.held[asset][wallet] += amount;
        let cost = worth(amount, price);
        self.head(row, "buy", wallet, "")?;
        let (cost, fee) = (cents(cost), cents(cost / 400));
        writeln!(
            self.out,
            "{cost},USD,{},{},{fee},USD,,,USD",
            units(amount),
            ASSETS[asset].0
        )
    }

    fn sell(
        &mut self,
        row: u32,
        kind: &str,
        asset: usize,
        wallet: usize,
        amount: u64,
    ) -> io::Result<()> {
        self.held[asset][wallet] = self.held[asset][wallet].saturating_sub(amount);
        let value = self.price(asset);
        let value = worth(amount, value);
        let fee = cents(value / 400);
        self.head(row, kind, wallet, "")?;
        let name = ASSETS[asset].0;
        if kind == "spend" {
            return writeln!(
                self.out,
                "{},{name},,,,,{},,USD",
                units(amount),
                cents(value)
            );
        }
        writeln!(
            self.out,
            "{},{name},{},USD,{fee},USD,,,USD",
            units(amount),
            cents(value)
        )
    }

    fn swap(
        &mut self,
        row: u32,
        (asset, other): (usize, usize),
        wallet: usize,
        amount: u64,
    ) -> io::Result<()> {
        self.held[asset][wallet] -= amount;
        let (given, taken) = (self.price(asset), self.price(other));
        let value = worth(amount, given);
        let received = (value * 100_000_000 / taken).max(1);
        self.held[other][wallet] += received;
        self.head(row, "trade", wallet, "")?;
        let (sent, got) = (units(amount), units(received));
        let (from, to) = (ASSETS[asset].0, ASSETS[other].0);
        writeln!(self.out, "{sent},{from},{got},{to},,,{},,USD", cents(value))
    }

    fn reward(&mut self, row: u32, asset: usize, wallet: usize) -> io::Result<()> {
        let (amount, price) = (1_000_000 + self.dice.roll(1_000), self.price(asset));
        self.held[asset][wallet] += amount;
        self.head(row, "staking", wallet, "")?;
        let (got, value) = (units(amount), cents(worth(amount, price)));
        writeln!(self.out, ",,{got},{},,,{value},,USD", ASSETS[asset].0)
    }

    fn transfer(&mut self, row: u32, asset: usize, wallet: usize, amount: u64) -> io::Result<()> {
        let to = (wallet + 1 + self.dice.pick(self.wallets - 1)) % self.wallets;
        let (fee, price) = (amount / 1_000 + 1, self.price(asset));
        self.held[asset][wallet] = self.held[asset][wallet].saturating_sub(amount + fee);
        self.held[asset][to] += amount;
        self.head(row, "transfer", wallet, WALLETS[to])?;
        let (name, moved) = (ASSETS[asset].0, units(amount));
        let value = cents(worth(fee, price));
        writeln!(
            self.out,
            "{moved},{name},{moved},{name},{},{name},,{value},USD",
            units(fee)
        )
    }
}

/// Cents that so many hundred-millionths are worth.
fn worth(amount: u64, price: u64) -> u64 {
    let cents = u128::from(amount) * u128::from(price) / 100_000_000;
    u64::try_from(cents).unwrap_or(u64::MAX).max(1)
}

fn units(amount: u64) -> String {
    format!("{}.{:08}", amount / 100_000_000, amount % 100_000_000)
}

fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}
