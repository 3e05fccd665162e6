//! Lists of what every implementation of a port does, and on which of them what deviates.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;

/// The longest that one behaviour may take to be tried.
const WITHIN: Duration = Duration::from_secs(60);

/// What a list is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Folder,
    Pg,
    Redis,
    /// Our own small SQS.
    Fake,
    Moto,
    Fauxqs,
}

/// What every implementation does: a sentence, and the test of it.
pub(super) struct Behaviour<G: ?Sized + 'static> {
    pub(super) says: &'static str,
    pub(super) tried: for<'a> fn(&'a G) -> LocalBoxFuture<'a, ()>,
}

/// What one of them does otherwise, and why.
pub(super) struct Deviation {
    pub(super) server: Server,
    pub(super) of: &'static str,
    pub(super) why: &'static str,
    /// Whether the test of the row fails there; else there is nothing that it could be tried on.
    pub(super) is_tried: bool,
}

pub(super) const fn deviation(server: Server, of: &'static str, why: &'static str) -> Deviation {
    Deviation {
        server,
        of,
        why,
        is_tried: true,
    }
}

/// A row that could not fail on a server, and so is not tried there.
pub(super) const fn nothing_to_try(
    server: Server,
    of: &'static str,
    why: &'static str,
) -> Deviation {
    Deviation {
        is_tried: false,
        ..deviation(server, of, why)
    }
}

/// Tries a whole list, each behaviour on ground of its own. A deviation that is listed must be one:
/// when it is none any more, it is to be struck out.
pub(super) async fn try_all<G: ?Sized + 'static>(
    server: Server,
    list: &[Behaviour<G>],
    deviations: &[Deviation],
    ground: impl AsyncFn() -> Box<G>,
) {
    let mut wrong = Vec::new();
    for behaviour in list {
        let known = deviations
            .iter()
            .find(|known| known.server == server && known.of == behaviour.says);
        if known.is_some_and(|known| !known.is_tried) {
            continue;
        }
        let ground = ground().await;
        let trying = AssertUnwindSafe((behaviour.tried)(&ground)).catch_unwind();
        let kept = match tokio::time::timeout(WITHIN, trying).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(panic)) => Err(said(&*panic)),
            Err(_) => Err("it took too long".to_owned()),
        };
        match (kept, known) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Err(what), None) => wrong.push(format!("{}: {what}", behaviour.says)),
            (Ok(()), Some(known)) => wrong.push(format!(
                "{}: is kept now, strike it out: {}",
                behaviour.says, known.why
            )),
        }
    }
    assert!(wrong.is_empty(), "{server:?}:\n{}", wrong.join("\n"));
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked".to_owned())
}
