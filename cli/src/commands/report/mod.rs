//! `packtrain report`: a tax report straight from files, without a database.

mod harvest;
mod mappings;
mod mistakes;
mod questions;
mod read;
mod settle;
mod summary;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use packtrain_core::quantity::counted;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_jobs::tax::report::{FileKind, file_name};
use packtrain_report::{
    Document, Form, InputFile, Inventory, Progress, ReportError, YearSelection, write_csv,
    write_json,
};
use packtrain_tax::import::join_files;
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::Request;
use packtrain_tax::{LedgerFile, jurisdiction};

use self::settle::AnswersFile;
use crate::args::{Day, Format, Global, Report};
use crate::failure::{FAILED, FINDINGS, Failure, USAGE};
use crate::settings::Settings;
use crate::terminal::Steps;

/// Runs the command.
pub(crate) fn run(global: &Global, args: &Report, settings: &Settings) -> Result<(), Failure> {
    let began = Instant::now();
    let mut request = request(args)?;
    open_folder(args)?;
    let steps = Steps::new(global, args.prints_figures());
    let files = read::files(args, &settings.data.dir, &steps)?;
    let (beside, answers) = beside(args, &mut request, &steps)?;
    let answers = answers.as_ref();
    let (mut ledgers, mut inputs): (Vec<_>, Vec<_>) = files
        .into_iter()
        .map(|file| (file.ledger, file.input))
        .unzip();
    join_files(&mut ledgers, &request.settlements);
    if args.compare {
        steps.finish();
        let ledgers = ManuallyDrop::new(ledgers);
        questions::compare(global, args, &ledgers, &request, answers)?;
        summary::cost(global);
        return Ok(());
    }
    steps.begin("Matching", "lots");
    inputs.extend(beside);
    let computing = Instant::now();
    if args.explain.is_some() {
        request.open_on = questions::last_day(args, &request, &ledgers);
    }
    let outcome = packtrain_tax::compute(&ledgers, args.country, &request)
        .map_err(|error| settle::refused(answers, error))?;
    outcome.check_years(args.years()).map_err(refused)?;
    let years = match args.prints_figures() {
        true => YearSelection::All,
        false => YearSelection::of(args.years()),
    };
    let inventories = held(args, &ledgers, &request, &outcome, &years)?;
    let (ledgers, outcome) = (kept(args, ledgers), ManuallyDrop::new(outcome));
    let seconds = computing.elapsed().as_secs_f32();
    let found = counted(outcome.disposals.len() as u64, "disposal", "disposals");
    steps.end("Matching", &found, &format!("done in {seconds:.2} s"));
    let document = Document {
        outcome: &outcome,
        years,
        inputs: &inputs,
        inventories: &inventories,
        generated_at: SystemClock.now(),
        taxpayer: args.taxpayer.as_deref(),
    };
    if args.prints_figures() || args.writes_nothing() {
        steps.finish();
        say(global, args, &request, &document, &ledgers)?;
    } else {
        let written = write_files(args, &document, &steps)?;
        steps.finish();
        summary::print(global, &document, &written, began.elapsed());
        summary::cost(global);
    }
    match args.writes_nothing() {
        true => Ok(()),
        false => strict(args, &document),
    }
}

/// Reads what the person gave beside the ledgers into the request. As inputs they stand behind the
/// ledgers, whose places rows point to; the rows of answers point right behind these.
fn beside(
    args: &Report,
    request: &mut Request,
    steps: &Steps,
) -> Result<(Vec<InputFile>, Option<AnswersFile>), Failure> {
    let mut inputs = Vec::new();
    let mut answers = None;
    if let Some(path) = &args.settle {
        let (settlements, input, file) = settle::answers(path, steps)?;
        request.settlements = settlements;
        inputs.push(input);
        answers = Some(file);
    }
    if let Some(path) = &args.prices {
        let (prices, input) = read::prices(path, steps)?;
        request.prices = Arc::new(prices);
        inputs.push(input);
    }
    if let Some(path) = &args.allocation {
        let (allocation, input) = read::allocation(path, steps)?;
        request.allocation = Arc::new(allocation);
        inputs.push(input);
    }
    Ok((inputs, answers))
}

/// What was held at the start and at the end of the years, which the PDF and what could be sold
/// show.
fn held(
    args: &Report,
    ledgers: &[LedgerFile],
    request: &Request,
    outcome: &Outcome,
    years: &YearSelection,
) -> Result<Vec<Inventory>, Failure> {
    let shows = args.writes(Format::Pdf) || args.writes(Format::Harvest);
    if args.writes_nothing() || !shows {
        return Ok(Vec::new());
    }
    packtrain_report::inventories(ledgers, request, outcome, years, &|| false).map_err(refused)
}

