//! The unprivileged user that root starts PostgreSQL as: it refuses to run as root.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, chown, lchown},
    path::Path,
    process::Stdio,
};

use tokio::process::Command;

use crate::DevdbError;

/// `nobody`, by number: some systems name it otherwise.
const NOBODY: u32 = 65534;

/// A user and its first group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// Gives the user to start programs as, or none when this process is not root.
    pub(crate) fn unprivileged() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Some(Self::from_passwd(&passwd))
    }

    /// The owner of an existing data folder wins, so that data made as another user stays usable.
    pub(crate) fn or_owner_of(
        account: Option<Self>,
        folder: &Path,
    ) -> Result<Option<Self>, DevdbError> {
        let Ok(found) = fs::metadata(folder) else {
            return Ok(account);
        };
        let uid = rustix::process::geteuid().as_raw();
        match account {
            Some(_) if found.uid() != 0 => Ok(Some(Self {
                uid: found.uid(),
                gid: found.gid(),
            })),
            None if found.uid() != uid => Err(DevdbError::OtherOwner {
                folder: folder.to_owned(),
                owner: found.uid(),
                uid,
            }),
            as_before => Ok(as_before),
        }
    }

    fn from_passwd(passwd: &str) -> Self {
        let entries = || passwd.lines().filter_map(Entry::parse);
        entries()
            .find(|entry| entry.name == "postgres" && entry.account.uid != 0)
            .or_else(|| entries().find(|entry| entry.account.uid == NOBODY))
            .map_or(
                Self {
                    uid: NOBODY,
                    gid: NOBODY,
                },
                |entry| entry.account,
            )
    }
}

struct Entry<'a> {
    name: &'a str,
    account: Account,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self {
            name,
            account: Account { uid, gid },
        })
    }
}

/// Makes a command run as the account, away from folders that the account may not see.
pub(crate) fn run_as(account: Option<Account>, command: &mut Command) -> &mut Command {
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Says whether the account can enter the folder, by trying: modes do not tell all (lists, mounts).
pub(crate) async fn can_enter(account: Option<Account>, folder: &Path) -> bool {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", ":"])
        .current_dir(folder)
        .stdin(Stdio::null());
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    run_as(account, &mut shell)
        .status()
        .await
        .is_ok_and(|status| status.success())
}

/// Gives a file or folder to the account.
pub(crate) fn give(account: Option<Account>, path: &Path) -> Result<(), DevdbError> {
    let given = match account {
        Some(Account { uid, gid }) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    };
    given.map_err(|source| file("give to the unprivileged user", path, source))
}

/// Gives a folder and all that is in it to the account.
pub(crate) fn give_tree(account: Account, folder: &Path) -> Result<(), DevdbError> {
    let entries = fs::read_dir(folder).map_err(|source| file("read", folder, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| file("read", folder, source))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            give_tree(account, &entry.path())?;
        } else {
            let given = lchown(entry.path(), Some(account.uid), Some(account.gid));
            given.map_err(|source| file("give to the unprivileged user", &entry.path(), source))?;
        }
    }
    give(Some(account), folder)
}

/// Shorthand for the error about one file or folder.
pub(crate) fn file(attempt: &'static str, path: &Path, source: io::Error) -> DevdbError {
    DevdbError::File {
        attempt,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
        nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn the_postgres_user_goes_before_nobody() {
        let passwd = format!("{PASSWD}postgres:x:101:104::/var/lib/postgresql:/bin/bash\n");
        assert_eq!(
            Account::from_passwd(&passwd),
            Account { uid: 101, gid: 104 }
        );
    }

    #[test]
    fn nobody_is_taken_with_its_own_group_when_there_is_no_postgres_user() {
        assert_eq!(
            Account::from_passwd(PASSWD),
            Account {
                uid: 65534,
                gid: 65533
            }
        );
    }

    #[test]
    fn an_unreadable_list_of_users_still_gives_nobody() {
        assert_eq!(
            Account::from_passwd("# broken"),
            Account {
                uid: 65534,
                gid: 65534
            }
        );
    }
}
