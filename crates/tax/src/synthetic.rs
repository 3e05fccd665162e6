//! Made-up ledgers in the neutral format, the same bytes for the same plan: for benches, and for
//! tests that need many rows.

use std::io::{self, Write};

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use packtrain_core::money::Currency;

const ASSETS: [(&str, u64); 4] = [("BTC", 60_000), ("ETH", 3_000), ("SOL", 120), ("ADA", 1)];
const WALLETS: [&str; 5] = ["Coinharbor", "Hardware", "Phone", "Kite", "Vault"];
/// The rows of a ledger, however many, cover five years from here on.
const BEGIN: DateTime<Utc> = DateTime::from_timestamp(1_609_459_200, 0).expect("a time");
const SPAN_SECONDS: i64 = 157_000_000;

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Buys, sales, swaps, rewards and payments of four assets in one wallet.
    Trader,
    /// Half of the rows open small lots of rewards, the other half are small sales of one asset.
    Staker,
    /// A trader with five wallets, and transfers between them.
    Mover,
    /// A trader of one asset.
    OneAsset,
}

impl Shape {
    /// The stable word, such as `trader`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trader => "trader",
            Self::Staker => "staker",
            Self::Mover => "mover",
            Self::OneAsset => "one-asset",
        }
    }
}

/// Which ledger is made up.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What somebody does.
    pub shape: Shape,
    /// Data rows.
    pub rows: u32,
    /// Other seeds give other ledgers of the same shape.
    pub seed: u64,
    /// The currency of all money in it.
    pub currency: Currency,
}

