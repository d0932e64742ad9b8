//! `FoundationSourceSystemService`: the source systems that are set up. Service, namespace and attributes are those of
//! <https://docs.oracle.com/en/cloud/saas/sales/oesws/sourceinformationtechnologysystem-d42e137217.html> and the pages that it
//! leads to; that there is a `findSourceSystem` as the other services have finds is UNVERIFIED (switch
//! `source_system_service`).

use super::super::settings::FusionSettings;
use super::fault::Fault;
use super::names::SOURCE_SYSTEM;
use super::sequence::Sequence;
use super::xml::Element;

/// What a registered system is enabled for when a person sets it up for customers.
const TABLES: [&str; 5] =
    ["HZ_PARTIES", "HZ_PARTY_SITES", "HZ_CUST_ACCOUNTS", "HZ_CUST_ACCT_SITES_ALL", "HZ_CUST_SITE_USES_ALL"];

/// The registered systems with the code that the filter asks for.
pub(crate) fn find(settings: &FusionSettings, criteria: &Element) -> Result<Vec<Element>, Fault> {
    if !settings.source_system_service {
        return Err(Fault::unknown_method());
    }
    let code = code(criteria)?;
    let known = settings.source_systems.iter().filter(|_| settings.data_access);
    Ok(known.filter(|known| **known == code).map(|known| element(known)).collect())
}

/// The one filter that is modelled: `OrigSystem` equals.
fn code(criteria: &Element) -> Result<String, Fault> {
    let mut parts = Sequence::of(criteria)?;
    parts.need("fetchStart")?;
    parts.need("fetchSize")?;
    let mut filter = Sequence::of(parts.need("filter")?)?;
    parts.end()?;
    let mut group = Sequence::of(filter.need("group")?)?;
    filter.end()?;
    group.need("upperCaseCompare")?;
    let mut item = Sequence::of(group.need("item")?)?;
    group.end()?;
    item.need("upperCaseCompare")?;
    let (attribute, operator, value) = (item.need("attribute")?, item.need("operator")?, item.need("value")?);
    item.end()?;
    if (attribute.text.as_str(), operator.text.as_str()) != ("OrigSystem", "=") {
        return Err(Fault::not_modelled("Another filter than OrigSystem ="));
    }
    Ok(value.text.clone())
}

fn element(code: &str) -> Element {
    let leaf = |name: &str, text: &str| Element::leaf(SOURCE_SYSTEM, name, Some(text));
    let mapping = |table: &&str| {
        Element::new(SOURCE_SYSTEM, "OriginalSystemMapping").with([
            leaf("OrigSystem", code),
            leaf("OwnerTableName", table),
            leaf("Status", "A"),
        ])
    };
    let own = [leaf("OrigSystem", code), leaf("EnableForTcaFlag", "true"), leaf("Status", "A")];
    let end = Element::leaf(SOURCE_SYSTEM, "EndDateActive", None);
    Element::new(SOURCE_SYSTEM, "Value").with(own).with([end]).with(TABLES.iter().map(mapping))
}
