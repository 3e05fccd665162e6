//! What a try means for its endpoint.

use packtrain_core::ports::{Standing, StoreError, Try};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::refused;

/// Notes what a try means, which is written before or was just now. Whether it is what disables the
/// endpoint: of several that find out at once the first does, and none whose owner has enabled it
/// since the try began, when it failed since a time that no longer counts.
pub(super) async fn note(
    connection: &mut PgConnection,
    tried: &Try,
    (standing, failing_since): (Standing, Option<Timestamp>),
    is_new: bool,
) -> Result<bool, StoreError> {
    let (word, why) = match standing {
        Standing::Well => ("well", None),
        Standing::Failing => ("failing", None),
        Standing::Same => return Ok(false),
        Standing::Disabled(why) => ("disabled", Some(why)),
    };
    // A try that fails after a later one succeeded says what was so before that. No try takes
    // longer than a minute.
    let done = sqlx::query!(
        r#"
        update endpoint
           set verified_at = case when $2 = 'well' and unverified_since is null
                                  then coalesce(verified_at, $3)
                                  else verified_at end,
               failing_since = case
                   when $2 = 'well' then null
                   when coalesce(failed_at, failing_since) >= $3 - interval '1 day'
                   then failing_since
                   else $3
               end,
               failed_at = case $2 when 'well' then null else greatest(failed_at, $3) end,
               failures = case
                   when $2 = 'well' then 0
                   when coalesce(failed_at, failing_since) >= $3 - interval '1 day'
                   then failures + case when $5 then 1 else 0 end
                   else 1
               end,
               disabled_at = case $2 when 'disabled' then coalesce(disabled_at, $3)
                                     else disabled_at end,
               disabled_because = coalesce(disabled_because, $4)
         where id = $1
           and case $2 when 'well' then verified_at is null or failing_since is not null
                       when 'failing' then not exists (
                           select
                             from delivery_try d
                            where d.at > $3
                              and d.at <= $3 + interval '1 minute'
                              and d.endpoint_id = $1
                              and d.result = 'delivered')
                       else disabled_at is null
                        and ($6 or failing_since is not distinct from $7) end
        "#,
        tried.endpoint.as_uuid(),
        word,
        tried.at,
        why,
        is_new,
        tried.result == "gone",
        failing_since,
    )
    .execute(connection)
    .await
    .map_err(refused("to note how an endpoint stands"))?;
    Ok(word == "disabled" && done.rows_affected() > 0)
}
