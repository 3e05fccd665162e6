//! Adds objects to a file that lopdf has written: as an update of it, in object streams with a
//! cross-reference stream of their own.

use std::fmt::Write;
use std::ops::Range;

use lopdf::{Dictionary, Object};

use super::render::{compressed, incomplete};
use super::structure::number;
use crate::ReportError;

/// Objects that are added to a file.
pub(super) struct Update {
    /// The streams that hold them.
    pub(super) streams: Vec<ObjectStream>,
    /// Their numbers, in the order in which the streams hold them.
    pub(super) ids: Range<u32>,
}

/// An object stream.
pub(super) struct ObjectStream {
    count: u32,
    /// Where the objects begin, after the list of their numbers.
    first: usize,
    /// Both, compressed.
    pub(super) content: Vec<u8>,
}

/// Objects as the content of an object stream.
#[derive(Default)]
pub(super) struct Packed {
    index: String,
    body: String,
    count: u32,
}

impl Packed {
    /// Adds the object of that number.
    pub(super) fn add(&mut self, id: u32, object: &str) {
        let _ = write!(self.index, "{id} {} ", self.body.len());
        self.body.push_str(object);
        self.body.push('\n');
        self.count += 1;
    }

    /// The stream that holds them.
    pub(super) fn compressed(self) -> Result<ObjectStream, ReportError> {
        Ok(ObjectStream {
            count: self.count,
            first: self.index.len(),
            content: compressed((self.index + &self.body).as_bytes())?,
        })
    }
}

fn stream(id: u32, head: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("{id} 0 obj\n<<{head}/Length {length}/Filter/FlateDecode>>stream\n");
    [head.as_bytes(), content, b"\nendstream\nendobj\n"].concat()
}

impl Update {
    /// Adds the objects to the file that the document was written to.
    pub(super) fn append(
        &self,
        file: &mut Vec<u8>,
        document: &lopdf::Document,
    ) -> Result<(), ReportError> {
        let own = document.max_id + 1;
        let before = start_of_index(file)?;
        file.push(b'\n');
        // What the object streams hold, by stream and place; then the streams by their places.
        let (mut held, mut places) = (Vec::new(), Vec::new());
        for (objects, id) in self.streams.iter().zip(own..) {
            let ObjectStream { count, first, .. } = objects;
            for index in 0..*count {
                entry(&mut held, 2, id, index);
            }
            entry(&mut places, 1, number(file.len()), 0);
            let head = format!("/Type/ObjStm/N {count}/First {first}");
            file.extend_from_slice(&stream(id, &head, &objects.content));
        }
        let at = file.len();
        entry(&mut places, 1, number(at), 0);
        let id = own + number(self.streams.len());
        let head = format!(
            "/Type/XRef/Size {}/W[1 4 4]/Index[{} {} {own} {}]/Prev {before}{}",
            id + 1,
            self.ids.start,
            self.ids.len(),
            id + 1 - own,
            repeated(&document.trailer)?,
        );
        held.append(&mut places);
        file.extend_from_slice(&stream(id, &head, &compressed(&held)?));
        file.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
        Ok(())
    }
}

/// An entry of a cross-reference stream.
fn entry(out: &mut Vec<u8>, kind: u8, first: u32, second: u32) {
    out.push(kind);
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&second.to_be_bytes());
}

/// What each trailer of a file says again: its root, what it says of itself, its identity.
fn repeated(trailer: &Dictionary) -> Result<String, ReportError> {
    let reference = |key: &[u8]| trailer.get(key).and_then(Object::as_reference);
    let id = trailer
        .get(b"ID")
        .and_then(|ids| ids.as_array()?[0].as_str());
    let (Ok(root), Ok(info), Ok(id)) = (reference(b"Root"), reference(b"Info"), id) else {
        return Err(incomplete("a trailer without its parts"));
    };
    let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
    let (root, info) = (root.0, info.0);
    Ok(format!("/Root {root} 0 R/Info {info} 0 R/ID[<{id}><{id}>]"))
}

/// Where the file says that its own cross references begin.
fn start_of_index(file: &[u8]) -> Result<usize, ReportError> {
    let end = String::from_utf8_lossy(&file[file.len().saturating_sub(64)..]);
    let start = end.rsplit("startxref").next();
    let start = start.and_then(|start| start.split_whitespace().next()?.parse().ok());
    start.ok_or_else(|| incomplete("no start of cross references"))
}
