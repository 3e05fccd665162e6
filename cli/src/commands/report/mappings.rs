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
    given: Vec<Named>,
    kept: Vec<Named>,
    folder: PathBuf,
}

/// A mapping and the file that it stands in.
struct Named {
    path: PathBuf,
    text: String,
    mapping: Mapping,
}

impl Mappings {
    /// Reads those that are given, and those that were kept; one of the latter that cannot be read
    /// is passed over, since nobody asked for it.
    pub(super) fn open(args: &Report, data_dir: &Path) -> Result<Self, Failure> {
        let given = args.maps.iter().map(|path| Named::read(path));
        let folder = data_dir.join(FOLDER);
        let kept = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut kept: Vec<_> = kept.map(|entry| entry.path()).collect();
        kept.sort();
        Ok(Self {
            given: given.collect::<Result<_, _>>()?,
            kept: kept
                .iter()
                .filter_map(|path| Named::read(path).ok())
                .collect(),
            folder,
        })
    }

    /// Reads a file by a given mapping that fits, as a known source, or by a mapping that was kept.
    pub(super) fn read(
        &self,
        bytes: &[u8],
        options: &Options,
        steps: &Steps,
    ) -> Result<Import, ImportError> {
        let mut misfit = None;
        for named in &self.given {
            match named.import(bytes, options) {
                Err(error @ ImportError::Mapping { .. }) => misfit = misfit.or(Some(error)),
                import => {
                    self.keep(named, steps);
                    return import;
                }
            }
        }
        let unknown = match import::read_with(bytes, options) {
            Err(error @ ImportError::UnknownHeader { .. }) => misfit.unwrap_or(error),
            import => return import,
        };
        let mut kept = self.kept.iter();
        let fits = kept.find_map(|named| named.import(bytes, options).ok());
        fits.ok_or(unknown)
    }

    /// Keeps a mapping for next time. One that cannot be kept is no failure.
    fn keep(&self, named: &Named, steps: &Steps) {
        let Some(name) = named.path.file_name() else {
            return;
        };
        let place = self.folder.join(name);
        let is_kept = fs::read_to_string(&place).is_ok_and(|kept| kept == named.text);
        if is_kept {
            return;
        }
        let written =
            fs::create_dir_all(&self.folder).and_then(|()| fs::write(&place, &named.text));
        steps.note(&match written {
            Ok(()) => format!("Kept       {}, for files like this one", place.display()),
            Err(error) => format!("{} could not be kept: {error}", place.display()),
        });
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
