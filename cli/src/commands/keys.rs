//! `packtrain keys`: keys of the API, made, listed and revoked as the owner of the database.

use packtrain_core::ids::{ApiKeyId, ClockIds, IdSource, TenantId};
use packtrain_core::ports::KeyScope;
use packtrain_core::secret::Secret;
use packtrain_core::time::{SystemClock, Timestamp};
use packtrain_store::{KEYS_LISTED_MAX, KeyMaterial, ListedKey, NewTenant, WhichKeys};
use serde_json::json;

use crate::args::{Global, Keys, KeysAction, NewKey};
use crate::database::Database;
use crate::failure::{FAILED, Failure, USAGE};
use crate::process::narrate;
use crate::settings::Settings;
use crate::table::Table;

/// How the owner's address is given.
const OWNER_HELP: &str = "keys are made as packtrain_owner: set PACKTRAIN_DATABASE_OWNER_URL as \
for packtrain migrate";

/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Keys, settings: &Settings) -> Result<(), Failure> {
    let database = Database::open(settings, narrate(global.quiet)).await?;
    database.expect_schema().await?;
    let done = match &database.owner {
        Some(owner) => change(global, args, owner).await,
        None => Err(Failure::new(USAGE, "database.owner_url is not set").help(OWNER_HELP)),
    };
    database.close().await;
    done
}

async fn change(global: &Global, args: &Keys, owner: &Secret<String>) -> Result<(), Failure> {
    match &args.action {
        KeysAction::New(asked) => make(global, asked, owner).await,
        KeysAction::List { tenant, all } => {
            let which = WhichKeys {
                tenant: *tenant,
                revoked_too: *all,
            };
            list(global, which, owner).await
        }
        KeysAction::Revoke { id } => revoke(global, *id, owner).await,
    }
}

async fn make(global: &Global, asked: &NewKey, owner: &Secret<String>) -> Result<(), Failure> {
    let is_owned = asked.tenant.is_some() || asked.new_tenant.is_some();
    if !is_owned && asked.scopes.contains(&KeyScope::User) {
        let what = "--scope user works on a tenant's data: say whose with --tenant, or make one \
                    with --new-tenant";
        return Err(Failure::new(USAGE, what));
    }
    let name = named("a key's name", &asked.name)?;
    let ids: &dyn IdSource = &ClockIds::new(SystemClock);
    let tenant = match &asked.new_tenant {
        Some(name) => make_tenant(name, ids, owner).await?,
        None => asked.tenant.unwrap_or(TenantId::SYSTEM),
    };
    let secret = (0..4).map(|_| format!("{:016x}", ids.random()));
    let key = KeyMaterial {
        id: ApiKeyId::from_uuid(ids.uuid()),
        secret: Secret::new(secret.collect()),
    };
    packtrain_store::create_api_key(owner, tenant, &name, &asked.scopes, &key).await?;
    let text = key.text();
    if global.json {
        let scopes: Vec<_> = asked.scopes.iter().map(|scope| scope.as_str()).collect();
        let made = json!({
            "id": key.id, "key": text.reveal(), "scopes": scopes, "tenant": tenant,
        });
        anstream::println!("{made}");
    } else {
        anstream::println!("{}", text.reveal());
        if !global.quiet {
            anstream::eprintln!("This is {}; the key cannot be shown again.", key.id);
            if asked.new_tenant.is_some() {
                anstream::eprintln!("It is of the new tenant {tenant}.");
            }
        }
    }
    Ok(())
}

async fn make_tenant(
    name: &str,
    ids: &dyn IdSource,
    owner: &Secret<String>,
) -> Result<TenantId, Failure> {
    let name = named("a tenant's name", name)?;
    let id = TenantId::from_uuid(ids.uuid());
    packtrain_store::create_tenant(owner, &NewTenant { id, name }).await?;
    Ok(id)
}

/// A name as the API takes names: it is shown where people tell keys and tenants apart.
fn named(what: &str, text: &str) -> Result<String, Failure> {
    let name = text.trim();
    match packtrain_core::name::wrong(name, NAME_CHARS_MAX) {
        Some((_, said)) => Err(Failure::new(USAGE, format!("{what} {said}"))),
        None => Ok(name.to_owned()),
    }
}

async fn list(global: &Global, which: WhichKeys, owner: &Secret<String>) -> Result<(), Failure> {
    let keys = packtrain_store::api_keys(owner, which).await?;
    if global.json {
        let keys: Vec<_> = keys.iter().map(told).collect();
        anstream::println!("{}", json!({ "keys": keys }));
        return Ok(());
    }
    let mut table = Table::new(&["key", "name", "scopes", "tenant", "made", "revoked"]);
    for key in &keys {
        let at = |at: Timestamp| at.format("%Y-%m-%d %H:%M").to_string();
        table.row([
            key.id.to_string(),
            key.name.clone(),
            key.scopes.join(","),
            format!("{} {}", key.tenant, key.tenant_name),
            at(key.created_at),
            key.revoked_at.map_or_else(String::new, at),
        ]);
    }
    table.print("There is no key yet; packtrain keys new makes one.");
    if keys.len() >= KEYS_LISTED_MAX as usize && !global.quiet {
        anstream::eprintln!("These are the newest {KEYS_LISTED_MAX}; --tenant shows fewer.");
    }
    Ok(())
}

fn told(key: &ListedKey) -> serde_json::Value {
    json!({
        "id": key.id, "name": key.name, "scopes": key.scopes, "tenant": key.tenant,
        "tenant_name": key.tenant_name, "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}

async fn revoke(global: &Global, id: ApiKeyId, owner: &Secret<String>) -> Result<(), Failure> {
    if !packtrain_store::revoke_api_key(owner, id).await? {
        let what = format!("there is no key {id}, or it was revoked before");
        return Err(Failure::new(FAILED, what));
    }
    if global.json {
        anstream::println!("{}", json!({ "id": id, "state": "revoked" }));
    } else {
        anstream::println!("{id} opens nothing any more.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_a_tenant_are_called_nothing_that_cannot_be_seen() {
        assert_eq!(named("a key's name", " ada ").unwrap(), "ada");
        for wrong in [" ", "pay\u{202e}pal", &"x".repeat(NAME_CHARS_MAX + 1)] {
            let failure = named("a tenant's name", wrong).unwrap_err();
            assert_eq!(failure.code, USAGE, "{wrong:?}");
        }
    }
}
