//! Notes on deals.

use pipedrive::NOTE_LIMIT;
use serde_json::{Value, json};
use sync_core::{
    budget::Class,
    deals::CrmNote,
    documents::{DocumentKind, PageWrite},
    error::{Effect, ErrorKind},
    ids::{DealId, NoteId},
    model::Seen,
    ports::CrmDocuments,
};

use crate::{company::*, support::*};

const NOTES: &str = "/v1/notes";
const DEAL: DealId = DealId(9);

fn note(id: i64) -> Value {
    json!({ "id": id, "active_flag": true, "content": "<p>Invoice  1</p>\n", "deal_id": 9, "deal": { "title": "D" },
        "add_time": "2019-12-09 13:59:21", "update_time": "2019-12-09 14:26:11", "pinned_to_deal_flag": false })
}

fn listed(rows: &Value, page: &Value) -> Outcome {
    ok(json!({ "success": true, "data": rows, "additional_data": { "pagination": page } }))
}

#[tokio::test]
async fn a_note_is_written_on_a_deal_and_its_content_comes_back_as_it_was_kept() {
    let company = company(|_| Some(data(&note(3))));
    let kept = company.crm.create_note(DEAL, "<p>Invoice 1</p><script>", Class::Document).await.unwrap();
    let content = "<p>Invoice  1</p>\n".to_owned();
    let updated_at = Some(at("2019-12-09T14:26:11Z"));
    assert_eq!(kept, CrmNote { id: NoteId(3), deal: Some(DEAL), content, updated_at, deleted: false });
    let sent = company.log.last();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", NOTES));
    assert_eq!(sent.json(), json!({ "content": "<p>Invoice 1</p><script>", "deal_id": 9 }));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Document 1 x 10"]);
}

#[tokio::test]
async fn an_update_replaces_the_content_alone() {
    let company = company(|_| Some(data(&note(3))));
    company.crm.update_note(NoteId(3), "new", Class::Document).await.unwrap();
    let sent = company.log.last();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("PUT", "/v1/notes/3"));
    assert_eq!(sent.json(), json!({ "content": "new" }));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Document 1 x 10"]);
}

#[tokio::test]
async fn content_that_is_blank_or_too_long_is_never_sent() {
    let company = company(|_| Some(data(&note(3))));
    // Fewer characters than the limit, more bytes.
    for content in [" \n".to_owned(), "x".repeat(NOTE_LIMIT + 1), "€".repeat(NOTE_LIMIT / 2)] {
        let created = company.crm.create_note(DEAL, &content, Class::Document).await.unwrap_err();
        let updated = company.crm.update_note(NoteId(3), &content, Class::Document).await.unwrap_err();
        for error in [created, updated] {
            assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None));
        }
    }
    assert!(company.log.all().is_empty());
    company.crm.create_note(DEAL, &"x".repeat(NOTE_LIMIT), Class::Document).await.unwrap();
}

#[tokio::test]
async fn a_note_that_became_another_or_hangs_elsewhere_is_in_doubt() {
    let mut elsewhere = note(3);
    elsewhere["deal_id"] = json!(null);
    let company = company(move |_| Some(data(&elsewhere)));
    let created = company.crm.create_note(DEAL, "x", Class::Document).await.unwrap_err();
    let updated = company.crm.update_note(NoteId(4), "x", Class::Document).await.unwrap_err();
    for error in [created, updated] {
        assert_eq!((error.kind, error.effect), (ErrorKind::Unreadable, Effect::InDoubt));
    }
}

