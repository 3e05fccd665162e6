//! Which row an answer is about, and what of it.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::Answers;
use crate::engine::LedgerFile;
use crate::engine::copied::Copied;
use crate::engine::input::{Place, index, is_same};
use crate::engine::value::asset_leg;
use crate::import::is_joined;
use crate::outcome::{Origin, WarningCode};
use crate::rates;
use crate::request::Settings;
use crate::settle::{Answer, RowName, Rule, Says, Settlements, Tried};

/// Files that an error names.
const FILES_NAMED_MAX: usize = 5;

/// The rows that answers may be about.
pub(super) struct Fitting<'a> {
    ledgers: &'a [LedgerFile],
    copied: &'a Copied,
    pub(super) settings: &'a Settings,
    /// Of each id that an answer names: where it stands.
    places: HashMap<&'a str, Vec<Place>>,
    /// Of each id of a lot that an answer names: rows that were joined of one of that id.
    wholes: HashMap<&'a str, Vec<Place>>,
    /// Second copies that an answer or a rule counts.
    kept: HashSet<Place>,
    /// Second copies that a rule counts, each with the first such rule, by its place in the list.
    pub(super) kept_by_rules: Vec<(usize, Place)>,
}

impl Answers {
    /// The copy with the finding that an answer accepts: the first that does not count and that no
    /// answer before accepted, since files of one name cannot be told apart.
    pub(super) fn copy(
        &self,
        fitting: &Fitting<'_>,
        name: &RowName,
        places: &[Place],
    ) -> Result<Place, String> {
        let one = fitting.one(name, places)?;
        let mut copies = fitting.duplicates(places);
        copies.retain(|copy| !fitting.kept.contains(copy));
        let is_open = |copy: &&Place| {
            let code = WarningCode::DuplicateRow;
            let origin = fitting.origin(**copy);
            self.accepting(origin, &name.id, code).is_none()
        };
        let open = copies.iter().find(is_open);
        Ok(open.or(copies.first()).copied().unwrap_or(one))
    }
}

impl<'a> Fitting<'a> {
    pub(super) fn new(
        ledgers: &'a [LedgerFile],
        copied: &'a Copied,
        settlements: &Settlements,
        settings: &'a Settings,
    ) -> Self {
        let mut named: HashSet<&str> = HashSet::new();
        let mut lots: HashSet<&str> = HashSet::new();
        for settlement in &settlements.settle {
            named.insert(&settlement.row.id);
            if let Answer::Transfer(other) | Answer::NotTransfer(Some(other)) = &settlement.answer {
                named.insert(&other.id);
            }
            if let Answer::Lots(of_answer, _) = &settlement.answer {
                lots.extend(of_answer.iter().map(|lot| &*lot.row));
            }
        }
        named.extend(&lots);
        let mut kept_by_rules = meant_to_keep(ledgers, &settlements.rule);
        let mut places: HashMap<&str, Vec<Place>> = HashMap::new();
        let mut wholes: HashMap<&str, Vec<Place>> = HashMap::new();
        for (file, ledger) in (0_u32..).zip(ledgers) {
            for (row, content) in (0_u32..).zip(&ledger.rows) {
                if named.contains(&*content.id) {
                    let place = Place { file, row };
                    places.entry(&content.id).or_default().push(place);
                }
                if !lots.is_empty() && is_joined(content) {
                    for part in content.id.split('+').filter(|part| lots.contains(part)) {
                        let place = Place { file, row };
                        wholes.entry(part).or_default().push(place);
                    }
                }
            }
        }
        let mut fitting = Self {
            ledgers,
            copied,
            settings,
            places,
            wholes,
            kept: HashSet::new(),
            kept_by_rules: Vec::new(),
        };
        kept_by_rules.retain(|(_, place)| !fitting.duplicates(&[*place]).is_empty());
        let kept = kept_by_rules.iter().map(|(_, place)| *place);
        fitting.kept.extend(kept);
        fitting.kept_by_rules = kept_by_rules;
        // An answer about a copy may stand before the one that counts it.
        for settlement in &settlements.settle {
            if let (Answer::Keep, Ok(places)) = (&settlement.answer, fitting.find(&settlement.row))
            {
                let kept = fitting.duplicates(&places);
                fitting.kept.extend(kept);
            }
        }
        fitting
    }

    /// The one row of a name that is in the figures: of a second copy that does not count, the
    /// first, since nothing that is said about the copy would change a figure.
    pub(super) fn counted(&self, name: &RowName) -> Result<Place, String> {
        let place = self.one(name, &self.find(name)?)?;
        if self.kept.contains(&place) {
            return Ok(place);
        }
        Ok(self.copied.first_of(place).unwrap_or(place))
    }

    /// The row in the figures that brought in a lot of this name, as [`Self::counted`]; also one
    /// that was joined of several of which one has the name. None where no file has either.
    pub(super) fn lot(&self, name: &RowName) -> Result<Option<Place>, String> {
        let mut places = self.places(name)?;
        let is_part = |place: &&Place| match &name.file {
            Some(file) => is_part_of_file(self.row(**place), &name.id, file),
            None => true,
        };
        let wholes = self.wholes.get(name.id.as_str()).into_iter().flatten();
        places.extend(wholes.filter(is_part));
        if places.is_empty() {
            return Ok(None);
        }
        let place = self.one_by(name, &places, "with_file")?;
        if self.kept.contains(&place) {
            return Ok(Some(place));
        }
        Ok(Some(self.copied.first_of(place).unwrap_or(place)))
    }

