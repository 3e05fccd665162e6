//! `packtrain top`: what the platform does at this moment, drawn anew every second.

mod frame;
mod screen;
mod view;

use std::io::IsTerminal;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use self::frame::Line;
use self::screen::{Keys, Screen};
use self::view::View;
use super::Desk;
use crate::args::{Global, Top};
use crate::failure::Failure;
use crate::process::stop_on_signal;
use crate::settings::Settings;
use crate::terminal::ERROR;

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &Top, settings: &Settings) -> Result<(), Failure> {
    let desk = Desk::open(global, settings).await?;
    let is_once = args.once || global.json || !std::io::stdout().is_terminal();
    let done = match is_once {
        true => once(global, &desk).await,
        false => watch(&desk, Duration::from_secs(args.every)).await,
    };
    desk.close().await;
    done
}

async fn once(global: &Global, desk: &Desk) -> Result<(), Failure> {
    let view = View::read(desk).await?;
    if global.json {
        anstream::println!("{}", view.json());
        return Ok(());
    }
    for Line { style, text } in frame::lines(&view) {
        anstream::println!("{style}{text}{style:#}");
    }
    Ok(())
}

/// Draws until a person has seen enough. The terminal is given back however this ends.
async fn watch(desk: &Desk, every: Duration) -> Result<(), Failure> {
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    let mut screen = Screen::open()?;
    let mut keys = Keys::open()?;
    tokio::select! {
        drawn = draw(desk, every, &mut screen) => drawn,
        () = keys.quit() => Ok(()),
        () = stop.cancelled() => Ok(()),
    }
}

/// A database that is away for a while does not end the view: what was seen last stays.
async fn draw(desk: &Desk, every: Duration, screen: &mut Screen) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Vec::new();
    loop {
        ticks.tick().await;
        match View::read(desk).await {
            Ok(view) => {
                last = frame::lines(&view);
                screen.show(&last)?;
            }
            Err(error) => {
                let mut lines = vec![Line {
                    style: ERROR,
                    text: packtrain_core::fault::chain(&error),
                }];
                lines.extend_from_slice(&last);
                screen.show(&lines)?;
            }
        }
    }
}
