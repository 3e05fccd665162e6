//! What was held at the start and at the end of the years, and what is held when the records end.

use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Holding, ValueFrom};
use packtrain_tax::prices::AGE_DAYS_MAX;

use super::Selected;
use super::holdings_chart::HoldingsChart;
use super::lists::{WALLET_LINES_MAX, sum};
use crate::amounts::bare;
use crate::inventory::{Inventory, InventoryLine};
use crate::limits::{HOLDING_LINES_PDF_MAX, NEAR_PRICE_DAYS_MAX};
use crate::pdf::decimals::Decimals;
use crate::pdf::flow::{Block, Section};
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::{Row, height_of};
use crate::pdf::table::{Column, Columns, ROW, Table};
use crate::pdf::theme::{BODY, CELL, Paper, SUBHEADING, WARN};
use crate::words;

/// What was held and is held; nothing when there never was anything.
pub(super) fn section<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    let held = selected.document.inventories;
    let last: Vec<InventoryLine> = (selected.document.outcome.holdings.iter())
        .map(line)
        .collect();
    let mut blocks: Vec<Box<dyn Block + 'a>> = Vec::new();
    for inventory in held {
        blocks.extend(of_day(selected, paper, inventory)?);
    }
    // When the records end with the last year, its end has said it all.
    let is_new = held.last().is_none_or(|held| !is_as(&held.lines, &last));
    if is_new && !last.is_empty() {
        let heading = Paragraph::new(paper, "When the records end", SUBHEADING, 0.0);
        blocks.push(Box::new(heading.with_gap(18.0)));
        blocks.push(Box::new(table(selected, paper, last, None)?));
    }
    if blocks.is_empty() {
        return Ok(None);
    }
    let text = if held.is_empty() {
        "What is left when the records end, whichever years this report covers, with what it cost."
    } else {
        "What was held at the end of these days, with what it had cost, and with what it was worth \
         by the nearest price of the list or, where that is nearer, of the last trade in the \
         records. It is computed from the rows up to the day: purchases of later days, with which \
         a rule may match sales of this one, do not change it."
    };
    let text = match far(held) {
        Some(far) => format!("{text} {far}"),
        None => text.to_owned(),
    };
    blocks.insert(0, Box::new(Paragraph::new(paper, &text, BODY, 0.0)));
    Ok(Some(Section {
        topic: Topic::Holdings,
        title: "Holdings".to_owned(),
        blocks,
    }))
}

/// Says how many values rest on a price that is too far from their day, and how far the farthest
/// is; nothing where none does.
fn far(held: &[Inventory]) -> Option<String> {
    let days = held.iter().flat_map(|held| {
        let lines = held.lines.iter();
        lines.filter_map(|line| line.price_days(held.day))
    });
    let off: Vec<i64> = days.filter(|days| *days > AGE_DAYS_MAX).collect();
    let most = *off.iter().max()?;
    let farthest = usize::try_from(most).unwrap_or(usize::MAX);
    let marked = match most > NEAR_PRICE_DAYS_MAX {
        true => format!(
            " Those by a price more than {NEAR_PRICE_DAYS_MAX} days off are marked \
             \u{201c}far\u{201d} and drawn grey; the totals have them."
        ),
        false => String::new(),
    };
    Some(format!(
        "{} more than {AGE_DAYS_MAX} days from the day, up to {}: check what depends on them.\
         {marked}",
        words::counted_for_print(off.len(), "value is by a price", "values are by prices"),
        words::counted_for_print(farthest, "day", "days")
    ))
}

fn line(holding: &Holding) -> InventoryLine {
    InventoryLine {
        asset: holding.asset.clone(),
        wallet: holding.wallet.clone(),
        quantity: holding.quantity,
        cost: holding.cost,
        value: None,
        price: None,
    }
}

