//! The story of one row out of the figures of a finished report.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Lines of a list that are told one by one.
const TOLD_MAX: usize = 50;
/// Bytes of figures that are looked through for a row.
pub const FIGURES_BYTES_MAX: u64 = 64 << 20;

/// What a report says of one row. Each line is as the figures (JSON) have it; of a list the first
/// 50 are told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RowStory)]
pub struct Story {
    /// The row.
    pub row: String,
    /// What it disposed of, lot by lot, each with its reason in a sentence.
    #[schema(value_type = Vec<Object>)]
    pub disposals: Vec<Value>,
    /// Disposals that used units which it brought in.
    #[schema(value_type = Vec<Object>)]
    pub uses: Vec<Value>,
    /// Income that it brought.
    #[schema(value_type = Vec<Object>)]
    pub income: Vec<Value>,
    /// Units that left without a sale, by it or of a lot that it acquired.
    #[schema(value_type = Vec<Object>)]
    pub removed: Vec<Value>,
    /// The transfer that it is half of.
    #[schema(value_type = Vec<Object>)]
    pub transfers: Vec<Value>,
    /// What else of it, or of the lots that it used, was valued by a price from elsewhere.
    #[schema(value_type = Vec<Object>)]
    pub valuations: Vec<Value>,
    /// What is to be checked about it.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Value>,
    /// Answers about it.
    #[schema(value_type = Vec<Object>)]
    pub settled: Vec<Value>,
    /// What is left of the units that it brought in, where the report has the format `harvest`.
    #[schema(value_type = Vec<Object>)]
    pub open_lots: Vec<Value>,
    /// How many more lines there are than are told.
    pub more: usize,
}

/// What the figures of a report, and its open lots where it has them, say of a row; none where they
/// do not name it.
///
/// They are read line by line, as they were written: most of them are about other rows, and are
/// looked at and not parsed.
pub fn story(figures: &[u8], open_lots: Option<&[u8]>, row: &str) -> Option<Story> {
    let mut story = Story {
        row: row.to_owned(),
        ..Story::default()
    };
    story.read(figures, &Wanted::new(row));
    let lots: Vec<String> = (story.disposals.iter())
        .filter_map(|line| Some(line.get("lot")?.as_str()?.to_owned()))
        .collect();
    story.read_valuations(figures, &lots);
    if let Some(open_lots) = open_lots {
        story.read(open_lots, &Wanted::new(row));
    }
    let is_empty = Story {
        row: row.to_owned(),
        ..Story::default()
    } == story;
    (!is_empty).then_some(story)
}

/// A row's name, and how it stands in a line of JSON.
struct Wanted<'r> {
    row: &'r str,
    written: String,
}

impl<'r> Wanted<'r> {
    fn new(row: &'r str) -> Self {
        let quoted = Value::from(row).to_string();
        // A row that sold together with others stands among their names.
        let written = quoted[1..quoted.len() - 1].to_owned();
        Self { row, written }
    }

    /// Whether one of the lots of a line is the row's.
    fn is_of_lot(&self, line: &Map<String, Value>) -> bool {
        let lots = line.get("lots").and_then(Value::as_array);
        let mut lots = lots.into_iter().flatten().filter_map(Value::as_object);
        lots.any(|lot| self.is(lot, "lot"))
    }

    /// Whether a word of a line names the row.
    fn is(&self, line: &Map<String, Value>, word: &str) -> bool {
        let name = line.get(word).and_then(Value::as_str);
        name.is_some_and(|name| name == self.row || is_among(name, self.row))
    }
}

/// Whether a row is one of those that `+` joins; the name of one that was joined itself has it too.
fn is_among(names: &str, row: &str) -> bool {
    names.len() > row.len() && format!("+{names}+").contains(&format!("+{row}+"))
}

/// The lines of the lists of a report, each with the name of its list, that hold a text.
fn lines<'f>(figures: &'f [u8], text: &str) -> impl Iterator<Item = (&'f str, &'f str)> {
    let mut list = "";
    let figures = std::str::from_utf8(figures).unwrap_or_default();
    figures.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix("  \"") {
            list = name.split('"').next().unwrap_or_default();
            return None;
        }
        let object = line
            .strip_prefix("    ")
            .filter(|line| line.starts_with('{'))?;
        object.contains(text).then_some((list, object))
    })
}

