//! Gains over time as bars with their figures beneath, short and long side by side.

use chrono::Datelike;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;
use packtrain_tax::jurisdiction::Terms;
use packtrain_tax::outcome::{Disposal, TaxYear, Term};

use super::Selected;
use super::scale::Scale;
use crate::amounts::{MINUS, cents, currency_name, sign_of, whole_signed};
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::{Anchor, Topic};
use crate::pdf::tags::Role;
use crate::pdf::theme::{
    ACCENT, BAD, BAR_LONG, BAR_SHORT, BODY, CELL, Ink, LABEL, LINE, LINE_STRONG, MARGIN, Paper,
    SUB, SUBHEADING,
};
use crate::years::{month_name, months_of_year, tax_year};

/// Years that get a chart by month; with more, one chart shows the years.
const MONTH_CHARTS_MAX: usize = 3;
/// Bars of a chart by year; the latest years are shown.
const YEAR_BARS_MAX: usize = 16;
/// Height of the plot of the only chart, and of each of several.
const PLOT: f32 = 118.0;
const PLOT_OF_SEVERAL: f32 = 92.0;
/// Least width of the names to the left of a plot.
const GUTTER: f32 = 46.0;
/// A swatch of a series, and the space behind a name.
const SWATCH: f32 = 8.0;
const BEHIND: f32 = 7.0;
const TABLE_ROW: f32 = 13.0;
/// Least height of a bar: the line of the axis, of which half is on either side, hides less.
const BAR_MIN: f32 = 1.2;

/// Gains by month, or by year where there are many; nothing without disposals.
pub(super) fn section<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Option<Section<'a>>, AmountError> {
    if selected.disposals.is_empty() {
        return Ok(None);
    }
    let by_month = selected.years.len() <= MONTH_CHARTS_MAX;
    let (charts, without) = if by_month {
        month_charts(selected)?
    } else {
        let chart = year_chart(selected);
        (
            chart.has_bars().then_some(chart).into_iter().collect(),
            Vec::new(),
        )
    };
    if charts.is_empty() {
        return Ok(None);
    }
    let mut text = format!(
        "In whole {}. Bars up are gains, bars down are losses.",
        currency_name(selected.currency())
    );
    for year in without {
        text.push_str(&format!(
            " Every month of {year} rounds to 0, so it has no chart."
        ));
    }
    let mut blocks: Vec<Box<dyn Block + 'a>> =
        vec![Box::new(Paragraph::new(paper, &text, BODY, 4.0))];
    for chart in charts {
        blocks.push(Box::new(chart));
    }
    let title = if by_month {
        "Gains by month"
    } else {
        "Gains by year"
    };
    Ok(Some(Section {
        topic: Topic::Chart,
        title: title.to_owned(),
        blocks,
    }))
}

/// A chart for each year; and the years with disposals of which it would show nothing.
fn month_charts(selected: &Selected<'_>) -> Result<(Vec<Chart>, Vec<String>), AmountError> {
    let country = selected.settings().country;
    let (mut charts, mut without) = (Vec::new(), Vec::new());
    for &year in &selected.years {
        let months = months_of_year(country, year);
        let labels = months.iter().map(|month| month_name(country, year, *month));
        let mut chart = Chart::empty(selected, selected.year_name(year), labels.collect());
        for line in &selected.disposals {
            if tax_year(country, line.date) == year {
                let month = (line.date.year(), line.date.month());
                let place = months.iter().position(|known| *known == month);
                let place = place.expect("a date lies in a month of its tax year");
                chart.bars[place].add(line)?;
            }
        }
        if chart.has_bars() {
            chart.months = months;
            charts.push(chart);
        } else if chart.bars.iter().any(|bar| bar.lines > 0) {
            without.push(selected.year_name(year));
        }
    }
    match charts.as_mut_slice() {
        [chart] if selected.years.len() == 1 => chart.title.clear(),
        [_] => {}
        several => several
            .iter_mut()
            .for_each(|chart| chart.plot = PLOT_OF_SEVERAL),
    }
    Ok((charts, without))
}

fn year_chart(selected: &Selected<'_>) -> Chart {
    let skipped = selected.years.len().saturating_sub(YEAR_BARS_MAX);
    let years: &[TaxYear] = &selected.years[skipped..];
    let labels = years.iter().map(|year| selected.year_name(*year)).collect();
    let mut chart = Chart::empty(selected, String::new(), labels);
    for (bar, year) in chart.bars.iter_mut().zip(years) {
        let totals = selected.totals_of(*year);
        (bar.short, bar.long, bar.net) = (totals.short, totals.long, totals.net);
        bar.lines = totals.disposals;
    }
    chart
}

