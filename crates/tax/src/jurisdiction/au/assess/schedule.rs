//! The capital gains tax schedule that companies, trusts and funds attach.
//!
//! Its labels were read in the schedules of 2016 and 2022: 1I and 1R for gains and losses of other
//! assets, 1J for all gains, 2A losses of the year, 2B and 2C losses of the year and of earlier
//! years that were applied, 2E both, 3B losses to carry, 4A the discount, 6A the net gain, which is
//! 1J less 2E less 4A. Boxes have no cents. Collectables have labels of their own; a ledger does
//! not say which tokens are.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::{Year, label};
use crate::assess::{Line, above_zero, least};

const SOURCE: &str = "Capital gains tax (CGT) schedule, NAT 3423";

/// The labels of the schedule, worked out from the figures of the year.
pub(super) fn lines(year: &Year, form: &'static str) -> Result<[Line; 10], AmountError> {
    let gains = year.short.checked_add(year.long)?;
    let net = year.net;
    let applied = gains.checked_sub(net)?.checked_sub(year.discount)?;
    // Losses of the year go first, then those of earlier years (ITAA 1997 s. 102-5).
    let of_year = least(year.losses, applied);
    let before = applied.checked_sub(of_year)?;
    let line = |number, key, what, amount: Money| {
        let place = Some(label(form, number));
        (key, what, amount, place, SOURCE)
    };
    Ok([
        line(
            "1I",
            "schedule_1i",
            "Capital gains of other CGT assets",
            gains,
        ),
        line(
            "1R",
            "schedule_1r",
            "Capital losses of other CGT assets",
            year.losses,
        ),
        line(
            "1J",
            "schedule_1j",
            "Total current year capital gains",
            gains,
        ),
        line(
            "2A",
            "schedule_2a",
            "Total current year capital losses",
            year.losses,
        ),
        line(
            "2B",
            "schedule_2b",
            "Current year capital losses applied",
            of_year,
        ),
        line(
            "2C",
            "schedule_2c",
            "Prior year net capital losses applied",
            before,
        ),
        line("2E", "schedule_2e", "Total capital losses applied", applied),
        line(
            "3B",
            "schedule_3b",
            "Other net capital losses carried forward",
            above_zero(year.carried),
        ),
        line(
            "4A",
            "schedule_4a",
            "Total CGT discount applied",
            year.discount,
        ),
        line("6A", "schedule_6a", "Net capital gain", net),
    ])
}
