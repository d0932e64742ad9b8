//! Facts of `oracle-fusion.md`, each with the test that fails when the client forgets it.
#[cfg(test)]
#[path = "../../saas-http/tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use jiff::SignedDuration;
    use oracle_fusion::{Fusion, FusionConfig};
    use serde_json::json;
    use sync_core::{
        error::{CallError, Effect, ErrorKind},
        model::Seen,
        poll::ErpRead,
        ports::Erp,
    };

    use super::support::*;

    fn config() -> FusionConfig {
        FusionConfig {
            base_url: "https://fa.example:443/".to_owned(),
            token_url: "https://idcs.example/oauth2/v1/token".to_owned(),
            client_id: "me".to_owned(),
            client_proof: saas_http::ClientProof::Secret("hunter2".into()),
            scope: "urn:opc:resource:consumer::all".to_owned(),
            page_size: FusionConfig::PAGE_SIZE,
            api_version: FusionConfig::API_VERSION.to_owned(),
            timeout: Duration::from_secs(60),
            concurrency: FusionConfig::CONCURRENCY,
            attributes: Default::default(),
            terms: Default::default(),
            created_by_module: FusionConfig::CREATED_BY_MODULE.to_owned(),
        }
    }

    fn fusion(answer: impl Fn(&Sent) -> Outcome + Send + Sync + 'static) -> (Fusion, Log) {
        let (transport, log) = remote(move |sent| match sent.path() {
            "/oauth2/v1/token" => ok(r#"{"access_token":"eyJ","token_type":"Bearer","expires_in":3600}"#),
            _ => answer(sent),
        });
        (Fusion::new(config(), transport, Arc::new(clock().0)).unwrap(), log)
    }

    fn party(id: i64, stamp: &str) -> serde_json::Value {
        json!({
            "PartyId": id, "PartyNumber": id.to_string(), "OrganizationName": "Acme", "Status": "A",
            "LastUpdateDate": stamp, "URL": null
        })
    }

    fn page(items: &[serde_json::Value], more: bool) -> Outcome {
        ok(
            json!({ "items": items, "count": items.len(), "hasMore": more, "limit": 25, "offset": 0, "links": [] }),
        )
    }

    async fn refused(status: u16, headers: &'static [(&str, &str)], body: &'static str) -> CallError {
        let (fusion, _) = fusion(move |_| reply(status, headers, body));
        let error = fusion.parties(ErpRead::ById { after: 0 }).await.unwrap_err();
        assert_eq!(error.effect, Effect::None, "a read leaves no doubt");
        error
    }

    #[tokio::test]
    async fn parties_are_asked_for_exactly_as_documented() {
        let (fusion, log) = fusion(|_| page(&[], false));
        let (from, to) = (at("2026-01-01T00:00:00Z"), Some(at("2026-01-02T00:00:00Z")));
        fusion.parties(ErpRead::Window { from, to }).await.unwrap();
        let sent = log.last();
        assert_eq!(sent.path(), "/crmRestApi/resources/11.13.18.05/hubOrganizations");
        assert_eq!(
            sent.raw("q"),
            Some(
                "LastUpdateDate%20%3E%3D%20%272026-01-01T00%3A00%3A00.000Z%27%20and%20\
                 LastUpdateDate%20%3C%20%272026-01-02T00%3A00%3A00.000Z%27"
            )
        );
        assert_eq!(sent.raw("orderBy"), Some("LastUpdateDate%3Aasc%2CPartyId%3Aasc"));
        assert_eq!((sent.raw("limit"), sent.raw("offset")), (Some("500"), Some("0")));
        assert_eq!(sent.raw("onlyData"), Some("true"));
        assert!(sent.raw("fields").unwrap().starts_with("PartyId%2CPartyNumber%2C"));
        assert_eq!(sent.raw("totalResults"), None, "costs a count and can fail");
        assert_eq!(sent.header("rest-framework-version"), Some("4"));
        assert_eq!(sent.header("accept"), Some("application/json"));
        assert_eq!(sent.header("authorization"), Some("Bearer eyJ"));
        assert_eq!(fusion.requests(), 2, "one of them for the token");
    }

    #[tokio::test]
    async fn the_release_may_be_latest() {
        let (transport, log) = remote(|sent| match sent.path() {
            "/oauth2/v1/token" => ok(r#"{"access_token":"eyJ","token_type":"Bearer","expires_in":3600}"#),
            _ => page(&[], false),
        });
        let config = FusionConfig { api_version: "latest".to_owned(), ..config() };
        let fusion = Fusion::new(config, transport, Arc::new(clock().0)).unwrap();
        fusion.accounts(ErpRead::ById { after: 0 }).await.unwrap();
        let path = "/fscmRestApi/resources/latest/receivablesCustomerAccountActivities";
        assert_eq!(log.last().path(), path);
    }

    fn described(attributes: &[(&str, bool)], resource: &str) -> Outcome {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(name, queryable)| json!({"name": name, "type": "string", "queryable": queryable}))
            .collect();
        ok(json!({"Resources": {resource: {"attributes": attributes, "children": {}}}}))
    }

    const PARTY: [&str; 21] = [
        "PartyId",
        "PartyNumber",
        "OrganizationName",
        "PartyUsageCode",
        "Status",
        "TaxpayerIdentificationNumber",
        "URL",
        "RawPhoneNumber",
        "DUNSNumber",
        "EmailAddress",
        "CurrencyCode",
        "Address1",
        "Address2",
        "Address3",
        "Address4",
        "City",
        "State",
        "Province",
        "PostalCode",
        "Country",
        "LastUpdateDate",
    ];

    #[tokio::test]
    async fn a_pod_is_looked_at_before_it_is_read_and_what_is_gone_is_named() {
        let pod = |without: &'static str, deaf: &'static str| {
            let (fusion, log) = fusion(move |sent| {
                let accounts = ["AccountId", "AccountNumber", "CustomerId", "LastUpdateDate"];
                let (all, resource): (&[&str], _) = if sent.path().contains("hubOrganizations") {
                    (&PARTY, "hubOrganizations")
                } else {
                    (&accounts, "receivablesCustomerAccountActivities")
                };
                let left = all.iter().filter(|name| **name != without).map(|name| (*name, *name != deaf));
                described(&left.collect::<Vec<_>>(), resource)
            });
            async move { (fusion.prepare().await, log.last().path().to_owned()) }
        };
        let (fits, last) = pod("", "URL").await;
        fits.unwrap();
        assert!(last.ends_with("/receivablesCustomerAccountActivities/describe"), "{last}");
        let (gone, _) = pod("URL", "").await;
        let gone = gone.unwrap_err();
        assert_eq!((&gone.kind, gone.effect), (&ErrorKind::Rejected, Effect::None));
        assert!(gone.message.contains("URL is gone"), "{gone}");
        let (deaf, _) = pod("", "LastUpdateDate").await;
        assert!(deaf.unwrap_err().message.contains("LastUpdateDate is no longer queryable"));
    }

    #[tokio::test]
    async fn a_pod_that_does_not_describe_itself_is_read_and_a_passing_trouble_is_told() {
        for status in [403, 404] {
            let (fusion, _) = fusion(move |_| reply(status, &[], ""));
            fusion.prepare().await.unwrap();
        }
        let (fusion, _) = fusion(|_| reply(503, &[], ""));
        assert!(matches!(fusion.prepare().await.unwrap_err().kind, ErrorKind::Transient { .. }));
    }

    #[tokio::test]
    async fn accounts_are_walked_by_id_on_the_other_root() {
        let account = json!({
            "AccountId": 300_000_001_i64, "AccountNumber": "1006", "CustomerId": "300000000000077",
            "LastUpdateDate": "2026-01-02T03:04:05+00:00", "TotalOpenReceivablesForAccount": 0.5
        });
        let (fusion, log) = fusion(move |_| page(std::slice::from_ref(&account), true));
        let page = fusion.accounts(ErpRead::ById { after: 9 }).await.unwrap();
        let Seen::Record(account) = &page.rows[0] else { panic!() };
        assert_eq!((account.party.0, account.number.as_str()), (300_000_000_000_077, "1006"));
        let sent = log.last();
        assert_eq!(sent.path(), "/fscmRestApi/resources/11.13.18.05/receivablesCustomerAccountActivities");
        assert_eq!(sent.raw("q"), Some("AccountId%20%3E%209"));
        assert_eq!(sent.raw("orderBy"), Some("AccountId%3Aasc"));
        assert_eq!(sent.raw("fields"), Some("AccountId%2CAccountNumber%2CCustomerId%2CLastUpdateDate"));
    }

    #[tokio::test]
    async fn timestamps_come_with_and_without_fraction() {
        let items = [party(1, "2026-01-02T03:04:05.678+00:00"), party(2, "2026-01-02T03:04:05+00:00")];
        let (fusion, _) = fusion(move |_| page(&items, false));
        let page = fusion.parties(ErpRead::ById { after: 0 }).await.unwrap();
        let stamps: Vec<_> = page
            .rows
            .iter()
            .map(|row| match row {
                Seen::Record(party) => party.updated_at,
                Seen::Malformed(bad) => panic!("{}", bad.reason),
            })
            .collect();
        assert_eq!(stamps, [at("2026-01-02T03:04:05.678Z"), at("2026-01-02T03:04:05Z")]);
    }

    #[tokio::test]
    async fn a_malformed_item_does_not_spoil_its_page() {
        let mut bad = party(2, "2026-01-02T03:04:05+00:00");
        bad["PartyNumber"] = json!([1]);
        let items =
            [party(1, "2026-01-02T03:04:05+00:00"), bad, json!("?"), party(3, "2026-01-02T03:04:05Z")];
        let (fusion, _) = fusion(move |_| page(&items, true));
        let page = fusion.parties(ErpRead::ById { after: 0 }).await.unwrap();
        assert_eq!(page.rows.len(), 4);
        assert!(
            matches!(&page.rows[1], Seen::Malformed(bad) if bad.id == Some(2) && bad.updated_at.is_some()
            && bad.reason.starts_with("PartyNumber"))
        );
        assert!(matches!(&page.rows[2], Seen::Malformed(_)));
        assert!(matches!(&page.rows[3], Seen::Record(_)));
        assert!(page.more, "a clamped page counts by what it says, not by its size");
    }

    #[tokio::test]
    async fn more_after_an_empty_page_is_no_more_and_the_date_header_is_the_clock() {
        let (fusion, _) = fusion(|_| page(&[], true));
        let page = fusion.parties(ErpRead::ById { after: 0 }).await.unwrap();
        assert!(!page.more);
        assert_eq!(page.server_now, at("2026-11-24T12:00:05Z"));
    }

    #[tokio::test]
    async fn without_a_date_header_our_clock_counts() {
        let (fusion, _) = fusion(|_| reply(200, &[], r#"{"items":[],"hasMore":false}"#));
        let page = fusion.parties(ErpRead::ById { after: 0 }).await.unwrap();
        assert_eq!(page.server_now, at("2026-11-24T12:00:00Z"));
    }

    #[tokio::test]
    async fn a_page_without_has_more_does_not_end_a_walk() {
        for body in
            [r#"{"items":[]}"#, r#"{"items":null,"hasMore":false}"#, r#"{"items":[{"#, "<html>sign in"]
        {
            let error = refused(200, &[], body).await;
            assert_eq!(error.kind, ErrorKind::Unreadable, "{body}");
        }
    }

    #[tokio::test]
    async fn structured_errors_are_read_wherever_the_code_stands_and_the_ecid_is_kept() {
        let ecid: &[(&str, &str)] = &[("x-oracle-dms-ecid", "006DP4Jb3")];
        let body = r#"{"title":"Bad Request","status":"400","o:errorDetails":[{"detail":"Attribute X is not queryable","o:errorCode":"29140","o:errorPath":"/q"}]}"#;
        let error = refused(400, ecid, body).await;
        assert_eq!(error.kind, ErrorKind::Rejected);
        assert_eq!(error.message, "400: Attribute X is not queryable (29140 at /q)");
        assert_eq!(error.correlation.as_deref(), Some("006DP4Jb3"));
        let error =
            refused(400, &[], r#"{"title":"Bad Request","status":"400","o:errorCode":"27014"}"#).await;
        assert_eq!(error.message, "400: Bad Request (27014)");
        let error = refused(400, &[], "The value isn't valid. (EGP-2776154)").await;
        assert_eq!(error.message, "400: The value isn't valid. (EGP-2776154)");
    }

    #[tokio::test]
    async fn refusals_tell_passing_troubles_from_lasting_ones() {
        assert_eq!(
            refused(400, &[], "").await.kind,
            ErrorKind::Transient { after: None },
            "a blank 400 passes"
        );
        assert_eq!(refused(403, &[], r#"{"title":"Forbidden"}"#).await.kind, ErrorKind::Forbidden);
        assert_eq!(refused(404, &[], r#"{"title":"Not Found"}"#).await.kind, ErrorKind::Missing);
        assert_eq!(refused(503, &[], "<html>maintenance").await.kind, ErrorKind::Transient { after: None });
        let after = Some(SignedDuration::from_secs(17));
        assert_eq!(refused(429, &[("retry-after", "17")], "").await.kind, ErrorKind::Transient { after });
        assert_eq!(
            refused(401, &[], "").await.kind,
            ErrorKind::Unauthorized,
            "no Fusion user for a good token"
        );
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_within_the_call() {
        let first = std::sync::Mutex::new(true);
        let (fusion, log) = fusion(move |_| {
            if std::mem::take(&mut *first.lock().unwrap()) { reply(401, &[], "") } else { page(&[], false) }
        });
        fusion.parties(ErpRead::ById { after: 0 }).await.unwrap();
        assert_eq!(log.all().len(), 4);
    }

    #[test]
    fn addresses_with_credentials_are_refused_and_the_secret_stays_out_of_debug() {
        let mut bad = config();
        bad.base_url = "https://user:pass@fa.example".to_owned();
        let (transport, _) = remote(|_| ok(""));
        let error = Fusion::new(bad, transport, Arc::new(clock().0)).err().unwrap();
        assert_eq!(error.to_string(), "base_url must not contain credentials");
        assert!(!format!("{:?}", config()).contains("hunter2"));
    }
}
