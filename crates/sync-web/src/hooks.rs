//! Intake of webhooks: whoever comes is asked for proof before anything is parsed (law 9); what is accepted is durable
//! before it is answered, and worked on afterwards.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Extension,
    body::Bytes,
    extract::{FromRequest as _, Path, Request, State},
    http::{HeaderMap, StatusCode},
};
use subtle::ConstantTimeEq;
use sync_core::{
    hooks::{Check, Delivery, HookVerifier, Refused},
    ids::ConnectionId,
    ports::Clock,
};
use sync_engine::Bell;
use sync_store::{HookRow, Store};
use tokio::sync::{mpsc, oneshot};

use crate::{client::Client, door::Door};

/// The most bytes of a delivery: a record with hundreds of fields and thousands of permitted users is far below.
pub const MOST_BYTES: usize = 1 << 20;

/// The most events in one commit.
const TOGETHER: usize = 128;

/// The most events that wait for a commit; who comes then is asked to come again.
const WAITING: usize = 1_024;

/// The door of one connection.
pub struct HookDoor {
    /// The connection.
    pub connection: ConnectionId,
    /// The address that the CRM is told, up to the last part of its path.
    pub base: String,
    /// The last parts of its paths: nobody guesses them. That of the secret in use first.
    pub paths: Vec<String>,
    /// Who vouches.
    pub verifier: Arc<dyn HookVerifier>,
    /// Wakes whoever works on the connection.
    pub bell: Arc<Bell>,
}

impl HookDoor {
    /// The addresses under which it takes webhooks in. Whoever knows one has half of what it takes to send something.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.paths.iter().map(|path| format!("{}{path}", self.base)).collect()
    }
}

/// What came to the door of a connection since the process began.
#[derive(Debug, Default)]
pub struct Visits {
    /// Durably taken in.
    pub accepted: AtomicU64,
    /// Vouched for, and of no interest.
    pub ignored: AtomicU64,
    /// Vouched for, and not understood.
    pub unreadable: AtomicU64,
    /// Not vouched for.
    pub rejected: AtomicU64,
    /// Those that were accepted, by who vouched.
    pub vouched: ByVoucher,
}

/// Counts by who vouched.
#[derive(Debug, Default)]
pub struct ByVoucher {
    /// User and password alone.
    pub basic: AtomicU64,
    /// The digest alone.
    pub hmac: AtomicU64,
    /// Both.
    pub both: AtomicU64,
}

impl ByVoucher {
    fn count(&self, vouched: &[Check]) {
        let by = match (vouched.contains(&Check::Basic), vouched.contains(&Check::Hmac)) {
            (true, false) => &self.basic,
            (false, true) => &self.hmac,
            (true, true) => &self.both,
            (false, false) => return,
        };
        by.fetch_add(1, Ordering::Relaxed);
    }
}

/// The doors of all connections of the process, by their names.
pub struct Intake {
    doors: BTreeMap<String, (HookDoor, Visits)>,
    waiting: mpsc::Sender<Waiting>,
}

struct Waiting {
    connection: ConnectionId,
    row: HookRow,
    kept: oneshot::Sender<bool>,
}

/// Keeps what comes in, many events with one commit.
pub struct Keeper {
    store: Store,
    clock: Arc<dyn Clock>,
    waiting: mpsc::Receiver<Waiting>,
    #[cfg(feature = "planted")]
    answers_first: bool,
}

