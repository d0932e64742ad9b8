//! One connection: what is read, what waits, what it costs, and writes as they happen.

use std::{convert::Infallible, time::Duration};

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse as _,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::stream::{self, Stream};
use jiff::SignedDuration;
use serde::Deserialize;
use sync_core::ids::ConnectionId;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    sent::{Path, Query},
    shell::{Afterwards, Frame, Shown, connection_of, go_to, page, part},
};
use crate::{
    act,
    door::Door,
    problem::Problem,
    told::{self, ConnectionTold, Written},
    who::Who,
};

/// Writes shown beside the status.
const SOME: u32 = 20;

/// How often a live page looks for new writes.
const LOOK: SignedDuration = SignedDuration::from_secs(1);

/// A page lives at most this long; then the browser asks again, and whoever may not look any more is told so.
const LOOKS: u32 = 300;

#[derive(Template)]
#[template(path = "connection.html")]
struct Status {
    frame: Frame,
    base: String,
    one: ConnectionTold,
    writes: Vec<Written>,
    last: i64,
}

/// `GET /c/{connection}`
pub(crate) async fn connection(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    Query(after): Query<Afterwards>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let all = told::connections(&door).await?;
    let unknown = || Problem::not_found(format!("no connection named {name}"), "the overview lists them");
    let one = all.into_iter().find(|one| one.name == name).ok_or_else(unknown)?;
    let mut tx = door.parts.store.read(row.id).await?;
    let writes = told::journal(&mut tx, None, None, SOME).await?.items;
    let last = writes.first().map_or(0, |write| write.id);
    let frame = Frame::of(name.clone(), &who, "connection").within(&row).saying(after.into());
    let base = format!("/c/{}", part(&name));
    Ok(page(StatusCode::OK, &Status { frame, base, one, writes, last }))
}

/// `POST /c/{connection}/sync`
pub(crate) async fn sync(
    State(door): State<Door>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    act::sync((&door, &who), &row, None).await?;
    Ok(go_to(&format!("/c/{}?did=synced", part(&name))))
}

/// The number of the last write that a page shows.
#[derive(Deserialize)]
pub(crate) struct Since {
    #[serde(default)]
    after: i64,
}

#[derive(Template)]
#[template(path = "write_rows.html")]
struct Rows {
    base: String,
    writes: Vec<Written>,
}

/// A page that is told of writes.
struct Live {
    door: Door,
    connection: ConnectionId,
    base: String,
    after: i64,
    left: u32,
    _place: OwnedSemaphorePermit,
}

/// `GET /c/{connection}/events`: rows of new writes, as server-sent events.
pub(crate) async fn events(
    State(door): State<Door>,
    Path(name): Path<String>,
    Query(since): Query<Since>,
) -> Shown {
    let row = connection_of(&door, &name).await?;
    let Ok(place) = std::sync::Arc::clone(&door.live).try_acquire_owned() else {
        return Ok((StatusCode::SERVICE_UNAVAILABLE, "too many pages are live").into_response());
    };
    let base = format!("/c/{}", part(&name));
    let live = Live { connection: row.id, base, after: since.after, left: LOOKS, door, _place: place };
    Ok(Sse::new(rows(live)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response())
}

/// New rows, until the page lived long enough or the process ends.
fn rows(live: Live) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(live, async |mut live| {
        loop {
            let mut closing = live.door.closing.clone();
            live.left = live.left.checked_sub(1)?;
            tokio::select! {
                biased;
                _ = closing.wait_for(|closing| *closing) => return None,
                () = live.door.parts.sleeper.sleep(LOOK) => {}
            }
            let mut tx = live.door.parts.store.read(live.connection).await.ok()?;
            let mut writes = told::journal(&mut tx, None, None, SOME).await.ok()?.items;
            drop(tx);
            writes.retain(|write| write.id > live.after);
            let Some(newest) = writes.first() else { continue };
            live.after = newest.id;
            let rows = Rows { base: live.base.clone(), writes }.render().ok()?;
            let event = Event::default().id(live.after.to_string()).data(rows.trim());
            return Some((Ok(event), live));
        }
    })
}
