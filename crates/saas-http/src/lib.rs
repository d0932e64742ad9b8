//! How any SaaS is called: endpoints, permits, tokens, classification of answers, redaction, transport.
//!
//! A vendor crate describes its calls ([`Endpoint`]), its way of saying no ([`Dialect`]), its price list and
//! windows ([`Gate`]) and its credentials ([`Credentials`]); [`Caller::send`] does the rest in one order: token,
//! slot, span, transport, classification, decoding.
//!
//! What is deliberately not here: repetition. A request is sent once (twice after a 401, which surely had no
//! effect); when to try again is the engine's decision. Nothing but [`HttpTransport`] sees reqwest.

mod adaptive;
mod assertion;
mod base_url;
mod caller;
mod code;
mod credentials;
mod date;
mod dialect;
mod endpoint;
mod exchange;
mod gate;
mod http_transport;
mod metered;
mod oauth;
mod pacer;
mod proof;
mod redact;
mod refresh;
pub mod scalar;
mod service_transport;
mod sleeper;
mod stored;
mod token_reply;
mod transport;
mod witness;

pub use adaptive::{Adaptive, Running};
pub use assertion::{BadCertificate, BadKey, ClientAssertion, KeyName, SigningKey, Thumbprints};
pub use base_url::{BadUrl, BaseUrl, encode};
pub use caller::{Answer, Caller, Wiring};
pub use code::{Code, CodeGrant, OAuthWay, challenge, takes};
pub use credentials::Credentials;
pub use date::{http_date, retry_after};
pub use dialect::{Dialect, Plain, Refusal, Reply, html_block, refusal_by_status};
pub use endpoint::Endpoint;
pub use gate::{Gate, Heard, Need, Pass, Slot};
pub use http_transport::{HttpSettings, HttpTransport};
pub use metered::Metered;
pub use oauth::{ClientCredentials, OAuthClient, TokenSource};
pub use pacer::{Held, Pacer};
pub use proof::ClientProof;
pub use refresh::{RefreshFrom, RefreshState, RefreshToken};
pub use service_transport::ServiceTransport;
pub use sleeper::{Sleeper, TokioSleeper, VirtualSleeper};
pub use token_reply::scopes;
pub use transport::{RequestTimeout, Transport, TransportError, Unreached};
pub use witness::{Last, Witness};
