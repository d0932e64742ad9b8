//! updateCustomerAccount and mergeCustomerAccount (section 1.4).

use jiff::SignedDuration;
use saas_sims::fusion::FusionSettings;
use serde_json::json;

use crate::soap::{BY, Desk, Node, element, fault, reference, value};

const NIL: &str = " xsi:nil=\"true\"/>";

/// A desk with one account, and the account.
async fn with_account() -> (Desk, Node) {
    let desk = Desk::new().await;
    let content = desk.full("org:1") + "<cus:CustomerClassCode>GOLD</cus:CustomerClassCode>";
    let made = value(&desk.create(&content).await);
    desk.pod.clock.advance(SignedDuration::from_secs(60));
    (desk, made)
}

fn id(made: &Node, name: &str) -> String {
    element(name, made.text(name))
}

#[tokio::test]
async fn an_update_keeps_what_is_left_out_and_clears_what_is_nil() {
    let (desk, made) = with_account().await;
    let content =
        id(&made, "CustomerAccountId") + "<cus:AccountName>New</cus:AccountName><cus:CustomerClassCode" + NIL;
    let now = value(&desk.account("updateCustomerAccount", &content).await);
    assert_eq!((now.text("AccountName"), now.text("CustomerType")), ("New", "R"));
    assert!(now.one("CustomerClassCode").nil);
    assert_eq!(now.text("AccountNumber"), made.text("AccountNumber"));
    assert_eq!(now.all("CustomerAccountSite").count(), 1);
    let row = desk.pod.sim.account(made.id("CustomerAccountId")).unwrap();
    assert_eq!(row["LastUpdateDate"], "2026-03-02T10:01:00+00:00");
    assert_eq!(row["CreationDate"], "2026-03-02T10:00:00+00:00");
}

#[tokio::test]
async fn an_update_needs_the_ids_of_all_rows_it_names() {
    let (desk, made) = with_account().await;
    let desk = &desk;
    let update =
        |content: String| async move { fault(&desk.account("updateCustomerAccount", &content).await) };
    assert_eq!(
        update("<cus:AccountName>New</cus:AccountName>".to_owned()).await.attributes,
        ["CustomerAccountId"]
    );
    assert_eq!(update("<cus:CustomerAccountId>7</cus:CustomerAccountId>".to_owned()).await.code, "25020");
    let child = id(&made, "CustomerAccountId") + &reference("org:2", "HZ_CUST_ACCOUNTS");
    assert_eq!(update(child).await.attributes, ["OrigSystemReferenceId"]);
    assert_eq!(desk.pod.sim.account_references(made.id("CustomerAccountId")).len(), 2);
}

#[tokio::test]
async fn what_is_set_once_cannot_be_changed_but_may_be_repeated() {
    let (desk, made) = with_account().await;
    let same = id(&made, "CustomerAccountId") + &id(&made, "PartyId") + BY;
    value(&desk.account("updateCustomerAccount", &same).await);
    for content in [
        "<cus:PartyId>5</cus:PartyId>",
        "<cus:CreatedByModule>OTHER</cus:CreatedByModule>",
        "<cus:LastUpdatedBy>x</cus:LastUpdatedBy>",
    ] {
        let refused =
            fault(&desk.account("updateCustomerAccount", &(id(&made, "CustomerAccountId") + content)).await);
        assert_eq!(refused.code, "27008", "{content}");
    }
    let cleared = id(&made, "CustomerAccountId") + "<cus:PartyId" + NIL;
    assert_eq!(fault(&desk.account("updateCustomerAccount", &cleared).await).code, "27014");
}

#[tokio::test]
async fn a_create_with_ids_is_refused() {
    let (desk, made) = with_account().await;
    let content = desk.least() + &id(&made, "CustomerAccountId");
    assert_eq!(fault(&desk.create(&content).await).attributes, ["CustomerAccountId"]);
}

#[tokio::test]
async fn a_merge_makes_what_has_no_id_and_changes_what_has_one() {
    let (desk, made) = with_account().await;
    let account = made.id("CustomerAccountId");
    let site = made.one("CustomerAccountSite");
    let uses = element("CustomerAccountSiteUse", &format!("<cus:SiteUseCode>SHIP_TO</cus:SiteUseCode>{BY}"));
    let site = element(
        "CustomerAccountSite",
        &(id(site, "CustomerAccountSiteId")
            + "<cus:CustomerCategoryCode>C</cus:CustomerCategoryCode>"
            + &uses),
    );
    let now = value(&desk.account("mergeCustomerAccount", &(id(&made, "CustomerAccountId") + &site)).await);
    assert_eq!(now.id("CustomerAccountId"), account);
    let site = now.one("CustomerAccountSite");
    assert_eq!(site.text("CustomerCategoryCode"), "C");
    let codes: Vec<&str> = site.all("CustomerAccountSiteUse").map(|one| one.text("SiteUseCode")).collect();
    assert_eq!(codes, ["BILL_TO", "SHIP_TO"]);
    assert_eq!(desk.pod.sim.site_uses(account).len(), 2);
    assert_eq!(desk.count(), 1);
}

