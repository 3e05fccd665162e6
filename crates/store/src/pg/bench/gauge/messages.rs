//! Messages of alerts, for benches that compare what was told with what was taken.

use packtrain_core::ids::JobId;
use packtrain_core::ports::StoreError;
use packtrain_core::time::Timestamp;

use super::PgGauge;
use crate::error::{number, refused};

/// A message that a job was enqueued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldMessage {
    /// The job.
    pub job: JobId,
    /// The rule of which it tells, as its payload names it.
    pub rule: String,
    /// Its place among everything that happened to the rule.
    pub seq: u32,
}

impl PgGauge {
    /// Messages that are there since the millisecond of a job, as its follow-ups or otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn messages(&self, since: JobId) -> Result<i64, StoreError> {
        sqlx::query_scalar!(
            r#"
            select count(*) as "count!"
              from job
             where id >= $1
               and kind = 'alerts.deliver'
            "#,
            since.floor().as_uuid(),
        )
        .fetch_one(self.asking())
        .await
        .map_err(refused("to count messages"))
    }

    /// Messages since a moment, in the order of their jobs, after one of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be asked.
    pub async fn told(
        &self,
        since: Timestamp,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Vec<ToldMessage>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select id, payload ->> 'rule' as "rule!", (payload ->> 'seq')::integer as "seq!"
              from job
             where id >= uuid_floor($1)
               and ($2::uuid is null or id > $2)
               and kind = 'alerts.deliver'
             order by id
             limit $3
            "#,
            since,
            after.map(|job| job.as_uuid()),
            i64::from(limit),
        )
        .fetch_all(self.asking())
        .await
        .map_err(refused("to read messages"))?;
        let told = rows.into_iter().map(|row| {
            Ok(ToldMessage {
                job: JobId::from_uuid(row.id),
                rule: row.rule,
                seq: number("job.payload", row.seq)?,
            })
        });
        told.collect()
    }
}
