//! Servers beside PostgreSQL that tests stand on, where the run of the tests found or fetched them.

use crate::skip::skip;

/// What a test needs beside PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The program `redis-server`.
    Redis,
    /// The address of moto: SQS and S3.
    Moto,
    /// The address of fauxqs: SQS and S3.
    Fauxqs,
    /// The program `pgbouncer`.
    PgBouncer,
    /// The program `anvil`.
    Anvil,
}

impl Program {
    /// Where it is, as the run of the tests says; without it the test is skipped by name.
    pub fn find(self, test: &str) -> Option<String> {
        let (name, variable) = match self {
            Self::Redis => ("redis-server", "PACKTRAIN_TEST_REDIS"),
            Self::Moto => ("moto", "PACKTRAIN_TEST_MOTO"),
            Self::Fauxqs => ("fauxqs", "PACKTRAIN_TEST_FAUXQS"),
            Self::PgBouncer => ("pgbouncer", "PACKTRAIN_TEST_PGBOUNCER"),
            Self::Anvil => ("anvil", "PACKTRAIN_TEST_ANVIL"),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "the test run hands programs over in the environment"
        )]
        let found = std::env::var(variable).ok().filter(|at| !at.is_empty());
        if found.is_none() {
            skip(
                test,
                &format!("{name} is not at hand ({variable} is not set)"),
            );
        }
        found
    }
}
