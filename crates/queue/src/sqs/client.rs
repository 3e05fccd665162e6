//! The SDK, set up in one place: version of behaviour, TLS, time-outs, one budget of retries.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::future::join_all;
use packtrain_core::job::Lane;
use packtrain_core::secret::Secret;
use tokio::sync::OnceCell;

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long an answer may take, one try and all tries together. Long polls have longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const ALL_WITHIN: Duration = Duration::from_secs(10);
/// How long looking for all queues may take: a process that starts waits for it.
const CHECK_WITHIN: Duration = Duration::from_secs(3);
/// Tries of one call. Beyond that the SDK's budget of retries, which all calls share, keeps a
/// service in trouble from being asked ever more.
const TRIES: u32 = 3;
/// The codes of a queue that does not exist: AWS has the old one still, others the new one.
const NO_QUEUE: [&str; 2] = [
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
];

/// Where queues are and how they are used.
#[derive(Clone)]
pub struct SqsSettings {
    /// The region; empty: what the SDK finds.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint_url: Option<Secret<String>>,
    /// Who asks.
    pub access: SqsAccess,
    /// The queue that wakes the lane `pulse`.
    pub pulse_queue: String,
    /// The queue that wakes the lane `notify`.
    pub notify_queue: String,
    /// What the names of the queues of the other lanes begin with.
    pub prefix: String,
    /// How long a poll waits for a message.
    pub wait: Duration,
    /// How long a message that somebody received is hidden from the others.
    pub visibility: Duration,
    /// The key by which new queues are encrypted; empty: the service's own.
    pub kms_key: String,
    /// Whether each queue has one for dead letters.
    pub has_dead_queues: bool,
    /// Whether queues are made to refuse whoever comes without TLS.
    pub refuses_plain: bool,
}

/// Who asks.
#[derive(Clone)]
pub enum SqsAccess {
    /// Whoever the SDK finds: the task's role, the environment, the profile.
    Found,
    /// A key that the caller has.
    Key {
        /// Its public part.
        id: String,
        /// Its secret part.
        secret: Secret<String>,
    },
}

/// Why SQS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// The service cannot be reached, or refused.
    #[error("SQS did not {what}")]
    Failed {
        /// What was asked.
        what: String,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Queues that must be there are not.
    #[error("queues do not exist: {}", .0.join(", "))]
    Missing(Vec<String>),
}

impl SqsError {
    /// Says what was asked, and what the SDK said in words: its own text is "service error".
    pub(super) fn of<E, R>(what: impl Into<String>) -> impl FnOnce(SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let what = what.into();
        move |error| {
            let said = error.code().map(|code| {
                let words = error.message().unwrap_or("no further words");
                format!("{code}: {words}")
            });
            let source = match said {
                Some(said) => said.into(),
                None => Box::new(error) as Box<dyn Error + Send + Sync>,
            };
            Self::Failed { what, source }
        }
    }
}

/// Queues, as far as this process knows them. Nothing is asked before it is needed.
pub struct Sqs {
    pub(super) settings: SqsSettings,
    client: OnceCell<Client>,
    /// Addresses of queues by name.
    urls: Mutex<HashMap<String, String>>,
}

