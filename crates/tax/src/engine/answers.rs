//! A person's answers, fitted to the rows that they are about: rows that are added, changed, kept,
//! paired or parted, and findings that are accepted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use packtrain_core::ledger::{Asset, Row, RowId, RowKind};

use super::LedgerFile;
use super::copied::Copied;
use super::input::Place;
use super::stakes::Found;
use crate::error::TaxError;
use crate::outcome::{Origin, Settled, TaxYear, WarningCode, Way};
use crate::request::Settings;
use crate::settle::{Answer, RULES_MAX, RowName, SETTLEMENTS_MAX, Settlements, UsedRule};

mod changes;
mod fitting;
mod halves;
mod lots;
mod rules;
mod worth;

use fitting::Fitting;
use worth::Bought;
pub(super) use worth::Spare;

/// What a price is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Priced {
    /// The row without its fee.
    Row,
    /// The row's fee.
    Fee,
}

/// What answers make of the rows.
#[derive(Clone)]
pub(super) struct Answers {
    /// Which rows stand in an earlier file too, whatever a person answers.
    pub(super) copied: Arc<Copied>,
    /// The index of the file in which added rows stand: the one behind the ledgers.
    pub(super) file: u32,
    /// Purchases that no file has.
    pub(super) added: Vec<Row>,
    changed: HashMap<Place, Row>,
    /// Rows whose value, or the value of whose fee, is an answer.
    priced: HashSet<(Place, Priced)>,
    kept: HashSet<Place>,
    left_out: HashSet<Place>,
    /// Assets that count as nothing at the disposals of a year, where the value of all that is
    /// held is asked for.
    unpriced: HashSet<(Asset, TaxYear)>,
    /// Halves of transfers.
    pub(super) joined: Vec<(Place, Place)>,
    /// The rows of `joined`: each is half of one transfer only.
    halves_joined: HashSet<Place>,
    /// Rows that are no halves of one transfer; without a second, of none.
    pub(super) apart: Vec<(Place, Option<Place>)>,
    /// Rows whose lots an answer names, each with the files of the rows that brought these in.
    lot_files: HashMap<(Origin, RowId), Vec<Option<u32>>>,
    /// What was bought for a row that lacked units.
    bought: HashMap<Origin, Vec<Bought>>,
    /// Rows that have such an answer about an asset, and its place among the answers.
    said: HashMap<(Place, Way, Asset, String), usize>,
    /// How many purchases were added for rows of an id.
    purchases: HashMap<RowId, u32>,
    /// Deposits whose units were bought, and the answers that say so.
    pub(super) brought: Vec<(Place, usize)>,
    /// Findings that are accepted: their row and code, and the answer.
    accepted: HashMap<(Origin, WarningCode), Vec<usize>>,
    /// What each answer did, in the order of the answers.
    pub(super) settled: Vec<Settled>,
    /// What each rule did, in the order of the rules.
    pub(super) rules: Vec<UsedRule>,
}

impl Answers {
    /// Fits answers to the rows.
    ///
    /// # Errors
    /// [`TaxError::Settlement`] for the first one that fits no row, or not this row.
    pub(super) fn of(
        ledgers: &[LedgerFile],
        settlements: &Settlements,
        settings: &Settings,
    ) -> Result<Self, TaxError> {
        let mut answers = Self {
            copied: Arc::new(Copied::among(ledgers)),
            file: u32::try_from(ledgers.len()).unwrap_or(u32::MAX),
            added: Vec::new(),
            changed: HashMap::new(),
            priced: HashSet::new(),
            kept: HashSet::new(),
            left_out: HashSet::new(),
            unpriced: HashSet::new(),
            joined: Vec::new(),
            halves_joined: HashSet::new(),
            apart: Vec::new(),
            lot_files: HashMap::new(),
            bought: HashMap::new(),
            said: HashMap::new(),
            purchases: HashMap::new(),
            brought: Vec::new(),
            accepted: HashMap::new(),
            settled: Vec::new(),
            rules: Vec::new(),
        };
        for (settlements, max) in [
            (settlements.settle.len(), SETTLEMENTS_MAX),
            (settlements.rule.len(), RULES_MAX),
        ] {
            if settlements > max {
                return Err(TaxError::TooManySettlements { settlements, max });
            }
        }
        answers.classify(ledgers, &settlements.rule)?;
        if settlements.settle.is_empty() && settlements.rule.is_empty() {
            return Ok(answers);
        }
        let copied = Arc::clone(&answers.copied);
        let fitting = Fitting::new(ledgers, &copied, settlements, settings);
        for (rule, place) in &fitting.kept_by_rules {
            answers.kept.insert(*place);
            answers.rules[*rule].rows += 1;
        }
        for settlement in &settlements.settle {
            let settled = answers.fit(&fitting, &settlement.row, &settlement.answer);
            let settled = settled.map_err(|what| TaxError::Settlement {
                row: settlement.row.to_string(),
                answer: settlement.answer.way().as_str(),
                entry: answers.settled.len(),
                what,
            })?;
            answers.settled.push(settled);
        }
        Ok(answers)
    }

