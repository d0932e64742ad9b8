//! The table of routes. Each says who may call it; what does not exist is guarded, too.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use sync_store::Role;
use tokio::sync::watch;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::{
    api, client, connect, console,
    door::{Door, Parts},
    health,
    hooks::{self, MOST_BYTES},
    problem::Problem,
    scrape, status, who,
};

/// The most time to send a request and to wait for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Webhooks looked at at a time: what anybody can make us hold in memory.
const AT_A_TIME: usize = 256;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Anybody; it proves itself in its own way, or tells nothing.
    Open,
    /// Anybody, from a page of ours: people who are about to log in.
    Stranger,
    /// Programs that show a token with this role.
    Program(Role),
    /// People with a session and this role.
    Person(Role),
}

/// A route: where, what, and who may.
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) guard: Guard,
    methods: MethodRouter<Door>,
}

/// Routes as they are added.
struct Routes(Vec<Route>);

impl Routes {
    /// Adds a route that anybody may call.
    fn open(self, path: &'static str, methods: MethodRouter<Door>) -> Self {
        self.add(path, Guard::Open, methods)
    }

    /// Adds a page for people who have no session.
    fn stranger(self, path: &'static str, methods: MethodRouter<Door>) -> Self {
        self.add(path, Guard::Stranger, methods)
    }

    /// Adds a route of the API.
    fn program(self, path: &'static str, role: Role, methods: MethodRouter<Door>) -> Self {
        self.add(path, Guard::Program(role), methods)
    }

    /// Adds a page for people with a session.
    fn person(self, path: &'static str, role: Role, methods: MethodRouter<Door>) -> Self {
        self.add(path, Guard::Person(role), methods)
    }

    fn add(mut self, path: &'static str, guard: Guard, methods: MethodRouter<Door>) -> Self {
        self.0.push(Route { path, guard, methods });
        self
    }
}

