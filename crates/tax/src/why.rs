//! The sentence beside each disposal line, kept small and written only when somebody reads it.

use std::fmt;

use chrono::NaiveDate;
use packtrain_core::ledger::Asset;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::{Quantity, counted};
use packtrain_core::time::day_text;

use crate::methods;
use crate::open::Valued;
use crate::outcome::{Disposal, Term};
use crate::request::{Method, Scope};

/// Decimals of an amount of money.
const CENTS: u32 = 2;

/// Why a disposal line is as it is: which lot, which term, which value. Its line's `reason` is one
/// sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// How the lot was chosen.
    pub choice: Choice,
    /// Whether the line is the fee of its row.
    pub is_fee: bool,
    /// The term, and the first day on which it is long; none where the lot has no date.
    pub held: Option<(Term, NaiveDate)>,
    /// Where the proceeds come from.
    pub value: ValueFrom,
    /// For a lot that was a gift with two bases: the side that decided.
    pub gift: Option<GiftSide>,
}

/// How a lot was chosen, or what a disposal was matched with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// By the method, from the lots of the scope.
    Method(Method, Scope),
    /// By name, in the row itself.
    Named,
    /// No purchase of these units is on record.
    NoPurchase,
    /// None: the line is the result of a margin position.
    Margin,
    /// Purchases of the same day.
    SameDay,
    /// Purchases of this day, near after the disposal.
    DaysAfter(NaiveDate),
    /// Purchases of this day, near before the disposal.
    DaysBefore(NaiveDate),
    /// The average cost of a pool, as it stood.
    Pool(Box<PoolState>),
    /// The part of the total cost of all assets, as all of them stood.
    Portfolio(Box<PortfolioState>),
}

/// A pool before units left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Units in it.
    pub quantity: Quantity,
    /// What they cost together.
    pub cost: Money,
}

/// A portfolio before units left it, and the part of its cost that they used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioState {
    /// The local day on which they left.
    pub date: NaiveDate,
    /// What was paid for all acquisitions before.
    pub paid: Money,
    /// The parts of it that earlier disposals used.
    pub used: Money,
    /// The price of the disposal before its costs.
    pub price: Money,
    /// The value of all that was held.
    pub value: Money,
    /// The part of what was paid and not used: as the price to the value.
    pub part: Money,
    /// What was held, the most valuable first; ten assets at most.
    pub parts: Box<[HeldPart]>,
    /// How many more assets were held.
    pub more: usize,
    /// Units given as a fee of the sale, and what they lower its price by.
    pub fee: Option<HeldPart>,
}

/// An asset that was held at a disposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPart {
    /// The asset.
    pub asset: Asset,
    /// How much of it.
    pub quantity: Quantity,
    /// What it was worth; none where no price is on record, and zero was taken.
    pub value: Option<Valued>,
}

/// Where the proceeds of a line come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueFrom {
    /// The money that the row received.
    Money,
    /// The market value that the row states.
    RowValue,
    /// Money or a value in this currency, at the reference rate of this day.
    Converted(Currency, NaiveDate),
    /// Money or a value in this currency, at the rate of this day in the person's own list.
    ConvertedByList(Currency, NaiveDate),
    /// The price of this day in the person's own list.
    Listed(NaiveDate),
    /// The price that the person answered with.
    Answer,
    /// The value of the fee that the row states.
    FeeValue,
    /// The price that the row's other amounts imply.
    Implied,
    /// The last price that rows gave, of this day.
    Recorded(NaiveDate),
    /// What the units had cost, by a law that gives neither gain nor loss.
    Cost,
    /// The debt that the units settled, at its value when it was made.
    Debt,
    /// Several rows, each in its own way.
    Several,
    /// No value is known; zero was taken.
    Missing,
}

impl ValueFrom {
    /// Whether an exchange rate was needed.
    pub const fn is_converted(self) -> bool {
        matches!(self, Self::Converted(..) | Self::ConvertedByList(..))
    }
}

