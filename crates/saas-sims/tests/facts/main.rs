//! One test for each fact of the reference that the simulators stand for; the comment names the section.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail where the test fails")]

// The judge between client and simulator judges every answer that these tests get, too.
#[path = "../../../ml-connector/tests/seam/contract.rs"]
mod contract;
mod faults;
mod fusion_assertion;
mod fusion_auth;
mod fusion_children;
mod fusion_collections;
mod fusion_documents;
mod fusion_persons;
mod fusion_queries;
mod fusion_setup;
mod fusion_soap;
mod fusion_soap_accounts;
mod fusion_soap_changes;
mod fusion_soap_faults;
mod fusion_soap_find;
mod fusion_soap_profiles;
mod fusion_time;
mod fusion_writes;
mod generator;
mod http;
mod pipedrive_activities;
mod pipedrive_activity_links;
mod pipedrive_auth;
mod pipedrive_deal_lists;
mod pipedrive_deal_products;
mod pipedrive_deals;
mod pipedrive_deliveries;
mod pipedrive_field_kinds;
mod pipedrive_fields;
mod pipedrive_files;
mod pipedrive_filters;
mod pipedrive_limits;
mod pipedrive_lists;
mod pipedrive_merge;
mod pipedrive_notes;
mod pipedrive_oauth;
mod pipedrive_people;
mod pipedrive_persons;
mod pipedrive_pipelines;
mod pipedrive_relationships;
mod pipedrive_search;
mod pipedrive_terms;
mod pipedrive_v1_basics;
mod pipedrive_webhooks;
mod pipedrive_writes;
mod population;
mod soap;
