//! Job kinds: one file each, named as its path says, all of them in the catalogue.

use super::source::{Source, lines_with, rust};
use super::{Breach, assert_kept, lines};

/// Where kinds live.
const HOME: &str = "jobs/src/";
/// Kinds that misbehave for the fault rows; compiled with the feature `failpoints` alone.
const FAULTS: &str = "cli/src/faulty/";
/// The list of all kinds.
const CATALOGUE: &str = "jobs/src/catalogue.rs";
/// The service that its siblings may name, to wake rules.
const NAMED_BY_SIBLINGS: &str = "alerts";

/// A file of the catalogue's crate that defines kinds.
struct KindFile<'a> {
    file: &'a Source,
    /// `service::verb`, from the path.
    module: String,
    /// The types that are jobs, with their lines.
    types: Vec<(usize, String)>,
    /// The names of kinds, with their lines.
    names: Vec<(usize, String)>,
}

fn kind_files(files: &[Source]) -> Vec<KindFile<'_>> {
    let ours = files
        .iter()
        .filter(|file| file.path.starts_with(HOME) && !file.is_test());
    ours.map(kind_file)
        .filter(|kind| !kind.types.is_empty() || !kind.names.is_empty())
        .collect()
}

fn kind_file(file: &Source) -> KindFile<'_> {
    let path = file.path.strip_prefix(HOME).unwrap_or(&file.path);
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let (code, literals) = (file.code(), file.literals());
    let named = |line: usize| {
        let on_line = literals.iter().find(|(at, _)| *at == line);
        on_line
            .map(|(_, literal)| literal.clone())
            .unwrap_or_default()
    };
    let type_on = |line: usize| {
        let text = code.lines().nth(line - 1).unwrap_or_default();
        let name = text.split("Job for ").nth(1).unwrap_or_default();
        name.chars().take_while(|c| c.is_alphanumeric()).collect()
    };
    let jobs = lines_with(&code, "impl Job for ");
    let kinds = lines_with(&code, "Kind::new(");
    KindFile {
        file,
        module: path.replace('/', "::"),
        types: jobs.into_iter().map(|line| (line, type_on(line))).collect(),
        names: kinds.into_iter().map(|line| (line, named(line))).collect(),
    }
}

fn misnamed(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for kind in kind_files(files) {
        let wanted = kind.module.replace("::", ".");
        let path = &kind.file.path;
        if kind.types.len() != 1 || kind.names.len() != 1 {
            let what = format!("{} jobs and {} kinds", kind.types.len(), kind.names.len());
            breaches.push(Breach::new(
                path,
                0,
                format!("one file, one kind; here are {what}"),
            ));
        }
        for (line, name) in &kind.names {
            if *name != wanted {
                breaches.push(Breach::new(
                    path,
                    *line,
                    format!("{name} should be {wanted}"),
                ));
            }
        }
    }
    breaches
}

fn outside_the_catalogue(files: &[Source]) -> Vec<Breach> {
    let catalogue = files.iter().find(|file| file.path == CATALOGUE);
    let listed = catalogue.map(Source::code).unwrap_or_default();
    let mut breaches = Vec::new();
    let mut wanted = Vec::new();
    for kind in kind_files(files) {
        for (line, job) in &kind.types {
            let entry = format!("entry::<{}::{job}>()", kind.module);
            if !listed.contains(&entry) {
                breaches.push(Breach::new(
                    &kind.file.path,
                    *line,
                    format!("no {entry} in the catalogue"),
                ));
            }
            wanted.push(entry);
        }
    }
    for line in lines_with(&listed, "entry::<") {
        let entry = listed
            .lines()
            .nth(line - 1)
            .unwrap_or_default()
            .trim()
            .trim_end_matches(',');
        // The function's own definition has a bound where an entry has a path.
        if entry.ends_with(">()") && !wanted.iter().any(|known| known == entry) {
            breaches.push(Breach::new(
                CATALOGUE,
                line,
                format!("{entry} is no file of its own"),
            ));
        }
    }
    breaches
}

fn outside_jobs(files: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for file in files
        .iter()
        .filter(|file| !file.path.starts_with(HOME) && !file.path.starts_with(FAULTS))
        .filter(|file| !file.is_test())
    {
        let code = file.code();
        for piece in ["Kind::new(", "impl Job for "] {
            for line in lines_with(&code, piece) {
                breaches.push(Breach::new(&file.path, line, "kinds live in jobs"));
            }
        }
    }
    breaches
}

