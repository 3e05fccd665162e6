//! Endpoints that lead elsewhere while somebody has them in hand.

use std::sync::Arc;

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::{
    EndpointChange, EndpointError, EndpointRecord, Endpoints, NewEndpoint, Standing, Try,
};
use packtrain_core::proof::Code;
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::{Keyring, PgEndpoints, SEAL_KEY_BYTES};
use packtrain_tests::Database;

struct Scene {
    db: Database,
    endpoints: PgEndpoints,
    tenant: TenantId,
    id: EndpointId,
}

impl Scene {
    /// An endpoint at an address that nobody has proved.
    async fn new() -> Self {
        let db = Database::new().await;
        let endpoints = PgEndpoints::new(db.pools().app.clone(), Arc::new(keys()));
        let tenant = db.tenant("ada").await;
        let id = EndpointId::from_uuid(db.ids().job().as_uuid());
        let new = NewEndpoint {
            id,
            name: "desk".to_owned(),
            channel: "email".to_owned(),
            address: address("ada"),
            secrets: Vec::new(),
            needs_proof: true,
            digest: None,
        };
        endpoints.create(tenant, &new, None).await.unwrap();
        Self {
            db,
            endpoints,
            tenant,
            id,
        }
    }

    async fn read(&self) -> EndpointRecord {
        let found = self.endpoints.find(self.tenant, self.id).await.unwrap();
        found.unwrap()
    }

    /// Has it lead to somebody from where it was read to lead.
    async fn lead_to(&self, known: &EndpointRecord, name: &str) -> Result<(), EndpointError> {
        let change = EndpointChange {
            name: None,
            address: Some(address(name)),
            needs_proof: true,
        };
        self.endpoints.change(self.tenant, known, &change).await
    }

    /// As those who send see endpoints, who work as another role than those who change them.
    fn worker(&self) -> PgEndpoints {
        let pool = self.db.pools().worker.clone();
        PgEndpoints::new(pool, Arc::new(keys()))
    }
}

fn keys() -> Keyring {
    Keyring::new(&[Secret::new([7; SEAL_KEY_BYTES])])
}

fn address(name: &str) -> Secret<String> {
    Secret::new(format!("{name}@example.org"))
}

#[tokio::test]
async fn a_code_that_is_sent_to_one_address_proves_nothing_about_another() {
    let scene = Scene::new().await;
    let read = scene.read().await;
    scene.lead_to(&read, "bea").await.unwrap();
    // Whoever sends it has read where it led, and would send it there.
    let hash = Code::new(1).hash(scene.id);
    let kept = scene.endpoints.challenge(scene.tenant, &read, &hash, true);
    assert!(!kept.await.unwrap());
    let none = "select cardinality(codes)::bigint from endpoint";
    assert_eq!(scene.db.number(none).await, 0);
    let now = scene.read().await;
    let kept = scene.endpoints.challenge(scene.tenant, &now, &hash, true);
    assert!(kept.await.unwrap());
    // Nor does it once it was kept.
    scene.lead_to(&now, "eve").await.unwrap();
    assert_eq!(scene.db.number(none).await, 0);
}

#[tokio::test]
async fn what_one_address_does_disables_no_other() {
    let scene = Scene::new().await;
    let read = scene.read().await;
    scene.lead_to(&read, "bea").await.unwrap();
    let tried = |place| Try {
        job: scene.db.ids().job(),
        number: place,
        step: None,
        endpoint: scene.id,
        at: SystemClock.now(),
        latency_ms: 1,
        result: "gone".to_owned(),
        status: Some(410),
        cause: Some("gone".to_owned()),
        excerpt: None,
        words_failed: None,
    };
    let gone = Standing::Disabled("it answered that it is no more");
    let worker = scene.worker();
    let note = async |read: &EndpointRecord, number| {
        let tried = tried(number);
        let noting = worker.note(scene.tenant, read, &tried, gone, None);
        noting.await.unwrap();
        scene.read().await
    };
    let after = note(&read, 1).await;
    assert_eq!((after.disabled_at, after.failing_since), (None, None));
    let after = note(&after, 2).await;
    assert!(after.disabled_at.is_some());
}

#[tokio::test]
async fn what_began_to_fail_before_its_owner_enabled_it_disables_it_no_more() {
    let scene = Scene::new().await;
    let worker = scene.worker();
    let note = async |read: &EndpointRecord, number, standing| {
        let tried = Try {
            job: scene.db.ids().job(),
            number,
            step: None,
            endpoint: scene.id,
            at: SystemClock.now(),
            latency_ms: 1,
            result: "temporary".to_owned(),
            status: Some(503),
            cause: Some("server_error".to_owned()),
            excerpt: None,
            words_failed: None,
        };
        let noting = worker.note(scene.tenant, read, &tried, standing, None);
        noting.await.unwrap();
        scene.read().await
    };
    let old = Standing::Disabled("it failed for five days");
    let failing = note(&scene.read().await, 1, Standing::Failing).await;
    assert!(failing.failing_since.is_some());
    // A try was under way meanwhile, and its message was read before.
    assert!(
        scene
            .endpoints
            .enable(scene.tenant, scene.id)
            .await
            .unwrap()
    );
    let enabled = note(&failing, 2, old).await;
    assert_eq!(enabled.disabled_at, None);
    let failing = note(&enabled, 3, Standing::Failing).await;
    assert!(note(&failing, 4, old).await.disabled_at.is_some());
}

#[tokio::test]
async fn of_two_who_change_what_they_read_one_is_told_to_read_it_again() {
    let scene = Scene::new().await;
    let read = scene.read().await;
    scene.lead_to(&read, "bea").await.unwrap();
    let late = scene.lead_to(&read, "eve").await;
    assert!(matches!(late, Err(EndpointError::Moved)), "{late:?}");
    let now = scene.read().await;
    assert_eq!(now.address, address("bea"));
    let renamed = EndpointChange {
        name: Some("night desk".to_owned()),
        address: None,
        needs_proof: true,
    };
    let change = |known| scene.endpoints.change(scene.tenant, known, &renamed);
    change(&now).await.unwrap();
    let late = change(&now).await;
    assert!(matches!(late, Err(EndpointError::Moved)), "{late:?}");
    // Of another tenant's there is nothing to change.
    let stranger = scene.db.tenant("bo").await;
    let now = scene.read().await;
    let theirs = scene.endpoints.change(stranger, &now, &renamed).await;
    assert!(matches!(theirs, Err(EndpointError::Moved)), "{theirs:?}");
}
