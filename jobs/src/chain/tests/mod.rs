//! Scans of chains that a test makes up and moves about.

mod chain;
mod figures;
mod floods;
mod kept;
mod scans;
mod slow;
