//! Facts of `pipedrive.md` about reading, each with the test that fails when the client forgets it.
#[cfg(test)]
mod company;
#[cfg(test)]
#[path = "../../saas-http/tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sync_core::{
        budget::Class,
        error::{Effect, ErrorKind},
        fields::Field,
        ids::{OrgId, PartyId},
        model::Seen,
        ports::{Crm, Missing},
        value,
    };

    use super::{company::*, support::*};

    #[tokio::test]
    async fn walks_go_by_id_in_pages_of_500_with_our_hashes_only() {
        let company = company(|sent| {
            (sent.path() == ORGS).then(|| {
                ok(json!({ "success": true, "data": [org(1, Some("77"))], "additional_data": { "next_cursor": "abc=" } }))
            })
        });
        company.crm.prepare().await.unwrap();
        let page = company.crm.orgs_walk(None, Class::Audit).await.unwrap();
        assert_eq!((page.more, page.next.as_deref()), (true, Some("abc=")));
        assert_eq!(page.server_now, at("2026-11-24T12:00:05Z"));
        let sent = company.log.last();
        assert_eq!((sent.raw("sort_by"), sent.raw("sort_direction")), (Some("id"), Some("asc")));
        assert_eq!((sent.raw("limit"), sent.raw("cursor")), (Some("500"), None));
        assert_eq!(sent.raw("custom_fields").unwrap().split("%2C").count(), 5);
        assert_eq!(sent.header("x-api-token"), Some("hunter2"), "never in the URL");
        company.crm.orgs_walk(page.next, Class::Audit).await.unwrap();
        assert_eq!(company.log.last().raw("cursor"), Some("abc%3D"));
    }

    #[tokio::test]
    async fn changes_are_asked_for_in_whole_seconds_rounded_down() {
        let company = company(|sent| (sent.path() == ORGS).then(|| data(&json!([]))));
        company.crm.prepare().await.unwrap();
        let page =
            company.crm.orgs_changed(at("2026-01-02T03:04:05.999999Z"), None, Class::Edit).await.unwrap();
        assert!(!page.more);
        let sent = company.log.last();
        assert_eq!(sent.raw("updated_since"), Some("2026-01-02T03%3A04%3A05Z"));
        assert_eq!((sent.raw("sort_by"), sent.raw("sort_direction")), (Some("update_time"), Some("asc")));
    }

    #[tokio::test]
    async fn ids_are_read_in_hundreds_and_the_missing_are_left_out() {
        let company = company(|sent| {
            let ids = sent.raw("ids")?.split("%2C").map(|id| id.parse::<i64>().unwrap());
            Some(data(&ids.filter(|id| id % 2 == 0).map(|id| org(id, None)).collect()))
        });
        company.crm.prepare().await.unwrap();
        let ids: Vec<OrgId> = (1..=250).chain([7, 8]).map(OrgId).collect();
        let orgs = company.crm.orgs_by_id(&ids, Class::Edit).await.unwrap();
        assert_eq!(orgs.len(), 125);
        let asked: Vec<usize> =
            company.log.all().iter().filter_map(|sent| Some(sent.raw("ids")?.split("%2C").count())).collect();
        assert_eq!(asked, [100, 100, 50]);
        assert!(company.ledger.heard.lock().unwrap().contains(&"reserve Edit 1 x 10".to_owned()));
        let before = company.log.all().len();
        assert!(company.crm.orgs_by_id(&[], Class::Edit).await.unwrap().is_empty());
        assert_eq!(company.log.all().len(), before, "nothing is asked about nobody");
    }

    #[tokio::test]
    async fn search_hits_are_verified_ghosts_and_other_values_drop_out() {
        let company = company(|sent| match sent.path() {
            "/api/v2/itemSearch/field" => {
                Some(data(&json!([{ "id": 1 }, { "result_score": 0.5, "item": { "id": 2 } }, { "id": 3 }])))
            }
            // 3 was deleted but the index does not know; 2 was edited since.
            "/api/v2/organizations/1" => Some(data(&org(1, Some("300000000000077")))),
            "/api/v2/organizations/2" => Some(data(&org(2, Some("78")))),
            "/api/v2/organizations/3" => Some(missing()),
            _ => None,
        });
        company.crm.prepare().await.unwrap();
        let found =
            company.crm.orgs_by_origin(PartyId(300_000_000_000_077), Class::NewCustomer).await.unwrap();
        let [Seen::Record(org)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(org.id, OrgId(1));
        let asked = company.log.all();
        let search = asked.iter().find(|sent| sent.path().contains("itemSearch")).unwrap();
        assert_eq!(search.raw("term"), Some("300000000000077"));
        assert_eq!((search.raw("entity_type"), search.raw("match")), (Some("organization"), Some("exact")));
        assert_eq!(search.raw("field"), Some(code("ERP customer id").as_str()));
        assert_eq!(search.raw("limit"), Some("100"), "searches refuse more");
        assert_eq!(asked.iter().filter(|sent| sent.path().starts_with("/api/v2/organizations/")).count(), 3);
    }

    /// Ten alone cost as much as a hundred on a list.
    #[tokio::test]
    async fn few_organizations_are_read_one_by_one_for_a_token_each() {
        let company = company(|sent| {
            let id = sent.path().strip_prefix("/api/v2/organizations/")?.parse::<i64>().unwrap();
            Some(match id {
                1 => data(&org(1, Some("77"))),
                2 => data(&json!({ "id": 2, "is_deleted": true })),
                3 => missing(),
                4 => data(&org(5, None)),
                _ => data(&json!({ "id": null, "name": "A" })),
            })
        });
        company.crm.prepare().await.unwrap();
        let ids: Vec<OrgId> = (1..=5).map(OrgId).collect();
        let orgs = company.crm.orgs_by_id(&ids, Class::Edit).await.unwrap();
        let told: Vec<String> = orgs
            .iter()
            .map(|seen| match seen {
                Seen::Record(org) => format!("{}", org.id),
                Seen::Malformed(record) => format!("{:?}: {}", record.id, record.reason),
            })
            .collect();
        assert_eq!(told[..2], ["1", "Some(4): the answer is about organization 5"]);
        assert!(told.len() == 3 && told[2].starts_with("Some(5): "), "{told:?}");
        let heard = company.ledger.heard.lock().unwrap().clone();
        assert_eq!(heard.iter().filter(|heard| *heard == "reserve Edit 1 x 1").count(), 5, "{heard:?}");
        assert!(company.log.last().raw("custom_fields").is_some(), "our fields only");
    }

    /// One that our user may not see is left out of lists; whether alone it is missing or refused nobody knows.
    #[tokio::test]
    async fn what_is_refused_alone_is_asked_for_on_a_list() {
        let forbidden = r#"{"success":false,"error":"Forbidden","errorCode":403}"#;
        for (status, body) in [(403, forbidden), (200, r#"{"success":true,"data":null}"#)] {
            let company = company(move |sent| match (sent.path(), sent.raw("ids")) {
                (ORGS, Some("1%2C2")) => Some(data(&json!([org(1, None)]))),
                ("/api/v2/organizations/1", _) => Some(data(&org(1, None))),
                ("/api/v2/organizations/2", _) => Some(reply(status, &[], body)),
                _ => None,
            });
            company.crm.prepare().await.unwrap();
            let orgs = company.crm.orgs_by_id(&[OrgId(1), OrgId(2)], Class::Edit).await.unwrap();
            let [Seen::Record(org)] = orgs.as_slice() else { panic!("{orgs:?}") };
            assert_eq!(org.id, OrgId(1));
            assert_eq!(company.log.last().raw("ids"), Some("1%2C2"));
        }
    }

    fn missing() -> Outcome {
        reply(404, &[], r#"{"success":false,"error":"Organization not found","code":"ERR_NOT_FOUND"}"#)
    }

    #[tokio::test]
    async fn searches_keep_to_ten_in_two_seconds() {
        let company = company(|sent| sent.path().contains("itemSearch").then(|| data(&json!([]))));
        company.crm.prepare().await.unwrap();
        let begin = sync_core::ports::Clock::now(&company.clock);
        for id in 0..11 {
            company.crm.orgs_by_origin(PartyId(id), Class::Edit).await.unwrap();
        }
        let took = sync_core::ports::Clock::now(&company.clock).duration_since(begin);
        assert_eq!(took, sync_core::budget::BURST_WINDOW);
    }

    #[tokio::test]
    async fn a_malformed_organization_does_not_spoil_its_page_but_is_never_taken_for_deleted() {
        let bad = json!({ "id": 2, "name": "B", "update_time": "2026-01-02T03:04:05Z", "is_deleted": false,
            "custom_fields": { code("ERP phone"): { "a": 1 } } });
        let rows = json!([org(1, None), bad, null, org(3, None)]);
        let company = company(move |sent| (sent.path() == ORGS).then(|| data(&rows)));
        company.crm.prepare().await.unwrap();
        let page = company.crm.orgs_walk(None, Class::Audit).await.unwrap();
        assert_eq!(page.rows.len(), 4);
        let Seen::Malformed(bad) = &page.rows[1] else { panic!() };
        assert_eq!((bad.id, bad.reason.as_str()), (Some(2), r#"Phone is not a text: {"a":1}"#));
        let many: Vec<OrgId> = (1..=20).map(OrgId).collect();
        let orgs = company.crm.orgs_by_id(&many, Class::Edit).await.unwrap();
        let ids: Vec<Option<i64>> = orgs
            .iter()
            .map(|seen| match seen {
                Seen::Record(org) => Some(org.id.0),
                Seen::Malformed(record) => record.id.map(|id| -id),
            })
            .collect();
        assert_eq!(ids, [Some(1), Some(-2), None, Some(3)], "read, unreadable, not even an id");
    }

    #[tokio::test]
    async fn values_are_read_whatever_their_type_and_unset_ones_are_absent() {
        let row = json!({
            "id": "5", "name": " Acme  Oy ", "update_time": "2026-01-02T03:04:05Z", "website": "",
            "address": { "value": "Main St 1", "country": "US", "locality": null, "formatted_address": "x" },
            "custom_fields": { code("ERP customer id"): 300_000_000_000_077_i64, code("ERP status"): "Active" },
            "annual_revenue": 1.5
        });
        let deleted = json!({ "id": 6, "is_deleted": true });
        let company = company(move |sent| (sent.path() == ORGS).then(|| data(&json!([row, deleted]))));
        company.crm.prepare().await.unwrap();
        let page = company.crm.orgs_walk(None, Class::Audit).await.unwrap();
        let [Seen::Record(org)] = page.rows.as_slice() else { panic!("{:?}", page.rows) };
        assert_eq!(org.id, OrgId(5));
        let text = |field| org.values.get(&field).map(value::Value::text);
        assert_eq!(text(Field::Name), Some("Acme Oy"));
        assert_eq!(text(Field::Website), None);
        assert_eq!(text(Field::Address), Some("Main St 1"));
        assert_eq!(text(Field::ErpCustomerId), Some("300000000000077"));
        assert_eq!(text(Field::Phone), None);
    }

    #[tokio::test]
    async fn an_answer_without_a_list_is_not_an_empty_list() {
        for body in [r#"{"success":false,"data":[]}"#, r#"{"success":true,"data":null}"#, "{}"] {
            let company = company(move |sent| (sent.path() == ORGS).then(|| ok(body)));
            company.crm.prepare().await.unwrap();
            let error = company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unreadable, "{body}");
        }
    }

    #[tokio::test]
    async fn whoami_names_the_company() {
        let me = json!({ "id": 9, "name": "Bot", "company_id": 6_083_095, "company_name": "Acme", "company_domain": "acme",
            "access": [{ "app": "sales" }] });
        let company = company(move |sent| (sent.path() == "/v1/users/me").then(|| data(&me)));
        let me = company.crm.whoami().await.unwrap();
        assert_eq!((me.user_id, me.company_id, me.company_domain.as_deref()), (9, 6_083_095, Some("acme")));
        assert_eq!(company.crm.spent().tokens, 2);
    }

    #[tokio::test]
    async fn fields_are_found_by_name_kind_and_type_over_all_pages() {
        let company = company(|sent| {
            let page = |fields: Value, next: Option<&str>| {
                Some(ok(
                    json!({ "success": true, "data": fields, "additional_data": { "next_cursor": next } }),
                ))
            };
            let names = ["ERP customer id", "ERP account numbers", "ERP tax id"];
            let mut other_type = field("ERP status");
            other_type["field_type"] = json!("text");
            let mut built_in = field("ERP phone");
            built_in["is_custom_field"] = json!(false);
            match (sent.method.as_str(), sent.path(), sent.raw("cursor")) {
                ("GET", FIELDS, None) => {
                    page(json!([other_type, built_in, null, { "field_name": 1 }]), Some("2"))
                }
                ("GET", FIELDS, Some("2")) => page(names.map(field).into_iter().collect(), None),
                _ => None,
            }
        });
        company.crm.prepare().await.unwrap();
        let created: Vec<Value> =
            company.log.all().iter().filter(|s| s.method == "POST").map(Sent::json).collect();
        assert_eq!(
            created,
            [
                json!({ "field_name": "ERP phone", "field_type": "varchar" }),
                json!({ "field_name": "ERP status", "field_type": "varchar" }),
            ]
        );
    }

    #[tokio::test]
    async fn preparing_twice_creates_nothing_twice() {
        let company = company(|_| None);
        let (one, two) = (company.crm.prepare(), company.crm.prepare());
        let (one, two) = (one.await, two.await);
        one.and(two).unwrap();
        assert_eq!(company.fields.lock().unwrap().len(), 5);
        assert_eq!(company.crm.spent().tokens, 2 * 10 + 5 * 5);
    }

    #[tokio::test]
    async fn a_lost_creation_of_a_field_is_looked_for_before_it_is_repeated() {
        // The third request (the second creation) takes effect, but its answer is lost.
        let count = std::sync::Mutex::new(0);
        let lose = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let late = std::sync::Arc::clone(&lose);
        let company = company(move |sent| {
            *count.lock().unwrap() += 1;
            (*count.lock().unwrap() == 3).then(|| {
                late.lock().unwrap().push(field(sent.json()["field_name"].as_str().unwrap()));
                lost()
            })
        });
        assert!(company.crm.prepare().await.is_err());
        let posts = |log: &Log| log.all().iter().filter(|sent| sent.method == "POST").count();
        assert_eq!(posts(&company.log), 2);
        let error = company.crm.prepare().await.unwrap_err();
        let after = Some(jiff::SignedDuration::from_secs(40));
        assert_eq!(
            (error.kind, posts(&company.log)),
            (ErrorKind::Transient { after }, 2),
            "it may still appear"
        );
        company.fields.lock().unwrap().append(&mut lose.lock().unwrap());
        company.crm.prepare().await.unwrap();
        assert_eq!((company.fields.lock().unwrap().len(), posts(&company.log)), (5, 5));
    }

    #[tokio::test]
    async fn nothing_is_read_before_the_fields_are_known() {
        let company = company(|_| None);
        let error = company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        assert_eq!((error.kind, company.log.all().len()), (ErrorKind::UnknownField, 0));
    }

    /// A plan must work before anything was created: what does not exist has no value, and nothing may be written.
    #[tokio::test]
    async fn a_survey_creates_nothing_and_reads_what_is_there() {
        let company = company(|sent| {
            let bare = json!({ "id": 1, "name": "Acme Oy", "update_time": "2026-01-02T03:04:05Z" });
            (sent.path() == ORGS).then(|| data(&json!([bare])))
        });
        let missing = company.crm.survey().await.unwrap();
        assert_eq!((missing.fields.len(), missing.tokens), (5, 5 * 5));
        assert_eq!(company.crm.spent().tokens, 10);
        let page = company.crm.orgs_walk(None, Class::Audit).await.unwrap();
        assert_eq!(company.log.last().raw("custom_fields"), None, "an empty list of codes is no list");
        let [Seen::Record(org)] = page.rows.as_slice() else { panic!("{page:?}") };
        assert_eq!(org.values.keys().collect::<Vec<_>>(), [&Field::Name]);

        let sent = company.log.all().len();
        let permits = company.crm.permits(Class::Edit, 5, 2).await.unwrap();
        for permit in permits {
            let error = company.crm.create_org(permit, &values("Acme")).await.unwrap_err();
            assert_eq!((error.kind, error.effect), (ErrorKind::UnknownField, Effect::None));
        }
        assert_eq!(
            company.log.all().len(),
            sent,
            "a value for a field that is not there would be left out silently"
        );

        // One of them exists: it is read, the others are missing.
        company.fields.lock().unwrap().push(field("ERP customer id"));
        let missing = company.crm.survey().await.unwrap();
        assert!(!missing.fields.contains(&Field::ErpCustomerId));
        assert_eq!(missing.fields.len(), 4);
        company.crm.orgs_walk(None, Class::Audit).await.unwrap();
        assert_eq!(company.log.last().raw("custom_fields"), Some(code("ERP customer id").as_str()));
        company.crm.prepare().await.unwrap();
        assert_eq!(company.crm.survey().await.unwrap(), Missing::default());
    }
}
