//! Every route is asked by everybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, header::SET_COOKIE},
};
use jiff::{SignedDuration, Timestamp};
use sync_core::{
    documents::LearnedBy,
    hold::HoldReason,
    ids::{ConnectionId, DealId, PartyId},
    ports::{Clock as _, ManualClock},
};
use sync_store::{Store, StoreOptions, Welcomed};
use tower::ServiceExt as _;

use super::*;
use crate::{
    bearer::Token,
    hooks::Intake,
    who::{invitation, secret},
};

const TOKEN: &str = "0123456789abcdef";

/// A door with a connection, somebody of each role, a token of each role, and a question.
struct Site {
    app: Router,
    store: Store,
    clock: Arc<ManualClock>,
    sessions: BTreeMap<Role, String>,
    tokens: BTreeMap<Role, String>,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

const PARTY: i64 = 300_000_200_000_001;

async fn site(token: Option<Token>) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("door.db").display());
    let store = Store::open(&url, StoreOptions { durable: false, gate: None }).await.unwrap();
    store.migrate().await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 365)));
    let now = sync_core::ports::Clock::now(&*clock);
    let id = store.ensure_connection("acme", "{}", now).await.unwrap();
    let fence = store.lease_take(id, "process 7", None).await.unwrap().unwrap();
    let mut tx = store.write(&fence).await.unwrap();
    tx.open_hold(PartyId(PARTY), &HoldReason::PartyMissing, now).await.unwrap();
    tx.commit().await.unwrap();
    let (mut sessions, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    for role in Role::ALL {
        let (link, invited) = invitation(role, None, "test", now);
        store.invite(&invited).await.unwrap();
        let welcomed = store.welcome(&crate::who::digest(&link), role.key(), "no hash", now).await.unwrap();
        let Welcomed::Person(person) = welcomed else { panic!("{welcomed:?}") };
        let (session, digest) = secret();
        store.begin_session(person.id, &digest, now + SignedDuration::from_hours(24), now).await.unwrap();
        sessions.insert(role, session);
        let (token, digest) = secret();
        store.put_api_token((role.key(), role), &digest, "test", now).await.unwrap();
        tokens.insert(role, token);
    }
    let (intake, _) = Intake::new(BTreeMap::new(), store.clone(), clock.clone());
    let app = router(Parts { token, ..Parts::new(store.clone(), intake, clock.clone()) });
    Site { app, store, clock, sessions, tokens, _folder: folder }
}

impl Site {
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "here");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        // As fast as a token may ask.
        self.clock.advance(SignedDuration::from_millis(60));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        // A page that is told of writes never ends.
        let live = parts.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if live { Vec::new() } else { to_bytes(body, 1 << 20).await.unwrap().to_vec() };
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn cookie(&self, role: Role) -> String {
        format!("__Host-ml-connector={}", self.sessions[&role])
    }

    fn bearer(&self, role: Role) -> String {
        format!("Bearer {}", self.tokens[&role])
    }
}

/// The path with something in its places.
fn filled(path: &str) -> String {
    path.replace("{connection}", "acme")
        .replace("{party}", &PARTY.to_string())
        .replace("{kind}", "organization")
        .replace("{document}", "invoice:7")
        .replace(['{', '}'], "")
        .replace("/id", "/7")
        .replace("/deals/deal", "/deals/7")
        .replace("/wishes/wish", "/wishes/7")
}

/// The methods of a route, as somebody who may do everything finds them.
async fn methods(site: &Site, path: &str, guard: Guard) -> Vec<&'static str> {
    let mut there = Vec::new();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
        let (cookie, bearer) = (site.cookie(Role::Admin), site.bearer(Role::Admin));
        let headers: &[(&str, &str)] = match guard {
            Guard::Program(_) => &[("authorization", &bearer)],
            Guard::Person(_) if path == "/logout" => &[("sec-fetch-site", "same-origin")],
            Guard::Person(_) => &[("cookie", &cookie), ("sec-fetch-site", "same-origin")],
            Guard::Open | Guard::Stranger => &[("sec-fetch-site", "same-origin")],
        };
        if site.ask(method, &filled(path), headers, "").await.status != 405 {
            there.push(method);
        }
    }
    there
}

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