impl Sqs {
    /// Queues under these settings.
    pub fn new(settings: SqsSettings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            client: OnceCell::new(),
            urls: Mutex::default(),
        })
    }

    pub(super) async fn client(&self) -> &Client {
        // In a box: what the SDK does to find out who asks is large, and is done once.
        let opening = || Box::pin(async { Client::new(&sdk(&self.settings).await) });
        self.client.get_or_init(opening).await
    }

    /// The address of the queue of this name.
    pub(super) async fn url(&self, name: &str) -> Result<String, SqsError> {
        if let Some(url) = self.urls().get(name) {
            return Ok(url.clone());
        }
        let asking = self.client().await.get_queue_url().queue_name(name).send();
        let answer = asking.await.map_err(|error| {
            if is_gone(&error) {
                SqsError::Missing(vec![name.to_owned()])
            } else {
                SqsError::of(format!("tell the address of {name}"))(error)
            }
        })?;
        let url = answer.queue_url.unwrap_or_default();
        self.urls().insert(name.to_owned(), url.clone());
        Ok(url)
    }

    /// What a call to a queue failed with. The address of one that is gone is asked for anew: it
    /// may have been made again since.
    pub(super) fn failed<E, R>(
        &self,
        queue: &str,
        what: impl Into<String>,
    ) -> impl FnOnce(SdkError<E, R>) -> SqsError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        R: fmt::Debug + Send + Sync + 'static,
    {
        let what = what.into();
        move |error| {
            if is_gone(&error) {
                self.urls().remove(queue);
            }
            SqsError::of(what)(error)
        }
    }

    fn urls(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.urls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether dead letters are shown in queues of their own.
    pub fn shows_dead_letters(&self) -> bool {
        self.settings.has_dead_queues
    }

    /// Every queue that must be there.
    pub(super) fn names(&self) -> Vec<String> {
        let settings = &self.settings;
        let lanes = Lane::ALL.into_iter();
        lanes
            .flat_map(|lane| {
                let dead = settings.has_dead_queues.then(|| settings.dead_queue(lane));
                [Some(settings.queue(lane)), dead]
            })
            .flatten()
            .collect()
    }

    /// Says whether every queue is there, within 3 s. All are asked for at once.
    ///
    /// # Errors
    /// [`SqsError::Missing`] with the names of those that are not, whatever became of the others;
    /// else [`SqsError::Failed`] when not all could be asked for.
    pub async fn check(&self) -> Result<(), SqsError> {
        let names = self.names();
        let asking = names.iter().map(|name| async move {
            let answer = tokio::time::timeout(CHECK_WITHIN, self.url(name)).await;
            answer.unwrap_or_else(|_| {
                let what = format!("tell the address of {name}");
                let source = format!("no answer within {CHECK_WITHIN:?}").into();
                Err(SqsError::Failed { what, source })
            })
        });
        let (mut missing, mut failed) = (Vec::new(), None);
        for answer in join_all(asking).await {
            match answer {
                Ok(_) => {}
                Err(SqsError::Missing(name)) => missing.extend(name),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if !missing.is_empty() {
            return Err(SqsError::Missing(missing));
        }
        failed.map_or(Ok(()), Err)
    }

    /// How long a poll may take, one try and all tries together: it waits on purpose.
    pub(super) fn patience_of_polls(&self) -> TimeoutConfig {
        let wait = self.settings.wait;
        TimeoutConfig::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(wait + ANSWER_WITHIN)
            .operation_attempt_timeout(wait + ANSWER_WITHIN)
            .operation_timeout(wait + ALL_WITHIN)
            .build()
    }
}

/// Whether a queue does not exist.
fn is_gone<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code().is_some_and(|code| NO_QUEUE.contains(&code))
}

/// The SDK's own settings. The behaviour is pinned, so that an update of the SDK changes nothing
/// that nobody looked at; TLS is the rustls over ring that the rest of the product has.
async fn sdk(settings: &SqsSettings) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let patience = TimeoutConfig::builder()
        .connect_timeout(CONNECT_WITHIN)
        .read_timeout(ANSWER_WITHIN)
        .operation_attempt_timeout(ANSWER_WITHIN)
        .operation_timeout(ALL_WITHIN)
        .build();
    let mut sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(patience)
        // A poll stands still on purpose, and every answer has a time-out of its own.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES));
    if !settings.region.is_empty() {
        sdk = sdk.region(Region::new(settings.region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        sdk = sdk.endpoint_url(url.reveal().clone());
    }
    if let SqsAccess::Key { id, secret } = &settings.access {
        let key = Credentials::new(id.clone(), secret.reveal().clone(), None, None, "settings");
        sdk = sdk.credentials_provider(key);
    }
    sdk.load().await
}
