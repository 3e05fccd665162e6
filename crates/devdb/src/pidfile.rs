//! Reads `postmaster.pid`, and tells whether the process it names is the server of this folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};

/// What a server writes about itself into its data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: Pid,
    /// Missing while the server has not opened its port.
    pub(crate) address: Option<(u16, PathBuf)>,
}

/// Whom the process id in the file belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// The server of this folder.
    Server,
    /// Nobody: the server was killed.
    Nobody,
    /// Some other process that was given the same number later.
    Stranger,
}

impl PidFile {
    /// The file's name inside the data folder.
    pub(crate) const NAME: &str = "postmaster.pid";

    /// Reads the file of a data folder; none when it is not there or just being written.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(folder.join(Self::NAME)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let pid = Pid::from_raw(lines.next()?.parse().ok()?)?;
        let port = lines.nth(2).and_then(|port| port.parse().ok());
        let socket_folder = lines.next().filter(|folder| folder.starts_with('/'));
        let address = port.zip(socket_folder.map(PathBuf::from));
        Some(Self { pid, address })
    }

    /// Tells whose process this is. A server's working folder is its data folder, which no process
    /// that merely inherited the number has.
    pub(crate) fn holder(&self, folder: &Path) -> Holder {
        let process = Path::new("/proc").join(self.pid.as_raw_nonzero().to_string());
        if !cfg!(target_os = "linux") {
            return match test_kill_process(self.pid) {
                Ok(()) => Holder::Server,
                Err(_) => Holder::Nobody,
            };
        }
        match fs::read_link(process.join("cwd")) {
            Ok(cwd) if cwd == folder => Holder::Server,
            Err(_) if !process.exists() || is_zombie(&process) => Holder::Nobody,
            _ => Holder::Stranger,
        }
    }
}

/// Says whether any process works inside the folder: a killed server's backends may still do.
pub(crate) fn is_worked_in(folder: &Path) -> bool {
    let Ok(processes) = fs::read_dir("/proc") else {
        return true;
    };
    processes
        .flatten()
        .any(|process| fs::read_link(process.path().join("cwd")).is_ok_and(|cwd| cwd == folder))
}

fn is_zombie(process: &Path) -> bool {
    fs::read_to_string(process.join("stat")).is_ok_and(|stat| {
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('Z'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_gives_pid_port_and_socket_folder() {
        let text = "7884\n/data/15\n1795387965\n54999\n/tmp\n127.0.0.1\n 10117126   4\nready   \n";
        let read = PidFile::parse(text).expect("the file is whole");
        assert_eq!(read.pid.as_raw_nonzero().get(), 7884);
        assert_eq!(read.address, Some((54999, PathBuf::from("/tmp"))));
    }

    #[test]
    fn a_file_that_is_being_written_gives_no_address() {
        assert_eq!(
            PidFile::parse("7884\n/data\n")
                .expect("pid is there")
                .address,
            None
        );
        assert_eq!(
            PidFile::parse("7884\n/data\n17\n54999\n")
                .expect("pid")
                .address,
            None
        );
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("0\n"), None);
    }

    #[test]
    fn a_process_that_works_elsewhere_is_a_stranger() {
        let me = PidFile {
            pid: rustix::process::getpid(),
            address: None,
        };
        assert_eq!(me.holder(Path::new("/nowhere")), Holder::Stranger);
    }
}
