//! The mapping: which fields, whose value counts, and fields of one's own; tried on a customer while it is typed, and shown as
//! the writes that it would bring before it is saved.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use sync_core::poll::Again;
use sync_store::{ConnectionRow, ConnectionText};

use super::{
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    setup::{
        Change, Maker, NotMade, Tried,
        mapping::{Foresight, KINDS, Mapping, OWNERS, Own},
    },
    told,
    who::Who,
};

#[derive(Template)]
#[template(path = "mapping.html")]
struct Page {
    frame: Frame,
    base: String,
    /// None where the configuration file makes the connection.
    version: Option<i64>,
    mapping: Mapping,
    /// What may be typed for one more field.
    blank: Own,
    kinds: [&'static str; 8],
    owners: [(&'static str, &'static str); 2],
    customer: String,
    /// Whether only the trial is shown, while somebody types.
    live: bool,
    shows: Shows,
}

/// What the page shows beside the mapping.
#[derive(Default)]
struct Shows {
    refused: Option<NotMade>,
    tried: Option<Vec<Tried>>,
    foresight: Option<Foresight>,
}

/// `GET /c/{connection}/mapping`
pub(crate) async fn mapping(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let frame = Frame::of("Mapping", &who, "setup").within(&row).saying(after.into());
    let newest = newest(&door, &row).await?;
    let base = format!("/c/{}", part(&name));
    let mapping = match (&newest, door.parts.maker.as_deref()) {
        (Some(newest), Some(maker)) => maker.mapping(&newest.body),
        (None, _) | (_, None) => Mapping::default(),
    };
    let version = newest.map(|newest| newest.version);
    Ok(page(StatusCode::OK, &shown(frame, base, (version, mapping), Shows::default())))
}

fn shown(frame: Frame, base: String, (version, mapping): (Option<i64>, Mapping), shows: Shows) -> Page {
    let (blank, customer) = (Own::default(), String::new());
    Page { frame, base, version, mapping, blank, kinds: KINDS, owners: OWNERS, customer, live: false, shows }
}

async fn newest(door: &Door, row: &ConnectionRow) -> Result<Option<ConnectionText>, told::TellError> {
    Ok(door.parts.store.versions_of(row.id, 1).await?.into_iter().next())
}

/// `POST /c/{connection}/mapping`
pub(crate) async fn change_mapping(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let base = format!("/c/{}", part(&name));
    let maker = door.parts.maker.as_deref().ok_or_else(act::nobody_makes)?;
    let Some(newest) = newest(&door, &row).await? else {
        let help = "change it there, under [connection.fields]";
        return Err(Problem::conflict("the configuration file says what is mapped", help).into());
    };
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let of = |field: &str| form.iter().find(|(name, _)| name == field).map_or("", |(_, value)| value.trim());
    let typed = maker.mapping(&newest.body).said(&form);
    let version = of("version").parse().unwrap_or_default();
    let (what, customer) = (of("do"), of("customer").to_owned());
    let shows = match maker.with_mapping(&newest.body, &typed) {
        Err(refused) => Shows { refused: Some(refused), ..Shows::default() },
        Ok(text) if what == "save" => {
            let why = "mapping".to_owned();
            let change = Change { why, text: Some(text), ..super::setup::change(&who, &name, version, "") };
            match act::change((&door, &who), change).await? {
                Ok(()) => {
                    // What is mapped anew was never read: everything is read again, and decided by what counts now.
                    act::resync((&door, &who), &row, Again::All).await?;
                    return Ok(go_to(&format!("{base}/mapping?did=mapped")));
                }
                Err(refused) => Shows { refused: Some(refused), ..Shows::default() },
            }
        }
        Ok(text) => tried(maker, &name, &text, (what, &customer)).await,
    };
    let status = if shows.refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let frame = Frame::of("Mapping", &who, "setup").within(&row);
    let live = headers.contains_key("hx-request");
    let page_of = shown(frame, base, (Some(version), typed), shows);
    Ok(page(status, &Page { customer, live, ..page_of }))
}

/// A customer by this mapping, and, where that is asked for, all of them.
async fn tried(maker: &dyn Maker, name: &str, text: &str, (what, customer): (&str, &str)) -> Shows {
    let mut shows = Shows::default();
    if !customer.is_empty() {
        match maker.try_out(name, text, customer).await {
            Ok(tried) => shows.tried = Some(tried),
            Err(why) => shows.refused = Some(why),
        }
    }
    if what == "plan" {
        match maker.foresee(name, text).await {
            Ok(foresight) => shows.foresight = Some(foresight),
            Err(why) => shows.refused = Some(why),
        }
    }
    shows
}
