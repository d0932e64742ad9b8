//! What is read of Pipedrive: deliveries of webhooks, what it says when an app is uninstalled, and answers to every call.
#![cfg(test)]

#[path = "../../../saas-http/tests/fuzz/answers.rs"]
mod answers;
mod calls;
#[path = "../../../sync-core/tests/fuzz/harness/mod.rs"]
mod harness;
mod hooks;
#[path = "../../../saas-http/tests/support/mod.rs"]
mod support;
