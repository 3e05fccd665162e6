//! Hints over SQS and files in S3: those that the settings name, or moto.

use packtrain_core::fault::chain;
use packtrain_devdb::{Moto, MotoError, Narrate};

use crate::failure::{FAILED, Failure, USAGE};
use crate::settings::{Address, Machine, Settings, Store, Transport};
use crate::wiring::{objects, sqs};

/// What is said of it.
pub(super) const KEEPS_NOTHING: &str =
    "private SQS and S3 in memory: files are gone when this process ends";
/// What the SDK wants to have named.
const REGION: &str = "eu-central-1";
const BUCKET: &str = "packtrain-dev";
/// What to do without moto.
const ELSEWHERE: &str = "or set aws.endpoint_url to a server that speaks as SQS and S3 do, and \
s3.bucket to a bucket there";

/// Lets the settings lead to AWS: files in any case, hints too when they `carries_hints`. Where
/// they named no server, no queues and no bucket, moto is started, with all of that in it.
pub(super) async fn start(
    settings: &mut Settings,
    carries_hints: bool,
    narrate: &Narrate,
) -> Result<Option<Moto>, Failure> {
    if cfg!(not(feature = "aws")) {
        return Err(sqs::missing());
    }
    let is_given = settings.aws.endpoint_url.get().is_some()
        || settings.hints.transport == Transport::Sqs
        || settings.objects.store == Store::S3
        || !settings.s3.bucket.is_empty();
    if carries_hints {
        settings.hints.transport = Transport::Sqs;
    }
    settings.objects.store = Store::S3;
    if is_given {
        if settings.s3.bucket.is_empty() {
            let what = "s3.bucket: empty, but --stack aws keeps files in S3, and other settings \
                        lead to an AWS of yours";
            return Err(Failure::new(USAGE, what).help("name a bucket that is there"));
        }
        return Ok(None);
    }
    let log = settings.data.dir.join("moto/moto.log");
    let cache = Machine::read().cache;
    let started = Moto::start(&cache, &log, narrate).await;
    let moto = started.map_err(|error| failed(&error))?;
    settings.aws.endpoint_url = Address::from(moto.url().to_owned());
    settings.aws.is_own = true;
    settings.aws.region = REGION.to_owned();
    settings.s3.bucket = BUCKET.to_owned();
    settings.s3.path_style = true;
    sqs::create(settings).await?;
    let made = objects::create(settings).await?;
    for lack in made.iter().flat_map(|made| &made.lacks) {
        narrate(&format!("the bucket {BUCKET} goes without {lack}"));
    }
    Ok(Some(moto))
}

fn failed(error: &MotoError) -> Failure {
    let what = format!("--stack aws: {}", chain(error));
    match error {
        MotoError::NoPython => Failure::new(USAGE, what).help(format!(
            "install it (Debian: apt-get install python3-venv; macOS: brew install python3), \
             {ELSEWHERE}"
        )),
        MotoError::Fetch { .. } => Failure::new(FAILED, what).help(format!(
            "it needs python3 with venv and pip (Debian: apt-get install python3-venv) and a way \
             to PyPI the first time, {ELSEWHERE}"
        )),
        MotoError::File { .. } | MotoError::Silent { .. } => Failure::new(FAILED, what),
    }
}
