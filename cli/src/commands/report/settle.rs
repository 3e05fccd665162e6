//! A person's answers to findings of earlier reports.

use std::path::Path;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use packtrain_report::InputFile;
use packtrain_tax::import;
use packtrain_tax::settle::Settlements;

use super::read;
use crate::failure::{Failure, INPUT};
use crate::terminal::Steps;

/// Reads the answers.
pub(super) fn answers(path: &Path, steps: &Steps) -> Result<(Settlements, InputFile), Failure> {
    let name = read::name_of(path);
    steps.begin("Reading", &name);
    let bytes = read::bytes(path).map_err(|error| read::unreadable(path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let shown = path.display();
        Failure::new(INPUT, format!("{shown} cannot be read: {error}"))
    })?;
    let settlements = parse(&text).map_err(|error| {
        Failure::new(INPUT, format!("{name} holds no answers: {error}"))
            .help("docs/tax.md says how findings are answered, with an example")
    })?;
    let answers = settlements.settle.len() + settlements.rule.len();
    let noun = match settlements.rule.is_empty() {
        _ if answers == 1 => "answer",
        true => "answers",
        false => "answers and rules",
    };
    steps.end("Reading", &name, &format!("{answers} {noun}"));
    let input = InputFile {
        name,
        sha256: import::digest(text.as_bytes()),
        rows: answers as u64,
        bad_rows: 0,
    };
    Ok((settlements, input))
}

fn parse(text: &str) -> Result<Settlements, Box<figment::Error>> {
    let read = Figment::from(Toml::string(text)).extract();
    read.map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use packtrain_tax::settle::Way;

    use super::*;

    #[test]
    fn the_answers_of_the_documentation_are_read() {
        let docs = include_str!("../../../../docs/tax.md");
        let (_, text) = docs.split_once("```toml\n[[settle]]").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let read = parse(&format!("[[settle]]{text}")).unwrap();
        let ways: Vec<_> = read.settle.iter().map(|one| one.answer.way()).collect();
        let answers = [
            Way::Purchase,
            Way::Price,
            Way::AcceptZero,
            Way::Accept,
            Way::Keep,
            Way::Transfer,
            Way::NotTransfer,
        ];
        assert_eq!(ways, answers);
        assert_eq!(read.rule.len(), 3);
    }
}
