//! What all pages share: the frame around them, their headers, refusals, and messages that survive a redirect.

use askama::Template;
use axum::{
    Extension,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sync_store::{ConnectionRow, Role};

use super::assets::{self, Asset};
use crate::{
    door::Door,
    problem::Problem,
    told::{self, TellError},
    who::Who,
};

/// Scripts, styles and forms of our own, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The frame around a page.
pub(crate) struct Frame {
    /// What the window is called.
    pub(crate) title: String,
    /// Who looks; none before they logged in.
    pub(crate) who: Option<Who>,
    /// The connection that the page is about.
    pub(crate) connection: Option<String>,
    /// The page's place in the navigation.
    pub(crate) place: &'static str,
    /// What was done just now.
    pub(crate) said: Option<String>,
}

impl Frame {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), who: None, connection: None, place: "", said: None }
    }

    /// For somebody who logged in.
    pub(crate) fn of(title: impl Into<String>, who: &Who, place: &'static str) -> Self {
        Self { who: Some(who.clone()), place, ..Self::new(title) }
    }

    /// About a connection.
    pub(crate) fn within(self, connection: &ConnectionRow) -> Self {
        Self { connection: Some(connection.name.clone()), ..self }
    }

    /// With what was done just now.
    pub(crate) fn saying(self, said: Said) -> Self {
        Self { said: said.0, ..self }
    }

    /// Whether whoever looks may answer and approve.
    pub(crate) fn approves(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may(Role::Approver))
    }

    /// Whether whoever looks may say who may do what.
    pub(crate) fn is_admin(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may(Role::Admin))
    }

    /// Where the style sheet is.
    #[expect(clippy::unused_self, reason = "templates call it on the frame")]
    pub(crate) fn style(&self) -> String {
        assets::address(Asset::Style)
    }

    /// Where the picture of the window is.
    #[expect(clippy::unused_self, reason = "templates call it on the frame")]
    pub(crate) fn icon(&self) -> String {
        assets::address(Asset::Icon)
    }

    /// Where the script is.
    #[expect(clippy::unused_self, reason = "templates call it on the frame")]
    pub(crate) fn script(&self) -> String {
        assets::address(Asset::Htmx)
    }
}

/// A time as it is written everywhere, for templates.
pub(crate) fn when(time: &jiff::Timestamp) -> String {
    told::at(*time)
}

/// A page, with the headers that all pages have.
pub(crate) fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            return (StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be written; the log says why")
                .into_response();
        }
    };
    let mut response = (status, html).into_response();
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal {
    frame: Frame,
    text: String,
}

/// A page that says what was not done, and what to do.
pub(crate) fn refusal(status: StatusCode, who: Option<&Who>, title: &str, text: &str) -> Response {
    let frame = Frame { who: who.cloned(), ..Frame::new(title) };
    page(status, &Refusal { frame, text: text.to_owned() })
}

/// There is no such page.
pub(crate) async fn nothing_here(Extension(who): Extension<Who>) -> Response {
    refusal(StatusCode::NOT_FOUND, Some(&who), "There is nothing at this address", "Begin at the overview.")
}

/// Why there is no page.
pub(crate) struct Stop(Problem);

/// A page or why there is none.
pub(crate) type Shown = Result<Response, Stop>;

impl<P: Into<Problem>> From<P> for Stop {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        refusal(status, None, &sentence(&self.0.title), &sentence(&self.0.help))
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return String::new() };
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), chars.as_str())
}

/// The connection of a path.
pub(crate) async fn connection_of(door: &Door, name: &str) -> Result<ConnectionRow, Stop> {
    let found = told::connection(&door.parts.store, name).await.map_err(TellError::from)?;
    found.ok_or_else(|| {
        Stop(Problem::not_found(
            format!("no connection named {name} was ever worked on"),
            "the overview lists them",
        ))
    })
}

/// What a redirect says on the page to which it leads. It stands in the address, so it is one of our own sentences, never
/// what anybody wrote there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said(Option<String>);

/// What was done, as it stands in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Did {
    Answered,
    Asked,
    Assigned,
    Synced,
    Changed,
    Mapped,
    Ended,
    LoggedOut,
    Nothing,
}

/// The query of a page to which a redirect may lead.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Afterwards {
    did: Option<Did>,
    many: Option<String>,
}

impl From<Afterwards> for Said {
    fn from(Afterwards { did, many }: Afterwards) -> Self {
        let Some(did) = did else { return Self(None) };
        // A number in an address that is flattened into others comes as a text.
        let many = many.and_then(|many| many.parse::<u32>().ok());
        let said = match (did, many) {
            (Did::Answered, Some(many)) => {
                format!("{many} answered. They are looked at with the next step.")
            }
            (Did::Answered, None) => "Answered. It is looked at with the next step.".to_owned(),
            (Did::Asked, _) => "Asked for. Whoever works on the connection does it at once.".to_owned(),
            (Did::Assigned, _) => "Remembered. The deals are looked at with the next step.".to_owned(),
            (Did::Synced, _) => "Asked for. Both systems are polled at once.".to_owned(),
            (Did::Changed, _) => "Changed.".to_owned(),
            (Did::Mapped, _) => "Saved. Both sides are read again, and written by this mapping.".to_owned(),
            (Did::Ended, _) => "It is worth nothing from now on.".to_owned(),
            (Did::LoggedOut, _) => "You are logged out.".to_owned(),
            (Did::Nothing, _) => "Nothing was chosen, so nothing was done.".to_owned(),
        };
        Self(Some(said))
    }
}

/// Leads to a page of ours. `to` is a path that we made.
pub(crate) fn go_to(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// Where somebody wanted to go, if that is a page of ours.
pub(crate) fn within_us(next: Option<&str>) -> &str {
    let ours = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && !next.contains(['\\', '\r', '\n', '\t'])
            && next.is_ascii()
    };
    next.filter(ours).unwrap_or("/")
}

/// A part of a path, as it stands in an address.
pub(crate) fn part(text: &str) -> String {
    const KEPT: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte);
    let mut out = String::new();
    for byte in text.bytes() {
        if KEPT(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (next, expected) in [
            (None, "/"),
            (Some("/c/acme/holds?reason=x"), "/c/acme/holds?reason=x"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("evil"), "/"),
            (Some("/a\r\nSet-Cookie: x"), "/"),
        ] {
            assert_eq!(within_us(next), expected, "{next:?}");
        }
    }

    #[test]
    fn names_stand_in_addresses_whatever_they_are() {
        assert_eq!(part("acme"), "acme");
        assert_eq!(part("a/b?c=d e\"<ä>"), "a%2Fb%3Fc%3Dd%20e%22%3C%C3%A4%3E");
        assert_eq!(sentence("the store does not answer"), "The store does not answer.");
    }
}