impl Story {
    fn read(&mut self, figures: &[u8], wanted: &Wanted<'_>) {
        for (list, text) in lines(figures, &wanted.written) {
            let Ok(Value::Object(line)) = serde_json::from_str(text.trim_end_matches(',')) else {
                continue;
            };
            let (is_own, is_lot) = (wanted.is(&line, "id"), wanted.is(&line, "lot"));
            let into = match list {
                "disposals" if is_own => &mut self.disposals,
                "disposals" if is_lot => &mut self.uses,
                "income" if is_own => &mut self.income,
                "removed" if is_own || wanted.is_of_lot(&line) => &mut self.removed,
                "valuations" if is_own => &mut self.valuations,
                "warnings" if is_own => &mut self.warnings,
                "settled" if is_own => &mut self.settled,
                "open_lots" if is_lot => &mut self.open_lots,
                "transfers" if wanted.is(&line, "sent") || wanted.is(&line, "received") => {
                    &mut self.transfers
                }
                _ => continue,
            };
            match into.len() < TOLD_MAX {
                true => into.push(line.into()),
                false => self.more += 1,
            }
        }
    }

    /// What the lots that the row used were valued by.
    fn read_valuations(&mut self, figures: &[u8], lots: &[String]) {
        let lots: HashSet<&str> = lots.iter().map(String::as_str).collect();
        let of_others = lines(figures, "").filter(|(list, _)| *list == "valuations");
        for (_, text) in of_others.filter(|_| !lots.is_empty()) {
            let Ok(line) = serde_json::from_str::<Value>(text.trim_end_matches(',')) else {
                continue;
            };
            let id = line.get("id").and_then(Value::as_str).unwrap_or_default();
            if !lots.contains(id) || id == self.row {
                continue;
            }
            match self.valuations.len() < TOLD_MAX {
                true => self.valuations.push(line),
                false => self.more += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: &str = r#"{
  "jurisdiction": "US",
  "disposals": [
    {"id": "s", "asset": "BTC", "lot": "b", "why": "a sentence"},
    {"id": "s+t", "asset": "ETH"},
    {"id": "x", "asset": "BTC", "lot": "s"},
    {"id": "ss", "asset": "s"}
  ],
  "income": [
    {"id": "r", "value": "1.00"}
  ],
  "valuations": [
    {"id": "b", "part": "cost"},
    {"id": "ss", "part": "cost"}
  ],
  "transfers": [
    {"sent": "w", "received": "d"}
  ],
  "totals": {
    "2024": {"gains": "s"}
  },
  "warnings": [
    {"code": "missing_price", "id": "s"}
  ]
}
"#;
    const OPEN: &str = "{\n  \"open_lots\": [\n    {\"lot\": \"r\"}\n  ]\n}\n";

    fn told(row: &str) -> Story {
        story(FIGURES.as_bytes(), Some(OPEN.as_bytes()), row).unwrap()
    }

    #[test]
    fn a_story_has_all_lines_of_the_row_and_of_no_other() {
        let story = told("s");
        assert_eq!(story.disposals.len(), 2, "one together with another row");
        assert_eq!(story.disposals[0]["why"], "a sentence");
        assert_eq!(story.uses[0]["id"], "x");
        assert_eq!(story.valuations.len(), 1, "that of its lot");
        assert_eq!(story.valuations[0]["id"], "b");
        assert_eq!(story.warnings[0]["code"], "missing_price");
        assert_eq!((story.income.len(), story.more), (0, 0));
    }

    #[test]
    fn a_joined_row_is_found_by_its_own_id_among_those_of_a_day() {
        for (names, row, is) in [
            ("a+b+c", "a+b", true),
            ("a+b+c", "b+c", true),
            ("a+b+c", "b", true),
            ("xa+a+b", "a+b", true),
            ("xa+b+c", "a+b", false),
            ("a+bc", "a+b", false),
            ("a+b", "", false),
        ] {
            assert_eq!(is_among(names, row), is, "{row} of {names}");
        }
    }

    #[test]
    fn a_story_has_the_other_half_of_a_transfer_and_what_is_left() {
        assert_eq!(told("d").transfers[0]["sent"], "w");
        let reward = told("r");
        assert_eq!((reward.income.len(), reward.open_lots.len()), (1, 1));
    }

    #[test]
    fn a_row_that_the_figures_do_not_name_has_no_story() {
        for row in ["nobody", "", "2024", "BTC"] {
            assert_eq!(story(FIGURES.as_bytes(), None, row), None, "{row}");
        }
        assert_eq!(story(b"\xff", None, "s"), None);
    }

    #[test]
    fn of_many_lines_the_first_are_told_and_the_others_counted() {
        let line = "    {\"id\": \"s\", \"lot\": \"b\"}";
        let all = vec![line; 60].join(",\n");
        let figures = format!("{{\n  \"disposals\": [\n{all}\n  ]\n}}\n");
        let story = story(figures.as_bytes(), None, "s").unwrap();
        assert_eq!((story.disposals.len(), story.more), (TOLD_MAX, 10));
    }
}