/// Whether the same is held for the same cost.
fn is_as(a: &[InventoryLine], b: &[InventoryLine]) -> bool {
    let same = |a: &InventoryLine, b: &InventoryLine| {
        a.asset == b.asset && a.wallet == b.wallet && a.quantity == b.quantity && a.cost == b.cost
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

fn of_day<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
    inventory: &'a Inventory,
) -> Result<Vec<Box<dyn Block + 'a>>, AmountError> {
    let title = format!("At the end of {}", words::date(inventory.day));
    let heading = Paragraph::new(paper, &title, SUBHEADING, 0.0).with_gap(18.0);
    let mut blocks: Vec<Box<dyn Block + 'a>> = vec![Box::new(heading)];
    if inventory.lines.is_empty() {
        let text = Paragraph::new(paper, "Nothing was held.", BODY, 0.0);
        blocks.push(Box::new(text.with_gap(2.0).closing()));
        return Ok(blocks);
    }
    let lines = inventory.lines.clone();
    blocks.push(Box::new(table(selected, paper, lines, Some(inventory))?));
    blocks.extend(HoldingsChart::of(selected, inventory)?.map(|chart| {
        let chart: Box<dyn Block + 'a> = Box::new(chart);
        chart
    }));
    Ok(blocks)
}

/// The columns after the asset, which come and go.
struct Places {
    wallet: Option<usize>,
    quantity: usize,
    cost: usize,
    value: Option<usize>,
}

fn columns(
    selected: &Selected<'_>,
    paper: Paper,
    lines: &[InventoryLine],
    is_valued: bool,
) -> (Columns, Places) {
    let mut columns = vec![Column::words("Asset", 14.0)];
    let has_wallets = lines.iter().any(|line| line.wallet.is_some());
    let wallet = has_wallets.then(|| {
        columns.push(Column::words("Wallet", 25.0));
        columns.len() - 1
    });
    columns.push(Column::numbers("Quantity", 20.0));
    let currency = selected.currency();
    columns.push(Column::numbers(format!("Cost, {currency}"), 14.0));
    let cost = columns.len() - 1;
    let value = is_valued.then(|| {
        columns.push(Column::numbers(format!("Value, {currency}"), 14.0));
        columns.push(Column::words("Price by", 30.0));
        columns.len() - 2
    });
    let places = Places {
        wallet,
        quantity: cost - 1,
        cost,
        value,
    };
    (Columns::new(paper, columns), places)
}

fn table<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
    lines: Vec<InventoryLine>,
    valued: Option<&'a Inventory>,
) -> Result<Table<'a>, AmountError> {
    let (columns, places) = columns(selected, paper, &lines, valued.is_some());
    let cost = sum(selected, lines.iter().map(|line| line.cost))?;
    let value = sum(selected, lines.iter().filter_map(|line| line.value))?;
    let decimals = Decimals::of(lines.iter().map(|line| &line.quantity));
    let all = lines.len();
    let rows = all.min(HOLDING_LINES_PDF_MAX);
    let wallets: Vec<Vec<String>> = lines[..rows]
        .iter()
        .map(|line| match (places.wallet, &line.wallet) {
            (Some(at), Some(wallet)) => CELL.wrap_to(wallet, columns.width(at), WALLET_LINES_MAX),
            _ => Vec::new(),
        })
        .collect();
    let heights = wallets.iter().map(|wallet| height_of(wallet.len(), 0));
    let heights = heights.collect();
    let (in_cost, in_value) = (places.cost, places.value);
    let write = move |index: usize, row: &mut Row<'_>| {
        let line = &lines[index];
        row.strong_cell(0, &line.asset);
        if let Some(at) = places.wallet {
            row.lines(at, &wallets[index], CELL);
        }
        row.quantity(places.quantity, &line.quantity, decimals);
        row.cell(places.cost, &bare(line.cost));
        if let (Some(at), Some(held)) = (places.value, valued) {
            row.cell(at, &line.value.map_or_else(|| "–".to_owned(), bare));
            let price = line.price.map(|(from, made)| price(from, made, held));
            let price = price.unwrap_or_else(|| "no price".to_owned());
            match line.is_far(held.day) {
                true => row.styled(at + 1, &format!("far: {price}"), CELL.in_ink(WARN)),
                false => row.cell(at + 1, &price),
            }
        }
    };
    let table = Table::new(columns, rows, ROW, Box::new(write))
        .with_heights(heights)
        .with_gap(4.0);
    if all < 2 {
        return Ok(table);
    }
    Ok(table.with_total(Box::new(move |_, row| {
        row.cell(0, "Total");
        row.cell(in_cost, &bare(cost));
        if let Some(at) = in_value {
            row.cell(at, &bare(value));
        }
    })))
}

fn price(from: ValueFrom, made: chrono::NaiveDate, held: &Inventory) -> String {
    let source = match from {
        ValueFrom::Listed(_) => "list",
        _ => "last trade",
    };
    format!("{source}, {}", words::before(made, held.day))
}