#[tokio::test]
async fn a_deleted_note_says_so_or_is_not_there() {
    let mut deleted = note(3);
    deleted["active_flag"] = json!(false);
    let company = company(move |sent| {
        let found = sent.path() == "/v1/notes/3";
        Some(if found {
            data(&deleted)
        } else {
            reply(404, &[], r#"{"success":false,"error":"Note not found"}"#)
        })
    });
    assert!(company.crm.note(NoteId(3), Class::Audit).await.unwrap().unwrap().deleted);
    assert_eq!(company.crm.note(NoteId(4), Class::Audit).await, Ok(None));
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Audit 1 x 2"; 2]);
}

#[tokio::test]
async fn deleting_a_note_that_is_gone_is_done() {
    let company = company(|sent| {
        let found = sent.path() == "/v1/notes/3";
        Some(if found { ok(json!({ "success": true, "data": true })) } else { reply(404, &[], "{}") })
    });
    company.crm.delete_note(NoteId(3), Class::Document).await.unwrap();
    company.crm.delete_note(NoteId(4), Class::Document).await.unwrap();
    assert_eq!(company.log.lines(), ["DELETE /v1/notes/3", "DELETE /v1/notes/4"]);
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Document 1 x 6"; 2]);
}

#[tokio::test]
async fn notes_of_a_deal_are_read_page_by_page_until_nothing_follows() {
    // With and without the start of the next page.
    for named in [true, false] {
        let company = company(move |sent| {
            let start: i64 = sent.raw("start")?.parse().unwrap();
            let rows = (start..250.min(start + 100)).map(note).collect();
            let mut page = json!({ "start": start, "limit": 100, "more_items_in_collection": start < 200 });
            if named && start < 200 {
                page["next_start"] = json!(start + 100);
            }
            Some(listed(&rows, &page))
        });
        let notes = company.crm.notes_of(DEAL, Class::Audit).await.unwrap();
        assert_eq!(notes.iter().map(|note| note.id.0).collect::<Vec<_>>(), (0..250).collect::<Vec<_>>());
        let sent = company.log.all();
        let targets = [0, 100, 200].map(|start| format!("{NOTES}?deal_id=9&sort=id&start={start}&limit=100"));
        assert_eq!(sent.iter().map(|sent| sent.target.as_str()).collect::<Vec<_>>(), targets);
        assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Audit 1 x 20"; 3]);
    }
}

/// With a limit that is above the server's own, and an answer that says nothing about what follows, a full page of the default
/// size may not be all.
#[tokio::test]
async fn notes_that_changed_come_as_one_page_and_those_that_cannot_be_read_are_named() {
    let mut bad = note(5);
    bad["content"] = json!(["x"]);
    let bad = bad.clone();
    let company = company(move |sent| {
        let rows = match sent.raw("updated_since")? {
            "2026-03-02T12%3A00%3A00Z" | "2026-03-02T12:00:00Z" => json!([note(3), bad, { "content": "x" }]),
            _ => (0..100).map(note).collect(),
        };
        Some(listed(&rows, &json!({})))
    });
    let since = at("2026-03-02T12:00:00.7Z");
    let page = company.crm.notes_changed(since, Class::Document).await.unwrap();
    assert!(!page.more);
    let named: Vec<Option<i64>> = page
        .rows
        .iter()
        .map(|row| match row {
            Seen::Record(note) => Some(note.id.0),
            Seen::Malformed(row) => row.id,
        })
        .collect();
    assert_eq!(named, [Some(3), Some(5), None]);
    let sent = company.log.last();
    assert!(sent.target.starts_with("/v1/notes?updated_since=2026-03-02T12"), "{}", sent.target);
    assert!(sent.target.ends_with("&limit=500"), "{}", sent.target);
    assert!(company.crm.notes_changed(at("2026-03-02T13:00:00Z"), Class::Document).await.unwrap().more);
    assert_eq!(*company.ledger.heard.lock().unwrap(), ["reserve Document 1 x 20"; 2]);
}

#[tokio::test]
async fn no_notes_are_an_empty_list_or_null() {
    let end = json!({ "start": 0, "limit": 100, "more_items_in_collection": false });
    for rows in [json!([]), json!(null)] {
        let end = end.clone();
        let company = company(move |_| Some(listed(&rows, &end)));
        assert_eq!(company.crm.notes_of(DEAL, Class::Audit).await, Ok(Vec::new()));
    }
    let company = company(|_| Some(data(&json!(null))));
    let error = company.crm.notes_of(DEAL, Class::Audit).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreadable, "a bare null is not known to be the end");
}

#[tokio::test]
async fn notes_of_other_deals_are_not_taken_and_unreadable_ones_not_left_out() {
    let mut other = note(4);
    other["deal_id"] = json!(10);
    let end = json!({ "more_items_in_collection": false });
    let rows = json!([note(3), other]);
    let page = end.clone();
    let kind = company(move |_| Some(listed(&rows, &page)));
    assert_eq!(kind.crm.notes_of(DEAL, Class::Audit).await.unwrap().len(), 1);
    let mut bad = note(5);
    bad["content"] = json!(["x"]);
    let bad = company(move |_| Some(listed(&json!([note(3), bad]), &end)));
    assert_eq!(bad.crm.notes_of(DEAL, Class::Audit).await.unwrap_err().kind, ErrorKind::Unreadable);
}

#[tokio::test]
async fn pages_that_do_not_move_on_are_not_read_for_ever() {
    let stuck = json!({ "more_items_in_collection": true, "next_start": 0 });
    let company = company(move |_| Some(listed(&json!([note(1)]), &stuck)));
    let error = company.crm.notes_of(DEAL, Class::Audit).await.unwrap_err();
    assert_eq!((error.kind, company.log.all().len()), (ErrorKind::Unreadable, 1));
}

#[tokio::test]
async fn the_port_writes_notes_that_are_paid_for_already() {
    let company = company(|_| Some(data(&note(3))));
    let crm: &dyn CrmDocuments = &company.crm;
    let write = PageWrite::CreateNote { kind: DocumentKind::Invoice, content: "x".to_owned(), reason: "" };
    let permit = crm.permit(Class::Document, &write).await.unwrap();
    let kept = crm.create_note(permit, DEAL, "x").await.unwrap();
    assert_eq!(kept.id, NoteId(3));
    let paid = ["reserve Document 1 x 10"];
    assert_eq!(*company.ledger.heard.lock().unwrap(), paid, "once, before it was sent");
}
