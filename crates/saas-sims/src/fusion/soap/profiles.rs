//! `ReceivablesCustomerProfileService`: its three operations (section 1.4, step 3).

use jiff::Timestamp;

use super::super::settings::FusionSettings;
use super::super::state::State;
use super::fault::Fault;
use super::given::{self, Given};
use super::names::PROFILE;
use super::profile::{ATTRIBUTES, OBJECT, Profile};
use super::store;
use super::xml::Element;

/// createCustomerProfile, updateCustomerProfile, getActiveCustomerProfile on one account.
pub(crate) struct Profiles<'a> {
    pub(crate) settings: &'a FusionSettings,
    pub(crate) state: &'a mut State,
    pub(crate) now: Timestamp,
}

impl Profiles<'_> {
    pub(crate) fn create(&mut self, element: &Element) -> Result<Element, Fault> {
        let given = self.given(element)?;
        let account = self.owner(&given)?;
        let Some(Some(_)) = given.get("ProfileClassName") else {
            return Err(Fault::required("ProfileClassName", OBJECT));
        };
        if self.settings.refuse_second_profile && self.active(account).is_some() {
            return Err(Fault::duplicate(&account.to_string()));
        }
        let State { soap, rng, .. } = &mut *self.state;
        let mut profile = Profile::by_hand(soap.next_id(rng), account, "", self.now);
        set(&mut profile, &given)?;
        self.state.soap.profiles.insert(profile.id, profile);
        Ok(echo(&given))
    }

    pub(crate) fn update(&mut self, element: &Element) -> Result<Element, Fault> {
        let given = self.given(element)?;
        let account = self.owner(&given)?;
        let mut profile = self.active(account).ok_or_else(Fault::missing_record)?;
        set(&mut profile, &given)?;
        self.state.soap.profiles.insert(profile.id, profile);
        Ok(echo(&given))
    }

    pub(crate) fn get(&mut self, element: &Element) -> Result<Element, Fault> {
        let given = self.given(element)?;
        let account = self.account(&given)?;
        if let Some(party) = given.get("PartyId") {
            self.belongs(account, party.as_deref())?;
        }
        let profile = self.active(account).ok_or_else(Fault::missing_record)?;
        let values = ATTRIBUTES.iter().map(|attribute| {
            Element::leaf(PROFILE, attribute.name, profile.text(self.state, attribute.name).as_deref())
        });
        Ok(Element::new(PROFILE, "Value").with(values))
    }

    fn given(&self, element: &Element) -> Result<Given, Fault> {
        let given = given::read(element, PROFILE, OBJECT, ATTRIBUTES, |_| false)?;
        if let Some(Some(class)) = given.get("ProfileClassName")
            && !self.settings.profile_classes.contains(class)
        {
            return Err(Fault::invalid("ProfileClassName", OBJECT, class));
        }
        if given.contains_key("CustomerAccountProfileId") {
            return Err(Fault::read_only("CustomerAccountProfileId", OBJECT));
        }
        Ok(given)
    }

    /// The account of a write, which has to name the party as well.
    fn owner(&self, given: &Given) -> Result<i64, Fault> {
        let account = self.account(given)?;
        let Some(Some(party)) = given.get("PartyId") else { return Err(Fault::required("PartyId", OBJECT)) };
        self.belongs(account, Some(party))?;
        let party = party.parse().unwrap_or_default();
        if store::party_is_active(self.settings, self.state, party) {
            Ok(account)
        } else {
            Err(Fault::invalid("PartyId", OBJECT, &party.to_string()))
        }
    }

    fn belongs(&self, account: i64, party: Option<&str>) -> Result<(), Fault> {
        let owner = self.state.accounts.get(account).and_then(|row| row.integer("CustomerId"));
        if party.is_some() && party == owner.map(|owner| owner.to_string()).as_deref() {
            return Ok(());
        }
        Err(Fault::invalid("PartyId", OBJECT, party.unwrap_or_default()))
    }

    /// The account by id or number; both may be given if they agree.
    fn account(&self, given: &Given) -> Result<i64, Fault> {
        let text = |name| given.get(name).and_then(Option::as_deref);
        let (id, number) = (text("CustomerAccountId"), text("AccountNumber"));
        let (name, value) = match (id, number) {
            (Some(id), _) => ("CustomerAccountId", id),
            (None, Some(number)) => ("AccountNumber", number),
            (None, None) => return Err(Fault::required("CustomerAccountId", OBJECT)),
        };
        let mut rows = self.state.accounts.rows().filter(|_| self.settings.data_access);
        let found = rows.find(|row| {
            id.is_none_or(|id| id == row.id.to_string())
                && number.is_none_or(|number| row.text("AccountNumber") == Some(number))
        });
        found.map(|row| row.id).ok_or_else(|| Fault::invalid(name, OBJECT, value))
    }

    /// The profile in force today; of several the latest.
    fn active(&self, account: i64) -> Option<Profile> {
        let all = self.state.soap.profiles.values().rev();
        all.filter(|profile| profile.account == account).find(|profile| profile.is_active(self.now)).cloned()
    }
}

fn set(profile: &mut Profile, given: &Given) -> Result<(), Fault> {
    for (name, value) in given {
        if matches!(*name, "PartyId" | "CustomerAccountId" | "AccountNumber") {
            continue;
        }
        match value {
            Some(value) => profile.values.insert(name, value.clone()),
            None if matches!(*name, "ProfileClassName" | "EffectiveStartDate" | "EffectiveEndDate") => {
                return Err(Fault::required(name, OBJECT));
            }
            None => profile.values.remove(name),
        };
    }
    let at = |name| profile.values.get(name);
    if at("EffectiveStartDate") > at("EffectiveEndDate") {
        let end = at("EffectiveEndDate").map_or("", String::as_str);
        return Err(Fault::invalid("EffectiveEndDate", OBJECT, end));
    }
    Ok(())
}

/// The answer to a write: what was sent and nothing else.
fn echo(given: &Given) -> Element {
    let sent = ATTRIBUTES.iter().filter_map(|attribute| {
        let value = given.get(attribute.name)?;
        Some(Element::leaf(PROFILE, attribute.name, value.as_deref()))
    });
    Element::new(PROFILE, "Value").with(sent)
}
