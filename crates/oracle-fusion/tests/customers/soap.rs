//! The SOAP half: exact messages, and answers in all their shapes.

use sync_core::{
    customers::{AccountKey, BILL_TO, Profile},
    error::{Effect, ErrorKind},
    ids::{AccountId, AccountSiteId, PartyId, PartySiteId, ProfileId, SetId, SiteUseId},
};

use crate::{support::*, world::*};

const ACCOUNT: &str = "<ns2:CustomerAccountId>11</ns2:CustomerAccountId><ns2:PartyId>7</ns2:PartyId>\
    <ns2:AccountNumber>1006</ns2:AccountNumber><ns2:AccountName xsi:nil=\"true\">old</ns2:AccountName><ns2:Status>A</ns2:Status>";
const SITE: &str = "<ns2:CustomerAccountSite><ns2:CustomerAccountSiteId>12</ns2:CustomerAccountSiteId>\
    <ns2:PartySiteId>9</ns2:PartySiteId><ns2:SetId>202</ns2:SetId><ns2:Status>I</ns2:Status>\
    <ns2:CustomerAccountSiteUse><ns2:SiteUseId>13</ns2:SiteUseId><ns2:SiteUseCode>BILL_TO</ns2:SiteUseCode>\
    </ns2:CustomerAccountSiteUse><ns2:CustomerAccountSiteUse><ns2:SiteUseId>14</ns2:SiteUseId>\
    <ns2:SiteUseCode>SHIP_TO</ns2:SiteUseCode><ns2:Status>I</ns2:Status></ns2:CustomerAccountSiteUse>\
    </ns2:CustomerAccountSite>";

fn value(inside: &str) -> String {
    format!("<ns2:Value>{inside}</ns2:Value>")
}

fn message(spaces: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"{ENV}\"{spaces}><soap:Body>{body}\
         </soap:Body></soap:Envelope>"
    )
}

fn account_message(body: &str) -> String {
    let spaces = format!(
        " xmlns:typ=\"{CUS}applicationModule/types/\" xmlns:cus=\"{CUS}\" \
         xmlns:par=\"http://xmlns.oracle.com/apps/cdm/foundation/parties/partyService/\" \
         xmlns:adf=\"http://xmlns.oracle.com/adf/svc/types/\""
    );
    message(&spaces, body)
}

fn our(table: &str, value: &str) -> String {
    format!(
        "<cus:OriginalSystemReference><par:OrigSystem>PIPEDRIVE</par:OrigSystem>\
         <par:OrigSystemReference>{value}</par:OrigSystemReference><par:OwnerTableName>{table}</par:OwnerTableName>\
         <par:CreatedByModule>HZ_WS</par:CreatedByModule></cus:OriginalSystemReference>"
    )
}

const BY: &str = "<cus:CreatedByModule>HZ_WS</cus:CreatedByModule>";

fn site_use(value: &str) -> String {
    let reference = our("HZ_CUST_SITE_USES_ALL", value);
    format!(
        "<cus:CustomerAccountSiteUse><cus:SiteUseCode>BILL_TO</cus:SiteUseCode>{BY}{reference}</cus:CustomerAccountSiteUse>"
    )
}

fn site(value: &str) -> String {
    let reference = our("HZ_CUST_ACCT_SITES_ALL", value);
    format!(
        "<cus:CustomerAccountSite><cus:PartySiteId>9</cus:PartySiteId><cus:SetId>300000001127004</cus:SetId>{BY}\
         {reference}{}</cus:CustomerAccountSite>",
        site_use(value)
    )
}

fn merge(inside: &str) -> String {
    account_message(&format!(
        "<typ:mergeCustomerAccount><typ:customerAccount><cus:CustomerAccountId>11</cus:CustomerAccountId>{inside}\
         </typ:customerAccount></typ:mergeCustomerAccount>"
    ))
}

#[tokio::test]
async fn an_account_is_created_exactly_as_documented() {
    let (fusion, log) =
        fusion(|_| answered("createCustomerAccount", CUS, &value(&format!("{ACCOUNT}{SITE}"))));
    let mut new = new_account(PartyId(7), PartySiteId(9), "org:4711");
    new.class = Some("RETAIL".to_owned());
    let made = fusion.create_account(&new).await.unwrap();
    let sent = log.last();
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/crmService/CustomerAccountService"));
    assert_eq!(sent.header("content-type"), Some("text/xml;charset=UTF-8"));
    assert_eq!(sent.header("accept"), Some("text/xml"));
    assert_eq!(sent.header("authorization"), Some("Bearer eyJ"));
    let action = format!("{CUS}applicationModule/createCustomerAccount");
    assert_eq!(sent.header("soapaction"), Some(action.as_str()));
    let body = format!(
        "<typ:createCustomerAccount><typ:customerAccount><cus:PartyId>7</cus:PartyId>\
         <cus:AccountName>Acme &amp; Söhne &lt;Ltd&gt;</cus:AccountName><cus:CustomerType>R</cus:CustomerType>\
         <cus:CustomerClassCode>RETAIL</cus:CustomerClassCode>{BY}{}{}</typ:customerAccount></typ:createCustomerAccount>",
        our("HZ_CUST_ACCOUNTS", "org:4711"),
        site("org:4711"),
    );
    assert_eq!(sent.body, account_message(&body));
    assert_eq!((made.id, made.party, made.number.as_str()), (AccountId(11), PartyId(7), "1006"));
    assert_eq!((made.name, made.active), (None, true));
    let [site] = made.sites.as_slice() else { panic!("{:?}", made.sites) };
    assert_eq!((site.id, site.party_site, site.set), (AccountSiteId(12), PartySiteId(9), Some(SetId(202))));
    assert!(!site.active);
    let uses: Vec<_> = site.uses.iter().map(|one| (one.id, one.purpose.as_str(), one.active)).collect();
    assert_eq!(uses, [(SiteUseId(13), BILL_TO, true), (SiteUseId(14), "SHIP_TO", false)]);
}

