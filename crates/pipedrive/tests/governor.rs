//! Where requests go and how many of them, as the remote system itself says (`pipedrive.md` 3.3, 3.4, 4.2).
#[cfg(test)]
#[expect(dead_code, reason = "every test file uses its own part")]
mod company;
#[cfg(test)]
#[path = "../../saas-http/tests/support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use pipedrive::{PipedriveAuth, PipedriveConfig};
    use serde_json::json;
    use sync_core::{budget::Class, error::ErrorKind, ids::PartyId, ports::Crm};

    use super::{company::*, support::*};

    fn oauth(base_url: &str) -> PipedriveConfig {
        let auth = PipedriveAuth::OAuth {
            client_id: "app".to_owned(),
            client_secret: "app-secret".into(),
            token_url: "https://oauth.pipedrive.com/oauth/token".to_owned(),
            refresh_token: Some("seed-token".into()),
            remedy: "run connect".to_owned(),
        };
        PipedriveConfig { base_url: base_url.to_owned(), auth, ..config() }
    }

    async fn host_used(base_url: &str, api_domain: &'static str) -> String {
        let company = company_with(oauth(base_url), move |sent| {
            let token = json!({ "access_token": "v1u:AQ", "expires_in": 3599, "api_domain": api_domain });
            (sent.path() == "/oauth/token").then(|| ok(token))
        });
        company.crm.prepare().await.unwrap();
        company.log.last().host
    }

    #[tokio::test]
    async fn api_domain_is_followed_to_the_companys_own_host() {
        let base = "https://api.pipedrive.com";
        assert_eq!(host_used(base, "https://acme.pipedrive.com").await, "acme.pipedrive.com");
    }

    #[tokio::test]
    async fn api_domain_never_takes_a_token_out_of_the_vendors_domain() {
        let base = "https://api.pipedrive.com";
        for elsewhere in
            ["https://evil.example", "http://acme.pipedrive.com", "acme", "https://evilpipedrive.com"]
        {
            assert_eq!(host_used(base, elsewhere).await, "api.pipedrive.com", "{elsewhere}");
        }
        assert_eq!(host_used("https://proxy.example", "https://acme.pipedrive.com").await, "proxy.example");
    }

    /// A company on Lite (20 a window) whose answers carry this limit.
    fn saying(limit: Option<&'static str>, burst: Option<u32>) -> Company {
        company_with(PipedriveConfig { burst, ..config() }, move |sent| {
            let limit = if sent.path().contains("itemSearch") { Some("10") } else { limit };
            let headers: Vec<(&str, &str)> =
                limit.map(|limit| ("x-ratelimit-limit", limit)).into_iter().collect();
            let items = json!({ "success": true, "data": { "items": [] } });
            let none = json!({ "success": true, "data": [] });
            match sent.path() {
                "/api/v2/itemSearch/field" => Some(reply(200, &headers, items)),
                ORGS => Some(reply(200, &headers, none)),
                _ => None,
            }
        })
    }

    async fn permits_after_a_read(company: &Company) -> usize {
        company.crm.prepare().await.unwrap();
        company.crm.orgs_walk(None, Class::Edit).await.unwrap();
        company.clock.advance(jiff::SignedDuration::from_secs(3));
        company.crm.permits(Class::Edit, 5, 500).await.unwrap().len()
    }

    #[tokio::test]
    async fn burst_headers_are_believed_and_the_plan_counts_without_them() {
        assert_eq!(permits_after_a_read(&saying(None, None)).await, 10, "half a window of Lite");
        assert_eq!(permits_after_a_read(&saying(Some("12"), None)).await, 6);
        assert_eq!(permits_after_a_read(&saying(Some("40"), None)).await, 20);
        for nonsense in ["", "0", "-1", "many"] {
            assert_eq!(permits_after_a_read(&saying(Some(nonsense), None)).await, 10, "{nonsense:?}");
        }
    }

    #[tokio::test]
    async fn an_operators_burst_is_a_ceiling_for_headers() {
        assert_eq!(permits_after_a_read(&saying(Some("40"), Some(8))).await, 4);
        assert_eq!(permits_after_a_read(&saying(Some("6"), Some(8))).await, 3);
    }

    #[tokio::test]
    async fn the_limit_of_searches_is_not_taken_for_that_of_all_calls() {
        let company = saying(Some("20"), None);
        company.crm.prepare().await.unwrap();
        let found = company.crm.orgs_by_origin(PartyId(7), Class::Edit).await;
        assert!(found.is_ok() || found.unwrap_err().kind == ErrorKind::Unreadable);
        company.clock.advance(jiff::SignedDuration::from_secs(3));
        assert_eq!(company.crm.permits(Class::Edit, 5, 500).await.unwrap().len(), 10);
    }
}
