//! What was held as bars: cost and value of each asset, the most first.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::Selected;
use crate::amounts::{bare, cents};
use crate::inventory::Inventory;
use crate::pdf::flow::Block;
use crate::pdf::fonts::{clean, named};
use crate::pdf::page::PageWriter;
use crate::pdf::theme::{BAR_FAR, BAR_LONG, BAR_SHORT, CELL, LABEL, LINE_STRONG, MARGIN, SUB};
use crate::words;

/// Assets with bars of their own; the others share one.
const BARS_MAX: usize = 8;
/// Assets from which on a chart says more than the table over it.
const BARS_MIN: usize = 2;
const ROW: f32 = 17.0;
const LEGEND: f32 = 14.0;
const NAMES: f32 = 92.0;
const NAMES_DRAWN: f32 = NAMES - 8.0;
const AMOUNTS: f32 = 84.0;

/// Bars for the cost and, where every price is known, the value of what was held.
pub(super) struct HoldingsChart {
    title: String,
    bars: Vec<Bar>,
    has_values: bool,
}

struct Bar {
    name: String,
    cost: Money,
    value: Money,
    /// Whether a price of it is far from the day.
    is_far: bool,
}

impl HoldingsChart {
    /// The chart; nothing where there are too few assets to compare.
    pub(super) fn of(
        selected: &Selected<'_>,
        inventory: &Inventory,
    ) -> Result<Option<Self>, AmountError> {
        let lines = &inventory.lines;
        let none = Money::zero(selected.currency());
        let has_values = lines.iter().all(|line| line.value.is_some());
        let mut by_asset: BTreeMap<&str, (Money, Money, bool)> = BTreeMap::new();
        for line in lines {
            let of_asset = by_asset.entry(&line.asset).or_insert((none, none, false));
            let (cost, value, is_far) = of_asset;
            *is_far |= line.is_far(inventory.day);
            *cost = cost.checked_add(line.cost)?;
            *value = value.checked_add(line.value.unwrap_or(none))?;
        }
        let bar = |(asset, (cost, value, is_far)): (&str, _)| Bar {
            name: asset.to_owned(),
            cost,
            value,
            is_far,
        };
        let mut bars: Vec<Bar> = by_asset.into_iter().map(bar).collect();
        if bars.len() < BARS_MIN {
            return Ok(None);
        }
        bars.sort_by_key(|bar| Reverse(cents(if has_values { bar.value } else { bar.cost })));
        if bars.len() > BARS_MAX {
            let rest = bars.split_off(BARS_MAX - 1);
            let mut others = Bar {
                name: words::counted_for_print(rest.len(), "other", "others"),
                cost: none,
                value: none,
                is_far: rest.iter().any(|bar| bar.is_far),
            };
            for bar in rest {
                others.cost = others.cost.checked_add(bar.cost)?;
                others.value = others.value.checked_add(bar.value)?;
            }
            bars.push(others);
        }
        Ok(Some(Self {
            // It may stand on another page than the table over it.
            title: format!("Held at the end of {}", words::date(inventory.day)),
            bars,
            has_values,
        }))
    }

    fn has_near(&self) -> bool {
        self.has_values && self.bars.iter().any(|bar| !bar.is_far)
    }

    /// The longest bar.
    fn most(&self) -> i128 {
        let all = self.bars.iter().flat_map(|bar| [bar.cost, bar.value]);
        all.map(cents).max().unwrap_or_default().max(1)
    }

    /// The bars in words, with their names as far as they are drawn.
    fn meaning(&self) -> String {
        let bars = self.bars.iter().map(|bar| {
            let name = clean(&bar.name);
            let name = (CELL.weight.face()).fit_ends(&name, CELL.size, NAMES_DRAWN);
            let (name, cost) = (named(&name), bare(bar.cost));
            match self.has_values {
                true if bar.is_far => {
                    format!(
                        "{name}: cost {cost}, value by a far price {}",
                        bare(bar.value)
                    )
                }
                true => format!("{name}: cost {cost}, value {}", bare(bar.value)),
                false => format!("{name}: cost {cost}"),
            }
        });
        format!(
            "Bars. {}: {}.",
            self.title,
            bars.collect::<Vec<_>>().join("; ")
        )
    }

    fn draw_legend(&self, page: &mut PageWriter, top: f32) {
        page.left(MARGIN, top + 7.0, &self.title, LABEL);
        let mut x = MARGIN + LABEL.width(&self.title) + 14.0;
        let has_far = self.has_values && self.bars.iter().any(|bar| bar.is_far);
        let series = [
            (true, "Cost", BAR_SHORT),
            (self.has_near(), "Value", BAR_LONG),
            (has_far, "Value by a far price", BAR_FAR),
        ];
        for (_, name, ink) in series.iter().filter(|(is_drawn, _, _)| *is_drawn) {
            page.fill(x, top + 2.0, 5.0, 5.0, *ink);
            page.left(x + 8.0, top + 7.0, name, SUB);
            x += 8.0 + SUB.width(name) + 14.0;
        }
    }

    fn draw_bar(&self, page: &mut PageWriter, bar: &Bar, top: f32) {
        let (left, right) = (MARGIN + NAMES, page.paper().right() - AMOUNTS);
        page.fit_ends(MARGIN, top + 10.5, NAMES_DRAWN, &bar.name, CELL);
        let ink = if bar.is_far { BAR_FAR } else { BAR_LONG };
        let drawn = [(bar.cost, BAR_SHORT), (bar.value, ink)];
        let drawn = &drawn[..if self.has_values { 2 } else { 1 }];
        let height = if self.has_values { 5.0 } else { 8.0 };
        let mut y = top + 3.0;
        for (amount, ink) in drawn {
            let width = share(cents(*amount), self.most()) * (right - left);
            if width > 0.0 {
                page.fill(left, y, width.max(0.6), height, *ink);
            }
            y += height + 0.8;
        }
        let shown = if self.has_values { bar.value } else { bar.cost };
        page.number(
            page.paper().right(),
            top + 10.5,
            AMOUNTS - 8.0,
            &bare(shown),
            CELL,
        );
    }
}

/// A part of the most, to a ten-thousandth: finer than any printer draws it.
fn share(part: i128, most: i128) -> f32 {
    let share = part.clamp(0, most) * 10_000 / most;
    f32::from(i16::try_from(share).unwrap_or_default()) / 10_000.0
}

impl Block for HoldingsChart {
    fn parts(&self) -> usize {
        1
    }

    fn height(&self, _part: usize) -> f32 {
        LEGEND + self.bars.iter().map(|_| ROW).sum::<f32>() + 2.0
    }

    fn draw(&self, _part: usize, page: &mut PageWriter, top: f32) {
        let area = (MARGIN, top, page.paper().inner(), self.height(0));
        page.figure(area, self.meaning(), |page| {
            self.draw_legend(page, top);
            let mut y = top + LEGEND;
            for bar in &self.bars {
                self.draw_bar(page, bar, y);
                y += ROW;
            }
        });
        let y = top + self.height(0) - 2.0;
        let x = MARGIN + NAMES;
        page.fill(x - 0.7, top + LEGEND, 0.7, y - top - LEGEND, LINE_STRONG);
    }

    fn follows(&self) -> bool {
        true
    }

    fn gap(&self) -> f32 {
        10.0
    }
}