#[tokio::test]
async fn accounts_are_looked_for_in_the_order_and_namespaces_of_the_schema() {
    let (lookup, log) = fusion(|_| answered("getCustomerAccountByOriginalSystemReference", CUS, ""));
    assert_eq!(lookup.accounts_by_reference("PIPEDRIVE", "a<b").await.unwrap(), []);
    let body = "<typ:getCustomerAccountByOriginalSystemReference><typ:findCriteria><adf:fetchStart>0</adf:fetchStart>\
        <adf:fetchSize>-1</adf:fetchSize></typ:findCriteria><typ:bindOrigSystem>PIPEDRIVE</typ:bindOrigSystem>\
        <typ:bindOrigSystemReference>a&lt;b</typ:bindOrigSystemReference><typ:findControl></typ:findControl>\
        </typ:getCustomerAccountByOriginalSystemReference>";
    assert_eq!(log.last().body, account_message(body));
    for (system, value) in [("", "a"), ("P", " ")] {
        assert!(lookup.accounts_by_reference(system, value).await.is_err());
    }
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn one_account_and_several_are_read_and_one_twice_is_one() {
    let found = async |result: String| {
        let (fusion, _) =
            fusion(move |_| answered("getCustomerAccountByOriginalSystemReference", CUS, &result));
        let found = fusion.accounts_by_reference("PIPEDRIVE", "org:1").await?;
        assert!(
            found.iter().all(|account| account.party == PartyId(7) && account.name.is_none()),
            "{found:?}"
        );
        Ok::<_, sync_core::error::CallError>(found.iter().map(|account| account.id.0).collect::<Vec<_>>())
    };
    let other = ACCOUNT.replace(">11<", ">21<");
    assert_eq!(found(value(ACCOUNT)).await.unwrap(), [11]);
    assert_eq!(found(value(ACCOUNT) + &value(&other)).await.unwrap(), [11, 21]);
    assert_eq!(found(value(ACCOUNT) + &value(ACCOUNT)).await.unwrap(), [11]);
    assert_eq!(found(ACCOUNT.to_owned()).await.unwrap(), [11], "the result may be the value");
    assert_eq!(found("<ns2:Value xsi:nil=\"true\"/>".to_owned()).await.unwrap(), [0_i64; 0]);
    let foreign = value(&format!("<x:PartyId xmlns:x=\"urn:x\">99</x:PartyId>{ACCOUNT}"));
    assert_eq!(found(foreign).await.unwrap(), [11], "other namespaces are no attributes of ours");
    let broken = ACCOUNT.replace("<ns2:PartyId>7</ns2:PartyId>", "");
    let error = found(value(&broken)).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Unreadable, "PartyId is missing"));
}

#[tokio::test]
async fn an_account_is_read_by_id_and_a_missing_record_is_none() {
    let (lookup, log) = fusion(|_| answered("getCustomerAccount", CUS, &value(ACCOUNT)));
    assert_eq!(lookup.account(AccountId(11)).await.unwrap().unwrap().number, "1006");
    let body =
        "<typ:getCustomerAccount><typ:customerAccountId>11</typ:customerAccountId></typ:getCustomerAccount>";
    assert_eq!(log.last().body, account_message(body));
    let (lookup, _) = fusion(|_| fault("FND:::FND_CMN_RCRD_MSNG", "The record doesn't exist."));
    assert_eq!(lookup.account(AccountId(11)).await.unwrap(), None);
    let (lookup, _) = fusion(|_| reply(404, &[], "no such service"));
    assert_eq!(lookup.account(AccountId(11)).await.unwrap_err().kind, ErrorKind::Missing);
}

