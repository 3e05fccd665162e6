//! What a computation gives: every line exact and traceable to the rows it came from. Amounts are
//! rounded once, when they are printed.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowId, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::error::TaxError;
use crate::years;

pub use crate::assess::{Amount, Assessment, Entered, Figure, Place};
pub use crate::open::{OpenLot, Valued};
use crate::request::{Method, Settings};
pub use crate::settle::{Settled, UsedRule, Way};
pub use crate::totals::Totals;
pub use crate::valued::{Valuation, ValuedPart};
pub use crate::why::{
    Choice, GiftSide, HeldPart, PoolState, PortfolioState, Reason, ValueFrom, Why,
};
pub use crate::years::{NoTaxYear, TaxYear};

/// A ledger computed under one jurisdiction's rules.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The settings used, with every default resolved.
    pub settings: Settings,
    /// The rule set and its date, such as `us-2025.1`.
    pub rule_set: &'static str,
    /// The rules that were applied, in words, each with its source.
    pub rules_used: Vec<RuleNote>,
    /// One line per pair of disposal and lot, in time order.
    pub disposals: Vec<Disposal>,
    /// Units that left without a taxable disposal.
    pub removed: Vec<Removed>,
    /// Income at its value on receipt, in time order.
    pub income: Vec<Income>,
    /// What else of the rows was valued by a price from elsewhere, by day.
    pub valuations: Vec<Valuation>,
    /// Withdrawals and deposits that were taken as one transfer, in time order.
    pub transfers: Vec<Transfer>,
    /// How many rows each tax year has; a copy that counts once is one row.
    pub rows: BTreeMap<TaxYear, usize>,
    /// How many of all rows are purchases that the person answered, and stand in no file.
    pub rows_answered: usize,
    /// Sums per tax year; a year without rows is absent.
    pub totals: BTreeMap<TaxYear, Totals>,
    /// What the law makes of these sums, per tax year.
    pub assessments: BTreeMap<TaxYear, Assessment>,
    /// What is left at the end, sorted by asset, then wallet.
    pub holdings: Vec<Holding>,
    /// What is open lot by lot, where the request asks for it; in no order.
    pub open: Vec<OpenLot>,
    /// Things to check, the most money at stake first.
    pub warnings: Vec<Warning>,
    /// Answers that the person gave, in the order in which they stand.
    pub settled: Vec<Settled>,
    /// Rules of the person, in the order in which they stand.
    pub rules_given: Vec<UsedRule>,
}

/// A sentence on a rule that was used, with the source that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleNote {
    /// The place of the rule among those of its country.
    pub rule: usize,
    /// The rule in one or two sentences.
    pub text: String,
    /// Statute, regulation, notice or practice.
    pub source: &'static str,
}

/// How long a lot was held, as the law counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// One year or less.
    Short,
    /// More than one year.
    Long,
}

impl Term {
    /// The word in figures and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

/// One lot, or a part of one, that a disposal used up.
#[derive(Debug, Clone)]
pub struct Disposal {
    /// The row that disposed.
    pub id: RowId,
    /// Where that row stands: file (index into the ledger's files) and line.
    pub origin: Origin,
    /// Row kind that caused it.
    pub kind: RowKind,
    /// What was disposed of.
    pub asset: Asset,
    /// Wallet the units left.
    pub wallet: Asset,
    /// Local date of the disposal.
    pub date: NaiveDate,
    /// Units of this lot.
    pub quantity: Quantity,
    /// This lot's share of what was received.
    pub proceeds: Money,
    /// This lot's share of the costs of selling.
    pub fees: Money,
    /// What the units cost, purchase fees included, or their part of a portfolio's cost.
    pub cost: Money,
    /// Proceeds less fees less cost.
    pub gain: Money,
    /// The part of a loss that the law denies; not negative.
    pub denied_loss: Money,
    /// Short or long, where the jurisdiction knows it.
    pub term: Option<Term>,
    /// The rule that chose the lot, such as `fifo`.
    pub rule: &'static str,
    /// Local date the lot was acquired; none where no purchase is on record.
    pub acquired: Option<NaiveDate>,
    /// Row that acquired the lot; none where no purchase is on record.
    pub lot: Option<RowId>,
    /// The box of the form that the line belongs in, where the form has boxes.
    pub form_box: Option<char>,
    /// Whether this line is the fee of its row and not its main leg.
    pub is_fee: bool,
    /// Why this lot, this term, this value.
    pub why: Why,
}

/// The name in place of an asset of a line that is the result of a margin position.
pub const MARGIN_RESULT: &str = "margin result";

/// The rule of a disposal at a value that gives neither gain nor loss.
pub const NO_GAIN_NO_LOSS: &str = "no-gain-no-loss";

impl Disposal {
    /// Whether the law takes it at a value that gives neither gain nor loss.
    pub fn is_no_gain_no_loss(&self) -> bool {
        self.rule == NO_GAIN_NO_LOSS
    }

    /// Whether another line is of the same disposal, which may have used several lots.
    pub fn is_of_same(&self, other: &Self) -> bool {
        self.date == other.date && self.asset == other.asset && self.id == other.id
    }

