//! What the texts of a page are to who has the report read aloud: headings, paragraphs, cells.
//!
//! Noted while a page is written, in a few bytes for each part; [`super::structure`] makes the
//! tree of it when every page is there.

/// What a part of a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The title of the report.
    Title,
    /// The heading of a section.
    Heading,
    /// A heading inside a section.
    Subheading,
    /// Sentences.
    Paragraph,
    /// Parts that belong together.
    Group,
    /// A picture, which has its meaning in words.
    Figure,
    /// A table of contents, and a line of it.
    Contents,
    ContentsLine,
    /// A table, and a row of it.
    Table,
    Row,
    /// The head of a column, of a row, and of the rows under it over so many columns.
    ColumnHead,
    RowHead,
    HeadOver(u8),
    /// A cell of a table.
    Cell,
    /// What leads elsewhere, and what a line of a table of contents leads with.
    Link,
    Reference,
}

impl Role {
    /// Its name in the PDF.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Title => "H1",
            Self::Heading => "H2",
            Self::Subheading => "H3",
            Self::Paragraph => "P",
            Self::Group => "Div",
            Self::Figure => "Figure",
            Self::Contents => "TOC",
            Self::ContentsLine => "TOCI",
            Self::Table => "Table",
            Self::Row => "TR",
            Self::ColumnHead | Self::RowHead | Self::HeadOver(_) => "TH",
            Self::Cell => "TD",
            Self::Link => "Link",
            Self::Reference => "Reference",
        }
    }

    /// What the PDF says of it beside its name: what a cell is the head of.
    pub(super) fn attributes(self) -> String {
        match self {
            Self::ColumnHead => "/A<</O/Table/Scope/Column>>".to_owned(),
            Self::RowHead => "/A<</O/Table/Scope/Row>>".to_owned(),
            Self::HeadOver(columns) => format!("/A<</O/Table/Scope/Column/ColSpan {columns}>>"),
            _ => String::new(),
        }
    }
}

/// A section, or a table of it by the number of its block: what goes on over several pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Owner {
    /// The section; the cover is the first.
    pub(super) section: u16,
    /// The table.
    pub(super) table: Option<u16>,
}

impl Owner {
    /// The section alone.
    pub(super) const fn section(self) -> Self {
        Self {
            table: None,
            ..self
        }
    }
}

/// What a part of a page belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Under {
    /// Another part of the same page, by its number.
    Part(u32),
    /// What goes on over several pages.
    Owner(Owner),
}

/// A part of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// What it is.
    pub(super) role: Role,
    /// What it belongs to.
    pub(super) under: Under,
    /// How many contents of the page stand before it.
    pub(super) contents_before: u32,
}

/// The parts of a page in order of reading.
#[derive(Debug, Default)]
pub(super) struct Tags {
    /// The parts; one stands after what it belongs to.
    pub(super) parts: Vec<Part>,
    /// The part of each marked content, by its number on the page.
    pub(super) contents: Vec<u32>,
    /// The part of each link, in the order of the links.
    pub(super) links: Vec<u32>,
    /// The meaning of each picture, by its part.
    pub(super) meanings: Vec<(u32, Meaning)>,
}

/// What a picture means.
#[derive(Debug)]
pub(super) struct Meaning {
    /// It in words.
    pub(super) words: String,
    /// Left, lower, right and upper edge of the picture, in points from the lower left corner.
    pub(super) edges: [f32; 4],
}

/// Notes the parts of one page while it is written.
#[derive(Debug, Default)]
pub(super) struct Tagger {
    tags: Tags,
    owner: Owner,
    /// The parts that are begun, the innermost last.
    begun: Vec<u32>,
    /// The part whose content is open; nothing stands for what is no part of the report.
    open: Option<Option<u32>>,
    is_muted: bool,
}

/// How a content is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marked {
    /// As part of the report, by its role and its number on the page.
    Part(Role, usize),
    /// As what only belongs to the page: heads and feet.
    Artifact,
}

impl Tagger {
    /// Says what the parts that follow belong to.
    pub(super) const fn own(&mut self, owner: Owner) {
        self.owner = owner;
    }

    /// Takes what follows for no part of the report, or for a part again.
    pub(super) const fn mute(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    /// Begins a part inside the one that is begun.
    pub(super) fn begin(&mut self, role: Role) {
        if !self.is_muted {
            let part = self.add(role);
            self.begun.push(part);
        }
    }

    /// Ends the part that was begun last.
    pub(super) fn end(&mut self) {
        if !self.is_muted {
            self.begun.pop();
        }
    }

    /// Says what the picture that is begun means.
    pub(super) fn mean(&mut self, meaning: Meaning) {
        if let Some(&part) = self.begun.last().filter(|_| !self.is_muted) {
            self.tags.meanings.push((part, meaning));
        }
    }

    /// Begins a link; says whether there is one, which what is muted has none of.
    pub(super) fn begin_link(&mut self) -> bool {
        if !self.is_muted {
            let part = self.add(Role::Link);
            self.begun.push(part);
            self.tags.links.push(part);
        }
        !self.is_muted
    }

    /// How the next text is marked, where it is not by what is open.
    pub(super) fn next(&mut self) -> Option<Marked> {
        let part = self.begun.last().copied().filter(|_| !self.is_muted);
        if self.open == Some(part) {
            return None;
        }
        self.open = Some(part);
        let Some(part) = part else {
            return Some(Marked::Artifact);
        };
        self.tags.contents.push(part);
        let role = self.tags.parts[part as usize].role;
        Some(Marked::Part(role, self.tags.contents.len() - 1))
    }

    /// The parts of the page as they were noted.
    pub(super) fn finish(self) -> Tags {
        self.tags
    }

    fn add(&mut self, role: Role) -> u32 {
        let under = match self.begun.last() {
            Some(&part) => Under::Part(part),
            None => Under::Owner(self.owner),
        };
        self.tags.parts.push(Part {
            role,
            under,
            contents_before: number(self.tags.contents.len()),
        });
        number(self.tags.parts.len() - 1)
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a page has less than 2^32 parts")
}
