//! Whether a process that serves no requests lives, and whether it is answered.

use std::fmt::Write as _;

use axum::Router;
use axum::routing::get;
use chrono::{SecondsFormat, TimeDelta};
use http::StatusCode;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_core::vitals::{Ailing, Vitals};

/// `/healthz` fails while a loop is stuck: the process has to be started again. `/readyz` fails
/// while a loop is not answered as well, which no start mends.
pub(crate) fn routes(vitals: Vitals) -> Router {
    let ready = vitals.clone();
    let live = move || {
        let said = said("alive", "does not come round", &vitals.stuck());
        async move { said }
    };
    let ready = move || {
        let said = said("ready", "is not answered", &ready.unanswered());
        async move { said }
    };
    Router::new()
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
}

/// Which loops ail, and since when.
fn said(well: &str, how: &str, ailing: &[Ailing]) -> (StatusCode, String) {
    if ailing.is_empty() {
        return (StatusCode::OK, format!("{well}\n"));
    }
    let (now, mut text) = (SystemClock.now(), String::new());
    for Ailing { name, age } in ailing {
        let since = now - TimeDelta::from_std(*age).unwrap_or_default();
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let seconds = age.as_secs();
        // Writing to a text never fails.
        let _ = writeln!(text, "{name} {how} since {since}, {seconds} s ago");
    }
    (StatusCode::SERVICE_UNAVAILABLE, text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use http::Request;
    use packtrain_core::vitals::STUCK_AFTER;
    use tower::ServiceExt;

    use super::*;

    async fn asked(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_loop_is_named_with_its_time_and_one_without_answers_is_only_not_ready() {
        let vitals = Vitals::default();
        let router = routes(vitals.clone());
        let pulse = vitals.watch("renewal", STUCK_AFTER);
        let (alive, ready) = ("/healthz", "/readyz");
        assert_eq!(
            asked(&router, alive).await,
            (StatusCode::OK, "alive\n".into())
        );
        assert_eq!(
            asked(&router, ready).await,
            (StatusCode::OK, "ready\n".into())
        );
        tokio::time::advance(Duration::from_secs(50)).await;
        pulse.turn();
        tokio::time::advance(Duration::from_secs(50)).await;
        assert_eq!(asked(&router, alive).await.0, StatusCode::OK);
        let (status, said) = asked(&router, ready).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            said.starts_with("renewal is not answered since 20"),
            "{said}"
        );
        assert!(said.ends_with(" 100 s ago\n"), "{said}");
        tokio::time::advance(Duration::from_secs(11)).await;
        let (status, said) = asked(&router, alive).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(
            said.starts_with("renewal does not come round since 20"),
            "{said}"
        );
        assert!(said.ends_with(" 61 s ago\n"), "{said}");
    }
}
