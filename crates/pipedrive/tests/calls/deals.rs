//! Deals.

use std::collections::BTreeMap;

use pipedrive::{DealChanges, DealCodes, monetary};
use serde_json::{Value, json};
use sync_core::{
    budget::Class,
    deals::{CrmDeal, DealStatus},
    error::{Effect, ErrorKind},
    ids::{DealId, OrgId},
    model::Seen,
    money::{Amount, Money},
    ports::CrmDeals,
};

use crate::{company::*, support::*};

const DEALS: &str = "/api/v2/deals";

fn deal(id: i64) -> Value {
    json!({
        "id": id, "title": "Pumps", "status": "open", "value": 1200.5, "currency": "EUR", "org_id": 7,
        "person_id": null, "owner_id": 3, "pipeline_id": 1, "stage_id": 2, "won_time": null, "close_time": null,
        "add_time": "2026-01-01T00:00:00Z", "update_time": "2026-01-02T03:04:05Z", "expected_close_date": null,
        "is_archived": false, "is_deleted": false, "custom_fields": { "aa": null, "bb": { "value": 5, "currency": "EUR" } }
    })
}

fn with(changes: Value) -> Value {
    let mut deal = deal(1);
    deal.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    deal
}

/// What the client makes of one deal in a list.
async fn read(row: Value) -> Seen<CrmDeal> {
    let company = company(move |_| Some(data(&json!([row]))));
    let page = company.crm.deals_walk(&none(), None, Class::Audit).await.unwrap();
    page.rows.into_iter().next().unwrap()
}

async fn record(changes: Value) -> CrmDeal {
    match read(with(changes)).await {
        Seen::Record(deal) => deal,
        Seen::Malformed(bad) => panic!("{bad:?}"),
    }
}

fn none() -> DealCodes {
    DealCodes::of([]).unwrap()
}

fn euros(text: &str) -> Money {
    Money { amount: Amount::parse(text).unwrap(), currency: "EUR".to_owned() }
}

fn worth(text: &str) -> DealChanges {
    DealChanges { value: Some(euros(text)), ..DealChanges::default() }
}

#[tokio::test]
async fn walks_of_deals_go_by_id_in_pages_of_500_with_the_fields_asked_for() {
    let company = company(|_| {
        Some(ok(json!({ "success": true, "data": [deal(1)], "additional_data": { "next_cursor": "abc=" } })))
    });
    let codes = DealCodes::of(["aa", "bb"]).unwrap();
    let page = company.crm.deals_walk(&codes, None, Class::Audit).await.unwrap();
    assert_eq!((page.more, page.next.as_deref()), (true, Some("abc=")));
    assert_eq!(page.server_now, at("2026-11-24T12:00:05Z"));
    let query = "sort_by=id&sort_direction=asc&custom_fields=aa%2Cbb&limit=500";
    assert_eq!(company.log.last().target, format!("{DEALS}?{query}"));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Audit 1 x 10"]);
    company.crm.deals_walk(&none(), page.next, Class::Audit).await.unwrap();
    let target = company.log.last().target;
    assert_eq!(target, format!("{DEALS}?sort_by=id&sort_direction=asc&limit=500&cursor=abc%3D"));
}

#[tokio::test]
async fn changed_and_won_deals_are_asked_for_in_whole_seconds_by_update_time() {
    let company = company(|_| Some(data(&json!([]))));
    let from = at("2026-01-02T03:04:05.999Z");
    company.crm.deals_changed(from, &none(), None, Class::Edit).await.unwrap();
    let query = "updated_since=2026-01-02T03%3A04%3A05Z&sort_by=update_time&sort_direction=asc&limit=500";
    assert_eq!(company.log.last().target, format!("{DEALS}?{query}"));
    company.crm.deals_won_since(from, &none(), None, Class::Urgent).await.unwrap();
    assert_eq!(company.log.last().target, format!("{DEALS}?status=won&{query}"));
    company.crm.deals_of(OrgId(7), &none(), None, Class::Edit).await.unwrap();
    assert_eq!(
        company.log.last().target,
        format!("{DEALS}?org_id=7&sort_by=id&sort_direction=asc&limit=500")
    );
}

#[tokio::test]
async fn more_than_fifteen_custom_fields_are_not_asked_for() {
    assert!(DealCodes::of(["aa"; 15]).is_ok());
    let error = DealCodes::of(["aa"; 16]).unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None));
}

