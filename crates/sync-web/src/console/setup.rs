//! Making a connection: both systems, each with a test of its own, what is synced, and switching it on.

use std::collections::BTreeMap;

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode, response::Response};
use secrecy::SecretString;
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};
use sync_store::{ConnectionRow, ConnectionText};

use super::{
    sent::{Form, Path, Query},
    shell::{Afterwards, Frame, Shown, Stop, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::{Change, Look, LookState, NotMade, Setting, Tried},
    told::{
        self,
        fit::{FitFinding, nothing_in_the_way},
    },
    who::Who,
};

/// Versions that are shown.
const VERSIONS: u32 = 20;

#[derive(Template)]
#[template(path = "new.html")]
struct New {
    frame: Frame,
    refused: Option<NotMade>,
    name: String,
}

/// `GET /connections/new`
pub(crate) async fn new(Extension(who): Extension<Who>) -> Shown {
    Ok(new_page(&who, String::new(), None))
}

fn new_page(who: &Who, name: String, refused: Option<NotMade>) -> Response {
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page(status, &New { frame: Frame::of("New connection", who, "overview"), refused, name })
}

/// A name for a connection.
#[derive(Deserialize)]
pub(crate) struct Named {
    name: String,
}

/// `POST /connections/new`
pub(crate) async fn make(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Form(Named { name }): Form<Named>,
) -> Shown {
    let name = name.trim().to_owned();
    match act::make((&door, &who), &name).await? {
        Ok(()) => Ok(go_to(&format!("/c/{}/setup", part(&name)))),
        Err(refused) => Ok(new_page(&who, name, Some(refused))),
    }
}

pub(super) fn change(who: &Who, name: &str, version: i64, why: &str) -> Change {
    Change::of(name, version, &who.name, why)
}

/// A line of a difference.
struct Line {
    tag: &'static str,
    text: String,
}

/// A version and what it changed.
struct Version {
    version: i64,
    made_at: String,
    made_by: String,
    why: String,
    lines: Vec<Line>,
}

#[derive(Template)]
#[template(path = "setup.html")]
struct Setup {
    frame: Frame,
    base: String,
    /// None where the configuration file makes the connection.
    version: Option<i64>,
    settings: BTreeMap<String, String>,
    text: String,
    versions: Vec<Version>,
    fusion: Vec<FitFinding>,
    pipedrive: Vec<FitFinding>,
    looked_at: Option<String>,
    look: LookState,
    back_here: String,
    consent: Option<String>,
    refused: Option<NotMade>,
    /// The customer on whom a text was tried, and what that gave.
    tried: Option<(String, Vec<Tried>)>,
}

impl Setup {
    fn is_looking(&self) -> bool {
        self.look.running.is_some()
    }

    fn get(&self, path: &str) -> &str {
        self.settings.get(path).map_or("", String::as_str)
    }

    fn has(&self, path: &str) -> bool {
        self.settings.contains_key(path)
    }

    fn is_on(&self) -> bool {
        self.get("enabled") != "false"
    }

    fn is_complete(&self) -> bool {
        self.has("oracle.base_url") && self.has("pipedrive.base_url")
    }

    /// Whether access is given by consent.
    fn is_app(&self) -> bool {
        self.has("pipedrive.oauth.client_id")
    }

    /// Whether nothing that was found about one side stands in the way.
    #[expect(clippy::unused_self, reason = "templates call it on the page")]
    fn is_good(&self, findings: &[FitFinding]) -> bool {
        nothing_in_the_way(findings)
    }
}

/// What the page shows beside what is kept.
#[derive(Default)]
struct Shows {
    /// Where access is given.
    consent: Option<String>,
    /// Why something was not done.
    refused: Option<NotMade>,
    /// The text that was written.
    text: Option<String>,
    tried: Option<(String, Vec<Tried>)>,
}

impl Shows {
    fn refused(why: NotMade) -> Self {
        Self { refused: Some(why), ..Self::default() }
    }
}

/// `GET /c/{connection}/setup`
pub(crate) async fn setup(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let frame = Frame::of("Setup", &who, "setup").within(&row).saying(after.into());
    setup_page(&door, &row, frame, Shows::default()).await
}

async fn setup_page(
    door: &Door,
    row: &ConnectionRow,
    frame: Frame,
    Shows { consent, refused, text: written, tried }: Shows,
) -> Shown {
    let versions = door.parts.store.versions_of(row.id, VERSIONS).await?;
    let newest = versions.first();
    let text = newest.map(|newest| newest.body.clone()).unwrap_or_default();
    let maker = door.parts.maker.as_ref();
    let look = door.parts.looks.state(&row.name);
    let found = look.findings.clone();
    let of = |system: &str| {
        let findings = found.iter().flat_map(|(_, findings)| findings);
        findings.filter(|one| one.name.split('.').next() == Some(system)).cloned().collect::<Vec<_>>()
    };
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let settings = maker.map(|maker| maker.settings(&text)).unwrap_or_default();
    let shown = Setup {
        base: format!("/c/{}", part(&row.name)),
        frame,
        version: newest.map(|newest| newest.version),
        settings,
        versions: differences(&versions),
        fusion: of("fusion"),
        pipedrive: of("pipedrive"),
        looked_at: found.as_ref().map(|(at, _)| told::at(*at)),
        back_here: maker.map(|maker| maker.back_here(&row.name)).unwrap_or_default(),
        // Whoever wrote something that is wrong goes on from there.
        text: written.unwrap_or(text),
        look,
        consent,
        refused,
        tried,
    };
    Ok(page(status, &shown))
}

/// What each version changed in the one before; the oldest of those that are shown stands alone.
fn differences(versions: &[ConnectionText]) -> Vec<Version> {
    let befores = versions.iter().skip(1).map(|before| Some(before.body.as_str())).chain([None]);
    let differ = |(version, before): (&ConnectionText, Option<&str>)| {
        let lines = before.map(|before| {
            let diff = TextDiff::from_lines(before, &version.body);
            let line = |change: similar::Change<&str>| {
                let tag = match change.tag() {
                    ChangeTag::Delete => "-",
                    ChangeTag::Insert => "+",
                    ChangeTag::Equal => return None,
                };
                Some(Line { tag, text: change.value().trim_end().to_owned() })
            };
            diff.iter_all_changes().filter_map(line).collect()
        });
        Version {
            version: version.version,
            made_at: told::at(version.made_at),
            made_by: version.made_by.clone(),
            why: version.why.clone(),
            lines: lines.unwrap_or_default(),
        }
    };
    versions.iter().zip(befores).map(differ).collect()
}

/// What was typed, and which button was pressed.
#[derive(Deserialize)]
pub(crate) struct Typed {
    #[serde(rename = "do")]
    what: What,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Oracle,
    Token,
    App,
    Text,
    On,
    Off,
    Test,
    Consent,
    Try,
    Restore,
}

/// `POST /c/{connection}/setup`
pub(crate) async fn change_setup(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Form(typed): Form<Typed>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let base = format!("/c/{}/setup", part(&name));
    let what = typed.what;
    let written = typed.fields.get("text").cloned();
    let frame = || Frame::of("Setup", &who, "setup").within(&row);
    match what {
        What::Test => {
            act::look((&door, &who), &row, Look::Access).await?;
            return Ok(go_to(&base));
        }
        What::Consent => {
            let maker = maker(&door)?;
            return match maker.consent(&name).await {
                Ok(url) => {
                    act::did_consent((&door, &who), &row).await?;
                    let shows = Shows { consent: Some(url), ..Shows::default() };
                    setup_page(&door, &row, frame(), shows).await
                }
                Err(why) => setup_page(&door, &row, frame(), Shows::refused(why)).await,
            };
        }
        What::Try => {
            let (text, customer) = (written.unwrap_or_default(), typed.fields.get("customer"));
            let customer = customer.map(|typed| typed.trim().to_owned()).unwrap_or_default();
            let mut shows = Shows { text: Some(text.clone()), ..Shows::default() };
            match maker(&door)?.try_out(&name, &text.replace("\r\n", "\n"), &customer).await {
                Ok(tried) => shows.tried = Some((customer, tried)),
                Err(why) => shows.refused = Some(why),
            }
            return setup_page(&door, &row, frame(), shows).await;
        }
        What::Oracle | What::Token | What::App | What::Text | What::On | What::Off | What::Restore => {}
    }
    let change = match said(typed, change(&who, &name, 0, "")) {
        Ok(change) => change,
        Err(Said::Wrong(why)) => return setup_page(&door, &row, frame(), Shows::refused(why)).await,
        Err(Said::Version(version)) => {
            let versions = door.parts.store.versions_of(row.id, VERSIONS).await?;
            let (newest, old) = (versions.first(), versions.iter().find(|one| one.version == version));
            let (Some(newest), Some(old)) = (newest, old) else {
                return Err(Problem::not_found(format!("there is no version {version}"), "look again").into());
            };
            let why = format!("version {version} again");
            Change { text: Some(old.body.clone()), ..self::change(&who, &name, newest.version, &why) }
        }
    };
    if let Err(why) = act::change((&door, &who), change).await? {
        return setup_page(&door, &row, frame(), Shows { text: written, ..Shows::refused(why) }).await;
    }
    match what {
        What::Oracle | What::Token | What::App => {
            act::look((&door, &who), &row, Look::Access).await?;
        }
        What::Text | What::On | What::Off | What::Test | What::Consent | What::Try | What::Restore => {}
    }
    Ok(go_to(&format!("{base}?did=changed")))
}

/// What is no change of settings.
enum Said {
    Wrong(NotMade),
    /// This version is to count again.
    Version(i64),
}

/// The change that was typed.
fn said(typed: Typed, change: Change) -> Result<Change, Said> {
    let Typed { what, mut fields } = typed;
    let version = fields.remove("version").and_then(|typed| typed.parse().ok()).unwrap_or_default();
    let text = |path: &'static str, typed: Option<String>| {
        let typed = typed.map(|typed| typed.trim().to_owned()).filter(|typed| !typed.is_empty());
        (path, typed.map(Setting::Text))
    };
    let number = |path: &'static str, typed: Option<String>| -> Result<_, Said> {
        let Some(typed) = typed.filter(|typed| !typed.trim().is_empty()) else { return Ok((path, None)) };
        let number: i64 = typed.trim().parse().map_err(|_| {
            Said::Wrong(NotMade::new(format!("{path}: {typed} is no number"), "write a whole number"))
        })?;
        Ok((path, Some(Setting::Number(number))))
    };
    let mut secrets = Vec::new();
    let mut secret = |name: &'static str, typed: Option<String>| {
        // What is not typed stays as it is kept.
        if let Some(typed) = typed.map(|typed| typed.trim().to_owned()).filter(|typed| !typed.is_empty()) {
            secrets.push((name.to_owned(), SecretString::from(typed)));
        }
        (name, Some(Setting::Kept(name)))
    };
    let mut field = |name: &str| fields.remove(name);
    let (why, settings, whole) = match what {
        What::Oracle => {
            let settings = vec![
                text("oracle.base_url", field("base_url")),
                text("oracle.token_url", field("token_url")),
                text("oracle.client_id", field("client_id")),
                secret("oracle.client_secret", field("client_secret")),
                text("oracle.scope", field("scope")),
            ];
            ("Oracle Fusion", settings, None)
        }
        What::Token => {
            let settings = vec![
                text("pipedrive.base_url", field("base_url")),
                ("pipedrive.oauth", None),
                secret("pipedrive.api_token", field("api_token")),
                text("pipedrive.plan", field("plan")),
                number("pipedrive.seats", field("seats"))?,
            ];
            ("Pipedrive, by API token", settings, None)
        }
        What::App => {
            let settings = vec![
                text("pipedrive.base_url", field("base_url")),
                ("pipedrive.api_token", None),
                text("pipedrive.oauth.client_id", field("client_id")),
                secret("pipedrive.oauth.client_secret", field("client_secret")),
                ("pipedrive.oauth.redirect_url", Some(Setting::BackHere)),
                text("pipedrive.oauth.authorize_url", field("authorize_url")),
                text("pipedrive.oauth.token_url", field("token_url")),
                text("pipedrive.oauth.revoke_url", field("revoke_url")),
                text("pipedrive.plan", field("plan")),
                number("pipedrive.seats", field("seats"))?,
            ];
            ("Pipedrive, by an app", settings, None)
        }
        What::On => {
            let settings =
                vec![("enabled", Some(Setting::Flag(true))), number("sync.guard.creates", field("creates"))?];
            ("switched on", settings, None)
        }
        What::Off => ("switched off", vec![("enabled", Some(Setting::Flag(false)))], None),
        What::Text => ("settings", Vec::new(), field("text").map(|text| text.replace("\r\n", "\n"))),
        What::Restore => {
            let version = field("restore").and_then(|typed| typed.parse().ok()).unwrap_or_default();
            return Err(Said::Version(version));
        }
        What::Test | What::Consent | What::Try => ("", Vec::new(), None),
    };
    let why = why.to_owned();
    Ok(Change { version, why, settings, text: whole, secrets, ..change })
}

