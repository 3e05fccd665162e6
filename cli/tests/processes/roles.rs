//! Who the parts are in the database, and for whom keys are made.

use packtrain_tests::{Database, Role};
use serde_json::Value;

use crate::binary::{addresses, command, folder};

/// The answer of a part that is led to these addresses: its exit code and what it says.
fn refused(part: &str, addresses: &[(&str, String)]) -> (Option<i32>, String) {
    let folder = folder(&[]);
    let starting = command(folder.path(), &[part]).envs(addresses.iter().cloned());
    let output = starting.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_whose_role_sees_every_tenant_or_is_another_one_does_not_start() {
    let database = Database::new().await;
    let right = addresses(&database);
    for (place, role, why) in [
        (0, Role::Superuser, "goes past row-level security"),
        (
            0,
            Role::Operator,
            "packtrain_operator, which has not the rights",
        ),
        (1, Role::App, "packtrain_app, which has not the rights"),
        (2, Role::Superuser, "goes past row-level security"),
    ] {
        let mut wrong = right.clone();
        wrong[place].1 = database.url(role).reveal().clone();
        let setting = [
            "database.app_url",
            "database.operator_url",
            "database.worker_url",
        ][place];
        for part in ["api", "worker", "scheduler"] {
            let (code, said) = refused(part, &wrong);
            assert_eq!(code, Some(2), "{part}: {said}");
            let begins = format!("error: {setting} leads to ");
            assert!(said.contains(&begins) && said.contains(why), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_new_tenant_is_made_at_once_and_one_of_an_unknown_tenant_is_refused() {
    let database = Database::new().await;
    let folder = folder(&[]);
    let owner = database.url(Role::Owner).reveal().clone();
    let keys = |words: &[&str]| {
        let all = [
            &["keys", "new", "--json", "--name", "n", "--scope", "user"],
            words,
        ]
        .concat();
        let making = command(folder.path(), &all)
            .envs(addresses(&database))
            .env("PACKTRAIN_DATABASE_OWNER_URL", &owner);
        making.output().unwrap()
    };
    let made = keys(&["--new-tenant", "Ada"]);
    assert!(made.status.success());
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let tenant = made["tenant"].as_str().unwrap();
    let count = "select count(*) from api_key k join tenant t on t.id = k.tenant_id
                  where t.name = 'Ada'";
    assert_eq!(database.number(count).await, 1);
    assert!(keys(&["--tenant", tenant]).status.success());
    let unknown = "ten_01890000000070008000000000000000";
    let refused = keys(&["--tenant", unknown]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains(&format!("tenant {unknown} does not exist")),
        "{said}"
    );
    assert!(!keys(&["--new-tenant", " "]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_keys_says_whose_they_are_and_shows_revoked_ones_only_when_asked() {
    let database = Database::new().await;
    let folder = folder(&[]);
    let owner = database.url(Role::Owner).reveal().clone();
    let keys = |words: &[&str]| {
        let asking = command(folder.path(), &[&["keys", "--json"], words].concat())
            .envs(addresses(&database))
            .env("PACKTRAIN_DATABASE_OWNER_URL", &owner)
            .output()
            .unwrap();
        assert!(asking.status.success(), "{asking:?}");
        serde_json::from_slice::<Value>(&asking.stdout).unwrap()
    };
    let names = |words: &[&str]| {
        let listed = keys(&[&["list"], words].concat());
        let listed = listed["keys"].as_array().unwrap().clone();
        let name = |key: &Value| key["name"].as_str().unwrap().to_owned();
        listed.iter().map(name).collect::<Vec<_>>()
    };
    assert!(names(&[]).is_empty());
    let new = ["new", "--scope", "user", "--name"];
    let first = keys(&[&new[..], &["first", "--new-tenant", "Ada"]].concat());
    keys(&[&new[..], &["second", "--new-tenant", "Bo"]].concat());
    assert_eq!(names(&[]), ["second", "first"]);
    assert_eq!(
        names(&["--tenant", first["tenant"].as_str().unwrap()]),
        ["first"]
    );
    let text = keys(&["list"]).to_string();
    assert!(text.contains("\"tenant_name\":\"Ada\""), "{text}");
    let secret = first["key"].as_str().unwrap().rsplit('_').next().unwrap();
    assert!(!text.contains(secret), "the secret of a key is listed");
    keys(&["revoke", first["id"].as_str().unwrap()]);
    assert_eq!(names(&[]), ["second"]);
    assert_eq!(names(&["--all"]), ["second", "first"]);
}
