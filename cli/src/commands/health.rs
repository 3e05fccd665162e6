//! `packtrain health`: whether a part of this host answers, for container services without curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};

use crate::args::{Global, Health, Part};
use crate::failure::{FAILED, Failure, USAGE};
use crate::settings::Settings;

/// How long everything may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read: its first line is what counts.
const ANSWER_BYTES_MAX: u64 = 1024;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Health,
    settings: &Settings,
) -> Result<(), Failure> {
    let (listen, path) = match args.part {
        Part::Api => (&settings.api.listen, "/readyz"),
        Part::Worker | Part::Scheduler => (&settings.metrics.listen, "/healthz"),
    };
    if listen.is_empty() {
        let what = "metrics.listen is empty, and that is where a worker or scheduler answers";
        let help = "set PACKTRAIN_METRICS_LISTEN, such as to 127.0.0.1:9464";
        return Err(Failure::new(USAGE, what).help(help));
    }
    let failed = |what: String| Failure::new(FAILED, format!("{listen}{path}: {what}"));
    let asked = tokio::time::timeout(ANSWER_WITHIN, status(listen, path)).await;
    let status = match asked {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => {
            return Err(failed(format!(
                "no answer within {} s",
                ANSWER_WITHIN.as_secs()
            )));
        }
    };
    if status != 200 {
        return Err(failed(format!("it answered {status}")));
    }
    if global.json {
        anstream::println!("{}", serde_json::json!({"status": "healthy"}));
    } else if !global.quiet {
        anstream::println!("healthy");
    }
    Ok(())
}

/// The status that the part answers with.
async fn status(listen: &str, path: &str) -> std::io::Result<u16> {
    let found = lookup_host(listen).await?.next();
    let address = found.ok_or_else(|| std::io::Error::other("this is no address"))?;
    let mut stream = TcpStream::connect(reachable(address)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .await?;
    let answer = String::from_utf8_lossy(&answer);
    let words = answer.lines().next().unwrap_or_default();
    let status = words.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.ok_or_else(|| std::io::Error::other("what answers is no HTTP"))
}

/// Who listens on every address is asked on loopback.
const fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
