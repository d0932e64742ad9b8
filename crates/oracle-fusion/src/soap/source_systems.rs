//! `FoundationSourceSystemService`: whether a source system is set up.
//!
//! Not in oracle-fusion.md. Service, namespace and attributes:
//! <https://docs.oracle.com/en/cloud/saas/sales/oesws/sourceinformationtechnologysystem-d42e137217.html>. That it can find by
//! criteria, as the other services can, is UNVERIFIED: a refusal means that it cannot be told.

use sync_core::{
    error::{CallError, ErrorKind},
    ports::Called,
};

use super::{
    call::{Operation, Service, SoapCall},
    tree::Element,
    write::{leaf, node},
};
use crate::client::Fusion;

const SOURCE_SYSTEM: &str = "http://xmlns.oracle.com/apps/cdm/foundation/parties/sourceSystemService/";

struct SourceSystems;

impl Service for SourceSystems {
    const PATH: &'static str = "crmService/FoundationSourceSystemService";
    const ACTIONS: &'static str =
        "http://xmlns.oracle.com/apps/cdm/foundation/parties/sourceSystemService/applicationModule/";
    const SPACES: &'static [(&'static str, &'static str)] = &[
        (
            "typ",
            "http://xmlns.oracle.com/apps/cdm/foundation/parties/sourceSystemService/applicationModule/types/",
        ),
        ("adf", "http://xmlns.oracle.com/adf/svc/types/"),
    ];
}

struct Find;

impl Operation for Find {
    type Service = SourceSystems;
    const NAME: &'static str = "source_systems.find";
    const OPERATION: &'static str = "findSourceSystem";
    const WRITE: bool = false;
}

/// A source system as it is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceSystem {
    /// Whether it is in use; without a status it is.
    pub active: bool,
    /// Whether it is enabled for trading community records, if that is told.
    pub for_parties: Option<bool>,
    /// The tables whose records it may name; none where the pod does not list them.
    pub tables: Vec<String>,
}

impl Fusion {
    /// The source system with this code, if the pod knows it and our user may see it.
    ///
    /// # Errors
    /// As every call.
    pub async fn source_system(&self, code: &str) -> Called<Option<SourceSystem>> {
        let compare = || leaf("adf:upperCaseCompare", false);
        let item = [
            compare(),
            leaf("adf:attribute", "OrigSystem"),
            leaf("adf:operator", "="),
            leaf("adf:value", code),
        ];
        let group = node("adf:group", &[compare(), node("adf:item", &item)]);
        let criteria = [leaf("adf:fetchStart", 0), leaf("adf:fetchSize", 10), node("adf:filter", &[group])];
        let parameters = vec![node("typ:findCriteria", &criteria), node("typ:findControl", &[])];
        let answer = self.call(&SoapCall::of(Find, parameters)).await?;
        let coded: Vec<&Element> =
            answer.value.iter().filter(|value| text(value, "OrigSystem").is_some()).collect();
        if coded.is_empty() && !answer.value.is_empty() {
            let why = "source systems without OrigSystem";
            return Err(CallError::without_effect(Find::NAME, ErrorKind::Unreadable, why)
                .with_correlation(answer.correlation));
        }
        let found = coded.into_iter().find(|value| text(value, "OrigSystem").as_deref() == Some(code));
        Ok(found.map(read))
    }
}

fn read(value: &Element) -> SourceSystem {
    let active = |of: &Element| text(of, "Status").is_none_or(|status| status == "A");
    let mappings = value.all(SOURCE_SYSTEM, "OriginalSystemMapping").filter(|mapping| active(mapping));
    SourceSystem {
        active: active(value),
        for_parties: text(value, "EnableForTcaFlag").map(|flag| matches!(flag.as_str(), "true" | "1" | "Y")),
        tables: mappings.filter_map(|mapping| text(mapping, "OwnerTableName")).collect(),
    }
}

fn text(element: &Element, name: &str) -> Option<String> {
    let child = element.all(SOURCE_SYSTEM, name).next().filter(|child| !child.nil)?;
    sync_core::text::present(Some(&child.text))
}

#[cfg(test)]
mod tests {
    use super::super::tree::parse;
    use super::*;

    #[test]
    fn what_is_not_said_is_not_taken_for_no() {
        let value = |inside: &str| {
            let text = format!("<n:Value xmlns:n=\"{SOURCE_SYSTEM}\">{inside}</n:Value>");
            read(&parse(&text).unwrap())
        };
        let bare = value("<n:OrigSystem>PD</n:OrigSystem>");
        assert_eq!(bare, SourceSystem { active: true, for_parties: None, tables: Vec::new() });
        let whole = value(
            "<n:OrigSystem>PD</n:OrigSystem><n:Status>I</n:Status><n:EnableForTcaFlag>false</n:EnableForTcaFlag>\
             <n:OriginalSystemMapping><n:OwnerTableName>HZ_PARTIES</n:OwnerTableName></n:OriginalSystemMapping>\
             <n:OriginalSystemMapping><n:OwnerTableName>HZ_CUST_ACCOUNTS</n:OwnerTableName><n:Status>I</n:Status>\
             </n:OriginalSystemMapping>",
        );
        let tables = vec!["HZ_PARTIES".to_owned()];
        assert_eq!(whole, SourceSystem { active: false, for_parties: Some(false), tables });
    }
}
