//! Stand-ins for AWS that other people wrote: second opinions on SQS and S3.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use packtrain_devdb::{Moto, Narrate};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::packages;
use crate::postgres::cache;
use crate::site::{Site, shown};

/// How long a stand-in may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);
/// It ends with the pipe to this process, so that it is not left behind however this one ends.
const FAUXQS: &str = include_str!("fauxqs.mjs");

/// moto: S3 and SQS, and more of AWS; the same that `packtrain dev --stack aws` starts.
pub(crate) async fn moto(site: &Site) -> anyhow::Result<Moto> {
    let narrate: Narrate = Arc::new(|line| println!("{line}"));
    Ok(Moto::start(&cache()?, &site.scratch.join("moto.log"), &narrate).await?)
}

/// fauxqs, as a library: its own command listens on every address of the machine.
pub(crate) async fn fauxqs(site: &Site) -> anyhow::Result<(Child, String)> {
    let folder = packages::node(site, "fauxqs", "1.9.2").await?;
    let mut command = Command::new("node");
    command.current_dir(folder);
    command.args(["--input-type=module", "--eval", FAUXQS]);
    listening(&mut command).await
}

/// Starts it and waits for its address, the first line that it says.
async fn listening(command: &mut Command) -> anyhow::Result<(Child, String)> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command
        .spawn()
        .with_context(|| format!("{} could not be started", shown(command)))?;
    let output = child.stdout.take().context("the output is piped")?;
    let mut lines = BufReader::new(output).lines();
    let said = timeout(LISTENS_WITHIN, lines.next_line()).await;
    match said.context("it said no address in time")?? {
        Some(url) if url.starts_with("http://127.0.0.1:") => Ok((child, url)),
        other => bail!("it said {other:?} instead of its address"),
    }
}
