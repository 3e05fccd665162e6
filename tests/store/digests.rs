//! Windows of digests, of which the last is told by one job while another one gathers.

use std::sync::Arc;

use packtrain_core::ids::{EndpointId, RuleId};
use packtrain_core::ports::{Digests, End, Gathered, NextWindow, Success, Write};
use packtrain_core::secret::Secret;
use packtrain_store::{Keyring, PgDigests, PgEndpoints, SEAL_KEY_BYTES};

use super::scene::Scene;

/// Ends a job of the scene's tenant with this.
async fn write(scene: &Scene, write: Write) {
    let held = scene.running().await;
    let end = End::Succeeded(Success {
        writes: vec![write],
        ..Success::default()
    });
    assert_eq!(scene.settle(&[held.ends(end)]).await.written, 1);
}

#[tokio::test]
async fn what_is_gathered_while_the_last_digest_is_told_is_told_after_it() {
    let scene = Scene::new().await;
    let keys = Keyring::new(&[Secret::new([7; SEAL_KEY_BYTES])]);
    let pool = scene.db.pools().worker.clone();
    let endpoints = PgEndpoints::new(pool.clone(), Arc::new(keys));
    let digests = PgDigests::new(pool, endpoints);
    let endpoint = EndpointId::from_uuid(scene.ids.job().as_uuid());
    let last = format!(
        "insert into digest_window (endpoint_id, tenant_id, due_at)
         values ('{}', '{}', now_utc() - interval '1 second')",
        endpoint.as_uuid(),
        scene.tenant.as_uuid()
    );
    scene.db.run(&last).await;
    let (_, ended) = digests.ended(10).await.unwrap();
    assert_eq!((ended.len(), ended[0].has_entries), (1, false));
    // A message was on its way when its owner had enough of digests.
    let message = Gathered {
        rule: RuleId::from_uuid(scene.ids.job().as_uuid()),
        seq: 1,
        endpoint,
    };
    write(&scene, Write::Gathered(message)).await;
    let told = NextWindow {
        endpoint,
        ended: ended[0].due_at,
        due_at: None,
    };
    write(&scene, Write::Windows(vec![told])).await;
    let (_, ended) = digests.ended(10).await.unwrap();
    assert_eq!((ended.len(), ended[0].has_entries), (1, true));
    let told = NextWindow {
        ended: ended[0].due_at,
        ..told
    };
    write(&scene, Write::Windows(vec![told])).await;
    assert_eq!(digests.ended(10).await.unwrap().1.len(), 0);
}
