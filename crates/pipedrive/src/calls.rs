//! What the calls of all topics have in common: one record, a page, a deletion.

use saas_http::{Answer, Endpoint, Pass};
use serde_json::Value as Json;
use sync_core::{
    budget::Class,
    error::ErrorKind,
    model::{Page, Seen},
    ports::Called,
};

use crate::{
    api::{Envelope, Listed},
    client::{Pipedrive, unreadable},
};

/// Pages to read at most of a list that is read as a whole.
const PAGES: usize = 50;

impl Pipedrive {
    /// Sends a request and reads the record that it answers with.
    pub(crate) async fn one<E: Endpoint<Output = Envelope>, T>(
        &self,
        endpoint: &E,
        pass: impl Into<Pass> + Send,
        read: impl FnOnce(&Json) -> Result<T, String>,
    ) -> Called<T> {
        let Answer { value, correlation, .. } = self.caller.send(endpoint, pass.into()).await?;
        let record = value.one().map_err(str::to_owned).and_then(|data| read(&data));
        record.map_err(|what| unreadable::<E>(what).with_correlation(correlation))
    }

    /// Reads one page of a list with a cursor; a bad record never spoils it.
    pub(crate) async fn cursor_page<E: Endpoint<Output = Envelope>, T>(
        &self,
        endpoint: &E,
        class: Class,
        read: impl Fn(&Json) -> Seen<T>,
    ) -> Called<Page<T>> {
        let Answer { value, server_now, correlation, .. } =
            self.caller.send(endpoint, Pass::Class(class)).await?;
        let listed = value.listed().map_err(|what| unreadable::<E>(what).with_correlation(correlation));
        let Listed { rows, next } = listed?;
        let server_now = server_now.unwrap_or_else(|| self.clock.now());
        Ok(Page { rows: rows.iter().map(read).collect(), more: next.is_some(), next, server_now })
    }

    /// Reads a list as a whole, page by page; one bad record spoils it.
    pub(crate) async fn every<E: Endpoint<Output = Envelope>, T>(
        &self,
        class: Class,
        page: impl Fn(Option<String>) -> E,
        read: impl Fn(&Json) -> Result<Option<T>, String>,
    ) -> Called<Vec<T>> {
        let (mut all, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let Answer { value, correlation, .. } =
                self.caller.send(&page(cursor), Pass::Class(class)).await?;
            let broken = |what: String| unreadable::<E>(what).with_correlation(correlation.clone());
            let Listed { rows, next } = value.listed().map_err(|what| broken(what.to_owned()))?;
            for row in &rows {
                all.extend(read(row).map_err(broken)?);
            }
            if next.is_none() {
                return Ok(all);
            }
            cursor = next;
        }
        Err(unreadable::<E>(format!("the list has no end after {PAGES} pages")))
    }

    /// Deletes something; what is not there is done.
    pub(crate) async fn remove<E: Endpoint<Output = Envelope>>(
        &self,
        endpoint: &E,
        pass: impl Into<Pass> + Send,
    ) -> Called<()> {
        let Answer { value, correlation, .. } = match self.caller.send(endpoint, pass.into()).await {
            Ok(answer) => answer,
            Err(error) if error.kind == ErrorKind::Missing => return Ok(()),
            Err(error) => return Err(error),
        };
        value.done().map_err(|what| unreadable::<E>(what).with_correlation(correlation))
    }
}

/// What is not there is none.
pub(crate) fn if_there<T>(called: Called<T>) -> Called<Option<T>> {
    match called {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == ErrorKind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}
