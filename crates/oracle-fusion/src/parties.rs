//! Parties beyond the poll: look for ours, create, change (oracle-fusion.md 1.4, 1.5, 4.6). Each is one call; what to
//! do after a refusal or a doubt is the engine's decision.

use http::{HeaderValue, header};
use saas_http::{
    Answer, Endpoint,
    scalar::{int, required, text},
};
use serde_json::{Value, json};
use sync_core::{
    customers::{CreatedParty, ErpAddress, NewAddress, NewParty, PartyChanges, Reference, Updated},
    error::{CallError, ErrorKind},
    ids::PartyId,
    model::{ErpParty, Malformed, Seen},
    ports::Called,
};

use crate::{
    api::{
        Collection,
        parties::{AddChild, CreateParty, FindParties, GetParty, ListAddresses, UpdateParty, sayable},
    },
    client::Fusion,
    convert, dialect,
    places::{self, address},
};

impl Fusion {
    /// The parties that carry this reference: none, the one we made, or more than there should be. Of any status.
    ///
    /// # Errors
    /// As every call; also for values that a finder cannot say, and when one of the parties cannot be read, because a
    /// lookup that overlooks one leads to a second one.
    pub async fn parties_by_reference(&self, system: &str, value: &str) -> Called<Vec<ErpParty>> {
        let variables = vec![("SourceSystem", system), ("SourceSystemReferenceValue", value)];
        self.find("SourceSystemReferenceRF", variables).await
    }

    /// The party with this number, if it exists and our user may see it.
    ///
    /// # Errors
    /// As [`Fusion::parties_by_reference`].
    pub async fn party_by_number(&self, number: &str) -> Called<Option<ErpParty>> {
        let mut found = self.find("PartyNumberRF", vec![("PartyNumber", number)]).await?;
        found.retain(|party| party.number == number);
        Ok(found.pop())
    }

    async fn find(
        &self,
        finder: &'static str,
        variables: Vec<(&'static str, &str)>,
    ) -> Called<Vec<ErpParty>> {
        if let Some((name, _)) = variables.iter().find(|(_, value)| !sayable(value)) {
            let why =
                format!("{name} is blank or has a comma, semicolon or equals sign: no finder can say that");
            return Err(CallError::without_effect(FindParties::NAME, ErrorKind::Rejected, why));
        }
        let find =
            FindParties { api_version: self.api_version(), finder, variables, limit: self.page_size() };
        let Answer { value, correlation, .. } = self.call(&find).await?;
        let Collection { items, has_more } = value;
        let unreadable = |why: String| {
            CallError::without_effect(FindParties::NAME, ErrorKind::Unreadable, why)
                .with_correlation(correlation.clone())
        };
        if has_more && items.is_empty() {
            return Err(unreadable("there are more parties than none".to_owned()));
        }
        items
            .into_iter()
            .map(|item| convert::party(item, self.extra()))
            .map(|seen| record(seen).map_err(&unreadable))
            .collect()
    }

    /// Creates a party with its reference and addresses, all or nothing. After a refusal or a doubt, look for the
    /// reference: how a duplicate is refused is unknown.
    ///
    /// # Errors
    /// As every call.
    pub async fn create_party(&self, new: &NewParty) -> Called<CreatedParty> {
        let create = CreateParty { api_version: self.api_version(), party: places::party(new) };
        let Answer { value, correlation, .. } = self.call(&create).await?;
        let keys = || -> Result<CreatedParty, String> {
            let id = PartyId(required("PartyId", int("PartyId", value.party_id.as_ref())?)?);
            let number = required("PartyNumber", text("PartyNumber", value.party_number.as_ref())?)?;
            Ok(CreatedParty { id, number })
        };
        keys().map_err(|why| {
            CallError::in_doubt(CreateParty::NAME, ErrorKind::Unreadable, why).with_correlation(correlation)
        })
    }

    /// All addresses of a party, in the order of their ids.
    ///
    /// # Errors
    /// As every call; also when an address cannot be read.
    pub async fn addresses(&self, number: &str) -> Called<Vec<ErpAddress>> {
        let (api_version, limit) = (self.api_version(), self.page_size());
        let list = |after| ListAddresses { api_version, number, after, limit };
        let rows = self.every("AddressId", list).await?;
        let unreadable = |why| CallError::without_effect(ListAddresses::NAME, ErrorKind::Unreadable, why);
        rows.into_iter().map(|row| record(address(row)).map_err(unreadable)).collect()
    }

    /// Adds an address to a party.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_address(&self, number: &str, new: &NewAddress) -> Called<ErpAddress> {
        let Answer { value, correlation, .. } = self.add_child(number, "Address", places::new(new)).await?;
        record(address(value)).map_err(|why| {
            CallError::in_doubt(AddChild::NAME, ErrorKind::Unreadable, why).with_correlation(correlation)
        })
    }

