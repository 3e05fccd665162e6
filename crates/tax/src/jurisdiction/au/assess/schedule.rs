//! The capital gains tax schedule that companies, trusts and funds attach.
//!
//! Its labels were read in the schedules of 2016 and 2022: 1I and 1R for gains and losses of other
//! assets, 1J for all gains, 2A losses of the year, 2B and 2C losses of the year and of earlier
//! years that were applied, 2E both, 3B losses to carry, 4A the discount, 6A the net gain, which is
//! 1J less 2E less 4A. Boxes have no cents. 6A is always the net gain of the return: where there
//! is a discount, it has what the cents of the others leave; where there is none, the losses of
//! earlier years that were applied have it, or those of the year where these are all that was
//! applied.
//! Collectables have labels of their own; a ledger does not say which tokens are.

use packtrain_core::quantity::AmountError;

use super::{Year, label};
use crate::assess::{Line, above_zero, cut, least};

const SOURCE: &str = "Capital gains tax (CGT) schedule, NAT 3423";
/// The source of labels that are worked out from what is entered in others.
const WORKED_OUT: &str = "Capital gains tax (CGT) schedule, NAT 3423; whole dollars, worked out \
                          from the other labels";

/// Label, key and words of each line.
const LABELS: [(&str, &str, &str); 10] = [
    ("1I", "schedule_1i", "Capital gains of other CGT assets"),
    ("1R", "schedule_1r", "Capital losses of other CGT assets"),
    ("1J", "schedule_1j", "Total current year capital gains"),
    ("2A", "schedule_2a", "Total current year capital losses"),
    ("2B", "schedule_2b", "Current year capital losses applied"),
    ("2C", "schedule_2c", "Prior year net capital losses applied"),
    ("2E", "schedule_2e", "Total capital losses applied"),
    (
        "3B",
        "schedule_3b",
        "Other net capital losses carried forward",
    ),
    ("4A", "schedule_4a", "Total CGT discount applied"),
    ("6A", "schedule_6a", "Net capital gain"),
];

/// The labels of the schedule, worked out from the figures of the year.
pub(super) fn lines(year: &Year, form: &'static str) -> Result<Vec<Line>, AmountError> {
    let gains = year.short.checked_add(year.long)?;
    let net = year.net;
    let applied = gains.checked_sub(net)?.checked_sub(year.discount)?;
    // Losses of the year go first, then those of earlier years (ITAA 1997 s. 102-5).
    let of_year = least(year.losses, applied);
    let of_earlier = applied.checked_sub(of_year)?;
    let entered_net = cut(above_zero(net))?;
    let without_net = cut(gains)?.checked_sub(entered_net)?;
    let (of_year, of_earlier, all_applied, discount, worked_out) = if !year.discount.is_zero() {
        let all_applied = cut(of_year)?.checked_add(cut(of_earlier)?)?;
        let discount = without_net.checked_sub(all_applied)?;
        (of_year, of_earlier, all_applied, discount, "")
    } else if of_earlier.is_zero() {
        (without_net, of_earlier, without_net, year.discount, "2B")
    } else {
        let of_earlier = without_net.checked_sub(cut(of_year)?)?;
        (of_year, of_earlier, without_net, year.discount, "2C")
    };
    let amounts = [
        gains,
        year.losses,
        gains,
        year.losses,
        of_year,
        of_earlier,
        all_applied,
        above_zero(year.carried),
        discount,
        entered_net,
    ];
    let lines = LABELS.into_iter().zip(amounts);
    let lines = lines.map(|((number, key, what), amount)| {
        let place = Some(label(form, number));
        let source = match number {
            "2E" | "4A" | "6A" => WORKED_OUT,
            number if number == worked_out => WORKED_OUT,
            _ => SOURCE,
        };
        (key, what, amount, place, source)
    });
    Ok(lines.collect())
}
