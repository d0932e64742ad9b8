//! What a row has to fulfil besides its attributes' types (sections 1.4 and 1.5).

use std::collections::BTreeSet;

use super::super::persons;
use super::super::settings::FusionSettings;
use super::super::state::State;
use super::fault::Fault;
use super::level::Level;
use super::node::Node;
use super::store;

/// `number` is the AccountNumber that the request gives.
pub(crate) fn account(
    settings: &FusionSettings,
    state: &State,
    row: &Node,
    number: Option<&str>,
) -> Result<(), Fault> {
    let party = row.id_of("PartyId").unwrap_or_default();
    if !store::party_is_active(settings, state, party) {
        return Err(Fault::invalid("PartyId", "CustomerAccount", &party.to_string()));
    }
    if let Some(number) = number {
        let mut others = state.accounts.rows().filter(|other| other.id != row.id);
        if others.any(|other| other.text("AccountNumber") == Some(number)) {
            return Err(Fault::duplicate(number));
        }
    }
    Ok(())
}

/// `account` holds the other rows, without this one.
pub(crate) fn site(
    settings: &FusionSettings,
    state: &State,
    account: &Node,
    row: &Node,
    party: i64,
) -> Result<(), Fault> {
    let object = Level::Site.object();
    let (party_site, set) = (row.id_of("PartySiteId"), row.id_of("SetId"));
    if !party_site.is_some_and(|site| store::party_site_exists(state, party, site)) {
        return Err(Fault::invalid("PartySiteId", object, row.value("PartySiteId").unwrap_or_default()));
    }
    if !set.is_some_and(|set| settings.set_ids.contains(&set)) {
        return Err(Fault::invalid("SetId", object, row.value("SetId").unwrap_or_default()));
    }
    let same = |other: &Node| other.id_of("PartySiteId") == party_site && other.id_of("SetId") == set;
    if settings.refuse_duplicate_sites && account.at(Level::Site).any(same) {
        return Err(Fault::duplicate(row.value("PartySiteId").unwrap_or_default()));
    }
    Ok(())
}

pub(crate) fn site_use(settings: &FusionSettings, site: &Node, row: &Node) -> Result<(), Fault> {
    let code = row.value("SiteUseCode");
    let mut others = site.at(Level::SiteUse).filter(|other| other.active());
    if settings.refuse_duplicate_sites
        && row.active()
        && others.any(|other| other.value("SiteUseCode") == code)
    {
        return Err(Fault::duplicate(code.unwrap_or_default()));
    }
    Ok(())
}

/// Whoever is a contact of the account is one of its owner first. `account` holds the other rows, without this one.
pub(crate) fn contact(
    settings: &FusionSettings,
    state: &State,
    account: &Node,
    row: &Node,
    party: i64,
) -> Result<(), Fault> {
    let relationship = row.id_of("RelationshipId");
    if !relationship.is_some_and(|relationship| persons::is_contact(state, relationship, party)) {
        let given = row.value("RelationshipId").unwrap_or_default();
        return Err(Fault::invalid("RelationshipId", Level::Contact.object(), given));
    }
    let mut others = account.at(Level::Contact).filter(|other| other.active());
    let twice = others.any(|other| other.id_of("RelationshipId") == relationship);
    if settings.refuse_duplicate_sites && row.active() && twice {
        return Err(Fault::duplicate(row.value("RelationshipId").unwrap_or_default()));
    }
    Ok(())
}

pub(crate) fn contact_role(settings: &FusionSettings, contact: &Node, row: &Node) -> Result<(), Fault> {
    let kind = row.value("ResponsibilityType");
    let mut others = contact.at(Level::ContactRole);
    if settings.refuse_duplicate_sites && others.any(|other| other.value("ResponsibilityType") == kind) {
        return Err(Fault::duplicate(kind.unwrap_or_default()));
    }
    Ok(())
}

pub(crate) fn reference(settings: &FusionSettings, owner: &Node, row: &Node) -> Result<(), Fault> {
    let text = |name| row.value(name).unwrap_or_default();
    let (system, value, table) = (text("OrigSystem"), text("OrigSystemReference"), text("OwnerTableName"));
    if !settings.source_systems.iter().any(|known| known == system) {
        return Err(Fault::unregistered(system));
    }
    if owner.level.table() != Some(table) {
        return Err(Fault::invalid("OwnerTableName", Level::Reference.object(), table));
    }
    let mut beside = owner.at(Level::Reference).filter(|other| other.active());
    let several = beside.any(|other| other.value("OrigSystem") == Some(system));
    if row.active() && several && !settings.several_references {
        return Err(Fault::duplicate(value));
    }
    Ok(())
}

/// A reference is on one row of its table only (section 1.5; whether the pod refuses is UNVERIFIED).
pub(crate) fn references(settings: &FusionSettings, state: &State, tree: &Node) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for key in store::keys(tree) {
        let (system, value, table) = &key;
        let elsewhere = store::holders(state, system, value, table).iter().any(|holder| *holder != tree.id);
        if settings.refuse_duplicate_references && (elsewhere || seen.contains(&key)) {
            return Err(Fault::duplicate(value));
        }
        seen.insert(key);
    }
    Ok(())
}
