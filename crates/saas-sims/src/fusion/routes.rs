//! Which path is what, and what all answers have in common (section 4.5).

use axum::http::{Method, StatusCode};
use jiff::Timestamp;

use super::errors::Failure;
use super::item::{self, Place};
use super::parties::PARTIES;
use super::persons::{self, PERSONS};
use super::request;
use super::resource::{Resource, Writes};
use super::settings::FusionSettings;
use super::soap;
use super::state::State;
use super::{catalog, children, describe, list, token, writes};
use crate::call::{Call, Reply};
use crate::text::digest;

pub(crate) fn answer(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    state.stats.count(&operation(call), 0);
    if call.path == "/oauth2/v1/token" {
        return token::grant(settings, state, call, now);
    }
    let reply = match token::refuse_bearer(settings, state, call, now) {
        Some(refusal) => refusal,
        None if settings.forbidden.iter().any(|part| call.path.contains(part.as_str())) => {
            forbid(call, settings)
        }
        None if soap::serves(call) => soap::answer(settings, state, call, now),
        None => rest(settings, state, call, now),
    };
    let random = state.rng.u64(..).to_string();
    let ecid = digest(&["ecid", &random]);
    reply
        .with("x-oracle-dms-ecid", format!("006{}^{}", &ecid[..12], &ecid[12..32]))
        .with("x-oracle-dms-rid", "0:3")
        .with("cache-control", "no-cache, no-store, must-revalidate")
        .with("content-language", "en")
}

/// The user is known and has no privilege for this (section 4.8).
fn forbid(call: &Call, settings: &FusionSettings) -> Reply {
    let detail = "The user has no privilege for this.".to_owned();
    Failure { status: StatusCode::FORBIDDEN, code: "403", detail }.reply(call, 4, settings)
}

fn rest(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    match request::version(call) {
        Err(failure) => failure.reply(call, 1, settings),
        Ok(version) => {
            let reply = route(settings, state, call, version, now);
            let reply = reply.unwrap_or_else(|failure| failure.reply(call, version, settings));
            reply.with("rest-framework-version", version.to_string())
        }
    }
}

fn route(
    settings: &FusionSettings,
    state: &mut State,
    call: &Call,
    version: u8,
    now: Timestamp,
) -> Result<Reply, Failure> {
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let [root, "resources", release @ ("11.13.18.05" | "latest"), name, rest @ ..] = path.as_slice() else {
        return Err(nothing_here(call));
    };
    let resource = catalog::top(root, name).ok_or_else(|| nothing_here(call))?;
    let place = Place { host: call.host(), release, parent: None, resource };
    let at = Spot { settings, version, now };
    match rest {
        [] => at.collection(state, call, &place, None),
        ["describe"] if call.method == Method::GET => Ok(describe::reply(resource, settings)),
        ["describe"] => Err(Failure::not_allowed()),
        ["action", action] if resource.is(&PARTIES) => writes::action(settings, state, call, action),
        [key] => {
            let id = at.find(state, resource, key)?;
            at.item(state, call, &place, id)
        }
        [key, "child", name, rest @ ..] => {
            let parent = at.find(state, resource, key)?;
            let child = child(resource, name).map_err(|_| nothing_here(call))??;
            children::materialise(state, settings, resource, parent);
            let place = Place { parent: Some(format!("{}/{key}", resource.name)), resource: child, ..place };
            match rest {
                [] => at.collection(state, call, &place, Some(parent)),
                [key] => {
                    let id = at.find(state, child, key)?;
                    let own = state.table(child).owned_by(parent).any(|row| row.id == id);
                    if !own {
                        return Err(Failure::not_found(format!("{} {key} isn't found.", child.key)));
                    }
                    at.item(state, call, &place, id)
                }
                _ => Err(nothing_here(call)),
            }
        }
        _ => Err(nothing_here(call)),
    }
}

/// A child collection: the outer error when there is none, the inner one when it is not modelled.
fn child(parent: &'static Resource, name: &str) -> Result<Result<&'static Resource, Failure>, ()> {
    match (catalog::child(parent, name), parent.children.contains(&name)) {
        (Some(child), _) => Ok(Ok(child)),
        (None, true) => Ok(Err(Failure::not_modelled(&format!("{}/{name}", parent.name)))),
        (None, false) => Err(()),
    }
}

/// What every request needs besides its place.
struct Spot<'a> {
    settings: &'a FusionSettings,
    version: u8,
    now: Timestamp,
}

