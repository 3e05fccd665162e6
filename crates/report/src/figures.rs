//! The figures of a report as a typed document: what programs read, and what two reports are
//! compared by. Amounts are strings: money with two decimals, quantities as plain decimals.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;
use serde::{Deserialize, Serialize};

mod build;
mod priced;

pub(crate) use build::{disposals, file_name, income, options};
pub use build::{disposals_total, figures, figures_but_lists, income_total};
pub use priced::{PriceFigure, ValuationFigure};

/// Everything that a report states, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures<'a> {
    /// Country code in capitals, such as `US`.
    pub jurisdiction: String,
    /// Lot method, such as `fifo`.
    pub method: Cow<'a, str>,
    /// The scope that held: `universal`, `wallet`, or `dated` where the law changes from one to the
    /// other on a date; of pools and of a portfolio `universal`.
    pub scope: Cow<'a, str>,
    /// Currency of every amount of money.
    pub currency: Currency,
    /// The options in force, given or default, and the time zone.
    pub options: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// One line per pair of disposal and lot, in time order.
    pub disposals: Vec<DisposalFigure<'a>>,
    /// Units that left without a taxable disposal.
    pub removed: Vec<RemovedFigure<'a>>,
    /// Income at its value on receipt.
    pub income: Vec<IncomeFigure<'a>>,
    /// What else was valued by a price from elsewhere: costs of units that came in, fees in money,
    /// results. Of all years, since costs of one year count in later ones.
    #[serde(default)]
    pub valuations: Vec<ValuationFigure<'a>>,
    /// Withdrawals and deposits that were taken as one transfer.
    pub transfers: Vec<TransferFigure<'a>>,
    /// Sums, by tax year.
    pub totals: BTreeMap<String, TotalsFigure>,
    /// What the law makes of these sums, by tax year, in the order of reading.
    pub assessments: BTreeMap<String, Vec<AssessmentFigure<'a>>>,
    /// What is left when the records end.
    pub holdings: Vec<HoldingFigure<'a>>,
    /// Things to check, the most money at stake first.
    pub warnings: Vec<WarningFigure<'a>>,
    /// Answers of the person to findings, in their order.
    #[serde(default)]
    pub settled: Vec<SettledFigure<'a>>,
    /// Rules of the person on what rows are, in their order.
    #[serde(default)]
    pub rules_given: Vec<GivenRuleFigure<'a>>,
    /// How the figures came about.
    pub provenance: Provenance<'a>,
}

/// One lot, or a part of one, that a disposal used up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisposalFigure<'a> {
    /// The row that disposed.
    pub id: Cow<'a, str>,
    /// The row's kind.
    pub kind: RowKind,
    /// What was disposed of.
    pub asset: Cow<'a, str>,
    /// The wallet that the units left.
    pub wallet: Cow<'a, str>,
    /// Local date of the disposal.
    pub date: NaiveDate,
    /// Units of this lot.
    pub quantity: String,
    /// This lot's share of what was received.
    pub proceeds: String,
    /// This lot's share of the costs of selling.
    pub fees: String,
    /// What the units cost.
    pub cost: String,
    /// Proceeds less fees less cost.
    pub gain: String,
    /// The part of a loss that the law denies, where it denies one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied_loss: Option<String>,
    /// `short` or `long`, where the jurisdiction knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<Cow<'a, str>>,
    /// The rule that chose the lot.
    pub rule: Cow<'a, str>,
    /// Local date of acquisition, where a purchase is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquired: Option<NaiveDate>,
    /// Row that acquired the lot, where one is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<Cow<'a, str>>,
    /// The box of the form that the line belongs in, such as `I` of Form 8949.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form_box: Option<char>,
    /// Whether this is the fee of its row.
    pub is_fee: bool,
    /// Why this lot, this term, this value.
    pub why: Cow<'a, str>,
    /// Where the proceeds come from, if not from the row's own amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceFigure<'a>>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

/// Units that left without a taxable disposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedFigure<'a> {
    /// The row.
    pub id: Cow<'a, str>,
    /// What left.
    pub asset: Cow<'a, str>,
    /// Local date.
    pub date: NaiveDate,
    /// How much.
    pub quantity: String,
    /// What it had cost.
    pub cost: String,
    /// What happened, such as `gift_out`.
    pub kind: RowKind,
    /// Of a portfolio, how the part of its cost came about, with the prices of what was held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Cow<'a, str>>,
    /// The lots that they were of; left out where the method keeps pools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lots: Vec<RemovedLotFigure<'a>>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

/// The part of a lot that left without a taxable disposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedLotFigure<'a> {
    /// Row that acquired the lot; absent where no purchase is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<Cow<'a, str>>,
    /// Units of it.
    pub quantity: String,
    /// What they had cost.
    pub cost: String,
}

/// Income at its value on receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncomeFigure<'a> {
    /// The row.
    pub id: Cow<'a, str>,
    /// `staking`, `mining`, ...
    #[serde(rename = "type")]
    pub kind: RowKind,
    /// What was received.
    pub asset: Cow<'a, str>,
    /// Local date.
    pub date: NaiveDate,
    /// How much.
    pub quantity: String,
    /// Its value then.
    pub value: String,
    /// Where the value comes from, if not from the row's own amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceFigure<'a>>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

