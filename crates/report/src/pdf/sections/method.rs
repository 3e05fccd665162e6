//! How the figures came about: settings, rules with their sources, files with their hashes.

use packtrain_core::money::{Currency, Money};
use packtrain_tax::jurisdiction::{self, OptionKind};

use super::place::whole;
use super::{Selected, uncertain};
use crate::amounts::{count, currency_name, full};
use crate::limits::{FILE_LINES_PDF_MAX, SETTLED_LINES_PDF_MAX};
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::Topic;
use crate::pdf::row::height_of;
use crate::pdf::table::{Column, Columns, ROW_OF_TWO, Table};
use crate::pdf::tags::Role;
use crate::pdf::theme::{CELL, FAINT, LINE, MARGIN, Paper, QUIET, SUB, SUBHEADING};
use crate::{ENGINE, InputFile, words};

const LABELS: f32 = 118.0;
const LEADING: f32 = 11.5;

/// Method and sources; always there.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Section<'a> {
    let mut blocks: Vec<Box<dyn Block + 'a>> =
        vec![Box::new(Facts::new(paper, settings(selected)))];
    // Nothing came under any of them where there is nothing: two pages of words would be left.
    let choices = match selected.is_blank() {
        true => Vec::new(),
        false => choices(selected),
    };
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
    let settled = &selected.document.outcome.settled;
    if !settled.is_empty() {
        blocks.push(Box::new(subheading(
            paper,
            "Findings settled by your answers",
        )));
        blocks.push(Box::new(Facts::new(paper, answers(selected))));
    }
    if !selected.document.outcome.rules_given.is_empty() {
        blocks.push(Box::new(subheading(paper, "Your rules on what rows are")));
        blocks.push(Box::new(Facts::new(paper, given_rules(selected))));
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
        pair("Wallets", &words::scope_sentence(settings)),
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
        pair("Rounding", &rounding(settings.currency)),
    ];
    facts.push(pair("Rule set", selected.document.outcome.rule_set));
    facts.push(pair("Computed by", ENGINE));
    if selected.is_blank() && !selected.settings().options.is_empty() {
        facts.push(pair(
            "Options",
            "Nothing in the records comes under any of them; their values are in the figures file.",
        ));
    }
    if selected.has_lost_characters() {
        facts.push(pair(
            "Characters",
            "A character that this PDF's font does not have stands as its Unicode number, such as \
             ‹U+4E2D›. Copied from here, and in the CSV and figures files, every name is whole.",
        ));
    }
    facts
}

fn rounding(currency: Currency) -> String {
    let one = words::hundredth(currency);
    format!(
        "Every figure is computed exactly and rounded once, when it is printed: to the {one}, half \
         a {one} away from zero. The sums of a year add up as they are printed: the {one} that \
         rounding leaves goes to the cost, or to the losses. A column of lines may differ from its \
         printed total by a {one} or two."
    )
}

/// What the person answered, row by row.
fn answers(selected: &Selected<'_>) -> Vec<(String, String)> {
    let settled = &selected.document.outcome.settled;
    let mut facts: Vec<_> = (settled.iter().take(SETTLED_LINES_PDF_MAX))
        .map(|answer| {
            let said = words::sentence(&answer.to_string());
            (format!("Row {}", answer.id), said)
        })
        .collect();
    let rest = settled.len() - facts.len();
    if rest > 0 {
        facts.push((String::new(), words::more_in_figures(rest)));
    }
    facts
}

/// What the person said of the kinds of rows, and how many rows that changed.
fn given_rules(selected: &Selected<'_>) -> Vec<(String, String)> {
    let rules = selected.document.outcome.rules_given.iter();
    let facts = rules.map(|rule| {
        let rows = words::counted_for_print(rule.rows, "row", "rows");
        (rows, words::sentence(&rule.said))
    });
    facts.collect()
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
        let given = (spec.kind, value.as_str());
        if matches!(given, (OptionKind::Money, "0") | (OptionKind::Assets, "")) {
            return (name.clone(), format!("{meaning} None was given."));
        }
        let used = match spec.kind {
            OptionKind::Money => {
                Money::parse(value, settings.currency).map_or_else(|_| value.clone(), full)
            }
            OptionKind::Words([first, ..]) | OptionKind::ByWallet([first, ..])
                if *first == value.as_str() =>
            {
                format!("{value}, the default")
            }
            _ => value.clone(),
        };
        let others = match spec.kind {
            OptionKind::Words(known) | OptionKind::ByWallet(known) => {
                let others = known.iter().filter(|word| **word != value.as_str());
                let others: Vec<&str> = others.copied().collect();
                format!(" Also possible: {}.", others.join(", "))
            }
            OptionKind::Money | OptionKind::Assets => String::new(),
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
    label: Vec<String>,
    lines: Vec<String>,
    source: Vec<String>,
}

impl Facts {
    fn new(paper: Paper, pairs: Vec<(String, String)>) -> Self {
        let facts = pairs.into_iter().map(|(label, text)| Fact {
            label: whole(&label, CELL, LABELS - 8.0),
            lines: CELL.wrap(&text, paper.inner() - LABELS),
            source: Vec::new(),
        });
        Self {
            facts: facts.collect(),
        }
    }

    fn sentences(paper: Paper, sentences: Vec<String>) -> Self {
        let facts = sentences.into_iter().map(|text| Fact {
            label: Vec::new(),
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
            label: Vec::new(),
            lines: CELL.wrap(&rule.text, paper.inner()),
            source: SUB.wrap(&format!("Source: {}", rule.source), paper.inner()),
        });
        let named = words::sources_named(selected.settings().country).map(|text| Fact {
            label: Vec::new(),
            lines: CELL.wrap(text, paper.inner()),
            source: Vec::new(),
        });
        Self {
            facts: facts.chain(named).collect(),
        }
    }
}

impl Block for Facts {
    fn parts(&self) -> usize {
        self.facts.len()
    }

    fn height(&self, part: usize) -> f32 {
        let fact = &self.facts[part];
        let beside = fact.lines.iter().chain(&fact.source).count();
        let lines: f32 = (0..beside.max(fact.label.len())).map(|_| LEADING).sum();
        lines + 6.0
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
        page.begin(Role::Paragraph);
        let mut down = y;
        for line in &fact.label {
            page.left(MARGIN, down, line, CELL.in_ink(FAINT));
            down += LEADING;
        }
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
        page.end();
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
    let width = columns.width(0);
    let name = |file: &InputFile| whole(&file.name, CELL.strong(), width);
    let names: Vec<_> = files.iter().map(name).collect();
    let heights = names.iter().map(|name| height_of(name.len(), 1)).collect();
    Table::new(
        columns,
        files.len(),
        ROW_OF_TWO,
        Box::new(move |index, row| {
            let (file, name) = (&files[index], &names[index]);
            row.lines(0, name, CELL.strong());
            row.subs(0, name.len(), std::slice::from_ref(&file.sha256));
            row.cell(1, &count(file.rows));
            let style = if file.bad_rows == 0 {
                CELL.in_ink(QUIET)
            } else {
                CELL.strong()
            };
            row.styled(2, &count(file.bad_rows), style);
        }),
    )
    .with_heights(heights)
    .with_gap(0.0)
}