    /// The gain or loss that counts: without the part of a loss that the law denies.
    ///
    /// # Errors
    /// [`AmountError`] when it leaves the range of exact arithmetic.
    pub fn counted_gain(&self) -> Result<Money, AmountError> {
        self.gain.checked_add(self.denied_loss)
    }
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    /// Index into the list of files of the computation.
    pub file: u32,
    /// Line, counted from 1 with the header.
    pub line: u32,
}

/// Units that left without a taxable disposal: gift, donation, theft.
#[derive(Debug, Clone)]
pub struct Removed {
    /// The row.
    pub id: RowId,
    /// Where it stands.
    pub origin: Origin,
    /// What happened.
    pub kind: RowKind,
    /// What left.
    pub asset: Asset,
    /// Local date.
    pub date: NaiveDate,
    /// How much.
    pub quantity: Quantity,
    /// What it had cost.
    pub cost: Money,
    /// Of a portfolio whose cost they used, how that part came about.
    pub part: Option<Box<PortfolioState>>,
    /// The lots that they were of, the first taken first; none where the method keeps pools.
    pub lots: Box<[RemovedLot]>,
}

/// The part of a lot that left without a taxable disposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedLot {
    /// Row that acquired the lot; none where no purchase is on record.
    pub lot: Option<RowId>,
    /// Units of it.
    pub quantity: Quantity,
    /// What they had cost.
    pub cost: Money,
}

/// Income at its value on receipt.
#[derive(Debug, Clone)]
pub struct Income {
    /// The row.
    pub id: RowId,
    /// Where it stands.
    pub origin: Origin,
    /// Staking, mining, ...
    pub kind: RowKind,
    /// What was received.
    pub asset: Asset,
    /// Local date.
    pub date: NaiveDate,
    /// How much.
    pub quantity: Quantity,
    /// Its value then, which is its cost from then on.
    pub value: Money,
    /// Where that value comes from.
    pub from: ValueFrom,
}

/// A withdrawal and a deposit that were taken as the halves of one transfer.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// The row of the withdrawal.
    pub sent: RowId,
    /// The row of the deposit.
    pub received: RowId,
    /// Where the withdrawal stands.
    pub origin: Origin,
    /// What was moved.
    pub asset: Asset,
    /// The wallet that the units left.
    pub from: Asset,
    /// The wallet that they reached.
    pub to: Asset,
    /// Local date of the withdrawal.
    pub date: NaiveDate,
    /// Units that arrived.
    pub quantity: Quantity,
    /// Units that left and did not arrive: the network's fee, where the rows name none.
    pub lost: Quantity,
    /// What told that they belong together.
    pub by: MatchedBy,
}

/// What told that two halves of a transfer belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedBy {
    /// The person said so.
    Answer,
    /// Both have one transaction hash.
    Hash,
    /// As many units, or a little fewer, soon after.
    Amount,
}

/// What is left of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The asset.
    pub asset: Asset,
    /// The wallet, where lots are kept per wallet.
    pub wallet: Option<Asset>,
    /// How much.
    pub quantity: Quantity,
    /// What it cost.
    pub cost: Money,
}

/// Something to check before filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The stable word.
    pub code: WarningCode,
    /// The row.
    pub id: RowId,
    /// Where it stands.
    pub origin: Origin,
    /// The tax year it bears on.
    pub year: TaxYear,
    /// The asset.
    pub asset: Option<Asset>,
    /// The largest change of a year's net gain, income or other result if this is settled the
    /// other way that is most likely; never negative.
    pub at_stake: Money,
    /// Whether that was computed; else it is an estimate by the last price on record.
    pub is_exact: bool,
    /// What was found, and what was assumed.
    pub message: String,
    /// What the person can do.
    pub help: String,
    /// The same as words, each of which settles it.
    pub ways: &'static [Way],
}

macro_rules! warning_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of thing is to be checked.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum WarningCode { $($(#[$doc])* $name,)* }

        impl WarningCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

warning_codes! {
    /// More units were disposed of than were ever acquired: the rest is taken at zero cost.
    MissingCostBasis = "missing_cost_basis",
    /// More units left a wallet than it held.
    NegativeBalance = "negative_balance",
    /// No value is known: taken as zero.
    MissingPrice = "missing_price",
    /// No price near a disposal of a portfolio is known: the last one is taken, or zero.
    MissingPortfolioPrice = "missing_portfolio_price",
    /// A withdrawal without its deposit, or a deposit without its withdrawal.
    UnmatchedTransfer = "unmatched_transfer",
    /// Units were paid back, and no loan is on record.
    UnmatchedLoan = "unmatched_loan",
    /// Theft or loss, which is listed and not deducted.
    LossEventNotDeducted = "loss_event_not_deducted",
    /// A loss with a purchase of the same asset close by.
    RepurchaseNearLoss = "repurchase_near_loss",
    /// The row's values are in another currency than the report: left out.
    CurrencyMismatch = "currency_mismatch",
    /// The same row stands in the input more than once: counted once.
    DuplicateRow = "duplicate_row",
    /// Two exports of one exchange may tell of the same rows: both count.
    PerhapsTwice = "perhaps_twice",
    /// Donations whose deduction needs an appraisal.
    AppraisalNeeded = "appraisal_needed",
    /// Margin results of a year that are in no figure for the return.
    MarginInNoForm = "margin_in_no_form",
    /// Margin results of a year that may go elsewhere, by a kind of contract that no row tells.
    MarginKindUnknown = "margin_kind_unknown",
    /// The row does not add up: left out.
    UnusableRow = "unusable_row",
    /// A lot named by the row is not there, or not enough of it: the method chose the rest.
    NamedLotMissing = "named_lot_missing",
}

impl Outcome {
    /// The method in force.
    pub const fn method(&self) -> Method {
        self.settings.method
    }

    /// Whether the records can tell anything of these tax years.
    ///
    /// # Errors
    /// [`TaxError::YearOutside`] for a year before the first row or after the last.
    pub fn check_years(&self, years: impl IntoIterator<Item = TaxYear>) -> Result<(), TaxError> {
        years::check(self.settings.country, &self.rows, &self.totals, years)
    }
}
