//! The data folder of one major version, and what lies beside it: lock, password, log.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
};

use crate::{
    DevdbError, Options, SUPERUSER,
    account::{Account, can_enter, file, give, give_tree},
    binaries::Binaries,
    guard::Errand,
    keeper::Child,
};

/// Longest path of a Unix socket that every system takes (Linux takes 107).
const SOCKET_PATH_BYTES_MAX: usize = 103;
/// Where sockets go whose path would be longer: short by nature, unlike a user's own folder.
const SHORT_ROOT: &str = "/tmp";
/// A log that is larger than this is put aside at the next start; one older log is kept.
const LOG_BYTES_MAX: u64 = 8 << 20;
/// How much of the log an error shows.
const TAIL_BYTES_MAX: u64 = 2_000;

/// One cluster on disk.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    root: PathBuf,
    major: u32,
    /// What PostgreSQL calls the data folder.
    pub(crate) folder: PathBuf,
}

impl Cluster {
    /// Names the cluster of a major version, and makes the folder that it will be in.
    pub(crate) fn at(data_root: &Path, major: u32) -> Result<Self, DevdbError> {
        fs::create_dir_all(data_root).map_err(|source| file("create", data_root, source))?;
        let root = data_root
            .canonicalize()
            .map_err(|source| file("resolve", data_root, source))?;
        let folder = root.join(major.to_string());
        Ok(Self {
            root,
            major,
            folder,
        })
    }

    /// Takes the lock that makes this process the owner; none when another process has it.
    pub(crate) fn try_lock(&self) -> Result<Option<File>, DevdbError> {
        let path = self.lock_path();
        let lock = File::options().create(true).append(true).open(&path);
        let lock = lock.map_err(|source| file("open the lock", &path, source))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(file("lock", &path, source)),
        }
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.beside("lock")
    }

    pub(crate) fn is_set_up(&self) -> bool {
        self.folder.join("PG_VERSION").is_file()
    }

    /// Gives data that root owns, as a copy or a restored backup does, to the server's user.
    pub(crate) fn claim(&self, account: Option<Account>) -> Result<(), DevdbError> {
        match account {
            Some(account) if fs::metadata(&self.folder).is_ok_and(|found| found.uid() == 0) => {
                give_tree(account, &self.folder)
            }
            _ => Ok(()),
        }
    }

    /// Gives the other major versions that have data here.
    pub(crate) fn others(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let majors = entries.filter(|entry| entry.path().join("PG_VERSION").is_file());
        majors
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|major| *major != self.major)
            .collect()
    }

    /// Reads the superuser's password.
    pub(crate) fn password(&self) -> Result<String, DevdbError> {
        let path = self.beside("password");
        match fs::read_to_string(&path) {
            Ok(password) => Ok(password.trim().to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DevdbError::NoPassword {
                folder: self.folder.clone(),
                password: path,
            }),
            Err(source) => Err(file("read", &path, source)),
        }
    }

    /// Runs `initdb` beside the final place and moves the result there: whoever dies in between
    /// leaves no half-made data folder.
    pub(crate) async fn set_up(
        &self,
        options: &Options,
        binaries: &Binaries,
        account: Option<Account>,
    ) -> Result<(), DevdbError> {
        let fresh = self.beside("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).map_err(|source| file("remove", &fresh, source))?;
        }
        private_folder(&fresh, account)?;
        let password = self.new_password(account)?;
        let mut args = vec!["--username", SUPERUSER, "--auth=scram-sha-256"];
        args.extend(["--pwfile=/dev/stdin", "--encoding=UTF8", "--locale=C"]);
        if !options.sync_setup {
            args.push("--no-sync");
        }
        let errand = Errand {
            program: binaries.program("initdb"),
            opened: must_be_opened(&fresh, account).await?,
            folder: fresh.clone(),
            account,
            args: args.into_iter().map(Into::into).collect(),
        };
        if !self.run(options, &errand, password).await? {
            return Err(DevdbError::Setup {
                folder: self.folder.clone(),
                output: self.log_tail(),
            });
        }
        fs::rename(&fresh, &self.folder).map_err(|source| file("move", &fresh, source))
    }

    /// Gives the folder of the socket: the data folder, or a short private one that is noted
    /// beside it, so that starts after a kill use the same one again.
    pub(crate) fn socket_folder(
        &self,
        opened: bool,
        account: Option<Account>,
    ) -> Result<PathBuf, DevdbError> {
        if !opened && fits(&self.folder) {
            return Ok(self.folder.clone());
        }
        let note = self.beside("socket");
        if let Ok(noted) = fs::read_to_string(&note)
            && is_private(Path::new(&noted), account)
        {
            return Ok(noted.into());
        }
        let name = format!("packtrain-pg-{}", hex::encode(rand::random::<[u8; 8]>()));
        let folder = Path::new(SHORT_ROOT).join(name);
        private_folder(&folder, account)?;
        fs::write(&note, folder.as_os_str().as_bytes())
            .map_err(|source| file("write", &note, source))?;
        Ok(folder)
    }

    /// Removes the short folder of the socket, if there is one.
    pub(crate) fn forget_socket_folder(&self) {
        let note = self.beside("socket");
        if let Ok(noted) = fs::read_to_string(&note) {
            // Only if empty; a leftover is found again through the note.
            if fs::remove_dir(noted).is_ok() {
                let _ = fs::remove_file(note);
            }
        }
    }

    /// Opens the log for a server or `initdb` to write to.
    pub(crate) fn open_log(&self) -> Result<File, DevdbError> {
        let path = self.log_path();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
            let older = self.beside("log.old");
            fs::rename(&path, older).map_err(|source| file("put aside", &path, source))?;
        }
        let log = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        log.map_err(|source| file("open", &path, source))
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        self.beside("log")
    }

    /// Reads the last lines of the log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let read = || -> io::Result<String> {
            let mut log = File::open(self.log_path())?;
            let start = log.metadata()?.len().saturating_sub(TAIL_BYTES_MAX);
            log.seek(SeekFrom::Start(start))?;
            let mut tail = Vec::new();
            log.read_to_end(&mut tail)?;
            Ok(String::from_utf8_lossy(&tail).trim().to_owned())
        };
        read().unwrap_or_else(|error| format!("(no log: {error})"))
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.root.join(format!("{}.{suffix}", self.major))
    }

    /// Writes a fresh password for `initdb` to read, and gives the file opened.
    fn new_password(&self, account: Option<Account>) -> Result<File, DevdbError> {
        let path = self.beside("password");
        let write = || -> io::Result<()> {
            if path.exists() {
                fs::remove_file(&path)?;
            }
            let mut written = File::options()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            written.write_all(hex::encode(rand::random::<[u8; 32]>()).as_bytes())?;
            written.sync_all()
        };
        write().map_err(|source| file("write", &path, source))?;
        // `initdb` opens its standard input anew, for which it must own the file.
        give(account, &path)?;
        File::open(&path).map_err(|source| file("open", &path, source))
    }

    async fn run(
        &self,
        options: &Options,
        errand: &Errand,
        input: File,
    ) -> Result<bool, DevdbError> {
        let log = self.open_log()?;
        let again = log
            .try_clone()
            .map_err(|source| file("open", &self.log_path(), source))?;
        let mut command = options.guard.command(errand);
        command.stdin(input).stdout(log).stderr(again);
        let child = Child::spawn(command).await;
        let child = child.map_err(|source| DevdbError::GuardStart {
            program: options.guard.program.clone(),
            source,
        })?;
        Ok(child.exited().await.is_some_and(|status| status.success()))
    }
}