    /// Gives a party one more usage, `CUSTOMER` for example.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_usage(&self, number: &str, usage: &str) -> Called<()> {
        let row = json!({ "PartyUsageCode": usage });
        self.add_child(number, "UsageAssignment", row).await.map(|_| ())
    }

    /// Gives a party that exists already our name for it.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_reference(&self, number: &str, reference: &Reference) -> Called<()> {
        self.add_child(number, "SourceSystemReference", places::reference(reference)).await.map(|_| ())
    }

    async fn add_child(&self, number: &str, child: &'static str, row: Value) -> Called<Answer<Value>> {
        self.call(&AddChild { api_version: self.api_version(), number, child, row }).await
    }

    /// Which version of a party this is now, for [`Fusion::update_party`]: the ETag, else the change indicator.
    ///
    /// # Errors
    /// As every call; also when the answer has neither.
    pub async fn etag_of(&self, number: &str) -> Called<String> {
        let answer = self.call(&GetParty { api_version: self.api_version(), number }).await?;
        let etag = answer.headers.get(header::ETAG).and_then(|etag| etag.to_str().ok());
        let found = etag.filter(|etag| !etag.trim().is_empty()).or_else(|| change_indicator(&answer.value));
        found.map(quoted).ok_or_else(|| {
            let why = "the party has neither an ETag nor a change indicator";
            CallError::without_effect(GetParty::NAME, ErrorKind::Unreadable, why)
                .with_correlation(answer.correlation.clone())
        })
    }

    /// Changes a party, if it is still the version named. Without a version the last writer wins, except in flight.
    ///
    /// # Errors
    /// As every call; that it was overtaken is a result, not an error.
    pub async fn update_party(
        &self,
        number: &str,
        changes: &PartyChanges,
        etag: Option<&str>,
    ) -> Called<Updated> {
        let refused = |why| CallError::without_effect(UpdateParty::NAME, ErrorKind::Rejected, why);
        if changes.is_empty() {
            return Err(refused("there is nothing to change"));
        }
        let if_match = etag.map(|etag| HeaderValue::from_str(&quoted(etag))).transpose();
        let if_match = if_match.map_err(|_| refused("the version cannot be sent in a header"))?;
        let (api_version, changes) = (self.api_version(), places::changes(changes));
        match self.call(&UpdateParty { api_version, number, changes, if_match }).await {
            Ok(_) => Ok(Updated::Done),
            Err(error) if dialect::is_overtaken(&error) => Ok(Updated::Overtaken),
            Err(error) => Err(error),
        }
    }
}

/// `links[rel=self].properties.changeIndicator` (4.6).
fn change_indicator(item: &Value) -> Option<&str> {
    let links = item.get("links")?.as_array()?;
    let own = links.iter().find(|link| link.get("rel").and_then(Value::as_str) == Some("self"))?;
    own.get("properties")?.get("changeIndicator")?.as_str().filter(|indicator| !indicator.is_empty())
}

/// Versions travel in double quotes.
fn quoted(etag: &str) -> String {
    let etag = etag.trim();
    if etag.ends_with('"') { etag.to_owned() } else { format!("\"{etag}\"") }
}

fn record<T>(seen: Seen<T>) -> Result<T, String> {
    match seen {
        Seen::Record(record) => Ok(record),
        Seen::Malformed(Malformed { reason, .. }) => Err(reason),
    }
}
