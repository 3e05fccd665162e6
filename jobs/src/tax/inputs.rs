//! What a computation starts from: the files of a tenant, once they were read, and a request that
//! the country's rules can answer.

use std::collections::HashSet;
use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict, chain};
use packtrain_core::field::{FieldError, segment};
use packtrain_core::ids::FileId;
use packtrain_core::job::{Ctx, Stop};
use packtrain_core::limits::{REPORT_FILES_MAX, REPORT_ROWS_MAX};
use packtrain_core::ports::{FileState, ImportedFile};
use packtrain_report::InputFile;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, TaxError, Watch, jurisdiction};

/// Tax years that one request may name.
const YEARS_MAX: usize = 50;
/// How soon a job looks again at a file that is still being read, and how late at most: a tenth of
/// the time that the file has been waiting.
const FILE_POLL_FIRST: Duration = Duration::from_millis(500);
const FILE_POLL_MOST: Duration = Duration::from_secs(15);
/// How long a job waits for a file to be read before it gives up.
const FILE_WAIT_MAX: chrono::Duration = chrono::Duration::hours(1);

/// What is wrong with the files, the years and the rules that a request names.
pub(super) fn check(
    files: &[FileId],
    years: &[i32],
    country: Country,
    request: &Request,
) -> Vec<FieldError> {
    let mut errors = check_files(files);
    if years.len() > YEARS_MAX {
        let said = format!("At most {YEARS_MAX} years may be named; none means all.");
        errors.push(FieldError::new("/years", "year_count", said));
    }
    let settings = jurisdiction::of(country).settings(request);
    errors.extend(settings.err().map(rule));
    errors
}

fn check_files(files: &[FileId]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let count = files.len();
    if count == 0 || count > REPORT_FILES_MAX {
        let said = format!("A report takes 1 to {REPORT_FILES_MAX} files.");
        errors.push(FieldError::new("/files", "file_count", said));
    }
    let mut seen = HashSet::new();
    for (place, file) in files.iter().enumerate().take(REPORT_FILES_MAX) {
        if !seen.insert(file) {
            let said = format!("{file} is named twice; its rows would count twice.");
            let place = format!("/files/{place}");
            errors.push(FieldError::new(place, "file_repeated", said));
        }
    }
    errors
}

/// Where the body asks for what the country's rules do not have.
fn rule(error: TaxError) -> FieldError {
    let (place, code) = match &error {
        TaxError::UnknownOption { option, .. } => {
            (format!("/options{}", segment(option)), "unknown_option")
        }
        TaxError::UnknownOptionValue { option, .. } => (
            format!("/options{}", segment(option)),
            "unknown_option_value",
        ),
        TaxError::UnknownMethod { .. } => ("/method".to_owned(), "unknown_method"),
        TaxError::UnknownScope { .. } => ("/scope".to_owned(), "unknown_scope"),
        _ => (String::new(), "invalid"),
    };
    FieldError::new(place, code, chain(&error))
}

/// Goes on once every file was read and their rows together are not too many.
pub(super) async fn await_files(ctx: &Ctx, files: &[FileId]) -> Result<(), Fault> {
    let mut rows = 0;
    for id in files {
        let Some(file) = ctx.world.files.find(ctx.tenant, *id).await? else {
            let said = format!("file {id} does not exist");
            return Err(Fault::said(Verdict::Fatal, "tax.file_missing", said));
        };
        match file.state {
            FileState::Imported => rows += (file.rows_total - file.rows_bad) as usize,
            FileState::Rejected => {
                let said = format!(
                    "file {} cannot be read: {}",
                    file.file.name,
                    file.problem.unwrap_or_default()
                );
                return Err(Fault::said(Verdict::Fatal, "tax.file_rejected", said));
            }
            FileState::Uploaded if ctx.clock.now() - file.created_at > FILE_WAIT_MAX => {
                let said = format!("file {} was not read within an hour", file.file.name);
                return Err(Fault::said(Verdict::Fatal, "tax.file_not_read", said));
            }
            FileState::Uploaded => {
                let why = format!("file {} is still being read", file.file.name);
                let waited = (ctx.clock.now() - file.created_at)
                    .to_std()
                    .unwrap_or_default();
                let pause = (waited / 10).clamp(FILE_POLL_FIRST, FILE_POLL_MOST);
                return Err(Fault::snooze("tax.file_waiting", pause, why));
            }
        }
    }
    if rows > REPORT_ROWS_MAX {
        let said = format!("{rows} rows in one report; at most {REPORT_ROWS_MAX}");
        return Err(Fault::said(Verdict::Fatal, "tax.too_many_rows", said));
    }
    Ok(())
}

/// Files as the engine takes them, and as a report names them, each in the order given.
pub(super) fn ledgers(files: Vec<ImportedFile>) -> (Vec<LedgerFile>, Vec<InputFile>) {
    let both = files.into_iter().map(|file| {
        let (name, sha256) = (file.record.file.name, file.record.file.sha256);
        let input = InputFile {
            name: name.clone(),
            sha256: sha256.clone(),
            rows: u64::from(file.record.rows_total - file.record.rows_bad),
            bad_rows: u64::from(file.record.rows_bad),
        };
        let rows = file.rows;
        (LedgerFile { name, sha256, rows }, input)
    });
    both.unzip()
}

/// Lets the engine tell a job how far it is, and stop when the job is to stop.
pub(super) fn watched<T>(
    stop: &Stop,
    work: impl FnOnce(&Watch<'_>) -> Result<T, TaxError>,
) -> Result<T, Fault> {
    let on_rows = |done: usize, total: usize| stop.progress(done as u64, total as u64);
    let is_stopped = || stop.requested();
    let watch = Watch {
        on_rows: &on_rows,
        is_stopped: &is_stopped,
    };
    work(&watch).map_err(|error| match error {
        TaxError::Stopped => Fault::retry("job.stopped", error),
        error => Fault::said(Verdict::Fatal, error.code(), chain(&error)),
    })
}
