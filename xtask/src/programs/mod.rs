//! Servers beside PostgreSQL that tests need: found, or fetched through a package manager.
//!
//! What cannot be had is said in a line, and the tests that need it are skipped by name; under
//! `--strict` a skip is a failure. Nothing is started on a port that somebody else may use: Redis,
//! PgBouncer and anvil are started by the tests themselves, the two stand-ins for AWS here, on free
//! ports of the loopback address.

mod emulators;
mod packages;

use packtrain_devdb::Moto;
use tokio::process::Child;

use crate::site::Site;

/// Servers of this run, and what tells the tests of them.
pub(crate) struct Programs {
    /// Names of the environment and their values.
    variables: Vec<(&'static str, String)>,
    /// They end when this is dropped.
    running: Vec<Child>,
    moto: Vec<Moto>,
}

impl Programs {
    /// Finds, fetches and starts what can be had.
    pub(crate) async fn gather(site: &Site) -> anyhow::Result<Self> {
        let mut gathered = Self {
            variables: Vec::new(),
            running: Vec::new(),
            moto: Vec::new(),
        };
        for (variable, program, package) in [
            ("PACKTRAIN_TEST_REDIS", "redis-server", "redis-server"),
            ("PACKTRAIN_TEST_PGBOUNCER", "pgbouncer", "pgbouncer"),
        ] {
            match packages::program(site, program, package).await {
                Ok(path) => gathered.know(variable, path.display().to_string()),
                Err(why) => lacking(program, &why),
            }
            site.go_on()?;
        }
        match packages::anvil(site).await {
            Ok(path) => gathered.know("PACKTRAIN_TEST_ANVIL", path.display().to_string()),
            Err(why) => lacking("anvil", &why),
        }
        site.go_on()?;
        match emulators::moto(site).await {
            Ok(moto) => {
                gathered.know("PACKTRAIN_TEST_MOTO", moto.url().to_owned());
                gathered.moto.push(moto);
            }
            Err(why) => lacking("moto", &why),
        }
        site.go_on()?;
        match emulators::fauxqs(site).await {
            Ok((child, url)) => gathered.hold("PACKTRAIN_TEST_FAUXQS", child, url),
            Err(why) => lacking("fauxqs", &why),
        }
        site.go_on()?;
        Ok(gathered)
    }

    /// What tests find in their environment.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = self.variables.iter();
        all.map(|(name, value)| (*name, value.as_str()))
    }

    fn know(&mut self, variable: &'static str, value: String) {
        println!("{variable}={value}");
        self.variables.push((variable, value));
    }

    fn hold(&mut self, variable: &'static str, child: Child, url: String) {
        self.know(variable, url);
        self.running.push(child);
    }
}

fn lacking(what: &str, why: &anyhow::Error) {
    println!("{what} is not at hand, its tests are skipped: {why:#}");
}
