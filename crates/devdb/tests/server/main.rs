//! The private server as its users meet it: started, attached to, killed, taken over.

#![expect(unreachable_pub, reason = "the yard is a module of one test binary")]

mod skip;
mod yard;

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    process::{Command, Stdio},
};

use packtrain_devdb::{DevdbError, start};
use yard::{NOBODY, Yard, ask, data_folder, is_alive, kill, query, server_pid, skips, until};

#[tokio::test]
async fn a_server_starts_answers_and_keeps_its_data_over_a_clean_stop() {
    if skips("a_server_starts_answers_and_keeps_its_data_over_a_clean_stop") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    let url = server.superuser_url("postgres");
    query(&url, "create table kept as select 7 as n")
        .await
        .expect("a table is made");
    for (setting, wanted) in [
        ("fsync", "on"),
        ("listen_addresses", "127.0.0.1"),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
    ] {
        let shown = query(&url, &format!("show {setting}")).await;
        assert_eq!(shown.as_deref(), Ok(wanted), "{setting}");
    }
    let collation = "select datcollate from pg_database where datname = 'template0'";
    assert_eq!(query(&url, collation).await.as_deref(), Ok("C"));
    let pid = server_pid(server.data_folder());
    server.stop().await.expect("it stops");
    assert!(!is_alive(pid));
    assert!(!server.data_folder().join("postmaster.pid").exists());

    let again = yard.start(&yard.path("pg")).await;
    let url = again.superuser_url("postgres");
    assert_eq!(query(&url, "select n from kept").await.as_deref(), Ok("7"));
    again.stop().await.expect("it stops");
}