/// Every route there is. Who looks and who changes may need different roles: then a path stands here twice.
pub(crate) fn routes() -> Vec<Route> {
    use Role::{Admin, Approver, Viewer};
    let webhook = post(hooks::take)
        .layer::<_, Infallible>(DefaultBodyLimit::max(MOST_BYTES))
        .layer(GlobalConcurrencyLimitLayer::new(AT_A_TIME));
    let routes = Routes(Vec::new())
        .open("/health/live", get(health::live))
        .open("/health/ready", get(health::ready))
        .open("/metrics", get(scrape::metrics))
        .open("/hooks/{connection}/{path}", webhook)
        .open("/connect/{connection}", connect::methods())
        .open("/assets/{name}", get(console::asset))
        .stranger("/login", get(console::login).post(console::log_in))
        .stranger("/welcome", get(console::welcomed))
        .stranger("/welcome/{token}", get(console::invited).post(console::welcome));
    let routes = routes
        .program("/api/v1/status", Viewer, get(status::status))
        .program("/api/v1/openapi.json", Viewer, get(api::served))
        .program("/api/v1/me", Viewer, get(api::me))
        .program("/api/v1/deeds", Admin, get(api::deeds))
        .program("/api/v1/connections", Viewer, get(api::connections))
        .program("/api/v1/connections/{connection}/budget", Viewer, get(api::budget))
        .program("/api/v1/connections", Admin, post(api::make_connection))
        .program("/api/v1/connections/{connection}/text", Admin, get(api::text).post(api::change_text))
        .program("/api/v1/connections/{connection}/text/versions", Admin, get(api::versions))
        .program("/api/v1/connections/{connection}/switch", Admin, post(api::switch))
        .program("/api/v1/connections/{connection}/check", Viewer, get(api::checked))
        .program("/api/v1/connections/{connection}/check", Approver, post(api::check))
        .program("/api/v1/connections/{connection}/webhooks", Viewer, get(api::webhooks))
        .program("/api/v1/connections/{connection}/audit", Viewer, get(api::audit))
        .program("/api/v1/connections/{connection}/audit/customers", Viewer, get(api::audit_customers))
        .program("/api/v1/connections/{connection}/journal", Viewer, get(api::journal))
        .program("/api/v1/connections/{connection}/runs", Viewer, get(api::runs))
        .program("/api/v1/connections/{connection}/customers", Viewer, get(api::customers))
        .program("/api/v1/connections/{connection}/customers/{party}", Viewer, get(api::customer))
        .program("/api/v1/connections/{connection}/holds", Viewer, get(api::holds))
        .program("/api/v1/connections/{connection}/holds/answers", Approver, post(api::answer_holds))
        .program("/api/v1/connections/{connection}/holds/{party}", Viewer, get(api::hold))
        .program("/api/v1/connections/{connection}/holds/{party}/answer", Approver, post(api::answer_hold))
        .program("/api/v1/connections/{connection}/handovers", Viewer, get(api::handovers))
        .program("/api/v1/connections/{connection}/handovers", Approver, post(api::ask_for_handover))
        .program("/api/v1/connections/{connection}/handovers/{kind}/{id}", Viewer, get(api::handover))
        .program(
            "/api/v1/connections/{connection}/handovers/{kind}/{id}/answer",
            Approver,
            post(api::answer_handover),
        )
        .program("/api/v1/connections/{connection}/documents", Viewer, get(api::documents))
        .program("/api/v1/connections/{connection}/documents/{document}", Viewer, get(api::one_document))
        .program("/api/v1/connections/{connection}/documents/{document}/assign", Approver, post(api::assign))
        .program("/api/v1/connections/{connection}/document-rules", Viewer, get(api::document_rules))
        .program(
            "/api/v1/connections/{connection}/document-rules/{rule}/remove",
            Approver,
            post(api::remove_document_rule),
        )
        .program("/api/v1/connections/{connection}/deals", Viewer, get(api::deals))
        .program("/api/v1/connections/{connection}/deals/{deal}", Viewer, get(api::deal))
        .program("/api/v1/connections/{connection}/plan", Viewer, get(api::plan))
        .program("/api/v1/connections/{connection}/plan/approve", Approver, post(api::approve))
        .program("/api/v1/connections/{connection}/fit", Viewer, get(api::fit))
        .program("/api/v1/connections/{connection}/fit", Approver, post(api::measure))
        .program("/api/v1/connections/{connection}/sync", Approver, post(api::sync))
        .program("/api/v1/connections/{connection}/resync", Approver, post(api::resync))
        .program("/api/v1/connections/{connection}/wishes/{wish}", Viewer, get(api::wish));
    let routes = routes
        .person("/", Viewer, get(console::overview))
        .person("/logout", Viewer, post(console::leave))
        .person("/reference", Viewer, get(console::reference))
        .person("/people", Admin, get(console::people).post(console::invite))
        .person("/people/{id}/role", Admin, post(console::change_role))
        .person("/people/{id}/reset", Admin, post(console::reset))
        .person("/people/{id}/part", Admin, post(console::part))
        .person("/tokens", Admin, get(console::tokens).post(console::make_token))
        .person("/tokens/{id}/end", Admin, post(console::end_token))
        .person("/deeds", Admin, get(console::deeds))
        .person("/connections/new", Admin, get(console::new).post(console::make))
        .person("/c/{connection}", Viewer, get(console::connection))
        .person("/c/{connection}/setup", Admin, get(console::setup).post(console::change_setup))
        .person("/c/{connection}/mapping", Admin, get(console::mapping).post(console::change_mapping))
        .person("/c/{connection}/fit", Viewer, get(console::fit))
        .person("/c/{connection}/fit", Approver, post(console::measure))
        .person("/c/{connection}/fit.json", Viewer, get(console::fit_json))
        .person("/c/{connection}/events", Viewer, get(console::events))
        .person("/c/{connection}/sync", Approver, post(console::sync))
        .person("/c/{connection}/journal", Viewer, get(console::journal))
        .person("/c/{connection}/customers", Viewer, get(console::customers))
        .person("/c/{connection}/customers/{party}", Viewer, get(console::customer))
        .person("/c/{connection}/customers/{party}/sync", Approver, post(console::sync_customer))
        .person("/c/{connection}/holds", Viewer, get(console::holds))
        .person("/c/{connection}/holds", Approver, post(console::answer_all))
        .person("/c/{connection}/holds/{party}", Viewer, get(console::hold))
        .person("/c/{connection}/holds/{party}", Approver, post(console::answer))
        .person("/c/{connection}/handovers", Viewer, get(console::handovers))
        .person("/c/{connection}/handovers", Approver, post(console::ask))
        .person("/c/{connection}/handovers/{kind}/{id}", Viewer, get(console::handover))
        .person("/c/{connection}/handovers/{kind}/{id}", Approver, post(console::answer_handover))
        .person("/c/{connection}/documents", Viewer, get(console::documents))
        .person("/c/{connection}/documents/{document}", Viewer, get(console::document))
        .person("/c/{connection}/documents/{document}", Approver, post(console::assign))
        .person("/c/{connection}/documents/rules/{rule}", Approver, post(console::remove_rule))
        .person("/c/{connection}/deals/{deal}", Viewer, get(console::deal))
        .person("/c/{connection}/plan", Viewer, get(console::plan))
        .person("/c/{connection}/plan", Approver, post(console::approve))
        .person("/c/{connection}/plan/deals", Viewer, get(console::older))
        .person("/c/{connection}/plan/deals", Approver, post(console::ask_for_older));
    routes.0
}

