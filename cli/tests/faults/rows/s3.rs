//! S3 that fails, does not answer or is slow, while two workers make tax reports and store them.

use std::time::Duration;

use packtrain_tests::{Front, Network, Program, Proxy, Trouble, until};

use crate::counts::{is_short, repeat, turn};
use crate::reports::Reports;

/// How long S3 is in trouble, and in the short form.
const TROUBLE: Duration = Duration::from_secs(30);
const TROUBLE_SHORT: Duration = Duration::from_secs(8);
/// What the product asks of a bucket.
const METHODS: [&str; 4] = ["GET", "HEAD", "PUT", "POST"];

pub(super) fn trouble() -> Duration {
    if is_short() { TROUBLE_SHORT } else { TROUBLE }
}

/// All requests meet with this for a while, in the middle of the work.
async fn row(name: &str, troubles: &[Trouble]) {
    let Some(moto) = Program::Moto.find(name) else {
        return;
    };
    let _turn = turn().await;
    let front = Front::before(&moto).await;
    let reports = Reports::through(&moto, &front.url()).await;
    repeat(name, async |round| {
        let breaking = async || {
            let seen = || -> usize { METHODS.iter().map(|method| front.seen(method, "")).sum() };
            let before = seen();
            let each = trouble() / u32::try_from(troubles.len()).unwrap();
            for trouble in troubles {
                front.calm();
                METHODS
                    .iter()
                    .for_each(|method| front.always(method, "", *trouble));
                tokio::time::sleep(each).await;
            }
            until("a report met with it", async || seen() > before).await;
            front.calm();
        };
        reports.run(&format!("{name}-{round}"), breaking).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_fails() {
    let troubles = [
        Trouble::Refused(503),
        Trouble::DoneAndDenied,
        Trouble::Refused(500),
    ];
    row("s3_fails", &troubles).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_answers_nothing() {
    let troubles = [Trouble::Silence, Trouble::DoneInSilence];
    row("s3_answers_nothing", &troubles).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_breaks_off_in_the_middle_of_bodies() {
    row(
        "s3_breaks_off_in_the_middle_of_bodies",
        &[Trouble::BreaksOff],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_is_slow() {
    let name = "s3_is_slow";
    over(name, Network::Slow).await;
}

/// The network between everything and S3 does this for a while.
pub(super) async fn over(name: &str, network: Network) {
    let Some(moto) = Program::Moto.find(name) else {
        return;
    };
    let _turn = turn().await;
    let address = moto.trim_start_matches("http://").trim_end_matches('/');
    let proxy = Proxy::to(address.parse().unwrap()).await;
    let reports = Reports::through(&moto, &format!("http://{}", proxy.address)).await;
    repeat(name, async |round| {
        let breaking = async || {
            proxy.set(network);
            tokio::time::sleep(trouble()).await;
            proxy.set(Network::Well);
        };
        reports.run(&format!("{name}-{round}"), breaking).await
    })
    .await;
}
