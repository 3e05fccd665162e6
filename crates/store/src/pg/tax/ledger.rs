//! Ledger rows as columns, and back. Amounts travel as text and rest as `numeric`: both exact.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use packtrain_core::ids::{FileId, TenantId};
use packtrain_core::ledger::{Asset, Leg, NamedLot, RareParts, Row};
use packtrain_core::money::{Currency, Money};
use packtrain_core::ports::StoreError;
use packtrain_core::quantity::Quantity;
use sqlx::PgConnection;

use crate::error::{number, refused, unreadable};

#[derive(Default)]
struct Columns {
    lines: Vec<i32>,
    row_ids: Vec<String>,
    at: Vec<DateTime<Utc>>,
    kinds: Vec<String>,
    wallets: Vec<String>,
    to_wallets: Vec<Option<String>>,
    sent_amounts: Vec<Option<String>>,
    sent_assets: Vec<Option<String>>,
    received_amounts: Vec<Option<String>>,
    received_assets: Vec<Option<String>>,
    fee_amounts: Vec<Option<String>>,
    fee_assets: Vec<Option<String>>,
    values: Vec<Option<String>>,
    fee_values: Vec<Option<String>>,
    currencies: Vec<String>,
    bases: Vec<Option<String>>,
    acquired: Vec<Option<DateTime<Utc>>>,
    lots: Vec<Option<String>>,
    tx_hashes: Vec<Option<String>>,
    notes: Vec<Option<String>>,
}

impl Columns {
    fn add(&mut self, row: &Row) {
        let leg = |leg: &Option<Leg>| {
            leg.as_ref()
                .map(|leg| (leg.amount.to_string(), leg.asset.to_string()))
                .unzip()
        };
        let money = |money: &Option<Money>| money.map(Money::to_plain);
        let (sent_amount, sent_asset) = leg(&row.sent);
        let (received_amount, received_asset) = leg(&row.received);
        let (fee_amount, fee_asset) = leg(&row.fee);
        self.lines.push(i32::try_from(row.line).unwrap_or(i32::MAX));
        self.row_ids.push(row.id.to_string());
        self.at.push(row.at);
        self.kinds.push(row.kind.as_str().to_owned());
        self.wallets.push(row.wallet.to_string());
        self.to_wallets
            .push(row.rare.to_wallet.as_ref().map(ToString::to_string));
        self.sent_amounts.push(sent_amount);
        self.sent_assets.push(sent_asset);
        self.received_amounts.push(received_amount);
        self.received_assets.push(received_asset);
        self.fee_amounts.push(fee_amount);
        self.fee_assets.push(fee_asset);
        self.values.push(money(&row.value));
        self.fee_values.push(money(&row.rare.fee_value));
        self.currencies.push(row.currency.to_string());
        self.bases.push(money(&row.rare.basis));
        self.acquired.push(row.rare.acquired);
        self.lots.push(write_lots(&row.rare.lots));
        self.tx_hashes
            .push(row.tx_hash.as_ref().map(ToString::to_string));
        self.notes.push(row.note.as_ref().map(ToString::to_string));
    }
}

