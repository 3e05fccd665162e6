//! A move of what is locked, in its parts: what came and went, and what prices did. Pure and exact.

use std::collections::BTreeSet;

use ethnum::I256;
use packtrain_core::ports::{Held, Holding, MovedBy};
use packtrain_core::quantity::Quantity;
use packtrain_rules::value::Value;

/// Decimals that are kept; what stands behind them is cut off.
const DECIMALS: usize = 18;
/// Tokens that are told at one of two times alone, as a share of all: beyond one in so many nothing
/// is said of quantities.
const UNTOLD_PART: i128 = 20;

/// What moved from one time to another, in US dollars. `quantity`, `price` and `unexplained` add up
/// exactly to `after` less `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Split {
    /// All that was there.
    pub(super) before: Value,
    /// All that is there.
    pub(super) after: Value,
    /// What came less what went, at the prices before.
    pub(super) quantity: Value,
    /// What prices did to what is there now.
    pub(super) price: Value,
    /// Tokens of which one of the two times tells nothing: whether they came, went, or had no price
    /// is not known.
    pub(super) unexplained: Value,
    /// What was there of tokens that are told at both times.
    told_before: Value,
    /// What was, and what is there of the others.
    untold: [Value; 2],
}

impl Split {
    /// The move between two times; none when a figure leaves what a [`Value`] holds.
    ///
    /// A token that is told at both times was worth `usd` for an `amount` before, and at that price
    /// the amount now is worth `held`, to the nearest 10⁻¹⁸: `held` less what it was is quantity,
    /// what it is less `held` is price. A token of which there was none counts at the price of now.
    pub(super) fn of(before: &Holding, after: &Holding) -> Option<Self> {
        let names = before.tokens.keys().chain(after.tokens.keys());
        let names: BTreeSet<&String> = names.collect();
        let mut split = Self {
            before: Value::ZERO,
            after: Value::ZERO,
            quantity: Value::ZERO,
            price: Value::ZERO,
            unexplained: Value::ZERO,
            told_before: Value::ZERO,
            untold: [Value::ZERO; 2],
        };
        for name in names {
            let [was, is] = [before, after].map(|it| Told::of(it.tokens.get(name)));
            split.add(was, is)?;
        }
        Some(split)
    }

    fn add(&mut self, was: Told, is: Told) -> Option<()> {
        self.before = sum(self.before, was.usd)?;
        self.after = sum(self.after, is.usd)?;
        let held = was.amount.zip(is.amount).and_then(|(amount, now)| {
            let is_new = amount == Value::ZERO && was.usd == Value::ZERO;
            if is_new {
                return Some(is.usd);
            }
            (amount > Value::ZERO).then(|| times(now, was.usd, amount))?
        });
        let Some(held) = held else {
            let [before, after] = &mut self.untold;
            *before = sum(*before, was.usd)?;
            *after = sum(*after, is.usd)?;
            self.unexplained = sum(self.unexplained, less(is.usd, was.usd)?)?;
            return Some(());
        };
        self.told_before = sum(self.told_before, was.usd)?;
        self.quantity = sum(self.quantity, less(held, was.usd)?)?;
        self.price = sum(self.price, less(is.usd, held)?)?;
        Some(())
    }

    /// What a quantity before has become by what came and went of tokens that are told at both
    /// times, to the nearest 10⁻¹⁸; none where nothing of them was there.
    pub(super) fn carry(&self, quantity: Value) -> Option<Value> {
        let held = sum(self.told_before, self.quantity)?;
        (self.told_before > Value::ZERO).then(|| times(quantity, held, self.told_before))?
    }

    /// Whether nearly all is told at both times.
    pub(super) fn is_sure(&self) -> bool {
        let part =
            |value: Value, of: Value| value.units().saturating_mul(UNTOLD_PART) <= of.units();
        let [before, after] = self.untold;
        part(before, self.before) && part(after, self.after)
    }

    /// What moved it by `percent`: the source says nothing where the change that it tells goes
    /// another way, or not half as far, or where most of it is not explained.
    pub(super) fn by(&self, percent: Value) -> MovedBy {
        let down = percent < Value::ZERO;
        // What goes the way of the move.
        let along = |part: Value| {
            let units = if down { -part.units() } else { part.units() };
            I256::from(units.max(0))
        };
        let whole = less(self.after, self.before).unwrap_or(Value::ZERO);
        let told = self
            .after
            .percent_change(self.before)
            .unwrap_or(Value::ZERO);
        let (quantity, price) = (along(self.quantity), along(self.price));
        let known = quantity + price;
        let goes_along = along(whole) > I256::ZERO
            && along(told) * I256::from(2) >= I256::from(percent.units()).abs()
            && known > along(self.unexplained);
        if !goes_along {
            return MovedBy::Unknown;
        }
        // Three quarters of what is known.
        let is_most = |part: I256| part * I256::from(4) >= known * I256::from(3);
        match (is_most(quantity), is_most(price)) {
            (true, _) => MovedBy::Quantity,
            (_, true) => MovedBy::Price,
            _ => MovedBy::Both,
        }
    }
}

/// What is told of a token at a time.
#[derive(Clone, Copy)]
struct Told {
    /// How much there is; none where it is not told.
    amount: Option<Value>,
    /// What that is worth; nothing where it is not told.
    usd: Value,
}

impl Told {
    fn of(held: Option<&Held>) -> Self {
        let held = held.copied().unwrap_or_default();
        let told = |figure: Option<Quantity>| {
            let value = value(figure?)?;
            (value >= Value::ZERO).then_some(value)
        };
        Self {
            amount: told(held.amount),
            usd: told(held.usd).unwrap_or(Value::ZERO),
        }
    }
}

/// An exact decimal as a value.
fn value(figure: Quantity) -> Option<Value> {
    let text = figure.to_string();
    let end = text.find('.').map_or(text.len(), |dot| dot + 1 + DECIMALS);
    text.get(..end.min(text.len()))?.parse().ok()
}

fn sum(one: Value, other: Value) -> Option<Value> {
    one.checked_add(other).ok()
}

fn less(one: Value, other: Value) -> Option<Value> {
    one.checked_sub(other).ok()
}

/// `value * part / whole` to the nearest 10⁻¹⁸, half away from zero; the whole is above zero. None
/// when that leaves what a value holds.
fn times(value: Value, part: Value, whole: Value) -> Option<Value> {
    // Two values of 127 bits make 254.
    let product = I256::from(value.units()) * I256::from(part.units());
    let whole = I256::from(whole.units());
    let (quotient, rest) = (product / whole, product % whole);
    let is_away = rest.unsigned_abs() * 2 >= whole.unsigned_abs();
    let step = if is_away {
        product.signum()
    } else {
        I256::ZERO
    };
    let units = i128::try_from(quotient + step).ok()?;
    Value::from_units(units).ok()
}

#[cfg(test)]
mod tests;
