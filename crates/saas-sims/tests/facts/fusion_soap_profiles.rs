//! The profile service (section 1.4, step 3).

use saas_sims::fusion::{Edit, FusionSettings};
use serde_json::json;

use crate::soap::{Desk, PROFILE, fault, value};

const CREATE: &str = "createCustomerProfile";
const UPDATE: &str = "updateCustomerProfile";
const GET: &str = "getActiveCustomerProfile";
const CLASS: &str = "<cus:ProfileClassName>DEFAULT</cus:ProfileClassName>";

/// A desk with one account; its id as an element; account and party as elements.
async fn with_account(settings: FusionSettings) -> (Desk, i64, String) {
    let desk = Desk::with(settings).await;
    let account = value(&desk.create(&desk.full("org:1")).await).id("CustomerAccountId");
    let owner = format!(
        "<cus:PartyId>{}</cus:PartyId><cus:CustomerAccountId>{account}</cus:CustomerAccountId>",
        desk.party
    );
    (desk, account, owner)
}

#[tokio::test]
async fn an_account_made_by_soap_has_no_profile_until_one_is_created() {
    let (desk, account, owner) = with_account(FusionSettings::default()).await;
    let missing = fault(&desk.profile(GET, &owner).await);
    assert_eq!(missing.code, "FND:::FND_CMN_RCRD_MSNG");
    assert!(desk.pod.sim.customer_profiles(account).is_empty());
    value(&desk.profile(CREATE, &format!("{owner}{CLASS}")).await);
    let got = value(&desk.profile(GET, &owner).await);
    assert_eq!((got.id("CustomerAccountId"), got.id("PartyId")), (account, desk.party));
    assert_eq!((got.text("ProfileClassName"), got.text("EffectiveStartDate")), ("DEFAULT", "2026-03-02"));
    assert_eq!(got.text("EffectiveEndDate"), "4712-12-31");
    assert!(got.one("CreditLimit").nil && got.id("CustomerAccountProfileId") > 0);
    assert_eq!(got.namespace, PROFILE);
}

#[tokio::test]
async fn a_person_makes_an_account_with_a_profile() {
    let desk = Desk::new().await;
    let account = desk.pod.sim.add_account(desk.party, Edit::default()).unwrap();
    desk.pod.sim.add_customer_profile(account, "DEFAULT").unwrap();
    let number = desk.pod.sim.account_number(account).unwrap();
    let got = value(&desk.profile(GET, &format!("<cus:AccountNumber>{number}</cus:AccountNumber>")).await);
    assert_eq!(got.id("CustomerAccountId"), account);
}

#[tokio::test]
async fn a_create_answers_with_the_sent_fields_only() {
    let (desk, _, owner) = with_account(FusionSettings::default()).await;
    let made = value(&desk.profile(CREATE, &format!("{owner}{CLASS}")).await);
    let names: Vec<&str> = made.children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["PartyId", "CustomerAccountId", "ProfileClassName"]);
}

#[tokio::test]
async fn party_and_account_are_both_needed() {
    let (desk, account, _) = with_account(FusionSettings::default()).await;
    let id = format!("<cus:CustomerAccountId>{account}</cus:CustomerAccountId>");
    let number = desk.pod.sim.account_number(account).unwrap();
    let number = format!("<cus:AccountNumber>{number}</cus:AccountNumber>");
    for operation in [CREATE, UPDATE] {
        for account in [&id, &number] {
            let refused = fault(&desk.profile(operation, &format!("{account}{CLASS}")).await);
            assert_eq!(refused.text, "JBO-27014: Attribute PartyId in CustomerProfileDEO is required.");
            assert_eq!(refused.attributes, ["PartyId"]);
        }
    }
    let party = format!("<cus:PartyId>{}</cus:PartyId>", desk.party);
    assert_eq!(fault(&desk.profile(CREATE, &format!("{party}{CLASS}")).await).code, "27014");
    let stranger = desk.pod.sim.add_party(Edit::default()).unwrap();
    let foreign = format!("<cus:PartyId>{stranger}</cus:PartyId>{id}{CLASS}");
    assert_eq!(fault(&desk.profile(CREATE, &foreign).await).attributes, ["PartyId"]);
    assert!(desk.pod.sim.customer_profiles(account).is_empty());
    value(&desk.profile(CREATE, &format!("{party}{number}{CLASS}")).await);
    assert_eq!(desk.pod.sim.customer_profiles(account).len(), 1);
}

#[tokio::test]
async fn the_profile_class_has_to_be_set_up() {
    let (desk, account, owner) = with_account(FusionSettings::default()).await;
    for class in ["<cus:ProfileClassName>GOLD</cus:ProfileClassName>", ""] {
        let refused = fault(&desk.profile(CREATE, &format!("{owner}{class}")).await);
        assert_eq!(refused.attributes, ["ProfileClassName"]);
    }
    assert!(desk.pod.sim.customer_profiles(account).is_empty());
}

