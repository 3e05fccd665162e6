//! Why a computation cannot be made at all.

use packtrain_core::ledger::RowId;
use packtrain_core::quantity::AmountError;

/// A computation that cannot be made; bad rows are warnings instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    /// The jurisdiction has no such option.
    #[error("unknown option {option:?} for {country}; known: {known}")]
    UnknownOption {
        /// What was given.
        option: String,
        /// The jurisdiction.
        country: &'static str,
        /// What is known, separated by commas.
        known: String,
    },
    /// The option has no such value.
    #[error("unknown value {value:?} of option {option:?}; known: {known}")]
    UnknownOptionValue {
        /// The option.
        option: String,
        /// What was given.
        value: String,
        /// What is known, separated by commas.
        known: String,
    },
    /// The jurisdiction's law does not have this method.
    #[error("method {method:?} is not used in {country}; known: {known}")]
    UnknownMethod {
        /// What was asked for.
        method: &'static str,
        /// The jurisdiction.
        country: &'static str,
        /// What is known, separated by commas.
        known: String,
    },
    /// The jurisdiction's law does not have this scope.
    #[error("scope {scope:?} is not used in {country}; known: {known}")]
    UnknownScope {
        /// What was asked for.
        scope: &'static str,
        /// The jurisdiction.
        country: &'static str,
        /// What is known, separated by commas.
        known: String,
    },
    /// The allocation of lots to wallets has no use: no rule turns to lots of each wallet.
    #[error(
        "an allocation of lots to wallets is for the United States under the dated rule of scope; \
         {what}"
    )]
    NoAllocation {
        /// What stands against it.
        what: String,
    },
    /// The allocation of lots to wallets does not add up.
    #[error("the allocation of {asset} does not add up: {}", shortened(.wrong))]
    Allocation {
        /// The asset.
        asset: String,
        /// All that is wrong, each in a sentence.
        wrong: Vec<String>,
    },
    /// A tax year of which the records cannot tell anything.
    #[error("nothing is known of {year}, which is {side}; {known}")]
    YearOutside {
        /// The year, as its country names it.
        year: String,
        /// `before all rows` or `after all rows`.
        side: &'static str,
        /// What the years with rows have, in words.
        known: String,
    },
    /// More files than one report may have.
    #[error("{files} files in one report; at most {max}")]
    TooManyFiles {
        /// How many there are.
        files: usize,
        /// How many there may be.
        max: usize,
    },
    /// More rows than one report may have.
    #[error("{rows} rows in one report; at most {max}")]
    TooManyRows {
        /// How many there are.
        rows: usize,
        /// How many there may be.
        max: usize,
    },
    /// An answer to a finding fits no row, or not the row that it names.
    #[error("the answer {answer} for row {row} does not fit: {what}")]
    Settlement {
        /// The row that it names.
        row: String,
        /// The answer's word.
        answer: &'static str,
        /// Its place among the answers, counted from 0.
        entry: usize,
        /// Why it does not fit.
        what: String,
    },
    /// A rule says that a row is of a kind that it cannot be of.
    #[error("the rule that {rule} does not fit row {id:?} ({file:?}, line {line}): {what}")]
    Rule {
        /// The rule in words.
        rule: String,
        /// Its place among the rules, counted from 0.
        entry: usize,
        /// The row.
        id: RowId,
        /// The name of its file.
        file: String,
        /// Its line.
        line: u32,
        /// Why it cannot be of that kind.
        what: &'static str,
    },
    /// More answers to findings, or more rules, than one report may have.
    #[error("{settlements} answers or rules in one report; at most {max}")]
    TooManySettlements {
        /// How many there are.
        settlements: usize,
        /// How many there may be.
        max: usize,
    },
    /// An amount of the row leaves the range of exact arithmetic.
    #[error("could not compute row {id:?} ({file:?}, line {line})")]
    Amount {
        /// The row.
        id: RowId,
        /// The name of its file.
        file: String,
        /// Its line.
        line: u32,
        /// What happened.
        source: AmountError,
    },
    /// The sum of what is left of an asset leaves the range of exact arithmetic.
    #[error("could not add up the holdings of {asset:?}")]
    Holdings {
        /// The asset.
        asset: String,
        /// What happened.
        source: AmountError,
    },
    /// A figure of a year leaves the range of exact arithmetic.
    #[error("could not assess the years")]
    Assessment {
        /// What happened.
        source: AmountError,
    },
    /// The outcome was wanted no more.
    #[error("the computation was stopped")]
    Stopped,
    /// The date of the row is outside of every calendar.
    #[error("the date of row {id:?} ({file:?}, line {line}) is out of range")]
    Date {
        /// The row.
        id: RowId,
        /// The name of its file.
        file: String,
        /// Its line.
        line: u32,
    },
}

/// Sentences about an allocation that one error repeats.
const SENTENCES_MAX: usize = 10;

/// The first of the sentences, and how many more there are.
fn shortened(wrong: &[String]) -> String {
    let mut text = wrong[..wrong.len().min(SENTENCES_MAX)].join("; ");
    if wrong.len() > SENTENCES_MAX {
        text.push_str(&format!("; and {} more", wrong.len() - SENTENCES_MAX));
    }
    text
}

impl TaxError {
    /// The stable word, such as `tax.unknown_option`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownOption { .. } => "tax.unknown_option",
            Self::UnknownOptionValue { .. } => "tax.unknown_option_value",
            Self::UnknownMethod { .. } => "tax.unknown_method",
            Self::UnknownScope { .. } => "tax.unknown_scope",
            Self::NoAllocation { .. } | Self::Allocation { .. } => "tax.bad_allocation",
            Self::YearOutside { .. } => "tax.year_outside",
            Self::TooManyFiles { .. } => "tax.too_many_files",
            Self::TooManyRows { .. } => "tax.too_many_rows",
            Self::Settlement { .. } => "tax.settlement_misfit",
            Self::Rule { .. } => "tax.rule_misfit",
            Self::TooManySettlements { .. } => "tax.too_many_settlements",
            Self::Amount { .. } | Self::Holdings { .. } | Self::Assessment { .. } => {
                "tax.amount_out_of_range"
            }
            Self::Stopped => "tax.stopped",
            Self::Date { .. } => "tax.date_out_of_range",
        }
    }
}
