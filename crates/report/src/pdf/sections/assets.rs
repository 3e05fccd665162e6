//! Gains by asset, the largest first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Disposal, Term, Totals};

use super::Selected;
use crate::amounts::{bare, cents, count, signed};
use crate::limits::ASSET_LINES_PDF_MAX;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::theme::{BODY, CELL, Paper};
use crate::words;

/// Lines that the name of an asset may take.
const NAME_LINES_MAX: usize = 4;

/// Sums over the disposals of one asset.
#[derive(Clone)]
struct Sums {
    lines: usize,
    proceeds: Money,
    fees: Money,
    cost: Money,
    short: Money,
    long: Money,
    gain: Money,
}

/// Gains by asset; nothing without disposals.
pub(super) fn section<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    if selected.disposals.is_empty() {
        return Ok(None);
    }
    let mut by_asset: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut total = Sums::zero(selected.currency());
    for line in &selected.disposals {
        total.add(line)?;
        by_asset
            .entry(&line.asset)
            .or_insert_with(|| Sums::zero(selected.currency()))
            .add(line)?;
    }
    total.take(&selected.totals);
    let mut assets: Vec<(&str, Sums)> = by_asset.into_iter().collect();
    assets.sort_by_key(|(_, sums)| Reverse(cents(sums.gain).abs()));
    let left_out = assets.len().saturating_sub(ASSET_LINES_PDF_MAX);
    assets.truncate(ASSET_LINES_PDF_MAX);
    let mut blocks: Vec<Box<dyn Block + 'a>> = Vec::new();
    if left_out > 0 {
        let text = format!(
            "The {} assets with the largest gains and losses. {} in the total, and line by line in \
             the CSV file.",
            count(ASSET_LINES_PDF_MAX),
            words::counted_for_print(left_out, "more is", "more are")
        );
        blocks.push(Box::new(Paragraph::new(paper, &text, BODY, 6.0)));
    }
    blocks.push(Box::new(table(selected, paper, assets, total)));
    Ok(Some(Section {
        topic: Topic::Assets,
        title: "Gains by asset".to_owned(),
        blocks,
    }))
}

fn table<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
    assets: Vec<(&'a str, Sums)>,
    total: Sums,
) -> Table<'a> {
    let currency = selected.currency();
    let mut columns = vec![
        Column::words("Asset", 17.0),
        Column::numbers("Lines", 9.0),
        Column::numbers(format!("Proceeds, {currency}"), 14.0),
        Column::numbers("Fees", 9.0),
        Column::numbers("Cost", 14.0),
    ];
    let has_terms = selected.terms().is_some();
    if let Some(terms) = selected.terms() {
        columns.push(Column::numbers(terms.short.name, 13.0));
        columns.push(Column::numbers(terms.long.name, 13.0));
    }
    columns.push(Column::numbers("Gain", 14.0));
    let columns = Columns::new(paper, columns);
    let rows = assets.len();
    let name = |(asset, _): &(&str, Sums)| {
        CELL.strong()
            .wrap_to(asset, columns.width(0), NAME_LINES_MAX)
    };
    let names: Vec<_> = assets.iter().map(name).collect();
    let heights = names.iter().map(|name| height_of(name.len(), 0)).collect();
    let write = move |index: usize, row: &mut Row<'_>| {
        let (asset, sums) = &assets[index];
        row.strong_lead(0, &names[index], selected.first_of(asset));
        sums.write(row, has_terms);
    };
    let table = Table::new(columns, rows, ROW, Box::new(write)).with_heights(heights);
    if rows < 2 {
        return table;
    }
    table.with_total(Box::new(move |_, row| {
        row.cell(0, "Total");
        total.write(row, has_terms);
    }))
}

impl Sums {
    const fn zero(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            lines: 0,
            proceeds: none,
            fees: none,
            cost: none,
            short: none,
            long: none,
            gain: none,
        }
    }

    fn add(&mut self, line: &Disposal) -> Result<(), AmountError> {
        self.lines += 1;
        self.proceeds = self.proceeds.checked_add(line.proceeds)?;
        self.fees = self.fees.checked_add(line.fees)?;
        self.cost = self.cost.checked_add(line.cost)?;
        self.gain = self.gain.checked_add(line.counted_gain()?)?;
        match line.term {
            Some(Term::Short) => self.short = self.short.checked_add(line.gain)?,
            Some(Term::Long) => self.long = self.long.checked_add(line.gain)?,
            None => {}
        }
        Ok(())
    }

    /// Takes the sums as they are printed elsewhere.
    const fn take(&mut self, totals: &Totals) {
        self.proceeds = totals.proceeds;
        self.fees = totals.fees;
        self.cost = totals.cost;
        self.short = totals.short;
        self.long = totals.long;
        self.gain = totals.net;
    }

    fn write(&self, row: &mut Row<'_>, has_terms: bool) {
        row.cell(1, &count(self.lines));
        row.cell(2, &bare(self.proceeds));
        row.cell(3, &bare(self.fees));
        row.cell(4, &bare(self.cost));
        if has_terms {
            row.cell(5, &signed(self.short));
            row.cell(6, &signed(self.long));
        }
        row.result(if has_terms { 7 } else { 5 }, &signed(self.gain));
    }
}

/// What stands in a table of disposals for a count of lots.
pub(super) fn lots(count: usize) -> String {
    words::counted_for_print(count, "lot", "lots")
}
