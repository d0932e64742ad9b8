//! Requests to a router, without sockets.

use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::pipedrive::{PipedriveSettings, PipedriveSim};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::contract::Contract;

/// Pipedrive's official OpenAPI files; nothing is answered that they do not know.
static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

pub(crate) const START: &str = "2026-03-02T10:00:00Z";

pub(crate) fn start() -> Timestamp {
    at(START)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Headers of a request.
pub(crate) type Headers<'a> = &'a [(&'a str, &'a str)];

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json()
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

pub(crate) async fn send(
    router: &Router,
    method: &str,
    path: &str,
    headers: Headers<'_>,
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", "pod.example:8080");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    if parts.status.is_success() {
        let (method, path) = (method.parse().unwrap(), path.split('?').next().unwrap());
        assert_eq!(CONTRACT.answer(&method, path, &bytes), Vec::<String>::new(), "{method} {path}");
    }
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A pod, a token, and requests with it.
pub(crate) struct Pod {
    pub(crate) sim: FusionSim,
    pub(crate) router: Router,
    pub(crate) clock: SimClock,
    token: String,
}

pub(crate) const PARTIES: &str = "/crmRestApi/resources/11.13.18.05/hubOrganizations";
pub(crate) const ACCOUNTS: &str = "/fscmRestApi/resources/11.13.18.05/receivablesCustomerAccountActivities";
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const GRANT: &str = "grant_type=client_credentials&scope=all&client_id=me&client_secret=s";

impl Pod {
    pub(crate) async fn new() -> Self {
        Self::with(FusionSettings::default()).await
    }

    pub(crate) async fn with(settings: FusionSettings) -> Self {
        let clock = SimClock::at(start());
        let sim = FusionSim::new(settings, clock.clone(), 7);
        let router = sim.router();
        let answer = send(&router, "POST", "/oauth2/v1/token", &[FORM], GRANT).await;
        let token = format!("Bearer {}", answer.ok()["access_token"].as_str().unwrap());
        Self { sim, router, clock, token }
    }

    /// A GET with framework 4 and query pairs.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        self.get_with(path, query, &[("rest-framework-version", "4")]).await
    }

    pub(crate) async fn get_with(&self, path: &str, query: &[(&str, &str)], headers: Headers<'_>) -> Answer {
        let mut all = vec![("authorization", self.token.as_str())];
        all.extend_from_slice(headers);
        send(&self.router, "GET", &with_query(path, query), &all, "").await
    }

    /// A write with framework 4 and a JSON body.
    pub(crate) async fn write(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.write_with(method, path, body, &[]).await
    }

    pub(crate) async fn write_with(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        headers: Headers<'_>,
    ) -> Answer {
        let mut all = vec![
            ("authorization", self.token.as_str()),
            ("rest-framework-version", "4"),
            ("content-type", "application/vnd.oracle.adf.resourceitem+json"),
        ];
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other == name));
        all.extend_from_slice(headers);
        send(&self.router, method, path, &all, &body.to_string()).await
    }

    /// The names that a `q` over parties finds, ordered by PartyId.
    #[track_caller]
    pub(crate) fn names(&self, q: &str) -> impl Future<Output = Vec<String>> {
        let q = q.to_owned();
        async move {
            let query = [("q", q.as_str()), ("orderBy", "PartyId"), ("limit", "500"), ("onlyData", "true")];
            let body = self.get(PARTIES, &query).await.ok();
            column(&body["items"], "OrganizationName")
        }
    }
}

pub(crate) fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

pub(crate) fn column(items: &Value, name: &str) -> Vec<String> {
    items.as_array().unwrap().iter().map(|item| item[name].as_str().unwrap_or("null").to_owned()).collect()
}

pub(crate) fn ids(items: &Value, name: &str) -> Vec<i64> {
    items.as_array().unwrap().iter().map(|item| item[name].as_i64().unwrap()).collect()
}

/// A company and requests with its API token.
pub(crate) struct Company {
    pub(crate) sim: PipedriveSim,
    pub(crate) router: Router,
    pub(crate) clock: SimClock,
}

pub(crate) const ORGANIZATIONS: &str = "/api/v2/organizations";
pub(crate) const FIELDS: &str = "/api/v2/organizationFields";
pub(crate) const DEALS: &str = "/api/v2/deals";
pub(crate) const PERSONS: &str = "/api/v2/persons";
pub(crate) const DEAL_FIELDS: &str = "/api/v2/dealFields";
pub(crate) const SEARCH: &str = "/api/v2/itemSearch/field";

/// What was charged is what the specification says, in every test.
impl Drop for Company {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let costs = CONTRACT.costs();
        for (operation, (requests, tokens)) in self.sim.stats().by_operation {
            let name = operation.replace(" /v1/", " /api/v1/").replace("{code}", "{field_code}");
            let cost = costs.get(name.as_str()).copied().unwrap_or(0);
            // Refused requests are free where so set.
            let charged =
                if cost == 0 { tokens == 0 } else { tokens % cost == 0 && tokens <= requests * cost };
            assert!(charged, "{operation}: {tokens} tokens for {requests} requests of {cost}");
        }
    }
}

impl Company {
    /// Without the limit of requests in 2 s, as time stands still.
    pub(crate) fn new() -> Self {
        Self::with(PipedriveSettings { enforce_burst: false, ..PipedriveSettings::default() })
    }

    pub(crate) fn with(settings: PipedriveSettings) -> Self {
        let clock = SimClock::at(start());
        let sim = PipedriveSim::new(settings, clock.clone(), 7);
        Self { router: sim.router(), sim, clock }
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        send(&self.router, "GET", &with_query(path, query), &[("x-api-token", "t")], "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = [("x-api-token", "t"), ("content-type", "application/json")];
        send(&self.router, method, path, &headers, &body.to_string()).await
    }

    pub(crate) async fn create(&self, body: &Value) -> i64 {
        self.send("POST", ORGANIZATIONS, body).await.ok()["data"]["id"].as_i64().unwrap()
    }

    /// Creates a record at the path and returns its id.
    pub(crate) async fn make(&self, path: &str, body: &Value) -> i64 {
        self.send("POST", path, body).await.ok()["data"]["id"].as_i64().unwrap()
    }

    /// The record at the path.
    pub(crate) async fn read(&self, path: &str, id: i64) -> Value {
        self.get(&format!("{path}/{id}"), &[]).await.ok()["data"].clone()
    }

    /// The ids of a list's first page.
    pub(crate) async fn list(&self, path: &str, query: &[(&str, &str)]) -> Vec<i64> {
        ids(&self.get(path, query).await.ok()["data"], "id")
    }

    /// Creates a custom field and returns its code.
    pub(crate) async fn field(&self, name: &str, kind: &str) -> String {
        let answer = self.send("POST", FIELDS, &json!({"field_name": name, "field_type": kind})).await;
        answer.ok()["data"]["field_code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn search(&self, field: &str, term: &str) -> Vec<i64> {
        let query = [("term", term), ("entity_type", "organization"), ("field", field), ("match", "exact")];
        ids(&self.get(SEARCH, &query).await.ok()["data"], "id")
    }
}
