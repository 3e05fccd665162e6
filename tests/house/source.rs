//! Files of the workspace, and Rust text seen without its comments or without its literals.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

/// Folders that hold nothing of ours to check.
const LEFT_OUT: &[&str] = &["target", ".git", ".packtrain", ".sqlx", "node_modules"];
/// Endings of files that people write as text.
const TEXT: &[&str] = &[
    "css", "csv", "html", "js", "json", "md", "py", "rs", "sh", "sql", "toml", "txt", "yml",
];

/// A text file of the workspace.
pub(crate) struct Source {
    /// Seen from the root of the workspace, with `/` on every system.
    pub(crate) path: String,
    pub(crate) text: String,
    seen: OnceLock<Seen>,
}

impl Source {
    /// A file with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            seen: OnceLock::new(),
        }
    }

    /// Whether the whole file is tests or serves them.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs")
    }

    /// The lines before the module of unit tests.
    pub(crate) fn lines_before_tests(&self) -> usize {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.iter().enumerate().find(|(at, line)| {
            let mut next = lines[at + 1..].iter();
            line.starts_with("#[cfg(test)]")
                && next
                    .find(|line| !line.starts_with("#["))
                    .is_some_and(|line| line.starts_with("mod "))
        });
        tests.map_or(lines.len(), |(at, _)| at)
    }

    /// The Rust code before the unit tests, without comments and contents of literals; each line
    /// stays where it is.
    pub(crate) fn code(&self) -> String {
        let kept: Vec<&str> = self
            .seen()
            .code
            .lines()
            .take(self.lines_before_tests())
            .collect();
        kept.join("\n")
    }

    /// The text literals before the unit tests, each with its line.
    pub(crate) fn literals(&self) -> Vec<(usize, String)> {
        let end = self.lines_before_tests();
        let mut literals = self.seen().literals.clone();
        literals.retain(|(line, _)| *line <= end);
        literals
    }

    fn seen(&self) -> &Seen {
        self.seen.get_or_init(|| Seen::of(&self.text))
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("tests lies in the workspace")
        .to_owned()
}

/// Every text file of the workspace; read once, since every rule asks for them.
pub(crate) fn all() -> &'static [Source] {
    static ALL: LazyLock<Vec<Source>> = LazyLock::new(read);
    &ALL
}

/// Every Rust file of the workspace.
pub(crate) fn rust() -> &'static [Source] {
    static RUST: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let mut files = read();
        files.retain(|file| file.path.ends_with(".rs"));
        files
    });
    &RUST
}

fn read() -> Vec<Source> {
    let (root, mut found) = (root(), Vec::new());
    walk(&root, &root, &mut found);
    assert!(found.len() > 50, "the workspace was not found");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace can be read") {
        let path = entry.expect("an entry can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !LEFT_OUT.contains(&&*name) {
                walk(root, &path, found);
            }
            continue;
        }
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        if !TEXT.contains(&&*ending) && name != "run" {
            continue;
        }
        // An editor's unsaved copy may be gone again, and not all data is text.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let below = path.strip_prefix(root).expect("the walk began at the root");
        let path = below.to_string_lossy().replace('\\', "/");
        found.push(Source::new(&path, &text));
    }
}

/// Rust text taken apart.
struct Seen {
    code: String,
    literals: Vec<(usize, String)>,
}

impl Seen {
    fn of(text: &str) -> Self {
        let mut reader = Reader {
            letters: text.chars().collect(),
            at: 0,
            line: 1,
            code: String::with_capacity(text.len()),
        };
        let mut literals = Vec::new();
        while let Some(letter) = reader.peek(0) {
            match letter {
                '/' if reader.peek(1) == Some('/') => {
                    reader.blank_until(|r| r.peek(0) == Some('\n'))
                }
                '/' if reader.peek(1) == Some('*') => reader.block_comment(),
                '"' => literals.push(reader.text()),
                'r' if !reader.is_in_word() => match reader.fence() {
                    Some(fence) => literals.push(reader.raw_text(fence)),
                    None => reader.keep(),
                },
                '\'' => reader.tick(),
                _ => reader.keep(),
            }
        }
        Self {
            code: reader.code,
            literals,
        }
    }
}