    /// The row of a place, where an answer changed it.
    pub(super) fn changed(&self, place: Place) -> Option<&Row> {
        if self.changed.is_empty() {
            return None;
        }
        self.changed.get(&place)
    }

    /// Whether a value of a row is an answer.
    pub(super) fn has_price(&self, place: Place, of: Priced) -> bool {
        !self.priced.is_empty() && self.priced.contains(&(place, of))
    }

    /// Whether a row counts though an earlier file has the same.
    pub(super) fn keeps(&self, place: Place) -> bool {
        self.kept.contains(&place)
    }

    /// Whether a row has no part in the figures.
    pub(super) fn leaves_out(&self, place: Place) -> bool {
        !self.left_out.is_empty() && self.left_out.contains(&place)
    }

    /// Whether what is held of an asset counts as nothing at the disposals of a year.
    pub(super) fn is_unpriced(&self, asset: &Asset, year: TaxYear) -> bool {
        !self.unpriced.is_empty() && self.unpriced.contains(&(Asset::clone(asset), year))
    }

    /// Every row that is paired, parted or explained by a purchase elsewhere.
    pub(super) fn halves(&self) -> impl Iterator<Item = Place> {
        let joined = self.joined.iter().flat_map(|(a, b)| [Some(*a), Some(*b)]);
        let apart = self.apart.iter().flat_map(|(a, b)| [Some(*a), *b]);
        let brought = self.brought.iter().map(|(place, _)| Some(*place));
        joined.chain(apart).chain(brought).flatten()
    }

    /// The files of the lots that an answer names for a row, in the order of these lots.
    pub(super) fn lot_files(&self, origin: Origin, id: &RowId) -> &[Option<u32>] {
        if self.lot_files.is_empty() {
            return &[];
        }
        let files = self.lot_files.get(&(origin, RowId::clone(id)));
        files.map_or(&[], Vec::as_slice)
    }

    /// Whether the units that a deposit brings are known to have been bought.
    pub(super) fn is_brought(&self, origin: Origin, id: &str) -> bool {
        let mut all = self
            .brought
            .iter()
            .map(|(_, answer)| &self.settled[*answer]);
        all.any(|answer| answer.origin == origin && *answer.id == *id)
    }

    /// The answer that accepts a finding of a row.
    pub(super) fn accepting(&self, origin: Origin, id: &str, code: WarningCode) -> Option<usize> {
        // A record that was taken apart gave several rows of one line.
        let of_row = |answer: &&usize| *self.settled[**answer].id == *id;
        let answers = self.accepted.get(&(origin, code))?;
        answers.iter().find(of_row).copied()
    }

    /// The answer by which units without a known cost cost nothing.
    pub(super) fn accepts_zero_cost(&self, origin: Origin, id: &str) -> Option<usize> {
        let codes = [
            WarningCode::MissingCostBasis,
            WarningCode::UnmatchedTransfer,
        ];
        let mut answers = codes
            .iter()
            .filter_map(|code| self.accepting(origin, id, *code));
        answers.find(|answer| self.settled[*answer].answer == Way::AcceptZero)
    }

