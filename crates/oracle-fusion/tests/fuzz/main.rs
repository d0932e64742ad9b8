//! What is read of Fusion: answers of the REST resources and of the SOAP services, to every call.
#![cfg(test)]

#[path = "../../../saas-http/tests/fuzz/answers.rs"]
mod answers;
mod calls;
#[path = "../../../sync-core/tests/fuzz/harness/mod.rs"]
mod harness;
#[path = "../../../saas-http/tests/support/mod.rs"]
mod support;
#[path = "../customers/world.rs"]
#[expect(dead_code, reason = "every test file uses its own part")]
mod world;