/// Name, colour of its bars where it has bars, value.
type Series = (&'static str, Option<Ink>, fn(&Bar) -> Money);

struct Chart {
    title: String,
    labels: Vec<String>,
    /// The month of each bar, where it is one.
    months: Vec<(i32, u32)>,
    bars: Vec<Bar>,
    terms: Option<&'static Terms>,
    sign: String,
    plot: f32,
}

#[derive(Clone)]
struct Bar {
    short: Money,
    long: Money,
    net: Money,
    lines: usize,
}

impl Bar {
    const fn empty(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            short: none,
            long: none,
            net: none,
            lines: 0,
        }
    }

    fn add(&mut self, line: &Disposal) -> Result<(), AmountError> {
        self.lines += 1;
        self.net = self.net.checked_add(line.counted_gain()?)?;
        match line.term {
            Some(Term::Short) => self.short = self.short.checked_add(line.gain)?,
            Some(Term::Long) => self.long = self.long.checked_add(line.gain)?,
            None => {}
        }
        Ok(())
    }
}

impl Chart {
    fn empty(selected: &Selected<'_>, title: String, labels: Vec<String>) -> Self {
        let currency = selected.currency();
        Self {
            title,
            bars: vec![Bar::empty(currency); labels.len()],
            labels,
            months: Vec::new(),
            terms: selected.terms(),
            sign: sign_of(currency),
            plot: PLOT,
        }
    }

    /// Whether any figure under the plot is not 0: bars of some cents over noughts say nothing.
    fn has_bars(&self) -> bool {
        let shown = |bar: &Bar| {
            let mut values = self.series().into_iter().map(|(_, _, value)| value(bar));
            values.any(is_shown)
        };
        self.bars.iter().any(shown)
    }

    /// The rows under the plot.
    fn series(&self) -> Vec<Series> {
        match self.terms {
            Some(terms) => vec![
                (terms.short.name, Some(BAR_SHORT), |bar| bar.short),
                (terms.long.name, Some(BAR_LONG), |bar| bar.long),
                ("Net", None, |bar| bar.net),
            ],
            None => vec![("Net", Some(BAR_LONG), |bar| bar.net)],
        }
    }

    /// Width to the left of the plot: every name of a series stands there whole.
    fn gutter(&self) -> f32 {
        let names = self.series().into_iter().map(|(name, ink, _)| match ink {
            Some(_) => SWATCH + SUB.width(name),
            None => SUB.strong().width(name),
        });
        let labels = self.scale().labels(&self.sign);
        let labels = labels.iter().map(|label| SUB.width(label));
        names
            .chain(labels)
            .map(|width| width + BEHIND)
            .fold(GUTTER, f32::max)
    }

    fn scale(&self) -> Scale {
        let values = self.bars.iter().flat_map(|bar| {
            self.series()
                .into_iter()
                .filter(|(_, ink, _)| ink.is_some())
                .map(|(_, _, value)| cents(value(bar)))
        });
        let (mut low, mut high) = (0, 0);
        for value in values {
            low = value.min(low);
            high = value.max(high);
        }
        Scale::over(low, high)
    }

    fn title_height(&self) -> f32 {
        if self.title.is_empty() { 6.0 } else { 22.0 }
    }

    fn draw_plot(&self, page: &mut PageWriter, top: f32) {
        let (left, right) = (MARGIN + self.gutter(), page.paper().right());
        let scale = self.scale();
        for (tick, label) in scale.ticks().into_iter().zip(scale.labels(&self.sign)) {
            let y = top + scale.down(tick) * self.plot;
            let (ink, thick) = if tick == 0 {
                (LINE_STRONG, 0.7)
            } else {
                (LINE, 0.5)
            };
            page.rule(left, right, y, thick, ink);
            page.right(left - 6.0, y + 2.4, &label, SUB);
        }
        let slot = self.slot(page);
        let series = self.series();
        let drawn: Vec<_> = series
            .iter()
            .filter_map(|(_, ink, value)| Some(((*ink)?, value)))
            .collect();
        let width = (slot * 0.62 / if drawn.len() > 1 { 2.0 } else { 1.0 }).min(18.0);
        let mut x = left;
        for bar in &self.bars {
            let all: f32 = drawn.iter().map(|_| width).sum();
            let mut at = x + (slot - all) / 2.0;
            for (ink, value) in &drawn {
                let value = value(bar);
                if is_shown(value) {
                    let (from, height) = stretch(&scale, self.plot, cents(value));
                    page.fill(at, top + from, width - 0.8, height, *ink);
                }
                at += width;
            }
            x += slot;
        }
    }

