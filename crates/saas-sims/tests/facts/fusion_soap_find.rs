//! getCustomerAccount, findCustomerAccount and the look-up by reference (section 1.4).

use saas_sims::fusion::Edit;
use serde_json::json;

use crate::http::Answer;
use crate::soap::{Desk, fault, reference, value, values};

const CONTROL: &str =
    "<typ:findControl><find:retrieveAllTranslations>true</find:retrieveAllTranslations></typ:findControl>";
const ALL: &str = "<find:fetchStart>0</find:fetchStart><find:fetchSize>-1</find:fetchSize>";

fn item(conjunction: &str, attribute: &str, operator: &str, value: &str) -> String {
    format!(
        "<find:item>{conjunction}<find:upperCaseCompare>false</find:upperCaseCompare>\
         <find:attribute>{attribute}</find:attribute><find:operator>{operator}</find:operator>\
         <find:value>{value}</find:value></find:item>"
    )
}

fn filter(items: &str) -> String {
    format!(
        "<find:filter><find:group><find:upperCaseCompare>false</find:upperCaseCompare>{items}</find:group></find:filter>"
    )
}

fn find(criteria: &str) -> String {
    format!("<typ:findCriteria>{criteria}</typ:findCriteria>{CONTROL}")
}

impl Desk {
    pub(crate) async fn find(&self, attribute: &str, operator: &str, value: &str) -> Answer {
        let items = item("", attribute, operator, value);
        self.call("findCustomerAccount", &find(&format!("{ALL}{}", filter(&items)))).await
    }

    pub(crate) async fn by_reference(&self, system: &str, value: &str) -> Answer {
        let parameters = format!(
            "<typ:findCriteria>{ALL}</typ:findCriteria><typ:bindOrigSystem>{system}</typ:bindOrigSystem>\
             <typ:bindOrigSystemReference>{value}</typ:bindOrigSystemReference>{CONTROL}"
        );
        self.call("getCustomerAccountByOriginalSystemReference", &parameters).await
    }
}

/// Accounts A, B and C of the party.
async fn three() -> Desk {
    let desk = Desk::new().await;
    for number in ["A", "B", "C"] {
        let content = format!(
            "{}<cus:AccountNumber>{number}</cus:AccountNumber><cus:AccountName>name {number}</cus:AccountName>{}",
            desk.least(),
            reference(&format!("org:{number}"), "HZ_CUST_ACCOUNTS")
        );
        value(&desk.create(&content).await);
    }
    desk
}

#[track_caller]
fn numbers(answer: &Answer) -> Vec<String> {
    values(answer).iter().map(|one| one.text("AccountNumber").to_owned()).collect()
}

#[tokio::test]
async fn an_account_is_got_by_id_whoever_made_it() {
    let desk = three().await;
    let by_hand = desk.pod.sim.add_account(desk.party, Edit::set(json!({"AccountNumber": "H"}))).unwrap();
    for account in desk.pod.sim.account_ids(desk.party) {
        let id = format!("<typ:customerAccountId>{account}</typ:customerAccountId>");
        let got = value(&desk.call("getCustomerAccount", &id).await);
        assert_eq!((got.id("CustomerAccountId"), got.id("PartyId")), (account, desk.party));
        let module = if account == by_hand { "TCA_FORM_WRAPPER" } else { "HZ_WS" };
        assert_eq!(got.text("CreatedByModule"), module);
    }
    let none = "<typ:customerAccountId>7</typ:customerAccountId>";
    assert_eq!(fault(&desk.call("getCustomerAccount", none).await).code, "FND:::FND_CMN_RCRD_MSNG");
}

#[tokio::test]
async fn a_reference_finds_its_account_and_an_unknown_one_an_empty_result() {
    let desk = three().await;
    assert_eq!(numbers(&desk.by_reference("PIPEDRIVE", "org:B").await), ["B"]);
    assert!(numbers(&desk.by_reference("PIPEDRIVE", "org:X").await).is_empty());
    assert!(numbers(&desk.by_reference("OTHER", "org:B").await).is_empty());
}

#[tokio::test]
async fn only_references_of_the_account_itself_count() {
    let desk = Desk::new().await;
    let content = desk.full("site-use-only");
    let own = reference("site-use-only", "HZ_CUST_ACCOUNTS");
    value(&desk.create(&content.replace(&own, "")).await);
    assert!(numbers(&desk.by_reference("PIPEDRIVE", "site-use-only").await).is_empty());
}

#[tokio::test]
async fn a_removed_account_is_found_no_more_and_its_reference_is_free() {
    let desk = three().await;
    desk.pod.sim.remove_party(desk.party).unwrap();
    assert!(numbers(&desk.by_reference("PIPEDRIVE", "org:B").await).is_empty());
}

