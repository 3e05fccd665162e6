//! What S3 says instead of doing what it was asked: whether it is away, and what to do if not.

use std::error::Error;
use std::io;

use aws_config::retry::ErrorKind;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use packtrain_core::fault::chain;

/// Codes of a service that has too much to do or waited too long; some servers send them with a
/// status of another meaning.
const TOO_MUCH: [&str; 2] = ["SlowDown", "RequestTimeout"];
/// Codes of a session that is over, which come without the status of a refusal.
const SESSION_OVER: [&str; 3] = ["ExpiredToken", "InvalidToken", "TokenRefreshRequired"];
/// The same of a bucket that is in another region.
const ELSEWHERE: [&str; 2] = ["PermanentRedirect", "AuthorizationHeaderMalformed"];

/// The status of an answer that is an error.
pub(super) fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// What the SDK says, in words: its own text is "service error". The kind tells a service that is
/// not to be had from one that refuses, and of what no waiting heals the words say what to do.
pub(super) fn said<E>(error: SdkError<E>) -> io::Error
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let said = error.code().map(|code| {
        let words = error.message().unwrap_or("no further words");
        format!("{code}: {words}")
    });
    let (kind, remedy) = meaning(&error);
    match (said, remedy) {
        (Some(said), Some(remedy)) => io::Error::new(kind, format!("{said}; {remedy}")),
        (Some(said), None) => io::Error::new(kind, said),
        (None, Some(remedy)) => io::Error::new(kind, format!("{}; {remedy}", told(&error))),
        (None, None) => io::Error::new(kind, error),
    }
}

/// What an error means, and what to do about one that stays as long as nobody does anything.
fn meaning<E>(error: &SdkError<E>) -> (io::ErrorKind, Option<&'static str>)
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let code = error.code().unwrap_or_default();
    match (error, status(error)) {
        (SdkError::TimeoutError(_), _) => (io::ErrorKind::TimedOut, None),
        (SdkError::DispatchFailure(_), _) if !is_of_the_way(error) => (
            io::ErrorKind::PermissionDenied,
            Some(
                "see that this process has credentials of AWS: a role, the environment, a profile",
            ),
        ),
        (SdkError::DispatchFailure(_) | SdkError::ResponseError(_), _) => {
            (io::ErrorKind::ConnectionAborted, None)
        }
        _ if TOO_MUCH.contains(&code) => (io::ErrorKind::ResourceBusy, None),
        _ if code == "NoSuchBucket" => (
            io::ErrorKind::NotFound,
            Some("make the bucket by `packtrain migrate --aws`, or mend s3.bucket"),
        ),
        (_, Some(301)) => elsewhere(),
        _ if ELSEWHERE.contains(&code) => elsewhere(),
        (_, Some(401 | 403)) => unwanted(),
        _ if SESSION_OVER.contains(&code) => unwanted(),
        (_, Some(501 | 505)) => (
            io::ErrorKind::Unsupported,
            Some("this server does not do what is needed of S3; mend aws.endpoint_url"),
        ),
        (_, Some(429 | 500..)) => (io::ErrorKind::ResourceBusy, None),
        _ => (io::ErrorKind::Other, None),
    }
}

const fn elsewhere() -> (io::ErrorKind, Option<&'static str>) {
    let remedy = "the bucket is in another region; mend aws.region";
    (io::ErrorKind::Other, Some(remedy))
}

const fn unwanted() -> (io::ErrorKind, Option<&'static str>) {
    let remedy = "see to the credentials of this process and to its rights (docs/stores.md)";
    (io::ErrorKind::PermissionDenied, Some(remedy))
}

/// Whether a request did not get through, and not for want of somebody in whose name to ask. Who
/// gives credentials may be out of reach as well.
fn is_of_the_way(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.any(|cause| {
        let connector = cause.downcast_ref::<ConnectorError>();
        connector.is_some_and(|cause| {
            // A connection that was closed instead of an answer is of the third sort.
            cause.is_io()
                || cause.is_timeout()
                || matches!(
                    cause.as_other(),
                    Some(
                        ErrorKind::TransientError
                            | ErrorKind::ServerError
                            | ErrorKind::ThrottlingError
                    )
                )
        }) || cause.to_string().contains("timed out")
    })
}

/// An error in words, without the general one before them.
fn told<E: Error + 'static>(error: &SdkError<E>) -> String {
    match error.source() {
        Some(source) => chain(source),
        None => chain(error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::operation::put_object::PutObjectError;
    use packtrain_core::fault::{Fault, Verdict};
    use packtrain_core::ports::ObjectError;

    use super::*;

    fn unsent(error: ConnectorError) -> Fault {
        let error = SdkError::<PutObjectError>::dispatch_failure(error);
        ObjectError::Write(said(error)).into()
    }

    #[test]
    fn who_has_no_credentials_is_told_so_and_does_not_wait_as_for_a_broken_line() {
        let none = ConnectorError::other("no providers gave credentials".into(), None);
        let fault = unsent(none);
        assert_eq!(fault.verdict, Verdict::Retry(None));
        for words in [
            "no providers gave credentials",
            "a role, the environment, a profile",
        ] {
            assert!(fault.message.contains(words), "{}", fault.message);
        }
        let cut = ConnectorError::io("connection refused".into());
        let behind = ConnectorError::io("no route to the server of the task's role".into());
        let unreachable = ConnectorError::other(Box::new(behind), None);
        let late = ConnectorError::other("identity resolver timed out after 5s".into(), None);
        let closed = |kind| ConnectorError::other("connection closed".into(), Some(kind));
        let closed = [
            ErrorKind::TransientError,
            ErrorKind::ServerError,
            ErrorKind::ThrottlingError,
        ]
        .map(closed);
        for error in [cut, unreachable, late].into_iter().chain(closed) {
            let fault = unsent(error);
            assert_eq!(fault.verdict, Verdict::Away, "{}", fault.message);
        }
    }

    #[test]
    fn a_slow_down_is_no_refusal() {
        let busy = ErrorMetadata::builder().code("SlowDown").build();
        assert_eq!(busy.code(), Some("SlowDown"));
        let error = SdkError::<PutObjectError>::service_error(
            PutObjectError::generic(busy),
            aws_sdk_s3::config::http::HttpResponse::new(
                400.try_into().unwrap(),
                aws_sdk_s3::primitives::SdkBody::empty(),
            ),
        );
        assert!(ObjectError::Write(said(error)).is_away());
    }
}
