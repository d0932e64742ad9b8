//! How people come in: logging in and out, and following an invitation.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;
use serde::Deserialize;
use sync_store::{Deed, Invitation, Person, Role, Welcomed};

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, go_to, page, refusal, within_us},
};
use crate::{
    client::Client,
    door::Door,
    who::{LIFE, digest, ended, fitness, of_request, secret, started},
};

/// The most characters of a name.
const LONGEST_NAME: usize = 60;

#[derive(Template)]
#[template(path = "login.html")]
struct Login {
    frame: Frame,
    next: String,
    name: String,
    error: Option<String>,
    nobody: bool,
}

/// Where somebody wanted to go.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    next: Option<String>,
    #[serde(flatten)]
    after: Afterwards,
}

/// `GET /login`
pub(crate) async fn login(State(door): State<Door>, Query(wanted): Query<Wanted>) -> Shown {
    let next = within_us(wanted.next.as_deref()).to_owned();
    let nobody = door.parts.store.has_no_admin().await?;
    let frame = Frame::new("Log in").saying(wanted.after.into());
    Ok(page(StatusCode::OK, &Login { frame, next, name: String::new(), error: None, nobody }))
}

/// What somebody typed.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// `POST /login`
pub(crate) async fn log_in(
    State(door): State<Door>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Form(Credentials { name, password, next }): Form<Credentials>,
) -> Shown {
    let now = door.parts.clock.now();
    let again = |status: StatusCode, error: String| {
        let next = within_us(Some(&next)).to_owned();
        let frame = Frame::new("Log in");
        page(status, &Login { frame, next, name: name.clone(), error: Some(error), nobody: false })
    };
    if let Some(until) = door.throttle.wait(&name, client.address(), now) {
        let seconds = until.duration_since(now).as_secs().max(1);
        let error = format!("Too many wrong passwords. Try again in {seconds} s.");
        return Ok(again(StatusCode::TOO_MANY_REQUESTS, error));
    }
    // Counted before it is looked at: guesses sent side by side wait like guesses one after the other.
    door.throttle.failed(&name, client.address(), now);
    let known = door.parts.store.person_named(&name).await?;
    let hash = known.as_ref().map(|person| person.password.clone());
    if !door.passwords.is(password, hash).await {
        tracing::info!(%client, "a wrong name or password was typed");
        return Ok(again(StatusCode::UNAUTHORIZED, "The name or the password is wrong.".to_owned()));
    }
    let Some(person) = known else {
        return Ok(again(StatusCode::UNAUTHORIZED, "The name or the password is wrong.".to_owned()));
    };
    door.throttle.passed(&name, client.address());
    // A session that the browser had before is over: nobody's session becomes another's.
    if let Some(before) = of_request(&headers) {
        door.parts.store.end_session(&digest(before)).await?;
    }
    in_session(&door, &person, client, "logged in", within_us(Some(&next))).await
}

/// Begins a session and leads on.
async fn in_session(door: &Door, person: &Person, client: Client, what: &str, to: &str) -> Shown {
    let now = door.parts.clock.now();
    let (token, digest) = secret();
    door.parts.store.begin_session(person.id, &digest, now + LIFE, now).await?;
    door.parts.store.note_deed(&deed(person, client, what, now)).await?;
    let mut response = go_to(to);
    response.headers_mut().insert(SET_COOKIE, started(&token));
    Ok(response)
}

fn deed(person: &Person, client: Client, what: &str, at: jiff::Timestamp) -> Deed {
    Deed {
        at,
        who: person.name.clone(),
        place: client.to_string(),
        what: what.to_owned(),
        about: person.name.clone(),
        connection: None,
        detail: person.role.key().to_owned(),
    }
}

/// `POST /logout`
pub(crate) async fn leave(State(door): State<Door>, headers: HeaderMap) -> Shown {
    if let Some(token) = of_request(&headers) {
        door.parts.store.end_session(&digest(token)).await?;
    }
    let mut response = go_to("/login?did=logged_out");
    response.headers_mut().insert(SET_COOKIE, ended());
    Ok(response)
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    frame: Frame,
    role: &'static str,
    may: &'static str,
    known: Option<String>,
    name: String,
    error: Option<String>,
}

