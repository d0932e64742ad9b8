//! `/_sim/fusion/`: what a person, a job or a test does to the pod.

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Edit, FusionSim};
use crate::call::{Call, Reply};
use crate::shell::{done, refused};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditBody {
    #[serde(rename = "PartyId")]
    party_id: Option<i64>,
    #[serde(rename = "PartyNumber")]
    party_number: Option<String>,
    #[serde(default)]
    set: Map<String, Value>,
    by: Option<String>,
    stamp: Option<Timestamp>,
    #[serde(default)]
    visible_after_seconds: i64,
    /// The PartyId of the party that a merged one goes into.
    into: Option<i64>,
}

pub(crate) fn answer(sim: &FusionSim, call: &Call) -> Option<Reply> {
    let path: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    let outcome = match (&call.method, path.as_slice()) {
        (&Method::POST, ["fusion", "tokens", "revoke"]) => {
            sim.revoke_tokens();
            return Some(done());
        }
        (&Method::POST, ["fusion", "party"]) => read(call).and_then(|body| party(sim, body)),
        (&Method::POST, ["fusion", "party", "remove"]) => read(call).and_then(|body| remove(sim, &body)),
        (&Method::POST, ["fusion", "party", "merge"]) => read(call).and_then(|body| merge(sim, &body)),
        (&Method::POST, ["fusion", "account"]) => read(call).and_then(|body| account(sim, body)),
        _ => return None,
    };
    Some(match outcome {
        Ok(body) => Reply::ok(&body),
        Err(why) => refused(&why),
    })
}

fn read(call: &Call) -> Result<EditBody, String> {
    serde_json::from_slice(&call.body).map_err(|error| error.to_string())
}

fn party(sim: &FusionSim, body: EditBody) -> Result<Value, String> {
    let known = target(sim, &body)?;
    let id = match known {
        Some(id) => {
            sim.edit_party(id, &edit(body))?;
            id
        }
        None => sim.add_party(edit(body))?,
    };
    Ok(json!({"PartyId": id, "party": sim.party(id)}))
}

fn remove(sim: &FusionSim, body: &EditBody) -> Result<Value, String> {
    let party = target(sim, body)?.ok_or("PartyId or PartyNumber is missing")?;
    sim.remove_party(party)?;
    Ok(json!({"PartyId": party}))
}

fn merge(sim: &FusionSim, body: &EditBody) -> Result<Value, String> {
    let party = target(sim, body)?.ok_or("PartyId or PartyNumber is missing")?;
    let into = body.into.ok_or("into is missing")?;
    sim.merge_party(party, into)?;
    Ok(json!({"PartyId": party, "party": sim.party(party)}))
}

fn account(sim: &FusionSim, body: EditBody) -> Result<Value, String> {
    let party = target(sim, &body)?.ok_or("PartyId or PartyNumber is missing")?;
    let id = sim.add_account(party, edit(body))?;
    Ok(json!({"AccountId": id, "account": sim.account(id)}))
}

fn target(sim: &FusionSim, body: &EditBody) -> Result<Option<i64>, String> {
    match (body.party_id, &body.party_number) {
        (Some(id), None) => Ok(Some(id)),
        (None, Some(number)) => sim.party_id(number).map(Some).ok_or_else(|| format!("no party {number}")),
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("give PartyId or PartyNumber, not both".to_owned()),
    }
}

fn edit(body: EditBody) -> Edit {
    Edit {
        set: body.set,
        by: body.by,
        stamp: body.stamp,
        late: SignedDuration::from_secs(body.visible_after_seconds),
    }
}
