//! The ways in which findings can be settled, in the order in which they are worth trying.

use crate::settle::Way;

/// Units were disposed of that nobody acquired.
pub(super) const NO_PURCHASE: &[Way] = &[Way::AddFile, Way::Purchase, Way::AcceptZero];
/// Units came in without their cost, by another row.
pub(super) const NO_COST: &[Way] = &[Way::AddFile, Way::AcceptZero];
/// Units came in by this row without their cost.
pub(super) const COST_OF_ROW: &[Way] = &[Way::Purchase, Way::AcceptZero, Way::CorrectRow];
/// A wallet gave more than it had.
pub(super) const SHORT: &[Way] = &[Way::AddFile, Way::Purchase, Way::Accept];
/// No value is known.
pub(super) const NO_PRICE: &[Way] = &[Way::Price, Way::AddPrices, Way::AcceptZero];
/// No price of the day is known on which holdings are valued.
pub(super) const PRICE_OF_DAY: &[Way] = &[Way::AddPrices, Way::AcceptZero];
/// No price is known near a disposal at which all that is held is valued.
pub(super) const PRICE_OF_HOLDING: &[Way] = &[Way::AddPrices, Way::Accept];
/// A withdrawal without its deposit.
pub(super) const SENT: &[Way] = &[Way::AddFile, Way::Transfer, Way::Rule, Way::Accept];
/// A deposit without its withdrawal, of units that had left before.
pub(super) const CAME_BACK: &[Way] = &[Way::AddFile, Way::Transfer, Way::Rule, Way::Accept];
/// A deposit without its withdrawal, of units that no row brought.
pub(super) const CAME: &[Way] = &[
    Way::AddFile,
    Way::Transfer,
    Way::Rule,
    Way::Purchase,
    Way::AcceptZero,
];
/// More arrived than was sent.
pub(super) const MORE_CAME: &[Way] = &[Way::CorrectRow, Way::AcceptZero];
/// Units were paid back that nobody borrowed.
pub(super) const NO_LOAN: &[Way] = &[Way::AddFile, Way::Accept];
/// The law's way with the row is to be known.
pub(super) const KNOWN: &[Way] = &[Way::Accept];
/// Some of the rows may belong elsewhere.
pub(super) const ELSEWHERE: &[Way] = &[Way::Accept, Way::CorrectRow];
/// Values in a currency without a rate.
pub(super) const PRICED: &[Way] = &[Way::Price, Way::AddPrices, Way::CorrectRow, Way::Accept];
/// The row does not add up.
pub(super) const LEFT_OUT: &[Way] = &[Way::CorrectRow, Way::Accept];
/// A lot that the row names is not there.
pub(super) const NO_LOT: &[Way] = &[Way::Lots, Way::CorrectRow, Way::Accept];
/// The row stands in an earlier file too.
pub(super) const TWICE: &[Way] = &[Way::Accept, Way::Keep, Way::Rule];
/// Rows of two sources may be of one exchange.
pub(super) const PERHAPS_TWICE: &[Way] = &[Way::CorrectRow, Way::Accept];
/// All of the file is the same as an earlier one.
pub(super) const COPIED: &[Way] = &[Way::Accept, Way::Rule];
