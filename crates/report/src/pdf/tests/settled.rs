//! Answers and rules of the person in the PDF.

use packtrain_tax::outcome::UsedRule;

use super::*;

#[test]
fn answers_and_rules_stand_with_the_method_and_findings_name_their_ways() {
    let mut outcome = sample::outcome(5);
    outcome.settled = vec![sample::settled()];
    outcome.rules_given = vec![UsedRule {
        said: "a deposit is of the kind airdrop".to_owned(),
        rows: 3,
    }];
    let read = made(&outcome);
    for text in [
        "Findings settled by your answers",
        "Row t99",
        "2 ETH bought on 2020-01-01 for 10 USD.",
        "Your rules on what rows are",
        "A deposit is of the kind airdrop.",
    ] {
        assert!(read.has(text), "{text}: {}", read.text());
    }
    let text = read.text().replace('\n', " ");
    assert!(text.contains("or answer that zero is right."), "{text}");
    assert!(!text.contains("accept_zero"), "{text}");
}

#[test]
fn an_amount_at_stake_is_no_bound_and_says_where_it_is_estimated() {
    let mut outcome = sample::outcome(5);
    for warning in &mut outcome.warnings {
        warning.is_exact = false;
    }
    let text = made(&outcome).text();
    assert!(text.contains(" at stake, estimated"), "{text}");
    for warning in &mut outcome.warnings {
        warning.is_exact = true;
    }
    let text = made(&outcome).text();
    assert!(
        text.contains(" at stake") && !text.contains("estimated"),
        "{text}"
    );
    assert!(
        !text.contains("Up to") && !text.contains("at most in all"),
        "{text}"
    );
}
