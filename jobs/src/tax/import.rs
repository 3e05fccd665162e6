//! Reads an uploaded file into the ledger.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::FileId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{Imported, StoreError};
use packtrain_tax::import::{self, Limits};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Reads an uploaded file into ledger rows and a list of the rows that could not be read.
///
/// A second run replaces what the first wrote by the same rows, in one transaction.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaxImport)]
pub struct Import {
    /// The uploaded file.
    pub file: FileId,
}

impl Job for Import {
    const KIND: Kind = Kind::new("tax.import");
    const LANE: Lane = Lane::Io;
    const TIME_LIMIT: Duration = Duration::from_secs(600);

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        ctx.stage("fetch").await?;
        let file = ctx
            .world
            .files
            .find(ctx.tenant, self.file)
            .await?
            .ok_or_else(|| {
                Fault::from(StoreError::Missing {
                    what: format!("file {}", self.file),
                })
            })?;
        let bytes = ctx.world.objects.get(&file.file.object).await?;
        ctx.stage("read").await?;
        let imported = ctx.cpu(move |_| read(&bytes)).await?;
        ctx.stage("store").await?;
        ctx.world
            .files
            .record_import(ctx.tenant, self.file, &imported)
            .await?;
        Ok(Done::with(serde_json::json!({
            "file": self.file,
            "source": imported.source,
            "rows_total": imported.rows_total,
            "rows_bad": imported.rows_bad,
            "problem": imported.problem,
        })))
    }
}

/// What is in the bytes; a file that cannot be read at all is a result as well, not a fault:
/// another attempt would read the same.
fn read(bytes: &[u8]) -> Imported {
    match import::read(bytes, Limits::default()) {
        Ok(import) => Imported {
            source: Some(import.source.to_owned()),
            rows: import.rows,
            errors: import.errors,
            rows_total: import.rows_total,
            rows_bad: import.bad_rows,
            problem: None,
        },
        Err(error) => Imported {
            problem: Some(format!("{error}; {}", error.help())),
            ..Imported::default()
        },
    }
}
