//! The OpenAPI document: generated from the routes, served, and committed as docs/openapi.json.

use axum::{
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, Content, RefOr, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

use crate::{problem::Problem, status};

/// All routes of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "ml-connector",
        version = "1",
        description = "What the command line can do, for programs. Every request shows a token: an admin makes them in the console, and [web] of the configuration file may name one with every role.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        status::status,
        super::site::me,
        super::site::connections,
        super::site::budget,
        super::site::journal,
        super::site::runs,
        super::site::deeds,
        super::webhooks::webhooks,
        super::customers::customers,
        super::customers::customer,
        super::audit::audit,
        super::audit::audit_customers,
        super::holds::holds,
        super::holds::hold,
        super::handovers::handovers,
        super::handovers::handover,
        super::documents::documents,
        super::documents::one_document,
        super::documents::document_rules,
        super::documents::deal,
        super::deals::deals,
        super::planned::plan,
        super::planned::approve,
        super::fit::fit,
        super::fit::measure,
        super::check::checked,
        super::check::check,
        super::setup::make_connection,
        super::setup::text,
        super::setup::versions,
        super::setup::change_text,
        super::setup::switch,
        super::writes::answer_hold,
        super::writes::answer_holds,
        super::writes::answer_handover,
        super::writes::ask_for_handover,
        super::writes::assign,
        super::writes::remove_document_rule,
        super::writes::sync,
        super::writes::resync,
        super::writes::wish
    ),
    components(schemas(Problem)),
    tags(
        (name = "site", description = "Connections, runs and what was written"),
        (name = "customers", description = "Pairs of a party of the ERP and an organization of the CRM"),
        (name = "holds", description = "Questions about customers"),
        (name = "handovers", description = "Won deals that become customers of the ERP"),
        (name = "documents", description = "Documents of the ERP and the deals they belong to"),
        (name = "plan", description = "What would be written, before it is"),
        (name = "fit", description = "What a connection would be like, and whether both systems let us in"),
        (name = "setup", description = "Connections that are made here, not in a configuration file")
    ),
    modifiers(&Shared)
)]
struct Api;

/// What all routes have in common: the token, the refusals, and the key of what changes something.
struct Shared;

impl Modify for Shared {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", bearer);
        api.security = Some(vec![openapi::SecurityRequirement::new("token", Vec::<String>::new())]);
        for (path, item) in &mut api.paths.paths {
            let operations = [(&mut item.get, false), (&mut item.post, true)];
            for (operation, writes) in operations {
                if let Some(operation) = operation {
                    shared(path, operation, writes);
                }
            }
        }
    }
}

fn shared(path: &str, operation: &mut Operation, writes: bool) {
    let mut refusals = vec![
        ("401", "No token, or a wrong one"),
        ("403", "The token's role may not do this"),
        ("408", "It took too long"),
        ("429", "The token asks too often; Retry-After says when again"),
        ("503", "The store does not answer"),
    ];
    if path.contains('{') {
        refusals.push(("404", "There is no such thing"));
    }
    if writes || has_query(operation) {
        refusals.push(("400", "What was sent makes no sense"));
    }
    if writes {
        refusals.push(("413", "The body is too long"));
        refusals.push(("422", "The Idempotency-Key came with another request before"));
        let key = openapi::path::ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(openapi::path::ParameterIn::Header)
            .required(openapi::Required::False)
            .description(Some("A text of your choice, 1 to 200 characters, another one for each request. What comes twice with the same is done once, for a day."))
            .schema(Some(
                openapi::ObjectBuilder::new()
                    .schema_type(openapi::schema::Type::String)
                    .min_length(Some(1))
                    .max_length(Some(200)),
            ))
            .build();
        operation.parameters.get_or_insert_default().push(RefOr::T(key));
    }
    if writes || path.ends_with("/plan") || path.ends_with("/audit/customers") {
        refusals.push(("409", "It cannot be done as things stand"));
    }
    let content = Content::new(Some(RefOr::Ref(openapi::Ref::from_schema_name("Problem"))));
    for (status, what) in refusals {
        let response =
            ResponseBuilder::new().description(what).content("application/problem+json", content.clone());
        operation.responses.responses.insert(status.to_owned(), RefOr::T(response.build()));
    }
}

fn has_query(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|one| match one {
        RefOr::T(parameter) => parameter.parameter_in == openapi::path::ParameterIn::Query,
        RefOr::Ref(_) => false,
    })
}

/// The document.
#[must_use]
pub fn document() -> openapi::OpenApi {
    Api::openapi()
}

/// `GET /api/v1/openapi.json`
pub(crate) async fn served() -> Response {
    match document().to_pretty_json() {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the OpenAPI document cannot be written");
            Problem::store().into_response()
        }
    }
}
