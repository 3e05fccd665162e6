//! The lines of form 2086.

use packtrain_report::Form;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{Report, sum};

const LEDGER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,currency\n\
                      b,2024-01-05T12:00:00Z,buy,A,1000,EUR,1,BTC,,,EUR\n\
                      e,2024-01-06T12:00:00Z,buy,A,1000,EUR,10,ETH,,,EUR\n\
                      s,2024-06-01T12:00:00Z,sell,A,0.5,BTC,1500,EUR,20,EUR,EUR\n\
                      t,2024-07-01T12:00:00Z,sell,A,5,ETH,400,EUR,,,EUR\n";

#[test]
fn the_lines_of_form_2086_come_to_its_sums() {
    let report = Report::of(Country::Fr, &[("a.csv", LEDGER.to_owned())], &[]);
    let year = TaxYear(2024);
    let lines = report.records(Form::Form2086Disposals, year);
    assert_eq!(
        sum(&lines, "gain or loss"),
        report.figure(year, "gain_or_loss")
    );
    let net = sum(&lines, "price net of both (218)");
    assert_eq!(net, report.figure(year, "prices_net"));
    // What the first uses, 2,000 x 1,500 / 4,000, is used when the second comes.
    assert_eq!(lines[0]["part used"], "750.00");
    assert_eq!(lines[1]["parts used before (221)"], "750.00");
    assert_eq!(lines[1]["total cost net (223)"], "1250.00");
    assert_eq!(lines[1]["portfolio value (212)"], "2300.00");
}

#[test]
fn a_price_net_of_costs_is_the_printed_price_less_the_printed_costs() {
    let sale = |id: &str, day: u32| {
        format!("{id},2024-06-0{day}T12:00:00Z,sell,A,0.01,BTC,33.336,EUR,0.003,EUR,EUR\n")
    };
    let rows = [sale("x", 2), sale("y", 3), sale("z", 4)].concat();
    let report = Report::of(Country::Fr, &[("a.csv", format!("{LEDGER}{rows}"))], &[]);
    let year = TaxYear(2024);
    let lines = report.records(Form::Form2086Disposals, year);
    let in_cents = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
    for line in &lines {
        let [price, costs, net] = ["price (213)", "costs (214)", "price net of costs (215)"]
            .map(|column| in_cents(&line[column]));
        assert_eq!(price - costs, net, "{line:?}");
    }
    let net = sum(&lines, "price net of both (218)");
    assert_eq!(net, report.figure(year, "prices_net"));
}
