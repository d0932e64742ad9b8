//! `[web]`

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// What the daemon listens on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Address and port of the console, the API and the webhook intake: `IP:PORT`. Port 0 takes a free one.
    /// Default `"127.0.0.1:8080"`.
    #[serde(deserialize_with = "address")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

fn address<'de, D: Deserializer<'de>>(input: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(input)?.parse().map_err(|_| {
        serde::de::Error::custom(
            "this is not an address with a port\n\
             write IP:PORT, for example \"127.0.0.1:8080\" or \"[::1]:8080\"; host names are not looked up here",
        )
    })
}
