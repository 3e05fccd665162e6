//! What the test binaries said, summed.

use std::collections::BTreeSet;
use std::fmt;

/// The sum over all test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    /// Tests that did nothing, by name, with the reason.
    pub(crate) skipped: BTreeSet<(String, String)>,
    /// Tests that failed, by name.
    pub(crate) failures: BTreeSet<String>,
    /// Test binaries that said how they ended.
    binaries: usize,
}

impl Tally {
    /// Takes in a line of a test binary.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(result) = line.strip_prefix("test result: ") {
            self.binaries += 1;
            self.passed += count(result, "passed");
            self.failed += count(result, "failed");
        } else if let Some((name, end)) = line
            .strip_prefix("test ")
            .and_then(|test| test.rsplit_once(" ... "))
        {
            if end == "FAILED" {
                self.failures.insert(name.to_owned());
            } else if let Some(why) = end.strip_prefix("ignored") {
                let why = why.strip_prefix(", ").unwrap_or("marked as ignored");
                self.skipped.insert((name.to_owned(), why.to_owned()));
            }
        }
    }

    /// Takes in what tests wrote that had to skip, one `name: why` a line: to the test runner
    /// they passed.
    pub(crate) fn take_skips(&mut self, log: &str) {
        for line in log.lines().filter(|line| !line.trim().is_empty()) {
            let (name, why) = line.split_once(": ").unwrap_or((line, "no reason given"));
            if self.skipped.insert((name.to_owned(), why.to_owned())) {
                self.passed = self.passed.saturating_sub(1);
            }
        }
    }

    /// Takes in what was not run at all.
    pub(crate) fn skip(&mut self, name: &str, why: &str) {
        self.skipped.insert((name.to_owned(), why.to_owned()));
    }

    /// Takes in that cargo failed: a binary that crashed says nothing of its tests.
    pub(crate) fn take_crash(&mut self) {
        if self.failed == 0 {
            self.failed = 1;
            self.failures
                .insert("a test binary that did not end well".to_owned());
        }
    }

    /// Takes in another sum.
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
        self.failures.extend(other.failures);
        self.binaries += other.binaries;
    }

    /// Whether any test binary ran to its end.
    pub(crate) const fn has_run(&self) -> bool {
        self.binaries > 0
    }

    /// Whether no test was run at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.passed + self.failed + self.skipped.len() == 0
    }

    pub(crate) const fn has_failed(&self) -> bool {
        self.failed > 0
    }
}

/// The closing line, which other programs read.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped.len());
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The number before `what` in `ok. 3 passed; 1 failed; ...`.
fn count(result: &str, what: &str) -> usize {
    result
        .split(['.', ';'])
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, word)| *word == what)
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test a::b ... ok
test a::c ... FAILED
test a::d ... ignored, needs a day
test a::e - should panic ... ok
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s

running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.50s
";

    fn tally(output: &str) -> Tally {
        let mut tally = Tally::default();
        output.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn results_of_all_binaries_are_summed() {
        let tally = tally(OUTPUT);
        assert_eq!(tally.to_string(), "5 passed, 1 failed, 1 skipped");
        assert!(tally.has_run() && tally.has_failed());
        assert_eq!(tally.failures.iter().collect::<Vec<_>>(), ["a::c"]);
    }

    #[test]
    fn a_test_that_skips_itself_has_not_passed() {
        let mut tally = tally(OUTPUT);
        tally.take_skips("needs_psql: psql is missing\n\nneeds_root: not root\n");
        assert_eq!(tally.to_string(), "3 passed, 1 failed, 3 skipped");
        let named: Vec<_> = tally
            .skipped
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(named, ["a::d", "needs_psql", "needs_root"]);
    }

    #[test]
    fn a_binary_that_crashes_counts_as_a_failure_once() {
        let mut crashed = tally("test a ... ok\n");
        crashed.take_crash();
        assert_eq!(crashed.to_string(), "0 passed, 1 failed, 0 skipped");
        let mut failed = tally(OUTPUT);
        failed.take_crash();
        assert_eq!(failed.to_string(), "5 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn sums_are_added() {
        let mut sum = tally(OUTPUT);
        let mut rows = tally("test result: ok. 2 passed; 0 failed; 0 ignored");
        rows.take_skips("clock: no libfaketime");
        sum.add(rows);
        assert_eq!(sum.to_string(), "6 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_run_without_tests_is_empty() {
        assert!(
            tally("running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored").is_empty()
        );
    }
}
