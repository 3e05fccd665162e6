//! How long anyone waits for the database, and for others.

use std::io;
use std::time::Duration;

use crate::ports::StoreError;

/// The longest that a statement may take. A connection that went silent would otherwise hold its
/// caller for as long as the network tries again, and some networks acknowledge without end.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why an answer counts as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer came within {} ms", .0.as_millis())]
pub struct Late(Duration);

/// Waits for an answer, and no longer than [`ANSWER_WITHIN`]: what is late counts as unreachable.
/// Whether the statement was carried out is then not known; leases, and states that every change
/// names, make that harmless.
///
/// # Errors
/// What the call says, or [`StoreError::Unavailable`] when it says nothing in time.
pub async fn patient<T>(
    asking: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    patient_for(ANSWER_WITHIN, asking).await
}

/// As [`patient`], and no longer than this.
///
/// # Errors
/// What the call says, or [`StoreError::Unavailable`] when it says nothing in time.
pub async fn patient_for<T>(
    within: Duration,
    asking: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(within, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable(Box::new(Late(within)))),
    }
}

/// Waits for an answer no longer than this: what is late failed as what timed out.
///
/// # Errors
/// What the call says, or [`io::ErrorKind::TimedOut`] when it says nothing in time.
pub async fn timely<T, E: From<io::Error>>(
    within: Duration,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(within, asking).await {
        Ok(answer) => answer,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}
