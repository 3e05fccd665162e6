//! How long the worker waits for the database.

use std::time::Duration;

use packtrain_core::ports::StoreError;

/// The longest that a statement of the worker may take. A connection that went silent would
/// otherwise hold its caller for as long as the network tries again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Waits for an answer, and no longer: what is late counts as unreachable. Whether the statement
/// was carried out is then not known; leases make that harmless.
pub(crate) async fn patient<T>(
    asking: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_WITHIN, asking).await {
        Ok(answer) => answer,
        Err(late) => Err(StoreError::Unavailable(Box::new(late))),
    }
}
