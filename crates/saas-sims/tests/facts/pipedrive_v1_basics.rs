//! Users and currencies of version 1 (section 1.7).

use saas_sims::pipedrive::{CustomCurrency, PipedriveSettings, V1Settings};
use serde_json::{Value, json};

use crate::http::{Company, column, ids};

#[tokio::test]
async fn users_are_those_that_may_own_records_and_one_of_them_is_you() {
    let company = Company::new();
    let users = company.get("/v1/users", &[]).await.ok();
    assert_eq!(ids(&users["data"], "id"), company.sim.settings().users());
    let you: Vec<Option<bool>> =
        users["data"].as_array().unwrap().iter().map(|user| user["is_you"].as_bool()).collect();
    assert_eq!(you, [Some(true), Some(false), Some(false), Some(false)]);
    assert_eq!(users["data"][1]["last_login"], "2026-01-05 08:00:00");
    assert!(users.get("additional_data").is_none(), "the list has no pages");
    company.get("/v1/users", &[("limit", "1")]).await.refused(400);
    let one = company.get("/api/v1/users/12415232", &[]).await.ok();
    assert_eq!(one["data"], users["data"][1]);
    let missing = company.get("/v1/users/5", &[]).await;
    assert_eq!(
        missing.refused(404).json(),
        json!({"success": false, "error": "User not found or not accessible."})
    );
    let me = company.get("/v1/users/me", &[]).await.ok();
    assert_eq!(
        (&me["data"]["id"], &me["data"]["email"]),
        (&users["data"][0]["id"], &users["data"][0]["email"])
    );
    let costs = company.sim.stats().by_operation;
    assert_eq!((costs["GET /v1/users"], costs["GET /v1/users/{id}"]), ((2, 40), (2, 4)));
}

#[tokio::test]
async fn currencies_have_their_own_decimal_points() {
    let own = CustomCurrency {
        code: "XBT".to_owned(),
        name: "Coins".to_owned(),
        decimal_points: 8,
        symbol: "B".to_owned(),
    };
    let v1 = V1Settings { custom_currencies: vec![own], ..V1Settings::default() };
    let company = Company::with(PipedriveSettings { v1, ..PipedriveSettings::default() });
    let list = company.get("/v1/currencies", &[]).await.ok()["data"].clone();
    let points = |code: &str| {
        let all = list.as_array().unwrap();
        let found = all.iter().find(|item| item["code"] == code).unwrap();
        (found["decimal_points"].as_i64().unwrap(), found["is_custom_flag"].as_bool().unwrap())
    };
    assert_eq!([points("EUR"), points("USD")], [(2, false), (2, false)]);
    assert_eq!([points("JPY"), points("KWD"), points("XBT")], [(0, false), (3, false), (8, true)]);
    assert!(list.as_array().unwrap().iter().any(|item| item["active_flag"] == false));
    let known: Value = json!({
        "id": 1, "code": "EUR", "name": "Euro", "decimal_points": 2, "symbol": "€", "active_flag": true,
        "is_custom_flag": false,
    });
    assert_eq!(list[0], known);
    let dinars = company.get("/v1/currencies", &[("term", "dinar")]).await.ok();
    assert_eq!(column(&dinars["data"], "code"), ["KWD", "BHD"]);
    assert_eq!(company.sim.stats().by_operation["GET /v1/currencies"], (2, 40));
}
