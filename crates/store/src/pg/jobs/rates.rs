//! Classes of rate, as the workers that know their kinds declare them.

use packtrain_core::job::Rate;
use packtrain_core::ports::StoreError;

use crate::error::refused;
use crate::pool::Pool;

/// Writes what the classes are; when the next job of each may begin stays as it is.
pub(crate) async fn declare(pool: &Pool, rates: &[Rate]) -> Result<(), StoreError> {
    if rates.is_empty() {
        return Ok(());
    }
    let classes: Vec<String> = rates.iter().map(|rate| rate.class.to_owned()).collect();
    let every: Vec<i64> = rates
        .iter()
        .map(|rate| i64::try_from(rate.every.as_micros()).unwrap_or(i64::MAX))
        .collect();
    let bursts: Vec<i16> = rates
        .iter()
        .map(|rate| i16::try_from(rate.burst).unwrap_or(i16::MAX))
        .collect();
    sqlx::query!(
        r#"
        insert into rate (class, every_us, burst)
        select distinct on (class) class, every_us, burst
          from unnest($1::text[], $2::bigint[], $3::smallint[]) as r (class, every_us, burst)
         order by class
            on conflict (class) do update
           set every_us = excluded.every_us,
               burst = excluded.burst
        "#,
        &classes,
        &every,
        &bursts,
    )
    .execute(pool)
    .await
    .map_err(refused("to declare rates"))?;
    Ok(())
}
