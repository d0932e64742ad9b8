//! What parties are to each other, as the pod tells it (oracle-fusion.md 1.2, 4.2, 4.4).

use jiff::civil::date;
use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::{Value, json};
use sync_core::{
    error::ErrorKind,
    hierarchy::HierarchyRule,
    ids::PartyId,
    model::Seen,
    ports::{Erp as _, LinkPage},
};

use crate::{pod::pod, support::*, world::*};

/// Daughter and parent of each relationship in force, by id, and how many rows told them.
fn told(page: &LinkPage) -> (Vec<(i64, i64, bool)>, usize) {
    let rule = HierarchyRule::default();
    let mut found = Vec::new();
    for row in &page.rows {
        let Seen::Record(link) = row else { panic!("{row:?}") };
        let relation = rule.relation(link, date(2026, 3, 1)).unwrap();
        found.push((relation.daughter.0, relation.parent.0, relation.in_force));
    }
    let rows = found.len();
    found.sort_unstable();
    found.dedup();
    (found, rows)
}

#[tokio::test]
async fn relationships_come_with_a_page_of_parties_once_or_twice() {
    for both in [true, false] {
        let settings = FusionSettings { relationships_both_ways: both, ..FusionSettings::default() };
        let (sim, fusion) = pod(settings);
        let party = |name: &str| {
            let values = json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER"});
            sim.add_party(Edit::set(values)).unwrap()
        };
        let [parent, daughter, sold] = ["P", "D", "S"].map(party);
        let started = || Edit::set(json!({"StartDate": "2020-01-01"}));
        sim.relate(daughter, parent, &started()).unwrap();
        let ended = sim.relate(sold, parent, &started()).unwrap();
        sim.change_relation(ended, &Edit::set(json!({"Status": "I", "EndDate": "2026-02-01"}))).unwrap();
        // The first call of all fetches a token, too.
        fusion.links(PartyId(sold)).await.unwrap();
        let before = fusion.requests();
        let page = fusion.links(PartyId(0)).await.unwrap();
        let rows = if both { 4 } else { 2 };
        assert_eq!(told(&page), (vec![(daughter, parent, true), (sold, parent, false)], rows));
        assert_eq!((page.last, page.more), (Some(PartyId(sold)), false));
        assert_eq!(fusion.requests() - before, 1, "one request for all of them");
        let rest = fusion.links(PartyId(sold)).await.unwrap();
        assert_eq!((rest.rows.len(), rest.last, rest.more), (0, None, false));
    }
}

#[tokio::test]
async fn a_parent_of_many_is_read_by_itself() {
    let (sim, fusion) = pod(FusionSettings { expanded_children: 2, ..FusionSettings::default() });
    let party = |name: String| {
        let values = json!({"OrganizationName": name, "PartyUsageCode": "CUSTOMER"});
        sim.add_party(Edit::set(values)).unwrap()
    };
    let parent = party("P".to_owned());
    for number in 0..5 {
        let daughter = party(format!("D{number}"));
        sim.relate(daughter, parent, &Edit::set(json!({"StartDate": "2020-01-01"}))).unwrap();
    }
    let page = fusion.links(PartyId(0)).await.unwrap();
    let (found, rows) = told(&page);
    assert_eq!((found.len(), rows), (5, 10), "nothing is cut off");
}

/// Of a page as the pod might send it.
async fn page(items: Value) -> Result<LinkPage, ErrorKind> {
    let (fusion, log) = fusion(move |_| ok(json!({ "items": items, "hasMore": false })));
    let page = fusion.links(PartyId(5)).await.map_err(|error| error.kind);
    let sent = log.last().target;
    assert!(sent.contains("q=PartyId%20%3E%205") && sent.contains("expand=Relationship"), "{sent}");
    assert!(sent.contains("limit=200") && !sent.contains("fields="), "{sent}");
    page
}

fn row(id: i64) -> Value {
    json!({"RelationshipId": id, "RelationshipCode": "SUBSIDIARY_OF", "SubjectPartyId": 7, "ObjectPartyId": 8,
        "LastUpdateDate": "2026-02-01T10:00:00+00:00", "Status": "A", "EndDate": "4712-12-31"})
}

#[tokio::test]
async fn children_may_be_an_array_or_left_out_where_there_are_none() {
    let items = json!([{"PartyId": 7, "Relationship": [row(1)]}, {"PartyId": 8}]);
    let page = page(items).await.unwrap();
    assert_eq!(told(&page), (vec![(7, 8, true)], 1));
    assert_eq!(page.last, Some(PartyId(8)));
}

#[tokio::test]
async fn a_page_on_which_no_party_has_its_relationships_is_not_taken_for_empty() {
    assert_eq!(page(json!([{"PartyId": 7}, {"PartyId": 8}])).await, Err(ErrorKind::Unreadable));
    assert_eq!(page(json!([])).await.unwrap().rows.len(), 0, "the end of the walk");
}

#[tokio::test]
async fn a_bad_row_spoils_no_other() {
    let mut bad = row(2);
    bad["ObjectPartyId"] = json!({"strange": true});
    let items = json!([
        {"PartyId": 7, "Relationship": {"items": [bad, row(1)], "hasMore": false}},
        {"PartyId": "x", "Relationship": []},
        {"PartyId": 9, "Relationship": {"no": "page"}},
        {"PartyId": 10, "Relationship": null},
    ]);
    let page = page(items).await.unwrap();
    let told: Vec<String> = page
        .rows
        .iter()
        .map(|row| match row {
            Seen::Record(link) => link.id.to_string(),
            Seen::Malformed(bad) => format!("{:?} of {:?}: {}", bad.id, bad.owner.map(|o| o.0), bad.reason),
        })
        .collect();
    assert!(told[0].starts_with("Some(2) of Some(7): ObjectPartyId"), "{told:?}");
    assert_eq!(told[1], "1");
    assert!(told[2].contains("PartyId") && told[3].contains("no page"), "{told:?}");
    assert_eq!(page.last, Some(PartyId(10)));
}
