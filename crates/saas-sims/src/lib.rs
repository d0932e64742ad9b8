//! Strict stand-ins for Oracle Fusion Cloud ERP and Pipedrive.
//!
//! Both are axum routers: put behind a socket with [`serve`], or called in-process as a tower service.
//! They share no code and no type with the clients, keep everything in memory, take time from a [`SimClock`]
//! and every random choice from a seed. Where the real system's behaviour is not known, a switch in the
//! settings says so, and its default is the stricter answer.
//!
//! Besides the vendors' own paths each router answers under `/_sim/` (no authentication, not counted):
//!
//! | path | what |
//! |---|---|
//! | `GET /_sim/stats` | requests and tokens by operation ([`Stats`]) |
//! | `GET /_sim/truth` | everything that is stored, as JSON |
//! | `GET`, `POST`, `DELETE /_sim/faults` | read, replace, clear the fault plan ([`faults::FaultRule`]) |
//! | `POST /_sim/clock` | `{"advance_seconds": n}` |
//! | `POST /_sim/fusion/party` | Fusion: edit or add a party like a person, see [`fusion`] |
//! | `POST /_sim/fusion/party/remove`, `/merge` | Fusion: delete a party, or merge it `into` another PartyId |
//! | `POST /_sim/fusion/account` | Fusion: add an account to a party |
//! | `POST /_sim/fusion/tokens/revoke` | Fusion: every access token stops working |
//! | `POST`, `DELETE /_sim/organizations/{id}` | Pipedrive: edit or delete like a person |
//! | `POST /_sim/organizations/{id}/merge` | Pipedrive: `{"into": id}`, the other one survives |
//! | `POST /_sim/deals`, `/_sim/persons`; `POST`, `DELETE /_sim/deals/{id}`, `/_sim/persons/{id}` | Pipedrive: create, edit, delete like a person |
//! | `POST /_sim/deals/{id}/win`, `/lose`, `/reopen`, `/move`, `/archive`, `/unarchive`, `/merge` | Pipedrive: what people do with deals |
//! | `POST /_sim/pipelines`, `/_sim/stages`, `/_sim/filters` | Pipedrive: make a pipeline, a stage, a saved filter |
//! | `GET /_sim/webhooks/outbox` | Pipedrive: the webhook requests to make now, each handed out once |
//! | `POST /_sim/webhooks/outcome` | Pipedrive: `{"id": n, "status": 200}` or `{"id": n, "error": "timeout"}` (or `"unreachable"`) |
//! | `POST /_sim/oauth/consent` | Pipedrive: `{"deny": true}` denies authorizations from now on |
//! | `POST /_sim/oauth/uninstall` | Pipedrive: uninstalls the app like a person |
//! | `GET /_sim/oauth/callbacks` | Pipedrive: the `DELETE` requests that told the app of uninstallations |
//! | `POST /_sim/spend` | Pipedrive: `{"tokens": n}` used up by a foreign integration |
//!
//! The sections named in the docs are those of the reference sheets about the two systems.

mod call;
mod clock;
pub mod faults;
pub mod fusion;
pub mod generator;
pub mod people;
pub mod pipedrive;
mod shell;
mod stats;
mod text;

pub use clock::SimClock;
pub use shell::{ConnectionDropped, serve};
pub use stats::Stats;
