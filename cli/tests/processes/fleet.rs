//! Processes of a fleet as a container service meets them: health, protection, connections, a file
//! system that cannot be written to.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use packtrain_core::ports::KeyScope;
use packtrain_tests::{
    Database, Network, Nobody, Proxy, Role, Yard, free_address, plain_http, until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::binary::{addresses, command, folder, process, worker};

/// What `packtrain health` of these words says with these settings: its exit code and its words.
fn health(words: &[&str], set: &[(&str, &str)]) -> (i32, String) {
    let folder = folder(&[]);
    let words = [&["health"][..], words].concat();
    let mut asking = command(folder.path(), &words);
    for (name, value) in set {
        asking = asking.env(name, value);
    }
    let output = asking.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output.status.code().unwrap(), said)
}

fn signal(child: &Child, signal: Signal) {
    let id = child.id().expect("the process runs");
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
}

/// A part on this database that answers at this address.
fn part(yard: &Yard, name: &str, listen: &str) -> Command {
    let mut command = process(yard.folder(), &[name, "--quiet"]);
    command
        .env("PACKTRAIN_DATA_DIR", yard.folder())
        .env("PACKTRAIN_API_LISTEN", listen)
        .env("PACKTRAIN_METRICS_LISTEN", listen)
        .envs(addresses(&yard.database));
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn health_finds_whichever_part_runs_and_a_part_that_stands_still_is_not_well() {
    let yard = Yard::door(folder(&[])).await;
    for name in ["api", "worker", "scheduler"] {
        let (own, nobody) = (free_address().to_string(), Nobody::hold());
        let other = nobody.address.to_string();
        let mut child = part(&yard, name, &own).spawn().unwrap();
        let (api, others) = if name == "api" {
            (&own, &other)
        } else {
            (&other, &own)
        };
        let set = [
            ("PACKTRAIN_API_LISTEN", api.as_str()),
            ("PACKTRAIN_METRICS_LISTEN", others.as_str()),
        ];
        // As the image asks, which does not know what runs in it.
        until("it is well", async || health(&[], &set).0 == 0).await;
        let well = (0, "healthy\n".to_owned());
        until("it is well as the part that it is", async || {
            health(&["--part", name], &set) == well
        })
        .await;
        until("it is ready", async || {
            health(&["--part", name, "--ready"], &set).0 == 0
        })
        .await;
        signal(&child, Signal::STOP);
        let (code, said) = health(&[], &set);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("no answer within 3 s"), "{said}");
        signal(&child, Signal::CONT);
        until("it is well again", async || health(&[], &set).0 == 0).await;
        child.kill().await.unwrap();
        let (code, said) = health(&[], &set);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("/healthz: "), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_database_is_away_lives_and_is_not_ready() {
    let yard = Yard::door(folder(&[])).await;
    let proxy = Proxy::to(yard.database.server_address()).await;
    let listen = free_address().to_string();
    let mut command = part(&yard, "worker", &listen);
    for (name, role) in [
        ("PACKTRAIN_DATABASE_APP_URL", Role::App),
        ("PACKTRAIN_DATABASE_OPERATOR_URL", Role::Operator),
        ("PACKTRAIN_DATABASE_WORKER_URL", Role::Worker),
    ] {
        let url = yard.database.url_through(role, proxy.address);
        command.env(name, url.reveal());
    }
    let _worker = command.spawn().unwrap();
    let set = [("PACKTRAIN_METRICS_LISTEN", listen.as_str())];
    let ready = ["--part", "worker", "--ready"];
    until("it is ready", async || health(&ready, &set).0 == 0).await;
    // One that cannot even say that it is there ends.
    until("it is on the list", async || {
        yard.database.number("select count(*) from worker").await == 1
    })
    .await;
    proxy.set(Network::Hole);
    until("it is not ready", async || health(&ready, &set).0 == 1).await;
    let (_, said) = health(&ready, &set);
    assert!(said.contains("it answered 503: "), "{said}");
    assert!(said.contains(" is not answered since 20"), "{said}");
    assert_eq!(
        health(&["--part", "worker"], &set).0,
        0,
        "no start would mend that"
    );
    proxy.set(Network::Well);
    until("it is ready again", async || health(&ready, &set).0 == 0).await;
}

/// The agent of a container service: grants every wish and tells of it.
fn agent() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/api/task-1", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut text) = (stream.unwrap(), String::new());
            while !text.ends_with('}') {
                let mut bytes = [0; 1024];
                let count = stream.read(&mut bytes).unwrap();
                assert!(count > 0, "{text}");
                text.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
            }
            let body = "{\"protection\":{}}";
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
            if tell.send(text).is_err() {
                return;
            }
        }
    });
    (uri, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_on_ecs_is_protected_while_a_long_job_runs_and_not_after() {
    let yard = Yard::door(folder(&[])).await;
    let (uri, wishes) = agent();
    let protected_after = |seconds: &str| {
        worker(&yard)
            .env("ECS_AGENT_URI", &uri)
            .env("PACKTRAIN_WORKER_PROTECTION_AFTER_S", seconds)
            .spawn()
            .unwrap()
    };
    let operator = yard.client("ops", &[KeyScope::Operator]).await;
    let canary = async |hold_ms: u32| {
        let body = json!({ "kind": "ops.canary", "payload": { "hold_ms": hold_ms } });
        let made = operator.post("/v2/admin/jobs", &[], &body).await;
        let id = made.expect(202).json()["id"].as_str().unwrap().to_owned();
        format!("/v2/admin/jobs/{id}")
    };
    let state = async |job: &str| operator.get(job).await.expect(200).json()["state"].clone();
    // A short one is nobody's business, and on no machine does this one take a minute.
    let mut patient = protected_after("60");
    let short = canary(10).await;
    until("the short job has ended", async || {
        state(&short).await == "succeeded"
    })
    .await;
    assert!(wishes.try_recv().is_err());
    patient.kill().await.unwrap();
    let _worker = protected_after("1");
    // As long as one may hold: it ends when the wish was seen, and not before.
    let long = canary(10_000).await;
    let mut wish = None;
    until("protection is asked for", async || {
        wish = wishes.try_recv().ok();
        wish.is_some()
    })
    .await;
    assert_eq!(state(&long).await, "running");
    let cancel = format!("{long}/cancel");
    operator.post(&cancel, &[], &json!({})).await.expect(200);
    let wish = wish.unwrap();
    let path = "PUT /api/task-1/task-protection/v1/state HTTP/1.1";
    assert!(wish.starts_with(path), "{wish}");
    let on = "{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":10}";
    assert!(wish.ends_with(on), "{wish}");
    let mut wish = None;
    until("protection is taken back", async || {
        wish = wishes.try_recv().ok();
        wish.is_some()
    })
    .await;
    until("the long job has ended", async || {
        state(&long).await == "cancelled"
    })
    .await;
    assert!(wish.unwrap().ends_with("{\"ProtectionEnabled\":false}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_could_open_more_connections_than_the_server_takes_is_refused() {
    let database = Database::new().await;
    let folder = folder(&[]);
    let refused = |part: &str, set: &[(&str, &str)]| {
        let mut starting = command(folder.path(), &[part, "--quiet"]).envs(addresses(&database));
        for (name, value) in set {
            starting = starting.env(name, value);
        }
        let output = starting.timeout(Duration::from_secs(20)).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{part}: {said}");
        said
    };
    for part in ["api", "worker", "scheduler"] {
        let said = refused(part, &[("PACKTRAIN_DATABASE_CONNECTIONS", "5000")]);
        assert!(said.contains("this task alone may open "), "{said}");
        assert!(said.contains("and the server takes "), "{said}");
        let fleet = [
            ("PACKTRAIN_DATABASE_CONNECTIONS", "5"),
            ("PACKTRAIN_DATABASE_WORKER_TASKS_MAX", "4000"),
        ];
        let said = refused(part, &fleet);
        assert!(said.contains("all tasks may open "), "{said}");
        assert!(said.contains("4000 workers x 7"), "{said}");
    }
}

/// A process for which nothing can be written: neither where it stands nor where it is sent, since
/// nobody makes files in /proc, nor anywhere else, since a file of one byte would end it.
fn confined(program: &Command, writable: Option<&Path>) -> Command {
    let program = program.as_std();
    let mut command = Command::new("sh");
    let blocks = if writable.is_none() {
        "ulimit -f 0; "
    } else {
        ""
    };
    command
        .args(["-c", &format!("{blocks}exec \"$0\" \"$@\"")])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("HOME", "/proc")
        .env("TMPDIR", "/proc")
        .env(
            "PACKTRAIN_DATA_DIR",
            writable.unwrap_or(Path::new("/proc/none")),
        )
        .current_dir("/proc")
        // A log that is a file would count as well.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_writes_anywhere_but_to_the_folder_of_artefacts() {
    let yard = Yard::door(folder(&[])).await;
    let data = folder(&[]);
    let mut running = Vec::new();
    for (name, writable) in [
        ("api", Some(data.path())),
        ("worker", Some(data.path())),
        ("scheduler", None),
    ] {
        let listen = free_address().to_string();
        let mut command = confined(&part(&yard, name, &listen), writable);
        running.push((listen.clone(), command.spawn().unwrap()));
        until("it is ready", async || {
            let is_there = tokio::net::TcpStream::connect(&listen).await.is_ok();
            is_there && {
                let url = format!("http://{listen}/readyz");
                plain_http("GET", &url, &[], "").await.status() == 200
            }
        })
        .await;
    }
    let tenant = yard.database.tenant("ada").await;
    let scopes = [KeyScope::User, KeyScope::Operator];
    let key = yard.database.api_key(tenant, &scopes).await.text();
    let bearer = format!("Bearer {}", key.reveal());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let jobs = format!("http://{}/v2/admin/jobs", running[0].0);
    let body = json!({ "kind": "ops.canary", "payload": { "hold_ms": 10 } }).to_string();
    let made = plain_http("POST", &jobs, &headers, body).await;
    assert_eq!(made.status(), 202, "{}", made.text());
    until("the job has ended", async || {
        let ended = "select count(*) from outcome where state = 'succeeded'";
        yard.database.number(ended).await >= 1
    })
    .await;
    for (listen, child) in &mut running {
        assert!(child.try_wait().unwrap().is_none(), "{listen} ended");
        signal(child, Signal::TERM);
        assert_eq!(child.wait().await.unwrap().code(), Some(0));
    }
}
