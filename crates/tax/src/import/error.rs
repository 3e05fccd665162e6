//! Why a file as a whole cannot be read.

/// A file that cannot be read at all; single bad rows are row errors instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Nothing is in the file, or nothing but blanks.
    #[error("the file is empty")]
    Empty,
    /// The first row names no known set of columns.
    #[error("the header row is of no known source: {} missing", list(missing))]
    UnknownHeader {
        /// The columns that were found.
        found: Vec<String>,
        /// The columns that the nearest source needs.
        needed: Vec<&'static str>,
        /// Those of `needed` that were not found.
        missing: Vec<&'static str>,
        /// Pairs of a found column and the column it may have been meant to be.
        near: Vec<(String, &'static str)>,
    },
    /// More columns than one file may have.
    #[error("more than {max} columns in the header row")]
    TooManyColumns {
        /// How many there may be.
        max: usize,
    },
    /// Two columns of the header have the same name.
    #[error("column {column:?} stands in the header twice")]
    DoubleColumn {
        /// Its name.
        column: String,
    },
    /// A mapping that names what is not there.
    #[error("the mapping does not fit: {what}")]
    Mapping {
        /// What does not fit.
        what: String,
        /// The key of `[columns]` that is wrong, where one is.
        key: Option<String>,
    },
    /// The bytes are in no encoding that is read.
    #[error("line {line}, byte {byte_in_line} is not {expected} text")]
    Encoding {
        /// Line, counted from 1.
        line: u32,
        /// Byte in the line, counted from 1.
        byte_in_line: u32,
        /// The encoding that was tried, such as `UTF-8`.
        expected: &'static str,
    },
    /// More data rows than one file may have.
    #[error("more than {max} rows in one file")]
    TooManyRows {
        /// How many there may be.
        max: u32,
    },
}

impl ImportError {
    /// The stable word, such as `import.unknown_header`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "import.empty",
            Self::UnknownHeader { .. } => "import.unknown_header",
            Self::TooManyColumns { .. } => "import.too_many_columns",
            Self::DoubleColumn { .. } => "import.double_column",
            Self::Mapping { .. } => "import.mapping",
            Self::Encoding { .. } => "import.encoding",
            Self::TooManyRows { .. } => "import.too_many_rows",
        }
    }

    /// What the person can do, in one or two sentences.
    pub fn help(&self) -> String {
        match self {
            Self::Empty => "export the file again, and check that it was saved whole".to_owned(),
            Self::UnknownHeader {
                found,
                needed,
                near,
                ..
            } => {
                let mut help = format!("found: {}; needed: {}", list(found), list(needed));
                for (given, meant) in near {
                    help.push_str(&format!("; did you mean {meant:?} by {given:?}?"));
                }
                help
            }
            Self::TooManyColumns { .. } => {
                "check that the first row is the header and that lines end where they should"
                    .to_owned()
            }
            Self::DoubleColumn { .. } => "rename or remove one of the two".to_owned(),
            Self::Mapping { .. } => {
                "each line below [columns] is ours = \"theirs\"; docs/tax.md has an example"
                    .to_owned()
            }
            Self::Encoding { .. } => {
                "save the file as UTF-8 (in a spreadsheet: \"CSV UTF-8\")".to_owned()
            }
            Self::TooManyRows { .. } => "split the file, and give all parts together".to_owned(),
        }
    }
}

/// Names separated by commas; `none` when there are none.
fn list<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    // A column with two names is one of them or the other.
    let shown = names.iter().map(|name| name.as_ref().replace('|', " or "));
    shown.collect::<Vec<_>>().join(", ")
}
