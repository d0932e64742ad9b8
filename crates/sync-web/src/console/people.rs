//! Who may use the console, and what they did. For admins.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode, header::HOST},
};
use serde::Deserialize;
use sync_store::{Deed, Person, Role};

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, go_to, page},
};
use crate::{
    door::Door,
    problem::Problem,
    told::{MOST, Paged, at},
    who::{Who, invitation},
};

#[derive(Template)]
#[template(path = "people.html")]
struct People {
    frame: Frame,
    people: Vec<Person>,
    roles: [Role; 3],
    me: Option<i64>,
    link: Option<String>,
    until: String,
}

impl People {
    /// Whether that is who looks.
    fn is_me(&self, person: &Person) -> bool {
        self.me == Some(person.id)
    }
}

/// `GET /people`
pub(crate) async fn people(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let frame = Frame::of("People", &who, "people").saying(after.into());
    listed(&door, &who, frame, None).await
}

async fn listed(door: &Door, who: &Who, frame: Frame, link: Option<(String, String)>) -> Shown {
    let people = door.parts.store.people().await?;
    let (link, until) = link.unzip();
    let until = until.unwrap_or_default();
    Ok(page(StatusCode::OK, &People { frame, people, roles: Role::ALL, me: who.person, link, until }))
}

/// A role.
#[derive(Deserialize)]
pub(crate) struct InRole {
    role: String,
}

fn role(key: &str) -> Result<Role, Problem> {
    Role::of_key(key).ok_or_else(|| Problem::bad(format!("{key} is no role"), "choose one of the list"))
}

/// `POST /people`: makes a link for somebody new.
pub(crate) async fn invite(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Form(InRole { role: key }): Form<InRole>,
) -> Shown {
    let role = role(&key)?;
    linked(&door, &who, &headers, (role, None), format!("somebody new, as {}", role.key())).await
}

async fn linked(
    door: &Door,
    who: &Who,
    headers: &HeaderMap,
    (role, person): (Role, Option<i64>),
    about: String,
) -> Shown {
    let now = door.parts.clock.now();
    let (token, invitation) = invitation(role, person, &who.name, now);
    door.parts.store.invite(&invitation).await?;
    who.did(door, "made a link", about, (None, String::new())).await?;
    // Where the admin is, whoever gets the link can be. The scheme is the browser's to know: it was right for this page.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let origin = headers.get("origin").and_then(|origin| origin.to_str().ok());
    let start = origin.filter(|origin| *origin != "null").map_or(format!("https://{host}"), str::to_owned);
    let link = (format!("{start}/welcome/{token}"), at(invitation.expires_at));
    let frame = Frame::of("People", who, "people");
    listed(door, who, frame, Some(link)).await
}

/// Somebody else: nobody takes rights from themselves, so that an admin always remains.
async fn other(door: &Door, who: &Who, id: i64) -> Result<Person, Problem> {
    if who.person == Some(id) {
        return Err(Problem::conflict("that is you", "another admin can do it"));
    }
    let found = door.parts.store.people().await?.into_iter().find(|person| person.id == id);
    found
        .filter(|person| person.left_at.is_none())
        .ok_or_else(|| Problem::not_found("there is no such person", "the list shows who there is"))
}

/// `POST /people/{id}/role`
pub(crate) async fn change_role(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(id): Path<i64>,
    Form(InRole { role: key }): Form<InRole>,
) -> Shown {
    let (role, person) = (role(&key)?, other(&door, &who, id).await?);
    door.parts.store.set_role(id, role).await?;
    let detail = format!("{} -> {}", person.role.key(), role.key());
    who.did(&door, "changed a role", person.name, (None, detail)).await?;
    Ok(go_to("/people?did=changed"))
}

/// `POST /people/{id}/reset`: a link with which somebody takes a new password.
pub(crate) async fn reset(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Shown {
    let person = other(&door, &who, id).await?;
    let about = format!("a new password for {}", person.name);
    linked(&door, &who, &headers, (person.role, Some(id)), about).await
}

/// `POST /people/{id}/part`
pub(crate) async fn part(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(id): Path<i64>,
) -> Shown {
    let person = other(&door, &who, id).await?;
    door.parts.store.leave(id, door.parts.clock.now()).await?;
    who.did(&door, "ended somebody's access", person.name, (None, String::new())).await?;
    Ok(go_to("/people?did=changed"))
}

#[derive(Template)]
#[template(path = "deeds.html")]
struct Deeds {
    frame: Frame,
    rows: Vec<Deed>,
    next: Option<String>,
}

/// Where the page begins.
#[derive(Deserialize)]
pub(crate) struct Begin {
    cursor: Option<i64>,
}

/// `GET /deeds`
pub(crate) async fn deeds(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Query(Begin { cursor }): Query<Begin>,
) -> Shown {
    let found = Paged::of(door.parts.store.deeds(cursor, MOST + 1).await?, MOST, |(id, _)| *id);
    let (rows, next) = (found.items.into_iter().map(|(_, deed)| deed).collect(), found.next_cursor);
    Ok(page(StatusCode::OK, &Deeds { frame: Frame::of("What people did", &who, "deeds"), rows, next }))
}
