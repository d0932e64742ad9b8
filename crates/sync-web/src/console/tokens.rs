//! Tokens of programs that use the API. For admins.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use serde::Deserialize;
use sync_store::{ApiToken, Role};

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, go_to, page},
};
use crate::{
    door::Door,
    problem::Problem,
    who::{Who, secret},
};

#[derive(Template)]
#[template(path = "tokens.html")]
struct Tokens {
    frame: Frame,
    tokens: Vec<ApiToken>,
    secret: Option<String>,
}

/// `GET /tokens`
pub(crate) async fn tokens(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let tokens = door.parts.store.api_tokens().await?;
    let frame = Frame::of("Tokens", &who, "tokens").saying(after.into());
    Ok(page(StatusCode::OK, &Tokens { frame, tokens, secret: None }))
}

/// A token that is wanted.
#[derive(Deserialize)]
pub(crate) struct NewToken {
    name: String,
    role: String,
}

/// `POST /tokens`
pub(crate) async fn make_token(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Form(NewToken { name, role }): Form<NewToken>,
) -> Shown {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(
            Problem::bad("the name has to have 1 to 60 characters", "say what the token is for").into()
        );
    }
    // Who may do what is decided by people: no token has the role of an admin.
    let role = Role::of_key(&role)
        .filter(|role| *role < Role::Admin)
        .ok_or_else(|| Problem::bad(format!("a token cannot be {role}"), "choose one of the list"))?;
    let (token, digest) = secret();
    door.parts.store.put_api_token((name, role), &digest, &who.name, door.parts.clock.now()).await?;
    who.did(&door, "made a token", name.to_owned(), (None, role.key().to_owned())).await?;
    let tokens = door.parts.store.api_tokens().await?;
    let frame = Frame::of("Tokens", &who, "tokens");
    Ok(page(StatusCode::OK, &Tokens { frame, tokens, secret: Some(token) }))
}

/// `POST /tokens/{id}/end`
pub(crate) async fn end_token(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(id): Path<i64>,
) -> Shown {
    let known = door.parts.store.api_tokens().await?.into_iter().find(|token| token.id == id);
    let token = known
        .ok_or_else(|| Problem::not_found("there is no such token", "the list shows those there are"))?;
    door.parts.store.end_api_token(id, door.parts.clock.now()).await?;
    who.did(&door, "ended a token", token.name, (None, String::new())).await?;
    Ok(go_to("/tokens?did=ended"))
}
