//! What a computation starts from: the files of a tenant, once they were read, and a request that
//! the country's rules can answer.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::fault::{Fault, Verdict, chain};
use packtrain_core::field::{FieldError, segment};
use packtrain_core::ids::FileId;
use packtrain_core::job::{Ctx, Stop};
use packtrain_core::limits::{REPORT_FILES_MAX, REPORT_ROWS_MAX};
use packtrain_core::ports::{FileRecord, FileState, ImportedFile};
use packtrain_report::InputFile;
use packtrain_tax::import::join_files;
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, TaxError, Watch, jurisdiction};

use super::import::PRICES;
use super::said::{ReadSaid, Said};

/// Years that are written with four digits; whether records know them is found out later.
const YEARS: RangeInclusive<i32> = 1000..=9999;
/// Tax years that one request may name.
const YEARS_MAX: usize = 50;
/// How soon a job looks again at a file that is still being read, and how late at most: a tenth of
/// the time that the file has been waiting.
const FILE_POLL_FIRST: Duration = Duration::from_millis(500);
const FILE_POLL_MOST: Duration = Duration::from_secs(15);
/// How long a job waits for a file to be read before it gives up.
const FILE_WAIT_MAX: chrono::Duration = chrono::Duration::hours(1);

/// What a request gives: uploaded files that it names, and what it says beside them.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// Those with rows, in the order in which rows of equal time are taken.
    pub(super) files: &'a [FileId],
    /// A list of prices for rows that state no value.
    pub(super) prices: Option<FileId>,
    /// Answers and an allocation.
    pub(super) said: Said<'a>,
}

impl Given<'_> {
    /// Each file with its place in the request.
    pub(super) fn places(self) -> Vec<(String, FileId)> {
        let files = self.files.iter().enumerate();
        let files = files.map(|(place, file)| (format!("/files/{place}"), *file));
        let prices = self.prices.map(|file| ("/prices".to_owned(), file));
        files.chain(prices).collect()
    }
}

/// What is wrong with the files, the years and the rules that a request names, and with what it
/// says beside them.
pub(super) fn check(
    given: Given<'_>,
    years: &[i32],
    country: Country,
    mut request: Request,
) -> Vec<FieldError> {
    let mut errors = check_files(given);
    if years.len() > YEARS_MAX {
        let said = format!("At most {YEARS_MAX} years may be named; none means all.");
        errors.push(FieldError::new("/years", "year_count", said));
    }
    let odd = years.iter().take(YEARS_MAX).enumerate();
    errors.extend(odd.filter(|(_, year)| !YEARS.contains(*year)).map(|(place, year)| {
        let said = format!(
            "{year} is no tax year; it is named by the calendar year in which it begins, as 2024 \
             for 2024-25."
        );
        FieldError::new(format!("/years/{place}"), "invalid", said)
    }));
    match given.said.read() {
        Ok(said) => request.allocation = Arc::new(said.allocation),
        Err(wrong) => errors.extend(wrong),
    }
    let settings = jurisdiction::of(country).settings(&request);
    errors.extend(settings.err().map(rule));
    errors
}

