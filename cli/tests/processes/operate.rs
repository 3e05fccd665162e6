//! Commands for operators, on a database that others work on as well.

use packtrain_core::ids::TenantId;
#[cfg(feature = "aws")]
use packtrain_core::ids::{ClockIds, IdSource};
use packtrain_core::ports::JobEvents;
#[cfg(feature = "aws")]
use packtrain_core::time::SystemClock;
use packtrain_store::PgEvents;
use packtrain_tests::Yard;
#[cfg(feature = "aws")]
use packtrain_tests::{Program, Role, plain_http};
use serde_json::{Value, json};

use crate::binary::{addresses, folder, program};

/// The exit code and what was printed.
async fn run(yard: &Yard, words: &[&str]) -> (i32, String, String) {
    run_with(yard, words, &[]).await
}

/// The same with settings.
async fn run_with(yard: &Yard, words: &[&str], set: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = tokio::process::Command::new(program());
    command.args(words).arg("--quiet").env_clear();
    command.env("PACKTRAIN_DATA_DIR", yard.folder());
    for (name, value) in addresses(&yard.database) {
        command.env(name, value);
    }
    command.envs(set.iter().copied());
    let output = command.output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

async fn json_of(yard: &Yard, words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let (code, out, err) = run(yard, &words).await;
    assert_eq!(code, 0, "{words:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(feature = "aws")]
async fn migrate_makes_the_bucket_of_the_settings_and_says_what_an_older_one_lacks() {
    let test = "migrate_makes_the_bucket_of_the_settings_and_says_what_an_older_one_lacks";
    let Some(url) = Program::Moto.find(test) else {
        return;
    };
    let url = url.trim_end_matches('/');
    let yard = Yard::door(folder(&[])).await;
    let ids: &dyn IdSource = &ClockIds::new(SystemClock);
    let (new, old) = (
        format!("t{:016x}", ids.random()),
        format!("t{:016x}", ids.random()),
    );
    let owner = yard.database.url(Role::Owner);
    let migrate = async |bucket: &str, store: &str| {
        let set = [
            ("PACKTRAIN_DATABASE_OWNER_URL", &**owner.reveal()),
            ("PACKTRAIN_OBJECTS_STORE", store),
            ("PACKTRAIN_S3_BUCKET", bucket),
            ("PACKTRAIN_S3_PATH_STYLE", "true"),
            ("PACKTRAIN_AWS_ENDPOINT_URL", url),
            ("PACKTRAIN_AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        run_with(&yard, &["migrate", "--aws", "--json"], &set).await
    };
    let made = async |bucket: &str| {
        let (code, out, err) = migrate(bucket, "s3").await;
        assert_eq!(code, 0, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let first = made(&new).await;
    // moto has no TLS, and would take the policy against those without it for one against all.
    let policy = "a policy that refuses requests without TLS";
    let wanted = json!({ "name": new, "is_new": true, "lacks": [policy] });
    assert_eq!(first["bucket"], wanted);
    assert_eq!(first["queues_made"], Value::Null, "hints go elsewhere");
    // moto answers GetBucketVersioning in words that the SDK does not read.
    let again = json!({ "name": new, "is_new": false, "lacks": ["versioning", policy] });
    assert_eq!(made(&new).await["bucket"], again);
    let put = plain_http("PUT", &format!("{url}/{old}"), &[], "").await;
    assert_eq!(put.status(), 200, "{}", put.text());
    let lacks = &made(&old).await["bucket"]["lacks"];
    assert_eq!(lacks.as_array().unwrap().len(), 5, "{lacks}");
    let (code, _, err) = migrate(&old, "folder").await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("the settings name nothing of AWS"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_listed_shown_and_cancelled_and_a_second_cancel_exits_with_1() {
    let yard = Yard::door(folder(&[])).await;
    let made = json_of(&yard, &["enqueue", "ops.canary", "--payload", "{}"]).await;
    let id = made["id"].as_str().unwrap();
    let list = json_of(&yard, &["jobs", "list", "--state", "queued"]).await;
    assert_eq!(list["items"][0]["id"], id);
    let (code, out, _) = run(&yard, &["jobs", "cancel", id]).await;
    assert_eq!((code, out), (0, format!("{id}  cancelled\n")));
    let (code, _, err) = run(&yard, &["jobs", "cancel", id]).await;
    assert_eq!(code, 1);
    assert!(
        err.contains(&format!("cancel does nothing to {id}")),
        "{err}"
    );
    let shown = json_of(&yard, &["jobs", "show", id]).await;
    assert_eq!(
        (&shown["state"], &shown["attempts"]),
        (&json!("cancelled"), &json!(0))
    );
    assert_eq!(shown["deadline"], json!(null));
    let (code, _, err) = run(&yard, &["jobs", "show", &id.replace("job_0", "job_f")]).await;
    assert_eq!(code, 4, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_shown_with_its_deadline_and_its_events() {
    let yard = Yard::door(folder(&[])).await;
    let deadline = "2126-01-31T18:00:00Z";
    let words = ["enqueue", "ops.canary", "--deadline", deadline];
    let made = json_of(&yard, &words).await;
    let id = made["id"].as_str().unwrap();
    let events = PgEvents::new(yard.database.pools().worker.clone());
    let data = json!({"stage": "read"});
    let written = events.append(TenantId::SYSTEM, id.parse().unwrap(), "stage", &data);
    written.await.unwrap();
    let shown = json_of(&yard, &["jobs", "show", id]).await;
    assert_eq!(shown["deadline"], deadline);
    let event = &shown["events"][0];
    assert_eq!(
        (&event["seq"], &event["name"], &event["data"]),
        (&json!(1), &json!("stage"), &data)
    );
    let (_, out, _) = run(&yard, &["jobs", "show", id]).await;
    assert!(out.contains("deadline  2126-01-31 18:00:00\n"), "{out}");
    assert!(out.contains(" stage {\"stage\":\"read\"}\n"), "{out}");
    let past = [
        "enqueue",
        "ops.canary",
        "--deadline",
        "2026-01-31T18:00:00Z",
    ];
    let (code, _, err) = run(&yard, &past).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("passes before the job is due"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_paused_and_resumed_and_its_table_says_so() {
    let yard = Yard::door(folder(&[])).await;
    let (code, out, _) = run(&yard, &["lanes", "pause", "io"]).await;
    assert_eq!(code, 0);
    let heads = "LANE    QUEUED  SCHEDULED  WAITING  RUNNING  DEAD  OLDEST  PAUSED\n";
    assert!(out.starts_with(heads), "{out}");
    let lanes = json_of(&yard, &["lanes"]).await;
    let paused: Vec<_> = lanes["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|lane| !lane["paused_at"].is_null())
        .map(|lane| lane["lane"].as_str().unwrap())
        .collect();
    assert_eq!(paused, ["io"]);
    let lanes = json_of(&yard, &["lanes", "resume", "io"]).await;
    let mut all = lanes["items"].as_array().unwrap().iter();
    assert!(all.all(|lane| lane["paused_at"].is_null()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_edited_and_bad_cron_text_or_an_unknown_kind_exits_with_4() {
    let yard = Yard::door(folder(&[])).await;
    yard.ticker().seed().await.unwrap();
    let edit = [
        "schedules",
        "edit",
        "ops.prune",
        "--cron",
        "0 4 * * 7",
        "--jitter=30",
        "--overlap=allow",
        "--disable",
    ];
    let list = json_of(&yard, &edit).await;
    let mut all = list["items"].as_array().unwrap().iter();
    let prune = all
        .find(|schedule| schedule["kind"] == "ops.prune")
        .unwrap();
    assert_eq!(
        (&prune["cron"], &prune["enabled"]),
        (&json!("0 4 * * 7"), &json!(false))
    );
    assert_eq!(
        (&prune["jitter_s"], &prune["overlap"]),
        (&json!(30), &json!("allow"))
    );
    for (words, said) in [
        (
            ["schedules", "edit", "ops.prune", "--cron=* *"],
            "cron text has five",
        ),
        (
            ["schedules", "edit", "ops.nothing", "--enable"],
            "known: alerts.digest, alerts.evaluate, alerts.seal, analytics.ingest, \
             analytics.parity, chain.scan, gas.rollup, gas.snapshot, ops.keep_warm, ops.observe, \
             ops.prune, prices.observe",
        ),
    ] {
        let (code, _, err) = run(&yard, &words).await;
        assert_eq!(code, 4);
        assert!(err.contains(said), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_counted_by_cause_and_an_unknown_cause_exits_with_4() {
    let yard = Yard::door(folder(&[])).await;
    for message in ["a", "b"] {
        let sql = format!(
            "with made as (
                 insert into job (id, tenant_id, lane, kind, schema, priority, payload,
                                  max_attempts)
                 select gen_random_uuid(), id, 'io', 'x.y', 1, 5, '{{}}', 1 from tenant limit 1
                 returning id, tenant_id, lane, kind)
             insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
             select id, tenant_id, lane, kind, 1, 'x.broke', '{message}', 'ab12' from made"
        );
        yard.database.run(&sql).await;
    }
    let (code, out, _) = run(&yard, &["dead"]).await;
    assert_eq!(code, 0);
    let row = out.lines().nth(1).unwrap();
    assert!(row.starts_with("ab12       2  x.y   x.broke  "), "{out}");
    let (_, out, _) = run(&yard, &["dead", "retry", "ab12", "--dry-run"]).await;
    assert_eq!(out, "2 dead letters; without --dry-run: retry\n");
    let (code, _, err) = run(&yard, &["dead", "discard", "ffff"]).await;
    assert_eq!(code, 4, "{err}");
    let (code, out, _) = run(&yard, &["workers"]).await;
    assert_eq!((code, out.as_str()), (0, "No workers.\n"));
}
