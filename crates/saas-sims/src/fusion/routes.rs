//! Which path is what, and what all answers have in common (section 4.5).

use axum::http::{Method, StatusCode};
use jiff::Timestamp;

use super::accounts::ACCOUNTS;
use super::errors::Failure;
use super::item::{self, Place};
use super::list;
use super::parties::PARTIES;
use super::request;
use super::resource::Resource;
use super::settings::FusionSettings;
use super::soap;
use super::state::State;
use super::token;
use crate::call::{Call, Reply};
use crate::text::digest;

pub(crate) fn answer(settings: &FusionSettings, state: &mut State, call: &Call, now: Timestamp) -> Reply {
    state.stats.count(&operation(call), 0);
    if call.path == "/oauth2/v1/token" {
        return token::grant(settings, state, call, now);
    }
    let reply = match token::refuse_bearer(settings, state, call, now) {
        Some(refusal) => refusal,
        None if soap::serves(call) => soap::answer(settings, state, call, now),
        None => rest(settings, state, call),
    };
    let random = state.rng.u64(..).to_string();
    let ecid = digest(&["ecid", &random]);
    reply
        .with("x-oracle-dms-ecid", format!("006{}^{}", &ecid[..12], &ecid[12..32]))
        .with("x-oracle-dms-rid", "0:3")
        .with("cache-control", "no-cache, no-store, must-revalidate")
        .with("content-language", "en")
}

fn rest(settings: &FusionSettings, state: &mut State, call: &Call) -> Reply {
    match request::version(call) {
        Err(failure) => failure.reply(call, 1, settings),
        Ok(version) => {
            let reply = route(settings, state, call, version);
            let reply = reply.unwrap_or_else(|failure| failure.reply(call, version, settings));
            reply.with("rest-framework-version", version.to_string())
        }
    }
}

fn route(settings: &FusionSettings, state: &mut State, call: &Call, version: u8) -> Result<Reply, Failure> {
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let (root, release, name, key) = match path.as_slice() {
        [root, "resources", release, name] => (*root, *release, *name, None),
        [root, "resources", release, name, key] => (*root, *release, *name, Some(*key)),
        _ => return Err(nothing_here(call)),
    };
    let known_release = matches!(release, "11.13.18.05" | "latest");
    let resource = resource(root, name).filter(|_| known_release).ok_or_else(|| nothing_here(call))?;
    if call.method != Method::GET {
        return Err(Failure::not_allowed());
    }
    let State { parties, accounts, rng, .. } = state;
    let table = if resource.name == ACCOUNTS.name { accounts } else { parties };
    let place = Place { host: call.host(), release, resource };
    let Some(key) = key else {
        let read = request::read_list(call, resource, version, settings)?;
        let body = list::page(table, &read, &place, settings.data_access, rng);
        let link =
            format!("<{}>;rel=\"self\";kind=\"collection\";name=\"{}\"", place.collection(), resource.name);
        return Ok(Reply::of(StatusCode::OK, "application/json", body).with("link", link));
    };
    let shape = request::read_item(call, resource, settings)?;
    let row = table.by_key(key).filter(|_| settings.data_access);
    let row = row.ok_or_else(|| Failure::not_found(format!("{} {key} isn't found.", resource.key)))?;
    Ok(item::reply(row, &shape, &place, call))
}

fn resource(root: &str, name: &str) -> Option<&'static Resource> {
    let all: [&'static Resource; 2] = [&PARTIES, &ACCOUNTS];
    all.into_iter().find(|resource| resource.root == root && resource.name == name)
}

fn nothing_here(call: &Call) -> Failure {
    Failure::not_found(format!("The resource {} isn't found.", call.path))
}

/// The operation's name in the statistics: method and path without keys and release.
fn operation(call: &Call) -> String {
    if let Some(name) = soap::operation(call) {
        return name;
    }
    match call.segments.as_slice() {
        [root, resources, _, name] if resources == "resources" => format!("{} /{root}/{name}", call.method),
        [root, resources, _, name, ..] if resources == "resources" => {
            format!("{} /{root}/{name}/{{key}}", call.method)
        }
        _ => format!("{} {}", call.method, call.path),
    }
}
