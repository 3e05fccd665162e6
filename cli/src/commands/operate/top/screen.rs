//! The terminal while somebody watches: taken over, drawn on, given back.

use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::sync::oneshot;

use super::frame::Line;
use crate::failure::{FAILED, Failure};

/// Another screen, without a cursor; what was on the first one stays.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
const CTRL_C: u8 = 3;
const HOME: &str = "\x1b[H";
const TO_LINE_END: &str = "\x1b[K";
const TO_END: &str = "\x1b[J";
/// The size of a terminal that does not say.
const SIZE: (usize, usize) = (100, 40);

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(FAILED, format!("the terminal: {error}"))
}

/// A screen of our own; the person's own comes back when it is dropped.
pub(super) struct Screen {
    has_colors: bool,
}

impl Screen {
    pub(super) fn open() -> Result<Self, Failure> {
        let mut out = std::io::stdout();
        let has_colors = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
        write(&mut out, ENTER).map_err(failed)?;
        Ok(Self { has_colors })
    }

    /// Draws over what stands there, as far as it fits.
    pub(super) fn show(&mut self, lines: &[Line]) -> Result<(), Failure> {
        let mut out = std::io::stdout();
        let (width, height) = tcgetwinsize(&out).map_or(SIZE, |size| {
            (usize::from(size.ws_col), usize::from(size.ws_row))
        });
        let (width, height) = if width * height == 0 {
            SIZE
        } else {
            (width, height)
        };
        write(&mut out, &drawn(lines, width, height, self.has_colors)).map_err(failed)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Nobody is left to be told when this fails.
        let _ = write(&mut std::io::stdout(), LEAVE);
    }
}

fn write(out: &mut std::io::Stdout, text: &str) -> std::io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn drawn(lines: &[Line], width: usize, height: usize, has_colors: bool) -> String {
    let mut text = HOME.to_owned();
    let mut fitting: Vec<Line> = lines.iter().take(height).cloned().collect();
    // What is cut off is said: a person must not take it for nothing.
    let cut = lines.len().saturating_sub(height);
    if let Some(last) = fitting.last_mut().filter(|_| cut > 0) {
        last.text = format!("… {} more lines", cut + 1);
    }
    for (row, Line { style, text: line }) in fitting.iter().enumerate() {
        if row > 0 {
            text.push_str("\r\n");
        }
        let shown: String = line.chars().take(width).collect();
        text.push_str(&match has_colors {
            true => format!("{style}{shown}{style:#}"),
            false => shown,
        });
        text.push_str(TO_LINE_END);
    }
    text.push_str(TO_END);
    text
}

/// Keys, one at a time and unseen; the terminal's own ways come back when it is dropped.
pub(super) struct Keys {
    before: Option<Termios>,
    pressed: oneshot::Receiver<()>,
}

impl Keys {
    /// Without a terminal on standard input there are no keys; Ctrl-C ends all the same.
    pub(super) fn open() -> Result<Self, Failure> {
        let (sender, pressed) = oneshot::channel();
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else {
            let before = None;
            return Ok(Self { before, pressed });
        };
        let mut ways = before.clone();
        ways.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(&stdin, OptionalActions::Now, &ways).map_err(failed)?;
        // Ctrl-C is a key like q, and Ctrl-Z is none: it would leave the person on our screen.
        // Nothing can end a read that waits for a key but the end of the process, which a task of
        // the runtime would hold up.
        std::thread::spawn(move || {
            let is_quit = |key: &io::Result<u8>| matches!(key, Ok(b'q' | b'Q' | CTRL_C));
            if stdin.lock().bytes().any(|key| is_quit(&key)) {
                // Nobody listens any more when the view is over already.
                let _ = sender.send(());
            }
        });
        let before = Some(before);
        Ok(Self { before, pressed })
    }

    /// Returns when somebody presses q or Ctrl-C.
    pub(super) async fn quit(&mut self) {
        if (&mut self.pressed).await.is_err() {
            std::future::pending().await
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // Nobody is left to be told when this fails.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::STRONG;

    #[test]
    fn a_frame_is_cut_to_the_screen_and_clears_what_stood_there() {
        let line = |text: &str| Line {
            style: STRONG,
            text: text.to_owned(),
        };
        let lines = [line("abcdef"), line("gé"), line("below")];
        let plain = drawn(&lines[..2], 4, 2, false);
        assert_eq!(plain, "\x1b[Habcd\x1b[K\r\ngé\x1b[K\x1b[J");
        let short = drawn(&lines, 20, 2, false);
        assert_eq!(short, "\x1b[Habcdef\x1b[K\r\n… 2 more lines\x1b[K\x1b[J");
        let colored = drawn(&lines[1..2], 4, 2, true);
        assert_eq!(colored, "\x1b[H\x1b[1mgé\x1b[0m\x1b[K\x1b[J");
    }
}
