//! The hidden subcommand that our own binary becomes PostgreSQL through.
//!
//! It runs between `fork` and `postgres`, which needs no unsafe code: it gives up root, asks the
//! kernel for a signal at the owner's death (a change of user would clear that, hence the order),
//! and only then turns into the server.

use std::{
    convert::Infallible,
    env,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{fd::AsRawFd, unix::process::CommandExt},
    path::PathBuf,
    process::Command,
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, getpid, getppid},
};

use crate::{DevdbError, account::Account};

/// How our own binary is called so that it ends in [`guard_main`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// The binary, usually that of the running process.
    pub program: PathBuf,
    /// What goes before the arguments of the guard, usually the name of the hidden subcommand.
    pub leading: Vec<OsString>,
}

/// A program of PostgreSQL that is to run on a data folder for as long as its owner lives.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    /// Whether the folder is handed over opened, because the account cannot reach it by its path.
    pub(crate) opened: bool,
    pub(crate) account: Option<Account>,
    pub(crate) args: Vec<OsString>,
}

impl Guard {
    /// Writes the command line that [`guard_main`] reads.
    pub(crate) fn command(&self, errand: &Errand) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.leading);
        command
            .arg("--owner")
            .arg(getpid().as_raw_nonzero().to_string());
        if let Some(Account { uid, gid }) = errand.account {
            command.arg("--uid").arg(uid.to_string());
            command.arg("--gid").arg(gid.to_string());
        }
        command
            .arg(if errand.opened {
                "--opened"
            } else {
                "--folder"
            })
            .arg(&errand.folder);
        command.arg("--").arg(&errand.program).args(&errand.args);
        // PGDATA and its like must not reach the server; messages are to be English and in UTC.
        command.env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        // A process group of its own: Ctrl-C is for us, and we stop the server after our drain.
        command.process_group(0);
        command
    }
}

/// Becomes the program that the arguments name, or says why not. It returns only with an error.
///
/// # Errors
///
/// When the arguments are not those that this crate writes, when the owner is gone already, or
/// when the system refuses a step.
pub fn guard_main(args: impl Iterator<Item = OsString>) -> Result<Infallible, DevdbError> {
    let Order {
        owner,
        account,
        folder,
        opened,
        program,
        args,
    } = Order::parse(args)?;
    let opened = match opened {
        true => {
            Some(open_for_heirs(&folder).map_err(|source| step("open the data folder", source))?)
        }
        false => None,
    };
    let data = match &opened {
        Some(opened) => PathBuf::from(format!("/proc/self/fd/{}", opened.as_raw_fd())),
        None => folder,
    };
    // PostgreSQL must be able to return to the folder that it starts in.
    env::set_current_dir("/").map_err(|source| step("leave the current folder", source))?;
    let mut command = Command::new(program);
    command.arg("-D").arg(data).args(args);
    become_program(command, owner, account)
}

struct Order {
    owner: Pid,
    account: Option<Account>,
    folder: PathBuf,
    opened: bool,
    program: OsString,
    args: Vec<OsString>,
}

impl Order {
    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, DevdbError> {
        let (mut owner, mut uid, mut gid, mut folder, mut opened) = (None, None, None, None, false);
        loop {
            let name = args.next().ok_or_else(|| missing("--"))?;
            if name == "--" {
                break;
            }
            let value = args
                .next()
                .ok_or_else(|| missing(&name.to_string_lossy()))?;
            match name.to_str() {
                Some("--owner") => owner = Pid::from_raw(number(&value)?),
                Some("--uid") => uid = Some(number(&value)?),
                Some("--gid") => gid = Some(number(&value)?),
                Some("--folder") => folder = Some(PathBuf::from(value)),
                Some("--opened") => (folder, opened) = (Some(PathBuf::from(value)), true),
                _ => return Err(arguments(format!("{name:?} is not known"))),
            }
        }
        Ok(Self {
            owner: owner.ok_or_else(|| missing("--owner"))?,
            account: uid.zip(gid).map(|(uid, gid)| Account { uid, gid }),
            folder: folder.ok_or_else(|| missing("--folder"))?,
            opened,
            program: args.next().ok_or_else(|| missing("the program"))?,
            args: args.collect(),
        })
    }
}

