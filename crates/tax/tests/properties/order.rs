//! In which order rows stand, and in which files, decides nothing but the order of one moment.

use packtrain_core::ledger::Row;
use packtrain_tax::LedgerFile;
use packtrain_tax::outcome::Origin;
use packtrain_tax::request::Method;
use proptest::prelude::*;

use super::ledgers::{Step, ledger, rows, steps};
use super::{LOTS, outcome};

/// The whole outcome but for where rows stand and for the order of warnings of one rank.
fn text(ledgers: &[LedgerFile], method: Method) -> String {
    let mut outcome = outcome(ledgers, method, None);
    outcome
        .disposals
        .iter_mut()
        .for_each(|line| line.origin = Origin::default());
    outcome
        .income
        .iter_mut()
        .for_each(|line| line.origin = Origin::default());
    outcome
        .warnings
        .iter_mut()
        .for_each(|warning| warning.origin = Origin::default());
    let warnings = outcome.warnings.drain(..);
    let mut warnings: Vec<_> = warnings.map(|warning| format!("{warning:?}")).collect();
    warnings.sort();
    format!("{outcome:?} {warnings:?}")
}

/// The rows dealt to three files; rows of one moment stay together, as only the order of files
/// says which of them is first.
fn dealt(rows: &[Row], places: &[usize]) -> Vec<LedgerFile> {
    let mut files = vec![Vec::new(); 3];
    let mut moments = 0;
    for (index, row) in rows.iter().enumerate() {
        moments += usize::from(index > 0 && rows[index - 1].at != row.at);
        files[places[moments % places.len()]].push(row.clone());
    }
    files.iter().map(|rows| ledger(rows)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_file_cut_in_two_gives_the_same_outcome(
        steps in steps(), cut in 0_usize..110, turn in 0_usize..110,
    ) {
        let mut rows = rows(&steps);
        // Rows need not stand in order of time.
        let count = rows.len();
        rows.rotate_left(turn % count);
        let cut = cut % count;
        for method in &LOTS {
            let whole = text(&[ledger(&rows)], *method);
            let parts = [ledger(&rows[..cut]), ledger(&rows[cut..])];
            prop_assert_eq!(whole, text(&parts, *method));
        }
    }

    #[test]
    fn the_order_of_files_changes_nothing(
        steps in steps(), places in prop::collection::vec(0_usize..3, 1..40), turn in 0_usize..3,
    ) {
        let rows = rows(&steps);
        let mut files = dealt(&rows, &places);
        let whole = text(&[ledger(&rows)], Method::Fifo);
        files.rotate_left(turn);
        prop_assert_eq!(&whole, &text(&files, Method::Fifo));
        files.swap(0, 1);
        prop_assert_eq!(&whole, &text(&files, Method::Fifo));
    }

    #[test]
    fn rows_of_one_moment_keep_the_order_of_the_file(
        prices in prop::collection::vec(1..9_i128, 1..20),
    ) {
        let step = |price: &i128, kind| Step {
            kind, asset: 0, wallet: 0, to: 0, amount: (100, 2), price: *price, hours: 0,
        };
        let mut steps: Vec<_> = prices.iter().map(|price| step(price, 0)).collect();
        let all = 100 * i128::try_from(prices.len()).unwrap();
        steps.push(Step { amount: (all, 2), ..step(&1, 9) });
        let rows = rows(&steps);
        let lots = |method| -> Vec<String> {
            let lines = outcome(&[ledger(&rows)], method, None).disposals;
            lines.into_iter().map(|line| line.lot.unwrap().to_string()).collect()
        };
        let mut expected: Vec<_> = (0..prices.len()).map(|index| format!("r{index}")).collect();
        prop_assert_eq!(lots(Method::Fifo), expected.clone());
        expected.reverse();
        prop_assert_eq!(lots(Method::Lifo), expected.clone());
        expected.reverse();
        // Stable: of equal prices the first in the file goes first.
        expected.sort_by_key(|id| std::cmp::Reverse(prices[id[1..].parse::<usize>().unwrap()]));
        prop_assert_eq!(lots(Method::Hifo), expected.clone());
        expected.sort_by_key(|id| id[1..].parse::<usize>().unwrap());
        expected.sort_by_key(|id| prices[id[1..].parse::<usize>().unwrap()]);
        prop_assert_eq!(lots(Method::Lofo), expected);
    }
}
