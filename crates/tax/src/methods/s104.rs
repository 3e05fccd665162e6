//! Matching with purchases near the disposal, then the section 104 pool (United Kingdom).
//!
//! All sales of a day are one disposal. It is matched with purchases of the same day (TCGA 1992
//! s. 105), then with those of the 30 days after it, the earliest first (s. 106A), and then with
//! the pool (s. 104). A company has the ten days that end with the disposal in place of the 30
//! after it (s. 107).

use chrono::{Days, NaiveDate};
use packtrain_core::quantity::{AmountError, Quantity};

use super::acb::slices;
use super::journal::{Change, Cost, Journal, Leaving, Near, PoolRules, Settled, Slice, Taken};
use super::{Spec, Way};
use crate::outcome::Choice;
use packtrain_core::money::Money;

pub(super) const SPEC: Spec = Spec {
    way: Way::Pool(settle),
    chosen: "average cost of the section 104 pool",
};

/// What happened on one day.
struct Day {
    date: NaiveDate,
    /// What was bought and is not matched yet.
    bought: Cost,
    /// What came in and was not acquired on the day, such as what was owned before the records:
    /// only the pool has it.
    brought: Cost,
    /// What left, in the order in which it is matched.
    groups: Vec<Group>,
}

/// What left together.
struct Group {
    leaving: Leaving,
    outs: Vec<usize>,
    /// Units that nothing is matched with yet.
    left: Quantity,
    slices: Vec<Slice>,
}

fn settle(journal: &Journal, rules: PoolRules) -> Result<Settled, AmountError> {
    let mut days = days(journal)?;
    for day in &mut days {
        for group in &mut day.groups {
            group.match_with(&mut day.bought, || Choice::SameDay)?;
        }
    }
    for index in 0..days.len() {
        match_near(&mut days, index, rules.near)?;
    }
    let mut pool = Cost::nothing(journal.currency);
    let mut taken = Vec::new();
    for day in days {
        for came in [day.bought, day.brought] {
            pool.add(came.quantity, came.money)?;
        }
        for mut group in day.groups {
            if group.left.is_positive() {
                group.slices.extend(slices(&mut pool, group.left)?);
            }
            taken.push(Taken {
                leaving: group.leaving,
                outs: group.outs,
                slices: group.slices,
                denied: Money::zero(journal.currency),
            });
        }
    }
    Ok(Settled { taken, left: pool })
}

/// The journal by days. The sales of a day are one group, before what left in another way.
fn days(journal: &Journal) -> Result<Vec<Day>, AmountError> {
    let mut days: Vec<Day> = Vec::new();
    for (index, entry) in journal.entries.iter().enumerate() {
        if days.last().is_none_or(|day| day.date != entry.date) {
            days.push(Day {
                date: entry.date,
                bought: Cost::nothing(journal.currency),
                brought: Cost::nothing(journal.currency),
                groups: Vec::new(),
            });
        }
        let Some(day) = days.last_mut() else {
            continue;
        };
        match entry.change {
            Change::In { cost, is_purchase } => {
                let day = match is_purchase {
                    true => &mut day.bought,
                    false => &mut day.brought,
                };
                day.add(entry.quantity, cost)?;
            }
            Change::Out { leaving, .. } => {
                let sales = day.groups.first_mut();
                match sales.filter(|group| group.leaving == leaving && leaving == Leaving::Sold) {
                    Some(sales) => {
                        sales.outs.push(index);
                        sales.left = sales.left.checked_add(entry.quantity)?;
                    }
                    None => {
                        let place = day.groups.partition_point(|group| group.leaving <= leaving);
                        day.groups.insert(
                            place,
                            Group {
                                leaving,
                                outs: vec![index],
                                left: entry.quantity,
                                slices: Vec::new(),
                            },
                        );
                    }
                }
            }
        }
    }
    Ok(days)
}

/// Matches what left on a day with purchases of the days near it, the earliest first.
fn match_near(days: &mut [Day], index: usize, near: Near) -> Result<(), AmountError> {
    let mut groups = std::mem::take(&mut days[index].groups);
    let date = days[index].date;
    let is_open = |groups: &[Group]| {
        let mut disposals = groups.iter().filter(|group| group.leaving != Leaving::Gone);
        disposals.any(|group| group.left.is_positive())
    };
    if is_open(&groups) {
        let others = match near {
            Near::After(count) => {
                let last = date.checked_add_days(Days::new(count)).unwrap_or(date);
                index + 1..days.partition_point(|day| day.date <= last)
            }
            Near::Before(count) => {
                let first = date.checked_sub_days(Days::new(count)).unwrap_or(date);
                days.partition_point(|day| day.date < first)..index
            }
        };
        for other in &mut days[others] {
            if !is_open(&groups) {
                break;
            }
            let at = other.date;
            for group in &mut groups {
                group.match_with(&mut other.bought, || match near {
                    Near::After(_) => Choice::DaysAfter(at),
                    Near::Before(_) => Choice::DaysBefore(at),
                })?;
            }
        }
    }
    days[index].groups = groups;
    Ok(())
}

impl Group {
    /// Takes what it needs from what was bought on a day. What is gone was not disposed of, and
    /// is matched with nothing.
    fn match_with(
        &mut self,
        bought: &mut Cost,
        choice: impl FnOnce() -> Choice,
    ) -> Result<(), AmountError> {
        if self.leaving == Leaving::Gone {
            return Ok(());
        }
        let part = bought.take(self.left)?;
        if part.quantity.is_positive() {
            self.left = self.left.checked_sub(part.quantity)?;
            self.slices.push(Slice {
                quantity: part.quantity,
                cost: part.money,
                choice: choice(),
            });
        }
        Ok(())
    }
}
