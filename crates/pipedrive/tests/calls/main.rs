//! Facts of `pipedrive.md` about relationships, deals, notes, webhooks and the lists that the flows stand on, each with
//! the test that fails when the client forgets it.
#[cfg(test)]
#[path = "../company/mod.rs"]
#[expect(dead_code, reason = "every test file uses its own part")]
mod company;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod notes;
#[cfg(test)]
mod relations;
#[cfg(test)]
#[path = "../../../saas-http/tests/support/mod.rs"]
mod support;