fn maker(door: &Door) -> Result<&dyn crate::setup::Maker, Stop> {
    door.parts.maker.as_deref().ok_or_else(|| act::nobody_makes().into())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use secrecy::ExposeSecret as _;
    use sync_core::ids::ConnectionId;

    use super::*;

    fn typed(what: What, fields: &[(&str, &str)]) -> Result<Change, Said> {
        let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let empty = Change {
            name: "acme".to_owned(),
            version: 0,
            who: "Ada".to_owned(),
            why: String::new(),
            settings: Vec::new(),
            text: None,
            secrets: Vec::new(),
        };
        said(Typed { what, fields }, empty)
    }

    #[test]
    fn a_secret_that_is_not_typed_stays_and_one_that_is_goes_into_no_setting() {
        let Ok(change) = typed(
            What::Token,
            &[("base_url", " https://a.pipedrive.com "), ("api_token", ""), ("seats", "3")],
        ) else {
            panic!("a change")
        };
        assert!(change.secrets.is_empty());
        assert_eq!(
            change.settings[0],
            ("pipedrive.base_url", Some(Setting::Text("https://a.pipedrive.com".to_owned())))
        );
        assert_eq!(change.settings[4], ("pipedrive.seats", Some(Setting::Number(3))));
        let Ok(change) = typed(What::Oracle, &[("client_secret", "geheim")]) else { panic!("a change") };
        assert_eq!(change.secrets[0].1.expose_secret(), "geheim");
        assert!(!format!("{:?}", change.settings).contains("geheim"));
        assert!(matches!(typed(What::Token, &[("seats", "many")]), Err(Said::Wrong(_))));
        assert!(matches!(typed(What::Restore, &[("restore", "2")]), Err(Said::Version(2))));
    }

    #[test]
    fn each_version_tells_what_it_changed() {
        let version = |version, body: &str| ConnectionText {
            connection: ConnectionId(1),
            name: "acme".to_owned(),
            version,
            made_at: Timestamp::UNIX_EPOCH,
            made_by: "Ada".to_owned(),
            why: String::new(),
            body: body.to_owned(),
        };
        let told = differences(&[version(2, "a\nc\nd\n"), version(1, "a\nb\nd\n")]);
        let lines: Vec<(&str, &str)> =
            told[0].lines.iter().map(|line| (line.tag, line.text.as_str())).collect();
        assert_eq!(lines, [("-", "b"), ("+", "c")]);
        assert!(told[1].lines.is_empty());
    }
}
