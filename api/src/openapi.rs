//! The description of this API (OpenAPI 3.1). Payloads come from the catalogue: a new kind of job
//! appears here without a change.

use std::borrow::Cow;

use packtrain_core::ids::TenantId;
use packtrain_core::job::Priority;
use packtrain_jobs::catalogue::{Entry, KINDS};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

use crate::problem::{MEDIA_TYPE, ProblemBody};
use crate::routes;
use crate::routes::JobRequest;

/// The name of the security scheme.
const KEY: &str = "api_key";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "packtrain",
        description = "Jobs behind premium features: upload files, ask for tax reports and \
            comparisons, follow them, take their artefacts. Times are RFC 3339 in UTC, \
            amounts are decimal strings, refusals are problems (RFC 9457).",
    ),
    components(schemas(ProblemBody)),
    security(("api_key" = [])),
    tags(
        (name = "files", description = "Files with transactions."),
        (name = "reports", description = "Tax reports."),
        (name = "comparisons", description = "What each method of a country would give."),
        (name = "gas", description = "What gas costs; no key is needed."),
        (name = "live", description = "What happens, as it happens."),
        (name = "analytics", description = "Time series, such as what is locked in protocols."),
        (name = "operation", description = "Jobs of all tenants. What reads needs \
            the scope `viewer` or `operator`, what changes `operator`."),
        (name = "platform", description = "Health and this description."),
    ),
)]
struct Document;

/// The description of every route.
pub fn openapi() -> OpenApi {
    let mut document = Document::openapi();
    let routes = routes::open()
        .merge(routes::ordinary())
        .merge(routes::uploads());
    document.merge(routes.into_openapi());
    let components = document.components.get_or_insert_default();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("pt_<id>_<secret>")
        .build();
    components.add_security_scheme(KEY, SecurityScheme::Http(scheme));
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.post,
            &mut path.put,
            &mut path.patch,
        ];
        for operation in operations.into_iter().flatten() {
            describe_refusals(operation);
        }
    }
    document
}

/// The description as text: indented, in a fixed order, with a line break at its end.
///
/// # Panics
/// Never: a description holds only strings, numbers and maps with text keys.
pub fn openapi_json() -> String {
    let mut text = openapi()
        .to_pretty_json()
        .expect("a description is made of plain JSON values");
    text.push('\n');
    text
}

fn describe_refusals(operation: &mut Operation) {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let refusal = ResponseBuilder::new()
        .description("Refused; the body says why.")
        .content(MEDIA_TYPE, content)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), RefOr::T(refusal));
}

impl PartialSchema for JobRequest {
    fn schema() -> RefOr<Schema> {
        let kinds = KINDS
            .iter()
            .fold(OneOfBuilder::new(), |all, entry| all.item(one(entry)));
        let said = "A job to be enqueued: a kind with its payload.";
        Schema::from(kinds.description(Some(said)).build()).into()
    }
}

impl ToSchema for JobRequest {
    fn name() -> Cow<'static, str> {
        "JobRequest".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        for entry in KINDS {
            let of_kind = (entry.schemas)();
            schemas.push((of_kind.name, of_kind.payload));
            schemas.extend(of_kind.referred);
        }
        schemas.push((TenantId::name().into_owned(), TenantId::schema()));
    }
}

/// The body that enqueues a job of one kind.
fn one(entry: &Entry) -> Schema {
    let kind = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([entry.about.kind.as_str()]));
    let run_at = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some("Not before this time; absent means now."));
    let deadline = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(
            "It expires when it was not started by this time; absent means what its kind says.",
        ));
    let priority = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(Priority::FIRST.get()))
        .maximum(Some(Priority::LAST.get()))
        .description(Some("How soon within its lane: 0 first, 9 last."));
    ObjectBuilder::new()
        .title(Some(entry.about.kind.as_str()))
        .property("kind", kind)
        .required("kind")
        .property("payload", Ref::from_schema_name((entry.schemas)().name))
        .required("payload")
        .property("tenant", Ref::from_schema_name(TenantId::name()))
        .property("run_at", run_at)
        .property("deadline", deadline)
        .property("priority", priority)
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_catalogue_is_described_with_its_payload() {
        let text = openapi_json();
        for entry in KINDS {
            let reference = format!(
                "\"$ref\": \"#/components/schemas/{}\"",
                (entry.schemas)().name
            );
            assert!(text.contains(&reference), "{reference}");
            assert!(text.contains(&format!("\"{}\"", entry.about.kind)));
        }
    }

    #[test]
    fn every_reference_of_the_description_leads_somewhere() {
        let document: serde_json::Value = serde_json::from_str(&openapi_json()).unwrap();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1);
        for reference in references.map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let text = openapi_json();
        let names = text.split("\"operationId\": \"").skip(1);
        let names: Vec<_> = names.map(|rest| rest.split('"').next()).collect();
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }

    #[test]
    fn the_committed_description_is_the_present_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == openapi_json(),
            "openapi.json is out of date; run `cargo run -p packtrain-api --example openapi`"
        );
    }
}
