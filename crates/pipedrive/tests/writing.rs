//! Facts of `pipedrive.md` about writing, limits and refusals, each with the test that fails when the client
//! forgets it.
#[cfg(test)]
mod company;
#[cfg(test)]
#[path = "../../saas-http/tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use pipedrive::{PipedriveAuth, PipedriveConfig};
    use serde_json::json;
    use sync_core::{
        budget::Class,
        error::{CallError, Effect, ErrorKind},
        fields::Field,
        ids::OrgId,
        model::Seen,
        ports::{Crm, Permit},
        value::{PostalAddress, Value},
    };

    use super::{company::*, support::*};

    async fn permit(company: &Company) -> Permit {
        company.crm.permits(Class::Edit, 5, 1).await.unwrap().pop().unwrap()
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// What a create and a read make of the same answer.
    async fn both(answer: impl Fn() -> Outcome + Send + Sync + 'static) -> (CallError, CallError, Company) {
        let company = company(move |sent| (sent.path() == ORGS).then(&answer));
        company.crm.prepare().await.unwrap();
        let read = company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        if let ErrorKind::Transient { after: Some(after) } = read.kind {
            company.clock.advance(after);
        }
        let permit = permit(&company).await;
        let create = company.crm.create_org(permit, &values("A")).await.unwrap_err();
        (read, create, company)
    }

    #[tokio::test]
    async fn a_create_carries_the_origin_key_owner_and_visibility_and_answers_with_the_organization() {
        let company =
            company(|sent| (sent.method == "POST" && sent.path() == ORGS).then(|| data(&org(5, Some("77")))));
        company.crm.prepare().await.unwrap();
        let mut wanted = values("Acme Oy");
        wanted.insert(Field::ErpCustomerId, text("77"));
        let address = PostalAddress {
            line: "Main St 1, Oulu".into(),
            locality: Some("Oulu".into()),
            ..Default::default()
        };
        wanted.insert(Field::Address, Value::Address(address));
        let permit = permit(&company).await;
        let created = company.crm.create_org(permit, &wanted).await.unwrap();
        assert_eq!(created.id, OrgId(5));
        assert_eq!(
            company.log.last().json(),
            json!({
                "name": "Acme Oy", "owner_id": 11, "visible_to": 3,
                "address": { "value": "Main St 1, Oulu", "locality": "Oulu", "admin_area_level_1": null,
                             "postal_code": null, "country": null },
                "custom_fields": { code("ERP customer id"): "77" }
            })
        );
    }

    /// Labels 7 and 9 exist; the organization has what `label_ids` says.
    fn labelled(labels: &[&str], label_ids: serde_json::Value) -> Company {
        let config = PipedriveConfig { labels: labels.iter().map(ToString::to_string).collect(), ..config() };
        let company = company_with(config, move |sent| {
            let organization = || {
                let mut organization = org(5, None);
                organization["label_ids"] = label_ids.clone();
                organization
            };
            match (sent.method.as_str(), sent.path()) {
                ("GET", ORGS) => Some(data(&json!([organization()]))),
                ("PATCH", "/api/v2/organizations/5") => Some(data(&organization())),
                _ => None,
            }
        });
        let options = json!([{ "id": 7, "label": "Customer" }, { "id": 9, "label": "ERP  inactive" }]);
        let field = json!({ "field_name": "Labels", "field_code": "label_ids", "field_type": "set",
                            "is_custom_field": false, "options": options });
        company.fields.lock().unwrap().push(field);
        company
    }

    async fn read(company: &Company) -> Result<Option<String>, String> {
        match company.crm.orgs_walk(None, Class::Audit).await.unwrap().rows.remove(0) {
            Seen::Record(org) => Ok(org.values.get(&Field::Labels).map(|labels| labels.text().to_owned())),
            Seen::Malformed(bad) => Err(bad.reason),
        }
    }

    #[tokio::test]
    async fn labels_are_names_for_us_and_ids_there_and_unknown_ones_stay() {
        let company = labelled(&["ERP inactive"], json!([7, 31]));
        company.crm.prepare().await.unwrap();
        assert_eq!(read(&company).await, Ok(Some("Customer, label 31".to_owned())));
        for (names, ids) in [
            (vec!["Customer", "label 31", "erp inactive"], json!([7, 31, 9])),
            (vec!["Customer"], json!([7])),
            (vec![], json!([])),
        ] {
            let labels = Value::labels(names.iter().map(ToString::to_string).collect());
            let permit = permit(&company).await;
            company.crm.update_org(permit, OrgId(5), &[(Field::Labels, labels)]).await.unwrap();
            assert_eq!(company.log.last().json(), json!({ "label_ids": ids }));
        }
    }

    #[tokio::test]
    async fn labels_that_are_missing_or_unreadable_are_said_and_unwanted_ones_not_read() {
        let company = labelled(&["ERP merged"], json!([]));
        let error = company.crm.prepare().await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Rejected, Effect::None));
        assert!(error.message.contains("there is no label \"ERP merged\": create it"), "{}", error.message);
        assert!(company.crm.survey().await.is_err());
        let company = labelled(&["label 9"], json!([]));
        assert!(
            company.crm.prepare().await.is_err(),
            "a name that looks like an unknown one is no label, either"
        );

        for (said, wanted) in [
            (json!(null), Ok(None)),
            (json!([]), Ok(None)),
            (json!("7"), Err("label_ids is not a list of labels: \"7\"".to_owned())),
        ] {
            let company = labelled(&["ERP inactive"], said);
            company.crm.prepare().await.unwrap();
            assert_eq!(read(&company).await, wanted);
        }
        let company = labelled(&[], json!("7"));
        company.crm.prepare().await.unwrap();
        assert_eq!(read(&company).await, Ok(None));
    }

    /// A label that was removed since: its id is not sent for ever.
    #[tokio::test]
    async fn labels_are_learned_again_after_a_refusal() {
        let labels = vec!["ERP inactive".to_owned()];
        let company = company_with(PipedriveConfig { labels, ..config() }, |sent| {
            (sent.method == "PATCH")
                .then(|| reply(400, &[], r#"{"success":false,"error":"label_ids: unknown"}"#))
        });
        let field = json!({ "field_name": "Labels", "field_code": "label_ids", "is_custom_field": false,
                            "options": [{ "id": 9, "label": "ERP inactive" }] });
        company.fields.lock().unwrap().push(field);
        company.crm.prepare().await.unwrap();
        let change = [(Field::Labels, Value::labels(vec!["ERP inactive".to_owned()]))];
        let sent = company.crm.update_org(permit(&company).await, OrgId(5), &change).await.unwrap_err();
        assert_eq!(sent.kind, ErrorKind::Rejected);
        let sent = company.crm.update_org(permit(&company).await, OrgId(5), &change).await.unwrap_err();
        assert_eq!(sent.kind, ErrorKind::UnknownField, "what it means is asked first");
    }

    #[tokio::test]
    async fn an_update_sends_only_what_changes_null_clears_and_a_name_is_never_cleared() {
        let company = company(|sent| (sent.path() == "/api/v2/organizations/5").then(|| data(&org(5, None))));
        company.crm.prepare().await.unwrap();
        let changes = [
            (Field::Website, None),
            (Field::Name, None),
            (Field::Phone, Some(text("+358"))),
            (Field::TaxId, None),
        ];
        let one = permit(&company).await;
        company.crm.update_org(one, OrgId(5), &changes).await.unwrap();
        let sent = company.log.last();
        assert_eq!(sent.method, "PATCH");
        assert_eq!(
            sent.json(),
            json!({ "website": null, "custom_fields": { code("ERP phone"): "+358", code("ERP tax id"): null } })
        );
        let before = company.log.all().len();
        let another = permit(&company).await;
        assert!(company.crm.update_org(another, OrgId(5), &[(Field::Name, None)]).await.is_err());
        assert_eq!(company.log.all().len(), before, "never a PATCH without content");
    }

    #[tokio::test]
    async fn lost_writes_are_in_doubt_refused_connections_are_not() {
        let (read, create, _) = both(lost).await;
        assert_eq!((read.effect, create.effect), (Effect::None, Effect::InDoubt));
        let (_, create, _) = both(not_sent).await;
        assert_eq!(create.effect, Effect::None);
        for status in [500, 502, 524] {
            let (read, create, _) = both(move || reply(status, &[], "<html>")).await;
            assert_eq!((read.effect, create.effect), (Effect::None, Effect::InDoubt));
        }
    }

    #[tokio::test]
    async fn a_success_that_says_nothing_leaves_a_write_in_doubt() {
        for body in [
            r#"{"success":false}"#,
            r#"{"success":true,"data":null}"#,
            "",
            "<html>",
            r#"{"success":true,"da"#,
        ] {
            let (_, create, _) = both(move || reply(200, &[("x-correlation-id", "c-1")], body)).await;
            assert_eq!((create.kind, create.effect), (ErrorKind::Unreadable, Effect::InDoubt), "{body}");
            assert_eq!(create.correlation.as_deref(), Some("c-1"));
        }
    }

    #[tokio::test]
    async fn a_daily_429_parks_until_retry_after_and_the_ledger_hears_it() {
        let body = r#"{"success":false,"error":"daily request budget exceeded","errorCode":429}"#;
        let (read, create, company) = both(move || reply(429, &[("retry-after", "3939")], body)).await;
        let until = at("2026-11-24T13:05:39Z");
        assert_eq!(read.kind, ErrorKind::Exhausted { until });
        assert_eq!((create.kind, create.effect), (ErrorKind::Exhausted { until }, Effect::None));
        let heard = company.ledger.heard.lock().unwrap().join("\n");
        assert!(heard.contains("exhausted until 2026-11-24T13:05:39Z"), "{heard}");
    }

    #[tokio::test]
    async fn a_daily_429_without_words_is_known_by_its_headers() {
        let headers: &[(&str, &str)] = &[("x-daily-ratelimit-token-remaining", "0")];
        let (read, _, _) = both(move || reply(429, headers, "{}")).await;
        assert_eq!(
            read.kind,
            ErrorKind::Exhausted { until: at("2026-11-25T00:00:00Z") },
            "midnight, for want of better"
        );
        let (read, _, _) = both(|| reply(429, &[("retry-after", "7200")], "")).await;
        assert_eq!(read.kind, ErrorKind::Exhausted { until: at("2026-11-24T14:00:00Z") });
    }

    #[tokio::test]
    async fn a_burst_429_waits_for_the_window() {
        let body = r#"{"success":false,"error":"request over limit","errorCode":429}"#;
        let headers: &[(&str, &str)] = &[("x-ratelimit-reset", "1"), ("x-ratelimit-remaining", "0")];
        let (read, create, company) = both(move || reply(429, headers, body)).await;
        assert_eq!(read.kind, ErrorKind::Transient { after: Some(SignedDuration::from_secs(1)) });
        assert_eq!(create.effect, Effect::None);
        assert!(!company.ledger.heard.lock().unwrap().iter().any(|line| line.starts_with("exhausted")));
        let (read, _, _) = both(|| reply(429, &[], "")).await;
        assert_eq!(read.kind, ErrorKind::Transient { after: Some(SignedDuration::from_secs(2)) });
    }

    #[tokio::test]
    async fn an_html_403_is_a_block_a_json_403_a_missing_right() {
        let page = "<html>This error is produced by Cloudflare";
        let (read, create, _) = both(move || reply(403, &[("content-type", "text/html")], page)).await;
        assert_eq!(read.kind, ErrorKind::Transient { after: Some(SignedDuration::from_mins(10)) });
        assert_eq!(create.effect, Effect::None);
        let capped =
            r#"{"success":false,"error":"Custom field limit reached.","code":"feature_capping_deals_limit"}"#;
        let (read, _, _) = both(move || reply(403, &[], capped)).await;
        assert_eq!(read.kind, ErrorKind::Forbidden);
        assert_eq!(read.message, "403: Custom field limit reached. [feature_capping_deals_limit]");
    }

    #[tokio::test]
    async fn an_unknown_key_is_not_the_records_fault() {
        let body = r#"{"success":false,"error":"Validation failed: custom_fields: Unknown key 'abc'","code":"ERR_SCHEMA_VALIDATION_FAILED"}"#;
        let (_, create, _) = both(move || reply(400, &[], body)).await;
        assert_eq!((create.kind, create.effect), (ErrorKind::UnknownField, Effect::None));
        let body = r#"{"success":false,"error":"Validation failed: name: too long","code":"ERR_SCHEMA_VALIDATION_FAILED"}"#;
        let (_, create, _) = both(move || reply(400, &[], body)).await;
        assert_eq!(create.kind, ErrorKind::Rejected);
        assert!(create.message.contains("too long"));
    }

    #[tokio::test]
    async fn a_wrong_token_and_a_missing_record_are_told_apart() {
        let (read, _, company) =
            both(|| reply(401, &[("x-401-by-gw", "true")], r#"{"error":"unauthorized access"}"#)).await;
        assert_eq!(read.kind, ErrorKind::Unauthorized);
        assert_eq!(
            company.log.lines().iter().filter(|line| line.ends_with(ORGS)).count(),
            2,
            "no second try"
        );
        let (read, _, _) = both(|| reply(404, &[], r#"{"success":false,"error":"not found"}"#)).await;
        assert_eq!(read.kind, ErrorKind::Missing);
    }

    #[tokio::test]
    async fn daily_headers_reach_the_ledger_whatever_the_status() {
        let (_, _, company) =
            both(|| reply(503, &[("x-daily-ratelimit-token-remaining", "1068620")], "")).await;
        let heard = company.ledger.heard.lock().unwrap().clone();
        assert_eq!(heard.iter().filter(|line| *line == "left 1068620").count(), 2);
    }

    #[tokio::test]
    async fn permits_are_paid_once_and_bounded_by_a_second() {
        let company = company(|sent| (sent.path() == ORGS).then(|| data(&org(5, None))));
        company.crm.prepare().await.unwrap();
        company.clock.advance(SignedDuration::from_secs(2));
        company.ledger.heard.lock().unwrap().clear();
        let mut permits = company.crm.permits(Class::Backfill, 5, 500).await.unwrap();
        assert_eq!(permits.len(), 10, "Lite: 20 in two seconds");
        company.crm.create_org(permits.pop().unwrap(), &values("A")).await.unwrap();
        assert_eq!(
            *company.ledger.heard.lock().unwrap(),
            ["reserve Backfill 10 x 5"],
            "a permit is not paid again"
        );
    }

    #[tokio::test]
    async fn after_a_burst_429_nothing_leaves_before_the_window_opens() {
        let refused = std::sync::atomic::AtomicBool::new(true);
        let company = company(move |sent| {
            let first = sent.path() == ORGS && refused.swap(false, std::sync::atomic::Ordering::SeqCst);
            let wait = [("x-ratelimit-reset", "2"), ("content-type", "application/json")];
            (sent.path() == ORGS).then(|| if first { reply(429, &wait, "{}") } else { data(&json!([])) })
        });
        company.crm.prepare().await.unwrap();
        company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        let refused_at = sync_core::ports::Clock::now(&company.clock);
        company.crm.orgs_walk(None, Class::Urgent).await.unwrap();
        let waited = sync_core::ports::Clock::now(&company.clock).duration_since(refused_at);
        assert!(waited >= SignedDuration::from_secs(2), "{waited}");
    }

    #[tokio::test]
    async fn while_a_gateway_blocks_us_nothing_is_sent_at_all() {
        let html = [("content-type", "text/html")];
        let company = company(move |sent| (sent.path() == ORGS).then(|| reply(403, &html, "<html>")));
        company.crm.prepare().await.unwrap();
        company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        let before = company.log.all().len();
        let paid = company.crm.permits(Class::Urgent, 5, 1).await.unwrap_err();
        let read = company.crm.orgs_by_id(&[OrgId(1)], Class::Urgent).await.unwrap_err();
        let after = Some(SignedDuration::from_mins(10));
        assert_eq!(
            (&paid.kind, &read.kind),
            (&ErrorKind::Transient { after }, &ErrorKind::Transient { after })
        );
        assert_eq!(company.log.all().len(), before);
        company.clock.advance(SignedDuration::from_mins(10));
        company.crm.permits(Class::Urgent, 5, 1).await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_never_left_costs_nothing() {
        let company = company(|sent| (sent.path() == ORGS).then(not_sent));
        company.crm.prepare().await.unwrap();
        let before = *company.ledger.left.lock().unwrap();
        let permit = permit(&company).await;
        company.crm.create_org(permit, &values("Acme")).await.unwrap_err();
        company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        assert_eq!(*company.ledger.left.lock().unwrap(), before);
    }

    #[tokio::test]
    async fn without_tokens_there_is_no_permit_and_nothing_is_sent() {
        let company = company(|_| None);
        company.crm.prepare().await.unwrap();
        *company.ledger.left.lock().unwrap() = 4;
        let before = company.log.all().len();
        let until = at("2026-11-25T00:00:00Z");
        let error = company.crm.permits(Class::Edit, 5, 3).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (ErrorKind::Exhausted { until }, Effect::None));
        let error = company.crm.orgs_walk(None, Class::Audit).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Exhausted { until });
        assert_eq!(company.log.all().len(), before);
    }

    #[tokio::test]
    async fn oauth_sends_a_bearer_token_and_has_the_wider_window() {
        let mut config = config();
        config.auth = PipedriveAuth::OAuth {
            client_id: "app".to_owned(),
            client_secret: "app-secret".into(),
            token_url: "https://oauth.pipedrive.com/oauth/token".to_owned(),
            refresh_token: Some("seed-token".into()),
            remedy: "run connect".to_owned(),
        };
        assert_eq!(config.burst(), 80);
        let shown = format!("{config:?}");
        assert!(!shown.contains("app-secret") && !shown.contains("seed-token"), "{shown}");
        assert!(!format!("{:?}", super::company::config()).contains("hunter2"));
        let company = company_with(config, |sent| {
            (sent.path() == "/oauth/token").then(|| {
                ok(r#"{"access_token":"v1u:AQ","refresh_token":"123:abc","expires_in":3599,"api_domain":"https://x"}"#)
            })
        });
        company.crm.prepare().await.unwrap();
        assert_eq!(company.log.last().header("authorization"), Some("Bearer v1u:AQ"));
        assert_eq!(company.crm.permits(Class::Edit, 5, 500).await.unwrap().len(), 40);
    }
}