#[tokio::test]
async fn sites_and_uses_are_merged_below_rows_that_are_named_by_id_alone() {
    let (fusion, log) =
        fusion(|_| answered("mergeCustomerAccount", CUS, &value(&format!("{ACCOUNT}{SITE}"))));
    let account = fusion.add_site(AccountId(11), &new_site(PartySiteId(9), "org:1:2")).await.unwrap();
    assert_eq!(account.sites.len(), 1);
    assert_eq!(log.last().body, merge(&site("org:1:2")));
    let reference = reference("org:1:2");
    fusion.add_site_use(AccountId(11), AccountSiteId(12), BILL_TO, &reference).await.unwrap();
    let inside = format!(
        "<cus:CustomerAccountSite><cus:CustomerAccountSiteId>12</cus:CustomerAccountSiteId>{}</cus:CustomerAccountSite>",
        site_use("org:1:2")
    );
    assert_eq!(log.last().body, merge(&inside));
    let action = format!("{CUS}applicationModule/mergeCustomerAccount");
    assert_eq!(log.last().header("soapaction"), Some(action.as_str()));
}

fn profile_message(operation: &str, inside: &str) -> String {
    let body =
        format!("<typ:{operation}><typ:customerProfile>{inside}</typ:customerProfile></typ:{operation}>");
    message(&format!(" xmlns:typ=\"{PROFILE}types/\" xmlns:cus=\"{PROFILE}\""), &body)
}

#[tokio::test]
async fn a_profile_names_account_and_party_and_its_answer_needs_no_id() {
    let (fusion, log) = fusion(|_| answered("createCustomerProfile", PROFILE, "<ns2:Value/>"));
    fusion.create_profile(&new_profile(AccountId(11), PartyId(7))).await.unwrap();
    let sent = log.last();
    assert_eq!(sent.target, "/fscmService/ReceivablesCustomerProfileService");
    let action = format!("{PROFILE}createCustomerProfile");
    assert_eq!(sent.header("soapaction"), Some(action.as_str()));
    let rest = "<cus:ProfileClassName>DEFAULT</cus:ProfileClassName>\
                <cus:EffectiveStartDate>2026-11-23</cus:EffectiveStartDate>";
    let by_id =
        format!("<cus:PartyId>7</cus:PartyId><cus:CustomerAccountId>11</cus:CustomerAccountId>{rest}");
    assert_eq!(sent.body, profile_message("createCustomerProfile", &by_id));
    let mut new = new_profile(AccountId(11), PartyId(7));
    new.account = AccountKey::Number("1006".to_owned());
    fusion.create_profile(&new).await.unwrap();
    let by_number = by_id.replace(
        "<cus:CustomerAccountId>11</cus:CustomerAccountId>",
        "<cus:AccountNumber>1006</cus:AccountNumber>",
    );
    assert_eq!(log.last().body, profile_message("createCustomerProfile", &by_number));
}

#[tokio::test]
async fn the_profile_in_force_is_read_and_none_is_none() {
    let active = async |outcome: fn() -> Outcome| {
        let (fusion, log) = fusion(move |_| outcome());
        let key = AccountKey::Id(AccountId(11));
        let active = fusion.active_profile(&key, PartyId(7)).await;
        let asked = "<cus:PartyId>7</cus:PartyId><cus:CustomerAccountId>11</cus:CustomerAccountId>";
        assert_eq!(log.last().body, profile_message("getActiveCustomerProfile", asked));
        active
    };
    let found = active(|| {
        let inside = "<ns2:CustomerAccountProfileId>15</ns2:CustomerAccountProfileId>\
            <ns2:ProfileClassName>DEFAULT</ns2:ProfileClassName><ns2:EffectiveStartDate>2026-11-23</ns2:EffectiveStartDate>\
            <ns2:EffectiveEndDate>4712-12-31</ns2:EffectiveEndDate><ns2:CreditLimit xsi:nil=\"true\"/>\
            <ns2:PaymentTerms>30 Net</ns2:PaymentTerms>";
        answered("getActiveCustomerProfile", PROFILE, &value(inside))
    });
    let wanted = Profile {
        id: Some(ProfileId(15)),
        class: Some("DEFAULT".to_owned()),
        payment_terms: Some("30 Net".to_owned()),
        starts: Some(jiff::civil::date(2026, 11, 23)),
        ends: Some(jiff::civil::date(4712, 12, 31)),
    };
    assert_eq!(found.await.unwrap(), Some(wanted));
    let missing = active(|| fault("FND:::FND_CMN_RCRD_MSNG", "The record doesn't exist."));
    assert_eq!(missing.await.unwrap(), None);
    let empty = active(|| answered("getActiveCustomerProfile", PROFILE, ""));
    assert_eq!(empty.await.unwrap(), None);
    let strange = active(|| answered("getActiveCustomerProfile", PROFILE, &value("<ns2:New>1</ns2:New>")));
    assert_eq!(strange.await.unwrap_err().kind, ErrorKind::Unreadable);
    let broken = active(|| fault("27024", "JBO-27024: Failed to validate a row")).await.unwrap_err();
    assert_eq!((broken.kind, broken.effect), (ErrorKind::Rejected, Effect::None));
}
