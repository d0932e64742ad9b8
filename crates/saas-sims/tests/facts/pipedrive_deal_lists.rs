//! Lists of deals (sections 1.4, 1.6), soft deletion and purge (section 1.3).

use jiff::SignedDuration;
use saas_sims::pipedrive::{PipedriveSettings, Plan};
use serde_json::json;

use crate::http::{Company, DEALS, ORGANIZATIONS, PERSONS, ids};

/// Deals 1 to 6, one a second: open, won, lost, deleted, archived, and one of another stage, owner and organization.
async fn company() -> Company {
    let company = Company::new();
    let organization = company.create(&json!({"name": "O"})).await;
    let person = company.make(PERSONS, &json!({"name": "P"})).await;
    for n in 1..=6 {
        company.clock.advance(SignedDuration::from_secs(1));
        company.make(DEALS, &json!({"title": format!("Deal {n}")})).await;
    }
    company.sim.win_deal(2).unwrap();
    company.sim.lose_deal(3, "x").unwrap();
    company.sim.delete_deal(4).unwrap();
    company.sim.archive_deal(5, true).unwrap();
    let body = json!({"stage_id": 7, "owner_id": 12_415_233, "org_id": organization, "person_id": person});
    company.sim.edit_deal(6, &body).unwrap();
    company
}

#[tokio::test]
async fn deleted_and_archived_deals_are_left_out() {
    let company = company().await;
    assert_eq!(company.list(DEALS, &[]).await, [1, 2, 3, 6]);
    assert_eq!(company.list(&format!("{DEALS}/archived"), &[]).await, [5]);
    company.get(&format!("{DEALS}/4"), &[]).await.refused(404);
    assert_eq!(company.read(DEALS, 5).await["is_archived"], true);
}

#[tokio::test]
async fn status_is_a_comma_list_and_deleted_means_the_last_30_days() {
    let company = company().await;
    for (status, found) in [
        ("open", &[1, 6][..]),
        ("won", &[2]),
        ("won,lost", &[2, 3]),
        ("deleted", &[4]),
        ("open,won,lost,deleted", &[1, 2, 3, 4, 6]),
    ] {
        assert_eq!(company.list(DEALS, &[("status", status)]).await, found, "{status}");
    }
    let deleted = company.get(DEALS, &[("status", "deleted")]).await.ok()["data"][0].clone();
    assert_eq!((&deleted["is_deleted"], &deleted["status"]), (&json!(true), &json!("deleted")));
    for bad in ["all_not_deleted", "open,,won", ""] {
        company.get(DEALS, &[("status", bad)]).await.refused(400);
    }
    company.clock.advance(SignedDuration::from_hours(30 * 24 + 1));
    assert!(company.list(DEALS, &[("status", "deleted")]).await.is_empty());
    assert_eq!(company.sim.deal(4), None);
}

#[tokio::test]
async fn a_purged_id_vanishes_and_is_not_used_again() {
    let settings = PipedriveSettings { deleted_is_404: false, ..PipedriveSettings::default() };
    let company = Company::with(settings);
    company.create(&json!({"name": "A"})).await;
    company.sim.delete_as_person(1).unwrap();
    let path = format!("{ORGANIZATIONS}/1");
    company.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(company.get(&path, &[]).await.ok()["data"]["is_deleted"], true);
    company.clock.advance(SignedDuration::from_secs(1));
    company.get(&path, &[]).await.refused(404);
    assert_eq!(company.sim.organization(1), None);
    assert_eq!(company.create(&json!({"name": "B"})).await, 2);
}

#[tokio::test]
async fn deleting_an_organization_does_not_touch_its_deals_and_persons() {
    let company = company().await;
    company.send("DELETE", &format!("{ORGANIZATIONS}/1"), &json!({})).await.ok();
    let deal = company.read(DEALS, 6).await;
    assert_eq!((&deal["org_id"], &deal["is_deleted"]), (&json!(1), &json!(false)));
    let before = company.sim.deal(1);
    company.clock.advance(SignedDuration::from_hours(31 * 24));
    assert_eq!((company.read(DEALS, 6).await["org_id"].clone(), company.sim.deal(1)), (json!(1), before));
}

#[tokio::test]
async fn links_owners_stages_and_ids_select() {
    let company = company().await;
    for (name, value) in [
        ("org_id", "1"),
        ("person_id", "1"),
        ("owner_id", "12415233"),
        ("stage_id", "7"),
        ("pipeline_id", "2"),
    ] {
        assert_eq!(company.list(DEALS, &[(name, value)]).await, [6], "{name}");
        company.get(DEALS, &[(name, "x")]).await.refused(400);
    }
    assert!(company.list(DEALS, &[("org_id", "99")]).await.is_empty());
    assert_eq!(company.list(DEALS, &[("ids", "6,4,2,99")]).await, [2, 6]);
    assert!(company.list(DEALS, &[("ids", "1,2"), ("org_id", "1")]).await.is_empty());
    let many: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
    company.get(DEALS, &[("ids", &many.join(","))]).await.refused(400);
}

#[tokio::test]
async fn won_deals_are_polled_by_update_time() {
    let company = company().await;
    let query = [("status", "won"), ("updated_since", "2026-03-02T10:00:06Z"), ("sort_by", "update_time")];
    assert_eq!(company.list(DEALS, &query).await, [2]);
    let bounds = [("updated_since", "2026-03-02T10:00:01Z"), ("updated_until", "2026-03-02T10:00:06Z")];
    assert_eq!(company.list(DEALS, &bounds).await, [1]);
    company.get(DEALS, &[("updated_since", "2026-03-02T10:00:01.0Z")]).await.refused(400);
    assert_eq!(company.list(DEALS, &[("sort_direction", "desc"), ("limit", "2")]).await, [6, 3]);
    company.get(&format!("{DEALS}/archived"), &[("include_labels", "true")]).await.refused(400);
}

#[tokio::test]
async fn archived_deals_cost_twice_as_much() {
    let company = company().await;
    let before = company.sim.tokens_left();
    company.get(&format!("{DEALS}/archived"), &[]).await.ok();
    company.get(DEALS, &[]).await.ok();
    assert_eq!(before - company.sim.tokens_left(), 30);
}

#[tokio::test]
async fn a_hundred_thousand_deals_are_walked_in_order() {
    let company = Company::with(PipedriveSettings {
        plan: Plan::Ultimate,
        seats: 5,
        enforce_burst: false,
        linked_writes_move_update_time: false,
        ..PipedriveSettings::default()
    });
    for n in 1..=100_000_i64 {
        company.sim.create_as_person(&json!({"name": "O"})).unwrap();
        company.sim.create_deal(&json!({"title": "D", "org_id": n})).unwrap();
    }
    for path in [DEALS, ORGANIZATIONS] {
        let (mut seen, mut cursor) = (0, String::new());
        loop {
            let mut query = vec![("limit", "500"), ("sort_by", "update_time")];
            if !cursor.is_empty() {
                query.push(("cursor", &cursor));
            }
            let body = company.get(path, &query).await.ok();
            let page = ids(&body["data"], "id");
            assert_eq!(page.first(), Some(&(seen + 1)));
            seen = *page.last().unwrap();
            match body["additional_data"]["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, 100_000);
    }
    assert_eq!(company.list(DEALS, &[("org_id", "77777")]).await, [77_777]);
}
