//! Connections that are made here: their text, its versions, and whether they are on. Those of a configuration file are changed
//! there.

use std::collections::BTreeMap;

use axum::{Extension, Json, extract::State, http::StatusCode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sync_store::{ConnectionRow, ConnectionText};
use utoipa::{IntoParams, ToSchema};

use super::asked::{At, Body, Paging, With, connection};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::{Change, NotMade, Setting},
    told::{Paged, at},
    who::Who,
};

/// The most characters of what a change is for.
const LONGEST_WHY: usize = 200;

impl From<NotMade> for Problem {
    fn from(NotMade { message, help, as_things_stand }: NotMade) -> Self {
        if as_things_stand { Self::conflict(message, help) } else { Self::bad(message, help) }
    }
}

/// A connection to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewConnection {
    /// Its name.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    name: String,
}

/// A version that counts now.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionMade {
    /// The connection.
    connection: String,
    /// The version. Whoever changes it next names it.
    version: i64,
}

/// Make a connection
///
/// Only its name is said; `POST .../text` says what both systems are, `POST .../switch` switches it on.
#[utoipa::path(post, path = "/api/v1/connections", tag = "setup", request_body = NewConnection,
    responses((status = 201, body = VersionMade)))]
pub(crate) async fn make_connection(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Body(NewConnection { name }): Body<NewConnection>,
) -> Result<(StatusCode, Json<VersionMade>), Problem> {
    act::make((&door, &who), &name).await??;
    Ok((StatusCode::CREATED, Json(VersionMade { connection: name, version: 1 })))
}

/// A version of a connection's text.
#[derive(Serialize, ToSchema)]
pub(crate) struct TextTold {
    /// What was changed, when, and by whom.
    #[serde(flatten)]
    version: VersionTold,
    /// TOML, as in a configuration file. Secrets are named in it, and never told.
    text: String,
}

/// A version, without its text.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionTold {
    /// Its number, from 1.
    version: i64,
    /// When it was made.
    made_at: String,
    /// Who made it.
    made_by: String,
    /// What for.
    why: String,
}

impl From<ConnectionText> for TextTold {
    fn from(text: ConnectionText) -> Self {
        let ConnectionText { connection: _, name: _, version, made_at, made_by, why, body } = text;
        Self { version: VersionTold { version, made_at: at(made_at), made_by, why }, text: body }
    }
}

/// The newest version, if the connection was made here.
async fn newest(door: &Door, row: &ConnectionRow) -> Result<Option<ConnectionText>, Problem> {
    Ok(door.parts.store.versions_of(row.id, 1).await?.into_iter().next())
}

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichVersion {
    /// Its number; the newest if it is not given.
    #[param(minimum = 1)]
    version: Option<u32>,
}

/// The text of a connection
///
/// The newest version, or an older one. Connections of a configuration file have none here.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/text", tag = "setup",
    params(("connection" = String, Path, description = "Its name"), WhichVersion),
    responses((status = 200, body = TextTold)))]
pub(crate) async fn text(
    State(door): State<Door>,
    At(name): At<String>,
    With(WhichVersion { version }): With<WhichVersion>,
) -> Result<Json<TextTold>, Problem> {
    let row = connection(&door, &name).await?;
    let Some(newest) = newest(&door, &row).await? else {
        let title = format!("{name} stands in the configuration file");
        return Err(Problem::not_found(title, "read it there"));
    };
    let found = match version {
        None => Some(newest),
        Some(0) => return Err(Problem::bad("version: it is 0", "versions count from 1")),
        Some(version) => {
            let version = i64::from(version);
            let found = door.parts.store.versions_before(row.id, version.saturating_add(1), 1).await?;
            found.into_iter().find(|found| found.version == version)
        }
    };
    let missing = || Problem::not_found("there is no such version", "GET .../text/versions lists them");
    found.map(TextTold::from).map(Json).ok_or_else(missing)
}

/// Versions of the text of a connection
///
/// The newest first.
#[utoipa::path(get, path = "/api/v1/connections/{connection}/text/versions", tag = "setup",
    params(("connection" = String, Path, description = "Its name"), Paging),
    responses((status = 200, body = Paged<VersionTold>)))]
pub(crate) async fn versions(
    State(door): State<Door>,
    At(name): At<String>,
    With(paging): With<Paging>,
) -> Result<Json<Paged<VersionTold>>, Problem> {
    let row = connection(&door, &name).await?;
    let (before, limit) = (paging.after().unwrap_or(i64::MAX), paging.limit());
    let found = door.parts.store.versions_before(row.id, before, limit + 1).await?;
    let told = found.into_iter().map(|text| TextTold::from(text).version);
    Ok(Json(Paged::of(told.collect(), limit, |version| version.version)))
}

