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
    /// The PartyId of the party that a merged one goes into, or that a daughter belongs to.
    into: Option<i64>,
    /// The row that is edited.
    id: Option<i64>,
    /// The row that a new one belongs to.
    parent: Option<i64>,
    /// The account that an invoice goes to.
    account: Option<i64>,
    #[serde(default)]
    installments: Vec<f64>,
    amount: Option<f64>,
    #[serde(default)]
    credit: bool,
    /// Whether LastUpdateDate stays as it is.
    #[serde(default)]
    unstamped: bool,
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
        (&Method::POST, ["fusion", "child", name]) => read(call).and_then(|body| child(sim, name, body)),
        (&Method::POST, ["fusion", "relate"]) => read(call).and_then(|body| relate(sim, body)),
        (&Method::POST, ["fusion", "rows", rest @ ..]) => {
            read(call).and_then(|body| row(sim, &rest.join("/"), body))
        }
        (&Method::POST, ["fusion", "invoice"]) => read(call).and_then(|body| invoice(sim, body)),
        (&Method::POST, ["fusion", "settle"]) => read(call).and_then(|body| settle(sim, &body)),
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

fn child(sim: &FusionSim, name: &str, body: EditBody) -> Result<Value, String> {
    if let Some(id) = body.id {
        sim.edit_child(name, id, &edit(body))?;
        return Ok(json!({"id": id}));
    }
    let party = target(sim, &body)?.ok_or("PartyId or PartyNumber is missing")?;
    Ok(json!({"id": sim.add_child(party, name, edit(body))?}))
}

fn relate(sim: &FusionSim, body: EditBody) -> Result<Value, String> {
    if let Some(id) = body.id {
        sim.change_relation(id, &edit(body))?;
        return Ok(json!({"RelationshipId": id}));
    }
    let party = target(sim, &body)?.ok_or("PartyId or PartyNumber is missing")?;
    let into = body.into.ok_or("into is missing")?;
    Ok(json!({"RelationshipId": sim.relate(party, into, &edit(body))?}))
}

fn row(sim: &FusionSim, resource: &str, body: EditBody) -> Result<Value, String> {
    let (id, parent) = (body.id, body.parent);
    let id = match id {
        Some(id) => sim.edit_row(resource, id, &edit(body)).map(|()| id)?,
        None => sim.add_row(resource, parent, edit(body))?,
    };
    Ok(json!({"id": id, "row": sim.row(resource, id)}))
}

fn invoice(sim: &FusionSim, body: EditBody) -> Result<Value, String> {
    let account = body.account.ok_or("account is missing")?;
    let installments = body.installments.clone();
    let id = sim.add_invoice(account, edit(body), &installments)?;
    Ok(json!({"CustomerTransactionId": id, "invoice": sim.row("receivablesInvoices", id)}))
}

fn settle(sim: &FusionSim, body: &EditBody) -> Result<Value, String> {
    let (id, amount) = (body.id.ok_or("id is missing")?, body.amount.ok_or("amount is missing")?);
    if body.credit {
        sim.credit_invoice(id, amount)?;
    } else {
        sim.pay_invoice(id, amount)?;
    }
    Ok(json!({"CustomerTransactionId": id, "invoice": sim.row("receivablesInvoices", id)}))
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
        silent: body.unstamped,
    }
}
