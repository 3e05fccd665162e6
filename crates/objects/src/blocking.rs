//! Work that keeps a thread busy.

use std::io;

use packtrain_core::ports::ObjectError;
use tokio::task;

/// Runs file work on a thread for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ObjectError> {
    let done = task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)
        .and_then(|done| done);
    done.map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ObjectError::NoSpace(error),
        _ => ObjectError::Write(error),
    })
}
