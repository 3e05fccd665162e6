//! `packtrain health`: whether a part of this host answers, for container services without curl.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};

use crate::args::{Global, Health, Part};
use crate::failure::{FAILED, Failure, USAGE};
use crate::settings::Settings;

/// How long everything may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of an answer that are read: its first line counts, and the rest says what is wrong.
const ANSWER_BYTES_MAX: u64 = 2048;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &Health,
    settings: &Settings,
) -> Result<(), Failure> {
    let (api, others) = (&*settings.api.listen, &*settings.metrics.listen);
    let (asked, other) = match args.part {
        Some(Part::Api) => (api, None),
        Some(Part::Worker | Part::Scheduler) => (others, None),
        // Of an image that all parts share, whichever runs answers at its own of the two.
        None => (api, Some(others).filter(|listen| !listen.is_empty())),
    };
    if asked.is_empty() {
        let what = "metrics.listen is empty, and that is where a worker or scheduler answers";
        let help = "set PACKTRAIN_METRICS_LISTEN, such as to 127.0.0.1:9464";
        return Err(Failure::new(USAGE, what).help(help));
    }
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let asking = async {
        match (answer(asked, path).await, other) {
            (Err(error), Some(other)) if error.kind() == ErrorKind::ConnectionRefused => {
                (other, answer(other, path).await)
            }
            (answer, _) => (asked, answer),
        }
    };
    let failed = |listen: &str, what: &str| {
        let what = format!("{listen}{path}: {what}");
        Failure::new(FAILED, what.trim_end())
    };
    let (listen, answer) = tokio::time::timeout(ANSWER_WITHIN, asking)
        .await
        .map_err(|_| {
            let seconds = ANSWER_WITHIN.as_secs();
            failed(asked, &format!("no answer within {seconds} s"))
        })?;
    let (status, said) = answer.map_err(|error| failed(listen, &error.to_string()))?;
    if status != 200 {
        return Err(failed(listen, &format!("it answered {status}: {said}")));
    }
    if global.json {
        anstream::println!("{}", serde_json::json!({"status": "healthy"}));
    } else if !global.quiet {
        anstream::println!("healthy");
    }
    Ok(())
}

/// The status that the part answers with, and the words that follow.
async fn answer(listen: &str, path: &str) -> std::io::Result<(u16, String)> {
    let found = lookup_host(listen).await?.next();
    let address = found.ok_or_else(|| Error::other("this is no address"))?;
    let mut stream = TcpStream::connect(reachable(address)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {listen}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut answer)
        .await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let words = head.lines().next().unwrap_or_default();
    let status = words.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| Error::other("what answers is no HTTP"))?;
    Ok((status, body.to_owned()))
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
