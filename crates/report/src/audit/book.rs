//! A workbook of plain tables: a frozen header, columns wide enough, cells that lose nothing.

use packtrain_core::money::Money;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use crate::figures::disposals;
use crate::{Document, ENGINE, ReportError, XLSX_ROWS_MAX, XLSX_TEXT_CHARS_MAX};

/// Digits that a spreadsheet keeps of a number.
const DIGITS_MAX: usize = 15;
/// How a spreadsheet shows an amount of money.
const MONEY: &str = "#,##0.00";

/// A workbook that is being filled.
pub(super) struct Book {
    workbook: Workbook,
    header: Format,
    money: Format,
    /// Whether money is written as numbers; see [`Cell::Money`].
    has_numbers: bool,
}

/// A column: its name and its width in digits.
pub(super) struct Column(pub(super) &'static str, pub(super) u16);

/// What a cell holds.
pub(super) enum Cell {
    /// Text, of ours or from the input. A workbook says of each cell that it is text, so nothing in
    /// it is ever taken for a formula, and it needs no apostrophe.
    Text(String),
    /// Money, rounded to cents once. It is a number, so that a column can be summed by hand: a
    /// number of a spreadsheet keeps 15 digits, and what has no more comes back as it was written.
    /// Where any amount of the workbook has more, all of them are text: a sum over numbers with a
    /// text between would leave that one out without a word.
    Money(Money),
    /// The exact amount, with up to 18 decimals: text, since no number of a spreadsheet holds it.
    Exact(Money),
    /// A number of things.
    Count(u32),
    /// Nothing.
    Empty,
}

impl Cell {
    /// Text, or nothing.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Empty
        } else {
            Self::Text(text)
        }
    }

    /// A number of things; nothing where there are none.
    pub(super) fn some(count: usize) -> Self {
        match count {
            0 => Self::Empty,
            some => Self::Count(u32::try_from(some).unwrap_or(u32::MAX)),
        }
    }
}

impl Book {
    /// An empty workbook, dated by the document alone.
    pub(super) fn new(document: &Document<'_>) -> Result<Self, ReportError> {
        let made = ExcelDateTime::from_timestamp(document.generated_at.timestamp())?;
        let properties = DocProperties::new()
            .set_title("Audit log")
            .set_author(ENGINE)
            .set_creation_datetime(&made);
        let mut workbook = Workbook::new();
        workbook.set_properties(&properties);
        Ok(Self {
            workbook,
            header: Format::new().set_bold(),
            money: Format::new().set_num_format(MONEY),
            has_numbers: fits(document),
        })
    }

    /// Adds a sheet: a header that stays in sight, and as many records as a sheet holds.
    pub(super) fn sheet<R>(
        &mut self,
        name: &str,
        columns: &[Column],
        records: impl IntoIterator<Item = R>,
    ) -> Result<(), ReportError>
    where
        R: IntoIterator<Item = Cell>,
    {
        let (header, money) = (self.header.clone(), self.money.clone());
        let has_numbers = self.has_numbers;
        let sheet = self.workbook.add_worksheet();
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (at, Column(name, width)) in (0_u16..).zip(columns) {
            sheet.set_column_width(at, *width)?;
            sheet.write_string_with_format(0, at, *name, &header)?;
        }
        let mut records = records.into_iter();
        for (row, record) in (1..=XLSX_ROWS_MAX).zip(records.by_ref()) {
            for (at, cell) in (0_u16..).zip(record) {
                write(sheet, row, at, cell, has_numbers.then_some(&money))?;
            }
        }
        if records.next().is_some() {
            let more = "More than a sheet holds: the other files of the report have the rest.";
            sheet.write_string(XLSX_ROWS_MAX + 1, 0, more)?;
        }
        Ok(())
    }

    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, ReportError> {
        Ok(self.workbook.save_to_buffer()?)
    }
}

fn write(
    sheet: &mut Worksheet,
    row: u32,
    at: u16,
    cell: Cell,
    money: Option<&Format>,
) -> Result<(), XlsxError> {
    match (cell, money) {
        (Cell::Empty, _) => {}
        (Cell::Count(count), _) => {
            sheet.write_number(row, at, count)?;
        }
        (Cell::Money(amount), Some(format)) => {
            let text = amount.to_cents();
            match text.parse::<f64>() {
                Ok(number) => sheet.write_number_with_format(row, at, number, format)?,
                Err(_) => sheet.write_string(row, at, text)?,
            };
        }
        (Cell::Money(amount), None) => {
            sheet.write_string(row, at, amount.to_cents())?;
        }
        (Cell::Exact(amount), _) => {
            sheet.write_string(row, at, amount.to_plain())?;
        }
        (Cell::Text(text), _) => {
            let text: String = text.chars().take(XLSX_TEXT_CHARS_MAX).collect();
            sheet.write_string(row, at, text)?;
        }
    }
    Ok(())
}

/// Whether every amount of money has few enough digits for a number.
fn fits(document: &Document<'_>) -> bool {
    let outcome = document.outcome;
    let lines = disposals(document).flat_map(|line| {
        let money = [line.proceeds, line.fees, line.cost, line.gain];
        money.into_iter().chain([line.denied_loss])
    });
    let totals = outcome.totals.values().flat_map(|totals| {
        let sums = [totals.proceeds, totals.cost, totals.fees, totals.gains];
        sums.into_iter()
            .chain([totals.losses, totals.net, totals.income, totals.other])
    });
    let income = outcome.income.iter().map(|line| line.value);
    let rest = outcome.removed.iter().map(|line| line.cost);
    let stakes = outcome.warnings.iter().map(|warning| warning.at_stake);
    (lines.chain(totals).chain(income).chain(rest).chain(stakes)).all(has_few_digits)
}

fn has_few_digits(money: Money) -> bool {
    let text = money.to_cents();
    text.chars().filter(char::is_ascii_digit).count() <= DIGITS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::usd;

    #[test]
    fn a_number_of_fifteen_digits_comes_back_as_it_was_written() {
        for text in [
            "9999999999999.99",
            "0.10",
            "-8007199254740.93",
            "1234567.89",
        ] {
            assert!(has_few_digits(usd(text)));
            let number: f64 = usd(text).to_cents().parse().unwrap();
            assert_eq!(format!("{number:.2}"), text);
        }
        assert!(!has_few_digits(usd("10000000000000.01")));
    }
}
