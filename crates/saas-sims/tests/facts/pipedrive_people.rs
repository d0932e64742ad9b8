//! What people do with deals in the web application, also over `/_sim/`.

use saas_sims::SimClock;
use saas_sims::fusion::{FusionSettings, FusionSim};
use saas_sims::people::People;
use saas_sims::pipedrive::Source;
use serde_json::{Value, json};

use crate::http::{Company, start};

async fn sim(company: &Company, path: &str, body: &Value) -> Value {
    company.send("POST", &format!("/_sim/{path}"), body).await.ok()
}

#[tokio::test]
async fn people_work_on_deals_over_the_admin_paths_without_tokens() {
    let company = Company::new();
    let before = company.sim.tokens_left();
    assert_eq!(sim(&company, "organizations", &json!({"name": "O"})).await, json!({"id": 1}));
    sim(&company, "organizations", &json!({"name": "O"})).await;
    assert_eq!(sim(&company, "persons", &json!({"name": "P"})).await, json!({"id": 1}));
    assert_eq!(sim(&company, "deals", &json!({"title": "D", "org_id": 1})).await, json!({"id": 1}));
    let seen = || {
        let deal = company.sim.deal(1).unwrap();
        (deal.status, deal.stage_id, deal.archived, deal.deleted)
    };
    sim(&company, "deals/1/win", &json!({})).await;
    assert_eq!(seen(), ("won", 1, false, false));
    sim(&company, "deals/1/reopen", &json!({})).await;
    let deal = company.sim.deal(1).unwrap();
    assert!(deal.won_time.is_none() && deal.first_won_time.is_some());
    sim(&company, "deals/1/lose", &json!({"reason": "Price"})).await;
    assert_eq!(company.sim.deal(1).unwrap().lost_reason.as_deref(), Some("Price"));
    sim(&company, "deals/1/move", &json!({"stage_id": 3})).await;
    sim(&company, "deals/1/archive", &json!({})).await;
    assert_eq!(seen(), ("lost", 3, true, false));
    company.send("POST", "/_sim/deals/1/win", &json!({})).await.refused(400);
    sim(&company, "deals/1/unarchive", &json!({})).await;
    sim(&company, "deals/1", &json!({"title": "E", "expected_close_date": null})).await;
    sim(&company, "organizations/1/merge", &json!({"into": 2})).await;
    assert_eq!(company.sim.deal(1).unwrap().org_id, Some(2));
    company.send("DELETE", "/_sim/deals/1", &json!({})).await.ok();
    assert_eq!(seen(), ("lost", 3, false, true));
    company.send("POST", "/_sim/deals/1/dance", &json!({})).await.refused(400);
    let pipeline = sim(&company, "pipelines", &json!({"name": "New"})).await;
    sim(&company, "stages", &json!({"pipeline_id": pipeline["id"], "name": "First"})).await;
    assert_eq!(sim(&company, "filters", &json!({"entity": "deal", "ids": [1]})).await, json!({"id": 1}));
    assert_eq!(company.sim.tokens_left(), before);
    assert!(company.sim.events().iter().all(|event| event.source == Source::App));
    let truth = company.get("/_sim/truth", &[]).await.ok();
    assert_eq!((&truth["deals"][0]["title"], &truth["persons"][0]["name"]), (&json!("E"), &json!("P")));
    assert_eq!(truth["pipelines"]["pipelines"].as_array().unwrap().len(), 3);
}

fn sentences(with_deals: bool) -> Vec<String> {
    let fusion = FusionSim::new(FusionSettings::default(), SimClock::at(start()), 3);
    saas_sims::generator::populate(&fusion, 20, 5, start());
    let company = Company::new();
    for n in 1..=10 {
        company.sim.create_as_person(&json!({"name": format!("O{n}")})).unwrap();
        if with_deals {
            company.sim.create_deal(&json!({"title": format!("D{n}"), "org_id": n})).unwrap();
        }
    }
    let mut people = People::new(11, fusion, company.sim.clone());
    (0..200).map(|_| people.act()).collect()
}

#[test]
fn salespeople_work_on_deals_only_where_there_are_any() {
    let (without, with) = (sentences(false), sentences(true));
    let deals = |all: &[String], what: &str| {
        all.iter().filter(|said| said.contains("deal ") && said.contains(what)).count()
    };
    assert_eq!(deals(&without, ""), 0);
    for what in ["won it", "lost it", "opened it again", "valued it"] {
        assert!(deals(&with, what) > 0, "{what}");
    }
    assert!(without.iter().any(|said| said.contains("opened organization")));
}
