//! The door: health, the intake of webhooks, people who come back with consent, and what callers with the token may ask. API and console come through here, too.
//!
//! `routes.rs` lists what there is: open routes prove themselves in their own way or tell nothing, everything else needs the
//! bearer token. A new route is a line there and a file of its own; what it needs is a field of [`Parts`].
//! `serve.rs` holds the sockets: TLS, limits, the end.

mod bearer;
mod busy;
mod client;
mod connect;
mod door;
mod health;
mod hooks;
mod metrics;
mod page;
mod problem;
mod routes;
mod scrape;
mod serve;
mod status;
mod tls;

pub use bearer::{FEWEST, Token};
pub use connect::{ConnectDoor, Connecting, Connects};
pub use door::{Parts, Served};
pub use hooks::{ByVoucher, HookDoor, Intake, Keeper, MOST_BYTES, Visits};
pub use metrics::metrics_page;
pub use routes::router;
pub use serve::{Limits, Serving, serve};
pub use tls::{Certificates, Look, TlsError};
