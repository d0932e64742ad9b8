//! Paths of organizations, deals, persons, activities, products, followers, pipelines, stages, field definitions, searches
//! and merges with their costs (`x-token-cost`).

use super::entity::Entity;
use super::problem::Problem;
use super::records::Request;
use super::state::State;
use super::{
    activities, deals, fields, find, find_term, followers, merge, organizations, persons, pipelines, products,
};
use crate::call::{Call, Reply};

/// What answers.
pub(crate) type Run = fn(&mut State, &Request<'_>) -> Result<Reply, Problem>;

/// An operation: method and path, tokens, whether it is a search, and what answers.
pub(crate) struct Route(pub(crate) &'static str, pub(crate) u64, pub(crate) bool, pub(crate) Run);

/// Fixed names come before `{id}`.
const ROUTES: &[Route] = &[
    Route("GET /api/v2/itemSearch/field", 20, true, find::by_field),
    Route("GET /api/v2/organizations/search", 20, true, |state, request| {
        find_term::by_term(state, request, Entity::Organization)
    }),
    Route("GET /api/v2/deals/search", 20, true, |state, request| {
        find_term::by_term(state, request, Entity::Deal)
    }),
    Route("GET /api/v2/persons/search", 20, true, |state, request| {
        find_term::by_term(state, request, Entity::Person)
    }),
    Route("GET /api/v2/organizations", 10, false, organizations::list),
    Route("POST /api/v2/organizations", 5, false, |state, request| {
        request.create(state, organizations::create)
    }),
    Route("GET /api/v2/organizations/{id}", 1, false, organizations::one),
    Route("PATCH /api/v2/organizations/{id}", 5, false, |state, request| {
        request.update(state, organizations::update)
    }),
    Route("DELETE /api/v2/organizations/{id}", 3, false, |state, request| {
        request.delete(state, organizations::delete)
    }),
    Route("GET /api/v2/organizationFields", 10, false, |state, request| {
        fields::list(state, request, Entity::Organization)
    }),
    Route("POST /api/v2/organizationFields", 5, false, |state, request| {
        fields::create(state, request, Entity::Organization)
    }),
    Route("GET /api/v2/organizationFields/{code}", 1, false, |state, request| {
        fields::one(state, request, Entity::Organization)
    }),
    Route("DELETE /api/v2/organizationFields/{code}", 3, false, |state, request| {
        fields::remove(state, request, Entity::Organization)
    }),
    Route("GET /api/v2/deals", 10, false, deals::list),
    Route("GET /api/v2/deals/archived", 20, false, deals::archived),
    Route("POST /api/v2/deals", 5, false, |state, request| request.create(state, deals::create)),
    Route("GET /api/v2/deals/{id}", 1, false, deals::one),
    Route("PATCH /api/v2/deals/{id}", 5, false, |state, request| request.update(state, deals::update)),
    Route("DELETE /api/v2/deals/{id}", 3, false, |state, request| request.delete(state, deals::delete)),
    Route("GET /api/v2/persons", 10, false, persons::list),
    Route("POST /api/v2/persons", 5, false, |state, request| request.create(state, persons::create)),
    Route("GET /api/v2/persons/{id}", 1, false, persons::one),
    Route("PATCH /api/v2/persons/{id}", 5, false, |state, request| request.update(state, persons::update)),
    Route("DELETE /api/v2/persons/{id}", 3, false, |state, request| request.delete(state, persons::delete)),
    Route("GET /api/v2/pipelines", 5, false, pipelines::list),
    Route("GET /api/v2/pipelines/{id}", 1, false, pipelines::one),
    Route("GET /api/v2/stages", 5, false, pipelines::stages),
    Route("GET /api/v2/stages/{id}", 1, false, pipelines::stage),
    Route("GET /api/v2/dealFields", 10, false, |state, request| fields::list(state, request, Entity::Deal)),
    Route("POST /api/v2/dealFields", 5, false, |state, request| fields::create(state, request, Entity::Deal)),
    Route("GET /api/v2/dealFields/{code}", 1, false, |state, request| {
        fields::one(state, request, Entity::Deal)
    }),
    Route("DELETE /api/v2/dealFields/{code}", 3, false, |state, request| {
        fields::remove(state, request, Entity::Deal)
    }),
    Route("PATCH /api/v2/dealFields/{code}", 5, false, |state, request| {
        fields::change(state, request, Entity::Deal)
    }),
    Route("POST /api/v2/dealFields/{code}/options", 5, false, |state, request| {
        fields::add_options(state, request, Entity::Deal)
    }),
    Route("PATCH /api/v2/dealFields/{code}/options", 5, false, |state, request| {
        fields::change_options(state, request, Entity::Deal)
    }),
    Route("DELETE /api/v2/dealFields/{code}/options", 3, false, |state, request| {
        fields::remove_options(state, request, Entity::Deal)
    }),
    Route("GET /api/v2/personFields", 10, false, |state, request| {
        fields::list(state, request, Entity::Person)
    }),
    Route("POST /api/v2/personFields", 5, false, |state, request| {
        fields::create(state, request, Entity::Person)
    }),
    Route("GET /api/v2/personFields/{code}", 1, false, |state, request| {
        fields::one(state, request, Entity::Person)
    }),
    Route("DELETE /api/v2/personFields/{code}", 3, false, |state, request| {
        fields::remove(state, request, Entity::Person)
    }),
    Route("PATCH /api/v2/personFields/{code}", 5, false, |state, request| {
        fields::change(state, request, Entity::Person)
    }),
    Route("POST /api/v2/personFields/{code}/options", 5, false, |state, request| {
        fields::add_options(state, request, Entity::Person)
    }),
    Route("PATCH /api/v2/personFields/{code}/options", 5, false, |state, request| {
        fields::change_options(state, request, Entity::Person)
    }),
    Route("DELETE /api/v2/personFields/{code}/options", 3, false, |state, request| {
        fields::remove_options(state, request, Entity::Person)
    }),
    Route("PATCH /api/v2/organizationFields/{code}", 5, false, |state, request| {
        fields::change(state, request, Entity::Organization)
    }),
    Route("POST /api/v2/organizationFields/{code}/options", 5, false, |state, request| {
        fields::add_options(state, request, Entity::Organization)
    }),
    Route("PATCH /api/v2/organizationFields/{code}/options", 5, false, |state, request| {
        fields::change_options(state, request, Entity::Organization)
    }),
    Route("DELETE /api/v2/organizationFields/{code}/options", 3, false, |state, request| {
        fields::remove_options(state, request, Entity::Organization)
    }),
    Route("PUT /v1/organizations/{id}/merge", 40, false, |state, request| {
        merge::merge(state, request, Entity::Organization)
    }),
    Route("PUT /v1/deals/{id}/merge", 40, false, |state, request| merge::merge(state, request, Entity::Deal)),
    Route("PUT /v1/persons/{id}/merge", 40, false, |state, request| {
        merge::merge(state, request, Entity::Person)
    }),
    Route("GET /api/v2/organizations/{id}/followers", 10, false, |state, request| {
        followers::list(state, request, Entity::Organization)
    }),
    Route("POST /api/v2/organizations/{id}/followers", 5, false, |state, request| {
        followers::add(state, request, Entity::Organization)
    }),
    Route("DELETE /api/v2/organizations/{id}/followers/{id}", 3, false, |state, request| {
        followers::remove(state, request, Entity::Organization)
    }),
    Route("GET /api/v2/deals/{id}/followers", 10, false, |state, request| {
        followers::list(state, request, Entity::Deal)
    }),
    Route("POST /api/v2/deals/{id}/followers", 5, false, |state, request| {
        followers::add(state, request, Entity::Deal)
    }),
    Route("DELETE /api/v2/deals/{id}/followers/{id}", 3, false, |state, request| {
        followers::remove(state, request, Entity::Deal)
    }),
    Route("GET /api/v2/products", 10, false, products::list),
    Route("POST /api/v2/products", 5, false, products::create),
    Route("GET /api/v2/products/{id}", 1, false, products::one),
    Route("DELETE /api/v2/products/{id}", 3, false, products::delete),
    Route("GET /api/v2/deals/{id}/products", 10, false, products::on_deal),
    Route("POST /api/v2/deals/{id}/products", 5, false, products::add_to_deal),
    Route("PATCH /api/v2/deals/{id}/products/{id}", 5, false, products::change_on_deal),
    Route("DELETE /api/v2/deals/{id}/products/{id}", 3, false, products::remove_from_deal),
    Route("GET /api/v2/activities", 10, false, activities::list),
    Route("POST /api/v2/activities", 5, false, |state, request| request.create(state, activities::create)),
    Route("GET /api/v2/activities/{id}", 1, false, activities::one),
    Route("PATCH /api/v2/activities/{id}", 5, false, |state, request| {
        request.update(state, activities::update)
    }),
    Route("DELETE /api/v2/activities/{id}", 3, false, |state, request| {
        request.delete(state, activities::delete)
    }),
    Route("POST /api/v2/pipelines", 5, false, by_api),
    Route("PATCH /api/v2/pipelines/{id}", 5, false, by_api),
    Route("DELETE /api/v2/pipelines/{id}", 3, false, by_api),
    Route("POST /api/v2/stages", 5, false, by_api),
    Route("PATCH /api/v2/stages/{id}", 5, false, by_api),
    Route("DELETE /api/v2/stages/{id}", 3, false, by_api),
];

fn by_api(_: &mut State, _: &Request<'_>) -> Result<Reply, Problem> {
    Err(Problem::not_modelled("making pipelines and stages over the API"))
}

/// The operation behind method and path, and its key.
pub(crate) fn find(call: &Call) -> Option<(&'static Route, &str)> {
    let fits = |route: &&'static Route| {
        route.0.split_once(' ').is_some_and(|(method, _)| method == call.method.as_str())
    };
    ROUTES.iter().filter(fits).find_map(|route| Some((route, key(route, call)?)))
}

/// The refusal of what is no operation.
pub(crate) fn unknown(call: &Call) -> Problem {
    if ROUTES.iter().any(|route| key(route, call).is_some()) {
        Problem::method_not_allowed()
    } else {
        Problem::not_found("Path")
    }
}

/// What stands for the `{}` of the route's path, empty when it has none; `None` if the path is another.
fn key<'a>(route: &Route, call: &'a Call) -> Option<&'a str> {
    let (_, path) = route.0.split_once(' ')?;
    let mut wanted = path.trim_start_matches('/').split('/');
    let mut given = call.segments.iter().map(String::as_str);
    // `/v1` is also `/api/v1`.
    if path.starts_with("/v1/") && call.path.starts_with("/api/") {
        given.next();
    }
    let mut key = "";
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(key),
            (Some(name), Some(text)) if name.starts_with('{') => key = text,
            (Some(name), Some(text)) if name == text => {}
            (None | Some(_), None | Some(_)) => return None,
        }
    }
}
