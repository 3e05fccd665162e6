//! How the figures came about: settings, rules with their sources, files with their hashes.

use packtrain_tax::jurisdiction::{self, OptionKind};

use super::{Selected, uncertain};
use crate::amounts::{count, currency_name};
use crate::limits::FILE_LINES_PDF_MAX;
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::table::{Column, Columns, ROW_OF_TWO, Table};
use crate::pdf::theme::{CELL, FAINT, LINE, MARGIN, Paper, QUIET, SUB, SUBHEADING};
use crate::{ENGINE, words};

const LABELS: f32 = 118.0;
const LEADING: f32 = 11.5;

/// Method and sources; always there.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Section<'a> {
    let mut blocks: Vec<Box<dyn Block + 'a>> =
        vec![Box::new(Facts::new(paper, settings(selected)))];
    let choices = choices(selected);
    if !choices.is_empty() {
        let title = "Where the law leaves a choice, and what only you know";
        blocks.push(Box::new(subheading(paper, title)));
        blocks.push(Box::new(Facts::new(paper, choices)));
    }
    blocks.push(Box::new(subheading(paper, "What is not certain")));
    let doubts = uncertain::sentences(selected);
    blocks.push(Box::new(Facts::sentences(paper, doubts)));
    let rules = &selected.document.outcome.rules_used;
    if !rules.is_empty() {
        blocks.push(Box::new(subheading(paper, "Rules that were applied")));
        blocks.push(Box::new(Facts::rules(paper, selected)));
    }
    if !selected.document.inputs.is_empty() {
        blocks.push(Box::new(subheading(paper, "Files that were read")));
        blocks.push(Box::new(files(selected, paper)));
    }
    Section {
        topic: Topic::Method,
        title: "Method and sources".to_owned(),
        blocks,
    }
}

fn subheading(paper: Paper, text: &str) -> Paragraph {
    Paragraph::new(paper, text, SUBHEADING, 3.0).with_gap(16.0)
}

fn settings(selected: &Selected<'_>) -> Vec<(String, String)> {
    let settings = selected.settings();
    let pair = |label: &str, text: &str| (label.to_owned(), text.to_owned());
    let mut facts = vec![
        pair("Jurisdiction", words::country(settings.country)),
        pair("Method", words::method_sentence(settings.method)),
        pair("Which lots", &words::scope_sentence(settings)),
        pair(
            "Currency",
            &format!(
                "{} ({})",
                currency_name(settings.currency),
                settings.currency
            ),
        ),
        pair(
            "Local dates",
            &format!("By the time zone {}.", settings.timezone.name()),
        ),
        pair(
            "Rounding",
            "Every figure is computed exactly and rounded once, when it is printed: to the cent, \
             half a cent away from zero. A sum of printed figures may therefore differ from its \
             printed total by a cent or two.",
        ),
    ];
    facts.push(pair("Rule set", selected.document.outcome.rule_set));
    facts.push(pair("Computed by", ENGINE));
    if selected.has_lost_characters() {
        facts.push(pair(
            "Characters",
            "A box \u{25a1} stands for a character that this PDF's font does not have. Copied \
             from here, and in the CSV and figures files, every name is whole.",
        ));
    }
    facts
}

/// Each option: what it decides, what was used, and what else there is.
fn choices(selected: &Selected<'_>) -> Vec<(String, String)> {
    let settings = selected.settings();
    let specs = jurisdiction::of(settings.country).options;
    let choice = |(name, value): (&String, &String)| {
        let spec = specs.iter().find(|spec| spec.name == name.as_str());
        let Some(spec) = spec else {
            return (name.clone(), words::sentence(value));
        };
        let meaning = words::sentence(spec.meaning);
        if spec.kind == OptionKind::Money && value == "0" {
            return (name.clone(), format!("{meaning} None was given."));
        }
        let used = match spec.kind {
            OptionKind::Words([first, ..]) if *first == value.as_str() => {
                format!("{value}, the default")
            }
            _ => value.clone(),
        };
        let others = match spec.kind {
            OptionKind::Words(known) => {
                let others = known.iter().filter(|word| **word != value.as_str());
                let others: Vec<&str> = others.copied().collect();
                format!(" Also possible: {}.", others.join(", "))
            }
            OptionKind::Money => String::new(),
        };
        (name.clone(), format!("{meaning} Used: {used}.{others}"))
    };
    settings.options.iter().map(choice).collect()
}

/// Labels with sentences beside them.
struct Facts {
    facts: Vec<Fact>,
}

struct Fact {
    label: String,
    lines: Vec<String>,
    source: Vec<String>,
}

impl Facts {
    fn new(paper: Paper, pairs: Vec<(String, String)>) -> Self {
        let facts = pairs.into_iter().map(|(label, text)| Fact {
            label,
            lines: CELL.wrap(&text, paper.inner() - LABELS),
            source: Vec::new(),
        });
        Self {
            facts: facts.collect(),
        }
    }

    fn sentences(paper: Paper, sentences: Vec<String>) -> Self {
        let facts = sentences.into_iter().map(|text| Fact {
            label: String::new(),
            lines: CELL.wrap(&text, paper.inner()),
            source: Vec::new(),
        });
        Self {
            facts: facts.collect(),
        }
    }

    fn rules(paper: Paper, selected: &Selected<'_>) -> Self {
        let rules = selected.document.outcome.rules_used.iter();
        let facts = rules.map(|rule| Fact {
            label: String::new(),
            lines: CELL.wrap(&rule.text, paper.inner()),
            source: SUB.wrap(&format!("Source: {}", rule.source), paper.inner()),
        });
        Self {
            facts: facts.collect(),
        }
    }
}

impl Block for Facts {
    fn parts(&self) -> usize {
        self.facts.len()
    }

    fn height(&self, part: usize) -> f32 {
        let fact = &self.facts[part];
        fact.lines
            .iter()
            .chain(&fact.source)
            .map(|_| LEADING)
            .sum::<f32>()
            + 6.0
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        let fact = &self.facts[part];
        if part + 1 < self.facts.len() {
            page.rule(
                MARGIN,
                page.paper().right(),
                top + self.height(part),
                0.5,
                LINE,
            );
        }
        let mut y = top + 11.0;
        page.fit(MARGIN, y, LABELS - 8.0, &fact.label, CELL.in_ink(FAINT));
        let left = if fact.label.is_empty() {
            MARGIN
        } else {
            MARGIN + LABELS
        };
        for line in &fact.lines {
            page.left(left, y, line, CELL);
            y += LEADING;
        }
        for line in &fact.source {
            page.left(left, y, line, SUB);
            y += LEADING;
        }
    }

    fn gap(&self) -> f32 {
        2.0
    }
}

fn files<'a>(selected: &'a Selected<'a>, paper: Paper) -> Table<'a> {
    let columns = Columns::new(
        paper,
        vec![
            Column::words("File and its SHA-256", 70.0),
            Column::numbers("Rows read", 15.0),
            Column::numbers("Rows not read", 15.0),
        ],
    );
    let files = &selected.document.inputs[..selected.document.inputs.len().min(FILE_LINES_PDF_MAX)];
    Table::new(
        columns,
        files.len(),
        ROW_OF_TWO,
        Box::new(move |index, row| {
            let file = &files[index];
            row.strong_cell(0, &file.name);
            row.sub(0, &file.sha256);
            row.cell(1, &count(file.rows));
            let style = if file.bad_rows == 0 {
                CELL.in_ink(QUIET)
            } else {
                CELL.strong()
            };
            row.styled(2, &count(file.bad_rows), style);
        }),
    )
    .with_gap(0.0)
}
