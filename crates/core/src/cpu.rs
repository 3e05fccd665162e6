//! Work that keeps a core busy, away from the threads that serve input and output.

use std::future::Future;

use tokio::sync::oneshot;

/// A pool of threads for computation; `workers` implements it with rayon.
pub trait CpuPool: Send + Sync + 'static {
    /// Runs `work` on the pool; returns at once.
    fn spawn(&self, work: Box<dyn FnOnce() + Send>);
}

/// The work panicked; the message is what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("computation panicked: {0}")]
pub struct Panicked(pub String);

/// Runs `work` on the pool and waits for its result without holding a thread.
///
/// # Errors
/// [`Panicked`] when the work panics: the pool goes on.
pub fn run<T: Send + 'static>(
    pool: &dyn CpuPool,
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, Panicked>> + Send {
    let (answer, result) = oneshot::channel();
    pool.spawn(Box::new(move || {
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        // Nobody waits any more when the job was cancelled: then the result is dropped.
        drop(answer.send(done.map_err(|panic| Panicked(panic_text(&*panic)))));
    }));
    async move {
        result
            .await
            .unwrap_or_else(|_| Err(Panicked("the pool dropped the work".to_owned())))
    }
}

/// What a caught panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
