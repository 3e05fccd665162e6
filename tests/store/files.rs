//! Files and their ledger rows: exact, replaced as a whole, and a tenant's own.

use chrono::{DateTime, TimeDelta};
use futures::{StreamExt, stream};
use packtrain_core::ids::{FileId, TenantId};
use packtrain_core::ledger::{Leg, NamedLot, Rare, RareParts, Row, RowError, RowKind};
use packtrain_core::limits::{PROMISED_BYTES_MAX, PROMISES_OPEN_MAX};
use packtrain_core::money::{Currency, Money};
use packtrain_core::ports::{
    FileState, Files, Imported, JobQueue, NewFile, ObjectKey, Promise, ReadOptions, StoreError,
};
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_store::PgFiles;

use super::scene::Scene;

struct Desk {
    scene: Scene,
    app: PgFiles,
    worker: PgFiles,
}

impl Desk {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let pools = scene.db.pools();
        let (app, worker) = (pools.app.clone(), pools.worker.clone());
        Self {
            app: PgFiles::new(app),
            worker: PgFiles::new(worker),
            scene,
        }
    }

    async fn uploaded(&self) -> FileId {
        let file = NewFile {
            id: self.scene.ids.file(),
            name: "trades 2025.csv".to_owned(),
            object: ObjectKey::from_stored("a/b"),
            sha256: "00".repeat(32),
            size_bytes: 64 * 1024 * 1024,
            read_options: ReadOptions {
                timezone: Some("Europe/Berlin".to_owned()),
                coins: vec!["RON".to_owned()],
                mapping: Some("[columns]\namount = \"Menge \u{2211}\"\n".to_owned()),
                ..ReadOptions::default()
            },
        };
        let mut import = self.scene.job();
        import.id = file.id.import_job();
        let record = self.app.create(self.scene.tenant, &file, &import).await;
        let record = record.unwrap();
        assert_eq!(
            (record.file, record.state),
            (file.clone(), FileState::Uploaded)
        );
        file.id
    }

    /// Whether this tenant may promise a file of so many bytes, for an hour.
    async fn promises(&self, tenant: TenantId, file: FileId, size_bytes: u64) -> bool {
        let promise = Promise {
            file,
            size_bytes,
            until: SystemClock.now() + TimeDelta::hours(1),
        };
        self.app.promise(tenant, &promise).await.unwrap()
    }

    async fn rows(&self, id: FileId) -> Vec<Row> {
        let tenant = self.scene.tenant;
        self.app.load(tenant, &[id]).await.unwrap().remove(0).rows
    }
}

fn at(text: &str) -> Timestamp {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn leg(amount: &str, asset: &str) -> Option<Leg> {
    Some(Leg {
        amount: amount.parse().unwrap(),
        asset: asset.into(),
    })
}

fn usd(amount: &str) -> Option<Money> {
    Some(Money::parse(amount, Currency::USD).unwrap())
}

/// A row with nothing but what every row has.
fn bare(line: u32) -> Row {
    Row {
        id: format!("r{line}").into(),
        line,
        at: at("2025-01-02T03:04:05.678901Z"),
        kind: RowKind::Deposit,
        wallet: "main".into(),
        sent: None,
        received: None,
        fee: None,
        value: None,
        currency: Currency::USD,
        tx_hash: None,
        note: None,
        rare: Rare::NONE,
    }
}

fn imported(rows: Vec<Row>, errors: Vec<RowError>) -> Imported {
    let bad = u32::try_from(errors.len()).unwrap();
    Imported {
        source: Some("neutral".to_owned()),
        rows_total: u32::try_from(rows.len()).unwrap() + bad,
        rows_bad: bad,
        rows,
        errors,
        problem: None,
    }
}

fn row_error(line: u32, code: &str) -> RowError {
    RowError {
        line,
        column: Some(7),
        field: Some("sent_amount".to_owned()),
        code: code.to_owned(),
        message: "not a number".to_owned(),
        help: None,
        text: "1,\"2\"\t…".to_owned(),
    }
}

#[tokio::test]
async fn every_field_of_a_row_reads_back_as_it_was_written() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let full = Row {
        kind: RowKind::Trade,
        wallet: "Ledger, \"Nano\" ∑".into(),
        sent: leg("0.5", "ETH"),
        received: leg("12", "PUNK#1"),
        fee: leg("0.001", "ETH"),
        value: usd("-1234.567890123456789012"),
        tx_hash: Some("0xabc".into()),
        note: Some("it's\nall; here".into()),
        rare: RareParts {
            to_wallet: Some("cold".into()),
            fee_value: usd("0.000000000000000001"),
            basis: usd("10"),
            acquired: Some(at("2019-12-31T23:59:59.999999Z")),
            lots: vec![NamedLot {
                row: "a:1".into(),
                quantity: "0.25".parse().unwrap(),
            }],
        }
        .into(),
        ..bare(2)
    };
    let kinds = RowKind::ALL.iter().zip(3..).map(|(kind, line)| Row {
        kind: *kind,
        ..bare(line)
    });
    let rows: Vec<Row> = std::iter::once(full).chain(kinds).collect();
    let tenant = desk.scene.tenant;
    let import = imported(rows.clone(), vec![]);
    desk.worker
        .record_import(tenant, id, &import)
        .await
        .unwrap();
    assert_eq!(desk.rows(id).await, rows);
}

