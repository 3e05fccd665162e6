//! The elements of a JSON array, one by one, from bytes as they come: a list of many megabytes is
//! never held whole.

/// Bytes of one element, at most.
const ELEMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is wrong with the array as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArrayError {
    #[error("it is no list")]
    NoArray,
    #[error("it is no object")]
    NoObject,
    #[error("it has no list {0:?}")]
    NoList(&'static str),
    #[error("one of its elements is larger than {ELEMENT_BYTES_MAX} bytes")]
    TooLarge,
    #[error("it ends before its end")]
    BrokenOff,
}

/// How far an array was read.
#[derive(Default)]
pub(super) struct Elements {
    /// The element that is under way.
    element: Vec<u8>,
    /// Brackets that are open; the array's own is the first.
    depth: u32,
    is_in_text: bool,
    is_escaped: bool,
    has_ended: bool,
}

impl Elements {
    /// Takes the next bytes, and gives every element on that ends in them.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]),
    ) -> Result<(), ArrayError> {
        for byte in bytes {
            self.step(*byte, take)?;
        }
        Ok(())
    }

    /// Whether the array was read to its end.
    pub(super) const fn end(&self) -> Result<(), ArrayError> {
        if self.has_ended {
            Ok(())
        } else {
            Err(ArrayError::BrokenOff)
        }
    }

    /// Takes the next byte.
    pub(super) fn step(
        &mut self,
        byte: u8,
        take: &mut impl FnMut(&[u8]),
    ) -> Result<(), ArrayError> {
        if self.depth == 0 {
            return match byte {
                b'[' if !self.has_ended => {
                    self.depth = 1;
                    Ok(())
                }
                byte if byte.is_ascii_whitespace() => Ok(()),
                _ => Err(ArrayError::NoArray),
            };
        }
        if self.is_in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_in_text = false,
                _ => {}
            }
            return self.add(byte);
        }
        match byte {
            b'"' => self.is_in_text = true,
            b'[' | b'{' => self.depth += 1,
            b']' if self.depth == 1 => {
                self.give(take);
                self.depth = 0;
                self.has_ended = true;
                return Ok(());
            }
            b']' | b'}' => self.depth -= 1,
            b',' if self.depth == 1 => {
                self.give(take);
                return Ok(());
            }
            byte if self.depth == 1 && byte.is_ascii_whitespace() => return Ok(()),
            _ => {}
        }
        self.add(byte)
    }

    fn add(&mut self, byte: u8) -> Result<(), ArrayError> {
        if self.element.len() == ELEMENT_BYTES_MAX {
            return Err(ArrayError::TooLarge);
        }
        self.element.push(byte);
        Ok(())
    }

    fn give(&mut self, take: &mut impl FnMut(&[u8])) {
        if !self.element.is_empty() {
            take(&self.element);
            self.element.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of a text that comes in pieces of so many bytes.
    fn elements(text: &str, piece: usize) -> Result<Vec<String>, ArrayError> {
        let (mut all, mut read) = (Vec::new(), Elements::default());
        for bytes in text.as_bytes().chunks(piece) {
            read.push(bytes, &mut |element| {
                all.push(String::from_utf8(element.to_vec()).unwrap());
            })?;
        }
        read.end().map(|()| all)
    }

    #[test]
    fn elements_are_the_same_in_pieces_of_any_size() {
        let text = r#" [ {"a":[1,{"b":"]},[\"\\"}]} , 2.5, "x,y" , null,[] ] "#;
        let wanted = [
            r#"{"a":[1,{"b":"]},[\"\\"}]}"#,
            "2.5",
            r#""x,y""#,
            "null",
            "[]",
        ];
        for piece in 1..=text.len() {
            assert_eq!(elements(text, piece).unwrap(), wanted, "{piece}");
        }
        assert_eq!(elements("[]", 1).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_list_or_breaks_off_or_is_too_large_is_told_apart() {
        assert_eq!(elements("{}", 2), Err(ArrayError::NoArray));
        assert_eq!(elements("[] 1", 2), Err(ArrayError::NoArray));
        for text in ["", "[1,2", r#"[{"a":"]"#] {
            assert_eq!(elements(text, 3), Err(ArrayError::BrokenOff), "{text}");
        }
        let large = format!("[{}", "1".repeat(ELEMENT_BYTES_MAX + 1));
        assert_eq!(elements(&large, 64 * 1024), Err(ArrayError::TooLarge));
    }
}
