//! createCustomerAccount: what it needs, what it answers, what a resend does (sections 1.4, 1.5).

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::json;

use crate::http::{ACCOUNTS, PARTIES};
use crate::soap::{BY, Desk, address_of, fault, reference, value, values};

const REQUIRED: &str = "JBO-27024: Failed to validate a row";

#[tokio::test]
async fn an_account_is_made_with_its_references_sites_and_uses() {
    let desk = Desk::new().await;
    let made = value(&desk.create(&desk.full("org:1")).await);
    let account = made.id("CustomerAccountId");
    assert_eq!(desk.pod.sim.account_ids(desk.party), [account]);
    assert!(account > 300_000_000_000_000);
    let site = made.one("CustomerAccountSite");
    assert_eq!((site.id("PartySiteId"), site.id("CustomerAccountId")), (desk.party_site, account));
    let site_use = site.one("CustomerAccountSiteUse");
    let sim = &desk.pod.sim;
    let sites = sim.account_sites(account);
    assert_eq!((sites.len(), &sites[0]["SetId"]), (1, &json!(300_000_001_127_004_i64)));
    let uses = sim.site_uses(account);
    assert_eq!((uses.len(), &uses[0]["SiteUseCode"]), (1, &json!("BILL_TO")));
    assert_eq!(uses[0]["SiteUseId"], json!(site_use.id("SiteUseId")));
    let references = sim.account_references(account);
    let owners: Vec<_> =
        references.iter().map(|row| (&row["OwnerTableName"], &row["OwnerTableId"])).collect();
    let (first, second) = (json!("HZ_CUST_ACCOUNTS"), json!("HZ_CUST_SITE_USES_ALL"));
    assert_eq!(owners, [(&first, &json!(account)), (&second, &uses[0]["SiteUseId"])]);
}

