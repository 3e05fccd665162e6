//! Colours and progress on a terminal; plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Color, Global};

/// `error:`.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// `help:`.
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();
/// Things to check.
pub(crate) const CHECK: Style = AnsiColor::Yellow.on_default();
/// Headings and the one main number.
pub(crate) const STRONG: Style = Style::new().bold();
/// Words beside the point.
pub(crate) const QUIET: Style = Style::new().dimmed();

/// Applies the colour choice to both streams.
pub(crate) fn choose_colors(color: Color) {
    match color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// How often a long stage says where it is when nobody watches a bar.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Says what a command is doing: a bar on a terminal, a line elsewhere, JSON lines when asked.
pub(crate) struct Steps {
    bar: ProgressBar,
    mode: Mode,
    /// When the last line was due.
    told: Mutex<Instant>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bar,
    Lines,
    Json,
    Silent,
}

impl Steps {
    /// Chooses how to say it. Lines of JSON go to standard output, unless that is `taken` by
    /// the result.
    pub(crate) fn new(global: &Global, taken: bool) -> Self {
        let mode = match (global.json, global.quiet) {
            (true, _) if !taken => Mode::Json,
            (true, _) | (_, true) => Mode::Silent,
            _ if std::io::stderr().is_terminal() => Mode::Bar,
            _ => Mode::Lines,
        };
        let bar = if mode == Mode::Bar {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{spinner} {prefix:10} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if mode == Mode::Bar {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self {
            bar,
            mode,
            told: Mutex::new(Instant::now()),
        }
    }

    /// Begins something.
    pub(crate) fn begin(&self, stage: &'static str, what: &str) {
        self.bar.set_prefix(stage);
        self.bar.set_message(what.to_owned());
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Says how far it is.
    pub(crate) fn at(&self, done: usize, total: usize) {
        match self.mode {
            Mode::Bar => self.bar.set_message(format!("{done} of {total}")),
            Mode::Lines => {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.elapsed() >= LINE_EVERY {
                    *told = Instant::now();
                    anstream::eprintln!("{:10} {done} of {total}", self.bar.prefix());
                }
            }
            Mode::Json | Mode::Silent => {}
        }
    }

    /// Ends it, with what came of it.
    pub(crate) fn end(&self, stage: &'static str, name: &str, what: &str) {
        match self.mode {
            Mode::Json => {
                let event = serde_json::json!({
                    "type": "stage", "stage": stage.to_lowercase(), "name": name, "message": what,
                });
                anstream::println!("{event}");
            }
            Mode::Bar => self
                .bar
                .suspend(|| anstream::eprintln!("{stage:10} {name:26} {what}")),
            Mode::Lines => anstream::eprintln!("{stage:10} {name:26} {what}"),
            Mode::Silent => {}
        }
    }

    /// Says something besides, to people alone.
    pub(crate) fn note(&self, what: &str) {
        match self.mode {
            _ if what.is_empty() => {}
            Mode::Bar => self.bar.suspend(|| anstream::eprintln!("{what}")),
            Mode::Lines => anstream::eprintln!("{what}"),
            Mode::Json | Mode::Silent => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