fn check_files(given: Given<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let count = given.files.len();
    if count == 0 || count > REPORT_FILES_MAX {
        let said = format!("A report takes 1 to {REPORT_FILES_MAX} files.");
        errors.push(FieldError::new("/files", "file_count", said));
    }
    let mut seen = HashSet::new();
    for (place, file) in given.places().into_iter().take(REPORT_FILES_MAX + 1) {
        if !seen.insert(file) {
            let said = match place.as_str() {
                "/prices" => format!("{file} is among the files with rows."),
                _ => format!("{file} is named twice; its rows would count twice."),
            };
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
        TaxError::NoAllocation { .. } => ("/allocation".to_owned(), "no_allocation"),
        _ => (String::new(), "invalid"),
    };
    FieldError::new(place, code, chain(&error))
}

/// Files that were read, a list of prices as it was uploaded, and what is said beside them.
pub(super) struct Loaded {
    files: Vec<ImportedFile>,
    prices: Option<(FileRecord, Bytes)>,
    said: ReadSaid,
}

/// Loads what a request names, once all of it was read and its rows together are not too many.
///
/// # Errors
/// A snooze while a file is still being read; a fatal fault where one can never be used.
pub(super) async fn load(ctx: &Ctx, given: Given<'_>) -> Result<Loaded, Fault> {
    let said = given.said.read().map_err(malformed)?;
    let mut rows = 0;
    for id in given.files {
        let file = read_file(ctx, *id).await?;
        if has_prices(&file) {
            let name = file.file.name;
            let said = format!("file {name:?} holds prices and no rows; name it as `prices`");
            return Err(Fault::said(Verdict::Fatal, "tax.file_of_prices", said));
        }
        rows += (file.rows_total - file.rows_bad) as usize;
    }
    if rows > REPORT_ROWS_MAX {
        let said = format!("{rows} rows in one report; at most {REPORT_ROWS_MAX}");
        return Err(Fault::said(Verdict::Fatal, "tax.too_many_rows", said));
    }
    let prices = match given.prices {
        Some(id) => Some(read_file(ctx, id).await?),
        None => None,
    };
    ctx.stage("read").await?;
    let prices = match prices {
        Some(file) if has_prices(&file) => {
            let bytes = ctx.world.objects.get(&file.file.object).await?;
            Some((file, bytes))
        }
        Some(file) => {
            let said = format!("file {:?} holds no prices", file.file.name);
            return Err(Fault::said(Verdict::Fatal, "tax.file_without_prices", said));
        }
        None => None,
    };
    let files = ctx.world.files.load(ctx.tenant, given.files).await?;
    Ok(Loaded {
        files,
        prices,
        said,
    })
}

/// It was checked when it was asked for; a newer version may be stricter.
fn malformed(errors: Vec<FieldError>) -> Fault {
    let said = errors.iter();
    let said = said.map(|error| format!("{}: {}", error.pointer, error.detail));
    let said: Vec<_> = said.collect();
    Fault::said(Verdict::Fatal, "tax.request_malformed", said.join("; "))
}

fn has_prices(file: &FileRecord) -> bool {
    file.source.as_deref() == Some(PRICES)
}

/// A file, once it was read.
async fn read_file(ctx: &Ctx, id: FileId) -> Result<FileRecord, Fault> {
    let Some(file) = ctx.world.files.find(ctx.tenant, id).await? else {
        let said = format!("file {id} does not exist");
        return Err(Fault::said(Verdict::Fatal, "tax.file_missing", said));
    };
    let name = &file.file.name;
    match file.state {
        FileState::Imported => Ok(file),
        FileState::Rejected => {
            let problem = file.problem.unwrap_or_default();
            let said = format!("file {name:?} cannot be read: {problem}");
            Err(Fault::said(Verdict::Fatal, "tax.file_rejected", said))
        }
        FileState::Uploaded if ctx.clock.now() - file.created_at > FILE_WAIT_MAX => {
            let said = format!("file {name:?} was not read within an hour");
            Err(Fault::said(Verdict::Fatal, "tax.file_not_read", said))
        }
        FileState::Uploaded => {
            let why = format!("file {name:?} is still being read");
            let waited = (ctx.clock.now() - file.created_at)
                .to_std()
                .unwrap_or_default();
            let pause = (waited / 10).clamp(FILE_POLL_FIRST, FILE_POLL_MOST);
            Err(Fault::snooze("tax.file_waiting", pause, why))
        }
    }
}

impl Loaded {
    /// Files as the engine takes them, and as a report names them, each in the order given; all
    /// else goes into the request. As inputs answers stand right behind the ledgers, where the rows
    /// that they add point to.
    pub(super) fn open(
        self,
        request: &mut Request,
    ) -> Result<(Vec<LedgerFile>, Vec<InputFile>), Fault> {
        let (mut ledgers, mut inputs): (Vec<_>, Vec<_>) =
            self.files.into_iter().map(ledger).unzip();
        let [settlements, allocation] = self.said.inputs;
        inputs.extend(settlements);
        request.settlements = self.said.settlements;
        join_files(&mut ledgers, &request.settlements);
        if let Some((file, bytes)) = self.prices {
            let prices = Prices::read(&bytes).map_err(|error| Fault::fatal("tax.prices", error))?;
            inputs.push(InputFile {
                name: file.file.name,
                sha256: file.file.sha256,
                rows: prices.len() as u64,
                bad_rows: 0,
            });
            request.prices = Arc::new(prices);
        }
        inputs.extend(allocation);
        request.allocation = Arc::new(self.said.allocation);
        Ok((ledgers, inputs))
    }
}

fn ledger(file: ImportedFile) -> (LedgerFile, InputFile) {
    let (name, sha256) = (file.record.file.name, file.record.file.sha256);
    let input = InputFile {
        name: name.clone(),
        sha256: sha256.clone(),
        rows: u64::from(file.record.rows_total - file.record.rows_bad),
        bad_rows: u64::from(file.record.rows_bad),
    };
    let ledger = LedgerFile {
        name,
        sha256,
        source: file.record.source.unwrap_or_default(),
        rows: file.rows,
    };
    (ledger, input)
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