#[tokio::test]
async fn a_merge_without_an_id_makes_an_account_and_with_an_unknown_one_is_refused() {
    let (desk, _) = with_account().await;
    value(&desk.account("mergeCustomerAccount", &desk.least()).await);
    assert_eq!(desk.count(), 2);
    let unknown = desk.least() + "<cus:CustomerAccountId>7</cus:CustomerAccountId>";
    assert_eq!(fault(&desk.account("mergeCustomerAccount", &unknown).await).code, "25020");
    assert_eq!(desk.count(), 2);
}

#[tokio::test]
async fn new_rows_of_a_merge_need_created_by_module_and_known_ones_do_not() {
    let (desk, made) = with_account().await;
    let bare = id(&made, "CustomerAccountId")
        + &element("CustomerAccountSite", &id(made.one("CustomerAccountSite"), "CustomerAccountSiteId"));
    value(&desk.account("mergeCustomerAccount", &bare).await);
    let fresh = bare.replace("</cus:CustomerAccountSite>", "<cus:CustomerAccountSiteUse><cus:SiteUseCode>SHIP_TO</cus:SiteUseCode></cus:CustomerAccountSiteUse></cus:CustomerAccountSite>");
    let refused = fault(&desk.account("mergeCustomerAccount", &fresh).await);
    assert_eq!(refused.text, "JBO-27024: Failed to validate a row");
}

#[tokio::test]
async fn a_change_of_a_child_does_not_bump_the_account() {
    let (desk, made) = with_account().await;
    let account = made.id("CustomerAccountId");
    let before = desk.pod.sim.account(account).unwrap();
    let site = id(made.one("CustomerAccountSite"), "CustomerAccountSiteId") + "<cus:Status>I</cus:Status>";
    let content = id(&made, "CustomerAccountId") + &element("CustomerAccountSite", &site);
    value(&desk.account("updateCustomerAccount", &content).await);
    assert_eq!(desk.pod.sim.account(account).unwrap(), before);
    let site = &desk.pod.sim.account_sites(account)[0];
    assert_eq!(
        (&site["Status"], &site["LastUpdateDate"]),
        (&json!("I"), &json!("2026-03-02T10:01:00+00:00"))
    );
}

#[tokio::test]
async fn a_write_is_all_or_nothing() {
    let (desk, made) = with_account().await;
    let account = made.id("CustomerAccountId");
    let (row, before) = (desk.pod.sim.account(account), desk.truth());
    let shell = desk.pod.sim.customer_account(account);
    let bad = element(
        "CustomerAccountSite",
        &format!("<cus:PartySiteId>1</cus:PartySiteId><cus:SetId>300000001127004</cus:SetId>{BY}"),
    );
    let content = id(&made, "CustomerAccountId") + "<cus:AccountName>New</cus:AccountName>" + &bad;
    fault(&desk.account("mergeCustomerAccount", &content).await);
    assert_eq!((desk.pod.sim.account(account), desk.truth()), (row, before));
    assert_eq!(desk.pod.sim.customer_account(account), shell);
}

#[tokio::test]
async fn a_second_site_for_the_same_address_and_set_is_refused_unless_switched_off() {
    let again = |desk: &Desk, made: &Node| {
        let site = format!(
            "<cus:PartySiteId>{}</cus:PartySiteId><cus:SetId>300000001127004</cus:SetId>{BY}",
            desk.party_site
        );
        id(made, "CustomerAccountId") + &element("CustomerAccountSite", &site)
    };
    let (desk, made) = with_account().await;
    assert!(
        fault(&desk.account("mergeCustomerAccount", &again(&desk, &made)).await)
            .text
            .contains("already exists")
    );
    let settings = FusionSettings { refuse_duplicate_sites: false, ..FusionSettings::default() };
    let desk = Desk::with(settings).await;
    let made = value(&desk.create(&desk.full("org:1")).await);
    let now = value(&desk.account("mergeCustomerAccount", &again(&desk, &made)).await);
    assert_eq!(now.all("CustomerAccountSite").count(), 2);
}

#[tokio::test]
async fn an_inactive_reference_finds_nothing_and_is_free_for_others() {
    let (desk, made) = with_account().await;
    let row = made.one("OriginalSystemReference");
    let row = format!(
        "<par:OrigSystemReferenceId>{}</par:OrigSystemReferenceId><par:Status>I</par:Status>",
        row.text("OrigSystemReferenceId")
    );
    let content = id(&made, "CustomerAccountId") + &element("OriginalSystemReference", &row);
    value(&desk.account("updateCustomerAccount", &content).await);
    assert!(desk.pod.sim.accounts_by_reference("PIPEDRIVE", "org:1", "HZ_CUST_ACCOUNTS").is_empty());
    value(&desk.create(&(desk.least() + &reference("org:1", "HZ_CUST_ACCOUNTS"))).await);
}
