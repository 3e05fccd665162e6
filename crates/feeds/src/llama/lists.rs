//! Lists that stand in a JSON object, from bytes as they come: the elements of those that are
//! wanted, one by one. The rest of the object is passed over and never held.

use super::elements::{ArrayError, Elements};
use super::unreadable;
use crate::host::{Host, HostError};

/// Bytes of a field's name that are read; a longer one is none of those that are wanted.
const NAME_BYTES_MAX: usize = 64;

/// How far an object was read.
pub(super) struct Lists<'n> {
    wanted: &'n [&'static str],
    /// Which of them were there.
    found: Vec<bool>,
    /// The list that is under way, and its place among those that are wanted.
    list: Option<(usize, Elements)>,
    /// Brackets that are open, but for those of the list.
    depth: u32,
    is_in_text: bool,
    is_escaped: bool,
    /// The last text of the object itself: a name, once a colon follows.
    text: Vec<u8>,
    /// The wanted list whose name was read.
    named: Option<usize>,
    has_ended: bool,
}

impl<'n> Lists<'n> {
    /// Reads lists of these names.
    pub(super) fn of(wanted: &'n [&'static str]) -> Self {
        Self {
            wanted,
            found: vec![false; wanted.len()],
            list: None,
            depth: 0,
            is_in_text: false,
            is_escaped: false,
            text: Vec::new(),
            named: None,
            has_ended: false,
        }
    }

    /// Takes the next bytes, and gives every element on that ends in them, with the place of its
    /// list among those that are wanted.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(usize, &[u8]),
    ) -> Result<(), ArrayError> {
        for byte in bytes {
            self.step(*byte, take)?;
        }
        Ok(())
    }

    /// Which of the lists were there, once the object was read to its end.
    pub(super) fn end(self) -> Result<Vec<bool>, ArrayError> {
        if self.has_ended {
            Ok(self.found)
        } else {
            Err(ArrayError::BrokenOff)
        }
    }

    fn step(&mut self, byte: u8, take: &mut impl FnMut(usize, &[u8])) -> Result<(), ArrayError> {
        if let Some((place, elements)) = &mut self.list {
            let place = *place;
            elements.step(byte, &mut |element: &[u8]| take(place, element))?;
            if elements.end().is_ok() {
                self.list = None;
            }
            return Ok(());
        }
        if self.is_in_text {
            self.letter(byte);
            return Ok(());
        }
        match byte {
            b'{' if self.depth == 0 && !self.has_ended => self.depth = 1,
            byte if self.depth == 0 && byte.is_ascii_whitespace() => {}
            _ if self.depth == 0 => return Err(ArrayError::NoObject),
            b'"' => {
                self.is_in_text = true;
                self.text.clear();
            }
            b':' if self.depth == 1 => self.named = self.place(),
            b',' if self.depth == 1 => self.named = None,
            b'[' if self.depth == 1 && self.named.is_some() => self.begin()?,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                self.has_ended = self.depth == 0;
            }
            _ => {}
        }
        Ok(())
    }

    /// A letter of a text.
    fn letter(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = true,
            b'"' => {
                self.is_in_text = false;
                return;
            }
            _ => {}
        }
        // One more than a name may have, so that a longer text is no name.
        if self.depth == 1 && self.text.len() <= NAME_BYTES_MAX {
            self.text.push(byte);
        }
    }

    fn place(&self) -> Option<usize> {
        let text = &self.text;
        self.wanted.iter().position(|name| name.as_bytes() == text)
    }

    fn begin(&mut self) -> Result<(), ArrayError> {
        let mut elements = Elements::default();
        elements.step(b'[', &mut |_: &[u8]| ())?;
        if let Some(place) = self.named.take() {
            self.found[place] = true;
            self.list = Some((place, elements));
        }
        Ok(())
    }
}

/// Reads the elements of lists of these names in the object under a path, and says which of the
/// lists were there.
pub(super) async fn read(
    host: &Host,
    path: &str,
    wanted: &[&'static str],
    take: &mut (impl FnMut(usize, &[u8]) + Send),
) -> Result<Vec<bool>, HostError> {
    let unread = |error: ArrayError| unreadable(host, &error.to_string());
    let mut answer = host.stream(path).await?;
    let mut lists = Lists::of(wanted);
    while let Some(bytes) = answer.more().await? {
        lists.push(&bytes, take).map_err(unread)?;
    }
    let found = lists.end().map_err(unread)?;
    answer.end();
    Ok(found)
}

/// Reads the elements of the one list that must be there.
pub(super) async fn read_one(
    host: &Host,
    path: &str,
    wanted: &'static str,
    take: &mut (impl FnMut(&[u8]) + Send),
) -> Result<(), HostError> {
    let names = [wanted];
    let found = read(host, path, &names, &mut |_, element: &[u8]| take(element)).await?;
    if found.contains(&true) {
        return Ok(());
    }
    Err(unreadable(host, &ArrayError::NoList(wanted).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (Vec<(usize, String)>, Vec<bool>);

    /// The elements of wanted lists of a text that comes in pieces of so many bytes.
    fn told(text: &str, piece: usize) -> Result<Told, ArrayError> {
        let (mut all, mut read) = (Vec::new(), Lists::of(&["data", "more"]));
        for bytes in text.as_bytes().chunks(piece) {
            read.push(bytes, &mut |place, element| {
                all.push((place, String::from_utf8(element.to_vec()).unwrap()));
            })?;
        }
        Ok((all, read.end()?))
    }

    #[test]
    fn the_lists_of_an_object_are_told_apart_by_their_names_in_pieces_of_any_size() {
        let text = r#" { "status":"data", "x":{"data":[9],"y":["data"]}, "data" : [ {"a":[1]}, 2 ],
            "esc\"ed":[[7]], "more":[], "last":"[{" } "#;
        for piece in 1..=text.len() {
            let (all, found) = told(text, piece).unwrap();
            let all: Vec<_> = all.iter().map(|(place, text)| (*place, &**text)).collect();
            assert_eq!(all, [(0, r#"{"a":[1]}"#), (0, "2")], "{piece}");
            assert_eq!(found, [true, true]);
        }
        let (all, found) = told(r#"{"data":{"data":[1]},"more":null}"#, 4).unwrap();
        assert_eq!((all.len(), found), (0, vec![false, false]));
    }

    #[test]
    fn what_is_no_object_or_breaks_off_is_told_apart() {
        for text in ["[]", "{} {", "null"] {
            assert_eq!(told(text, 2), Err(ArrayError::NoObject), "{text}");
        }
        for text in ["", "{", r#"{"data":[1"#, r#"{"data":[1]"#, r#"{"a":"}"#] {
            assert_eq!(told(text, 3), Err(ArrayError::BrokenOff), "{text}");
        }
        let long = format!(r#"{{"{}data":[1],"more":[2]}}"#, "x".repeat(NAME_BYTES_MAX));
        assert_eq!(told(&long, 100).unwrap().0, [(1, "2".to_owned())]);
    }
}