#[tokio::test]
async fn amounts_of_thirty_eight_digits_survive_the_database_exactly() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let amounts = [
        "99999999999999999999999999999999999999",
        "0.00000000000000000000000000000000000001",
        "12345678901234567890.123456789012345678",
        "1234567890123456789.0123456789012345678",
        "10000000000000000000000000000000000000",
        "0.1",
        "0",
    ];
    let rows: Vec<Row> = amounts
        .iter()
        .zip(2..)
        .map(|(amount, line)| Row {
            sent: leg(amount, "WEI"),
            ..bare(line)
        })
        .collect();
    let tenant = desk.scene.tenant;
    desk.worker
        .record_import(tenant, id, &imported(rows.clone(), vec![]))
        .await
        .unwrap();
    let read = desk.rows(id).await;
    assert_eq!(read, rows);
    let texts: Vec<String> = read
        .iter()
        .map(|row| row.sent.as_ref().unwrap().amount.to_string())
        .collect();
    assert_eq!(texts, amounts);
}

#[tokio::test]
async fn an_import_recorded_twice_leaves_the_same_rows() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let tenant = desk.scene.tenant;
    // More rows than go into one statement, and two errors on one line.
    let rows: Vec<Row> = (2..6_002).map(bare).collect();
    let errors = vec![row_error(7_000, "a"), row_error(7_000, "b")];
    let import = imported(rows.clone(), errors.clone());
    for _ in 0..2 {
        desk.worker
            .record_import(tenant, id, &import)
            .await
            .unwrap();
        assert!(desk.rows(id).await == rows, "the rows are the same");
        let listed = desk.app.row_errors(tenant, id, 0, 10).await.unwrap();
        assert_eq!(listed, errors);
        let record = desk.app.find(tenant, id).await.unwrap().unwrap();
        assert_eq!(record.state, FileState::Imported);
        assert_eq!((record.rows_total, record.rows_bad), (6_002, 2));
        assert!(record.imported_at.is_some());
    }
}

#[tokio::test]
async fn a_later_import_replaces_the_earlier_one_as_a_whole() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let tenant = desk.scene.tenant;
    let first = imported(vec![bare(2), bare(3)], vec![row_error(4, "a")]);
    desk.worker.record_import(tenant, id, &first).await.unwrap();
    let rejected = Imported {
        problem: Some("no known header".to_owned()),
        ..Imported::default()
    };
    desk.worker
        .record_import(tenant, id, &rejected)
        .await
        .unwrap();
    let record = desk.app.find(tenant, id).await.unwrap().unwrap();
    assert_eq!(record.state, FileState::Rejected);
    assert_eq!(record.problem.as_deref(), Some("no known header"));
    assert!(desk.rows(id).await.is_empty());
    let listed = desk.app.row_errors(tenant, id, 0, 10).await.unwrap();
    assert_eq!(listed, []);
}

#[tokio::test]
async fn errors_are_listed_after_a_line_and_up_to_a_limit() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let tenant = desk.scene.tenant;
    let errors: Vec<RowError> = (2..12).map(|line| row_error(line, "a")).collect();
    let import = imported(vec![], errors.clone());
    desk.worker
        .record_import(tenant, id, &import)
        .await
        .unwrap();
    let listed = desk.app.row_errors(tenant, id, 4, 3).await.unwrap();
    assert_eq!(listed, errors[3..6]);
}

#[tokio::test]
async fn another_tenants_file_does_not_exist() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let other = desk.scene.db.tenant("b").await;
    let import = imported(vec![bare(2)], vec![row_error(3, "a")]);
    let tenant = desk.scene.tenant;
    desk.worker
        .record_import(tenant, id, &import)
        .await
        .unwrap();
    assert_eq!(desk.app.find(other, id).await.unwrap(), None);
    let listed = desk.app.row_errors(other, id, 0, 10).await.unwrap();
    assert_eq!(listed, []);
    let missing = |error: &StoreError| matches!(error, StoreError::Missing { .. });
    let loaded = desk.app.load(other, &[id]).await;
    assert!(loaded.as_ref().is_err_and(missing), "{loaded:?}");
    // A job of another tenant can neither write to the file nor leave rows beside it.
    let nothing = imported(vec![], vec![]);
    let forged = desk.worker.record_import(other, id, &nothing).await;
    assert!(forged.as_ref().is_err_and(missing), "{forged:?}");
    assert_eq!(desk.rows(id).await, [bare(2)]);
}

