//! Documents are read, and all that is wrong is told in the place where it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::ids::FileId;
use crate::time::Timestamp;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Car {
    name: String,
    doors: u8,
    #[serde(default)]
    colour: Option<Colour>,
    #[serde(default)]
    sold_at: Option<Timestamp>,
    #[serde(default)]
    papers: Vec<FileId>,
    #[serde(default)]
    owners: Vec<Owner>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    file: FileId,
    #[serde(default)]
    is_first: bool,
}

fn misread<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Misread<T> {
    match read_text::<T>(text.as_bytes()) {
        Err(Unread::Misread(misread)) => misread,
        other => panic!("{other:?}"),
    }
}

fn told<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Vec<(String, String)> {
    let errors = misread::<T>(text).errors().into_iter();
    errors.map(|error| (error.pointer, error.detail)).collect()
}

fn pointer_of<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    told::<T>(text).remove(0).0
}

#[test]
fn a_pointer_leads_to_the_value_that_is_wrong() {
    type Lists = BTreeMap<String, Vec<u8>>;
    assert_eq!(pointer_of::<Lists>(r#"{"files": [1, "x"]}"#), "/files/1");
    assert_eq!(pointer_of::<Lists>(r#"{"a/b~c": 7}"#), "/a~1b~0c");
    assert_eq!(pointer_of::<Lists>("7"), "");
}

#[test]
fn all_mistakes_are_told_with_what_is_there_and_what_should_be() {
    let text = json!({
        "name": 7, "doors": 300, "colour": "gren", "sold_at": "yesterday", "paper": [],
        "papers": ["fil_7", true],
        "owners": [{"is_first": "yes"}, {"file": null}, 3, {"first": true}],
    });
    let files = "not an id of the form fil_ followed by 32 hexadecimal digits";
    let wanted: Vec<(&str, String)> = vec![
        (
            "/colour",
            r#"This is the text "gren"; it must be one of red, green. Is green meant?"#.into(),
        ),
        (
            "/doors",
            "This is the number 300; it must be a whole number from 0 to 255.".into(),
        ),
        ("/name", "This is the number 7; it must be a text.".into()),
        (
            "/owners/0/is_first",
            r#"This is the text "yes"; it must be true or false."#.into(),
        ),
        (
            "/owners/0/file",
            "This is missing and must be given.".into(),
        ),
        ("/owners/1/file", "This is null; it must be a text.".into()),
        (
            "/owners/2",
            "This is the number 3; it must be an object with the keys file, is_first.".into(),
        ),
        (
            "/owners/3/first",
            r#""first" is not known here; there are file, is_first."#.into(),
        ),
        (
            "/owners/3/file",
            "This is missing and must be given.".into(),
        ),
        (
            "/paper",
            "\"paper\" is not known here; there are name, doors, colour, sold_at, papers, \
                    owners. Is papers meant?"
                .into(),
        ),
        (
            "/papers/0",
            format!("This is the text \"fil_7\", and {files}"),
        ),
        ("/papers/1", "This is true; it must be a text.".into()),
        (
            "/sold_at",
            r#"This is the text "yesterday"; it must be a time such as 2026-12-24T18:00:00Z."#
                .into(),
        ),
    ];
    let mut found = told::<Car>(&text.to_string());
    found.sort();
    let mut wanted: Vec<_> = wanted
        .into_iter()
        .map(|(place, said)| (place.to_owned(), said))
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
    let again = read::<Car>(&text).unwrap_err().errors();
    assert_eq!(
        again.len(),
        wanted.len(),
        "a document is no different from its text"
    );
}

#[test]
fn no_mistake_is_told_in_words_of_a_programming_language() {
    let texts = [
        "7",
        "[]",
        r#"{"name": null}"#,
        r#"{"doors": -1}"#,
        r#"{"doors": 1.5}"#,
        r#"{"colour": {"red": 1}}"#,
        r#"{"colour": 3}"#,
        r#"{"papers": {}}"#,
        r#"{"owners": "x"}"#,
        r#"{"name": "a", "name": "b"}"#,
    ];
    for text in texts {
        for (_, said) in told::<Car>(text) {
            for word in [
                "struct",
                "expected",
                "invalid type",
                "at line",
                "u8",
                "Car",
                "enum",
                "sequence",
                "`",
            ] {
                assert!(!said.contains(word), "{text}: {said}");
            }
        }
    }
    assert_eq!(
        told::<Car>(r#"{"name": "a", "doors": 4, "name": "b"}"#),
        [(
            "/name".to_owned(),
            "This is given more than once; give it once.".to_owned()
        )]
    );
}

#[test]
fn what_can_be_read_is_checked_too_and_places_count_what_could_not() {
    let text = r#"{"name": "", "doors": 9, "colour": 1, "papers": [7], "owners": [3, {"file":
        "fil_00000000000000000000000000000001"}, null, {"file":
        "fil_00000000000000000000000000000002"}]}"#;
    let errors = misread::<Car>(text).and(|car| {
        assert_eq!((car.owners.len(), car.papers.len()), (2, 0));
        let last = format!("/owners/{}/file", car.owners.len() - 1);
        ["/name", "/colour", "/papers", &last]
            .map(|place| FieldError::new(place, "odd", "odd"))
            .into()
    });
    let odd: Vec<_> = errors
        .iter()
        .filter(|error| error.code == "odd")
        .map(|error| &*error.pointer)
        .collect();
    assert_eq!(
        odd,
        ["/name", "/owners/3/file"],
        "not what is known to be wrong, nor what follows of it"
    );
}

#[test]
fn a_key_that_looks_like_an_index_is_none_and_nothing_counts_up_to_it() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        options: BTreeMap<String, String>,
    }
    let huge = usize::MAX.to_string();
    let text = format!(r#"{{"options": {{"0": 5, "1": "x", "+5": "x", "{huge}": "x"}}, "no": 1}}"#);
    let errors = misread::<Asked>(&text).and(|asked| {
        let keys = asked.options.keys();
        let odd = |key| FieldError::new(format!("/options/{key}"), "odd", "odd");
        keys.map(odd).collect()
    });
    let places: Vec<_> = errors.iter().map(|error| &*error.pointer).collect();
    let last = format!("/options/{huge}");
    assert_eq!(
        places,
        ["/options/0", "/no", "/options/+5", "/options/1", &last]
    );
}

#[test]
fn of_a_very_large_document_the_first_mistakes_are_told_and_it_is_not_read_again_for_all() {
    let many = vec![json!({"is_first": true}); 60_000];
    let text = json!({"name": "a", "doors": 1, "owners": many}).to_string();
    let told = told::<Car>(&text);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].0, "/owners/0/file");
}

