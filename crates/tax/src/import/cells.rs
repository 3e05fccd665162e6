//! Cells to values: the readers that every source shares. Each records its own errors and goes
//! on, so that a row tells all that is wrong with it at once.

use packtrain_core::ledger::{Asset, Leg, RowId};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::{AmountError, Quantity};

use super::header::short;
use super::sheet::{Flaw, Sheet};
use crate::decimal::{HELP, Marks, THOUSANDS, is_ornament};
use crate::fiat::{is_currency, is_fiat};

/// Characters of an id, a wallet, an asset's symbol or a hash.
pub(super) const WORD_CHARS_MAX: usize = 200;
/// Characters of a note.
const NOTE_CHARS_MAX: usize = 2_000;

/// A value that may be absent or, with its errors recorded, bad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell<T> {
    Absent,
    Bad,
    Good(T),
}

impl<T> Cell<T> {
    /// The value, if there is a good one.
    pub(super) fn good(self) -> Option<T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }

    /// The same, left where it is.
    pub(super) const fn there(&self) -> Option<&T> {
        match self {
            Self::Good(value) => Some(value),
            Self::Absent | Self::Bad => None,
        }
    }

    pub(super) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Flaw {
    pub(super) fn new(code: &'static str, message: impl Into<String>, help: &str) -> Self {
        let help = Some(help.to_owned());
        Self {
            code,
            message: message.into(),
            help,
        }
    }

    /// What is wrong with the text of an amount.
    pub(super) fn of_amount(error: AmountError) -> Self {
        let code = match error {
            AmountError::Empty => "amount_missing",
            AmountError::TooManyDigits | AmountError::TooManyDecimals => "amount_too_precise",
            _ => "amount_malformed",
        };
        let help = match error {
            AmountError::Malformed => {
                "expected a number such as 1234.56: a dot for decimals, no thousands mark"
            }
            AmountError::TooManyDecimals => "round it to 18 decimals",
            _ => "expected a number such as 0.42",
        };
        Self::new(code, error.to_string(), help)
    }
}

impl Flaw {
    /// What is wrong with an amount that may mean two numbers.
    fn of_doubt(what: String) -> Self {
        Self::new("amount_ambiguous", what, HELP)
    }
}