#[tokio::test]
async fn only_the_password_lets_in_over_loopback_and_over_the_socket() {
    if skips("only_the_password_lets_in_over_loopback_and_over_the_socket") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    let connection = server.connection();
    let password = connection.superuser_password();
    for (word, is_right) in [(password, true), ("wrong", false)] {
        let over_loopback = query(&connection.url("postgres", "postgres", word), "select 1").await;
        let socket = connection.socket_url("postgres", "postgres", word);
        let over_socket = query(&socket, "select 1").await;
        assert_eq!(over_loopback.is_ok(), is_right, "{over_loopback:?}");
        assert_eq!(over_socket.is_ok(), is_right, "{over_socket:?}");
    }
    let beside = yard.path("pg").join(format!("{}.password", server.major()));
    assert_eq!(
        fs::metadata(&beside).expect("it is there").mode() & 0o777,
        0o600
    );
    let log = yard.path("pg").join(format!("{}.log", server.major()));
    assert!(!fs::read_to_string(log).expect("a log").contains(password));
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_second_start_attaches_and_its_stop_leaves_the_server_alone() {
    if skips("a_second_start_attaches_and_its_stop_leaves_the_server_alone") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    // Both begin at once: one sets up, the other waits for it.
    let (left, right) = tokio::join!(yard.start(&root), yard.start(&root));
    assert_ne!(left.is_attached().await, right.is_attached().await);
    assert_eq!(left.connection(), right.connection());
    let (owner, guest) = if left.is_attached().await {
        (right, left)
    } else {
        (left, right)
    };
    guest.stop().await.expect("nothing to stop");
    ask(owner.connection()).await.expect("it still answers");
    owner.stop().await.expect("it stops");
}

#[tokio::test]
async fn a_start_after_the_server_and_its_owner_were_killed_recovers_what_was_committed() {
    if skips("a_start_after_the_server_and_its_owner_were_killed_recovers_what_was_committed") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    let mut held = yard.hold(&root, None);
    let url = held.says("url ");
    query(&url, "create table kept as select 7 as n")
        .await
        .expect("a table is made");
    let pid = server_pid(&data_folder(&root));
    kill(pid);
    held.kill();

    let server = yard.start(&root).await;
    let url = server.superuser_url("postgres");
    assert_eq!(query(&url, "select n from kept").await.as_deref(), Ok("7"));
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn the_server_dies_with_its_owner() {
    if skips("the_server_dies_with_its_owner") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    let mut held = yard.hold(&root, None);
    held.says("url ");
    let pid = server_pid(&data_folder(&root));
    assert!(is_alive(pid));
    held.kill();
    until("the server is gone", async || !is_alive(pid)).await;

    // And at once, while it may still be going: the next start waits for its end.
    let mut held = yard.hold(&root, None);
    held.says("url ");
    held.kill();
    let server = yard.start(&root).await;
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn an_attached_process_restarts_the_server_at_its_address_when_the_owner_goes() {
    if skips("an_attached_process_restarts_the_server_at_its_address_when_the_owner_goes") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    let mut owner = yard.hold(&root, None);
    let url = owner.says("url ");
    let mut guest = yard.hold(&root, None);
    assert_eq!(guest.says("attached "), "true");
    assert_eq!(guest.says("url "), url);
    query(&url, "create table kept as select 7 as n")
        .await
        .expect("a table is made");

    owner.kill();
    guest.says("say the owner of the private PostgreSQL is gone");
    guest.says("say PostgreSQL ");
    assert_eq!(query(&url, "select n from kept").await.as_deref(), Ok("7"));

    // It is the owner now in every way: a third process attaches to it, and its stop stops.
    let mut third = yard.hold(&root, None);
    assert_eq!(third.says("attached "), "true");
    third.stop();
    let pid = server_pid(&data_folder(&root));
    guest.stop();
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn a_server_that_is_killed_under_its_owner_is_started_again_at_its_address() {
    if skips("a_server_that_is_killed_under_its_owner_is_started_again_at_its_address") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    let mut held = yard.hold(&root, None);
    let url = held.says("url ");
    kill(server_pid(&data_folder(&root)));
    held.says("say the private PostgreSQL ended unasked");
    held.says("say PostgreSQL ");
    query(&url, "select 1").await.expect("it answers again");
    held.stop();
}

#[tokio::test]
async fn a_pid_file_whose_number_went_to_another_process_does_not_stop_a_start() {
    if skips("a_pid_file_whose_number_went_to_another_process_does_not_stop_a_start") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    let folder = server.data_folder().to_owned();
    let owner = fs::metadata(&folder).expect("it is there");
    server.stop().await.expect("it stops");
    let mut command = Command::new("cat");
    if yard::is_root() {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let mut stranger = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .expect("cat runs");
    let text = format!(
        "{}\n{}\n1\n5432\n/tmp\n127.0.0.1\n",
        stranger.id(),
        folder.display()
    );
    fs::write(folder.join("postmaster.pid"), text).expect("written");

    let server = yard.start(&yard.path("pg")).await;
    assert!(
        stranger.try_wait().expect("it can be asked").is_none(),
        "the stranger is left alone"
    );
    server.stop().await.expect("it stops");
    drop(stranger.stdin.take());
    stranger.wait().expect("it ends");
}

#[tokio::test]
async fn a_deep_data_folder_gets_its_socket_at_a_short_place() {
    if skips("a_deep_data_folder_gets_its_socket_at_a_short_place") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path(&"d".repeat(100))).await;
    let connection = server.connection();
    let socket = connection.socket_folder().to_owned();
    assert!(!socket.starts_with(server.data_folder()));
    let url = connection.socket_url("postgres", "postgres", connection.superuser_password());
    query(&url, "select 1").await.expect("the socket answers");
    server.stop().await.expect("it stops");
    assert!(!socket.exists());
}

#[tokio::test]
async fn root_s_server_runs_as_an_unprivileged_user_that_owns_the_data() {
    if skips("root_s_server_runs_as_an_unprivileged_user_that_owns_the_data") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    let owner = fs::metadata(server.data_folder())
        .expect("it is there")
        .uid();
    assert_ne!(owner, 0);
    let pid = server_pid(server.data_folder()).as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    assert!(
        status.contains(&format!("Uid:\t{owner}\t{owner}\t{owner}\t{owner}\n")),
        "{status}"
    );
    assert!(
        status.contains("Groups:\t \n"),
        "no group of root's is left: {status}"
    );
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn root_s_copy_of_a_data_folder_is_given_to_the_server_s_user() {
    if skips("root_s_copy_of_a_data_folder_is_given_to_the_server_s_user") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    server.stop().await.expect("it stops");
    let copied = Command::new("cp")
        .arg("-r")
        .args([yard.path("pg"), yard.path("copy")])
        .status();
    assert!(copied.expect("cp runs").success());
    assert_eq!(
        fs::metadata(data_folder(&yard.path("copy")))
            .expect("there")
            .uid(),
        0
    );
    yard.start(&yard.path("copy"))
        .await
        .stop()
        .await
        .expect("it stops");
}

#[tokio::test]
async fn root_s_data_may_lie_where_the_unprivileged_user_cannot_walk() {
    if skips("root_s_data_may_lie_where_the_unprivileged_user_cannot_walk") {
        return;
    }
    let yard = Yard::new();
    let home = yard.path("home");
    fs::create_dir(&home).expect("made");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("closed to others");
    let root = home.join("pg");
    let mut held = yard.hold(&root, None);
    let url = held.says("url ");
    query(&url, "create database more strategy file_copy")
        .await
        .expect("a database is made");
    query(&url, "checkpoint").await.expect("files are written");
    assert_eq!(
        fs::metadata(data_folder(&root)).expect("there").mode() & 0o777,
        0o700
    );
    let pid = server_pid(&data_folder(&root));
    let guest = yard.start(&root).await;
    assert!(guest.is_attached().await);
    kill(pid);
    held.says("say PostgreSQL ");
    query(&url, "select 1").await.expect("it answers again");
    held.stop();
}

#[tokio::test]
async fn an_ordinary_user_starts_and_shares_a_server_and_root_attaches_or_owns_it_next() {
    let name = "an_ordinary_user_starts_and_shares_a_server_and_root_attaches_or_owns_it_next";
    if skips(name) {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    fs::create_dir(&root).expect("made");
    chown(&root, Some(NOBODY), Some(NOBODY)).expect("given");
    let mut owner = yard.hold(&root, Some(NOBODY));
    let url = owner.says("url ");
    let mut guest = yard.hold(&root, Some(NOBODY));
    assert_eq!(guest.says("attached "), "true");
    guest.says("url ");
    guest.stop();
    assert!(yard.start(&root).await.is_attached().await);
    query(&url, "select 1").await.expect("it answers");
    assert_eq!(
        fs::metadata(data_folder(&root)).expect("there").uid(),
        NOBODY
    );
    let pid = server_pid(&data_folder(&root));
    owner.kill();
    until("the server is gone", async || !is_alive(pid)).await;

    let server = yard.start(&root).await;
    assert_eq!(
        fs::metadata(server.data_folder()).expect("there").uid(),
        NOBODY
    );
    server.stop().await.expect("it stops");
}

#[tokio::test]
async fn an_ordinary_user_is_told_whose_root_s_data_is() {
    if skips("an_ordinary_user_is_told_whose_root_s_data_is") {
        return;
    }
    let yard = Yard::new();
    let root = yard.path("pg");
    yard.start(&root).await.stop().await.expect("it stops");
    let told = yard.hold(&root, Some(NOBODY)).says("error ");
    let owner = fs::metadata(data_folder(&root)).expect("there").uid();
    if owner != NOBODY {
        assert!(told.contains(&format!("belongs to uid {owner}")), "{told}");
        assert!(told.contains("run it as that user or as root"), "{told}");
    }
}

#[tokio::test]
async fn data_without_its_password_is_not_touched() {
    if skips("data_without_its_password_is_not_touched") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    server.stop().await.expect("it stops");
    fs::remove_file(yard.path("pg").join(format!("{}.password", server.major()))).expect("removed");
    let refused = start(yard.options(&yard.path("pg")), ask)
        .await
        .expect_err("no password");
    assert!(
        matches!(refused, DevdbError::NoPassword { .. }),
        "{refused}"
    );
    assert!(server.data_folder().join("PG_VERSION").exists());
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_the_end_of_its_log() {
    if skips("a_server_that_cannot_start_shows_the_end_of_its_log") {
        return;
    }
    let yard = Yard::new();
    let server = yard.start(&yard.path("pg")).await;
    server.stop().await.expect("it stops");
    fs::write(
        server.data_folder().join("postgresql.conf"),
        "nonsense = 1\n",
    )
    .expect("written");
    let refused = start(yard.options(&yard.path("pg")), ask)
        .await
        .expect_err("it cannot start");
    let text = refused.to_string();
    assert!(text.contains("nonsense"), "{text}");
}

#[test]
fn a_guard_whose_owner_is_gone_starts_nothing() {
    let yard = Yard::new();
    let made = yard.path("made");
    let status = Command::new(yard.path("guard"))
        .args([
            "guard",
            "--owner",
            &i32::MAX.to_string(),
            "--folder",
            "/",
            "--",
            "touch",
        ])
        .arg(&made)
        .stdout(Stdio::null())
        .status();
    assert!(!status.expect("the guard runs").success());
    assert!(!made.exists());
}