#[tokio::test]
async fn deals_are_read_in_hundreds_and_the_missing_are_left_out() {
    let company = company(|sent| {
        let ids = sent.raw("ids")?.split("%2C").map(|id| id.parse::<i64>().unwrap());
        Some(data(&ids.filter(|id| id % 2 == 0).map(deal).chain([deal(9_999)]).collect()))
    });
    let ids: Vec<DealId> = (1..=250).chain([7, 8]).map(DealId).collect();
    let deals = company.crm.deals_by_id(&ids, &none(), Class::Edit).await.unwrap();
    assert_eq!(deals.len(), 125, "and what was not asked for is no answer");
    let asked = |sent: &Sent| sent.raw("ids").unwrap().split("%2C").count();
    assert_eq!(company.log.all().iter().map(asked).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(company.crm.deals_by_id(&[], &none(), Class::Edit).await.unwrap().is_empty());
    assert_eq!(company.log.all().len(), 3, "nothing is asked about nobody");
}

#[tokio::test]
async fn an_open_deal_has_null_where_the_specification_has_times() {
    let open = record(json!({})).await;
    let Seen::Record(again) = read(deal(1)).await else { panic!() };
    assert_eq!(open, again);
    assert_eq!((open.status, open.won_at, open.expected_close), (DealStatus::Open, None, None));
    assert_eq!((open.org, open.person, open.owner), (Some(OrgId(7)), None, Some(3)));
    assert_eq!((open.pipeline, open.stage, open.archived), (Some(1), Some(2), false));
    assert_eq!(open.added_at, Some(at("2026-01-01T00:00:00Z")));
    assert_eq!(open.updated_at, at("2026-01-02T03:04:05Z"));
    let won = record(json!({ "status": "won", "won_time": "2026-01-02T03:04:05Z" })).await;
    assert_eq!((won.status, won.won_at), (DealStatus::Won, Some(at("2026-01-02T03:04:05Z"))));
}

#[tokio::test]
async fn custom_fields_come_raw_and_their_absence_is_not_taken_for_unset() {
    let custom = record(json!({})).await.custom;
    let expected = [("aa", json!(null)), ("bb", json!({ "value": 5, "currency": "EUR" }))];
    assert_eq!(custom, BTreeMap::from(expected.map(|(code, value)| (code.to_owned(), value))));
    let Seen::Malformed(bad) = read(with(json!({ "custom_fields": null }))).await else { panic!() };
    assert_eq!((bad.id, bad.reason.as_str()), (Some(1), "custom_fields is missing"));
    assert_eq!(bad.updated_at, Some(at("2026-01-02T03:04:05Z")));
}

#[tokio::test]
async fn the_organization_of_a_deal_is_an_id_an_object_or_nobody() {
    assert_eq!(record(json!({ "org_id": { "name": "A", "value": 5 } })).await.org, Some(OrgId(5)));
    assert_eq!(record(json!({ "org_id": "5" })).await.org, Some(OrgId(5)));
    assert_eq!(record(json!({ "org_id": null })).await.org, None);
    assert!(matches!(read(with(json!({ "org_id": {} }))).await, Seen::Malformed(_)));
}

#[tokio::test]
async fn values_are_exact_decimals_with_a_currency() {
    for value in [json!(0.1), json!("0.10"), json!(1e-1)] {
        assert_eq!(record(json!({ "value": value })).await.value, Some(euros("0.1")));
    }
    assert_eq!(record(json!({ "value": null, "currency": null })).await.value, None);
    assert_eq!(record(json!({ "value": 0, "currency": null })).await.value, None);
    let Seen::Malformed(bad) = read(with(json!({ "currency": null }))).await else { panic!() };
    assert_eq!(bad.reason, "currency is missing", "twelve hundred of what?");
}

#[tokio::test]
async fn unknown_statuses_deleted_and_archived_deals_say_so() {
    let status = async |changes| record(changes).await.status;
    assert_eq!(status(json!({ "status": "lost" })).await, DealStatus::Lost);
    assert_eq!(status(json!({ "status": "asleep" })).await, DealStatus::Other("asleep".to_owned()));
    assert_eq!(status(json!({ "status": "deleted" })).await, DealStatus::Deleted);
    assert_eq!(status(json!({ "status": "won", "is_deleted": true })).await, DealStatus::Deleted);
    assert!(record(json!({ "is_archived": true })).await.archived);
}

#[tokio::test]
async fn an_emptied_closing_day_is_none() {
    assert_eq!(record(json!({ "expected_close_date": "0000-00-00" })).await.expected_close, None);
    let day = record(json!({ "expected_close_date": "2026-03-04" })).await.expected_close;
    assert_eq!(day, Some(jiff::civil::date(2026, 3, 4)));
}

#[tokio::test]
async fn a_malformed_deal_does_not_spoil_its_page() {
    let rows = json!([deal(1), null, with(json!({ "update_time": "soon" }))]);
    let company = company(move |_| Some(data(&rows)));
    let page = company.crm.deals_walk(&none(), None, Class::Audit).await.unwrap();
    assert!(matches!(&page.rows[..], [Seen::Record(_), Seen::Malformed(_), Seen::Malformed(_)]));
    let kept = company.crm.deals_by_id(&[DealId(1)], &none(), Class::Edit).await.unwrap();
    assert_eq!(kept.len(), 3, "and is never taken for deleted");
}

#[tokio::test]
async fn one_deal_is_read_for_one_token_or_is_not_there() {
    let deal_1 = with(json!({ "is_archived": true }));
    let company = company(move |sent| {
        let found = sent.path() == "/api/v2/deals/1";
        Some(if found {
            data(&deal_1)
        } else {
            reply(404, &[], r#"{"success":false,"error":"Deal not found"}"#)
        })
    });
    let codes = DealCodes::of(["aa"]).unwrap();
    let found = company.crm.deal(DealId(1), &codes, Class::Urgent).await.unwrap();
    assert!(found.unwrap().archived);
    assert_eq!(company.log.last().target, "/api/v2/deals/1?custom_fields=aa");
    assert_eq!(company.crm.deal(DealId(2), &codes, Class::Urgent).await, Ok(None));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Urgent 1 x 1"; 2]);
}

#[tokio::test]
async fn many_deals_are_read_in_a_list_and_those_that_it_leaves_out_one_by_one() {
    let listed: Vec<Value> = (1..=10).map(|id| with(json!({ "id": id }))).collect();
    let archived = with(json!({ "id": 11, "is_archived": true }));
    let company = company(move |sent| {
        Some(match sent.path() {
            DEALS => data(&json!(listed)),
            "/api/v2/deals/11" => data(&archived),
            _ => reply(404, &[], r#"{"success":false,"error":"Deal not found"}"#),
        })
    });
    let ids: Vec<DealId> = (1..=12).map(DealId).collect();
    let deals = CrmDeals::deals_by_id(&company.crm, &ids, Class::Document).await.unwrap();
    let told: Vec<(i64, bool)> = deals
        .iter()
        .filter_map(|seen| match seen {
            Seen::Record(deal) => Some((deal.id.0, deal.archived)),
            Seen::Malformed(_) => None,
        })
        .collect();
    assert_eq!((told.len(), told.last()), (11, Some(&(11, true))), "12 is gone");
    let spent = company.ledger.heard.lock().unwrap().clone();
    assert_eq!(spent, ["reserve Document 1 x 10", "reserve Document 1 x 1", "reserve Document 1 x 1"]);
}

#[tokio::test]
async fn a_patch_sends_exactly_what_changes_with_numbers_as_numbers() {
    let company = company(|_| Some(data(&deal(1))));
    let mut changes = worth("1200.50");
    changes.custom.insert("aa".to_owned(), json!(null));
    changes.custom.insert("bb".to_owned(), monetary(&euros("-3")).unwrap());
    let deal = company.crm.patch_deal(DealId(1), &changes, Class::Edit).await.unwrap();
    assert_eq!(deal.value, Some(euros("1200.5")));
    let sent = company.log.last();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("PATCH", "/api/v2/deals/1"));
    let custom = json!({ "aa": null, "bb": { "value": -3, "currency": "EUR" } });
    assert_eq!(sent.json(), json!({ "value": 1200.5, "currency": "EUR", "custom_fields": custom }));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Edit 1 x 5"]);
}

#[tokio::test]
async fn a_patch_that_is_empty_inexact_or_clears_with_a_list_is_never_sent() {
    let company = company(|_| None);
    let list = DealChanges { value: None, custom: BTreeMap::from([("aa".to_owned(), json!([]))]) };
    for changes in [DealChanges::default(), worth("900000000000000.0001"), list] {
        let error = company.crm.patch_deal(DealId(1), &changes, Class::Edit).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None), "{changes:?}");
    }
    assert!(company.log.all().is_empty());
}

#[tokio::test]
async fn a_patch_whose_answer_cannot_be_read_is_in_doubt() {
    for answer in [deal(2), json!(null), with(json!({ "update_time": null }))] {
        let company = company(move |_| Some(data(&answer)));
        let error = company.crm.patch_deal(DealId(1), &worth("1"), Class::Edit).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
        assert_eq!(company.log.all().len(), 1, "nothing is repeated");
    }
}

#[tokio::test]
async fn a_patch_with_a_dead_field_is_not_the_deals_fault() {
    let body = r#"{"success":false,"error":"Validation failed: custom_fields: Unknown key 'aa'"}"#;
    let company = company(move |_| Some(reply(400, &[], body)));
    let error = company.crm.patch_deal(DealId(1), &worth("1"), Class::Edit).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::UnknownField, Effect::None));
}
