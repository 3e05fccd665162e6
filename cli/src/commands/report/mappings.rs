//! Mappings for files of no known source: those that are given, and those that were kept.

use std::fs;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use packtrain_tax::import::{self, Import, ImportError, Mapping, Options};

use crate::args::Report;
use crate::failure::{Failure, INPUT};
use crate::terminal::Steps;

/// Where mappings are kept, in the folder for everything on this machine.
const FOLDER: &str = "mappings";

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
        let refused = |what: String| {
            Failure::new(INPUT, format!("{shown} is no mapping: {what}"))
                .help("docs/tax.md says what a mapping holds, with an example")
        };
        let mapping: Mapping = Figment::from(Toml::string(&text))
            .extract()
            .map_err(|error| refused(error.to_string()))?;
        mapping
            .check()
            .map_err(|error| refused(error.to_string()))?;
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
