//! Holds a private server until its standard input ends. The tests kill it; a person can try the
//! crate by hand with it. `psql` asks the probe, so that no client library is needed.
//!
//! `packtrain-devdb hold DATA_ROOT CACHE_ROOT PSQL [system=no] [fetch=no]`

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::{ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use packtrain_devdb::{Connection, Guard, Options, SystemFolders, guard_main, start};
use tokio::process::Command;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let done = match args.next().as_deref().and_then(|role| role.to_str()) {
        Some("guard") => match guard_main(args) {
            Ok(never) => match never {},
            Err(error) => Err(error.into()),
        },
        Some("hold") => hold(args),
        _ => Err("usage: hold DATA_ROOT CACHE_ROOT PSQL [system=no] [fetch=no]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut error: Option<&dyn Error> = Some(&*error);
            while let Some(shown) = error {
                line(&format!("error {shown}"));
                error = shown.source();
            }
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn hold(mut args: impl Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let mut folder = || {
        args.next()
            .map(PathBuf::from)
            .ok_or("an argument is missing")
    };
    let (data_root, cache_root, psql) = (folder()?, folder()?, folder()?);
    let guard = Guard {
        program: env::current_exe()?,
        leading: vec!["guard".into()],
    };
    let mut options = Options::new(data_root, cache_root, guard);
    options.path = env::var_os("PATH");
    // Several are made at once where tests run.
    options.ready_within = Duration::from_secs(180);
    options.narrate = Arc::new(|said| line(&format!("say {said}")));
    for switch in args {
        match switch.to_str() {
            Some("system=no") => options.system_folders = SystemFolders::none(),
            Some("fetch=no") => options.fetch = false,
            _ => return Err(format!("{switch:?} is not known").into()),
        }
    }
    let began = Instant::now();
    let server = start(options, move |connection| ask(psql.clone(), connection)).await?;
    line(&format!("ready {} ms", began.elapsed().as_millis()));
    line(&format!("attached {}", server.is_attached().await));
    line(&format!("url {}", server.superuser_url("postgres")));
    let until_input_ends =
        tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    tokio::select! {
        kept = server.keep() => kept?,
        ended = until_input_ends => drop(ended??),
    }
    server.stop().await?;
    line("stopped");
    Ok(())
}

async fn ask(psql: PathBuf, connection: Connection) -> Result<(), String> {
    let mut command = Command::new(psql);
    command.args([
        "--no-psqlrc",
        "--no-password",
        "--tuples-only",
        "--command",
        "select 1",
    ]);
    command
        .arg(connection.superuser_url("postgres"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn line(text: &str) {
    // Nobody may be reading any more, which is no reason to stop.
    let _ = writeln!(io::stdout(), "{text}");
}
