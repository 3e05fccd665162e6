//! Puts endpoints under the newest key: those that were written before there was one, and those of
//! keys that another has replaced.

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::limits::ENDPOINTS_MAX;
use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::PgConnection;

use super::row::{address_of, secrets_of};
use crate::error::refused;
use crate::pool::Pool;
use crate::seal::Keyring;

/// What a row holds, sealed under the newest key; none without any key.
pub(super) struct Sealed {
    pub(super) address: String,
    pub(super) secrets: Vec<String>,
    pub(super) by: String,
}

/// Seals what a row of an endpoint holds.
pub(super) fn sealed(
    keys: &Keyring,
    tenant: TenantId,
    id: EndpointId,
    (address, secrets): (&Secret<String>, &[Secret<String>]),
) -> Option<Sealed> {
    let place = secrets_of(tenant, id);
    let secrets = secrets.iter().map(|secret| keys.seal(&place, secret));
    Some(Sealed {
        address: keys.seal(&address_of(tenant, id), address)?,
        secrets: secrets.collect::<Option<_>>()?,
        by: keys.newest()?.to_owned(),
    })
}

/// Tenants, in order, after one.
pub(super) async fn tenants(
    pool: &Pool,
    after: Option<TenantId>,
    limit: u32,
) -> Result<Vec<TenantId>, StoreError> {
    let tenants = sqlx::query_scalar!(
        r#"
        select id
          from tenant
         where $1::uuid is null or id > $1
         order by id
         limit $2
        "#,
        after.map(|tenant| tenant.as_uuid()),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to list tenants"))?;
    Ok(tenants.into_iter().map(TenantId::from_uuid).collect())
}

/// Puts endpoints of a tenant under the newest key: one of them, or all. How many were not.
pub(super) async fn seal(
    connection: &mut PgConnection,
    keys: &Keyring,
    tenant: TenantId,
    only: Option<EndpointId>,
) -> Result<u64, StoreError> {
    let rows = sqlx::query!(
        r#"
        select id, address, secrets
          from endpoint
         where sealed_by is distinct from $1
           and ($2::uuid is null or id = $2)
         order by id
         limit $3
           for update
        "#,
        keys.newest(),
        only.map(|id| id.as_uuid()),
        i64::from(ENDPOINTS_MAX),
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to read what is to be sealed"))?;
    let mut count = 0;
    for row in rows {
        let id = EndpointId::from_uuid(row.id);
        let place = secrets_of(tenant, id);
        let secrets = row.secrets.into_iter();
        let secrets = secrets.map(|secret| keys.open(&place, secret));
        let secrets = secrets.collect::<Result<Vec<_>, _>>()?;
        let address = keys.open(&address_of(tenant, id), row.address)?;
        let Some(sealed) = sealed(keys, tenant, id, (&address, &secrets)) else {
            continue;
        };
        sqlx::query!(
            r#"
            update endpoint
               set address = $2,
                   secrets = $3,
                   sealed_by = $4
             where id = $1
            "#,
            row.id,
            sealed.address,
            &sealed.secrets,
            sealed.by,
        )
        .execute(&mut *connection)
        .await
        .map_err(refused("to seal an endpoint"))?;
        count += 1;
    }
    Ok(count)
}