impl Intake {
    /// Doors, and who has to work behind them.
    #[must_use]
    pub fn new(
        doors: BTreeMap<String, HookDoor>,
        store: Store,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Self>, Keeper) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let doors = doors.into_iter().map(|(name, door)| (name, (door, Visits::default()))).collect();
        let keeper = Keeper {
            store,
            clock,
            waiting: receiver,
            #[cfg(feature = "planted")]
            answers_first: false,
        };
        (Arc::new(Self { doors, waiting: sender }), keeper)
    }

    /// What came to a connection's door.
    #[must_use]
    pub fn visits(&self, connection: &str) -> Option<&Visits> {
        self.doors.get(connection).map(|(_, visits)| visits)
    }

    /// Where a connection takes webhooks in; none where it takes none.
    pub(crate) fn addresses(&self, connection: &str) -> Option<Vec<String>> {
        self.doors.get(connection).map(|(door, _)| door.addresses())
    }

    /// Judges what the path and the headers show, before anybody waits for a body.
    fn at_first_sight(
        &self,
        (name, path): (&str, &str),
        client: Client,
        headers: &HeaderMap,
    ) -> Result<(), StatusCode> {
        let (door, visits) = self.doors.get(name).ok_or(StatusCode::NOT_FOUND)?;
        if !is_one_of(&door.paths, path) {
            visits.rejected.fetch_add(1, Ordering::Relaxed);
            return Err(StatusCode::NOT_FOUND);
        }
        door.verifier.at_first_sight(&all_of(headers)).map_err(|refused| visits.reject(name, client, refused))
    }

    /// A delivery as it comes to the path of a connection's door: nobody waits for the body of one that cannot be right.
    /// `200`: it is durable or of no interest.
    pub async fn deliver(
        &self,
        (name, path): (&str, &str),
        client: Client,
        headers: &HeaderMap,
        body: impl Future<Output = Result<Bytes, StatusCode>> + Send,
    ) -> StatusCode {
        if let Err(status) = self.at_first_sight((name, path), client, headers) {
            return status;
        }
        match body.await {
            Ok(body) => self.take(name, client, headers, body).await,
            Err(status) => status,
        }
    }

    async fn take(&self, name: &str, client: Client, headers: &HeaderMap, body: Bytes) -> StatusCode {
        let Some((door, visits)) = self.doors.get(name) else { return StatusCode::NOT_FOUND };
        let vouched = match door.verifier.verify(&Delivery { headers: &all_of(headers), body: &body }) {
            Ok(vouched) => vouched,
            Err(refused) => return visits.reject(name, client, refused),
        };
        let event = match door.verifier.read(&body) {
            Ok(Some(event)) => event,
            Ok(None) => {
                visits.ignored.fetch_add(1, Ordering::Relaxed);
                return StatusCode::OK;
            }
            Err(reason) => {
                // Refused, it would come again and count towards a ban; the next poll sees what it was about.
                visits.unreadable.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(connection = name, reason, "a webhook was not understood");
                return StatusCode::OK;
            }
        };
        let by = vouched.clone();
        let row = HookRow { event, vouched, body: String::from_utf8_lossy(&body).into_owned() };
        let (sender, kept) = oneshot::channel();
        let waiting = Waiting { connection: door.connection, row, kept: sender };
        if self.waiting.try_send(waiting).is_err() || kept.await != Ok(true) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        visits.accepted.fetch_add(1, Ordering::Relaxed);
        visits.vouched.count(&by);
        door.bell.ring();
        StatusCode::OK
    }
}

impl Visits {
    fn reject(&self, name: &str, client: Client, refused: Refused) -> StatusCode {
        // Ten failures ban the webhook there: the first one is worth a warning (pipedrive.md 5.4).
        if self.rejected.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(connection = name, %client, %refused, "a webhook was rejected; are its user and password ours?");
        }
        StatusCode::UNAUTHORIZED
    }
}

fn all_of(headers: &HeaderMap) -> impl Fn(&str) -> Vec<Vec<u8>> {
    |name| headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

/// Compares with all of them, whichever it is.
fn is_one_of(paths: &[String], path: &str) -> bool {
    let same = paths
        .iter()
        .fold(subtle::Choice::from(0), |same, known| same | known.as_bytes().ct_eq(path.as_bytes()));
    same.into()
}

/// `POST /hooks/{connection}/{path}`
pub(crate) async fn take(
    State(door): State<Door>,
    Extension(client): Extension<Client>,
    Path((name, path)): Path<(String, String)>,
    request: Request,
) -> StatusCode {
    let headers = request.headers().clone();
    let body = async { Bytes::from_request(request, &()).await.map_err(|refused| refused.status()) };
    door.parts.intake.deliver((&name, &path), client, &headers, body).await
}

impl Keeper {
    /// Works until all doors are closed.
    pub async fn work(mut self) {
        let mut batch = Vec::with_capacity(TOGETHER);
        while self.waiting.recv_many(&mut batch, TOGETHER).await > 0 {
            let mut by_connection: BTreeMap<ConnectionId, (Vec<HookRow>, Vec<oneshot::Sender<bool>>)> =
                BTreeMap::new();
            for Waiting { connection, row, kept } in batch.drain(..) {
                let (rows, senders) = by_connection.entry(connection).or_default();
                rows.push(row);
                senders.push(kept);
            }
            for (connection, (rows, mut senders)) in by_connection {
                self.answer_first(&mut senders);
                let kept = self.store.put_hooks(connection, &rows, self.clock.now()).await;
                if let Err(error) = &kept {
                    tracing::error!(%error, "webhooks cannot be stored");
                }
                for sender in senders {
                    // Whoever waited may have gone: then it comes again.
                    let _ = sender.send(kept.is_ok());
                }
            }
        }
    }

    /// TEST ONLY. Plants the bug of acknowledging what is not durable yet.
    #[cfg(feature = "planted")]
    #[must_use]
    pub fn answering_first(self) -> Self {
        Self { answers_first: true, ..self }
    }

    #[cfg(feature = "planted")]
    fn answer_first(&self, senders: &mut Vec<oneshot::Sender<bool>>) {
        let early = if self.answers_first { std::mem::take(senders) } else { Vec::new() };
        for sender in early {
            let _ = sender.send(true);
        }
    }

    #[cfg(not(feature = "planted"))]
    #[expect(clippy::unused_self, reason = "the other one needs it")]
    fn answer_first(&self, _: &mut Vec<oneshot::Sender<bool>>) {}
}