impl Sheet<'_> {
    /// A number as people and programs write it: with a sign, thousands marks, a currency sign or
    /// a power of ten.
    pub(super) fn number(&mut self, column: usize) -> Cell<Quantity> {
        let cell = self.cell(column);
        // A dash is how several exports leave a cell empty.
        if matches!(cell, "" | "-" | "--") {
            return Cell::Absent;
        }
        match loose_number(cell, self.marks()) {
            Ok(number) => Cell::Good(number),
            Err(flaw) => {
                self.flaw(Some(column), flaw);
                Cell::Bad
            }
        }
    }

    /// A number as [`Self::number`], of the text of any cell; an error names its column.
    pub(super) fn number_of_key(&mut self, key: &str) -> Cell<Quantity> {
        let Some(cell) = self.cell_of_key(key).filter(|cell| !cell.is_empty()) else {
            return Cell::Absent;
        };
        // An amount may stand with its symbol, as in `(0.07 BTC)`.
        let (number, symbol) = parted(cell, "");
        let close = symbol.rfind(')').map_or("", |at| &symbol[at..]);
        match loose_number(&format!("{number}{close}"), self.marks()) {
            Ok(number) => Cell::Good(number),
            Err(mut flaw) => {
                flaw.message = format!("{key}: {}", flaw.message);
                self.flaw(None, flaw);
                Cell::Bad
            }
        }
    }

    /// A number without its sign; absent where it is nothing.
    pub(super) fn size(&mut self, column: usize) -> Cell<Quantity> {
        match self.number(column) {
            Cell::Good(number) if number.is_zero() => Cell::Absent,
            Cell::Good(number) => Cell::Good(number.abs()),
            other => other,
        }
    }

    /// An amount without its sign, and its asset.
    pub(super) fn unsigned_leg(&mut self, amount: usize, asset: usize) -> Cell<Leg> {
        match self.size(amount) {
            Cell::Good(number) => match self.name(asset) {
                Cell::Good(asset) => Cell::Good(Leg {
                    amount: number,
                    asset,
                }),
                Cell::Bad => Cell::Bad,
                Cell::Absent => {
                    self.flaw(Some(asset), no_asset());
                    Cell::Bad
                }
            },
            Cell::Absent => Cell::Absent,
            Cell::Bad => Cell::Bad,
        }
    }

    /// An amount with its symbol in one cell, such as `0.5BTC` or `0.5 BTC`, without its sign.
    ///
    /// Where a symbol begins with a figure and nothing parts it from the amount, as in `0.51INCH`,
    /// only the symbol `expected` can be told.
    pub(super) fn amount_with_symbol(&mut self, column: usize, expected: &str) -> Option<Leg> {
        let (number, symbol) = parted(self.cell(column), expected);
        let (number, symbol) = (number.trim().to_owned(), symbol.trim().to_owned());
        if number.is_empty() && symbol.is_empty() {
            return None;
        }
        let amount = loose_number(&number, self.marks());
        match amount {
            Ok(amount) if matches!(symbol.chars().count(), 1..=WORD_CHARS_MAX) => Some(Leg {
                amount: amount.abs(),
                asset: self.shared(&symbol),
            }),
            Ok(_) => {
                self.flaw(Some(column), no_asset());
                None
            }
            Err(flaw) => {
                self.flaw(Some(column), flaw);
                None
            }
        }
    }

    /// An amount and its asset.
    pub(super) fn leg(&mut self, amount: usize, asset: usize) -> Cell<Leg> {
        let (number, symbol) = (self.cell(amount), self.cell(asset));
        if number.is_empty() && symbol.is_empty() {
            return Cell::Absent;
        }
        let nameless = symbol.is_empty();
        let plain = self.marks().plain(number).map_err(Flaw::of_doubt);
        let read: Result<Quantity, Flaw> =
            plain.and_then(|plain| plain.parse().map_err(Flaw::of_amount));
        let flaw = match read {
            Ok(zero) if zero.is_zero() && nameless => return Cell::Absent,
            Ok(_) if nameless => (asset, no_asset()),
            Ok(less) if less.is_negative() => (amount, negative()),
            Ok(fine) => match Money::from_quantity(fine, Currency::USD) {
                // Nearly every amount would do as money, so that few symbols are looked up.
                Err(error) if is_fiat(symbol) => (amount, Flaw::of_amount(error)),
                _ => return self.named_leg(fine, asset),
            },
            Err(flaw) => (amount, flaw),
        };
        self.flaw(Some(flaw.0), flaw.1);
        Cell::Bad
    }

    fn named_leg(&mut self, amount: Quantity, asset: usize) -> Cell<Leg> {
        match self.name(asset) {
            Cell::Good(asset) => Cell::Good(Leg { amount, asset }),
            _ => Cell::Bad,
        }
    }

    /// A wallet's or an asset's name.
    pub(super) fn name(&mut self, column: usize) -> Cell<Asset> {
        match self.cell(column).len() {
            0 => Cell::Absent,
            long if long > WORD_CHARS_MAX && self.is_too_long(column, WORD_CHARS_MAX) => Cell::Bad,
            _ => Cell::Good(self.word(column)),
        }
    }

    /// Free text that is kept as it is: an id or a hash.
    pub(super) fn text(&mut self, column: usize) -> Option<Box<str>> {
        self.free_text(column, WORD_CHARS_MAX)
    }

    /// An id that is the row's own as it stands.
    pub(super) fn row_id(&mut self, column: usize) -> Option<RowId> {
        self.free_text(column, WORD_CHARS_MAX)
    }

    /// A note, which may be longer.
    pub(super) fn note(&mut self, column: usize) -> Option<Box<str>> {
        self.free_text(column, NOTE_CHARS_MAX)
    }

    fn free_text<T: for<'t> From<&'t str>>(
        &mut self,
        column: usize,
        chars_max: usize,
    ) -> Option<T> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return None;
        }
        if cell.len() <= chars_max {
            return Some(cell.into());
        }
        match self.is_too_long(column, chars_max) {
            true => None,
            false => Some(self.cell(column).into()),
        }
    }

    fn is_too_long(&mut self, column: usize, chars_max: usize) -> bool {
        let cell = self.cell(column);
        if cell.chars().count() <= chars_max {
            return false;
        }
        let message = format!("longer than {chars_max} characters");
        self.flaw(Some(column), Flaw::new("too_long", message, "shorten it"));
        true
    }

    /// A currency of the list in [`crate::fiat`].
    pub(super) fn currency(&mut self, column: usize) -> Cell<Currency> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Cell::Absent;
        }
        match cell.parse() {
            Ok(currency) if is_currency(cell) => return Cell::Good(currency),
            _ => {}
        }
        let message = format!("{:?} is no currency", short(cell));
        let help = "expected a three-letter code such as USD";
        self.flaw(Some(column), Flaw::new("currency_unknown", message, help));
        Cell::Bad
    }

    /// Money in the row's currency.
    pub(super) fn money(&mut self, column: usize, currency: Currency, signed: bool) -> Cell<Money> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Cell::Absent;
        }
        let plain = self.marks().plain(cell).map_err(Flaw::of_doubt);
        let read = plain.and_then(|plain| {
            let read = Money::parse(&plain, currency);
            read.map_err(Flaw::of_amount)
        });
        let flaw = match read {
            Ok(money) if signed || !money.is_negative() => return Cell::Good(money),
            Ok(_) => negative(),
            Err(flaw) => flaw,
        };
        self.flaw(Some(column), flaw);
        Cell::Bad
    }
}