#[tokio::test]
async fn filters_compare_attributes_of_the_account() {
    let desk = three().await;
    let party = desk.party.to_string();
    assert_eq!(numbers(&desk.find("PartyId", "=", &party).await), ["A", "B", "C"]);
    assert_eq!(numbers(&desk.find("AccountNumber", "=", "B").await), ["B"]);
    assert_eq!(numbers(&desk.find("AccountNumber", "&lt;&gt;", "B").await), ["A", "C"]);
    assert_eq!(numbers(&desk.find("AccountNumber", "&gt;=", "B").await), ["B", "C"]);
    assert!(numbers(&desk.find("AccountNumber", "=", "b").await).is_empty());
    assert!(numbers(&desk.find("CustomerClassCode", "&lt;&gt;", "x").await).is_empty());
}

#[tokio::test]
async fn items_are_joined_by_and_unless_they_say_or() {
    let desk = three().await;
    let or = "<find:conjunction>Or</find:conjunction>";
    for (conjunction, expected) in
        [("", vec![]), ("<find:conjunction>And</find:conjunction>", vec![]), (or, vec!["A", "C"])]
    {
        let items = item("", "AccountNumber", "=", "A") + &item(conjunction, "AccountNumber", "=", "C");
        let answer = desk.call("findCustomerAccount", &find(&format!("{ALL}{}", filter(&items)))).await;
        assert_eq!(numbers(&answer), expected);
    }
}

#[tokio::test]
async fn upper_case_compare_ignores_case() {
    let desk = three().await;
    let items = item("", "AccountName", "=", "NAME B").replace(">false<", ">true<");
    let answer = desk.call("findCustomerAccount", &find(&format!("{ALL}{}", filter(&items)))).await;
    assert_eq!(numbers(&answer), ["B"]);
}

#[tokio::test]
async fn fetch_start_and_size_cut_the_result() {
    let desk = three().await;
    let page = "<find:fetchStart>1</find:fetchStart><find:fetchSize>1</find:fetchSize>";
    assert_eq!(numbers(&desk.call("findCustomerAccount", &find(page)).await), ["B"]);
}

#[tokio::test]
async fn find_attribute_narrows_the_values() {
    let desk = three().await;
    let only = format!("{ALL}<find:findAttribute>AccountNumber</find:findAttribute>");
    let found = values(&desk.call("findCustomerAccount", &find(&only)).await);
    let names: Vec<&str> = found[0].children.iter().map(|child| child.name.as_str()).collect();
    assert_eq!(names, ["AccountNumber"]);
    let without = only + "<find:excludeAttribute>true</find:excludeAttribute>";
    let found = values(&desk.call("findCustomerAccount", &find(&without)).await);
    assert_eq!((found[0].all("AccountNumber").count(), found[0].all("PartyId").count()), (0, 1));
}

#[tokio::test]
async fn criteria_in_another_order_than_the_schemas_are_refused() {
    let desk = three().await;
    let start = "<find:fetchStart>0</find:fetchStart>";
    let size = "<find:fetchSize>-1</find:fetchSize>";
    let filter = filter(&item("", "AccountNumber", "=", "B"));
    let value_first = filter.replace(
        "<find:operator>=</find:operator><find:value>B</find:value>",
        "<find:value>B</find:value><find:operator>=</find:operator>",
    );
    let no_case = filter.replacen("<find:upperCaseCompare>false</find:upperCaseCompare>", "", 1);
    let cases = [
        format!("{size}{start}{filter}"),
        format!("{filter}{start}{size}"),
        format!("{start}{filter}"),
        format!("{start}{size}{value_first}"),
        format!("{start}{size}{no_case}"),
        format!("{start}{size}<find:excludeAttribute>false</find:excludeAttribute>{filter}"),
        format!("{start}{size}<find:sortOrder/>"),
        "<find:fetchStart>-1</find:fetchStart><find:fetchSize>1</find:fetchSize>".to_owned(),
    ];
    for criteria in cases {
        fault(&desk.call("findCustomerAccount", &find(&criteria)).await);
    }
    let good = find(&format!("{start}{size}{filter}"));
    assert_eq!(numbers(&desk.call("findCustomerAccount", &good).await), ["B"]);
    let unknown = fault(&desk.find("OrigSystemReference", "=", "org:B").await);
    assert_eq!(unknown.code, "27023");
}

#[tokio::test]
async fn criteria_stand_in_the_namespace_of_the_find_types() {
    let desk = three().await;
    let good = find(&format!("{ALL}{}", filter(&item("", "AccountNumber", "=", "B"))));
    for name in ["fetchStart", "filter", "value", "retrieveAllTranslations"] {
        let wrong = good.replace(&format!("find:{name}>"), &format!("cus:{name}>"));
        assert_eq!(fault(&desk.call("findCustomerAccount", &wrong).await).text, "Unknown method", "{name}");
    }
}

#[tokio::test]
async fn parameters_have_names_and_an_order() {
    let desk = three().await;
    let criteria = format!("<typ:findCriteria>{ALL}</typ:findCriteria>");
    for parameters in [criteria.clone(), format!("{CONTROL}{criteria}"), String::new()] {
        let refused = fault(&desk.call("findCustomerAccount", &parameters).await);
        assert!(refused.text.contains("in this order"), "{refused:?}");
    }
}