/// Which basis of a gift decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiftSide {
    /// A gain, measured from the giver's basis.
    Gain,
    /// A loss, measured from the lower market value at the gift.
    Loss,
    /// Between the two: neither.
    Between,
}

impl Disposal {
    /// Why the line is as it is; its `Display` is one sentence.
    pub const fn reason(&self) -> Reason<'_> {
        Reason(&self.why, self.date)
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, self.1)
    }
}

/// The sentence of a [`Why`] beside a line of a day.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a>(&'a Why, NaiveDate);

impl Why {
    /// Writes the sentence beside a line of a day. A report has one for each of its lines, and most
    /// of them need nothing of the machinery of `fmt`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl fmt::Write, date: NaiveDate) -> fmt::Result {
        if self.is_fee {
            out.write_str("Units given as a fee count as sold; ")?;
            write_choice(out, &self.choice)?;
        } else {
            let is_begun = false;
            write_choice(&mut Sentence { out, is_begun }, &self.choice)?;
        }
        let held = match self.held {
            Some((Term::Short, from)) => Some(("; short, long only from ", from)),
            Some((Term::Long, from)) => Some(("; long since ", from)),
            None => None,
        };
        if let Some((term, from)) = held {
            out.write_str(term)?;
            write_day(out, from)?;
        }
        out.write_str(match self.gift {
            Some(GiftSide::Gain) => "; a gain on a gift counts from the giver's cost",
            Some(GiftSide::Loss) => "; a loss on a gift counts from its lower value when given",
            Some(GiftSide::Between) => {
                "; between the two bases of a gift there is no gain and no loss"
            }
            None => "",
        })?;
        match (&self.choice, self.value) {
            (Choice::Margin, ValueFrom::RowValue) => out.write_str(", as the row states it."),
            _ => write_value(out, self.value, date),
        }
    }
}

fn write_value(out: &mut impl fmt::Write, value: ValueFrom, date: NaiveDate) -> fmt::Result {
    let (words, day) = match value {
        ValueFrom::Money => ("; proceeds as received in money", None),
        ValueFrom::RowValue => ("; proceeds at the market value in the row", None),
        ValueFrom::Converted(currency, day) => {
            write!(out, "; proceeds from {currency}")?;
            (" at the reference rate of ", Some(day))
        }
        ValueFrom::ConvertedByList(currency, day) => {
            write!(out, "; proceeds from {currency}")?;
            (" at the listed rate of ", Some(day))
        }
        ValueFrom::Listed(day) => ("; proceeds at the listed price of ", Some(day)),
        ValueFrom::Answer => ("; proceeds at the price of your answer", None),
        ValueFrom::FeeValue => ("; proceeds at the fee value in the row", None),
        ValueFrom::Implied => ("; proceeds at the price the row implies", None),
        ValueFrom::Recorded(day) => (
            "; proceeds at the last price in the records, of ",
            Some(day),
        ),
        ValueFrom::Cost => (
            "; proceeds at cost by law, so neither gain nor loss, and not in the return",
            None,
        ),
        ValueFrom::Debt => ("; proceeds at the value of the debt that it settled", None),
        ValueFrom::Several => ("; proceeds summed over the rows", None),
        ValueFrom::Missing => ("; no price is known, so zero was taken", None),
    };
    out.write_str(words)?;
    if let Some(day) = day {
        write_day(out, day)?;
        write!(out, ", {}", Away(day, date))?;
    }
    out.write_str(".")
}

fn write_day(out: &mut impl fmt::Write, date: NaiveDate) -> fmt::Result {
    match day_text(date) {
        Some(text) => out.write_str(std::str::from_utf8(&text).unwrap_or_default()),
        None => write!(out, "{date}"),
    }
}

/// Text that begins with a capital.
struct Sentence<'f, W> {
    out: &'f mut W,
    is_begun: bool,
}

impl<W: fmt::Write> fmt::Write for Sentence<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_begun {
            return self.out.write_str(text);
        }
        let mut letters = text.chars();
        let Some(first) = letters.next() else {
            return Ok(());
        };
        self.is_begun = true;
        for letter in first.to_uppercase() {
            self.out.write_char(letter)?;
        }
        self.out.write_str(letters.as_str())
    }
}