struct Reader {
    letters: Vec<char>,
    at: usize,
    line: usize,
    code: String,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.letters.get(self.at + ahead).copied()
    }

    /// Goes on by one letter, and puts `shown` or a line end into the code.
    fn step(&mut self, shown: char) {
        if self.peek(0) == Some('\n') {
            self.line += 1;
            self.code.push('\n');
        } else {
            self.code.push(shown);
        }
        self.at += 1;
    }

    fn keep(&mut self) {
        let letter = self.peek(0).expect("the caller has seen it");
        self.step(letter);
    }

    fn blank_until(&mut self, is_end: impl Fn(&Self) -> bool) {
        while self.peek(0).is_some() && !is_end(self) {
            self.step(' ');
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.peek(0).is_some() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.step(' ');
                    continue;
                }
            }
            self.step(' ');
            self.step(' ');
            if depth == 0 {
                return;
            }
        }
    }

    fn text(&mut self) -> (usize, String) {
        let (line, mut literal) = (self.line, String::new());
        self.keep();
        while let Some(letter) = self.peek(0).filter(|letter| *letter != '"') {
            if letter == '\\' {
                self.step(' ');
            }
            literal.extend(self.peek(0));
            self.step(' ');
        }
        if self.peek(0).is_some() {
            self.keep();
        }
        (line, literal)
    }

    /// The number of `#` of a raw text that begins here.
    fn fence(&self) -> Option<usize> {
        let fence = (1..)
            .take_while(|ahead| self.peek(*ahead) == Some('#'))
            .count();
        (self.peek(fence + 1) == Some('"')).then_some(fence)
    }

    fn raw_text(&mut self, fence: usize) -> (usize, String) {
        let line = self.line;
        for _ in 0..fence + 2 {
            self.keep();
        }
        let begin = self.at;
        let closes = |reader: &Self| {
            reader.peek(0) == Some('"') && (1..=fence).all(|ahead| reader.peek(ahead) == Some('#'))
        };
        self.blank_until(closes);
        let literal = self.letters[begin..self.at].iter().collect();
        for _ in 0..=fence {
            if self.peek(0).is_some() {
                self.keep();
            }
        }
        (line, literal)
    }

    /// A letter in ticks, or the tick of a lifetime.
    fn tick(&mut self) {
        self.keep();
        if self.peek(0) == Some('\\') {
            self.step(' ');
            self.step(' ');
            self.blank_until(|reader| reader.peek(0) == Some('\''));
        } else if self.peek(1) == Some('\'') {
            self.step(' ');
        } else {
            return;
        }
        if self.peek(0).is_some() {
            self.keep();
        }
    }

    fn is_in_word(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.letters.get(at));
        before.is_some_and(|letter| letter.is_alphanumeric() && !matches!(letter, 'b' | 'c'))
    }
}

/// The words of code, each with its line: names, keywords and numbers.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().flat_map(|(at, line)| {
        line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .filter(|word| !word.is_empty())
            .map(move |word| (at + 1, word))
    })
}

/// The lines of code that hold a piece of text.
pub(crate) fn lines_with(code: &str, piece: &str) -> Vec<usize> {
    let numbered = code.lines().enumerate();
    let found = numbered.filter(|(_, line)| line.contains(piece));
    found.map(|(at, _)| at + 1).collect()
}

#[test]
fn comments_and_literals_are_no_code_and_lines_keep_their_place() {
    let file = Source::new(
        "a.rs",
        "let a = \"one \\\" // no\"; // two\n\
         /* three\n/* four */ */ let b = r#\"five \"six\" \"#;\n\
         let c = ('x', '\\'', '\"'); fn f<'a>(d: &'a str) {}\nfor r in 0..1 {}\n",
    );
    let code = file.code();
    for gone in ["one", "two", "three", "four", "five", "six"] {
        assert!(!code.contains(gone), "{gone} in {code}");
    }
    for kept in [
        "let a",
        "let b",
        "let c",
        "fn f<'a>(d: &'a str) {}",
        "for r in",
    ] {
        assert!(code.contains(kept), "{kept} in {code}");
    }
    assert_eq!(lines_with(&code, "let b"), [3]);
    assert_eq!(
        file.literals(),
        [
            (1, "one \" // no".to_owned()),
            (3, "five \"six\" ".to_owned())
        ]
    );
}

#[test]
fn unit_tests_at_the_foot_are_not_code() {
    let text = "fn a() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n fn b() {}\n}\n";
    let file = Source::new("a.rs", text);
    assert_eq!(file.lines_before_tests(), 1);
    assert!(!file.code().contains("fn b"));
    let helper = Source::new("a.rs", "#[cfg(test)]\nuse x::y;\nfn a() {}\n");
    assert_eq!(helper.lines_before_tests(), 3);
}