/// Writes rows of a file.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    tenant: TenantId,
    file: FileId,
    rows: &[Row],
) -> Result<(), StoreError> {
    let mut c = Columns::default();
    for row in rows {
        c.add(row);
    }
    sqlx::query!(
        r#"
        insert into ledger_row (
               file_id, tenant_id, line, row_id, at, kind, wallet, to_wallet, sent_amount,
               sent_asset, received_amount, received_asset, fee_amount, fee_asset, value,
               fee_value, currency, basis, acquired, lots, tx_hash, note)
        select $1, $2, r.line, r.row_id, r.at, r.kind, r.wallet, r.to_wallet,
               r.sent_amount::numeric, r.sent_asset, r.received_amount::numeric,
               r.received_asset, r.fee_amount::numeric, r.fee_asset, r.value::numeric,
               r.fee_value::numeric, r.currency, r.basis::numeric, r.acquired, r.lots,
               r.tx_hash, r.note
          from unnest($3::integer[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
                      $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                      $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
                      $18::text[], $19::timestamptz[], $20::text[], $21::text[], $22::text[])
               as r (line, row_id, at, kind, wallet, to_wallet, sent_amount, sent_asset,
                     received_amount, received_asset, fee_amount, fee_asset, value, fee_value,
                     currency, basis, acquired, lots, tx_hash, note)
        "#,
        file.as_uuid(),
        tenant.as_uuid(),
        &c.lines,
        &c.row_ids,
        &c.at,
        &c.kinds,
        &c.wallets,
        &c.to_wallets as &[Option<String>],
        &c.sent_amounts as &[Option<String>],
        &c.sent_assets as &[Option<String>],
        &c.received_amounts as &[Option<String>],
        &c.received_assets as &[Option<String>],
        &c.fee_amounts as &[Option<String>],
        &c.fee_assets as &[Option<String>],
        &c.values as &[Option<String>],
        &c.fee_values as &[Option<String>],
        &c.currencies,
        &c.bases as &[Option<String>],
        &c.acquired as &[Option<DateTime<Utc>>],
        &c.lots as &[Option<String>],
        &c.tx_hashes as &[Option<String>],
        &c.notes as &[Option<String>],
    )
    .execute(connection)
    .await
    .map_err(refused("to write ledger rows"))?;
    Ok(())
}

/// A file's rows, in file order.
pub(crate) async fn load(
    connection: &mut PgConnection,
    file: FileId,
) -> Result<Vec<Row>, StoreError> {
    let rows = sqlx::query_as!(
        Stored,
        r#"
        select line, row_id, at, kind, wallet, to_wallet, sent_amount::text as sent_amount,
               sent_asset, received_amount::text as received_amount, received_asset,
               fee_amount::text as fee_amount, fee_asset, value::text as value,
               fee_value::text as fee_value, currency, basis::text as basis, acquired, lots,
               tx_hash, note
          from ledger_row
         where file_id = $1
         order by line
        "#,
        file.as_uuid(),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read ledger rows"))?;
    let mut words = Words::default();
    rows.into_iter().map(|row| row.read(&mut words)).collect()
}

/// One copy of each word: a ledger names few assets and wallets, many times.
#[derive(Default)]
struct Words(HashSet<Asset>);

impl Words {
    fn keep(&mut self, word: String) -> Asset {
        if let Some(known) = self.0.get(word.as_str()) {
            return Arc::clone(known);
        }
        let word: Asset = word.into();
        self.0.insert(Arc::clone(&word));
        word
    }
}

struct Stored {
    line: i32,
    row_id: String,
    at: DateTime<Utc>,
    kind: String,
    wallet: String,
    to_wallet: Option<String>,
    sent_amount: Option<String>,
    sent_asset: Option<String>,
    received_amount: Option<String>,
    received_asset: Option<String>,
    fee_amount: Option<String>,
    fee_asset: Option<String>,
    value: Option<String>,
    fee_value: Option<String>,
    currency: String,
    basis: Option<String>,
    acquired: Option<DateTime<Utc>>,
    lots: Option<String>,
    tx_hash: Option<String>,
    note: Option<String>,
}

impl Stored {
    fn read(self, words: &mut Words) -> Result<Row, StoreError> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|_| unreadable("ledger_row.currency", &self.currency))?;
        let money = |what, text: Option<String>| {
            text.map(|text| Money::parse(&text, currency).map_err(|_| unreadable(what, &text)))
                .transpose()
        };
        let (value, fee_value) = (
            money("ledger_row.value", self.value)?,
            money("ledger_row.fee_value", self.fee_value)?,
        );
        let basis = money("ledger_row.basis", self.basis)?;
        Ok(Row {
            id: self.row_id.into(),
            line: number("ledger_row.line", self.line)?,
            at: self.at,
            kind: self
                .kind
                .parse()
                .map_err(|_| unreadable("ledger_row.kind", &self.kind))?,
            wallet: words.keep(self.wallet),
            sent: leg(words, self.sent_amount, self.sent_asset)?,
            received: leg(words, self.received_amount, self.received_asset)?,
            fee: leg(words, self.fee_amount, self.fee_asset)?,
            value,
            currency,
            tx_hash: self.tx_hash.map(Into::into),
            note: self.note.map(Into::into),
            rare: RareParts {
                to_wallet: self.to_wallet.map(|wallet| words.keep(wallet)),
                fee_value,
                basis,
                acquired: self.acquired,
                lots: read_lots(self.lots.as_deref().unwrap_or_default())?,
            }
            .into(),
        })
    }
}

fn leg(
    words: &mut Words,
    amount: Option<String>,
    asset: Option<String>,
) -> Result<Option<Leg>, StoreError> {
    let (Some(amount), Some(asset)) = (amount, asset) else {
        return Ok(None);
    };
    let amount: Quantity = amount
        .parse()
        .map_err(|_| unreadable("an amount of ledger_row", &amount))?;
    Ok(Some(Leg {
        amount,
        asset: words.keep(asset),
    }))
}

/// Named lots as `rowid:quantity;rowid:quantity`, the form of the ledger's own column.
fn write_lots(lots: &[NamedLot]) -> Option<String> {
    if lots.is_empty() {
        return None;
    }
    let parts: Vec<String> = lots
        .iter()
        .map(|lot| format!("{}:{}", lot.row, lot.quantity))
        .collect();
    Some(parts.join(";"))
}

fn read_lots(text: &str) -> Result<Vec<NamedLot>, StoreError> {
    text.split(';')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (row, quantity) = part
                .rsplit_once(':')
                .ok_or_else(|| unreadable("ledger_row.lots", part))?;
            let quantity = quantity
                .parse()
                .map_err(|_| unreadable("ledger_row.lots", part))?;
            Ok(NamedLot {
                row: row.into(),
                quantity,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_lots_read_back_what_was_written_even_with_a_colon_in_the_row_id() {
        let lots = vec![
            NamedLot {
                row: "a:1".into(),
                quantity: "0.5".parse().unwrap(),
            },
            NamedLot {
                row: "b".into(),
                quantity: "2".parse().unwrap(),
            },
        ];
        assert_eq!(read_lots(&write_lots(&lots).unwrap()).unwrap(), lots);
        assert!(read_lots("nonsense").is_err());
    }
}