/// The rows while the report is written. The figures own all they need, so that a large ledger's
/// rows go before pages or sheets take their memory. Else neither they nor the figures are taken
/// apart: the process ends with the report, and the system takes all of its memory back at once,
/// where freeing millions of pieces one by one takes as long as writing them.
fn kept(args: &Report, ledgers: Vec<LedgerFile>) -> ManuallyDrop<Vec<LedgerFile>> {
    let needs_room = args.writes(Format::Pdf) || args.writes(Format::Xlsx);
    match needs_room && !args.writes_nothing() && !args.prints_figures() {
        true => ManuallyDrop::default(),
        false => ManuallyDrop::new(ledgers),
    }
}

/// Prints what was asked for in place of writing files.
fn say(
    global: &Global,
    args: &Report,
    request: &Request,
    document: &Document<'_>,
    ledgers: &[LedgerFile],
) -> Result<(), Failure> {
    if let Some(row) = &args.explain {
        questions::explain(global, document, ledgers, row)?;
        summary::cost(global);
        return Ok(());
    }
    if let Some(day) = request.open_on {
        return harvest::print(global, document.outcome, day);
    }
    if let Some(old) = &args.diff {
        return questions::diff(global, document, old);
    }
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    write_json(document, &mut out).map_err(not_written)?;
    out.flush()
        .map_err(|error| output_failed("standard output", &error))
}

/// The folder is there, or can be made: told before the work, not after it.
fn open_folder(args: &Report) -> Result<(), Failure> {
    if args.prints_figures() || args.writes_nothing() {
        return Ok(());
    }
    let shown = args.out.display();
    if args.out.is_file() {
        let what = format!("{shown} is a file; --out wants a folder");
        return Err(Failure::new(FAILED, what));
    }
    let tried = fs::create_dir_all(&args.out).and_then(|()| tempfile_in(&args.out));
    tried.map_err(|error| {
        Failure::new(
            FAILED,
            format!("nothing can be written to {shown}: {error}"),
        )
        .help("choose another folder with --out")
    })
}

/// Whether files can be made in a folder.
fn tempfile_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".packtrain-{}", std::process::id()));
    fs::File::create(&probe)?;
    fs::remove_file(&probe)
}

fn request(args: &Report) -> Result<Request, Failure> {
    check_words(args)?;
    let timezone = args.timezone.as_deref().map(time_zone).transpose()?;
    let zone = timezone.unwrap_or(jurisdiction::of(args.country).timezone);
    let open_on = args.harvest.map(|day| match day {
        Day::On(day) => day,
        Day::Today => SystemClock.now().with_timezone(&zone).date_naive(),
    });
    Ok(Request {
        method: args.method,
        scope: args.scope,
        timezone,
        open_on,
        options: args.options.iter().cloned().collect::<BTreeMap<_, _>>(),
        ..Request::default()
    })
}

/// Refuses words of the command line that mean nothing in the country.
fn check_words(args: &Report) -> Result<(), Failure> {
    let rules = jurisdiction::of(args.country);
    let mut years = args.asked_years.iter().filter(|asked| asked.is_of_two);
    if let Some(asked) = years.find(|asked| !rules.year_name(asked.year).contains('-')) {
        let (first, name) = (asked.year.0, rules.named());
        let last = first.saturating_add(1);
        let what = format!(
            "--year {first}-{:02}: the tax year of {name} is the calendar year",
            last % 100
        );
        let help = format!("ask for one with --year {first}, or for both with --year {last} too");
        return Err(Failure::new(USAGE, what).help(help));
    }
    if args.formats == [Format::Forms] && Form::of(args.country).is_empty() {
        let what = format!("no files for the return are made for {}", rules.named());
        let help = "leave --format out for the report, its lines and its figures";
        return Err(Failure::new(USAGE, what).help(help));
    }
    Ok(())
}

fn time_zone(name: &str) -> Result<chrono_tz::Tz, Failure> {
    name.parse().map_err(|_| {
        Failure::new(USAGE, format!("unknown time zone {name:?}"))
            .help("use an IANA name such as America/New_York or Europe/Berlin")
    })
}

pub(super) fn refused(error: packtrain_tax::TaxError) -> Failure {
    Failure::new(USAGE, packtrain_core::fault::chain(&error))
}