/// What a method of a path needs, by the table.
fn need(path: &str, method: &str) -> Guard {
    let all: Vec<Guard> =
        routes().iter().filter(|route| route.path == path).map(|route| route.guard).collect();
    match all.as_slice() {
        [one] => *one,
        // Who looks first, who changes second.
        [look, change] => {
            if method == "GET" {
                *look
            } else {
                *change
            }
        }
        _ => panic!("{path}"),
    }
}

/// Whether a guard is enough, whatever the table says: who changes something may at least answer, and who says who may do what is
/// an admin.
fn is_enough(path: &str, method: &str, guard: Guard) -> bool {
    let admins =
        ["/people", "/tokens", "/deeds", "/api/v1/deeds"].iter().any(|start| path.starts_with(start))
            || ["/text", "/text/versions", "/switch"].iter().any(|end| path.ends_with(end))
            || (path == "/api/v1/connections" && method == "POST");
    let open = ["/health/", "/metrics", "/hooks/", "/connect/", "/assets/", "/login", "/welcome"];
    match guard {
        Guard::Open | Guard::Stranger => open.iter().any(|start| path.starts_with(start)),
        Guard::Program(role) if admins => path.starts_with("/api/v1/") && role == Role::Admin,
        Guard::Program(role) => path.starts_with("/api/v1/") && (method == "GET" || role >= Role::Approver),
        Guard::Person(role) if admins => role == Role::Admin,
        Guard::Person(role) => path == "/logout" || method == "GET" || role >= Role::Approver,
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_right_to() {
    let site = site(Token::new(TOKEN)).await;
    let paths: BTreeSet<(&str, String)> =
        routes().iter().map(|route| (route.path, format!("{:?}", route.guard))).collect();
    let paths: BTreeSet<&str> = paths.into_iter().map(|(path, _)| path).collect();
    assert!(paths.len() > 50);
    for path in paths {
        let guard = need(path, "GET");
        for method in methods(&site, path, guard).await {
            let at = filled(path);
            assert!(is_enough(path, method, need(path, method)), "{method} {path}: more is needed");
            match need(path, method) {
                Guard::Open => {
                    let answer = site.ask(method, &at, &[], "").await;
                    assert_ne!(answer.status, 303, "{method} {path}");
                }
                Guard::Stranger => {
                    let stranger = site.ask(method, &at, &[SAME], "").await.status;
                    assert!(![303, 500].contains(&stranger), "{method} {path}: {stranger}");
                    if method != "GET" {
                        assert_eq!(site.ask(method, &at, &[], "").await.status, 403, "{method} {path}");
                    }
                }
                Guard::Program(role) => {
                    let none = site.ask(method, &at, &[], "").await;
                    assert_eq!(none.status, 401, "{method} {path}");
                    assert_eq!(none.header("www-authenticate"), "Bearer");
                    assert_eq!(none.header("content-type"), "application/problem+json");
                    let cookie = site.cookie(Role::Admin);
                    let by_cookie = site.ask(method, &at, &[("cookie", &cookie), SAME], "").await;
                    assert_eq!(by_cookie.status, 401, "{method} {path}: a session is no token");
                    for shown in Role::ALL {
                        let bearer = site.bearer(shown);
                        let answer = site.ask(method, &at, &[("authorization", &bearer)], "").await;
                        assert_eq!(answer.status == 403, shown < role, "{method} {path} {shown:?}");
                        assert_ne!(answer.status, 401, "{method} {path} {shown:?}");
                        assert!(answer.status < 500, "{method} {path}: {}", answer.body);
                    }
                }
                Guard::Person(role) => {
                    let none = site.ask(method, &at, &[SAME], "").await;
                    let expected = if method == "GET" { 303 } else { 401 };
                    assert_eq!(none.status, expected, "{method} {path}");
                    let bearer = site.bearer(Role::Admin);
                    let by_token = site.ask(method, &at, &[("authorization", &bearer), SAME], "").await;
                    assert_eq!(by_token.status, expected, "{method} {path}: a token is no session");
                    for shown in Role::ALL {
                        let cookie = site.cookie(shown);
                        if method != "GET" {
                            for headers in [
                                &[("cookie", cookie.as_str())][..],
                                &[("cookie", &cookie), ("sec-fetch-site", "cross-site")],
                                &[("cookie", &cookie), ("sec-fetch-site", "same-site")],
                                &[("cookie", &cookie), ("origin", "https://evil.example")],
                            ] {
                                let answer = site.ask(method, &at, headers, "").await;
                                assert_eq!(answer.status, 403, "{method} {path} {headers:?}");
                            }
                        }
                        if path == "/logout" {
                            continue;
                        }
                        let answer = site.ask(method, &at, &[("cookie", &cookie), SAME], "").await;
                        assert_eq!(answer.status == 403, shown < role, "{method} {path} {shown:?}");
                        assert!(answer.status < 500, "{method} {path}: {}", answer.body);
                        assert_ne!(answer.header("location").split('?').next(), Some("/login"), "{path}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_guarded_too() {
    let site = site(Token::new(TOKEN)).await;
    for path in ["/nothing", "/hooks", "/metrics/", "/health", "/c", "//api/v1/status", "/assets"] {
        assert_eq!(site.ask("GET", path, &[], "").await.status, 303, "{path}");
        assert_eq!(site.ask("POST", path, &[SAME], "").await.status, 401, "{path}");
        let cookie = site.cookie(Role::Viewer);
        assert_eq!(site.ask("GET", path, &[("cookie", &cookie)], "").await.status, 404, "{path}");
    }
    for path in ["/api", "/api/v1", "/api/v1/nothing"] {
        assert_eq!(site.ask("GET", path, &[], "").await.status, 401, "{path}");
        let bearer = site.bearer(Role::Viewer);
        let answer = site.ask("GET", path, &[("authorization", &bearer)], "").await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    let wanted = site.ask("GET", "/c/acme/holds?reason=party_missing", &[], "").await;
    assert_eq!(wanted.header("location"), "/login?next=%2Fc%2Facme%2Fholds%3Freason%3Dparty_missing");
}

#[tokio::test]
async fn the_token_has_to_be_right_and_to_come_once() {
    let site = site(Token::new(TOKEN)).await;
    let right = format!("Bearer {TOKEN}");
    for (tokens, expected) in [
        (&[right.as_str()][..], 200),
        (&["bearer 0123456789abcdef"], 200),
        (&["Bearer 0123456789abcdeF"], 401),
        (&["Bearer 0123456789abcde"], 401),
        (&["Bearer "], 401),
        (&["Bearer"], 401),
        (&["Basic 0123456789abcdef"], 401),
        (&["0123456789abcdef"], 401),
        (&[&right, &right], 401),
    ] {
        let headers: Vec<(&str, &str)> = tokens.iter().map(|token| ("authorization", *token)).collect();
        assert_eq!(site.ask("GET", "/api/v1/status", &headers, "").await.status, expected, "{tokens:?}");
    }
    assert!(Token::new("too short").is_none());
    assert_eq!(format!("{:?}", Token::new(TOKEN)), "Some(Token(redacted))");
    let without = self::site(None).await;
    let answer = without.ask("GET", "/api/v1/status", &[("authorization", &right)], "").await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    let known = without.store.api_tokens().await.unwrap();
    let ended = known.iter().find(|token| token.role == Role::Viewer).unwrap();
    let now = sync_core::ports::Clock::now(&*without.clock);
    assert!(without.store.end_api_token(ended.id, now).await.unwrap());
    let bearer = without.bearer(Role::Viewer);
    let answer = without.ask("GET", "/api/v1/status", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, 401, "a token that ended is worth nothing");
}

#[tokio::test]
async fn sessions_end() {
    let site = site(None).await;
    let cookie = site.cookie(Role::Viewer);
    let look = async || site.ask("GET", "/", &[("cookie", &cookie)], "").await.status;
    assert_eq!(look().await, 200);
    site.clock.advance(SignedDuration::from_hours(11));
    assert_eq!(look().await, 200, "whoever looks stays");
    site.clock.advance(SignedDuration::from_hours(12));
    assert_eq!(look().await, 303, "unused for twelve hours");
    let cookie = site.cookie(Role::Approver);
    site.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(site.ask("GET", "/", &[("cookie", &cookie)], "").await.status, 303, "a session has an end");
    let fresh = self::site(None).await;
    let cookie = fresh.cookie(Role::Admin);
    assert_eq!(fresh.ask("GET", "/", &[("cookie", &cookie)], "").await.status, 200);
    let out = fresh.ask("POST", "/logout", &[("cookie", &cookie), SAME], "").await;
    assert_eq!((out.status, out.header("location")), (303, "/login?did=logged_out"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    assert_eq!(
        fresh.ask("GET", "/", &[("cookie", &cookie)], "").await.status,
        303,
        "whoever kept the cookie"
    );
}

#[tokio::test]
async fn whoever_leaves_is_out_at_once() {
    let site = site(None).await;
    let admin = site.cookie(Role::Admin);
    let viewer = site.cookie(Role::Viewer);
    let people = site.store.people().await.unwrap();
    let id = |role: Role| people.iter().find(|person| person.role == role).unwrap().id;
    let form = [("cookie", admin.as_str()), SAME, ("content-type", "application/x-www-form-urlencoded")];
    let own = site.ask("POST", &format!("/people/{}/part", id(Role::Admin)), &form, "").await;
    assert_eq!(own.status, 409, "nobody takes rights from themselves");
    let role = format!("/people/{}/role", id(Role::Viewer));
    assert_eq!(site.ask("POST", &role, &form, "role=approver").await.status, 303);
    assert_eq!(site.ask("POST", &role, &form, "role=emperor").await.status, 400);
    let hold = format!("/c/acme/holds/{PARTY}");
    let as_viewer =
        [("cookie", viewer.as_str()), SAME, ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(site.ask("POST", &hold, &as_viewer, "answer=flag").await.status, 303, "an approver now");
    assert_eq!(site.ask("POST", &hold, &as_viewer, "answer=flag").await.status, 409, "answered already");
    let part = format!("/people/{}/part", id(Role::Viewer));
    assert_eq!(site.ask("POST", &part, &form, "").await.status, 303);
    assert_eq!(site.ask("GET", "/", &as_viewer[..1], "").await.status, 303);
    let deeds = site.store.deeds(None, 10).await.unwrap();
    let told: Vec<&str> = deeds.iter().map(|(_, deed)| deed.what.as_str()).collect();
    assert_eq!(told, ["ended somebody's access", "answered", "changed a role"]);
    assert_eq!((deeds[1].1.who.as_str(), deeds[1].1.connection), ("viewer", Some(ConnectionId(1))));
}

#[tokio::test]
async fn people_come_by_a_link_once_and_log_in_with_what_they_chose() {
    let site = site(None).await;
    let now = sync_core::ports::Clock::now(&*site.clock);
    let (link, invited) = invitation(Role::Approver, None, "test", now);
    site.store.invite(&invited).await.unwrap();
    let welcome = format!("/welcome/{link}");
    let form = [SAME, ("content-type", "application/x-www-form-urlencoded")];
    let page = site.ask("GET", &welcome, &[], "").await;
    assert!(page.status == 200 && page.body.contains("approver"), "{}", page.body);
    for (body, expected, why) in [
        ("name=Ada&password=short&again=short", 422, "12 characters"),
        ("name=Ada&password=correct+horse+battery&again=other", 422, "differ"),
        ("name=+&password=correct+horse+battery&again=correct+horse+battery", 422, "empty"),
        ("name=VIEWER&password=correct+horse+battery&again=correct+horse+battery", 422, "called VIEWER"),
        ("name=%3Cscript%3E&password=correct+horse+battery&again=other", 422, "&#60;script&#62;"),
    ] {
        let answer = site.ask("POST", &welcome, &form, body).await;
        assert_eq!(answer.status, expected, "{body}");
        assert!(answer.body.contains(why) && !answer.body.contains("<script>"), "{body}: {}", answer.body);
    }
    let good = "name=Ada&password=correct+horse+battery&again=correct+horse+battery";
    let come = site.ask("POST", &welcome, &form, good).await;
    assert_eq!((come.status, come.header("location")), (303, "/"), "{}", come.body);
    let cookie = come.headers.get(SET_COOKIE).unwrap().to_str().unwrap();
    for flag in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert_eq!(site.ask("POST", &welcome, &form, good).await.status, 404, "it worked once");
    let (late, invited) = invitation(Role::Admin, None, "test", now - SignedDuration::from_hours(25));
    site.store.invite(&invited).await.unwrap();
    assert_eq!(site.ask("GET", &format!("/welcome/{late}"), &[], "").await.status, 404, "it is too old");

    let log_in = async |body: &str| site.ask("POST", "/login", &form, body).await;
    let came = log_in("name=ada&password=correct+horse+battery&next=%2Fc%2Facme").await;
    assert_eq!((came.status, came.header("location")), (303, "/c/acme"));
    let elsewhere = log_in("name=ada&password=correct+horse+battery&next=%2F%2Fevil.example").await;
    assert_eq!((elsewhere.status, elsewhere.header("location")), (303, "/"));
    for _ in 0..5 {
        assert_eq!(log_in("name=ada&password=wrong+horse+battery").await.status, 401);
    }
    assert_eq!(log_in("name=ada&password=wrong+horse+battery").await.status, 401);
    assert_eq!(log_in("name=ada&password=correct+horse+battery").await.status, 429, "who guesses waits");
    site.clock.advance(SignedDuration::from_secs(3));
    assert_eq!(log_in("name=ada&password=correct+horse+battery").await.status, 303);
    assert_eq!(log_in("name=nobody&password=correct+horse+battery").await.status, 401);
}

#[tokio::test]
async fn pages_load_nothing_from_elsewhere_and_are_small() {
    let site = site(None).await;
    let cookie = site.cookie(Role::Admin);
    for path in ["/", "/c/acme", "/c/acme/holds?reason=party_missing", "/people", "/reference"] {
        let page = site.ask("GET", path, &[("cookie", &cookie)], "").await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
        let mut weight = page.body.len();
        for asset in page.body.split('"').filter(|part| part.starts_with("/assets/")) {
            let file = site.ask("GET", asset, &[], "").await;
            assert_eq!(file.status, 200, "{asset}");
            assert!(file.header("cache-control").contains("immutable"));
            weight += file.body.len();
        }
        assert!(weight < 100_000, "{path} weighs {weight} bytes");
        assert!(!page.body.contains("http://") && !page.body.contains("https://"), "{path}");
        assert!(!page.body.contains("style=") && !page.body.contains("<script>"), "{path}");
    }
    assert_eq!(site.ask("GET", "/assets/style-0.css", &[], "").await.status, 404);
}

#[tokio::test]
async fn what_comes_twice_with_a_key_is_done_once() {
    let site = site(None).await;
    let bearer = site.bearer(Role::Approver);
    let headers = |key: &'static str| {
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)]
    };
    let sync = "/api/v1/connections/acme/sync";
    let first = site.ask("POST", sync, &headers("a"), "{}").await;
    let again = site.ask("POST", sync, &headers("a"), "{}").await;
    assert_eq!((first.status, again.status), (202, 202), "{}", first.body);
    assert_eq!(first.body, again.body);
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    let other = site.ask("POST", sync, &headers("b"), "{}").await;
    assert_ne!(other.body, first.body);
    let reused = site.ask("POST", sync, &headers("a"), "{\"party\":7}").await;
    assert_eq!(reused.status, 422, "{}", reused.body);
    let refused = site.ask("POST", sync, &headers("c"), "{\"nonsense\":7}").await;
    assert_eq!((refused.status, refused.header("content-type")), (400, "application/problem+json"));
    let again = site.ask("POST", sync, &headers("c"), "{\"nonsense\":7}").await;
    assert_eq!((again.status, again.header("content-type")), (400, "application/problem+json"));
    let admin = site.bearer(Role::Admin);
    let others =
        [("authorization", admin.as_str()), ("content-type", "application/json"), ("idempotency-key", "a")];
    assert_ne!(site.ask("POST", sync, &others, "{}").await.body, first.body, "keys are their owner's");
    let answers = "/api/v1/connections/acme/holds/answers";
    let body = format!("{{\"answer\":\"flag\",\"parties\":[{PARTY},7]}}");
    let answer = site.ask("POST", answers, &headers("d"), &body).await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&told[0]["taken"], &told[1]["taken"]), (&true.into(), &false.into()), "{told}");
}

#[tokio::test]
async fn nobody_asks_for_what_cannot_be() {
    let site = site(None).await;
    let bearer = site.bearer(Role::Approver);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let asked = "/api/v1/connections/acme/handovers";
    for (body, expected) in [
        // Found by Schemathesis: it was tried again and again.
        ("{\"organization\":0}", 400),
        ("{\"organization\":7,\"deal\":0}", 400),
        ("{\"organization\":-7}", 400),
        ("{\"organization\":7,\"deal\":8}", 200),
    ] {
        assert_eq!(site.ask("POST", asked, &headers, body).await.status, expected, "{body}");
    }
}

#[tokio::test]
async fn the_description_tells_every_route_of_the_api() {
    let document = serde_json::to_value(api::document()).unwrap();
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            told.insert((path.clone(), method.to_uppercase()));
        }
    }
    let site = site(None).await;
    let mut there = BTreeSet::new();
    for route in routes() {
        if let Guard::Program(_) = route.guard {
            for method in methods(&site, route.path, route.guard).await {
                there.insert((route.path.to_owned(), method.to_owned()));
            }
        }
    }
    there.remove(&("/api/v1/openapi.json".to_owned(), "GET".to_owned()));
    assert_eq!(told, there);
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn whoever_waited_too_long_is_told_so() {
    use axum::{http::header::CONTENT_TYPE, response::IntoResponse as _};
    let told = too_late(StatusCode::REQUEST_TIMEOUT.into_response()).await;
    assert_eq!(told.headers()[CONTENT_TYPE], "application/problem+json");
    let other = too_late(StatusCode::NO_CONTENT.into_response()).await;
    assert!(!other.headers().contains_key(CONTENT_TYPE));
}

#[tokio::test]
async fn rules_that_were_made_of_answers_are_listed_and_taken_back() {
    let site = site(None).await;
    let connection = site.store.connections().await.unwrap()[0].id;
    let field = "PurchaseOrder".parse().unwrap();
    let by = LearnedBy::Reference { field, value: "<b>Frame</b> 9".to_owned() };
    let by = serde_json::to_string(&by).unwrap();
    let now = site.clock.now();
    let rule = site.store.put_document_rule(connection, (&by, DealId(81)), "ann", now).await.unwrap();
    let list = async |role| {
        let cookie = site.cookie(role);
        site.ask("GET", "/c/acme/documents", &[("cookie", &cookie)], "").await.body
    };
    let shown = list(Role::Viewer).await;
    assert!(shown.contains("/c/acme/deals/81") && shown.contains("Frame") && !shown.contains("<b>Frame"));
    assert!(!shown.contains("/documents/rules/"), "a viewer takes nothing back");
    let path = format!("/c/acme/documents/rules/{rule}");
    assert!(list(Role::Approver).await.contains(&path));
    for (role, status) in [(Role::Viewer, 403), (Role::Approver, 303), (Role::Approver, 404)] {
        let cookie = site.cookie(role);
        let answer = site.ask("POST", &path, &[("cookie", &cookie), SAME], "").await;
        assert_eq!(answer.status, status, "{role:?}");
    }
    assert!(!list(Role::Approver).await.contains("Frame"));
}
