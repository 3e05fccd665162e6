//! The exact command that installs PostgreSQL 15 or newer on the system at hand.

use std::fs;

/// Debian and Ubuntu before these versions offer PostgreSQL 14 or older themselves.
const DEBIAN_MIN: u32 = 12;
const UBUNTU_MIN: u32 = 23;
/// Red Hat before this version offers a newer PostgreSQL only as a module stream.
const RHEL_MIN: u32 = 10;

/// Gives the command for this system.
pub(crate) fn command() -> String {
    if cfg!(target_os = "macos") {
        return "brew install postgresql@17".to_owned();
    }
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let sudo = if rustix::process::geteuid().is_root() {
        ""
    } else {
        "sudo "
    };
    for_release(&release, sudo)
}

fn for_release(release: &str, sudo: &str) -> String {
    let field = |name: &str| {
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let (id, like, version) = (field("ID"), field("ID_LIKE"), field("VERSION_ID"));
    let year: u32 = version
        .split('.')
        .next()
        .and_then(|year| year.parse().ok())
        .unwrap_or(u32::MAX);
    let is = |name: &str| id == name || like.split_whitespace().any(|like| like == name);
    if (id == "debian" && year < DEBIAN_MIN) || (id == "ubuntu" && year < UBUNTU_MIN) {
        return format!(
            "{sudo}apt-get install --yes postgresql-common && \
             {sudo}/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y && \
             {sudo}apt-get install --yes postgresql-17"
        );
    }
    if (is("rhel") || is("centos")) && id != "fedora" && year < RHEL_MIN {
        return format!("{sudo}dnf module install --assumeyes postgresql:16/server");
    }
    let install = [
        ("debian", "apt-get install --yes postgresql"),
        ("ubuntu", "apt-get install --yes postgresql"),
        ("fedora", "dnf install --assumeyes postgresql-server"),
        ("rhel", "dnf install --assumeyes postgresql-server"),
        ("arch", "pacman -S postgresql"),
        ("alpine", "apk add postgresql17"),
        ("suse", "zypper install postgresql-server"),
    ];
    match install.iter().find(|(name, _)| is(name)) {
        Some((_, install)) => format!("{sudo}{install}"),
        None => "open https://www.postgresql.org/download/ (or put npm into PATH)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_gets_its_own_command() {
        for (release, command) in [
            (
                "ID=debian\nVERSION_ID=\"12\"",
                "sudo apt-get install --yes postgresql",
            ),
            (
                "ID=ubuntu\nVERSION_ID=\"24.04\"",
                "sudo apt-get install --yes postgresql",
            ),
            (
                "ID=fedora\nVERSION_ID=42",
                "sudo dnf install --assumeyes postgresql-server",
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.5\"",
                "sudo dnf module install --assumeyes postgresql:16/server",
            ),
            ("ID=alpine\nVERSION_ID=3.21.0", "sudo apk add postgresql17"),
            ("ID=manjaro\nID_LIKE=arch", "sudo pacman -S postgresql"),
            (
                "ID=opensuse-leap\nID_LIKE=\"suse opensuse\"",
                "sudo zypper install postgresql-server",
            ),
        ] {
            assert_eq!(for_release(release, "sudo "), command);
        }
    }

    #[test]
    fn an_old_ubuntu_is_sent_to_the_archive_that_has_a_new_server() {
        let command = for_release("ID=ubuntu\nVERSION_ID=\"22.04\"", "");
        assert!(
            command.contains("pgdg") && command.ends_with("postgresql-17"),
            "{command}"
        );
    }

    #[test]
    fn an_unknown_system_is_pointed_to_where_its_command_is() {
        assert!(for_release("", "").contains("postgresql.org/download"));
    }
}
