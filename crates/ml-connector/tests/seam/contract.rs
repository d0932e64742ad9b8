//! Pipedrive's official OpenAPI files as a judge between client and simulator: neither may say what they do not.

use std::collections::BTreeMap;

use bytes::Bytes;
use jsonschema::Validator;
use serde_json::Value;

/// The operations of the fixture.
pub(crate) struct Contract {
    operations: BTreeMap<String, Operation>,
}

struct Operation {
    tokens: u64,
    query: BTreeMap<String, Parameter>,
    request: Option<Validator>,
    answer: Option<Validator>,
}

#[derive(serde::Deserialize)]
struct Parameter {
    required: bool,
    r#enum: Option<Vec<Value>>,
}

impl Contract {
    pub(crate) fn load() -> Self {
        let fixture: Value =
            serde_json::from_str(include_str!("../fixtures/pipedrive-openapi.json")).expect("JSON");
        let schema =
            |value: &Value| (!value.is_null()).then(|| jsonschema::validator_for(value).expect("a schema"));
        let operations = fixture["operations"].as_object().expect("operations");
        let operation = |value: &Value| Operation {
            tokens: value["tokens"].as_u64().expect("tokens"),
            query: serde_json::from_value(value["query"].clone()).expect("parameters"),
            request: schema(&value["request"]),
            answer: schema(&value["answer"]),
        };
        Self { operations: operations.iter().map(|(name, value)| (name.clone(), operation(value))).collect() }
    }

    /// What a request says that the specification does not know.
    pub(crate) fn request(&self, request: &http::Request<Bytes>) -> Vec<String> {
        let name = name(request.method(), request.uri().path());
        let Some(operation) = self.operations.get(&name) else {
            return vec![format!("{name} is no operation of the fixture")];
        };
        let mut wrong = Vec::new();
        let url = url::Url::parse(&format!("http://host{}", request.uri()))
            .or_else(|_| request.uri().to_string().parse());
        let query: BTreeMap<String, String> = url.expect("a URL").query_pairs().into_owned().collect();
        for (key, value) in &query {
            match operation.query.get(key) {
                None => wrong.push(format!("{name}: parameter {key} is unknown")),
                Some(Parameter { r#enum: Some(known), .. })
                    if !known.contains(&Value::String(value.clone())) =>
                {
                    wrong.push(format!("{name}: {key} cannot be {value}"));
                }
                Some(_) => {}
            }
        }
        let missing =
            operation.query.iter().filter(|(key, known)| known.required && !query.contains_key(*key));
        wrong.extend(missing.map(|(key, _)| format!("{name}: parameter {key} is missing")));
        match (&operation.request, request.body().is_empty()) {
            (Some(schema), _) => wrong.extend(judge(&name, schema, request.body())),
            (None, false) => wrong.push(format!("{name}: a body where none belongs")),
            (None, true) => {}
        }
        wrong
    }

    /// What a good answer says that the specification does not.
    pub(crate) fn answer(&self, method: &http::Method, path: &str, body: &[u8]) -> Vec<String> {
        let name = name(method, path);
        let Some(Operation { answer: Some(schema), .. }) = self.operations.get(&name) else {
            return Vec::new();
        };
        // Its schema and its own example contradict each other; the simulator has a switch for both.
        let example =
            name.contains("itemSearch/field") && !String::from_utf8_lossy(body).contains("result_score");
        if example || serde_json::from_slice::<Value>(body).is_err() {
            return Vec::new();
        }
        judge(&format!("answer to {name}"), schema, body)
    }

    /// `x-token-cost` by operation.
    pub(crate) fn costs(&self) -> BTreeMap<&str, u64> {
        self.operations.iter().map(|(name, operation)| (name.as_str(), operation.tokens)).collect()
    }
}

fn judge(name: &str, schema: &Validator, body: &[u8]) -> Vec<String> {
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return vec![format!("{name}: no JSON")] };
    schema.iter_errors(&json).map(|error| format!("{name}: {} at {}", error, error.instance_path())).collect()
}

/// `PATCH /api/v2/organizations/{id}`.
fn name(method: &http::Method, path: &str) -> String {
    let path = path.replacen("/v1/", "/api/v1/", 1).replacen("/api/api/", "/api/", 1);
    let parts = path.split('/').map(|part| {
        let id = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let code = part.len() == 40 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (id, code) {
            (true, _) => "{id}",
            (_, true) => "{field_code}",
            _ => part,
        }
    });
    format!("{method} {}", parts.collect::<Vec<_>>().join("/"))
}

#[test]
fn the_contract_refuses_what_the_specification_does_not_know() {
    let contract = Contract::load();
    let request = |method: &str, uri: &str, body: &'static str| {
        let request = http::Request::builder().method(method).uri(format!("https://company.example{uri}"));
        contract.request(&request.body(Bytes::from_static(body.as_bytes())).expect("a request"))
    };
    assert_eq!(request("GET", "/api/v2/organizations?limit=500&sort_by=id", ""), Vec::<String>::new());
    assert_eq!(
        request("POST", "/api/v2/organizations", r#"{"name": "A", "custom_fields": {"x": 1}}"#),
        Vec::<String>::new()
    );
    assert_eq!(request("GET", "/api/v2/organizations?start=0", "").len(), 1, "no offset in v2");
    assert_eq!(request("GET", "/api/v2/organizations?sort_by=name", "").len(), 1);
    assert_eq!(request("GET", "/api/v2/itemSearch/field?term=a", "").len(), 2, "what it needs");
    for body in [r#"{"name": "A", "label": 1}"#, r#"{"name": 7}"#, "{}"] {
        assert!(!request("POST", "/api/v2/organizations", body).is_empty(), "{body}");
    }
    assert_eq!(request("GET", "/api/v1/organizations", "").len(), 1, "v1 is gone");
    let answer = |body: &str| contract.answer(&http::Method::GET, "/api/v2/organizations", body.as_bytes());
    assert_eq!(answer(r#"{"success": true, "data": [{"id": 1, "name": null}]}"#), Vec::<String>::new());
    assert!(!answer(r#"{"success": true, "data": [{"id": "1"}]}"#).is_empty());
    assert!(!answer(r#"{"success": true, "data": [{"id": 1, "invented": 1}]}"#).is_empty());
}
