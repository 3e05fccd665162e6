//! Whose report it is, and what could be sold.

use super::super::report::Report;
use super::super::row::story;
use super::*;

async fn report(body: Value) -> (Arc<World>, Done) {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let mut wanted = us(&[file]);
    wanted
        .as_object_mut()
        .unwrap()
        .extend(body.as_object().unwrap().clone());
    let done = run::<Report>(&world, 7, wanted).await.unwrap();
    (world, done)
}

#[tokio::test]
async fn the_taxpayer_is_named_in_the_pdf_where_a_name_is_given() {
    let pdf = async |body| {
        let (world, done) = report(body).await;
        files(&world, &done)[0].2.clone()
    };
    let nobody = json!({"formats": ["pdf"]});
    let named = json!({"formats": ["pdf"], "taxpayer": "Mira Kowalska"});
    // The same request gives the same bytes: only the name can tell these two apart.
    let first = pdf(nobody.clone()).await;
    assert!(first == pdf(nobody).await && first != pdf(named).await);
}

#[test]
fn a_name_that_is_long_empty_or_cannot_be_seen_is_refused_and_not_repeated() {
    let wrong = |name: &str| {
        let mut body = us(&[]);
        body["taxpayer"] = json!(name);
        let report: Report = serde_json::from_value(body).unwrap();
        assert!(!format!("{report:?}").contains("Mira"), "never printed");
        let errors = report.check().into_iter();
        let errors = errors.filter(|error| error.pointer == "/taxpayer");
        let said: Vec<_> = errors.map(|error| error.detail).collect();
        assert!(said.iter().all(|said| !said.contains("Mira")));
        !said.is_empty()
    };
    assert!(!wrong("Mira Kowalska"));
    for name in ["", " ", "Mira\n", "Mira\0", &"Mira".repeat(51)] {
        assert!(wrong(name), "{name:?}");
    }
}

#[tokio::test]
async fn what_could_be_sold_is_a_file_of_its_own_and_a_row_is_explained_out_of_the_figures() {
    let body = json!({"formats": ["json", "harvest"], "years": [2024]});
    let (world, done) = report(body).await;
    let made = files(&world, &done);
    let names: Vec<_> = made.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["figures-2024-us.json", "harvest-2024-us.json"]);
    let open: Value = serde_json::from_slice(&made[1].2).unwrap();
    assert_eq!(open["valued_on"], "2024-12-31");
    assert_eq!(open["open_lots"][0]["lot"], "b");
    assert_eq!(open["open_lots"][0]["gain"], "200.00");
    assert_eq!(open["open_lots"][0]["long_from"], "2025-02-11");
    assert_eq!(open["open_lots"][0]["price"]["source"], "records");
    let told = |row| story(&made[0].2, Some(&made[1].2), row);
    let sale = told("c").unwrap();
    assert_eq!(sale.disposals[0]["lot"], "a");
    assert!(
        sale.disposals[0]["why"]
            .as_str()
            .unwrap()
            .starts_with("Oldest lot first")
    );
    assert_eq!(told("a").unwrap().uses[0]["id"], "c");
    assert_eq!(told("b").unwrap().open_lots[0]["quantity"], "1");
    assert_eq!(told("d"), None, "a sale of a year that is not reported on");
}
