//! What could be sold: the lots that were open at the end of the last year of a report, what
//! selling each would bring, and the day on which it turns long-term.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::io::Write;

use chrono::NaiveDate;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::OpenLot;
use serde::{Deserialize, Serialize};

use crate::figures::PriceFigure;
use crate::json::write_lines;
use crate::limits::NEAR_PRICE_DAYS_MAX;
use crate::{Document, ENGINE, ReportError};

/// An open lot and what selling it would bring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open<'a> {
    pub(crate) lot: &'a OpenLot,
    /// Its value less its cost; none where no price is known.
    pub(crate) gain: Option<Money>,
    /// Whether the price is further from the day than prices should be.
    pub(crate) is_far: bool,
}

/// The lots that were open at the end of a day, the greatest loss first; those without a price come
/// last.
pub(crate) struct Harvest<'a> {
    pub(crate) day: NaiveDate,
    pub(crate) lots: Vec<Open<'a>>,
}

impl<'a> Harvest<'a> {
    /// As of the last day that the document has; none where nobody computed it.
    pub(crate) fn of(document: &Document<'a>) -> Result<Option<Self>, AmountError> {
        let Some(last) = document.inventories.last() else {
            return Ok(None);
        };
        let open = |lot: &'a OpenLot| {
            let gain = lot.value.map(|value| value.money.checked_sub(lot.cost));
            let away = lot
                .value
                .map_or(0, |value| (last.day - value.day).num_days());
            Ok(Open {
                lot,
                gain: gain.transpose()?,
                is_far: away.abs() > NEAR_PRICE_DAYS_MAX,
            })
        };
        let lots: Result<Vec<_>, AmountError> = last.open.iter().map(open).collect();
        let mut lots = lots?;
        lots.sort_by(by_loss);
        Ok(Some(Self {
            day: last.day,
            lots,
        }))
    }

    /// Losses and gains that selling everything would bring, as far as prices near the day tell.
    pub(crate) fn near_sums(&self, currency: Currency) -> Result<(Money, Money), AmountError> {
        sums(self.lots.iter().filter_map(Open::near_gain), currency)
    }

    /// Losses and gains that selling everything would bring, by the nearest prices there are.
    fn sums(&self, currency: Currency) -> Result<(Money, Money), AmountError> {
        sums(self.lots.iter().filter_map(|open| open.gain), currency)
    }
}

/// The losses among gains, and the others.
fn sums(
    mut all: impl Iterator<Item = Money>,
    currency: Currency,
) -> Result<(Money, Money), AmountError> {
    let none = Money::zero(currency);
    all.try_fold((none, none), |(losses, gains), gain| {
        Ok(match gain.is_negative() {
            true => (losses.checked_add(gain)?, gains),
            false => (losses, gains.checked_add(gain)?),
        })
    })
}

impl Open<'_> {
    /// Its gain where its price is near the day.
    pub(crate) fn near_gain(&self) -> Option<Money> {
        self.gain.filter(|_| !self.is_far)
    }
}

fn by_loss(one: &Open<'_>, two: &Open<'_>) -> Ordering {
    let by_gain = match (one.gain, two.gain) {
        (Some(one), Some(two)) => one.partial_cmp(&two).unwrap_or(Ordering::Equal),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    let name = |open: &Open<'_>| {
        let lot = open.lot;
        (
            lot.asset.clone(),
            lot.acquired,
            lot.lot.clone(),
            lot.wallet.clone(),
        )
    };
    by_gain.then_with(|| name(one).cmp(&name(two)))
}

/// What could be sold, as a typed document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HarvestFigures<'a> {
    /// Country code in capitals, such as `US`.
    pub jurisdiction: String,
    /// Lot method, such as `fifo`.
    pub method: Cow<'a, str>,
    /// Currency of every amount of money.
    pub currency: Currency,
    /// The day at whose end the lots were open, and on which they are valued.
    pub valued_on: NaiveDate,
    /// Every open lot, the greatest loss first.
    pub open_lots: Vec<OpenLotFigure<'a>>,
    /// The sum of the losses, never positive.
    pub losses: String,
    /// The sum of the gains.
    pub gains: String,
    /// Lots without a price, which are in neither sum.
    pub without_price: usize,
    /// Lots whose price is more than 31 days from the day. They are in the sums here, though not in
    /// those of a PDF.
    #[serde(default)]
    pub with_far_price: usize,
    /// Program and version that computed them.
    pub engine: Cow<'a, str>,
}

/// A lot, or a part of one, that is open; a pool where the method keeps pools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLotFigure<'a> {
    /// The asset.
    pub asset: Cow<'a, str>,
    /// The wallet, where lots are kept per wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<Cow<'a, str>>,
    /// The row that acquired it, where one is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<Cow<'a, str>>,
    /// Local date of its acquisition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquired: Option<NaiveDate>,
    /// The first day on which selling it is long-term, where the law knows terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_from: Option<NaiveDate>,
    /// How much.
    pub quantity: String,
    /// What it cost.
    pub cost: String,
    /// What it is worth, where a price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Value less cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain: Option<String>,
    /// Where the value comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceFigure<'a>>,
}

impl<'a> OpenLotFigure<'a> {
    fn of(open: &Open<'a>, day: NaiveDate) -> Self {
        let lot = open.lot;
        Self {
            asset: (&*lot.asset).into(),
            wallet: lot.wallet.as_deref().map(Cow::Borrowed),
            lot: lot.lot.as_deref().map(Cow::Borrowed),
            acquired: lot.acquired,
            long_from: lot.long_from,
            quantity: lot.quantity.to_string(),
            cost: lot.cost.to_cents(),
            value: lot.value.map(|value| value.money.to_cents()),
            gain: open.gain.map(Money::to_cents),
            price: (lot.value)
                .and_then(|value| PriceFigure::of(value.from, day, lot.cost.currency())),
        }
    }
}

/// What could be sold at the end of the document's last day; none where nobody computed it.
///
/// # Errors
/// [`AmountError`] when a gain or a sum leaves the range of exact arithmetic.
pub fn harvest<'a>(document: &Document<'a>) -> Result<Option<HarvestFigures<'a>>, AmountError> {
    let settings = &document.outcome.settings;
    let Some(harvest) = Harvest::of(document)? else {
        return Ok(None);
    };
    let (losses, gains) = harvest.sums(settings.currency)?;
    let lots = harvest.lots.iter();
    Ok(Some(HarvestFigures {
        jurisdiction: settings.country.as_str().to_uppercase(),
        method: settings.method.as_str().into(),
        currency: settings.currency,
        valued_on: harvest.day,
        without_price: lots.clone().filter(|open| open.gain.is_none()).count(),
        with_far_price: lots.clone().filter(|open| open.is_far).count(),
        open_lots: lots
            .map(|open| OpenLotFigure::of(open, harvest.day))
            .collect(),
        losses: losses.to_cents(),
        gains: gains.to_cents(),
        engine: ENGINE.into(),
    }))
}

/// Writes it as JSON, a lot on a line of its own; nothing where nobody computed it.
///
/// # Errors
/// [`ReportError::Amount`], and [`ReportError::Json`] when the writer fails.
pub fn write_harvest(document: &Document<'_>, writer: impl Write) -> Result<(), ReportError> {
    match harvest(document)? {
        Some(figures) => write_lines(&figures, writer),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "harvest/tests.rs"]
mod tests;