/// `crate::<service>` of one service in the files of another.
fn siblings(files: &[Source]) -> Vec<Breach> {
    let service_of = |file: &Source| -> Option<String> {
        let (service, _) = file.path.strip_prefix(HOME)?.split_once('/')?;
        Some(service.to_owned())
    };
    let mut services: Vec<String> = files.iter().filter_map(service_of).collect();
    services.sort_unstable();
    services.dedup();
    let mut breaches = Vec::new();
    for file in files {
        let Some(own) = service_of(file) else {
            continue;
        };
        let others = services
            .iter()
            .filter(|other| **other != own && *other != NAMED_BY_SIBLINGS);
        let all = services.iter().filter(|other| **other != own);
        let refused: Vec<&String> = match own == NAMED_BY_SIBLINGS {
            true => all.collect(),
            false => others.collect(),
        };
        let code = file.code();
        for other in refused {
            for line in lines_with(&code, &format!("crate::{other}")) {
                breaches.push(Breach::new(
                    &file.path,
                    line,
                    format!("{own} must not name {other}"),
                ));
            }
        }
    }
    breaches
}

#[test]
fn a_kind_has_one_file_and_the_name_of_its_path() {
    assert_kept(
        "jobs/src/<service>/<verb>.rs holds the kind service.verb",
        misnamed(rust()),
    );
}

#[test]
fn the_catalogue_lists_every_kind_and_nothing_else() {
    assert_kept(
        "one line in jobs/src/catalogue.rs per kind",
        outside_the_catalogue(rust()),
    );
}

#[test]
fn no_kind_lives_outside_jobs() {
    assert_kept(
        "a job kind is a file in jobs/src/<service>/",
        outside_jobs(rust()),
    );
}

#[test]
fn services_of_jobs_name_no_sibling_but_alerts() {
    assert_kept(
        "what two services share belongs below them",
        siblings(rust()),
    );
}

/// A file that defines a kind.
fn kind_sample(path: &str, job: &str, kind: &str) -> Source {
    let text = format!(
        "//! X.\nimpl Job for {job} {{\n    const KIND: Kind = Kind::new(\"{kind}\");\n}}\n"
    );
    Source::new(path, &text)
}

#[test]
fn the_rule_on_names_of_kinds_sees_a_wrong_one_and_two_in_a_file() {
    let right = kind_sample("jobs/src/tax/import.rs", "Import", "tax.import");
    let folder = kind_sample("jobs/src/tax/report/mod.rs", "Report", "tax.report");
    let wrong = kind_sample("jobs/src/tax/export.rs", "Export", "tax.import");
    let text = [&right.text[..], &right.text].concat();
    let two = Source::new("jobs/src/tax/import.rs", &text);
    assert!(misnamed(&[right, folder]).is_empty());
    assert_eq!(lines(&misnamed(&[wrong])), [3]);
    assert_eq!(lines(&misnamed(&[two])), [0]);
}

#[test]
fn the_rule_on_the_catalogue_sees_a_missing_and_a_surplus_line() {
    let catalogue = Source::new(
        CATALOGUE,
        "const K: &[E] = &[\n    entry::<tax::import::Import>(),\n    \
         entry::<tax::gone::Gone>(),\n];\n\
         const fn entry<J: Job>() -> E {\n    check::<J>()\n}\n",
    );
    let kinds = [
        kind_sample("jobs/src/tax/import.rs", "Import", "tax.import"),
        kind_sample("jobs/src/tax/report.rs", "Report", "tax.report"),
        catalogue,
    ];
    let seen: Vec<_> = outside_the_catalogue(&kinds)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        seen,
        [
            "jobs/src/tax/report.rs:2: no entry::<tax::report::Report>() in the catalogue",
            "jobs/src/catalogue.rs:3: entry::<tax::gone::Gone>() is no file of its own"
        ]
    );
}

#[test]
fn the_rule_on_places_sees_a_kind_in_the_api_but_not_one_in_tests() {
    let files = [
        kind_sample("api/src/a.rs", "A", "api.a"),
        kind_sample("tests/journeys/b.rs", "B", "test.b"),
    ];
    assert_eq!(lines(&outside_jobs(&files)), [3, 2]);
}

#[test]
fn the_rule_on_siblings_lets_alerts_be_named_and_nothing_else() {
    let files = [
        Source::new(
            "jobs/src/gas/a.rs",
            "use crate::alerts::Wake;\nuse crate::tax::import;\n",
        ),
        Source::new(
            "jobs/src/alerts/b.rs",
            "//! X.\nuse crate::gas::Snapshot;\n",
        ),
        Source::new(
            "jobs/src/tax/c.rs",
            "use crate::tax::import;\nuse crate::catalogue;\n",
        ),
    ];
    let seen: Vec<_> = siblings(&files).iter().map(ToString::to_string).collect();
    assert_eq!(
        seen,
        [
            "jobs/src/gas/a.rs:2: gas must not name tax",
            "jobs/src/alerts/b.rs:2: alerts must not name gas"
        ]
    );
}
