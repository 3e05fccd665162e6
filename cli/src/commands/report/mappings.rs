//! Mappings for files of no known source: those that are given, and those that were kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use packtrain_core::ledger::RowError;
use packtrain_tax::import::{self, Import, ImportError, Mapping, Options};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::{mistakes, read};
use crate::args::Report;
use crate::failure::{Failure, INPUT};
use crate::terminal::Steps;

/// Where mappings are kept, in the folder for everything on this machine.
const FOLDER: &str = "mappings";

/// Mappings of one name that are kept.
const NAMES_MAX: usize = 100;

/// The right form.
const FORM: &str = "\
a mapping is such as

  [columns]            # ours = \"theirs\"
  timestamp = \"Datum\"
  amount = \"Menge\"
  asset = \"Coin\"

  [types]              # \"theirs\" = \"ours\", or \"skip\"
  \"Kauf\" = \"buy\"

docs/tax.md says what else it may hold";

/// All mappings that may be of use.
pub(super) struct Mappings {
    given: Vec<Given>,
    /// The newest first.
    kept: Vec<Named>,
    folder: PathBuf,
    skips_bad_rows: bool,
}

/// A mapping that was given, and how it did.
struct Given {
    named: Named,
    /// Whether it fits one of the files.
    fits: bool,
    /// Why it did not fit a file.
    misfit: Option<ImportError>,
}

/// A mapping and the file that it stands in.
#[derive(Clone)]
struct Named {
    path: PathBuf,
    text: String,
    mapping: Mapping,
}

impl Mappings {
    /// Reads those that are given, and those that were kept; one of the latter that cannot be read
    /// is passed over, since nobody asked for it.
    pub(super) fn open(args: &Report, data_dir: &Path) -> Result<Self, Failure> {
        let given = args.maps.iter().map(|path| Given::read(path));
        let folder = data_dir.join(FOLDER);
        let kept = fs::read_dir(&folder).into_iter().flatten().flatten();
        let written = |entry: &fs::DirEntry| entry.metadata().and_then(|it| it.modified()).ok();
        let mut kept: Vec<_> = kept.map(|entry| (written(&entry), entry.path())).collect();
        kept.sort_by(|a, b| b.cmp(a));
        Ok(Self {
            given: given.collect::<Result<_, _>>()?,
            kept: kept
                .iter()
                .filter_map(|(_, path)| Named::read(path).ok())
                .collect(),
            folder,
            skips_bad_rows: args.skip_bad_rows,
        })
    }

    /// Reads a file by the first given mapping that fits, or as a known source; else by the newest
    /// fitting one of those that were kept. [`Self::check_used`] sees to it that an older one is
    /// not taken for one that was given.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        options: &Options,
        steps: &Steps,
    ) -> Result<Import, ImportError> {
        let mut misfit = None;
        for place in 0..self.given.len() {
            let given = &mut self.given[place];
            match given.named.import(bytes, options) {
                Err(error @ ImportError::Mapping { .. }) => {
                    given.misfit.get_or_insert_with(|| error.clone());
                    misfit = misfit.or(Some(error));
                }
                import => {
                    given.fits = true;
                    let import = import?;
                    self.note_others(place, (bytes, options), steps);
                    let bad = import.bad_rows;
                    if bad < import.rows_total && (bad == 0 || self.skips_bad_rows) {
                        self.keep(place, (bytes, options), steps);
                    }
                    return Ok(import);
                }
            }
        }
        let unknown = match import::read_with(bytes, options) {
            Err(error @ ImportError::UnknownHeader { .. }) => misfit.unwrap_or(error),
            import => return import,
        };
        let mut kept = self.kept.iter();
        let fits = kept.find_map(|named| Some((named, named.import(bytes, options).ok()?)));
        let (named, import) = fits.ok_or(unknown)?;
        steps.note(&format!("By         {}, kept before", named.path.display()));
        Ok(import)
    }

    /// Says which mapping a file was read by, where those that were given after it fit it as well.
    fn note_others(&mut self, used: usize, (bytes, options): (&[u8], &Options), steps: &Steps) {
        let mut others = Vec::new();
        for given in &mut self.given[used + 1..] {
            match given.named.import(bytes, options) {
                Err(error @ ImportError::Mapping { .. }) => {
                    given.misfit.get_or_insert(error);
                }
                _ => {
                    given.fits = true;
                    others.push(read::name_of(&given.named.path));
                }
            }
        }
        if !others.is_empty() {
            let name = read::name_of(&self.given[used].named.path);
            let (verb, others) = (
                if others.len() == 1 { "fits" } else { "fit" },
                others.join(", "),
            );
            steps.note(&format!(
                "By         {name}, which was given first; {others} {verb} as well"
            ));
        }
    }

    /// Refuses a given mapping that fits no file: what it says would be passed over in silence, or
    /// an older one that was kept would have been taken for it.
    pub(super) fn check_used(&self) -> Result<(), Failure> {
        let mut given = self.given.iter().filter(|given| !given.fits);
        let Some((given, misfit)) = given.find_map(|it| Some((it, it.misfit.as_ref()?))) else {
            return Ok(());
        };
        let name = read::name_of(&given.named.path);
        let what = format!("{name} fits none of the files: {misfit}");
        let help = "give the file that it is for, or take --map out; a known source needs none";
        Err(Failure::new(INPUT, what).help(help))
    }

    /// Keeps a mapping by which a file was read for next time. One that cannot be kept is no
    /// failure.
    fn keep(&mut self, place: usize, (bytes, options): (&[u8], &Options), steps: &Steps) {
        let named = &self.given[place].named;
        let same = self.kept.iter().position(|kept| kept.text == named.text);
        if same == Some(0) {
            return;
        }
        // Of the same name, one for such files is replaced, and one for others stays.
        let fits = |path: &Path| {
            let mut kept = self.kept.iter().filter(|kept| kept.path == path);
            kept.any(|kept| kept.import(bytes, options).is_ok())
        };
        let path = match same {
            // Written again it is the newest.
            Some(same) => Some(self.kept[same].path.clone()),
            None => names(&self.folder, &named.path).find(|path| !path.exists() || fits(path)),
        };
        let Some(path) = path else {
            let name = read::name_of(&named.path);
            steps.note(&format!("{name} is not kept: {NAMES_MAX} of that name are"));
            return;
        };
        let before = match path.exists() && same.is_none() {
            true => ", in place of the one of that name",
            false => "",
        };
        let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&path, &named.text));
        let shown = path.display();
        steps.note(&match written {
            Ok(()) => format!("Kept       {shown}, for files like this one{before}"),
            Err(error) => format!("{shown} could not be kept: {error}"),
        });
        let kept = Named {
            path,
            ..named.clone()
        };
        self.kept.insert(0, kept);
    }
}