    /// Takes out the findings that were accepted; gives the answers with what they met.
    pub(super) fn settle(
        &self,
        found: &mut Vec<Found>,
        used: &HashSet<usize>,
        spare: &BTreeMap<usize, Spare>,
    ) -> Result<Vec<Settled>, TaxError> {
        let mut settled = self.settled.clone();
        worth::tell_spare(&mut settled, spare);
        let mut misfit = None;
        found.retain(|Found { warning, .. }| {
            let Some(answer) = self.accepting(warning.origin, &warning.id, warning.code) else {
                return true;
            };
            let (entry, answer) = (answer, &mut settled[answer]);
            if !warning.ways.contains(&answer.answer) {
                misfit = Some((answer.id.clone(), answer.answer, entry, warning.code));
                return true;
            }
            answer.findings.push(warning.clone());
            false
        });
        if let Some((id, answer, entry, code)) = misfit {
            return Err(TaxError::Settlement {
                row: format!("{id:?}"),
                answer: answer.as_str(),
                entry,
                what: format!("{} is settled in other ways", code.as_str()),
            });
        }
        for (answer, settled) in settled.iter_mut().enumerate() {
            settled.is_used = match settled.answer {
                Way::Accept | Way::AcceptZero => {
                    used.contains(&answer) || !settled.findings.is_empty()
                }
                _ => settled.is_used,
            };
        }
        Ok(settled)
    }

    fn fit(
        &mut self,
        fitting: &Fitting<'_>,
        name: &RowName,
        answer: &Answer,
    ) -> Result<Settled, String> {
        let places = fitting.find(name)?;
        let place = match answer {
            Answer::Keep => places[0],
            // A second copy has this one finding, and the first row has none.
            Answer::Accept(WarningCode::DuplicateRow) => self.copy(fitting, name, &places)?,
            _ => fitting.counted(name)?,
        };
        let row = self.row(fitting, place);
        let mut settled = Settled {
            id: row.id.clone(),
            origin: fitting.origin(place),
            answer: answer.way(),
            said: String::new(),
            is_used: true,
            findings: Vec::new(),
        };
        settled.said = match answer {
            Answer::Accept(code) | Answer::AcceptZero(code) => self.accept(&settled, *code)?,
            Answer::Purchase(purchase) => self.buy(fitting, place, purchase)?,
            Answer::Price(price) => self.price(fitting, place, price)?,
            Answer::Keep => {
                let twice = fitting.duplicates(&places);
                settled.is_used = !twice.is_empty();
                self.kept.extend(twice);
                "counted, though an earlier file has the same row".to_owned()
            }
            Answer::Transfer(other) => {
                let pair = self.pair(fitting, place, fitting.counted(other)?)?;
                self.join(fitting, pair)?;
                format!("one transfer with row {other}")
            }
            Answer::NotTransfer(Some(other)) => {
                let with = fitting.counted(other)?;
                let (sent, received) = self.pair(fitting, place, with)?;
                self.part(fitting, (sent, Some(received)))?;
                format!("no transfer with row {other}")
            }
            Answer::Lots(lots, file) => {
                let lots = (lots.as_slice(), file.as_deref());
                self.name_lots(fitting, place, lots)?
            }
            Answer::NotTransfer(None) => {
                if !matches!(row.kind, RowKind::Withdrawal | RowKind::Deposit) {
                    return Err(format!("a row of the kind {} is no half of one", row.kind));
                }
                self.part(fitting, (place, None))?;
                "no half of a transfer".to_owned()
            }
        };
        Ok(settled)
    }

    /// Accepts a finding of a row.
    fn accept(&mut self, settled: &Settled, code: WarningCode) -> Result<String, String> {
        if self.accepting(settled.origin, &settled.id, code).is_some() {
            return Err(format!("{} is accepted twice", code.as_str()));
        }
        let answers = self.accepted.entry((settled.origin, code)).or_default();
        answers.push(self.settled.len());
        Ok(match settled.answer {
            Way::AcceptZero => "zero is right".to_owned(),
            _ => "what was assumed is right".to_owned(),
        })
    }

    /// A row as earlier answers left it.
    fn row(&self, fitting: &Fitting<'_>, place: Place) -> Row {
        let row = self.changed(place);
        row.unwrap_or_else(|| fitting.row(place)).clone()
    }
}