/// An amount and the symbol behind it.
fn parted<'c>(cell: &'c str, expected: &str) -> (&'c str, &'c str) {
    if !expected.is_empty() && cell.ends_with(expected) {
        return cell.split_at(cell.len() - expected.len());
    }
    let Some(letter) = cell.find(|letter: char| letter.is_alphabetic()) else {
        return (cell, "");
    };
    // A symbol may begin with figures, such as 1INCH; three of them are a group of thousands.
    let has_figures = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let begins = |space: &usize| {
        let figures = cell[*space..letter].trim();
        let are_of_the_symbol = figures.bytes().all(|byte| byte.is_ascii_digit());
        are_of_the_symbol && figures.len() != THOUSANDS && has_figures(&cell[..*space])
    };
    let space = cell[..letter].rfind(char::is_whitespace).filter(begins);
    cell.split_at(space.unwrap_or(letter))
}

/// Reads a number that people and spreadsheets have touched.
fn loose_number(cell: &str, marks: Marks) -> Result<Quantity, Flaw> {
    let mut plain: String = cell.chars().filter(|it| !is_ornament(*it)).collect();
    // Bookkeepers write what is less than nothing in parentheses.
    if cell.starts_with('(') && cell.trim_end().ends_with(')') {
        plain.insert(0, '-');
    }
    let plain = match marks.takes_commas() {
        true => marks.loose(&plain).map_err(Flaw::of_doubt)?,
        false if plain.contains(',') && has_thousands(&plain) => plain.replace(',', "").into(),
        false => plain.into(),
    };
    number(&plain).map_err(Flaw::of_amount)
}

/// A number with a point as its mark of decimals, and maybe a power of ten.
fn number(plain: &str) -> Result<Quantity, AmountError> {
    let Some((digits, power)) = plain.split_once(['e', 'E']) else {
        return plain.parse();
    };
    let number: Quantity = digits.parse()?;
    let power: i32 = power.parse().map_err(|_| AmountError::Malformed)?;
    number.times_ten_to(power)
}

/// Whether commas part the figures before the dot in threes.
fn has_thousands(plain: &str) -> bool {
    let whole = plain.trim_start_matches('-').split('.').next();
    let mut groups = whole.unwrap_or_default().split(',');
    let first = groups.next().unwrap_or_default();
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (1..=3).contains(&first.len())
        && is_number(first)
        && groups.all(|group| group.len() == 3 && is_number(group))
}

fn negative() -> Flaw {
    Flaw::new(
        "amount_negative",
        "the amount is negative",
        "amounts have no sign here: the column says which way they go",
    )
}

fn no_asset() -> Flaw {
    Flaw::new(
        "asset_missing",
        "the amount has no asset",
        "expected a symbol such as BTC",
    )
}