    fn draw_table(&self, page: &mut PageWriter, top: f32) {
        let gutter = self.gutter();
        let left = MARGIN + gutter;
        let slot = self.slot(page);
        let mut x = left + slot / 2.0;
        page.begin(Role::Row);
        page.part(Role::Cell, |_| {});
        for (place, label) in self.labels.iter().enumerate() {
            let area = (x - slot / 2.0, top, slot, TABLE_ROW);
            let month = self.months.get(place);
            let month = month.map(|month| Anchor::Month(month.0, month.1));
            page.part(Role::ColumnHead, |page| {
                page.lead(area, month, |page, at| {
                    let style = at.map_or(LABEL, |_| LABEL.in_ink(ACCENT));
                    page.centred(x, top + 9.0, slot - 3.0, label, style);
                });
            });
            x += slot;
        }
        page.end();
        let mut y = top + TABLE_ROW;
        for (name, ink, value) in self.series() {
            page.rule(MARGIN, page.paper().right(), y + 0.5, 0.5, LINE);
            let strong = ink.is_none();
            let style = if strong {
                SUB.strong().in_ink(CELL.ink)
            } else {
                SUB.in_ink(CELL.ink)
            };
            let mut start = MARGIN;
            if let Some(ink) = ink {
                page.fill(start, y + 4.0, 5.0, 5.0, ink);
                start += SWATCH;
            }
            page.begin(Role::Row);
            page.part(Role::RowHead, |page| {
                page.fit(start, y + 9.0, left - start, name, style);
            });
            let mut x = left + slot / 2.0;
            for bar in &self.bars {
                let text = whole_signed(value(bar));
                let loss = text.starts_with(MINUS);
                let style = if loss { style.in_ink(BAD) } else { style };
                page.part(Role::Cell, |page| {
                    page.centred(x, y + 9.0, slot - 3.0, &text, style);
                });
                x += slot;
            }
            page.end();
            y += TABLE_ROW;
        }
    }

    fn slot(&self, page: &PageWriter) -> f32 {
        let bars: f32 = self.bars.iter().map(|_| 1.0).sum();
        (page.paper().inner() - self.gutter()) / bars
    }
}

/// Whether the figure under a bar is not 0.
fn is_shown(value: Money) -> bool {
    !["0", "–"].contains(&&*whole_signed(value))
}

/// From where down a plot a bar reaches, and how far: however small it is, it is on its own side
/// of zero.
fn stretch(scale: &Scale, plot: f32, value: i128) -> (f32, f32) {
    let (zero, end) = (scale.down(0) * plot, scale.down(value) * plot);
    let height = (zero - end).abs().max(BAR_MIN);
    match value < 0 {
        true => (zero, height),
        false => (zero - height, height),
    }
}

impl Block for Chart {
    fn parts(&self) -> usize {
        1
    }

    fn height(&self, _part: usize) -> f32 {
        let rows: f32 = self.series().iter().map(|_| TABLE_ROW).sum();
        self.title_height() + self.plot + 8.0 + TABLE_ROW + rows
    }

    fn draw(&self, _part: usize, page: &mut PageWriter, top: f32) {
        if !self.title.is_empty() {
            page.part(Role::Subheading, |page| {
                page.left(MARGIN, top + 9.0, &self.title, SUBHEADING);
            });
        }
        let top = top + self.title_height();
        let meaning = "Bars of gains and losses; their figures are in the table that follows.";
        let area = (MARGIN, top, page.paper().inner(), self.plot);
        page.figure(area, meaning.to_owned(), |page| self.draw_plot(page, top));
        page.part(Role::Table, |page| {
            self.draw_table(page, top + self.plot + 6.0);
        });
    }

    fn gap(&self) -> f32 {
        16.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_on_its_own_side_of_zero_however_small_it_is() {
        let scale = Scale::over(-2_000_000, 5_000_000);
        let zero = scale.down(0) * PLOT;
        for value in [1, 400, 1_600, 90_000, 5_000_000] {
            let (from, height) = stretch(&scale, PLOT, value);
            assert!(height >= BAR_MIN && from >= -0.01, "{value}: {from}");
            assert!((from + height - zero).abs() < 0.01, "{value} ends at zero");
            let (from, height) = stretch(&scale, PLOT, -value.min(2_000_000));
            assert!(height >= BAR_MIN);
            assert!((from - zero).abs() < 0.01, "-{value} begins at zero");
        }
    }
}
