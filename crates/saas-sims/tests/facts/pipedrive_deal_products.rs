//! Products on deals, and followers: what answers 201 (section 10 no. 4).

use serde_json::json;

use crate::http::{Company, DEALS, ORGANIZATIONS, ids};

#[tokio::test]
async fn a_product_on_a_deal_is_created_with_201_and_makes_the_deals_value() {
    let company = Company::new();
    let deal = company.make("/api/v2/deals", &json!({"title": "D", "value": 5})).await;
    let made = company.send("POST", "/api/v2/products", &json!({"name": "Pencil"})).await;
    assert_eq!(made.status, 201);
    let product = made.json()["data"]["id"].as_i64().unwrap();
    let path = format!("/api/v2/deals/{deal}/products");
    company.send("POST", &path, &json!({"product_id": product, "quantity": 2})).await.refused(400);
    company
        .send("POST", &path, &json!({"product_id": 99, "quantity": 2, "item_price": 1}))
        .await
        .refused(400);
    company
        .send("POST", &path, &json!({"product_id": product, "quantity": "2", "item_price": 1}))
        .await
        .refused(400);
    assert_eq!(company.read("/api/v2/deals", deal).await["value"], 5, "nothing of it was stored");
    let body = json!({"product_id": product, "quantity": 3, "item_price": 0.35});
    let added = company.send("POST", &path, &body).await;
    assert_eq!(added.status, 201);
    let id = added.json()["data"]["id"].as_i64().unwrap();
    assert_eq!(company.read("/api/v2/deals", deal).await["value"], 1.05);
    let listed = company.get(&path, &[]).await.ok();
    assert_eq!((&listed["data"][0]["name"], &listed["data"][0]["sum"]), (&json!("Pencil"), &json!(1.05)));
    company.send("PATCH", &format!("{path}/{id}"), &json!({"quantity": 1})).await.ok();
    assert_eq!(company.read("/api/v2/deals", deal).await["value"], 0.35);
    company.send("DELETE", &format!("{path}/{id}"), &json!({})).await.ok();
    company.send("DELETE", &format!("{path}/{id}"), &json!({})).await.refused(404);
    assert_eq!(company.read("/api/v2/deals", deal).await["value"], 0.0);
    let products = company.get("/api/v2/products", &[("ids", "1,2")]).await.ok();
    assert_eq!(products["data"][0]["name"], "Pencil");
    company.send("DELETE", "/api/v2/products/1", &json!({})).await.ok();
    company.get("/api/v2/products/1", &[]).await.refused(404);
}

#[tokio::test]
async fn a_follower_is_added_with_201_listed_and_removed() {
    let company = Company::new();
    let organization = company.create(&json!({"name": "O"})).await;
    let deal = company.make("/api/v2/deals", &json!({"title": "D"})).await;
    for path in
        [format!("/api/v2/organizations/{organization}/followers"), format!("/api/v2/deals/{deal}/followers")]
    {
        let user = company.get("/v1/users/me", &[]).await.ok()["data"]["id"].as_i64().unwrap();
        let added = company.send("POST", &path, &json!({"user_id": user})).await;
        assert_eq!((added.status.as_u16(), &added.json()["data"]["user_id"]), (201, &json!(user)));
        company.send("POST", &path, &json!({"user_id": 1})).await.refused(400);
        assert_eq!(company.get(&path, &[]).await.ok()["data"].as_array().unwrap().len(), 1);
        company.send("DELETE", &format!("{path}/{user}"), &json!({})).await.ok();
        company.send("DELETE", &format!("{path}/{user}"), &json!({})).await.refused(404);
        assert_eq!(company.get(&path, &[]).await.ok()["data"], json!([]));
    }
    company.get("/api/v2/deals/99/followers", &[]).await.refused(404);
}

#[tokio::test]
async fn products_of_an_archived_deal_are_read_only_and_a_refused_write_stores_nothing() {
    let company = Company::new();
    let deal = company.make(DEALS, &json!({"title": "D"})).await;
    company.send("POST", "/api/v2/products", &json!({"name": "Pencil"})).await.refused(201);
    let path = format!("{DEALS}/{deal}/products");
    let body = json!({"product_id": 1, "quantity": 3, "item_price": 1});
    company.send("POST", &path, &body).await.refused(201);
    company.sim.archive_deal(deal, true).unwrap();
    company.send("POST", &path, &body).await.refused(403);
    company.send("PATCH", &format!("{path}/1"), &json!({"quantity": 9})).await.refused(403);
    company.send("DELETE", &format!("{path}/1"), &json!({})).await.refused(403);
    company.sim.archive_deal(deal, false).unwrap();
    let listed = company.get(&path, &[]).await.ok();
    assert_eq!((ids(&listed["data"], "id"), &listed["data"][0]["sum"]), (vec![1], &json!(3.0)));
}

#[tokio::test]
async fn products_and_followers_are_counted_where_they_are_asked_for() {
    let company = Company::new();
    let organization = company.create(&json!({"name": "O"})).await;
    let deal = company.make(DEALS, &json!({"title": "D"})).await;
    company.send("POST", "/api/v2/products", &json!({"name": "Pencil"})).await.refused(201);
    let body = json!({"product_id": 1, "quantity": 3, "item_price": 1});
    company.send("POST", &format!("{DEALS}/{deal}/products"), &body).await.refused(201);
    for (path, id) in [(DEALS, deal), (ORGANIZATIONS, organization)] {
        let follower = json!({"user_id": 12_415_232});
        company.send("POST", &format!("{path}/{id}/followers"), &follower).await.refused(201);
        let counted =
            company.get(&format!("{path}/{id}"), &[("include_fields", "followers_count")]).await.ok();
        assert_eq!(counted["data"]["followers_count"], 1);
    }
    let counted = company.get(DEALS, &[("include_fields", "products_count")]).await.ok();
    assert_eq!(counted["data"][0]["products_count"], 1);
}