fn not_written(error: ReportError) -> Failure {
    Failure::new(FAILED, packtrain_core::fault::chain(&error))
}

pub(super) fn output_failed(what: &str, error: &io::Error) -> Failure {
    Failure::new(FAILED, format!("could not write {what}: {error}"))
}

/// Renders and writes what was asked for; each file appears whole or not at all.
fn write_files(
    args: &Report,
    document: &Document<'_>,
    steps: &Steps,
) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    if args.writes(Format::Pdf) {
        steps.begin("Writing", "PDF");
        let on_page = |done: usize, total: usize| steps.at(done, total);
        let progress = Progress {
            on_page: &on_page,
            is_cancelled: &|| false,
        };
        let rendering = Instant::now();
        let pdf = packtrain_report::pdf(document, &progress).map_err(not_written)?;
        let path = args.out.join(file_name(FileKind::Pdf, document));
        write_whole(&path, |out| out.write_all(&pdf))?;
        let seconds = rendering.elapsed().as_secs_f32();
        let size = format!("{} KB, {seconds:.2} s", pdf.len().div_ceil(1_000));
        steps.end("Writing", &read::name_of(&path), &size);
        written.push(path);
    }
    written.extend(write_lists(args, document)?);
    if args.writes(Format::Forms) {
        if Form::of(args.country).is_empty() {
            let name = jurisdiction::of(args.country).named();
            steps.note(&format!(
                "           no files for the return are made for {name}"
            ));
        }
        for form in packtrain_report::forms(document).map_err(not_written)? {
            let path = args.out.join(&form.name);
            write_whole(&path, |out| out.write_all(&form.bytes))?;
            written.push(path);
        }
    }
    if args.writes(Format::Xlsx) {
        let path = args.out.join(file_name(FileKind::Xlsx, document));
        let xlsx = packtrain_report::audit(document).map_err(not_written)?;
        write_whole(&path, |out| out.write_all(&xlsx))?;
        written.push(path);
    }
    written.extend(harvest::write(args, document)?);
    Ok(written)
}

/// Writes a list of a report into its file.
type List = fn(&Document<'_>, &mut fs::File) -> Result<(), ReportError>;

/// Writes the disposals as CSV and the figures as JSON, side by side and chunk by chunk: of a large
/// ledger either is as large as all else together.
fn write_lists(args: &Report, document: &Document<'_>) -> Result<Vec<PathBuf>, Failure> {
    let write = |format, kind, list: List| -> Result<Option<PathBuf>, Failure> {
        if !args.writes(format) {
            return Ok(None);
        }
        let path = args.out.join(file_name(kind, document));
        write_whole(&path, |out| list(document, out).map_err(into_io))?;
        Ok(Some(path))
    };
    let csv: List = |document, out| write_csv(document, out);
    let json: List = |document, out| write_json(document, out);
    let (csv, json) = thread::scope(|scope| {
        let csv = scope.spawn(|| write(Format::Csv, FileKind::Csv, csv));
        let json = write(Format::Json, FileKind::Json, json);
        (csv.join(), json)
    });
    let csv = csv.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    Ok(csv.into_iter().chain(json?).collect())
}

/// What kept a list from being written.
fn into_io(error: ReportError) -> io::Error {
    match error {
        ReportError::Json(error) => error.into(),
        ReportError::Csv(error) => error.into(),
        other => io::Error::other(other),
    }
}

/// Writes beside the place and renames, so that a full disk or Ctrl-C leaves no half a report.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<(), Failure> {
    let beside = path.with_added_extension("unfinished");
    let done = fs::File::create(&beside).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    done.map_err(|error| {
        fs::remove_file(&beside).ok();
        output_failed(&path.display().to_string(), &error)
    })
}

fn strict(args: &Report, document: &Document<'_>) -> Result<(), Failure> {
    let unread = document.inputs.iter().filter(|file| file.bad_rows > 0);
    let findings = warnings(document.outcome, &document.years).count() + unread.count();
    if args.strict && findings > 0 {
        let what = counted(
            findings as u64,
            "thing needs checking",
            "things need checking",
        );
        return Err(Failure::new(FINDINGS, what).help("they are listed in the report"));
    }
    Ok(())
}

/// Things to check in the years reported on.
fn warnings<'a>(
    outcome: &'a Outcome,
    years: &'a YearSelection,
) -> impl Iterator<Item = &'a packtrain_tax::outcome::Warning> {
    outcome
        .warnings
        .iter()
        .filter(|warning| years.has(warning.year))
}
