//! One test for each fact of the reference that the simulators stand for; the comment names the section.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail where the test fails")]

mod faults;
mod fusion_auth;
mod fusion_collections;
mod fusion_queries;
mod fusion_time;
mod http;
mod pipedrive_auth;
mod pipedrive_deal_lists;
mod pipedrive_deals;
mod pipedrive_field_kinds;
mod pipedrive_fields;
mod pipedrive_filters;
mod pipedrive_limits;
mod pipedrive_lists;
mod pipedrive_merge;
mod pipedrive_people;
mod pipedrive_persons;
mod pipedrive_pipelines;
mod pipedrive_search;
mod pipedrive_terms;
mod pipedrive_writes;
mod population;
