//! `setIdAssignmentsBusinessUnit`: which reference data set each business unit has (oracle-fusion.md 1.4, SetId).

use http::Method;
use saas_http::Endpoint;

use super::Collection;

/// The first page of all assignments: none of its attributes can be asked or sorted by.
pub(crate) struct ListSets<'a> {
    pub(crate) api_version: &'a str,
    pub(crate) limit: u32,
}

impl Endpoint for ListSets<'_> {
    const NAME: &'static str = "set_assignments.list";
    const METHOD: Method = Method::GET;

    type Output = Collection;

    fn path(&self) -> String {
        format!("fscmRestApi/resources/{}/setIdAssignmentsBusinessUnit", self.api_version)
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        vec![("onlyData", "true".to_owned()), ("limit", self.limit.to_string())]
    }
}
