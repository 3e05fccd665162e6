//! Answers of the person in the PDF.

use super::*;

#[test]
fn answers_stand_with_the_method_and_findings_name_their_ways() {
    let mut outcome = sample::outcome(5);
    outcome.settled = vec![sample::settled()];
    let read = made(&outcome);
    for text in [
        "Findings settled by your answers",
        "Row t99",
        "2 ETH bought on 2020-01-01 for 10 USD.",
    ] {
        assert!(read.has(text), "{text}: {}", read.text());
    }
    assert!(read.text().contains("accept_zero"), "{}", read.text());
}
