//! `packtrain top`: one frame for scripts, a live view on a terminal that is given back.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use packtrain_tests::Yard;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};
use serde_json::Value;

use crate::binary::{addresses, folder, process};

fn top(yard: &Yard, words: &[&str]) -> tokio::process::Command {
    let words: Vec<&str> = ["top", "--quiet"].iter().chain(words).copied().collect();
    let mut command = process(yard.folder(), &words);
    command.env("PACKTRAIN_DATA_DIR", yard.folder());
    for (name, value) in addresses(&yard.database) {
        command.env(name, value);
    }
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn top_prints_one_frame_when_nobody_watches_and_one_document_as_json() {
    let yard = Yard::door(folder(&[])).await;
    yard.ticker().seed().await.unwrap();
    yard.database
        .run("update lane set paused_at = now_utc() where name = 'bulk'")
        .await;
    for words in [&["--once"][..], &[]] {
        let output = top(&yard, words).output().await.unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("packtrain top   "), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
        for row in [
            "bulk    paused",
            "io      open",
            "alerts.evaluate",
            "No workers.",
        ] {
            assert!(text.contains(row), "{row}: {text}");
        }
    }
    let output = top(&yard, &["--json"]).output().await.unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["lanes"].as_array().unwrap().len(), 6);
    assert_eq!(document["lanes"][0]["lane"], "bulk");
    assert!(document["lanes"][0]["paused_at"].is_string());
    // The next ones stand there, and the one that comes every ten seconds always is among them.
    let schedules = document["schedules"].as_array().unwrap();
    assert!(schedules.iter().any(|one| one["kind"] == "alerts.evaluate"));
    assert!(document["canary"].is_null());
}

/// A view on a terminal of its own, ended by `end`; what it wrote.
async fn watched(end: impl FnOnce(&mut File, u32)) -> String {
    let yard = Yard::door(folder(&[])).await;
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(theirs.to_str().unwrap())
        .unwrap();
    let before = tcgetattr(&theirs).unwrap().local_modes;
    assert!(before.contains(LocalModes::ICANON | LocalModes::ECHO));
    let mut command = top(&yard, &[]);
    command
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stdout(Stdio::from(theirs.try_clone().unwrap()))
        .stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut ours = File::from(ours);
    let mut reader = ours.try_clone().unwrap();
    let pid = child.id().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut written = Vec::new();
        read_until(&mut reader, &mut written, "No dead letters.");
        (reader, written)
    });
    let (mut reader, mut written) = reading.await.unwrap();
    assert!(
        !tcgetattr(&theirs)
            .unwrap()
            .local_modes
            .intersects(LocalModes::ICANON | LocalModes::ECHO)
    );
    end(&mut ours, pid);
    let status = child.wait().await.unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(tcgetattr(&theirs).unwrap().local_modes, before);
    read_until(&mut reader, &mut written, "\x1b[?1049l");
    String::from_utf8(written).unwrap()
}

/// Reads on until the text came. What a terminal has is there at once: nothing waits for long.
fn read_until(reader: &mut File, written: &mut Vec<u8>, text: &str) {
    let mut some = [0; 4096];
    while !String::from_utf8_lossy(written).contains(text) {
        let count = reader.read(&mut some).unwrap();
        assert!(count > 0, "the terminal ended before {text:?} came");
        written.extend_from_slice(&some[..count]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_ends_by_q_and_gives_the_terminal_back_as_it_was() {
    let written = watched(|terminal, _| terminal.write_all(b"xq").unwrap()).await;
    assert!(written.starts_with("\x1b[?1049h\x1b[?25l"), "{written:?}");
    assert!(written.ends_with("\x1b[?25h\x1b[?1049l"), "{written:?}");
    assert!(written.contains("packtrain top   "), "{written:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_ends_by_an_interrupt_and_gives_the_terminal_back_as_it_was() {
    let interrupt = |_: &mut File, pid: u32| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    };
    let written = watched(interrupt).await;
    assert!(written.ends_with("\x1b[?25h\x1b[?1049l"), "{written:?}");
}
