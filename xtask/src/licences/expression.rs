//! SPDX licence expressions: `OR`, `AND`, `WITH` and brackets, and the old `A/B` for `A OR B`.

/// Why an expression cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says whether the allowed licences are enough to meet the expression.
pub(crate) fn is_met(expression: &str, allowed: &[&str]) -> Result<bool, Malformed> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut reader = Reader {
        words: spaced.split_whitespace().collect(),
        next: 0,
        allowed,
    };
    let met = reader.any()?;
    match reader.peek() {
        None => Ok(met),
        Some(word) => Err(Malformed(format!("{word} is not expected"))),
    }
}

struct Reader<'a> {
    words: Vec<&'a str>,
    next: usize,
    allowed: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.next).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.next += usize::from(is_next);
        is_next
    }

    /// `AND` binds closer than `OR`.
    fn any(&mut self) -> Result<bool, Malformed> {
        let mut met = self.all()?;
        while self.take("OR") {
            met |= self.all()?;
        }
        Ok(met)
    }

    fn all(&mut self) -> Result<bool, Malformed> {
        let mut met = self.one()?;
        while self.take("AND") {
            met &= self.one()?;
        }
        Ok(met)
    }

    fn one(&mut self) -> Result<bool, Malformed> {
        if self.take("(") {
            let met = self.any()?;
            if !self.take(")") {
                return Err(Malformed("a bracket is not closed".to_owned()));
            }
            return Ok(met);
        }
        let licence = self.name()?;
        if self.take("WITH") {
            let exception = self.name()?;
            let whole = format!("{licence} WITH {exception}");
            return Ok(self.allowed.contains(&whole.as_str()));
        }
        Ok(self.allowed.contains(&licence))
    }

    fn name(&mut self) -> Result<&'a str, Malformed> {
        match self.peek() {
            None => Err(Malformed("it ends too early".to_owned())),
            Some(word @ ("OR" | "AND" | "WITH" | "(" | ")")) => {
                Err(Malformed(format!("a name is expected before {word}")))
            }
            Some(name) => {
                self.next += 1;
                Ok(name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> bool {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"];
        is_met(expression, &allowed).expect("it can be read")
    }

    #[test]
    fn one_allowed_choice_is_enough() {
        for expression in [
            "MIT",
            "GPL-3.0-only OR MIT",
            "MIT/GPL-3.0",
            "(X OR (Y OR MIT))",
        ] {
            assert!(met(expression), "{expression}");
        }
        assert!(!met("GPL-3.0-only OR LGPL-2.1-or-later"));
    }

    #[test]
    fn every_part_of_a_conjunction_must_be_allowed() {
        assert!(met("(MIT OR X) AND Apache-2.0"));
        assert!(!met("MIT AND X"));
        assert!(met("X AND Y OR MIT"), "AND binds closer");
        assert!(!met("(MIT OR Apache-2.0) AND X"));
    }

    #[test]
    fn an_exception_is_part_of_the_name() {
        assert!(met("Apache-2.0 WITH LLVM-exception"));
        assert!(!met("MIT WITH LLVM-exception"));
    }

    #[test]
    fn a_malformed_expression_is_an_error() {
        for expression in [
            "",
            "MIT OR",
            "AND MIT",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "MIT WITH",
        ] {
            assert!(is_met(expression, &["MIT"]).is_err(), "{expression:?}");
        }
    }
}
