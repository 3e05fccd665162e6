//! Where the server listens and how a client is let in.

use std::{
    fmt,
    fmt::Write as _,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// The role that owns the cluster. The product's own roles are made by its bootstrap step.
pub const SUPERUSER: &str = "postgres";

/// The address of a running server, with the superuser's password.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    pub(crate) port: u16,
    pub(crate) socket_folder: PathBuf,
    pub(crate) password: String,
}

impl Connection {
    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket, as libpq wants it for `host`.
    #[must_use]
    pub fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    /// The generated password of [`SUPERUSER`].
    #[must_use]
    pub fn superuser_password(&self) -> &str {
        &self.password
    }

    /// Gives the URL of a database for the superuser, over loopback.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(database, SUPERUSER, &self.password)
    }

    /// Gives the URL of a database for a role, over loopback.
    #[must_use]
    pub fn url(&self, database: &str, user: &str, password: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{}",
            escaped(user.as_bytes()),
            escaped(password.as_bytes()),
            self.port,
            escaped(database.as_bytes()),
        )
    }

    /// Gives the URL of a database for a role, over the Unix socket.
    #[must_use]
    pub fn socket_url(&self, database: &str, user: &str, password: &str) -> String {
        let folder = escaped(self.socket_folder.as_os_str().as_bytes());
        format!(
            "{}?host={folder}",
            self.url(database, user, password)
                .replace("127.0.0.1", "localhost")
        )
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("port", &self.port)
            .field("socket_folder", &self.socket_folder)
            .field("password", &"***")
            .finish()
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection {
            port: 5433,
            socket_folder: "/tmp/a b".into(),
            password: "s3cret".into(),
        }
    }

    #[test]
    fn a_url_escapes_what_would_break_it() {
        assert_eq!(
            connection().url("a/b", "u@x", "p:w"),
            "postgres://u%40x:p%3Aw@127.0.0.1:5433/a%2Fb"
        );
    }

    #[test]
    fn a_socket_url_names_the_folder_of_the_socket() {
        assert_eq!(
            connection().socket_url("db", "u", "p"),
            "postgres://u:p@localhost:5433/db?host=%2Ftmp%2Fa%20b"
        );
    }

    #[test]
    fn the_password_is_not_in_the_debug_text() {
        assert!(!format!("{:?}", connection()).contains("s3cret"));
    }
}
