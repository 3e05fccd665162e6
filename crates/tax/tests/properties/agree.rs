//! The engine and its slow references say the same.

use packtrain_tax::compare;
use packtrain_tax::request::{Country, Request};
use proptest::prelude::*;

use super::ledgers::{ledger, rows, steps};
use super::slow::{Slow, merged};
use super::{LOTS, SCOPES, outcome};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_engine_agrees_with_one_that_looks_at_every_part(steps in steps()) {
        let rows = rows(&steps);
        for method in &LOTS {
            for scope in SCOPES {
                let fast = outcome(&[ledger(&rows)], *method, scope);
                let fast = fast.disposals.into_iter().map(|line| {
                    let lot = line.lot.map(|lot| lot.to_string());
                    (line.id.to_string(), lot, line.quantity, line.cost)
                });
                let slow = Slow::run(&rows, *method, scope);
                prop_assert_eq!(merged(fast), merged(slow.into_iter()), "{} {:?}", method, scope);
            }
        }
    }

    #[test]
    fn all_methods_compared_at_once_are_each_as_on_their_own(steps in steps()) {
        let ledgers = [ledger(&rows(&steps))];
        let compared = compare(&ledgers, Country::Us, &Request::default()).unwrap();
        prop_assert_eq!(compared.iter().map(|one| one.method).collect::<Vec<_>>(), LOTS);
        for one in compared {
            let alone = outcome(&ledgers, one.method, None);
            prop_assert_eq!(one.totals, alone.totals);
            prop_assert_eq!(one.assessments, alone.assessments);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(15))]

    #[test]
    fn the_number_of_threads_changes_nothing(steps in steps()) {
        let ledgers = [ledger(&rows(&steps))];
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let compared = pool.install(|| compare(&ledgers, Country::Us, &Request::default()));
            format!("{:?}", compared.unwrap())
        };
        let alone = on(1);
        prop_assert_eq!(&alone, &on(2));
        prop_assert_eq!(&alone, &on(7));
    }
}