fn write_choice(f: &mut impl fmt::Write, choice: &Choice) -> fmt::Result {
    match choice {
        Choice::Named => f.write_str(methods::NAMED),
        Choice::NoPurchase => f.write_str("no purchase on record, so zero cost"),
        Choice::Margin => {
            f.write_str("the result of a margin position, a gain as proceeds and a loss as cost")
        }
        Choice::SameDay => f.write_str("matched with purchases of the same day"),
        Choice::DaysAfter(date) => {
            f.write_str("matched with purchases of ")?;
            write_day(f, *date)?;
            f.write_str(", soon after")
        }
        Choice::DaysBefore(date) => {
            f.write_str("matched with purchases of ")?;
            write_day(f, *date)?;
            f.write_str(", soon before")
        }
        Choice::Pool(pool) => {
            f.write_str("average cost of the pool, which held ")?;
            f.write_str(pool.quantity.text().as_str())?;
            f.write_str(" at a cost of ")?;
            f.write_str(pool.cost.fixed(CENTS).as_str())
        }
        Choice::Portfolio(state) => write!(f, "{state}"),
        Choice::Method(method, scope) => {
            f.write_str(methods::of(*method).chosen)?;
            f.write_str(match scope {
                Scope::Universal => " of all wallets",
                Scope::Wallet => " of this wallet",
            })
        }
    }
}

impl fmt::Display for PortfolioState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(methods::of(Method::Portfolio).chosen)?;
        // An amount out of range would have stopped the disposal.
        let cost = self.paid.checked_sub(self.used).unwrap_or(self.paid);
        write!(
            f,
            ": {} x price {} / value {} = {}; held were",
            cost.to_cents(),
            self.price.to_cents(),
            self.value.to_cents(),
            self.part.to_cents(),
        )?;
        for (place, part) in self.parts.iter().enumerate() {
            f.write_str(if place == 0 { " " } else { ", " })?;
            write_part(f, part, self.date)?;
        }
        match self.more {
            0 => {}
            more => write!(
                f,
                " and {}",
                counted(more as u64, "more asset", "more assets")
            )?,
        }
        match &self.fee {
            Some(fee) => {
                f.write_str("; costs were ")?;
                write_part(f, fee, self.date)
            }
            None => Ok(()),
        }
    }
}

/// Units, what they are worth, and by which price.
fn write_part(f: &mut fmt::Formatter<'_>, part: &HeldPart, date: NaiveDate) -> fmt::Result {
    write!(f, "{} {}", part.quantity, part.asset)?;
    let Some(Valued { money, from, .. }) = part.value else {
        return f.write_str(" without a price, so zero");
    };
    write!(f, " worth {}", money.to_cents())?;
    match from {
        ValueFrom::Listed(day) => write!(f, " (listed price of {day}, {})", Away(day, date)),
        ValueFrom::Recorded(day) => {
            let away = Away(day, date);
            write!(f, " (last price in the records, of {day}, {away})")
        }
        ValueFrom::Converted(currency, day) => {
            let away = Away(day, date);
            write!(f, " (by this row, {currency} at the rate of {day}, {away})")
        }
        ValueFrom::ConvertedByList(currency, day) => {
            let away = Away(day, date);
            write!(
                f,
                " (by this row, {currency} at the listed rate of {day}, {away})"
            )
        }
        ValueFrom::Missing => f.write_str(" (without a price, so zero)"),
        _ => f.write_str(" (by this row)"),
    }
}

/// How far a day is from another one, such as `3 days before`.
struct Away(NaiveDate, NaiveDate);

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.1 - self.0).num_days() {
            0 => f.write_str("the same day"),
            1 => f.write_str("1 day before"),
            -1 => f.write_str("1 day after"),
            days if days > 0 => write!(f, "{days} days before"),
            days => write!(f, "{} days after", days.abs()),
        }
    }
}