#[test]
fn very_many_mistakes_are_told_in_part() {
    let many = vec!["x"; 500];
    let text = json!({"name": "a", "doors": 1, "papers": many}).to_string();
    assert_eq!(told::<Car>(&text).len(), MISTAKES_MAX);
}

#[test]
fn texts_of_a_query_are_read_as_what_they_say() {
    let pairs = [("name", "a"), ("doors", "x"), ("colour", "red")];
    let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let error = std::io::Error::other("refused");
    let errors = misread_pairs::<Car>(pairs.into(), &error).errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].pointer, "/doors");
    assert_eq!(
        errors[0].detail,
        r#"This is the text "x"; it must be a whole number from 0 to 255."#
    );
}

#[test]
fn a_text_that_is_no_json_says_where_it_ceases_to_be() {
    for (text, said) in [
        ("", "There is nothing in it; it must be JSON."),
        (
            "[1,",
            "It breaks off at line 1, column 3, before its JSON is complete.",
        ),
        (
            "{\n  name: 1}",
            "It is no JSON from line 2, column 3 on: key must be a string.",
        ),
        (
            "[x]",
            "It is no JSON from line 1, column 2 on: a value is expected there.",
        ),
        (
            "[] 1",
            "It is no JSON from line 1, column 4 on: nothing may follow the document.",
        ),
    ] {
        match read_text::<Vec<u8>>(text.as_bytes()) {
            Err(Unread::NotJson(found)) => assert_eq!(found, said),
            other => panic!("{text}: {other:?}"),
        }
    }
}
