//! Places in the report, and what leads to them: the summary to its lists, a thing to check to
//! the sale that it is about.

use std::collections::HashMap;

use packtrain_tax::outcome::Origin;

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// The result.
    Summary,
    /// What the law makes of the result.
    Return,
    /// Losses that go from year to year.
    Carried,
    /// Things to check.
    Checks,
    /// Gains by asset.
    Assets,
    /// Gains over time.
    Chart,
    /// Every disposal.
    Disposals,
    /// Every receipt of income.
    Income,
    /// Units that left without a sale.
    Removed,
    /// Transfers that were matched.
    Transfers,
    /// What is held.
    Holdings,
    /// What could be sold.
    Harvest,
    /// Prices with their sources.
    Prices,
    /// How the figures came about.
    Method,
}

/// A place that others lead to, by what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Anchor {
    /// The heading of a section.
    Section(Topic),
    /// The disposals of a month, by its year and number.
    Month(i32, u32),
    /// The first line that a row of the ledger gave.
    Row(Origin),
}

/// A place by page, counted from 0, and distance from the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// The page.
    pub(super) page: usize,
    /// From its top.
    pub(super) top: f32,
}

/// Where everything stands that others lead to; asked by name only, so its order never shows.
#[derive(Debug, Default)]
pub(super) struct Places(HashMap<Anchor, Place>);

impl Places {
    /// Notes a place; of several with one name the first holds.
    pub(super) fn note(&mut self, anchor: Anchor, place: Place) {
        self.0.entry(anchor).or_insert(place);
    }

    /// Where something stands; nowhere if it is not printed.
    pub(super) fn of(&self, anchor: Anchor) -> Option<Place> {
        self.0.get(&anchor).copied()
    }
}

/// An area of a page that leads to a place; the area from its upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Link {
    /// Left edge, upper edge, width, height.
    pub(super) area: (f32, f32, f32, f32),
    /// Where it leads.
    pub(super) to: Place,
}