    /// Every place of a name, in file order; at least one.
    pub(super) fn find(&self, name: &RowName) -> Result<Vec<Place>, String> {
        let places = self.places(name)?;
        match places.is_empty() {
            true => Err(format!("no row {name} is in the files")),
            false => Ok(places),
        }
    }

    fn places(&self, name: &RowName) -> Result<Vec<Place>, String> {
        if let Some(file) = &name.file
            && !self.ledgers.iter().any(|ledger| ledger.name == *file)
        {
            return Err(format!("there is no file {file:?}"));
        }
        let of_file = |place: &&Place| {
            let ledger = &self.ledgers[index(place.file)];
            name.file.as_ref().is_none_or(|file| ledger.name == *file)
        };
        let places = self.places.get(name.id.as_str()).into_iter().flatten();
        Ok(places.filter(of_file).copied().collect())
    }

    /// The one row of a name. Files that have the same row have one.
    pub(super) fn one(&self, name: &RowName, places: &[Place]) -> Result<Place, String> {
        self.one_by(name, places, "file")
    }

    /// As [`Self::one`]; the file is told by another word of the answer.
    fn one_by(&self, name: &RowName, places: &[Place], word: &str) -> Result<Place, String> {
        let first = places[0];
        let others = places.iter().filter(|place| **place != first);
        let differs = |place: &&Place| !is_same(self.row(first), self.row(**place));
        if others.filter(differs).count() == 0 {
            return Ok(first);
        }
        let files = places.iter().take(FILES_NAMED_MAX);
        let files: Vec<_> = files
            .map(|place| format!("{:?}", self.ledgers[index(place.file)].name))
            .collect();
        let (name, files) = (&name.id, files.join(", "));
        Err(format!(
            "rows {name:?} of {files} differ; add {word} = \"...\""
        ))
    }

    /// Those of the places that an earlier file has too.
    pub(super) fn duplicates(&self, places: &[Place]) -> Vec<Place> {
        let has_earlier = |place: &&Place| self.copied.first_of(**place).is_some();
        places.iter().filter(has_earlier).copied().collect()
    }

    pub(super) fn row(&self, place: Place) -> &'a Row {
        &self.ledgers[index(place.file)].rows[index(place.row)]
    }

    pub(super) fn origin(&self, place: Place) -> Origin {
        Origin {
            file: place.file,
            line: self.row(place).line,
        }
    }

    /// Local date of a row.
    pub(super) fn date(&self, row: &Row) -> NaiveDate {
        row.at.with_timezone(&self.settings.timezone).date_naive()
    }

    /// An amount of money that can be converted to the currency of the report.
    pub(super) fn money(
        &self,
        amount: Quantity,
        currency: Currency,
        date: NaiveDate,
    ) -> Result<Money, String> {
        let money = Money::from_quantity(amount, currency).map_err(|error| error.to_string())?;
        match rates::convert(money, self.settings.currency, date) {
            _ if currency == self.settings.currency => Ok(money),
            Some(_) => Ok(money),
            None => Err(format!("no rate of {currency} on {date} is known")),
        }
    }

    /// Whether a leg of a row is money whose value is known.
    pub(super) fn states_money(&self, row: &Row, date: NaiveDate) -> bool {
        let legs = [&row.sent, &row.received];
        legs.into_iter().flatten().any(|leg| {
            let currency = leg
                .asset
                .parse()
                .ok()
                .filter(|_| crate::fiat::is_fiat(&leg.asset));
            currency.is_some_and(|currency| self.money(leg.amount, currency, date).is_ok())
        })
    }
}

/// Whether a row was joined of one of this id in this file.
fn is_part_of_file(row: &Row, id: &str, file: &str) -> bool {
    let told = format!(" {id} ({file}, line ");
    row.note.as_ref().is_some_and(|note| note.contains(&told))
}

/// Rows that a rule keeps where an earlier file has them too, each with the first such rule.
fn meant_to_keep(ledgers: &[LedgerFile], rules: &[Rule]) -> Vec<(usize, Place)> {
    if !rules.iter().any(|rule| rule.says == Says::Keep) {
        return Vec::new();
    }
    let mut meant = Vec::new();
    // The first file has no earlier one.
    for (file, ledger) in (0_u32..).zip(ledgers).skip(1) {
        for (row, content) in (0_u32..).zip(&ledger.rows) {
            let tried = Tried::new(&ledger.name, content);
            let keeps = |rule: &Rule| rule.says == Says::Keep && rule.fits(&tried);
            if let Some(rule) = rules.iter().position(keeps) {
                meant.push((rule, Place { file, row }));
            }
        }
    }
    meant
}

/// The leg of an asset; without one, the first that is no money.
pub(super) fn leg_of(legs: [Option<&Leg>; 2], asset: Option<&str>) -> Result<Leg, String> {
    let mut legs = legs.into_iter().filter_map(asset_leg);
    let is_meant = |leg: &&Leg| asset.is_none_or(|asset| *leg.asset == *asset);
    let found = legs.find(is_meant).cloned();
    found.ok_or_else(|| match asset {
        Some(asset) => format!("the row moves no {asset:?} in this way"),
        None => "the row moves no asset in this way".to_owned(),
    })
}

/// The first moment of a local day.
pub(super) fn start_of(date: NaiveDate, zone: Tz) -> Result<Timestamp, String> {
    let midnight = date.and_time(NaiveTime::MIN);
    // Where a clock change skips midnight, the day begins an hour later.
    let hours = [TimeDelta::zero(), TimeDelta::hours(1)];
    let mut starts = hours
        .iter()
        .filter_map(|hours| zone.from_local_datetime(&(midnight + *hours)).earliest());
    let start = starts.next().ok_or(format!("there is no day {date}"))?;
    Ok(start.with_timezone(&Utc))
}