/// A withdrawal and a deposit that were taken as the halves of one transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFigure<'a> {
    /// The row of the withdrawal.
    pub sent: Cow<'a, str>,
    /// The row of the deposit.
    pub received: Cow<'a, str>,
    /// What was moved.
    pub asset: Cow<'a, str>,
    /// The wallet that the units left.
    pub from: Cow<'a, str>,
    /// The wallet that they reached.
    pub to: Cow<'a, str>,
    /// Local date of the withdrawal.
    pub date: NaiveDate,
    /// Units that arrived.
    pub quantity: String,
    /// Units that left and did not arrive.
    pub lost: String,
    /// `hash` or `amount`.
    pub by: Cow<'a, str>,
}

/// Sums of one tax year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalsFigure {
    /// All that was received for disposals.
    pub proceeds: String,
    /// The part of `proceeds` of disposals that give neither gain nor loss, such as gifts to a
    /// spouse, where there are any; the return's own proceeds leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_gain_no_loss: Option<String>,
    /// What it had cost.
    pub cost: String,
    /// Costs of selling.
    pub fees: String,
    /// Sum of the gains.
    pub gains: String,
    /// Sum of the losses, never positive.
    pub losses: String,
    /// Losses that the law denies; they are not in `losses`.
    pub denied: String,
    /// Gains plus losses.
    pub net: String,
    /// The part of `net` held short.
    pub short: String,
    /// The part of `net` held long.
    pub long: String,
    /// Income at value on receipt.
    pub income: String,
    /// Margin results and the like.
    pub other: String,
    /// Lines of disposals.
    pub disposals: usize,
}

/// One figure that the law makes of the sums of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessmentFigure<'a> {
    /// The stable word, such as `annual_exempt_amount`.
    pub key: Cow<'a, str>,
    /// What it is, for a person.
    pub label: Cow<'a, str>,
    /// How much: money as a string with two decimals, a number of things, or yes or no.
    pub value: AssessmentValue,
    /// Where it goes, such as `SA108, cryptoassets, box 13.1`; absent where no form asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Cow<'a, str>>,
    /// What is typed there, such as `1204` for a loss of 1,203.60 in a box for losses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_entered: Option<Cow<'a, str>>,
    /// The source of the rule.
    pub source: Cow<'a, str>,
}

/// How much, in what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AssessmentValue {
    /// Money with two decimals.
    Money(String),
    /// A number of things.
    Count(usize),
    /// Yes or no.
    YesNo(bool),
}

/// What is left of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingFigure<'a> {
    /// The asset.
    pub asset: Cow<'a, str>,
    /// How much.
    pub quantity: String,
    /// What it cost.
    pub cost: String,
    /// The wallet, where lots are kept per wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<Cow<'a, str>>,
}

/// Something to check before filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarningFigure<'a> {
    /// The stable word.
    pub code: Cow<'a, str>,
    /// The row.
    pub id: Cow<'a, str>,
    /// The tax year it bears on.
    pub year: String,
    /// The asset, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<Cow<'a, str>>,
    /// The largest change of a year's net gain, income or other result if this is settled the
    /// other way that is most likely.
    pub at_stake: String,
    /// Whether that was computed; else it is an estimate.
    #[serde(default)]
    pub is_exact: bool,
    /// What was found, and what was assumed.
    pub message: Cow<'a, str>,
    /// What the person can do.
    pub help: Cow<'a, str>,
    /// The same as stable words, such as `add_file`, each of which settles it.
    #[serde(default)]
    pub ways: Vec<Cow<'a, str>>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

/// An answer to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledFigure<'a> {
    /// The row that it is about.
    pub id: Cow<'a, str>,
    /// The answer's word, such as `accept_zero`.
    pub answer: Cow<'a, str>,
    /// What it says, and what would be found without it.
    pub said: Cow<'a, str>,
    /// Who gave it: `your answer`.
    pub by: Cow<'a, str>,
    /// Whether it met anything.
    pub is_used: bool,
    /// The stable words of the findings that it accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Cow<'a, str>>,
    /// Name of the file that the row stands in, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Cow<'a, str>>,
    /// Line of the row, counted from 1 with the header.
    pub line: u32,
}

/// A rule of the person on what rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenRuleFigure<'a> {
    /// The rule in words.
    pub said: Cow<'a, str>,
    /// How many rows it changed.
    pub rows: usize,
}

/// How the figures came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance<'a> {
    /// Program and version that computed them.
    pub engine: Cow<'a, str>,
    /// The rule set and its version.
    pub rule_set: Cow<'a, str>,
    /// The rules that were applied, each with its source.
    pub rules: Vec<RuleFigure<'a>>,
    /// The scope of lots, in words.
    pub scope_in_words: Cow<'a, str>,
    /// The tax years that were asked for, or that have rows.
    pub years: Vec<String>,
    /// Those of them in which no row falls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub years_without_rows: Vec<String>,
    /// When the report was made.
    pub generated_at: Cow<'a, str>,
    /// The time zone that gave the local dates.
    pub time_zone: Cow<'a, str>,
    /// The files that were read.
    pub files: Vec<FileFigure<'a>>,
}

/// A rule that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFigure<'a> {
    /// The rule in words.
    pub text: Cow<'a, str>,
    /// Who says so.
    pub source: Cow<'a, str>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFigure<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: Cow<'a, str>,
    /// Rows that were read and counted.
    pub rows: u64,
    /// Rows that could not be read.
    pub bad_rows: u64,
}
