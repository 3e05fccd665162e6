//! Says that a test did nothing, where people and the summary of the run see it.

use std::fs::File;
use std::io::Write;

/// Notes that a test was skipped, and why; the test returns afterwards.
///
/// The test runner shows nothing of a test that passes; the summary reads the file that
/// `PACKTRAIN_SKIP_LOG` names.
pub fn skip(test: &str, why: &str) {
    eprintln!("skipped {test}: {why}");
    if let Some(log) = std::env::var_os("PACKTRAIN_SKIP_LOG") {
        let log = File::options().create(true).append(true).open(log);
        log.and_then(|mut log| log.write_all(format!("{test}: {why}\n").as_bytes()))
            .expect("the skip is noted");
    }
}
