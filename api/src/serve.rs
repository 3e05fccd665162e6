//! The server: takes connections, within limits, until it is told to stop.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::{Extension, Router};
use http::request::Parts;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tracing::{debug, warn};

use crate::still::Lively;

/// Connections at the same time; more wait in the listener's queue.
const CONNECTIONS_MAX: usize = 2_048;
/// Bytes of the head of a request, and those of a body that wait to be read: each connection may
/// hold so many in memory.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to send the head of a request, or be silent between two.
const HEADER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long requests may go on after the server was told to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(20);
/// How long to wait after a connection could not be taken, such as for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Whether the process is about to stop, as requests see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closing {
    stop: CancellationToken,
    upgraded: TaskTracker,
}

impl Closing {
    /// Returns once the server was told to stop.
    pub(crate) async fn closed(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the server was told to stop.
    pub(crate) fn is_set(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Lets the server wait, before it ends, until this is dropped: a connection that became
    /// another protocol's is no request any more.
    pub(crate) fn upgraded(&self) -> TaskTrackerToken {
        self.upgraded.token()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Closing {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Whether new work should go elsewhere, as `/readyz` says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draining(CancellationToken);

impl Draining {
    /// Whether the process drains.
    pub(crate) fn is_set(&self) -> bool {
        self.0.is_cancelled()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Draining {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Lets `/readyz` refuse from the moment `drain` is cancelled, while requests are still served:
/// a load balancer then has time to look elsewhere before [`serve`] is told to stop.
pub fn draining(router: Router, drain: CancellationToken) -> Router {
    router.layer(Extension(Draining(drain)))
}

/// Serves until `shutdown` is cancelled; then takes no more connections, ends event streams and
/// waiting answers, and lets other requests finish within a limit.
///
/// # Errors
/// When the listener has no address, because it is closed.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    listener.local_addr()?;
    let upgraded = TaskTracker::new();
    let router = router.layer(Extension(Closing {
        stop: shutdown.clone(),
        upgraded: upgraded.clone(),
    }));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    while let Some((stream, place)) = next(&listener, &places, &shutdown).await {
        while connections.try_join_next().is_some() {}
        let (router, shutdown) = (router.clone(), shutdown.clone());
        connections.spawn(talk(stream, router, shutdown, place));
    }
    drop(listener);
    upgraded.close();
    let drained = timeout(DRAIN_TIME_MAX, async {
        while connections.join_next().await.is_some() {}
        upgraded.wait().await;
    });
    if drained.await.is_err() {
        warn!(
            connections = connections.len() + upgraded.len(),
            "connections cut off while draining"
        );
        connections.shutdown().await;
    }
    Ok(())
}

/// The next connection and its place among all; none once the server stops.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let place = Arc::clone(places).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, place)),
                Err(error) => {
                    warn!(%error, "connection not taken");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(accepted).await.flatten()
}

/// Serves one connection.
async fn talk(
    stream: TcpStream,
    router: Router,
    shutdown: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    // Events are small and must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "connection without nodelay");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Lively::new(stream)),
            TowerToHyperService::new(router),
        )
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}
