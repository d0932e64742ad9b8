//! A small Pipedrive company: fields that are created when asked for, everything else answered by the test.
#![cfg(test)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use pipedrive::{Pipedrive, PipedriveAuth, PipedriveConfig};
use serde_json::{Value, json};
use sync_core::{
    budget::Plan,
    fields::{Field, Values},
    ports::ManualClock,
    value,
};

use crate::support::*;

pub(crate) const FIELDS: &str = "/api/v2/organizationFields";
pub(crate) const ORGS: &str = "/api/v2/organizations";

pub(crate) struct Company {
    pub(crate) crm: Pipedrive,
    pub(crate) log: Log,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: ManualClock,
    pub(crate) fields: Arc<Mutex<Vec<Value>>>,
}

pub(crate) fn config() -> PipedriveConfig {
    PipedriveConfig {
        hook_login: Some(("pipedrive".to_owned(), "secret".into())),
        fields: sync_core::fields::FieldTable::default().custom(),
        labels: Vec::new(),
        asked: sync_core::handover::Interest::default(),
        base_url: "https://acme.pipedrive.com".to_owned(),
        auth: PipedriveAuth::ApiToken("hunter2".into()),
        plan: Plan::Lite,
        seats: 5,
        burst: None,
        search_burst: None,
        timeout: Duration::from_secs(30),
        owner_id: Some(11),
        visible_to: Some(3),
    }
}

/// Code of the custom field of this name: its bytes in hex, padded.
pub(crate) fn code(name: &str) -> String {
    let hex: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex:0<40}")
}

pub(crate) fn field(name: &str) -> Value {
    json!({ "field_name": name, "field_code": code(name), "field_type": "varchar", "is_custom_field": true })
}

pub(crate) fn data(data: &Value) -> Outcome {
    ok(json!({ "success": true, "data": data, "additional_data": { "next_cursor": null } }))
}

/// `answer` says what it has to say; what it leaves to us, fields do.
pub(crate) fn company_with(
    config: PipedriveConfig,
    answer: impl Fn(&Sent) -> Option<Outcome> + Send + Sync + 'static,
) -> Company {
    let fields: Arc<Mutex<Vec<Value>>> = Arc::default();
    let kept = Arc::clone(&fields);
    let (transport, log) = remote(move |sent| {
        if let Some(said) = answer(sent) {
            return said;
        }
        let mut fields = kept.lock().unwrap();
        match (sent.method.as_str(), sent.path()) {
            ("GET", FIELDS) => data(&fields.clone().into()),
            ("POST", FIELDS) => {
                fields.push(field(sent.json()["field_name"].as_str().unwrap()));
                data(fields.last().unwrap())
            }
            other => panic!("{other:?} was not expected"),
        }
    });
    let (clock, sleeper) = clock();
    let (ledger, vault) = (Ledger::of(100_000), Arc::new(Vault::default()));
    let shared = Arc::new(clock.clone());
    let crm = Pipedrive::new(config, transport, shared, sleeper, Arc::clone(&ledger) as _, vault).unwrap();
    Company { crm, log, ledger, clock, fields }
}

pub(crate) fn company(answer: impl Fn(&Sent) -> Option<Outcome> + Send + Sync + 'static) -> Company {
    company_with(config(), answer)
}

pub(crate) fn org(id: i64, erp_id: Option<&str>) -> Value {
    json!({
        "id": id, "name": "Acme Oy", "owner_id": 1, "update_time": "2026-01-02T03:04:05Z", "is_deleted": false,
        "address": null, "website": null, "custom_fields": { code("ERP customer id"): erp_id, code("ERP phone"): null }
    })
}

pub(crate) fn values(name: &str) -> Values {
    Values::from_iter([(Field::Name, value::Value::Text(name.to_owned()))])
}
