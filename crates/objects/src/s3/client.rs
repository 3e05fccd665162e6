//! The SDK, set up in one place: version of behaviour, TLS, time-outs, one budget of retries.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Builder, Credentials, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use packtrain_core::secret::Secret;

/// Tries of one call. Beyond that the SDK's budget of retries, which all calls share, keeps a
/// service in trouble from being asked ever more.
const TRIES: u32 = 3;
/// How long the SDK waits before it tries again: up to this, then up to twice as long.
const BACKOFF: Duration = Duration::from_millis(200);

/// Where the bucket is and how it is used.
#[derive(Clone)]
pub struct S3Settings {
    /// The region; empty: what the SDK finds.
    pub region: String,
    /// Another address than the region's own.
    pub endpoint_url: Option<Secret<String>>,
    /// Who asks.
    pub access: S3Access,
    /// The bucket.
    pub bucket: String,
    /// What the keys in the bucket begin with.
    pub prefix: String,
    /// The key of KMS by which objects are encrypted; empty: what the bucket says.
    pub kms_key: String,
    /// How long a link to a download lasts.
    pub download: Duration,
    /// How long a client may take until it begins to send what it promised.
    pub upload: Duration,
    /// Whether the bucket's name stands in the path of addresses and not in their host.
    pub path_style: bool,
    /// How long answers may take.
    pub patience: S3Patience,
    /// The folder for what is too long to be held in memory on its way to the bucket.
    pub spool: PathBuf,
}

/// Who asks.
#[derive(Clone)]
pub enum S3Access {
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

/// How long answers may take.
#[derive(Debug, Clone)]
pub struct S3Patience {
    /// Until a connection is there.
    pub connect: Duration,
    /// One try of one call, what is sent included.
    pub answer: Duration,
    /// All tries of one call.
    pub all: Duration,
    /// The bytes of an object that is read.
    pub body: Duration,
}

impl Default for S3Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(30),
            all: Duration::from_secs(75),
            body: Duration::from_secs(60),
        }
    }
}

/// Opens a client. The behaviour is pinned, so that an update of the SDK changes nothing that
/// nobody looked at; TLS is the rustls over ring that the rest of the product has, and no proxy of
/// the environment comes in between.
pub(super) async fn open(settings: &S3Settings) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let patience = &settings.patience;
    let within = TimeoutConfig::builder()
        .connect_timeout(patience.connect)
        .read_timeout(patience.answer)
        .operation_attempt_timeout(patience.answer)
        .operation_timeout(patience.all)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(TRIES)
        .with_initial_backoff(BACKOFF);
    let mut sdk = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(within)
        // Every answer and every body has a time-out of its own.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(retries);
    if !settings.region.is_empty() {
        sdk = sdk.region(Region::new(settings.region.clone()));
    }
    if let Some(url) = &settings.endpoint_url {
        sdk = sdk.endpoint_url(url.reveal().clone());
    }
    if let S3Access::Key { id, secret } = &settings.access {
        let key = Credentials::new(id.clone(), secret.reveal().clone(), None, None, "settings");
        sdk = sdk.credentials_provider(key);
    }
    // Checksums are ours, and cover whole objects: what is sent carries its SHA-256, what is read
    // must have the hash of its key.
    let config = Builder::from(&sdk.load().await)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .force_path_style(settings.path_style)
        .build();
    Client::from_conf(config)
}
