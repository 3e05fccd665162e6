//! Every price that a disposal is valued by: what it is, where it comes from, how far it is in
//! time.

use chrono::NaiveDate;
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{
    Choice, Disposal, HeldPart, Origin, PortfolioState, Removed, ValueFrom,
};
use packtrain_tax::prices::AGE_DAYS_MAX;
use packtrain_tax::request::Method;

use super::Selected;
use super::disposal_lines::is_same;
use super::lists::List;
use super::place::RowPlaces;
use crate::amounts::{full, price_of_one};
use crate::limits::PRICE_LINES_PDF_MAX;
use crate::pdf::flow::Section;
use crate::pdf::places::Topic;
use crate::pdf::row::Row;
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::theme::{CELL, Paper, WARN};
use crate::sources::source;
use crate::words;

/// The prices; nothing where every disposal was paid in money of the report.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    let lines = lines(selected);
    let columns = vec![
        Column::words("Date", 11.0),
        Column::words("Asset", 10.0),
        Column::numbers(format!("One unit, {}", selected.currency()), 13.0),
        Column::words("Price by", 24.0),
        Column::words("Made", 15.0),
        Column::words("Row", 33.0),
    ];
    let count = lines.len();
    let rows = count.min(PRICE_LINES_PDF_MAX);
    let columns = Columns::new(paper, columns);
    let names = lines[..rows]
        .iter()
        .map(|(event, _)| (event.id, event.origin));
    let places = RowPlaces::of(selected, &columns, 5, names);
    let heights = places.heights();
    let write = move |index: usize, row: &mut Row<'_>| {
        let (event, what) = &lines[index];
        row.cell(0, &words::date(event.date));
        match what {
            What::Price(price) => price.write(event, row),
            What::More(count, worth) => {
                row.cell(1, &format!("{count} more"));
                row.cell(2, "–");
                let worth = worth.map(|worth| format!("worth {} together", full(worth)));
                row.cell(3, &worth.unwrap_or_default());
                row.cell(4, "–");
            }
        }
        places.write(index, row);
    };
    List {
        topic: Topic::Prices,
        title: "Prices",
        text: text(selected),
        lines: count,
        rows,
        table: Table::new(columns, rows, ROW, Box::new(write)).with_heights(heights),
    }
    .section(paper)
}

fn text(selected: &Selected<'_>) -> String {
    let currency = selected.currency();
    let portfolio = match selected.settings().method {
        Method::Portfolio => {
            " At each disposal, and each gift, everything that was held is valued: the ten most \
             valuable assets one by one."
        }
        _ => "",
    };
    format!(
        "The price behind each disposal that was not paid in {currency}, and each price from \
         outside of the row behind income, a cost, a fee or a result. \u{201c}Made\u{201d} is how \
         far in time the price is from the row.{portfolio}"
    )
}

/// The row that prices were needed for.
#[derive(Clone, Copy)]
struct Event<'a> {
    id: &'a str,
    origin: Origin,
    date: NaiveDate,
}

/// What a line of the list says.
enum What<'a> {
    Price(Price<'a>),
    /// So many assets that are not named one by one, and what they are worth together.
    More(usize, Option<Money>),
}

struct Price<'a> {
    asset: &'a str,
    /// What so many units are worth; none where no price is on record, or it is out of range.
    worth: Option<(Money, Quantity)>,
    from: ValueFrom,
}

impl Price<'_> {
    fn write(&self, event: &Event<'_>, row: &mut Row<'_>) {
        let is_rounded = self.is_rounded();
        let worth = self.worth.filter(|_| !is_rounded);
        let one = worth.map(|(money, units)| price_of_one(money, units));
        let (mut source, made) = source(self.from, event.date);
        if is_rounded {
            source.push_str(": 0.00");
        }
        row.strong_cell(1, self.asset);
        row.cell(2, &one.unwrap_or_else(|| "–".to_owned()));
        match self.from {
            ValueFrom::Missing => row.styled(3, &source, CELL.in_ink(WARN)),
            _ => row.cell(3, &source),
        }
        match self.is_far(event.date) {
            true => row.styled(4, &made, CELL.in_ink(WARN)),
            false => row.cell(4, &made),
        }
    }

    /// Whether it is the row's own amount that came to nothing: that rounds, and tells no price.
    fn is_rounded(&self) -> bool {
        let is_listed = matches!(
            self.from,
            ValueFrom::Listed(_) | ValueFrom::Answer | ValueFrom::Missing
        );
        !is_listed && self.worth.is_some_and(|(money, _)| money.is_zero())
    }

    /// Whether a price of another day is further from it than prices should be.
    fn is_far(&self, date: NaiveDate) -> bool {
        match self.from {
            ValueFrom::Listed(day) | ValueFrom::Recorded(day) => {
                (date - day).num_days().abs() > AGE_DAYS_MAX
            }
            _ => false,
        }
    }
}

