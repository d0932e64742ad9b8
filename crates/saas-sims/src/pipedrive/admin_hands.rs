//! `/_sim/` of Pipedrive for deals, persons, activities, merges, pipelines, stages and filters.

use axum::http::Method;
use serde_json::{Value, json};

use super::PipedriveSim;
use crate::call::Call;

/// The outcome; `None` when there is no such path.
pub(crate) fn answer(sim: &PipedriveSim, call: &Call) -> Option<Result<Value, String>> {
    let path: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let (post, delete) = (call.method == Method::POST, call.method == Method::DELETE);
    Some(match path.as_slice() {
        ["deals"] if post => made(body(call).and_then(|body| sim.create_deal(&body))),
        ["deals", key] if post => done(body(call).and_then(|body| sim.edit_deal(id(key)?, &body))),
        ["deals", key] if delete => done(id(key).and_then(|id| sim.delete_deal(id))),
        ["deals", key, what] if post => done(id(key).and_then(|id| deal(sim, call, id, what))),
        ["persons"] if post => made(body(call).and_then(|body| sim.create_person(&body))),
        ["persons", key] if post => done(body(call).and_then(|body| sim.edit_person(id(key)?, &body))),
        ["persons", key] if delete => done(id(key).and_then(|id| sim.delete_person(id))),
        ["activities"] if post => made(body(call).and_then(|body| sim.create_activity(&body))),
        ["activities", key] if post => done(body(call).and_then(|body| sim.edit_activity(id(key)?, &body))),
        ["activities", key] if delete => done(id(key).and_then(|id| sim.delete_activity(id))),
        ["organizations", key, "merge"] if post => {
            done(id(key).and_then(|id| sim.merge_organizations(id, number(call, "into")?)))
        }
        ["pipelines"] if post => made(text(call, "name").map(|name| sim.add_pipeline(&name))),
        ["stages"] if post => {
            made(text(call, "name").and_then(|name| sim.add_stage(number(call, "pipeline_id")?, &name)))
        }
        ["filters"] if post => made(body(call).and_then(|body| sim.save_filter(&body))),
        _ => return None,
    })
}

/// Win, lose, reopen, move, archive, unarchive, merge.
fn deal(sim: &PipedriveSim, call: &Call, id: i64, what: &str) -> Result<(), String> {
    match what {
        "win" => sim.win_deal(id),
        "lose" => sim.lose_deal(id, &text(call, "reason").unwrap_or_default()),
        "reopen" => sim.reopen_deal(id),
        "move" => sim.move_deal(id, number(call, "stage_id")?),
        "archive" => sim.archive_deal(id, true),
        "unarchive" => sim.archive_deal(id, false),
        "merge" => sim.merge_deals(id, number(call, "into")?),
        other => Err(format!("nobody can {other} a deal")),
    }
}

fn body(call: &Call) -> Result<Value, String> {
    serde_json::from_slice(&call.body).map_err(|error| error.to_string())
}

fn id(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text} is no id"))
}

fn number(call: &Call, name: &str) -> Result<i64, String> {
    body(call)?[name].as_i64().ok_or_else(|| format!("{name} is missing"))
}

fn text(call: &Call, name: &str) -> Result<String, String> {
    body(call)?[name].as_str().map(str::to_owned).ok_or_else(|| format!("{name} is missing"))
}

fn made(outcome: Result<i64, String>) -> Result<Value, String> {
    outcome.map(|id| json!({"id": id}))
}

fn done(outcome: Result<(), String>) -> Result<Value, String> {
    outcome.map(|()| json!({"ok": true}))
}