#[tokio::test]
async fn the_answer_is_the_whole_row_as_text_with_nil_for_null() {
    let desk = Desk::new().await;
    let made = value(&desk.create(&desk.full("org:1")).await);
    let names: Vec<&str> = made.children.iter().map(|child| child.name.as_str()).collect();
    for name in ["PartyId", "AccountNumber", "Status", "CustomerClassCode", "CreationDate", "LastUpdatedBy"] {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!((made.text("AccountName"), made.one("AccountName").nil), ("Acme & Co", false));
    assert_eq!((made.text("Status"), made.text("LastUpdatedBy")), ("A", "ml.connector"));
    assert!(made.one("CustomerClassCode").nil && made.one("CustomerClassCode").text.is_empty());
    assert!(made.one("CustomerAccountSite").one("CustomerCategoryCode").nil);
}

#[tokio::test]
async fn several_rows_are_repeated_elements_and_one_row_is_one_element() {
    let desk = Desk::new().await;
    let other = address_of(&desk.pod, desk.party);
    let site = |id: i64| {
        format!(
            "<cus:CustomerAccountSite><cus:PartySiteId>{id}</cus:PartySiteId><cus:SetId>300000001127004</cus:SetId>{BY}</cus:CustomerAccountSite>"
        )
    };
    let one = value(&desk.create(&(desk.least() + &site(other))).await);
    assert_eq!(one.all("CustomerAccountSite").count(), 1);
    let two = value(&desk.create(&(desk.least() + &site(other) + &site(desk.party_site))).await);
    assert_eq!(two.all("CustomerAccountSite").count(), 2);
}

#[tokio::test]
async fn created_by_module_is_required_at_every_level_and_never_named() {
    let desk = Desk::new().await;
    let full = desk.full("org:1");
    let modules = [
        "<cus:CreatedByModule>HZ_WS</cus:CreatedByModule>",
        "<par:CreatedByModule>HZ_WS</par:CreatedByModule>",
    ];
    let mut places = 0;
    for module in modules {
        for (at, _) in full.match_indices(module) {
            let content = format!("{}{}", &full[..at], &full[at + module.len()..]);
            let refused = fault(&desk.create(&content).await);
            assert_eq!((refused.text.as_str(), refused.code.as_str()), (REQUIRED, "27024"));
            assert_eq!(refused.message, format!("<MESSAGE><TEXT>{REQUIRED}</TEXT></MESSAGE>"));
            assert!(refused.attributes.is_empty());
            places += 1;
        }
    }
    assert_eq!((places, desk.count()), (5, 0));
    let blank = full.replacen(">HZ_WS<", "><", 1);
    assert_eq!(fault(&desk.create(&blank).await).text, REQUIRED);
}

#[tokio::test]
async fn the_party_has_to_exist_and_to_be_active() {
    let desk = Desk::new().await;
    let refused = fault(&desk.create(BY).await);
    assert_eq!((refused.code.as_str(), refused.attributes), ("27014", vec!["PartyId".to_owned()]));
    let other = format!("<cus:PartyId>{}</cus:PartyId>{BY}", desk.party + 1000);
    assert_eq!(fault(&desk.create(&other).await).attributes, ["PartyId"]);
    desk.pod.sim.edit_party(desk.party, &Edit::set(json!({"Status": "I"}))).unwrap();
    assert_eq!(fault(&desk.create(&desk.least()).await).attributes, ["PartyId"]);
    assert_eq!(desk.count(), 0);
}

#[tokio::test]
async fn a_site_needs_an_address_of_the_party_and_a_known_set() {
    let desk = Desk::new().await;
    let stranger = desk.pod.sim.add_party(Edit::default()).unwrap();
    let foreign = address_of(&desk.pod, stranger);
    let full = desk.full("org:1");
    let site = format!("<cus:PartySiteId>{}</cus:PartySiteId>", desk.party_site);
    let set = "<cus:SetId>300000001127004</cus:SetId>";
    let cases = [
        (site.as_str(), format!("<cus:PartySiteId>{foreign}</cus:PartySiteId>"), "PartySiteId", "27023"),
        (&site, "<cus:PartySiteId>5</cus:PartySiteId>".to_owned(), "PartySiteId", "27023"),
        (&site, String::new(), "PartySiteId", "27014"),
        (set, String::new(), "SetId", "27014"),
        (set, "<cus:SetId>202</cus:SetId>".to_owned(), "SetId", "27023"),
        ("BILL_TO", "BILLTO".to_owned(), "SiteUseCode", "27023"),
        ("<cus:SiteUseCode>BILL_TO</cus:SiteUseCode>", String::new(), "SiteUseCode", "27014"),
    ];
    for (from, to, attribute, code) in cases {
        let refused = fault(&desk.create(&full.replace(from, &to)).await);
        assert_eq!((refused.code.as_str(), refused.attributes), (code, vec![attribute.to_owned()]), "{to}");
    }
    assert_eq!(desk.count(), 0);
}

#[tokio::test]
async fn values_have_to_fit_their_types_and_lengths() {
    let desk = Desk::new().await;
    let cases = [
        ("AccountNumber", "x".repeat(31)),
        ("AccountName", "x".repeat(241)),
        ("CustomerType", "External".to_owned()),
        ("Status", "X".to_owned()),
        ("AccountEstablishedDate", "2026-1-1".to_owned()),
        ("CustomerAccountId", "abc".to_owned()),
    ];
    for (name, text) in cases {
        let content = format!("{}<cus:{name}>{text}</cus:{name}>", desk.least());
        assert_eq!(fault(&desk.create(&content).await).attributes, [name]);
    }
    let twice = desk.least() + &desk.least();
    assert!(fault(&desk.create(&twice).await).text.contains("repeated"));
    let long = desk.least() + &reference(&"x".repeat(256), "HZ_CUST_ACCOUNTS");
    assert_eq!(fault(&desk.create(&long).await).attributes, ["OrigSystemReference"]);
}

#[tokio::test]
async fn a_source_system_has_to_be_registered() {
    let desk = Desk::new().await;
    let refused = fault(&desk.create(&desk.full("org:1").replace("PIPEDRIVE", "OTHER")).await);
    assert!(refused.text.contains("HZ-120559"), "{refused:?}");
    assert_eq!(desk.count(), 0);
    let source_systems = vec!["OTHER".to_owned()];
    let desk = Desk::with(FusionSettings { source_systems, ..FusionSettings::default() }).await;
    value(&desk.create(&desk.full("org:1").replace("PIPEDRIVE", "OTHER")).await);
}

#[tokio::test]
async fn a_reference_names_the_table_of_the_row_it_is_on() {
    let desk = Desk::new().await;
    for (right, wrong) in [("HZ_CUST_ACCOUNTS", "HZ_PARTIES"), ("HZ_CUST_SITE_USES_ALL", "HZ_CUST_ACCOUNTS")]
    {
        let refused = fault(&desk.create(&desk.full("org:1").replace(right, wrong)).await);
        assert_eq!(refused.attributes, ["OwnerTableName"]);
    }
}

#[tokio::test]
async fn an_account_number_is_generated_when_blank_and_unique_when_given() {
    let desk = Desk::new().await;
    let blank = value(&desk.create(&(desk.least() + "<cus:AccountNumber/>")).await);
    assert!(blank.text("AccountNumber").parse::<u64>().is_ok());
    let given = desk.least() + "<cus:AccountNumber>ACME-1</cus:AccountNumber>";
    let made = value(&desk.create(&given).await);
    assert_eq!(made.text("AccountNumber"), "ACME-1");
    let number = desk.pod.sim.account_number(made.id("CustomerAccountId"));
    assert_eq!(number.as_deref(), Some("ACME-1"));
    let text = "A record with the value ACME-1 already exists. Enter a unique value.";
    assert_eq!(fault(&desk.create(&given).await).text, text);
}

#[tokio::test]
async fn a_duplicate_reference_is_refused_unless_switched_off() {
    let text = "A record with the value org:1 already exists. Enter a unique value.";
    let desk = Desk::new().await;
    value(&desk.create(&desk.full("org:1")).await);
    let before = desk.truth();
    assert_eq!(fault(&desk.create(&desk.full("org:1")).await).text, text);
    assert_eq!((desk.count(), desk.truth()), (1, before));
    let settings = FusionSettings { refuse_duplicate_references: false, ..FusionSettings::default() };
    let desk = Desk::with(settings).await;
    for _ in 0..2 {
        value(&desk.create(&desk.full("org:1")).await);
    }
    assert_eq!(values(&desk.by_reference("PIPEDRIVE", "org:1").await).len(), 2);
}

#[tokio::test]
async fn one_row_carries_several_references_of_a_system_only_by_a_switch() {
    let content = |desk: &Desk| {
        desk.least() + &reference("a", "HZ_CUST_ACCOUNTS") + &reference("b", "HZ_CUST_ACCOUNTS")
    };
    let desk = Desk::new().await;
    assert!(fault(&desk.create(&content(&desk)).await).text.contains("already exists"));
    let desk = Desk::with(FusionSettings { several_references: true, ..FusionSettings::default() }).await;
    value(&desk.create(&content(&desk)).await);
    let twice = desk.least() + &reference("c", "HZ_CUST_ACCOUNTS") + &reference("c", "HZ_CUST_ACCOUNTS");
    assert!(fault(&desk.create(&twice).await).text.contains("already exists"));
}

#[tokio::test]
async fn the_account_appears_in_the_activities_as_the_users_change() {
    let desk = Desk::new().await;
    let made = value(&desk.create(&desk.full("org:1")).await);
    let q = format!("AccountId={}", made.text("CustomerAccountId"));
    let body = desk.pod.get(ACCOUNTS, &[("q", &q)]).await.ok();
    let row = &body["items"][0];
    assert_eq!((&row["CustomerId"], &row["CustomerName"]), (&json!(desk.party), &json!("Acme Ltd")));
    assert_eq!((&row["LastUpdatedBy"], &row["CreatedBy"]), (&json!("ml.connector"), &json!("ml.connector")));
    assert_eq!(row["AccountNumber"], made.text("AccountNumber"));
    let party = desk.pod.get(PARTIES, &[]).await.ok();
    assert_ne!(party["items"][0]["LastUpdatedBy"], "ml.connector");
}

#[tokio::test]
async fn everything_is_in_the_truth() {
    let desk = Desk::new().await;
    value(&desk.create(&desk.full("org:1")).await);
    let truth = crate::http::send(&desk.pod.router, "GET", "/_sim/truth", &[], "").await.ok();
    let soap = &truth["soap"];
    let counts = ["accounts", "sites", "site_uses", "references", "profiles"]
        .map(|name| soap[name].as_array().unwrap().len());
    assert_eq!(counts, [1, 1, 1, 2, 0]);
}

#[tokio::test]
async fn without_data_access_nothing_is_found_and_nothing_is_made() {
    let desk = Desk::with(FusionSettings { data_access: false, ..FusionSettings::default() }).await;
    assert_eq!(fault(&desk.create(&desk.least()).await).attributes, ["PartyId"]);
    let account = desk.pod.sim.add_account(desk.party, Edit::default()).unwrap();
    let id = format!("<typ:customerAccountId>{account}</typ:customerAccountId>");
    assert_eq!(fault(&desk.call("getCustomerAccount", &id).await).code, "FND:::FND_CMN_RCRD_MSNG");
    assert_eq!(values(&desk.find("PartyId", "=", &desk.party.to_string()).await).len(), 0);
}