/// Writes the ledger.
///
/// # Errors
/// Those of `out`.
pub fn write(plan: Plan, out: impl Write) -> io::Result<()> {
    let (assets, wallets) = match plan.shape {
        Shape::Trader | Shape::Staker => (ASSETS.len(), 1),
        Shape::Mover => (ASSETS.len(), WALLETS.len()),
        Shape::OneAsset => (1, 1),
    };
    let mut ledger = Ledger {
        out,
        dice: Dice(plan.seed),
        held: [[0; WALLETS.len()]; ASSETS.len()],
        at: BEGIN,
        step: Duration::seconds(SPAN_SECONDS / i64::from(plan.rows.max(1))),
        currency: plan.currency,
        assets,
        wallets,
    };
    ledger.header()?;
    for row in 0..plan.rows {
        match plan.shape {
            Shape::Staker => ledger.staker(row, plan.rows)?,
            Shape::Trader | Shape::Mover | Shape::OneAsset => ledger.trader(row)?,
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
    held: [[u64; WALLETS.len()]; ASSETS.len()],
    at: DateTime<Utc>,
    step: Duration,
    currency: Currency,
    /// How many of each are used.
    assets: usize,
    wallets: usize,
}

impl<W: Write> Ledger<W> {
    fn header(&mut self) -> io::Result<()> {
        writeln!(
            self.out,
            "id,timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,\
             received_asset,fee_amount,fee_asset,value,fee_value,currency"
        )
    }

    fn trader(&mut self, row: u32) -> io::Result<()> {
        self.at += self.step;
        let (asset, wallet) = (self.dice.pick(self.assets), self.dice.pick(self.wallets));
        let kind = self.dice.roll(100);
        let out = (self.held[asset][wallet] / 4).min(50_000_000);
        let amount = 1 + self.dice.roll(out.max(1));
        match kind {
            _ if kind < 46 || out < 1_000 => self.buy(row, asset, wallet),
            75..87 if self.assets > 1 => {
                let other = (asset + 1 + self.dice.pick(self.assets - 1)) % self.assets;
                self.swap(row, (asset, other), wallet, amount)
            }
            46..87 => self.sell(row, "sell", asset, wallet, amount),
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

    /// Hundredths for a whole unit.
    fn price(&mut self, asset: usize) -> u64 {
        ASSETS[asset].1 * (70 + self.dice.roll(60))
    }

    fn head(&mut self, row: u32, kind: &str, wallet: usize, to: &str) -> io::Result<()> {
        let at = self.at.to_rfc3339_opts(SecondsFormat::Secs, true);
        write!(self.out, "r{row},{at},{kind},{},{to},", WALLETS[wallet])
    }

    /// The rest of a row whose fee is money.
    fn exchange(&mut self, sent: (&str, &str), received: (&str, &str), fee: u64) -> io::Result<()> {
        let (fee, currency) = (cents(fee), self.currency);
        let ((sent, sent_asset), (received, received_asset)) = (sent, received);
        writeln!(
            self.out,
            "{sent},{sent_asset},{received},{received_asset},{fee},{currency},,,{currency}"
        )
    }

    fn buy(&mut self, row: u32, asset: usize, wallet: usize) -> io::Result<()> {
        let (amount, price) = (1_000_000 + self.dice.roll(100_000_000), self.price(asset));
        self.held[asset][wallet] += amount;
        let cost = worth(amount, price);
        self.head(row, "buy", wallet, "")?;
        let currency = self.currency;
        let sent = (&*cents(cost), currency.code());
        self.exchange(sent, (&units(amount), ASSETS[asset].0), cost / 400)
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
        let price = self.price(asset);
        let value = worth(amount, price);
        self.head(row, kind, wallet, "")?;
        let (sent, name, currency) = (units(amount), ASSETS[asset].0, self.currency);
        if kind == "spend" {
            return writeln!(self.out, "{sent},{name},,,,,{},,{currency}", cents(value));
        }
        let received = (&*cents(value), currency.code());
        self.exchange((&sent, name), received, value / 400)
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
        let (sent, got, value) = (units(amount), units(received), cents(value));
        let (from, to, currency) = (ASSETS[asset].0, ASSETS[other].0, self.currency);
        writeln!(self.out, "{sent},{from},{got},{to},,,{value},,{currency}")
    }

    fn reward(&mut self, row: u32, asset: usize, wallet: usize) -> io::Result<()> {
        let (amount, price) = (1_000_000 + self.dice.roll(1_000), self.price(asset));
        self.held[asset][wallet] += amount;
        self.head(row, "staking", wallet, "")?;
        let (got, value) = (units(amount), cents(worth(amount, price)));
        let (name, currency) = (ASSETS[asset].0, self.currency);
        writeln!(self.out, ",,{got},{name},,,{value},,{currency}")
    }

    fn transfer(&mut self, row: u32, asset: usize, wallet: usize, amount: u64) -> io::Result<()> {
        let to = (wallet + 1 + self.dice.pick(self.wallets - 1)) % self.wallets;
        let (fee, price) = (amount / 1_000 + 1, self.price(asset));
        self.held[asset][wallet] = self.held[asset][wallet].saturating_sub(amount + fee);
        self.held[asset][to] += amount;
        self.head(row, "transfer", wallet, WALLETS[to])?;
        let (name, moved, currency) = (ASSETS[asset].0, units(amount), self.currency);
        let (value, fee) = (cents(worth(fee, price)), units(fee));
        writeln!(
            self.out,
            "{moved},{name},{moved},{name},{fee},{name},,{value},{currency}"
        )
    }
}

/// Hundredths that so many hundred-millionths are worth.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Limits, read};

    #[test]
    fn every_shape_is_a_ledger_without_bad_rows_and_the_same_for_the_same_seed() {
        for shape in [Shape::Trader, Shape::Staker, Shape::Mover, Shape::OneAsset] {
            let made = |seed| {
                let mut bytes = Vec::new();
                let plan = Plan {
                    shape,
                    rows: 500,
                    seed,
                    currency: Currency::GBP,
                };
                write(plan, &mut bytes).unwrap();
                bytes
            };
            assert_eq!(made(1), made(1), "{shape:?}");
            assert_ne!(made(1), made(2), "{shape:?}");
            let import = read(&made(1), Limits::default()).unwrap();
            assert_eq!(import.errors, [], "{shape:?}");
            assert_eq!(import.rows.len(), 500, "{shape:?}");
        }
    }
}
