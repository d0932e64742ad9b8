//! From the services' XML to our records: everything is text, `xsi:nil` or blank is nothing (oracle-fusion.md 1.4).

use saas_http::scalar::{day, int, required, text};
use serde_json::Value;
use sync_core::{
    customers::{AccountContact, AccountSite, FoundAccount, Profile, SiteUse},
    ids::{
        AccountContactId, AccountId, AccountSiteId, PartyId, PartySiteId, ProfileId, RelationshipId, SetId,
        SiteUseId,
    },
};

use super::{accounts::ACCOUNT, profiles::PROFILE, tree::Element};

/// An account with its sites and their uses.
pub(crate) fn account(element: &Element) -> Result<FoundAccount, String> {
    let row = Row { element, space: ACCOUNT };
    let sites = row.rows("CustomerAccountSite").map(|element| site(&element));
    // Who needs no contact is not to fail by one that cannot be read.
    let contacts: Result<Vec<AccountContact>, String> =
        row.rows("CustomerAccountContact").filter_map(|row| contact(&row).transpose()).collect();
    let unclear = contacts.as_ref().err().map(|why| format!("CustomerAccountContact: {why}"));
    Ok(FoundAccount {
        id: AccountId(row.id("CustomerAccountId")?),
        party: PartyId(row.id("PartyId")?),
        number: required("AccountNumber", row.text("AccountNumber")?)?,
        name: row.text("AccountName")?,
        class: row.text("CustomerClassCode")?,
        active: row.is_active()?,
        sites: sites.collect::<Result<_, _>>()?,
        contacts: contacts.unwrap_or_default(),
        unclear,
    })
}

/// Somebody who is a contact of the account as a whole; none without a relationship, as employees are.
fn contact(row: &Row<'_>) -> Result<Option<AccountContact>, String> {
    let Some(relationship) = int("RelationshipId", row.value("RelationshipId").as_ref())? else {
        return Ok(None);
    };
    let purposes = row.rows("CustomerAccountContactRole").filter_map(|role| {
        match (role.is_active(), role.text("ResponsibilityType")) {
            (Ok(true), Ok(purpose)) => purpose.map(Ok),
            (Ok(false), Ok(_)) => None,
            (Err(why), _) | (_, Err(why)) => Some(Err(why)),
        }
    });
    Ok(Some(AccountContact {
        id: AccountContactId(row.id("CustomerAccountRoleId")?),
        relationship: RelationshipId(relationship),
        active: row.is_active()?,
        purposes: purposes.collect::<Result<_, _>>()?,
    }))
}

fn site(row: &Row<'_>) -> Result<AccountSite, String> {
    Ok(AccountSite {
        id: AccountSiteId(row.id("CustomerAccountSiteId")?),
        party_site: PartySiteId(row.id("PartySiteId")?),
        set: int("SetId", row.value("SetId").as_ref())?.map(SetId),
        active: row.is_active()?,
        uses: row.rows("CustomerAccountSiteUse").map(|row| site_use(&row)).collect::<Result<_, _>>()?,
    })
}

fn site_use(row: &Row<'_>) -> Result<SiteUse, String> {
    Ok(SiteUse {
        id: SiteUseId(row.id("SiteUseId")?),
        purpose: required("SiteUseCode", row.text("SiteUseCode")?)?,
        active: row.is_active()?,
    })
}

/// A profile; one that says nothing is none that we can read.
pub(crate) fn profile(element: &Element) -> Result<Profile, String> {
    let row = Row { element, space: PROFILE };
    let profile = Profile {
        id: int("CustomerAccountProfileId", row.value("CustomerAccountProfileId").as_ref())?.map(ProfileId),
        class: row.text("ProfileClassName")?,
        payment_terms: row.text("PaymentTerms")?,
        starts: day("EffectiveStartDate", row.value("EffectiveStartDate").as_ref())?,
        ends: day("EffectiveEndDate", row.value("EffectiveEndDate").as_ref())?,
    };
    if profile.id.is_none() && profile.class.is_none() && profile.starts.is_none() {
        return Err("ProfileClassName is missing".to_owned());
    }
    Ok(profile)
}

/// An element whose attributes stand in one namespace.
struct Row<'a> {
    element: &'a Element,
    space: &'static str,
}

impl<'a> Row<'a> {
    fn rows(&self, name: &'a str) -> impl Iterator<Item = Row<'a>> {
        let space = self.space;
        let rows = self.element.all(space, name).filter(|row| !row.nil && !row.children.is_empty());
        rows.map(move |element| Row { element, space })
    }

    fn value(&self, name: &str) -> Option<Value> {
        let child = self.element.all(self.space, name).next().filter(|child| !child.nil)?;
        Some(Value::String(child.text.clone()))
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        text(name, self.value(name).as_ref())
    }

    fn id(&self, name: &str) -> Result<i64, String> {
        required(name, int(name, self.value(name).as_ref())?)
    }

    fn is_active(&self) -> Result<bool, String> {
        Ok(self.text("Status")?.is_none_or(|status| status == "A"))
    }
}