/// What a role is for.
pub(crate) fn may(role: Role) -> &'static str {
    match role {
        Role::Viewer => "you look at everything",
        Role::Approver => "you look at everything, answer questions, approve and ask for a sync",
        Role::Admin => "you may do everything, and you say who may do what",
    }
}

fn no_such_link() -> Response {
    refusal(
        StatusCode::NOT_FOUND,
        None,
        "This link is worth nothing",
        "It was used, or it is too old, or it is not complete. Ask for another one.",
    )
}

/// Whom an invitation is for, if it is for somebody who is known.
async fn known(door: &Door, invitation: &Invitation) -> Result<Option<Person>, sync_store::StoreError> {
    let Some(id) = invitation.person else { return Ok(None) };
    Ok(door.parts.store.people().await?.into_iter().find(|person| person.id == id))
}

/// `GET /welcome/{token}`
pub(crate) async fn invited(State(door): State<Door>, Path(token): Path<String>) -> Shown {
    let now = door.parts.clock.now();
    let Some(invitation) = door.parts.store.invitation(&digest(&token), now).await? else {
        return Ok(no_such_link());
    };
    let known = known(&door, &invitation).await?.map(|person| person.name);
    Ok(page(StatusCode::OK, &form(invitation.role, known, String::new(), None)))
}

fn form(role: Role, known: Option<String>, name: String, error: Option<String>) -> Welcome {
    let name = known.clone().unwrap_or(name);
    let frame = Frame::new(if known.is_some() { "A new password" } else { "Welcome" });
    Welcome { frame, role: role.key(), may: may(role), known, name, error }
}

/// What whoever follows an invitation typed.
#[derive(Deserialize)]
pub(crate) struct Newcomer {
    name: String,
    password: SecretString,
    again: SecretString,
}

/// `POST /welcome/{token}`
pub(crate) async fn welcome(
    State(door): State<Door>,
    Extension(client): Extension<Client>,
    Path(token): Path<String>,
    Form(Newcomer { name, password, again }): Form<Newcomer>,
) -> Shown {
    use secrecy::ExposeSecret as _;
    let (now, token_hash) = (door.parts.clock.now(), digest(&token));
    let Some(invitation) = door.parts.store.invitation(&token_hash, now).await? else {
        return Ok(no_such_link());
    };
    let known = known(&door, &invitation).await?;
    let name = known.as_ref().map_or(name, |person| person.name.clone());
    let wrong = |error: String| {
        let known = known.as_ref().map(|person| person.name.clone());
        Ok(page(StatusCode::UNPROCESSABLE_ENTITY, &form(invitation.role, known, name.clone(), Some(error))))
    };
    if known.is_none()
        && let Err(error) = name_is_fit(&name)
    {
        return wrong(error);
    }
    if password.expose_secret() != again.expose_secret() {
        return wrong("The two passwords differ.".to_owned());
    }
    if let Err(unfit) = fitness(&name, password.expose_secret()) {
        return wrong(unfit.says().to_owned());
    }
    let Some(hash) = door.passwords.hash(password).await else {
        return wrong(
            "This machine has no memory left to hash a password. Try again in a moment.".to_owned(),
        );
    };
    match door.parts.store.welcome(&token_hash, &name, &hash, now).await? {
        Welcomed::Person(person) => {
            let what = if known.is_some() { "took a new password" } else { "came by an invitation" };
            in_session(&door, &person, client, what, "/").await
        }
        Welcomed::NoSuchLink => Ok(no_such_link()),
        Welcomed::NameTaken => wrong(format!("Somebody is called {name} already. Take another name.")),
    }
}

/// Names stand in lists and in what people did: readable, and not twice.
fn name_is_fit(name: &str) -> Result<(), String> {
    let name = name.trim();
    if name.is_empty() {
        return Err("The name is empty.".to_owned());
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(format!("The name has more than {LONGEST_NAME} characters."));
    }
    if name.chars().any(|c| c.is_control() || c == '#') {
        return Err("The name has a character in it that names have not.".to_owned());
    }
    Ok(())
}

/// `GET /welcome` and the like: the link is not complete.
pub(crate) async fn welcomed() -> impl IntoResponse {
    no_such_link()
}
