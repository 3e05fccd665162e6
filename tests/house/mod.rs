//! The rules of the house, each as a test. They read the files of the workspace; none needs a
//! database. A rule is a function from files to breaches, and beside it stands a bad sample that
//! it must see, so that a rule that checks nothing any more is noticed.

mod arrows;
mod container;
mod documents;
mod kinds;
mod numbers;
mod shape;
mod source;
mod sql;
mod words;

use std::fmt;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    path: String,
    /// Counted from 1; 0 is the file as a whole.
    line: usize,
    what: String,
}

impl Breach {
    pub(crate) fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self {
                path,
                line: 0,
                what,
            } => write!(f, "{path}: {what}"),
            Self { path, line, what } => write!(f, "{path}:{line}: {what}"),
        }
    }
}

/// Fails with every breach and with what the rule asks for.
#[track_caller]
pub(crate) fn assert_kept(rule: &str, mut breaches: Vec<Breach>) {
    breaches.sort();
    let listed: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    assert!(listed.is_empty(), "{rule}\n  {}\n", listed.join("\n  "));
}

/// The lines of a sample at which a rule sees a breach.
pub(crate) fn lines(breaches: &[Breach]) -> Vec<usize> {
    breaches.iter().map(|breach| breach.line).collect()
}
