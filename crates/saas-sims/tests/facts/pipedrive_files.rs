//! Files and changelogs of version 1 (sections 1.7, 6).

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::http::{Answer, Company, FORM, ORGANIZATIONS, column, ids, send};

const FILES: &str = "/v1/files";
const KEY: (&str, &str) = ("x-api-token", "t");
const MULTIPART: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

async fn company() -> Company {
    let company = Company::new();
    company.create(&json!({"name": "Acme"})).await;
    company
}

/// A part of a multipart body; with a file name if given.
fn part(name: &str, file: Option<&str>, content: &str) -> String {
    let file =
        file.map_or(String::new(), |file| format!("; filename=\"{file}\"\r\nContent-Type: application/pdf"));
    format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
}

async fn upload(company: &Company, parts: &[String]) -> Answer {
    send(&company.router, "POST", FILES, &[KEY, MULTIPART], &format!("{}--XX--\r\n", parts.concat())).await
}

async fn invoice(company: &Company) -> Value {
    let parts = [part("org_id", None, "1"), part("file", Some("invoice 1.pdf"), "%PDF\r\n--X")];
    upload(company, &parts).await.ok()["data"].clone()
}

#[tokio::test]
async fn a_file_is_uploaded_as_multipart() {
    let company = company().await;
    let mut file = invoice(&company).await;
    let stored = file.as_object_mut().unwrap().remove("file_name").unwrap();
    assert!(stored.as_str().unwrap().starts_with("invoice 1_") && stored.as_str().unwrap().ends_with(".pdf"));
    assert_eq!(
        file,
        json!({"id": 1, "user_id": 12_415_231, "deal_id": null, "person_id": null, "org_id": 1, "product_id": null,
            "activity_id": null, "lead_id": null, "project_id": null, "add_time": "2026-03-02 10:00:00",
            "update_time": "2026-03-02 10:00:00", "file_size": 9, "active_flag": true, "inline_flag": false,
            "remote_location": "s3", "remote_id": "", "cid": "", "s3_bucket": "", "mail_message_id": "",
            "mail_template_id": "", "deal_name": null, "person_name": null, "org_name": "Acme",
            "product_name": null, "lead_name": null, "project_name": null,
            "url": "https://northwind-sandbox.pipedrive.com/v1/files/1/download", "name": "invoice 1.pdf",
            "description": ""})
    );
}

#[tokio::test]
async fn a_file_is_downloaded_as_it_was_uploaded_for_twenty_tokens() {
    let company = company().await;
    invoice(&company).await;
    let before = company.sim.tokens_left();
    let answer = company.get("/v1/files/1/download", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "%PDF\r\n--X"));
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"invoice 1.pdf\"");
    assert_eq!(before - company.sim.tokens_left(), 20);
    company.get("/v1/files/2/download", &[]).await.refused(404);
}

#[tokio::test]
async fn an_upload_needs_one_file_and_records_that_exist() {
    let company = company().await;
    let file = || part("file", Some("a.pdf"), "x");
    for parts in [
        vec![],
        vec![part("org_id", None, "1")],
        vec![part("file", None, "x")],
        vec![part("file", Some("a.pdf"), "")],
        vec![file(), file()],
        vec![file(), part("org_id", None, "99")],
        vec![file(), part("deal_id", None, "x")],
        vec![file(), part("color", None, "red")],
    ] {
        upload(&company, &parts).await.refused(400);
    }
    upload(&company, &[file(), part("person_id", None, "1")]).await.refused(501);
    company.send("POST", FILES, &json!({"file": "x"})).await.refused(400);
    send(&company.router, "POST", FILES, &[KEY, MULTIPART], "--XX\r\nbroken").await.refused(400);
    upload(&company, &[file(), part("deal_id", None, "1")]).await.refused(400);
    company.sim.create_deal(&json!({"title": "A"})).unwrap();
    upload(&company, &[file(), part("deal_id", None, "1")]).await.ok();
}

#[tokio::test]
async fn a_put_renames_and_is_form_encoded() {
    let company = company().await;
    invoice(&company).await;
    company.clock.advance(SignedDuration::from_secs(1));
    let path = format!("{FILES}/1");
    let answer = send(&company.router, "PUT", &path, &[KEY, FORM], "name=b.pdf&description=Invoice+1").await;
    let file = answer.ok()["data"].clone();
    assert_eq!((&file["name"], &file["description"]), (&json!("b.pdf"), &json!("Invoice 1")));
    assert_eq!(file["update_time"], "2026-03-02 10:00:01");
    company.send("PUT", &path, &json!({"name": "c.pdf"})).await.refused(400);
    for form in ["", "name=", "org_id=1", "file=x"] {
        send(&company.router, "PUT", &path, &[KEY, FORM], form).await.refused(400);
    }
}

