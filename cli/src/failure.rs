//! How a command fails: what happened, where, what to do, and the exit code.

use std::process::ExitCode;

use packtrain_core::ports::StoreError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What happened, in one line.
    pub(crate) what: String,
    /// Places and excerpts, ready to print.
    pub(crate) details: String,
    /// What to do.
    pub(crate) help: Option<String>,
    /// The exit code.
    pub(crate) code: u8,
}

/// Something went wrong.
pub(crate) const FAILED: u8 = 1;
/// The command line asks for something impossible.
pub(crate) const USAGE: u8 = 2;
/// Finished, but something needs checking, under `--strict`.
pub(crate) const FINDINGS: u8 = 3;
/// The input cannot be read.
pub(crate) const INPUT: u8 = 4;
/// The database or a server cannot be reached.
pub(crate) const UNREACHABLE: u8 = 5;
/// Ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

impl Failure {
    /// A failure with its exit code.
    pub(crate) fn new(code: u8, what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            details: String::new(),
            help: None,
            code,
        }
    }

    /// Adds what to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Prints it to standard error; as a problem document when JSON was asked for.
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        if json {
            let problem = serde_json::json!({
                "title": self.what,
                "detail": self.details,
                "help": self.help,
                "exit_code": self.code,
            });
            anstream::eprintln!("{problem}");
            return ExitCode::from(self.code);
        }
        let (red, cyan) = (crate::terminal::ERROR, crate::terminal::HELP);
        anstream::eprintln!("{red}error:{red:#} {}", self.what);
        if !self.details.is_empty() {
            anstream::eprintln!("\n{}", self.details.trim_end());
        }
        if let Some(help) = &self.help {
            anstream::eprintln!("\n{cyan}help:{cyan:#} {help}");
        }
        ExitCode::from(self.code)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let what = packtrain_core::fault::chain(&error);
        match error {
            StoreError::Unavailable(_) => Self::new(UNREACHABLE, what)
                .help("check the address (packtrain config show --origin) and that it runs"),
            _ => Self::new(FAILED, what),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(FAILED, format!("{error:#}"))
    }
}

impl From<crate::settings::SettingsError> for Failure {
    fn from(error: crate::settings::SettingsError) -> Self {
        Self::new(USAGE, error.to_string())
    }
}