#[tokio::test]
async fn what_an_owner_says_of_a_file_is_kept_with_it_and_a_file_of_before_says_nothing() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let tenant = desk.scene.tenant;
    let options = async || {
        let record = desk.worker.find(tenant, id).await.unwrap().unwrap();
        record.file.read_options
    };
    let kept = options().await;
    assert_eq!(kept.timezone.as_deref(), Some("Europe/Berlin"));
    assert_eq!((kept.coins, kept.money), (vec!["RON".to_owned()], vec![]));
    assert!(
        kept.mapping
            .is_some_and(|mapping| mapping.contains('\u{2211}'))
    );
    let before = "update file set read_options = default";
    desk.scene.db.run(before).await;
    assert_eq!(options().await, ReadOptions::default());
}

#[tokio::test]
async fn a_file_is_recorded_with_the_job_that_imports_it() {
    let desk = Desk::new().await;
    let id = desk.uploaded().await;
    let tenant = desk.scene.tenant;
    let job = desk.scene.jobs.find(tenant, id.import_job()).await.unwrap();
    assert!(job.is_some());
    desk.scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_tenants_list_of_files_has_each_of_its_own_once_while_new_ones_come_in() {
    let desk = Desk::new().await;
    let (tenant, other) = (desk.scene.tenant, desk.scene.db.tenant("b").await);
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, desk.uploaded().await);
    }
    let import = imported(vec![bare(2)], vec![row_error(3, "x")]);
    let newest = desk.worker.record_import(tenant, made[0], &import).await;
    newest.unwrap();
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = desk.app.list(tenant, before, 2).await.unwrap();
        let Some(last) = page.last() else {
            break;
        };
        before = Some(last.id);
        seen.extend(page);
        desk.uploaded().await;
    }
    assert_eq!(seen.iter().map(|file| file.id).collect::<Vec<_>>(), made);
    let (newest, next) = (&seen[0], &seen[1]);
    assert_eq!((newest.rows_total, newest.rows_bad), (2, 1));
    assert_eq!(newest.state, FileState::Imported);
    assert_eq!(next.state, FileState::Uploaded);
    assert_eq!(next.name, "trades 2025.csv");
    assert_eq!(next.size_bytes, 64 * 1024 * 1024);
    assert_eq!(desk.app.list(other, None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_tenant_promises_so_many_files_at_once_until_some_are_forgotten() {
    let desk = Desk::new().await;
    let (tenant, ids) = (desk.scene.tenant, desk.scene.ids.clone());
    // As many at once as there are connections: none may miss another.
    let most = PROMISES_OPEN_MAX as usize;
    let files: Vec<_> = (0..most + 20).map(|_| ids.file()).collect();
    let all = files.iter().map(|file| desk.promises(tenant, *file, 1));
    let taken: Vec<bool> = stream::iter(all).buffered(8).collect().await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), most);
    // A promise that is given once more is the same one.
    let known = taken.iter().position(|taken| *taken).unwrap();
    assert!(desk.promises(tenant, files[known], 1).await);
    assert!(!desk.promises(tenant, ids.file(), 1).await);
    let other = desk.scene.db.tenant("other").await;
    assert!(desk.promises(other, ids.file(), 1).await);
    desk.scene.db.shift_clock(TimeDelta::minutes(61)).await;
    assert!(desk.promises(tenant, ids.file(), 1).await);
    let left = "select count(*) from promise";
    assert_eq!(desk.scene.db.number(left).await, 2);
}

#[tokio::test]
async fn a_tenant_promises_so_many_bytes_at_once_until_a_file_of_them_is_there() {
    let desk = Desk::new().await;
    let (tenant, ids) = (desk.scene.tenant, desk.scene.ids.clone());
    let promised = ids.file();
    assert!(desk.promises(tenant, promised, PROMISED_BYTES_MAX).await);
    assert!(!desk.promises(tenant, ids.file(), 1).await);
    let file = NewFile {
        id: promised,
        name: "a.csv".to_owned(),
        object: ObjectKey::from_stored("a/b"),
        sha256: "00".repeat(32),
        size_bytes: 1,
        read_options: ReadOptions::default(),
    };
    let mut import = desk.scene.job();
    import.id = promised.import_job();
    desk.app.create(tenant, &file, &import).await.unwrap();
    // What is there is promised no more, however often it is said.
    assert!(desk.promises(tenant, promised, PROMISED_BYTES_MAX).await);
    assert!(desk.promises(tenant, ids.file(), PROMISED_BYTES_MAX).await);
}
