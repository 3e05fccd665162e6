//! Names of assets and wallets as numbers.

use std::collections::HashMap;

use packtrain_core::ledger::Asset;

/// Places for copies of names that were asked for lately.
const LATELY: usize = 256;

/// The number of each name.
pub(super) struct Names {
    numbers: HashMap<Asset, u32>,
    /// An import shares one copy of a name among many rows, so that nearly every question is
    /// answered here, by where the copy stands in memory and not by what it says.
    lately: Vec<Option<(Asset, u32)>>,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            lately: vec![None; LATELY],
        }
    }

    /// The number of a name, where it has one.
    pub(super) fn find(&self, name: &Asset) -> Option<u32> {
        match &self.lately[slot(name)] {
            Some((same, number)) if Asset::ptr_eq(same, name) => Some(*number),
            _ => self.numbers.get(name).copied(),
        }
    }

    /// As [`Self::find`], and remembers this copy of the name.
    pub(super) fn recall(&mut self, name: &Asset) -> Option<u32> {
        let place = &mut self.lately[slot(name)];
        match place {
            Some((same, number)) if Asset::ptr_eq(same, name) => Some(*number),
            _ => {
                let number = *self.numbers.get(name)?;
                *place = Some((Asset::clone(name), number));
                Some(number)
            }
        }
    }

    pub(super) fn insert(&mut self, name: &Asset, number: u32) {
        self.numbers.insert(Asset::clone(name), number);
    }
}

/// Where a copy of a name is looked for. Copies that stand next to each other come apart.
fn slot(name: &Asset) -> usize {
    let address = name.as_ptr().addr();
    (address >> 5 ^ address >> 13) % LATELY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_copy_of_a_name_has_its_number() {
        let mut names = Names::new();
        let all: Vec<Asset> = (0..1_000).map(|n| Asset::from(format!("A{n}"))).collect();
        for (number, name) in (0..).zip(&all) {
            assert_eq!(names.recall(name), None);
            names.insert(name, number);
        }
        for _ in 0..2 {
            for (number, name) in (0..).zip(&all) {
                let copy = Asset::from(&**name);
                assert_eq!(names.recall(name), Some(number));
                assert_eq!(names.recall(&copy), Some(number));
                assert_eq!(names.find(name), Some(number));
            }
        }
    }
}