#[tokio::test]
async fn flags_are_y_or_n() {
    let (desk, account, owner) = with_account(FusionSettings::default()).await;
    for flag in ["true", "false", "y", ""] {
        let content = format!("{owner}{CLASS}<cus:CreditHold>{flag}</cus:CreditHold>");
        assert_eq!(fault(&desk.profile(CREATE, &content).await).attributes, ["CreditHold"], "{flag}");
    }
    value(&desk.profile(CREATE, &format!("{owner}{CLASS}<cus:CreditHold>Y</cus:CreditHold>")).await);
    assert_eq!(desk.pod.sim.customer_profiles(account)[0]["CreditHold"], "Y");
}

#[tokio::test]
async fn an_update_changes_the_active_profile_and_needs_one() {
    let (desk, account, owner) = with_account(FusionSettings::default()).await;
    let change = format!("{owner}<cus:CreditLimit>1000.50</cus:CreditLimit>");
    assert_eq!(fault(&desk.profile(UPDATE, &change).await).code, "FND:::FND_CMN_RCRD_MSNG");
    let content = format!("{owner}{CLASS}<cus:PaymentTerms>IMMEDIATE</cus:PaymentTerms>");
    value(&desk.profile(CREATE, &content).await);
    let echoed = value(&desk.profile(UPDATE, &change).await);
    assert_eq!((echoed.children.len(), echoed.text("CreditLimit")), (3, "1000.50"));
    let profile = &desk.pod.sim.customer_profiles(account)[0];
    assert_eq!((&profile["CreditLimit"], &profile["PaymentTerms"]), (&json!("1000.50"), &json!("IMMEDIATE")));
    let clear = format!("{owner}<cus:PaymentTerms xsi:nil=\"true\"/>");
    value(&desk.profile(UPDATE, &clear).await);
    assert_eq!(desk.pod.sim.customer_profiles(account)[0]["PaymentTerms"], json!(null));
}

#[tokio::test]
async fn a_second_profile_is_refused_unless_switched_off() {
    let (desk, account, owner) = with_account(FusionSettings::default()).await;
    let content = format!("{owner}{CLASS}");
    value(&desk.profile(CREATE, &content).await);
    assert!(fault(&desk.profile(CREATE, &content).await).text.contains("already exists"));
    assert_eq!(desk.pod.sim.customer_profiles(account).len(), 1);
    let settings = FusionSettings { refuse_second_profile: false, ..FusionSettings::default() };
    let (desk, account, owner) = with_account(settings).await;
    for _ in 0..2 {
        value(&desk.profile(CREATE, &format!("{owner}{CLASS}")).await);
    }
    assert_eq!(desk.pod.sim.customer_profiles(account).len(), 2);
}

#[tokio::test]
async fn a_profile_that_is_not_in_force_is_not_active() {
    let (desk, _, owner) = with_account(FusionSettings::default()).await;
    let later = format!("{owner}{CLASS}<cus:EffectiveStartDate>2026-03-03</cus:EffectiveStartDate>");
    value(&desk.profile(CREATE, &later).await);
    assert_eq!(fault(&desk.profile(GET, &owner).await).code, "FND:::FND_CMN_RCRD_MSNG");
    desk.pod.clock.advance(jiff::SignedDuration::from_hours(24));
    let grant = "grant_type=client_credentials&scope=all&client_id=me&client_secret=s";
    let token = crate::http::send(&desk.pod.router, "POST", "/oauth2/v1/token", &[crate::http::FORM], grant);
    let bearer = format!("Bearer {}", token.await.ok()["access_token"].as_str().unwrap());
    let desk = Desk { bearer, ..desk };
    value(&desk.profile(GET, &owner).await);
    let backwards = format!("{owner}<cus:EffectiveEndDate>2026-03-01</cus:EffectiveEndDate>");
    assert_eq!(fault(&desk.profile(UPDATE, &backwards).await).attributes, ["EffectiveEndDate"]);
}

#[tokio::test]
async fn the_soap_action_has_no_application_module_here() {
    let (desk, _, owner) = with_account(FusionSettings::default()).await;
    let body = format!(
        "<s:Envelope xmlns:s=\"{}\" xmlns:typ=\"{PROFILE}types/\" xmlns:cus=\"{PROFILE}\"><s:Body>\
         <typ:{GET}><typ:customerProfile>{owner}</typ:customerProfile></typ:{GET}></s:Body></s:Envelope>",
        crate::soap::ENV
    );
    let wrong = format!("{PROFILE}applicationModule/{GET}");
    assert_eq!(fault(&desk.post(crate::soap::PROFILES, &wrong, &body).await).text, "Unknown method");
    let right = format!("{PROFILE}{GET}");
    let missing = fault(&desk.post(crate::soap::PROFILES, &right, &body).await);
    assert_eq!(missing.code, "FND:::FND_CMN_RCRD_MSNG");
    let at_the_other = desk.post(crate::soap::SERVICE, &right, &body).await;
    assert_eq!(fault(&at_the_other).text, "Unknown method");
}
