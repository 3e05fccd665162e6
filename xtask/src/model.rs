//! Walks the model of the life of jobs: the long form of what the tests do in short.

use crate::args::Model;
use crate::postgres;
use crate::site::Site;
use crate::test::SERVER;

/// Runs the tests of the model with these sizes, beside a private PostgreSQL.
pub(crate) async fn run(site: &Site, wanted: &Model) -> anyhow::Result<()> {
    let mut command = site.cargo();
    command.args(["test", "--package", "packtrain-tests", "--test", "all"]);
    command.args(["store::model::", "--", "--nocapture", "--test-threads", "1"]);
    for (name, value) in [
        ("PACKTRAIN_MODEL_SEED", wanted.seed),
        ("PACKTRAIN_MODEL_WORLD", wanted.world),
        ("PACKTRAIN_MODEL_STEPS", wanted.steps),
        ("PACKTRAIN_MODEL_COMPARED", wanted.compared),
    ] {
        command.env(name, value.to_string());
    }
    postgres::beside(site, async |server| {
        command.env(SERVER, server.superuser_url("").trim_end_matches('/'));
        site.must(&mut command).await
    })
    .await
}
