//! A CRM that nobody may ask anything: what is told comes from the store alone.

use async_trait::async_trait;
use jiff::Timestamp;
use sync_core::{
    budget::{Class, Spent},
    deals::Relation,
    error::{CallError, ErrorKind},
    fields::{Field, Values},
    hooks::{HookEntity, Subscription},
    ids::{OrgId, PartyId, RelationId, SubscriptionId},
    model::{CrmOrg, Page, Seen},
    plan::Step,
    ports::{Called, Crm, Missing, Permit},
    value::Value,
};

pub(crate) struct Nobody;

fn refused<T>(call: &'static str) -> Called<T> {
    Err(CallError::without_effect(call, ErrorKind::Forbidden, "nobody may ask"))
}

#[async_trait]
impl Crm for Nobody {
    async fn prepare(&self) -> Called<()> {
        refused("prepare")
    }

    async fn survey(&self) -> Called<Missing> {
        refused("survey")
    }

    async fn orgs_walk(&self, _: Option<String>, _: Class) -> Called<Page<CrmOrg>> {
        refused("orgs_walk")
    }

    async fn orgs_changed(&self, _: Timestamp, _: Option<String>, _: Class) -> Called<Page<CrmOrg>> {
        refused("orgs_changed")
    }

    async fn orgs_by_id(&self, _: &[OrgId], _: Class) -> Called<Vec<Seen<CrmOrg>>> {
        refused("orgs_by_id")
    }

    async fn orgs_by_origin(&self, _: PartyId, _: Class) -> Called<Vec<Seen<CrmOrg>>> {
        refused("orgs_by_origin")
    }

    async fn room(&self, _: Class) {}

    async fn permits(&self, _: Class, _: u32, _: usize) -> Called<Vec<Permit>> {
        refused("permits")
    }

    async fn give_back(&self, _: Vec<Permit>) {}

    async fn create_org(&self, _: Permit, _: &Values) -> Called<CrmOrg> {
        refused("create_org")
    }

    async fn update_org(&self, _: Permit, _: OrgId, _: &[(Field, Option<Value>)]) -> Called<CrmOrg> {
        refused("update_org")
    }

    fn price(&self, _: &Step) -> u32 {
        5
    }

    async fn relate(&self, _: Permit, _: OrgId, _: OrgId) -> Called<Relation> {
        refused("relate")
    }

    async fn unrelate(&self, _: Permit, _: RelationId) -> Called<()> {
        refused("unrelate")
    }

    async fn relations_of(&self, _: OrgId, _: Class) -> Called<Vec<Relation>> {
        refused("relations_of")
    }

    async fn subscriptions(&self, _: Class) -> Called<Vec<Subscription>> {
        refused("subscriptions")
    }

    async fn subscribe(&self, _: Class, _: HookEntity, _: &str, _: &str) -> Called<Subscription> {
        refused("subscribe")
    }

    async fn unsubscribe(&self, _: Class, _: SubscriptionId) -> Called<()> {
        refused("unsubscribe")
    }

    fn spent(&self) -> Spent {
        Spent::default()
    }
}