/// One line for all lots of a disposal that was not paid in money, and one for each asset that was
/// held at a disposal or gift of a portfolio.
fn lines<'a>(selected: &Selected<'a>) -> Vec<(Event<'a>, What<'a>)> {
    let mut lines = Vec::new();
    for lots in selected.disposals.chunk_by(|a, b| is_same(a, b)) {
        let line = lots[0];
        let event = Event {
            id: &line.id,
            origin: line.origin,
            date: line.date,
        };
        let state = match &line.why.choice {
            Choice::Portfolio(state) => Some(&**state),
            _ => None,
        };
        let own = |part: &HeldPart| {
            let from = part.value.map(|value| value.from);
            part.asset == line.asset && from == Some(line.why.value)
        };
        let is_held = state.is_some_and(|state| state.parts.iter().any(own));
        let is_priced = !matches!(line.why.value, ValueFrom::Money | ValueFrom::Cost)
            && line.why.choice != Choice::Margin;
        if is_priced && !is_held {
            let price = Price {
                asset: &line.asset,
                worth: sums(lots),
                from: line.why.value,
            };
            lines.push((event, What::Price(price)));
        }
        lines.extend(state.into_iter().flat_map(|state| held(event, state)));
    }
    lines.extend(received(selected));
    let removed = selected.removed.iter().copied();
    lines.extend(removed.flat_map(held_at_gift));
    lines.sort_by_key(|(event, _)| event.date);
    lines
}

/// What income, costs, fees and results were valued by, where that was a price from elsewhere.
fn received<'a>(selected: &Selected<'a>) -> impl Iterator<Item = (Event<'a>, What<'a>)> {
    let income = selected.income.iter().copied();
    let income = income.filter(|line| !line.from.is_own()).map(|line| {
        let event = Event {
            id: &line.id,
            origin: line.origin,
            date: line.date,
        };
        let price = Price {
            asset: &line.asset,
            worth: Some((line.value, line.quantity)),
            from: line.from,
        };
        (event, What::Price(price))
    });
    let others = selected.valuations.iter().copied().map(|one| {
        let event = Event {
            id: &one.id,
            origin: one.origin,
            date: one.used,
        };
        let price = Price {
            asset: &one.asset,
            worth: Some((one.value, one.quantity)),
            from: one.from,
        };
        (event, What::Price(price))
    });
    income.chain(others)
}

/// What was held when units of a portfolio left without a sale.
fn held_at_gift(line: &Removed) -> impl Iterator<Item = (Event<'_>, What<'_>)> {
    let event = Event {
        id: &line.id,
        origin: line.origin,
        date: line.date,
    };
    let state = line.part.as_deref().into_iter();
    state.flat_map(move |state| held(event, state))
}

/// What was held at a disposal of a portfolio, and what its fee in units was valued by.
fn held<'a>(
    event: Event<'a>,
    state: &'a PortfolioState,
) -> impl Iterator<Item = (Event<'a>, What<'a>)> {
    let price = |part: &'a HeldPart| {
        What::Price(Price {
            asset: &part.asset,
            worth: part.value.map(|value| (value.money, part.quantity)),
            from: part.value.map_or(ValueFrom::Missing, |value| value.from),
        })
    };
    let more = (state.more > 0).then(|| What::More(state.more, rest(state)));
    let parts = state.parts.iter().map(price).chain(more);
    let all = parts.chain(state.fee.iter().map(price));
    all.map(move |what| (event, what))
}

/// What the assets are worth that a portfolio does not name.
fn rest(state: &PortfolioState) -> Option<Money> {
    let values = state.parts.iter().filter_map(|part| part.value);
    let mut values = values.map(|value| value.money);
    let rest = values.try_fold(state.value, |rest, value| rest.checked_sub(value));
    rest.ok()
}

/// What all lots of a disposal brought, and how many units they were.
fn sums(lots: &[&Disposal]) -> Option<(Money, Quantity)> {
    let mut proceeds = Money::zero(lots[0].proceeds.currency());
    let mut quantity = Quantity::ZERO;
    for lot in lots {
        proceeds = proceeds.checked_add(lot.proceeds).ok()?;
        quantity = quantity.checked_add(lot.quantity).ok()?;
    }
    Some((proceeds, quantity))
}
