//! Pipelines and stages (section 1.7).

use serde_json::json;

use crate::http::{Company, DEALS, column};

const PIPELINES: &str = "/api/v2/pipelines";
const STAGES: &str = "/api/v2/stages";

#[tokio::test]
async fn there_are_two_pipelines_with_stages() {
    let company = Company::new();
    let before = company.sim.tokens_left();
    let pipelines = company.get(PIPELINES, &[]).await.ok();
    assert_eq!(column(&pipelines["data"], "name"), ["Pipeline", "Partners"]);
    assert_eq!(company.list(STAGES, &[("pipeline_id", "2")]).await, [6, 7, 8]);
    assert_eq!(before - company.sim.tokens_left(), 10);
    assert_eq!(company.read(PIPELINES, 2).await["order_nr"], 2);
    assert_eq!(company.read(STAGES, 7).await["pipeline_id"], 2);
    assert_eq!(before - company.sim.tokens_left(), 12);
    company.get(&format!("{STAGES}/99"), &[]).await.refused(404);
    company.get(&format!("{PIPELINES}/99"), &[]).await.refused(404);
}

#[tokio::test]
async fn stages_of_a_pipeline_that_does_not_exist_are_an_empty_list() {
    let company = Company::new();
    assert_eq!(company.get(STAGES, &[("pipeline_id", "99")]).await.ok()["data"], json!([]));
    company.get(STAGES, &[("pipeline_id", "x")]).await.refused(400);
}

#[tokio::test]
async fn stages_page_by_cursor_in_the_order_asked_for() {
    let company = Company::new();
    let query = [("limit", "5"), ("sort_by", "order_nr"), ("sort_direction", "desc")];
    let first = company.get(STAGES, &query).await.ok();
    let cursor = first["additional_data"]["next_cursor"].as_str().unwrap();
    let second = company.get(STAGES, &[&query[..], &[("cursor", cursor)]].concat()).await.ok();
    let mut seen = column(&first["data"], "name");
    seen.extend(column(&second["data"], "name"));
    assert_eq!(
        (seen.len(), seen[0].as_str(), second["additional_data"]["next_cursor"].clone()),
        (8, "Negotiations Started", json!(null))
    );
    company.get(STAGES, &[("cursor", cursor)]).await.refused(400);
    company.get(PIPELINES, &[("sort_by", "order_nr")]).await.refused(400);
}

#[tokio::test]
async fn people_add_pipelines_and_stages_and_the_api_is_not_modelled() {
    let company = Company::new();
    let pipeline = company.sim.add_pipeline("Renewals");
    let stage = company.sim.add_stage(pipeline, "Due").unwrap();
    assert!(company.sim.add_stage(99, "Due").is_err());
    let deal = company.make(DEALS, &json!({"title": "A", "pipeline_id": pipeline})).await;
    assert_eq!(company.read(DEALS, deal).await["stage_id"], stage);
    company.send("POST", PIPELINES, &json!({"name": "x"})).await.refused(501);
}