/// The most bytes of what people and programs send; webhooks have a limit of their own.
const MOST_SENT: usize = 64 << 10;

/// The routes of a process.
pub fn router(parts: Parts) -> Router {
    // Nobody says that it ends: whoever keeps a response open keeps it as long as it likes.
    let (_, closing) = watch::channel(false);
    closing_router(parts, closing)
}

/// The same, of a process that says when it ends.
pub(crate) fn closing_router(parts: Parts, closing: watch::Receiver<bool>) -> Router {
    let door = Door::new(parts, closing);
    let person = |role| from_fn_with_state((door.clone(), role), who::person);
    let program = |role| from_fn_with_state((door.clone(), role), who::program);
    let mut app = Router::new();
    for Route { path, guard, methods } in routes() {
        let methods = match guard {
            Guard::Open => methods,
            Guard::Stranger => methods.layer(from_fn(who::same_site)),
            // From the inside to the outside.
            Guard::Person(role) => methods.layer(person(role)).layer(from_fn(who::same_site)),
            Guard::Program(role) => methods
                .layer(from_fn_with_state(door.clone(), api::once))
                .layer(from_fn_with_state(door.clone(), api::slowly))
                .layer(program(role)),
        };
        let methods = match guard {
            Guard::Open => methods,
            Guard::Stranger | Guard::Person(_) | Guard::Program(_) => {
                methods.layer::<_, Infallible>(DefaultBodyLimit::max(MOST_SENT))
            }
        };
        app = app.route(path, methods);
    }
    // What does not exist is guarded, too.
    let api = Router::new().fallback(nothing_here).layer(program(Role::Viewer));
    let pages = Router::new()
        .fallback(console::nothing_here)
        .layer(person(Role::Viewer))
        .layer(from_fn(who::same_site));
    app.nest("/api", api)
        .fallback_service(pages.with_state(door.clone()))
        .layer(from_fn_with_state(door.clone(), client::find))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, PATIENCE))
        .layer(map_response(too_late))
        .with_state(door)
}

/// Whoever waited too long is told so, as of every other refusal; the layer that stops waiting says nothing.
async fn too_late(answer: Response) -> Response {
    if answer.status() != StatusCode::REQUEST_TIMEOUT || answer.headers().contains_key(CONTENT_TYPE) {
        return answer;
    }
    let help = "look whether it was done meanwhile, and ask again in a moment";
    Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", "it took too long", help).into_response()
}

async fn nothing_here() -> Problem {
    Problem::not_found("there is nothing at this address", "/api/v1/openapi.json lists what there is")
}

#[cfg(test)]
mod tests;
