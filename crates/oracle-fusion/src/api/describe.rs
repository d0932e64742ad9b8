//! `GET <resource>/describe`: which attributes a resource has on this pod, and which of them `q` may name
//! (oracle-fusion.md 4.2, 6). Quarterly updates add and remove some (8).

use std::collections::BTreeMap;

use http::Method;
use saas_http::Endpoint;
use serde::Deserialize;

/// Describes one resource.
pub(crate) struct Describe<'a> {
    /// `crmRestApi` or `fscmRestApi`.
    pub(crate) root: &'static str,
    pub(crate) api_version: &'a str,
    pub(crate) resource: &'static str,
}

impl Endpoint for Describe<'_> {
    const NAME: &'static str = "describe";
    const METHOD: Method = Method::GET;

    type Output = Described;

    fn path(&self) -> String {
        format!("{}/resources/{}/{}/describe", self.root, self.api_version, self.resource)
    }
}

/// The part of the description that we need.
#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    #[serde(rename = "Resources")]
    pub(crate) resources: BTreeMap<String, ResourceDto>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ResourceDto {
    pub(crate) attributes: Vec<AttributeDto>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct AttributeDto {
    pub(crate) name: String,
    /// Absent is taken for yes: only a clear no is one.
    pub(crate) queryable: Option<bool>,
}

impl Described {
    /// What of a resource is missing: attributes to be shown, attributes to be asked by. Empty if all is there, or if
    /// the description does not speak of the resource at all.
    pub(crate) fn missing(&self, resource: &str, shown: &str, asked: &[&str]) -> Vec<String> {
        let Some(described) = self.resources.get(resource) else { return Vec::new() };
        let known = |name: &str| described.attributes.iter().find(|attribute| attribute.name == name);
        let gone =
            shown.split(',').filter(|name| known(name).is_none()).map(|name| format!("{name} is gone"));
        let deaf = asked
            .iter()
            .filter(|name| known(name).is_some_and(|attribute| attribute.queryable == Some(false)))
            .map(|name| format!("{name} is no longer queryable"));
        gone.chain(deaf).collect()
    }

    /// Whether the description of a resource surely does not have an attribute.
    pub(crate) fn lacks(&self, resource: &str, name: &str) -> bool {
        let described = self.resources.get(resource);
        described.is_some_and(|described| described.attributes.iter().all(|attribute| attribute.name != name))
    }
}
