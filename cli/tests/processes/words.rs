//! What the command line says: help, settings, and errors with their exit codes.

use packtrain_tests::Nobody;
use snapbox::str;

use crate::binary::{command, folder};

#[test]
fn help_lists_every_command_and_exit_code() {
    let folder = folder(&[]);
    command(folder.path(), &["--help"])
        .assert()
        .success()
        .stdout_eq(str![[r#"
The job platform behind premium DeFi features: tax reports, alerts, analytics

Usage: packtrain [OPTIONS] <COMMAND>

Commands:
  dev          Run everything in this process: database, API, workers, upkeep, demo data
  api          Serve the API
  worker       Run jobs of the given lanes
  scheduler    Enqueue what comes by itself; give back what lost workers held; keep the tables in
               order
  health       Ask a part that runs on this host whether it is well: exit code 0 or not
  migrate      Bring the database schema up to date
  keys         Make, list and revoke keys of the API
  report       Make a tax report straight from files, without a database
  enqueue      Enqueue a job of any kind
  jobs         List jobs, show one, cancel, retry or discard them
  lanes        Show what is in the lanes, pause or resume one
  dead         Show dead letters by cause, retry or discard all of one
  schedules    Show the schedules, edit or run one
  workers      Show the workers, ask them to drain
  top          Watch lanes, workers, schedules and dead letters; q ends
  bench        Measure this machine and this build
  scale        Say what a fleet that scales itself would do
  config       Show the settings
  completions  Print a completion script for a shell
  help         Print this message or the help of the given subcommand(s)

Options:
  -h, --help     Print help
  -V, --version  Print version

Global options:
      --config <FILE>   Settings file [default: packtrain.toml in this folder, when it is there]
      --data-dir <DIR>  Folder for everything kept on this machine [default: .packtrain]
      --json            Print JSON: one document, or one line per event for long work
  -q, --quiet           No progress on stderr
      --color <COLOR>   When to use colour; NO_COLOR and CLICOLOR_FORCE are honoured [default: auto]
                        [possible values: auto, always, never]

Exit codes: 0 ok; 1 failed; 2 usage; 3 finished with findings under --strict; 4 input unreadable; 5
database or server not reachable; 130 interrupted.

"#]]);
}

#[test]
fn a_mistyped_command_is_answered_with_the_one_that_was_meant() {
    let folder = folder(&[]);
    command(folder.path(), &["reprot"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: unrecognized subcommand 'reprot'

  tip: a similar subcommand exists: 'report'

Usage: packtrain [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]]);
}

#[test]
fn an_unknown_lane_kind_or_state_is_answered_with_those_that_are_known() {
    let folder = folder(&[]);
    command(folder.path(), &["worker", "--lanes", "express"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: invalid value 'express' for '--lanes [..]: unknown lane "express"; known: pulse, [..], ops

For more information, try '--help'.

"#]]);
    command(folder.path(), &["jobs", "list", "--state", "broken"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: invalid value 'broken' for '--state [..]: unknown state "broken"; known: [..], dead, [..]

For more information, try '--help'.

"#]]);
    command(folder.path(), &["enqueue", "tax.refund"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: unknown kind "tax.refund"

help: known: alerts.backtest, [..], ops.bulk, [..], tax.compare, tax.import, tax.report

"#]]);
}

#[test]
fn a_payload_that_does_not_fit_is_refused_before_anything_is_started() {
    let folder = folder(&[]);
    let words = [
        "enqueue",
        "tax.report",
        "--payload",
        r#"{"country":"us","files":[]}"#,
    ];
    command(folder.path(), &words)
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: the payload does not fit tax.report: /files: A report takes 1 to 100 files.

"#]]);
    assert!(!folder.path().join(".packtrain").exists());
}

#[test]
fn who_operates_in_a_folder_without_a_database_is_told_so_and_makes_none() {
    let folder = folder(&[]);
    for words in [
        &["jobs", "list"][..],
        &["dead"],
        &["lanes"],
        &["top", "--once"],
    ] {
        command(folder.path(), words)
            .assert()
            .code(5)
            .stderr_eq(str![[r#"
error: there is no database: the settings name none, and there is none in [..]pg

help: packtrain dev makes one; --data-dir names the folder of one that is elsewhere

"#]]);
    }
    let made = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(made, 0);
}

#[test]
fn a_database_that_is_not_there_is_said_with_its_own_exit_code() {
    let folder = folder(&[]);
    let nobody = Nobody::hold();
    let address = format!("postgres://nobody:hush@{}/none", nobody.address);
    let words = [
        "enqueue",
        "tax.import",
        "--payload",
        r#"{"file":"fil_00000000000070008000000000000000"}"#,
    ];
    let said = command(folder.path(), &words)
        .env("PACKTRAIN_DATABASE_APP_URL", &address)
        .env("PACKTRAIN_DATABASE_OPERATOR_URL", &address)
        .env("PACKTRAIN_DATABASE_WORKER_URL", &address)
        .assert()
        .code(5)
        .stderr_eq(str![[r#"
error: the database is not reachable: [..]: Connection refused (os error 111)

help: check the address (packtrain config show --origin) and that it runs

"#]]);
    let said = said.get_output();
    assert!(!String::from_utf8_lossy(&said.stderr).contains("hush"));
}

#[test]
fn a_setting_is_shown_with_its_origin_and_an_address_never() {
    let folder = folder(&[("packtrain.toml", b"[worker]\ndrain_s = 7\n")]);
    command(
        folder.path(),
        &["config", "show", "--origin", "--data-dir", "here"],
    )
    .env("PACKTRAIN_DATABASE_APP_URL", "postgres://a:hush@h/d")
    .assert()
    .success()
    .stdout_eq(str![[r#"
alerts.messages_a_day         0                                   default
api.drain_notice_s            0                                   default
api.listen                    "127.0.0.1:7800"                    default
aws.endpoint_url              ""                                  default
aws.region                    ""                                  default
cache.alerts_url              ""                                  default
cache.analytics_url           ""                                  default
cache.answer_ms               100                                 default
cache.ca_file                 ""                                  default
cache.cluster                 false                               default
cache.gas_url                 ""                                  default
cache.memory_mb               32                                  default
cache.portfolio_url           ""                                  default
cache.prefix                  "packtrain"                         default
cache.security_db             6                                   default
cache.security_url            ""                                  default
cache.tax_url                 ""                                  default
cache.url                     ""                                  default
chain.owners                  []                                  default
data.dir                      "here"                              flag
database.api_tasks_max        0                                   default
database.app_limit            0                                   default
database.app_url              "***"                               environment
database.connections          10                                  default
database.direct_url           ""                                  default
database.operator_limit       0                                   default
database.operator_url         ""                                  default
database.owner_url            ""                                  default
database.pooled               false                               default
database.pooler_connections   0                                   default
database.scheduler_tasks_max  0                                   default
database.worker_limit         0                                   default
database.worker_tasks_max     0                                   default
database.worker_url           ""                                  default
email.connections             4                                   default
email.from                    ""                                  default
email.host                    ""                                  default
email.password                ""                                  default
email.port                    587                                 default
email.security                "starttls"                          default
email.user                    ""                                  default
hints.transport               "pg"                                default
llama.api_url                 ""                                  default
llama.stablecoins_url         ""                                  default
llama.yields_url              ""                                  default
log.filter                    "info,sqlx::postgres::notice=warn"  default
log.format                    "text"                              default
metrics.emf                   false                               default
metrics.listen                ""                                  default
notify.keys                   ""                                  default
notify.keys_file              ""                                  default
notify.link                   ""                                  default
notify.networks               []                                  default
notify.plain_http             false                               default
notify.telegram_tokens        ""                                  default
notify.verification           "auto"                              default
objects.store                 "folder"                            default
pg.bin                        ""                                  default
pg.fetch                      true                                default
pg.system                     true                                default
prices.coins                  ["coingecko:ethereum"]              default
prices.coins_max              2000                                default
prices.coins_url              ""                                  default
prices.every_s                60                                  default
redis.ca_file                 ""                                  default
redis.cluster                 false                               default
redis.evicting                false                               default
redis.prefix                  "packtrain"                         default
redis.url                     ""                                  default
retention.alerts_days         90                                  default
retention.audit_days          400                                 default
retention.gas_days            14                                  default
retention.jobs_days           90                                  default
retention.rollups_days        3650                                default
retention.series_days         400                                 default
rpc.arbitrum_confirmations    64                                  default
rpc.arbitrum_urls             []                                  default
rpc.base_confirmations        30                                  default
rpc.base_urls                 []                                  default
rpc.ethereum_confirmations    12                                  default
rpc.ethereum_urls             []                                  default
rpc.optimism_confirmations    30                                  default
rpc.optimism_urls             []                                  default
rpc.polygon_confirmations     64                                  default
rpc.polygon_urls              []                                  default
s3.bucket                     ""                                  default
s3.download_s                 300                                 default
s3.kms_key                    ""                                  default
s3.path_style                 false                               default
s3.prefix                     ""                                  default
s3.upload_s                   900                                 default
sms.budget_usd_day            "0"                                 default
sms.part_usd                  "0.10"                              default
sms.part_usd_by_prefix        []                                  default
sms.tenant_budget_usd_day     "1"                                 default
sns.endpoint_url              ""                                  default
sns.region                    ""                                  default
sns.topics                    []                                  default
sqs.dlq                       true                                default
sqs.kms_key                   "alias/aws/sqs"                     default
sqs.notify_queue              "premium-notifications"             default
sqs.prefix                    "premium-"                          default
sqs.pulse_queue               "premium-alerts.fifo"               default
sqs.visibility_s              60                                  default
sqs.wait_s                    20                                  default
telemetry.ids                 "w3c"                               default
telemetry.otlp_headers        ""                                  default
telemetry.otlp_url            ""                                  default
telemetry.sample_ratio        1.0                                 default
telemetry.service_name        "packtrain"                         default
warm.endpoint_urls            []                                  default
worker.bulk_patience_ms       0                                   default
worker.bulk_slots             4                                   default
worker.cpu_patience_ms        0                                   default
worker.cpu_slots              0                                   default
worker.cpu_threads            0                                   default
worker.drain_s                7                        [..]/packtrain.toml
worker.io_patience_ms         0                                   default
worker.io_slots               16                                  default
worker.lease_patience_ms      5000                                default
worker.notify_patience_ms     0                                   default
worker.notify_slots           32                                  default
worker.ops_patience_ms        0                                   default
worker.ops_slots              4                                   default
worker.protection             "auto"                              default
worker.protection_after_s     60                                  default
worker.pulse_patience_ms      0                                   default
worker.pulse_slots            16                                  default
worker.renew_every_ms         1000                                default
worker.settle_at_once         1                                   default
worker.settle_batch           256                                 default

"#]]);
}

#[test]
fn a_value_that_cannot_be_used_names_its_source() {
    let folder = folder(&[("packtrain.toml", b"[worker]\ndrain_s = \"soon\"\n")]);
    command(folder.path(), &["config", "show"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: worker.drain_s: invalid type: found string "soon", expected u64
  from: [..]/packtrain.toml

"#]]);
    command(folder.path(), &["config", "show", "--config", "none.toml"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: settings file none.toml does not exist
  from: --config

"#]]);
}

#[test]
fn completions_are_printed_for_a_shell() {
    let folder = folder(&[]);
    let said = command(folder.path(), &["completions", "zsh"])
        .assert()
        .success();
    assert!(String::from_utf8_lossy(&said.get_output().stdout).starts_with("#compdef packtrain"));
}