/// Says whether the folder must be handed over opened, because the account cannot walk to it: a
/// project under root's home is such a case. Only Linux can do that.
pub(crate) async fn must_be_opened(
    folder: &Path,
    account: Option<Account>,
) -> Result<bool, DevdbError> {
    match account {
        Some(Account { uid, .. }) if !can_enter(account, folder).await => {
            if cfg!(target_os = "linux") {
                return Ok(true);
            }
            Err(DevdbError::OutOfReach {
                folder: folder.to_owned(),
                uid,
            })
        }
        _ => Ok(false),
    }
}

fn private_folder(folder: &Path, account: Option<Account>) -> Result<(), DevdbError> {
    let made = DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|source| file("create", folder, source))?;
    give(account, folder)
}

fn is_private(folder: &Path, account: Option<Account>) -> bool {
    let uid = account.map_or_else(
        || rustix::process::geteuid().as_raw(),
        |account| account.uid,
    );
    fs::symlink_metadata(folder)
        .is_ok_and(|found| found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0)
}

fn fits(folder: &Path) -> bool {
    folder.as_os_str().len() + "/.s.PGSQL.65535".len() <= SOCKET_PATH_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_one_holder_has_the_lock_at_a_time() {
        let root = tempfile::tempdir().expect("a folder");
        let cluster = Cluster::at(root.path(), 15).expect("a cluster");
        let lock = cluster.try_lock().expect("the lock opens");
        assert!(lock.is_some());
        assert!(cluster.try_lock().expect("the lock opens").is_none());
        drop(lock);
        // A child of another test holds what is open here until it has become its program.
        let given_up = Instant::now() + Duration::from_secs(10);
        while cluster.try_lock().expect("the lock opens").is_none() {
            assert!(Instant::now() < given_up, "the lock is free again");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_deep_folder_gets_a_short_private_socket_folder_and_keeps_it() {
        let root = tempfile::tempdir().expect("a folder");
        let shallow = Cluster::at(root.path(), 15).expect("a cluster");
        assert_eq!(
            shallow.socket_folder(false, None).expect("a folder"),
            shallow.folder
        );

        let deep = Cluster::at(&root.path().join("d".repeat(100)), 15).expect("a cluster");
        let first = deep.socket_folder(false, None).expect("a folder");
        assert!(fits(&first) && is_private(&first, None));
        assert_eq!(deep.socket_folder(false, None).expect("a folder"), first);
        deep.forget_socket_folder();
        assert!(!first.exists());
    }

    #[test]
    fn the_end_of_a_long_log_is_shown() {
        let root = tempfile::tempdir().expect("a folder");
        let cluster = Cluster::at(root.path(), 15).expect("a cluster");
        let mut log = cluster.open_log().expect("a log");
        log.write_all("early\n".repeat(1_000).as_bytes())
            .expect("written");
        log.write_all(b"late\n").expect("written");
        let tail = cluster.log_tail();
        assert!(tail.ends_with("late") && tail.len() <= 2_000);
    }
}
