//! Named places at which a test run breaks this process; they are nothing in a build that people
//! run.
//!
//! With the feature `failpoints` the environment names what is to happen where, in the words of the
//! crate `fail`: `FAILPOINTS="before commit to settle jobs=2*off->return(kill)"` lets the third
//! settle end the process the way `kill -9` does.

use packtrain_core::ports::StoreError;

/// Reads what is to happen at the points of this process.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // The scenario disarms the points when it is dropped: they stay for the life of the process.
    std::mem::forget(fail::FailScenario::setup());
}

/// Does what was asked for at this point: `return(kill)` ends the process at once,
/// `return(refuse)` is a refusal by the database, any other `return` says that it cannot be
/// reached.
///
/// # Errors
/// The one that was asked for.
#[cfg(feature = "failpoints")]
pub fn reach(moment: &str, what: &'static str) -> Result<(), StoreError> {
    let point = format!("{moment} {what}");
    fail::fail_point!(&point, |asked: Option<String>| match asked.as_deref() {
        Some("kill") => std::process::abort(),
        Some("refuse") => Err(StoreError::Refused {
            what,
            source: "a fail point".into(),
        }),
        _ => Err(StoreError::Unavailable("a fail point".into())),
    });
    Ok(())
}

/// Nothing is broken here.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn reach(_: &str, _: &'static str) -> Result<(), StoreError> {
    Ok(())
}