/// Opens the folder so that the program and its children find it open under the same number.
fn open_for_heirs(folder: &std::path::Path) -> io::Result<File> {
    let opened = File::open(folder)?;
    fcntl_setfd(&opened, FdFlags::empty())?;
    Ok(opened)
}

#[cfg(target_os = "linux")]
fn become_program(
    mut command: Command,
    owner: Pid,
    account: Option<Account>,
) -> Result<Infallible, DevdbError> {
    use rustix::process::{Signal, set_parent_process_death_signal};

    if let Some(account) = account {
        drop_rights(account).map_err(|source| step("give up root", source.into()))?;
    }
    set_parent_process_death_signal(Some(Signal::INT))
        .map_err(|source| step("ask for a signal at the owner's death", source.into()))?;
    // The owner may have died before the line above: then no signal will ever come.
    if getppid() != Some(owner) {
        return Err(DevdbError::OwnerGone {
            owner: owner.as_raw_nonzero().get(),
        });
    }
    Err(step("become the program", command.exec()))
}

#[cfg(target_os = "linux")]
fn drop_rights(Account { uid, gid }: Account) -> rustix::io::Result<()> {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}

/// Elsewhere the kernel has no such signal: the guard stays and looks after the program itself.
#[cfg(not(target_os = "linux"))]
fn become_program(
    mut command: Command,
    owner: Pid,
    account: Option<Account>,
) -> Result<Infallible, DevdbError> {
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    let status = supervise(command, owner).map_err(|source| step("run the program", source))?;
    std::process::exit(status.code().unwrap_or(1))
}

#[cfg(any(not(target_os = "linux"), test))]
#[expect(
    clippy::disallowed_methods,
    reason = "waits on two processes, in a process of its own"
)]
fn supervise(mut command: Command, owner: Pid) -> io::Result<std::process::ExitStatus> {
    use rustix::process::{Signal, kill_process};

    let mut child = command.spawn()?;
    let mut is_told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if !is_told && getppid() != Some(owner) {
            kill_process(Pid::from_child(&child), Signal::INT)?;
            is_told = true;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn number<T: std::str::FromStr>(value: &OsStr) -> Result<T, DevdbError> {
    let number = value.to_str().and_then(|value| value.parse().ok());
    number.ok_or_else(|| arguments(format!("{value:?} is not a number")))
}

fn missing(name: &str) -> DevdbError {
    arguments(format!("{name} is missing"))
}

fn arguments(reason: String) -> DevdbError {
    DevdbError::GuardArguments { reason }
}

fn step(attempt: &'static str, source: io::Error) -> DevdbError {
    DevdbError::Guard { attempt, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_reads_back_what_was_written_for_it() {
        let guard = Guard {
            program: "/bin/packtrain".into(),
            leading: vec!["guard".into()],
        };
        let errand = Errand {
            program: "/pg/postgres".into(),
            folder: "/data/15".into(),
            opened: true,
            account: Some(Account { uid: 7, gid: 8 }),
            args: vec!["-c".into(), "port=1".into()],
        };
        let command = guard.command(&errand);
        let order = Order::parse(command.get_args().skip(1).map(ToOwned::to_owned));
        let order = order.expect("the guard understands its own arguments");
        assert_eq!(order.owner, getpid());
        assert_eq!(order.account, errand.account);
        assert_eq!(order.folder, errand.folder);
        assert!(order.opened);
        assert_eq!(order.program, "/pg/postgres");
        assert_eq!(order.args, errand.args);
    }

    #[test]
    fn the_guard_refuses_arguments_of_people() {
        for args in [
            vec![],
            vec!["--help", "x", "--"],
            vec!["--owner", "me", "--", "sh"],
        ] {
            let refused = guard_main(args.into_iter().map(OsString::from));
            assert!(matches!(refused, Err(DevdbError::GuardArguments { .. })));
        }
    }

    #[test]
    fn a_supervised_program_is_interrupted_when_its_owner_is_gone() {
        // One that a shell started in the background ignores interruptions, and so do its children.
        let mut cat = Command::new("env");
        cat.args(["--default-signal=INT", "cat"]);
        cat.stdin(std::process::Stdio::piped());
        let nobody = Pid::from_raw(i32::MAX).expect("not zero");
        let status = supervise(cat, nobody).expect("cat runs");
        assert!(!status.success());
    }
}
