//! `packtrain migrate`: roles, database and schema.

use packtrain_core::secret::Secret;
use packtrain_store::{Bootstrap, Roles};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::args::{Global, Migrate};
use crate::database::Database;
use crate::failure::{Failure, USAGE};
use crate::process::narrate;
use crate::settings::Settings;
use crate::wiring::objects::{self, Made};
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
        crate::secrecy::check(&[("--bootstrap-url", url)], &*narrate(global.quiet))?;
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
    database.close().await;
    let aws = if args.aws {
        aws(settings).await?
    } else {
        Aws::default()
    };
    if global.json {
        anstream::println!("{}", aws.as_json());
    } else {
        anstream::println!("The schema is up to date.");
        for line in aws.lines() {
            anstream::println!("{line}");
        }
    }
    Ok(())
}

/// What became of what the product uses of AWS; none of what it does not use.
#[derive(Default)]
struct Aws {
    /// Queues that were made.
    queues: Option<Vec<String>>,
    bucket: Option<Made>,
}

async fn aws(settings: &Settings) -> Result<Aws, Failure> {
    let queues = sqs::create(settings).await?;
    let bucket = objects::create(settings).await?;
    if queues.is_none() && bucket.is_none() {
        let unused = Failure::new(USAGE, "--aws: the settings name nothing of AWS");
        return Err(unused.help("set hints.transport to sqs, objects.store to s3, or both"));
    }
    Ok(Aws { queues, bucket })
}

impl Aws {
    fn as_json(&self) -> Value {
        let mut done = json!({ "state": "migrated" });
        if let Some(made) = &self.queues {
            done["queues_made"] = json!(made);
        }
        if let Some(made) = &self.bucket {
            done["bucket"] = json!({
                "name": made.bucket, "is_new": made.is_new, "lacks": made.lacks,
            });
        }
        done
    }

    fn lines(&self) -> Vec<String> {
        let queues = self.queues.as_deref().map(|made| match made {
            [] => "The queues are all there.".to_owned(),
            made => format!("Queues made: {}", made.join(", ")),
        });
        let bucket = self.bucket.as_ref().map(|made| {
            let name = &made.bucket;
            match &*made.lacks {
                [] if made.is_new => format!("Bucket made: {name}"),
                lacks if made.is_new => {
                    format!("Bucket made: {name}, without {}", lacks.join("; "))
                }
                [] => format!("The bucket {name} is there and lacks nothing."),
                lacks => format!(
                    "The bucket {name} is there, is left as it is, and lacks: {}",
                    lacks.join("; ")
                ),
            }
        });
        queues.into_iter().chain(bucket).collect()
    }
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
