//! Values that many rules share, kept once.

use std::collections::HashMap;
use std::hash::Hash;

/// Each value once, with how many share it.
#[derive(Debug)]
pub(super) struct Shared<T> {
    rows: Vec<Option<(T, u32)>>,
    places: HashMap<T, u32>,
    free: Vec<u32>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            places: HashMap::new(),
            free: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Shared<T> {
    /// The place of a value; one more shares it.
    pub(super) fn share(&mut self, value: &T) -> u32 {
        if let Some(place) = self.places.get(value) {
            if let Some((_, count)) = &mut self.rows[*place as usize] {
                *count += 1;
            }
            return *place;
        }
        let row = Some((value.clone(), 1));
        let place = match self.free.pop() {
            Some(place) => {
                self.rows[place as usize] = row;
                place
            }
            None => {
                self.rows.push(row);
                u32::try_from(self.rows.len() - 1).expect("rules are counted in 32 bits")
            }
        };
        self.places.insert(value.clone(), place);
        place
    }

    /// One less shares the value in a place.
    pub(super) fn release(&mut self, place: u32) {
        let row = &mut self.rows[place as usize];
        let Some((value, count)) = row else {
            return;
        };
        *count -= 1;
        if *count == 0 {
            self.places.remove(value);
            *row = None;
            self.free.push(place);
        }
    }

    /// The value in a place.
    pub(super) fn get(&self, place: u32) -> &T {
        let row = self.rows[place as usize].as_ref();
        let (value, _) = row.expect("a rule shares what is there");
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_once_for_as_long_as_somebody_shares_it() {
        let mut shared = Shared::default();
        let [a, again] = [shared.share(&"a"), shared.share(&"a")];
        assert_eq!(a, again);
        shared.release(a);
        assert_eq!(*shared.get(a), "a");
        shared.release(a);
        assert_eq!((shared.share(&"b"), shared.places.len()), (a, 1));
    }
}
