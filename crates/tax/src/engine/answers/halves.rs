//! Halves of transfers as answers have them: each row in one transfer, or in none.

use packtrain_core::ledger::RowKind;

use super::Answers;
use super::fitting::Fitting;
use crate::engine::input::Place;
use crate::engine::value::asset_leg;

impl Answers {
    /// A withdrawal and its deposit, in whichever order they were named.
    pub(super) fn pair(
        &self,
        fitting: &Fitting<'_>,
        a: Place,
        b: Place,
    ) -> Result<(Place, Place), String> {
        let (sent, received) = match self.row(fitting, a).kind {
            RowKind::Deposit => (b, a),
            _ => (a, b),
        };
        let (out, back) = (self.row(fitting, sent), self.row(fitting, received));
        let is_pair = (out.kind, back.kind) == (RowKind::Withdrawal, RowKind::Deposit);
        let assets = [&out.sent, &back.received].map(|leg| asset_leg(leg.as_ref()));
        match assets {
            [Some(out), Some(back)] if is_pair && out.asset == back.asset => Ok((sent, received)),
            _ => Err("a transfer is a withdrawal and a deposit of one asset".to_owned()),
        }
    }

    /// Makes two rows one transfer.
    pub(super) fn join(
        &mut self,
        fitting: &Fitting<'_>,
        (sent, received): (Place, Place),
    ) -> Result<(), String> {
        for place in [sent, received] {
            // Moved twice, the units would vanish from one wallet or double in another.
            if self.halves_joined.contains(&place) {
                let id = &fitting.row(place).id;
                return Err(format!("row {id:?} is half of another transfer already"));
            }
        }
        let denies = |(a, b): &(Place, Option<Place>)| match b {
            Some(b) => (*a, *b) == (sent, received),
            None => *a == sent || *a == received,
        };
        if self.apart.iter().any(denies) {
            return Err("another answer says that it is no transfer".to_owned());
        }
        self.halves_joined.extend([sent, received]);
        self.joined.push((sent, received));
        Ok(())
    }

    /// Keeps two rows from being one transfer; without a second, a row from being half of any.
    pub(super) fn part(
        &mut self,
        fitting: &Fitting<'_>,
        (first, second): (Place, Option<Place>),
    ) -> Result<(), String> {
        let is_joined = match second {
            Some(second) => self.joined.contains(&(first, second)),
            None => self.halves_joined.contains(&first),
        };
        if is_joined {
            let id = &fitting.row(first).id;
            return Err(format!(
                "another answer makes row {id:?} half of a transfer"
            ));
        }
        self.apart.push((first, second));
        Ok(())
    }
}