/// Names under which a mapping may be kept: its own, then with numbers.
fn names(folder: &Path, path: &Path) -> impl Iterator<Item = PathBuf> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let (first, stem) = (
        path.file_name().map(|name| folder.join(name)),
        stem.into_owned(),
    );
    let numbered = (2..=NAMES_MAX).map(move |number| format!("{stem}-{number}.toml"));
    let folder = folder.to_owned();
    first
        .into_iter()
        .chain(numbered.map(move |name| folder.join(name)))
}

impl Given {
    fn read(path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            named: Named::read(path)?,
            fits: false,
            misfit: None,
        })
    }
}

impl Named {
    fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::new(INPUT, format!("{shown} cannot be read: {error}")))?;
        let mapping = parse(&text)
            .map_err(|mistake| mistakes::failure(&read::name_of(path), vec![*mistake], 1, FORM))?;
        Ok(Self {
            path: path.to_owned(),
            text,
            mapping,
        })
    }

    fn import(&self, bytes: &[u8], options: &Options) -> Result<Import, ImportError> {
        let options = Options {
            mapping: Some(self.mapping.clone()),
            ..options.clone()
        };
        import::read_with(bytes, &options)
    }
}

/// A mapping that names what is known, and enough; or the first mistake in it.
fn parse(text: &str) -> Result<Mapping, Box<RowError>> {
    let mapping: Mapping =
        toml::from_str(text).map_err(|error| Box::new(mistakes::found(text, &error)))?;
    match mapping.check() {
        Ok(()) => Ok(mapping),
        Err(ImportError::Mapping { what, key }) => Err(Box::new(mistakes::at(
            text,
            place(text, key.as_deref()),
            what,
        ))),
        Err(error) => Err(Box::new(mistakes::at(text, 0, error.to_string()))),
    }
}

/// The byte of a key of the columns; without one, of their table.
fn place(text: &str, key: Option<&str>) -> usize {
    #[derive(Deserialize)]
    struct Places {
        columns: Spanned<BTreeMap<Spanned<String>, IgnoredAny>>,
    }

    let Ok(Places { columns }) = toml::from_str(text) else {
        return 0;
    };
    let mut keys = columns.get_ref().keys();
    let found = keys.find(|one| key == Some(one.get_ref().as_str()));
    found.map_or(columns.span(), Spanned::span).start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_a_mapping_is_told_with_its_line_its_key_and_what_was_expected() {
        let told = |text: &str| {
            let mistake = parse(text).unwrap_err();
            (mistake.line, mistake.message, mistake.text)
        };
        let columns = "[columns]\ntimestamp = \"Datum\"\namount = \"Menge\"\n";
        assert!(parse(columns).is_ok());
        let (line, said, text) = told(&format!("{columns}sum = \"Betrag\"\n"));
        assert!(
            said.starts_with("there is no column \"sum\"; known: id,"),
            "{said}"
        );
        assert_eq!((line, &*text), (4, "sum = \"Betrag\""));
        // The words of a mistake may stand elsewhere too: in a comment, as another key's name.
        let before = "# \"sum\" and [columns]\nwallet = \"sum\"\n";
        let after = "sum = \"Betrag\"\nid = \"sum\"\n";
        let (line, _, text) = told(&format!("{before}{columns}{after}"));
        assert_eq!((line, &*text), (6, "sum = \"Betrag\""));
        let quoted = "[types]\n\"swap\" = \"buy\" # \"swap\"\n\"Tausch\" = \"swap\"\n";
        let (line, _, text) = told(&format!("{columns}{quoted}"));
        assert_eq!((line, &*text), (6, "\"Tausch\" = \"swap\""));
        let (line, ..) = told(&format!("{before}[columns]\namount = \"Menge\"\n"));
        assert_eq!(line, 3);
        let types = "\n[types]\n\"Kauf\" = \"buy\"\n\"Tausch\" = \"swap\"\n";
        let (line, said, text) = told(&format!("{columns}{types}"));
        assert!(
            said.contains("there is no type \"swap\"; known: buy,"),
            "{said}"
        );
        assert_eq!((line, &*text), (7, "\"Tausch\" = \"swap\""));
        let (line, said, _) = told(&format!("zone = \"Berlin\"\n{columns}"));
        assert_eq!(
            (line, &*said),
            (1, "zone: there is no time zone \"Berlin\"")
        );
        let (line, said, _) = told("wallet = 7\n");
        assert_eq!(line, 1);
        assert!(
            said.starts_with("wallet: invalid type: integer `7`"),
            "{said}"
        );
        let (line, said, _) = told("[columns]\namount = \"Menge\"\n");
        assert_eq!((line, &*said), (1, "it names no column for timestamp"));
    }
}
