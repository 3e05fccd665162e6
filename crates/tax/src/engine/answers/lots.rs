//! Lots that a person names for a row, whatever its file can say.

use packtrain_core::ledger::NamedLot;
use packtrain_core::quantity::Quantity;

use super::Answers;
use super::fitting::Fitting;
use crate::engine::input::Place;
use crate::engine::value::asset_leg;
use crate::methods::{self, Way};
use crate::settle::RowName;

impl Answers {
    /// Has a row use these lots, before those that the method would choose. They take the place of
    /// those that its file names.
    pub(super) fn name_lots(
        &mut self,
        fitting: &Fitting<'_>,
        place: Place,
        (lots, file): (&[NamedLot], Option<&str>),
    ) -> Result<String, String> {
        let method = fitting.settings.method;
        if !matches!(methods::of(method).way, Way::Lots(_)) {
            return Err(format!("the method {method} keeps no lots"));
        }
        let mut row = self.row(fitting, place);
        let Some(sent) = asset_leg(row.sent.as_ref()) else {
            return Err("the row gives no units, so it uses no lot".to_owned());
        };
        let sum = |sum: Quantity, lot: &NamedLot| sum.checked_add(lot.quantity);
        let units = lots.iter().try_fold(Quantity::ZERO, sum);
        let units = units.map_err(|error| error.to_string())?;
        if units > sent.amount {
            return Err(format!(
                "the lots are {units} {} together, and the row gives {}",
                sent.asset, sent.amount
            ));
        }
        let said = lots
            .iter()
            .map(|lot| format!("{} of {}", lot.quantity, lot.row));
        let said = format!("it uses the lots {}", said.collect::<Vec<_>>().join(", "));
        let mut lots = lots.to_vec();
        let mut files = Vec::with_capacity(lots.len());
        for lot in &mut lots {
            let brought = fitting.lot(&RowName {
                id: lot.row.to_string(),
                file: file.map(str::to_owned),
            })?;
            // Another is one that an answer buys, or a finding of the row.
            if let Some(place) = brought {
                lot.row = (&*fitting.row(place).id).into();
            }
            files.push(brought.map(|place| place.file));
        }
        let key = (fitting.origin(place), row.id.clone());
        self.lot_files.insert(key, files);
        row.rare.lots = lots;
        self.change(place, row);
        Ok(said)
    }
}
