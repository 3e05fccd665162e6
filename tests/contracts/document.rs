//! `docs/contracts.md`, made from the lists.

use std::fmt::Write as _;
use std::path::Path;

use super::table::{Deviation, Server, deviation};
use super::{hints, objects};
use crate::transports::sqs::ground::Server as Emulator;
use crate::transports::sqs::promises;

/// How the document is written anew.
const MEND: &str = "SNAPSHOTS=overwrite cargo xtask test the_document_of_contracts_is_up_to_date";

const CARRIERS: [(Server, &str); 5] = [
    (Server::Pg, "PostgreSQL"),
    (Server::Redis, "Redis"),
    (Server::Fake, "SQS: our own"),
    (Server::Moto, "SQS: moto"),
    (Server::Fauxqs, "SQS: fauxqs"),
];
const STORES: [(Server, &str); 3] = [
    (Server::Folder, "folder"),
    (Server::Moto, "S3: moto"),
    (Server::Fauxqs, "S3: fauxqs"),
];
const EMULATORS: [(Server, &str); 3] = [
    (Server::Fake, "our own"),
    (Server::Moto, "moto"),
    (Server::Fauxqs, "fauxqs"),
];

/// What no server at hand can be asked, and why not.
const UNCONFIRMED: [(&str, &str); 11] = [
    (
        "SQS: high throughput of a queue that keeps order",
        "all emulators are one process",
    ),
    (
        "SQS, S3: the rights of a role",
        "none of them checks who asks",
    ),
    ("SQS, S3: encryption by KMS", "none of them encrypts"),
    (
        "SQS: a redrive by the console",
        "there is no console; our own moves messages as it does, the others have no move task",
    ),
    (
        "SQS: times of AWS",
        "how long a poll, a move or a lost message takes is AWS's own",
    ),
    (
        "SQS: how late it tells how much lies in a queue",
        "all of them count at the moment that they are asked",
    ),
    (
        "S3: a link ends with its time",
        "none of them reads the time of a link",
    ),
    (
        "S3: a changed signature is refused",
        "none of them checks signatures",
    ),
    (
        "S3: content with a wrong checksum is refused",
        "none of them compares it",
    ),
    (
        "SQS, S3: the policy keeps out whoever comes without TLS",
        "none of them has TLS, and moto reads no condition of a policy",
    ),
    (
        "S3: lifecycle rules do what they say",
        "none of them lets days pass",
    ),
];

#[test]
fn the_document_of_contracts_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contracts.md");
    let wanted = document();
    if std::env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/contracts.md is out of date; mend it with `{MEND}`"
    );
}

#[test]
fn every_listed_deviation_is_of_something_in_its_list() {
    for known in hints::DEVIATIONS {
        assert!(
            hints::LIST.iter().any(|one| one.says == known.of),
            "{}",
            known.of
        );
        assert!(CARRIERS.iter().any(|(server, _)| *server == known.server));
    }
    for known in objects::DEVIATIONS {
        assert!(
            objects::LIST.iter().any(|one| one.says == known.of),
            "{}",
            known.of
        );
        assert!(STORES.iter().any(|(server, _)| *server == known.server));
    }
}

fn document() -> String {
    let mut text = format!(
        "# What every transport and every store does\n\n\
         This file is made from the lists that the tests go through, and a test compares it with\n\
         them. To write it anew:\n\n```\n{MEND}\n```\n\n\
         \"yes\" means that the test of the row passes there in every run of the tests. A\n\
         deviation has a number, and its reason below; one that is none any more fails the test.\n\
         A dash before the number says that nothing there could make the row fail; it is not\n\
         tried there.\n"
    );
    let rows: Vec<_> = hints::LIST.iter().map(|one| one.says).collect();
    section(
        &mut text,
        "Transports of hints",
        "The list is in `tests/contracts/hints/mod.rs`; [transports.md](transports.md) says how\n\
         hints travel.",
        &CARRIERS,
        &rows,
        hints::DEVIATIONS,
    );
    let rows: Vec<_> = objects::LIST.iter().map(|one| one.says).collect();
    section(
        &mut text,
        "Stores of files and reports",
        "The list is in `tests/contracts/objects.rs`; [stores.md](stores.md) says how objects lie.",
        &STORES,
        &rows,
        objects::DEVIATIONS,
    );
    let rows: Vec<_> = promises::PROMISES.iter().map(|(name, _)| *name).collect();
    let deviations: Vec<_> = promises::DEVIATIONS
        .iter()
        .map(|(server, of, why)| deviation(of_emulator(*server), of, why))
        .collect();
    section(
        &mut text,
        "What SQS promises",
        "What our transport relies on, asked of each server by hand; the list is in\n\
         `tests/transports/sqs/promises.rs`.",
        &EMULATORS,
        &rows,
        &deviations,
    );
    text.push_str("\n## What no emulator confirms\n\n| what | why not |\n| --- | --- |\n");
    for (what, why) in UNCONFIRMED {
        writeln!(text, "| {what} | {why} |").unwrap();
    }
    text.push_str("\nNone of this was tried on AWS itself.\n");
    text
}

const fn of_emulator(server: Emulator) -> Server {
    match server {
        Emulator::Fake => Server::Fake,
        Emulator::Moto => Server::Moto,
        Emulator::Fauxqs => Server::Fauxqs,
    }
}

fn section(
    text: &mut String,
    title: &str,
    where_it_is: &str,
    servers: &[(Server, &str)],
    rows: &[&str],
    deviations: &[Deviation],
) {
    write!(text, "\n## {title}\n\n{where_it_is}\n\n|").unwrap();
    for (_, name) in servers {
        write!(text, " | {name}").unwrap();
    }
    text.push_str(" |\n|");
    text.push_str(&" --- |".repeat(servers.len() + 1));
    text.push('\n');
    for row in rows {
        write!(text, "| {row}").unwrap();
        for (server, _) in servers {
            let is = |known: &Deviation| known.server == *server && known.of == *row;
            match deviations.iter().position(is) {
                Some(place) => {
                    let dash = if deviations[place].is_tried { "" } else { "- " };
                    write!(text, " | {dash}({})", place + 1).unwrap();
                }
                None => text.push_str(" | yes"),
            }
        }
        text.push_str(" |\n");
    }
    text.push('\n');
    for (place, Deviation { server, why, .. }) in deviations.iter().enumerate() {
        let name = servers.iter().find(|(known, _)| known == server);
        let name = name.map_or("", |(_, name)| name);
        writeln!(text, "{}. {name}: {why}.", place + 1).unwrap();
    }
}
