//! A person's rules, tried on every row: the first that fits says what the row is.

use packtrain_core::ledger::{Row, RowKind};

use super::Answers;
use crate::engine::LedgerFile;
use crate::engine::input::Place;
use crate::error::TaxError;
use crate::import::needs;
use crate::settle::{Rule, Says, Tried, UsedRule};

impl Answers {
    /// Changes the kinds of rows.
    ///
    /// # Errors
    /// [`TaxError::Rule`] where a row cannot be of the kind that a rule says.
    pub(super) fn classify(
        &mut self,
        ledgers: &[LedgerFile],
        rules: &[Rule],
    ) -> Result<(), TaxError> {
        self.rules = rules
            .iter()
            .map(|rule| UsedRule {
                said: rule.to_string(),
                rows: 0,
            })
            .collect();
        if rules.is_empty() {
            return Ok(());
        }
        for (file, ledger) in (0_u32..).zip(ledgers) {
            for (number, row) in (0_u32..).zip(&ledger.rows) {
                let tried = Tried::new(&ledger.name, row);
                let mut all = rules.iter().enumerate();
                let of_kind = all.find_map(|(entry, rule)| match rule.says {
                    Says::Is(kind) if rule.fits(&tried) => Some((entry, kind)),
                    _ => None,
                });
                let Some((entry, kind)) = of_kind.filter(|(_, kind)| *kind != row.kind) else {
                    continue;
                };
                if let Some(what) = misfit(kind, row) {
                    return Err(TaxError::Rule {
                        rule: rules[entry].to_string(),
                        entry,
                        id: row.id.clone(),
                        file: ledger.name.clone(),
                        line: row.line,
                        what,
                    });
                }
                self.rules[entry].rows += 1;
                let place = Place { file, row: number };
                let row = Row {
                    kind,
                    ..row.clone()
                };
                self.changed.insert(place, row);
            }
        }
        Ok(())
    }
}

/// What keeps a row from being of the kind that a rule says.
fn misfit(kind: RowKind, row: &Row) -> Option<&'static str> {
    let (sent, received) = needs(kind);
    // A leg that the kind does not have would be left out of the figures unsaid.
    let takes_both = match kind {
        RowKind::Buy | RowKind::Sell | RowKind::Spend | RowKind::Transfer | RowKind::Bridge => true,
        _ => sent == received,
    };
    match kind {
        _ if sent && row.sent.is_none() => Some("nothing was sent"),
        _ if received && row.received.is_none() => Some("nothing was received"),
        _ if !sent && row.sent.is_some() && !takes_both => Some("something was sent"),
        _ if !received && row.received.is_some() && !takes_both => Some("something was received"),
        RowKind::Fee if row.received.is_some() => Some("something was received"),
        RowKind::Fee if row.fee.is_none() && row.sent.is_none() => Some("nothing was paid"),
        RowKind::MarginPnl if row.value.is_none() => Some("its result has no value"),
        _ => None,
    }
}