#[tokio::test]
async fn a_deleted_file_leaves_the_list_and_is_gone_after_thirty_days() {
    let company = company().await;
    invoice(&company).await;
    let path = format!("{FILES}/1");
    assert_eq!(
        company.send("DELETE", &path, &json!({})).await.ok(),
        json!({"success": true, "data": {"id": 1}})
    );
    assert_eq!(company.get(FILES, &[]).await.ok()["data"], json!([]));
    company.clock.advance(SignedDuration::from_secs(30 * 86_400 - 1));
    assert_eq!(company.get(&path, &[]).await.ok()["data"]["active_flag"], false);
    company.clock.advance(SignedDuration::from_secs(1));
    company.get(&path, &[]).await.refused(404);
    company.send("DELETE", &path, &json!({})).await.refused(404);
}

#[tokio::test]
async fn files_are_listed_a_hundred_at_most() {
    let company = company().await;
    for _ in 0..3 {
        invoice(&company).await;
    }
    let page = company.get(FILES, &[("limit", "2"), ("sort", "id DESC")]).await.ok();
    assert_eq!(ids(&page["data"], "id"), [3, 2]);
    assert_eq!(page["additional_data"]["pagination"]["next_start"], 2);
    company.clock.advance(SignedDuration::from_secs(1));
    send(&company.router, "PUT", &format!("{FILES}/1"), &[KEY, FORM], "name=x").await.ok();
    let page = company.get(FILES, &[("sort", "update_time")]).await.ok();
    assert_eq!(ids(&page["data"], "id"), [2, 3, 1]);
    company.get(FILES, &[("limit", "101")]).await.refused(400);
    company.get(FILES, &[("sort", "name")]).await.refused(400);
    company.get(&format!("{FILES}/1"), &[]).await.ok();
    company.send("DELETE", &format!("{FILES}/1"), &json!({})).await.ok();
    let costs = company.sim.stats().by_operation;
    let cost = |name: &str| costs[name].1 / costs[name].0;
    assert_eq!(
        [
            "GET /v1/files",
            "POST /v1/files",
            "GET /v1/files/{id}",
            "PUT /v1/files/{id}",
            "DELETE /v1/files/{id}"
        ]
        .map(cost),
        [20, 10, 2, 10, 6]
    );
}

#[tokio::test]
async fn the_changelog_says_who_wrote_what_the_latest_first() {
    let company = Company::new();
    let code = company.field("ERP balance", "monetary").await;
    let id = company.create(&json!({"name": "Org 10"})).await;
    let path = format!("/v1/organizations/{id}/changelog");
    assert_eq!(company.get(&path, &[]).await.ok()["data"], json!([]), "a create is no change of a value");
    company.clock.advance(SignedDuration::from_secs(5));
    let body = json!({"custom_fields": {&code: {"value": 20, "currency": "EUR"}}});
    company.send("PATCH", &format!("{ORGANIZATIONS}/{id}"), &body).await.ok();
    company.sim.bulk_edit_as_person(&[id], &json!({"name": "Org 11"})).unwrap();
    let log = company.get(&path, &[]).await.ok();
    assert_eq!(
        log["data"],
        json!([
            {"field_key": "name", "old_value": "Org 10", "new_value": "Org 11", "actor_user_id": 12_415_232,
             "time": "2026-03-02 10:00:05", "change_source": "app", "change_source_user_agent": null,
             "is_bulk_update_flag": true},
            {"field_key": code, "old_value": null, "new_value": "20", "actor_user_id": 12_415_231,
             "time": "2026-03-02 10:00:05", "change_source": "api", "change_source_user_agent": null,
             "is_bulk_update_flag": false},
        ])
    );
    assert_eq!(log["additional_data"], json!({"next_cursor": null}));
    company.get("/v1/organizations/99/changelog", &[]).await.refused(404);
    company.get("/api/v1/deals/1/changelog", &[]).await.refused(404);
    company.sim.create_deal(&json!({"title": "A"})).unwrap();
    company.sim.win_deal(1).unwrap();
    let log = company.get("/api/v1/deals/1/changelog", &[]).await.ok();
    assert!(column(&log["data"], "field_key").contains(&"won_time".to_owned()));
    let costs = company.sim.stats().by_operation;
    assert_eq!(costs["GET /v1/organizations/{id}/changelog"].1, 60);
    assert_eq!(costs["GET /v1/deals/{id}/changelog"].1, 40);
}

#[tokio::test]
async fn a_walk_through_the_changelog_is_not_moved_by_new_entries() {
    let company = company().await;
    let rename = |name: &'static str| company.sim.edit_as_person(1, &json!({"name": name})).unwrap();
    ["b", "c", "d"].into_iter().for_each(rename);
    let path = "/v1/organizations/1/changelog";
    let first = company.get(path, &[("limit", "2")]).await.ok();
    assert_eq!(column(&first["data"], "new_value"), ["d", "c"]);
    rename("e");
    let cursor = first["additional_data"]["next_cursor"].as_str().unwrap();
    let rest = company.get(path, &[("limit", "2"), ("cursor", cursor)]).await.ok();
    assert_eq!(column(&rest["data"], "new_value"), ["b"]);
    company.get(path, &[("cursor", "x")]).await.refused(400);
}
