//! What people and programs did through console and API.

use std::collections::BTreeMap;

use serde::Serialize;
use sync_store::Store;
use utoipa::ToSchema;

use super::{Paged, TellError, at};

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeedTold {
    /// Its number: newer ones have greater ones.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: String,
    /// Who: a person's name, or a token's.
    pub(crate) who: String,
    /// From which address.
    pub(crate) place: String,
    /// What.
    pub(crate) what: String,
    /// About what, e.g. `party 300000200000001`.
    pub(crate) about: String,
    /// The connection; none if it is about the installation.
    pub(crate) connection: Option<String>,
    /// What else there is to say.
    pub(crate) detail: String,
}

/// A page of what was done, newest first.
pub(crate) async fn deeds(
    store: &Store,
    before: Option<i64>,
    limit: u32,
) -> Result<Paged<DeedTold>, TellError> {
    let rows = store.deeds(before, limit + 1).await?;
    let names = store.connections().await?.into_iter().map(|row| (row.id, row.name));
    let names: BTreeMap<_, _> = names.collect();
    let told = rows.into_iter().map(|(id, deed)| DeedTold {
        id,
        at: at(deed.at),
        who: deed.who,
        place: deed.place,
        what: deed.what,
        about: deed.about,
        connection: deed.connection.and_then(|id| names.get(&id).cloned()),
        detail: deed.detail,
    });
    Ok(Paged::of(told.collect(), limit, |deed| deed.id))
}