/// A secret. What is no text is refused without being repeated.
#[derive(Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Typed(SecretString);

impl TryFrom<serde_json::Value> for Typed {
    type Error = &'static str;

    fn try_from(value: serde_json::Value) -> Result<Self, &'static str> {
        match value {
            serde_json::Value::String(text) if !text.is_empty() => Ok(Self(text.into())),
            _ => Err("secrets: each is a text that is not empty"),
        }
    }
}

/// A text that is to count from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TextBody {
    /// The version that it was made from: the newest.
    #[schema(minimum = 1)]
    version: i64,
    /// The whole text: TOML with one `[[connection]]`, as in a configuration file.
    text: String,
    /// What for, at most 200 characters.
    #[schema(max_length = 200)]
    why: Option<String>,
    /// Secrets to be kept, sealed, by the names under which the text has them (`{ kept = "oracle.client_secret" }`). Those that are
    /// kept and not sent stay as they are.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    secrets: Option<BTreeMap<String, Typed>>,
}

/// Change the text of a connection
///
/// A new version, which takes effect at once. A text that a configuration file could not contain is refused with line and column,
/// one that was made from an older version is refused, too. An old version counts again when its text is sent.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/text", tag = "setup", request_body = TextBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = VersionMade)))]
pub(crate) async fn change_text(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(TextBody { version, text, why, secrets }): Body<TextBody>,
) -> Result<Json<VersionMade>, Problem> {
    let row = connection(&door, &name).await?;
    made_here(&door, &row).await?;
    let why = why.filter(|why| !why.trim().is_empty()).unwrap_or_else(|| "settings".to_owned());
    if why.chars().count() > LONGEST_WHY {
        return Err(Problem::bad(format!("why: it has more than {LONGEST_WHY} characters"), "say less"));
    }
    let secrets = secrets.unwrap_or_default();
    if let Some(wrong) = secrets.keys().find(|name| !is_name_of_secret(name)) {
        let title = format!("secrets: {wrong:?} is no name of a secret");
        return Err(Problem::bad(title, "write 1 to 64 of a-z, 0-9, ., - and _"));
    }
    let secrets = secrets.into_iter().map(|(name, Typed(secret))| (name, secret)).collect();
    let text = Some(text.replace("\r\n", "\n"));
    let change = Change { text, secrets, ..Change::of(&name, version, &who.name, &why) };
    act::change((&door, &who), change).await??;
    Ok(Json(VersionMade { connection: name, version: version + 1 }))
}

fn is_name_of_secret(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

/// The newest version of a connection that was made here.
async fn made_here(door: &Door, row: &ConnectionRow) -> Result<ConnectionText, Problem> {
    newest(door, row).await?.ok_or_else(|| {
        Problem::conflict(
            format!("{} stands in the configuration file", row.name),
            "change it there, and start `ml-connector run` again",
        )
    })
}

/// Whether a connection is to be worked on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchBody {
    /// Whether it is on.
    on: bool,
    /// New organizations an hour that pass without approval, where it is switched on; as it was if it is not given.
    #[schema(minimum = 1)]
    creates: Option<u32>,
    /// The version that was looked at; the newest if it is not given.
    #[schema(minimum = 1)]
    version: Option<i64>,
}

/// Switch a connection on or off
///
/// It takes effect at once.
#[utoipa::path(post, path = "/api/v1/connections/{connection}/switch", tag = "setup", request_body = SwitchBody,
    params(("connection" = String, Path, description = "Its name")),
    responses((status = 200, body = VersionMade)))]
pub(crate) async fn switch(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    At(name): At<String>,
    Body(SwitchBody { on, creates, version }): Body<SwitchBody>,
) -> Result<Json<VersionMade>, Problem> {
    let row = connection(&door, &name).await?;
    let newest = made_here(&door, &row).await?;
    if creates == Some(0) {
        return Err(Problem::bad("creates: it is 0", "let at least one organization an hour pass"));
    }
    let settings = door.parts.maker.as_ref().map(|maker| maker.settings(&newest.body)).unwrap_or_default();
    if on && !["oracle.base_url", "pipedrive.base_url"].iter().all(|path| settings.contains_key(*path)) {
        let help = "POST .../text says what both systems are";
        return Err(Problem::conflict(format!("{name} is not complete"), help));
    }
    let mut settings = vec![("enabled", Some(Setting::Flag(on)))];
    settings.extend(creates.map(|creates| ("sync.guard.creates", Some(Setting::Number(creates.into())))));
    let (version, why) = (version.unwrap_or(newest.version), if on { "switched on" } else { "switched off" });
    let change = Change { settings, ..Change::of(&name, version, &who.name, why) };
    act::change((&door, &who), change).await??;
    Ok(Json(VersionMade { connection: name, version: version + 1 }))
}
