//! The door: health, the intake of webhooks, people who come back with consent, and what callers with the token may ask. API and console come through here, too.
//!
//! `routes.rs` lists what there is and who may call it: open routes prove themselves in their own way or tell nothing, the API
//! (`api/`) needs a token, the console (`console/`) a session (`who/`), each with a role. Both tell the same (`told/`) and do the
//! same (`act.rs`). A new route is a line there and a function of its own; what it needs is a field of [`Parts`].
//! `serve.rs` holds the sockets: TLS, limits, the end.

mod act;
mod api;
mod bearer;
mod busy;
mod client;
mod connect;
mod console;
mod door;
mod health;
mod hooks;
mod metrics;
mod page;
mod problem;
mod routes;
mod scrape;
mod serve;
pub mod setup;
mod status;
mod tls;
mod told;
mod who;

pub use api::document as openapi;
pub use bearer::{FEWEST, Token};
pub use client::Client;
pub use connect::{ConnectDoor, Connecting, Connects};
pub use door::{Parts, Served};
pub use hooks::{ByVoucher, HookDoor, Intake, Keeper, MOST_BYTES, Visits};
pub use metrics::metrics_page;
pub use routes::router;
pub use serve::{Limits, Serving, serve};
pub use tls::{Certificates, Look, TlsError};
pub use told::{TellError, fit, handover_plan, plan, reading};
pub use who::invitation;
