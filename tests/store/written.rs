//! Ends whose answer was lost: the worker learns afterwards which of them it has written.

use packtrain_core::ports::{Claims, End};

use super::scene::{HOUR, Scene, fault, retry, succeeded};

#[tokio::test]
async fn an_end_that_was_written_without_an_answer_is_found_under_its_attempt_and_no_other_s_is() {
    let scene = Scene::new().await;
    let dead = || End::Dead { fault: fault() };
    let ends: [fn() -> End; 3] = [succeeded, || retry(HOUR), dead];
    for end in ends {
        let held = scene.running().await;
        let end = [held.ends(end())];
        assert_eq!(scene.claims.written(&end).await.unwrap(), []);
        scene.settle(&end).await;
        assert_eq!(scene.claims.written(&end).await.unwrap(), [held.job.id]);
    }
    for end in ends {
        let lost = scene.running().await;
        scene.reap(lost.lease).await;
        let next = scene.claim(1).await.remove(0);
        assert!(scene.started(&next).await);
        scene.settle(&[next.ends(end())]).await;
        let late = [lost.ends(end()), lost.ends(dead())];
        assert_eq!(scene.claims.written(&late).await.unwrap(), []);
    }
}
