//! Which characters a document shows, so that only those are in its fonts.

use super::fonts::{GLYPHS_MAX, Weight};

/// The characters of each face that a document shows, by glyph.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    glyphs: [[u64; GLYPHS_MAX / 64]; 2],
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            glyphs: [[0; GLYPHS_MAX / 64]; 2],
        }
    }
}

impl Shown {
    /// Notes a character by its glyph.
    pub(super) fn add(&mut self, glyph: u16, weight: Weight) {
        let glyph = usize::from(glyph);
        self.glyphs[weight.index()][glyph / 64] |= 1 << (glyph % 64);
    }

    /// Adds what another part of the document shows.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.glyphs.iter_mut().zip(&other.glyphs) {
            for (mine, theirs) in mine.iter_mut().zip(theirs) {
                *mine |= theirs;
            }
        }
    }

    /// Every character of a face that was noted, in order.
    pub(super) fn chars(&self, weight: Weight) -> String {
        let glyphs = weight.face().glyphs();
        let mut chars: Vec<char> = glyphs
            .filter(|(_, glyph)| self.has(weight, *glyph))
            .map(|(char, _)| char)
            .collect();
        chars.sort_unstable();
        chars.into_iter().collect()
    }

    fn has(&self, weight: Weight, glyph: u16) -> bool {
        let glyph = usize::from(glyph);
        self.glyphs[weight.index()][glyph / 64] & (1 << (glyph % 64)) != 0
    }
}
