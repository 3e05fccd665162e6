//! `packtrain migrate`: roles, database and schema.

use packtrain_core::secret::Secret;
use packtrain_store::{Bootstrap, Roles};
use percent_encoding::percent_decode_str;

use crate::args::{Global, Migrate};
use crate::database::Database;
use crate::failure::{Failure, USAGE};
use crate::process::narrate;
use crate::settings::Settings;
use crate::wiring::sqs;

/// How the owner's address is given.
const OWNER_HELP: &str = "migrations run as packtrain_owner: set PACKTRAIN_DATABASE_OWNER_URL to \
postgres://packtrain_owner:...@host/packtrain";

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Migrate,
    settings: &Settings,
) -> Result<(), Failure> {
    if let Some(url) = &args.bootstrap_url {
        let wanted = Bootstrap {
            database: args.database.clone(),
            roles: roles(settings)?,
            limits: settings.database.limits(),
        };
        packtrain_store::bootstrap(url, &wanted).await?;
    }
    let database = Database::open(settings, narrate(global.quiet)).await?;
    let Some(owner) = &database.owner else {
        return Err(Failure::new(USAGE, "database.owner_url is not set").help(OWNER_HELP));
    };
    packtrain_store::migrate(owner).await?;
    let queues = match args.aws {
        true => Some(sqs::create(settings).await?),
        false => None,
    };
    if global.json {
        let mut done = serde_json::json!({ "state": "migrated" });
        if let Some(made) = queues {
            done["queues_made"] = made.into();
        }
        anstream::println!("{done}");
    } else {
        anstream::println!("The schema is up to date.");
        match queues.as_deref() {
            None => {}
            Some([]) => anstream::println!("The queues are all there."),
            Some(made) => anstream::println!("Queues made: {}", made.join(", ")),
        }
    }
    database.close().await;
    Ok(())
}

/// The passwords that the configured addresses hold: the roles are made with them.
fn roles(settings: &Settings) -> Result<Roles, Failure> {
    let password = |name: &str, address: &crate::settings::Address| {
        let url = address.get().unwrap_or_default();
        let rest = url
            .reveal()
            .split_once("://")
            .map(|(_, rest)| rest.to_owned());
        let user = rest
            .as_deref()
            .and_then(|rest| rest.rsplit_once('@'))
            .map(|(user, _)| user);
        let password = user
            .and_then(|user| user.split_once(':'))
            .map(|(_, word)| percent_decode_str(word).decode_utf8_lossy().into_owned());
        password.map(Secret::new).ok_or_else(|| {
            Failure::new(
                USAGE,
                format!("database.{name} holds no password to give its role"),
            )
            .help("set the four addresses first, each with the password its role shall have")
        })
    };
    let from = &settings.database;
    Ok(Roles {
        owner: password("owner_url", &from.owner_url)?,
        app: password("app_url", &from.app_url)?,
        operator: password("operator_url", &from.operator_url)?,
        worker: password("worker_url", &from.worker_url)?,
    })
}
