//! Saved filters, `include_fields` and labels (sections 1.5, 1.6, 8).

use serde_json::json;

use crate::http::{Company, DEAL_FIELDS, DEALS, FIELDS, ORGANIZATIONS, PERSONS};

#[tokio::test]
async fn a_filter_silently_wins_over_ids_and_owner() {
    let company = Company::new();
    for n in 1..=4 {
        company.create(&json!({"name": format!("O{n}")})).await;
        company.make(DEALS, &json!({"title": format!("D{n}"), "org_id": n})).await;
        company.make(PERSONS, &json!({"name": format!("P{n}")})).await;
    }
    company.sim.win_deal(3).unwrap();
    company.sim.edit_as_person(4, &json!({"owner_id": 12_415_233})).unwrap();
    for (path, entity) in [(ORGANIZATIONS, "organization"), (DEALS, "deal"), (PERSONS, "person")] {
        let id = company.sim.save_filter(&json!({"entity": entity, "ids": [1, 3]})).unwrap().to_string();
        let query = [("filter_id", id.as_str()), ("ids", "2"), ("owner_id", "1")];
        assert_eq!(company.list(path, &query).await, [1, 3], "{path}");
        company.get(path, &[("filter_id", "99")]).await.refused(400);
    }
    let query = [("filter_id", "2"), ("status", "won"), ("org_id", "2"), ("stage_id", "9")];
    assert_eq!(company.list(DEALS, &query).await, [1, 3]);
    let by_owner =
        company.sim.save_filter(&json!({"entity": "organization", "owner_id": 12_415_233})).unwrap();
    assert_eq!(company.list(ORGANIZATIONS, &[("filter_id", &by_owner.to_string()), ("ids", "1")]).await, [4]);
    company.get(DEALS, &[("filter_id", &by_owner.to_string())]).await.refused(400);
    assert!(company.sim.save_filter(&json!({"entity": "deal"})).is_err());
}

#[tokio::test]
async fn counts_come_when_they_are_asked_for() {
    let company = Company::new();
    company.create(&json!({"name": "O"})).await;
    company.make(PERSONS, &json!({"name": "P", "org_id": 1})).await;
    for n in 1..=4 {
        company.make(DEALS, &json!({"title": "D", "org_id": 1, "person_id": 1, "value": n})).await;
    }
    company.sim.win_deal(1).unwrap();
    company.sim.lose_deal(2, "x").unwrap();
    company.sim.delete_deal(3).unwrap();
    let names = "open_deals_count,won_deals_count,lost_deals_count,closed_deals_count,people_count,files_count,next_activity_id";
    let organization = company.get(&format!("{ORGANIZATIONS}/1"), &[("include_fields", names)]).await.ok();
    let seen = names.split(',').map(|name| organization["data"][name].clone());
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [json!(1), json!(1), json!(1), json!(2), json!(1), json!(0), json!(null)]
    );
    let person = company.get(PERSONS, &[("include_fields", "won_deals_count")]).await.ok();
    assert_eq!(person["data"][0]["won_deals_count"], 1);
    let deal = company.get(DEALS, &[("include_fields", "participants_count,source_lead_id")]).await.ok();
    assert_eq!(
        (&deal["data"][0]["participants_count"], &deal["data"][0]["source_lead_id"]),
        (&json!(1), &json!(null))
    );
    let plain = company.read(DEALS, 1).await;
    assert!(plain.get("source_lead_id").is_none() && plain.get("first_won_time").is_none());
    for (path, name) in
        [(DEALS, "people_count"), (ORGANIZATIONS, "first_won_time"), (PERSONS, "marketing_status")]
    {
        company.get(path, &[("include_fields", name)]).await.refused(400);
    }
}

#[tokio::test]
async fn option_labels_and_labels_come_as_objects() {
    let company = Company::new();
    for (fields, records, name, label) in
        [(FIELDS, ORGANIZATIONS, "name", (5, "Customer")), (DEAL_FIELDS, DEALS, "title", (21, "Hot"))]
    {
        let mut codes = Vec::new();
        for kind in ["enum", "set", "varchar"] {
            let mut body = json!({"field_name": "x", "field_type": kind});
            if kind != "varchar" {
                body["options"] = json!([{"label": "a"}, {"label": "b"}]);
            }
            let made = company.send("POST", fields, &body).await.ok();
            codes.push(made["data"]["field_code"].as_str().unwrap().to_owned());
        }
        let custom = json!({&codes[0]: 2, &codes[1]: [3, 4], &codes[2]: "2"});
        let id =
            company.make(records, &json!({name: "A", "label_ids": [label.0], "custom_fields": custom})).await;
        let wanted = [("include_option_labels", "true"), ("include_labels", "true")];
        let one = company.get(&format!("{records}/{id}"), &wanted).await.ok()["data"].clone();
        let objects = json!([{"id": 3, "label": "a"}, {"id": 4, "label": "b"}]);
        let expected = json!({&codes[0]: {"id": 2, "label": "b"}, &codes[1]: objects, &codes[2]: "2"});
        assert_eq!(one["custom_fields"], expected);
        assert_eq!(one["labels"], json!([{"id": label.0, "label": label.1}]));
        assert_eq!(company.get(records, &wanted).await.ok()["data"][0], one);
        let plain = company.get(records, &[("include_labels", "false")]).await.ok()["data"][0].clone();
        assert_eq!((&plain["custom_fields"], plain.get("labels")), (&custom, None));
    }
}
