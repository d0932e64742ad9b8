//! What stands before guarded routes: a session with the right role, or a token with one; and, for whatever changes
//! something, that it comes from a page of ours.

use std::sync::atomic::Ordering;

use axum::{
    Extension,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
        header::{AUTHORIZATION, HOST, LOCATION, ORIGIN, WWW_AUTHENTICATE},
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use sync_store::Role;
use url::Url;

use super::{SESSION_IDLE, Who, digest, of_request};
use crate::{client::Client, console::refusal, door::Door, problem::Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Lets people pass who have at least this role; sends others where they can get a session.
pub(crate) async fn person(
    State((door, role)): State<(Door, Role)>,
    Extension(client): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let now = door.parts.clock.now();
    let who = match session(&door, request.headers(), client, now).await {
        Ok(Some(who)) => who,
        Ok(None) => return to_login(&request),
        Err(response) => return response,
    };
    if !who.may(role) {
        door.unauthorized.fetch_add(1, Ordering::Relaxed);
        return refusal(
            StatusCode::FORBIDDEN,
            Some(&who),
            "You may not do this",
            &format!(
                "It takes the role {}; yours is {}. An admin can change that.",
                role.key(),
                who.role.key()
            ),
        );
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// Who has the session that a request shows.
async fn session(
    door: &Door,
    headers: &HeaderMap,
    client: Client,
    now: Timestamp,
) -> Result<Option<Who>, Response> {
    let Some(token) = of_request(headers) else { return Ok(None) };
    match door.parts.store.session(&digest(token), SESSION_IDLE, now).await {
        Ok(session) => Ok(session.map(|session| Who {
            name: session.person.name,
            role: session.person.role,
            person: Some(session.person.id),
            client,
        })),
        Err(error) => {
            tracing::warn!(%error, "the store could not be asked for a session");
            Err(refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                "The store does not answer",
                "Try again in a moment. The log says what is wrong.",
            ))
        }
    }
}

/// Asks for a session; whoever wanted to look comes back to where they were.
fn to_login(request: &Request) -> Response {
    let looks = request.method() == Method::GET || request.method() == Method::HEAD;
    if request.headers().contains_key("hx-request") {
        return (StatusCode::UNAUTHORIZED, [(HX_REDIRECT, "/login")]).into_response();
    }
    if !looks {
        return refusal(
            StatusCode::UNAUTHORIZED,
            None,
            "Your session has ended",
            "Nothing was done. Log in again and repeat it.",
        );
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let mut to = String::from("/login");
    if wanted != "/" {
        let encoded: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        to = format!("/login?next={encoded}");
    }
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/login"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

/// Lets pass what comes from a page of ours: browsers say so in headers that pages cannot write. A request that says
/// nothing of where it comes from is refused: what changes something with a cookie comes from browsers alone.
pub(crate) async fn same_site(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_ours(request.headers(), request.uri().authority().map(axum::http::uri::Authority::as_str)) {
        return next.run(request).await;
    }
    refusal(
        StatusCode::FORBIDDEN,
        None,
        "This did not come from a page of ml-connector",
        "Nothing was done. If you did it yourself, a proxy may have changed the headers Origin and Host: both have to arrive as the browser sent them.",
    )
}

fn is_ours(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    };
    match one(&SEC_FETCH_SITE) {
        Some(site) => site == "same-origin",
        // Browsers send it to what they trust only: not over plain http.
        None => {
            let origin = one(&ORIGIN).and_then(|origin| Url::parse(origin).ok());
            let (Some(origin), Some(host)) = (origin, authority.or_else(|| one(&HOST))) else { return false };
            let said = origin.host_str().map(|name| match origin.port() {
                Some(port) => format!("{name}:{port}"),
                None => name.to_owned(),
            });
            said.is_some_and(|said| said.eq_ignore_ascii_case(host))
        }
    }
}

/// Lets programs pass whose token has at least this role. The token of the configuration file has every role.
pub(crate) async fn program(
    State((door, role)): State<(Door, Role)>,
    Extension(client): Extension<Client>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(shown) = shown(request.headers()) else {
        return refuse(
            "this needs a token",
            "send the header Authorization: Bearer TOKEN, with a token that an admin made in the console, or with that of [web]",
        );
    };
    let who = match &door.parts.token {
        Some(token) if token.is(shown) => {
            Who { name: "token of [web]".to_owned(), role: Role::Admin, person: None, client }
        }
        _ => {
            let known = match std::str::from_utf8(shown) {
                Ok(shown) => door.parts.store.api_token(&digest(shown), door.parts.clock.now()).await,
                Err(_) => Ok(None),
            };
            match known {
                Ok(Some(token)) => {
                    Who { name: format!("token {}", token.name), role: token.role, person: None, client }
                }
                Ok(None) => {
                    if door.unauthorized.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::warn!(%client, "a wrong token was shown; /metrics counts the others");
                    }
                    return refuse(
                        "the token is wrong, or it has ended",
                        "send a token that an admin made in the console, or that of [web] of the configuration file",
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "the store could not be asked for a token");
                    return Problem::store().into_response();
                }
            }
        }
    };
    if !who.may(role) {
        door.unauthorized.fetch_add(1, Ordering::Relaxed);
        let message =
            format!("this needs the role {}, and the token has the role {}", role.key(), who.role.key());
        let help = "ask an admin for a token with that role";
        return Problem::new(StatusCode::FORBIDDEN, "forbidden", message, help).into_response();
    }
    request.extensions_mut().insert(who);
    next.run(request).await
}

/// What the one `Authorization` header shows, if it is of the right kind.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?.as_bytes(), values.next()) else { return None };
    let (scheme, token) = value.split_at_checked(b"bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty()).then_some(token)
}

fn refuse(message: &'static str, help: &'static str) -> Response {
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message, help);
    ([(WWW_AUTHENTICATE, "Bearer")], problem).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_may_change_something() {
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "http://here:8080"), ("host", "here:8080")],
                false,
            ),
            (&[("origin", "http://here:8080"), ("host", "here:8080")], true),
            (&[("origin", "https://HERE"), ("host", "here")], true),
            (&[("origin", "http://here:8080"), ("host", "here")], false),
            (&[("origin", "http://elsewhere:8080"), ("host", "here:8080")], false),
            (&[("origin", "http://here.elsewhere:8080"), ("host", "here:8080")], false),
            (&[("origin", "null"), ("host", "here:8080")], false),
            (&[("host", "here:8080")], false),
            (&[("origin", "http://here:8080")], false),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], false),
            (&[], false),
        ];
        for (headers, expected) in table {
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            }
            assert_eq!(is_ours(&map, None), *expected, "{headers:?}");
        }
        let mut map = HeaderMap::new();
        map.insert(ORIGIN, HeaderValue::from_static("https://here"));
        assert!(is_ours(&map, Some("here")), "HTTP/2 has no Host");
    }
}