impl Spot<'_> {
    /// The surrogate key behind the key in the URL; rows that data security hides are not found either.
    fn find(&self, state: &State, resource: &'static Resource, key: &str) -> Result<i64, Failure> {
        let row = state.table(resource).by_key(key).filter(|_| self.settings.data_access);
        row.map(|row| row.id)
            .ok_or_else(|| Failure::not_found(format!("{} {key} isn't found.", resource.key)))
    }

    fn collection(
        &self,
        state: &mut State,
        call: &Call,
        place: &Place<'_>,
        owner: Option<i64>,
    ) -> Result<Reply, Failure> {
        let (settings, resource) = (self.settings, place.resource);
        if call.method == Method::POST {
            writable(resource)?;
            return writes::create(settings, state, call, place, owner, self.version, self.now);
        }
        if call.method != Method::GET {
            return Err(Failure::not_allowed());
        }
        let references = |system: &str, value: &str| {
            let persons = resource.is(&PERSONS);
            let with = if persons { persons::with_reference } else { children::parties_with };
            with(state, system, value)
        };
        let mut read = request::read_list(call, resource, self.version, settings, &references)?;
        read.owner = owner;
        if settings.purchase_orders_fail_on_fields
            && resource.name == "purchaseOrders"
            && (read.total || read.shape.fields.is_some())
        {
            let detail = "JBO-29000: Unexpected exception caught: java.lang.NullPointerException".to_owned();
            return Err(Failure { status: StatusCode::INTERNAL_SERVER_ERROR, code: "29000", detail });
        }
        // Taken out for a moment: the search borrows the tables.
        let mut rng = std::mem::replace(&mut state.rng, fastrand::Rng::with_seed(0));
        let hits = list::find(state.table(resource), &read, settings.data_access, &mut rng);
        state.rng = rng;
        if !read.shape.expand.is_empty() {
            for id in &hits.ids {
                children::materialise(state, settings, resource, *id);
            }
        }
        let body = list::page(state, &hits, &read, place);
        let link =
            format!("<{}>;rel=\"self\";kind=\"collection\";name=\"{}\"", place.collection(), resource.name);
        Ok(Reply::of(StatusCode::OK, "application/json", body).with("link", link))
    }

    fn item(&self, state: &mut State, call: &Call, place: &Place<'_>, id: i64) -> Result<Reply, Failure> {
        let (settings, resource) = (self.settings, place.resource);
        if call.method == Method::PATCH {
            writable(resource)?;
            return writes::update(settings, state, call, place, id, self.version, self.now);
        }
        if call.method == Method::DELETE && resource.writes != Writes::None {
            return Err(Failure::not_modelled("DELETE"));
        }
        if call.method != Method::GET {
            return Err(Failure::not_allowed());
        }
        let shape = request::read_item(call, resource, self.version, settings)?;
        if !shape.expand.is_empty() {
            children::materialise(state, settings, resource, id);
        }
        let row = state.table(resource).get(id).ok_or_else(|| nothing_here(call))?;
        Ok(item::reply(state, row, &shape, place, call))
    }
}

fn writable(resource: &Resource) -> Result<(), Failure> {
    match resource.writes {
        Writes::All => Ok(()),
        Writes::None => Err(Failure::not_allowed()),
        Writes::NotModelled => Err(Failure::not_modelled(&format!("writing to {}", resource.name))),
    }
}

fn nothing_here(call: &Call) -> Failure {
    Failure::not_found(format!("The resource {} isn't found.", call.path))
}

/// The operation's name in the statistics: method and path without keys and release.
fn operation(call: &Call) -> String {
    if let Some(name) = soap::operation(call) {
        return name;
    }
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match path.as_slice() {
        [root, "resources", _, name] => format!("{} /{root}/{name}", call.method),
        [root, "resources", _, name, "describe"] => format!("{} /{root}/{name}/describe", call.method),
        [root, "resources", _, name, "action", action] => {
            format!("{} /{root}/{name}/action/{action}", call.method)
        }
        [root, "resources", _, name, _, "child", child] => {
            format!("{} /{root}/{name}/{{key}}/child/{child}", call.method)
        }
        [root, "resources", _, name, _, "child", child, ..] => {
            format!("{} /{root}/{name}/{{key}}/child/{child}/{{key}}", call.method)
        }
        [root, "resources", _, name, ..] => format!("{} /{root}/{name}/{{key}}", call.method),
        _ => format!("{} {}", call.method, call.path),
    }
}
