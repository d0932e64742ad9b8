//! What is wrong, where, and what to do about it: one bad line at a time in a file that is fine.

use super::*;

const FINE: &str = include_str!("../../tests/example.toml");

/// The error, the line of the file that it points at, and the remedy.
fn told(more: &str) -> (String, String, String) {
    let text = format!("{FINE}\n{more}\n");
    let error = Config::parse(&text, "ml-connector.toml").expect_err(more);
    let line = error.line_column().map_or(0, |(line, _)| line);
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
    (error.to_string(), line, error.remedy().to_owned())
}

#[test]
fn the_example_is_fine() {
    Config::parse(FINE, "ml-connector.toml").unwrap();
    let all = "[connection.customers]\nhierarchy = true\ninactive = \"label\"\n[connection.fields]\n\
               more = [\"duns\", \"email\", \"currency\", \"account_class\", \"payment_terms\", \"parent\"]\n\
               [connection.webhooks]\npublic_url = \"https://sync.example.com\"\nrequire = \"all\"\n\
               basic = [{ user = \"a\", password = \"b\" }]\nhmac = { secret = { env = \"S\" }, encoding = \"base64\" }";
    let config = Config::parse(&format!("{FINE}\n{all}"), "ml-connector.toml").unwrap();
    let secrets = config.connections[0].secrets().unwrap();
    let webhooks = secrets.iter().filter(|(name, _)| name.starts_with("webhooks.")).count();
    assert_eq!(webhooks, 2, "config check reads them, too");
}

#[test]
fn what_happens_to_records_that_end_has_to_make_sense() {
    for (bad, says, remedy) in [
        ("organization_deleted = \"label\"", "no organization any more", "\"ask\" or \"ignore\""),
        ("organization_merged = \"flag\"", "no organization any more", "\"ask\" or \"ignore\""),
        ("returned = \"label\"", "has no label", "\"flag\", \"ask\" or \"ignore\""),
        ("organization_returned = \"label\"", "has no label", "\"flag\", \"ask\" or \"ignore\""),
        ("labels = { inactive = \" \" }", "this label is empty", "as it is in Pipedrive"),
        ("labels = { merged = \"erp  INACTIVE\" }", "for another end, too", "a label of its own"),
        ("parent_codes = [\"\"]", "this code is empty", "PARENT_OF"),
        ("daughter_codes = [\"PARENT_OF\"]", "among the parent_codes", "not both"),
    ] {
        let (error, line, help) = told(&format!("[connection.customers]\n{bad}"));
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
        assert_eq!(line, bad);
    }
}

#[test]
fn fields_have_to_exist_and_to_be_readable() {
    for (bad, says, remedy) in [
        ("more = [\"labels\"]", "labels is no field", "account_class, payment_terms, parent"),
        ("more = [\"name\"]", "name is no field", "duns"),
        ("more = [\"parent\"]", "relationships, which are not read", "hierarchy = true"),
        ("owner = { duns = \"ask\" }", "duns is no field that is mapped", "name, address"),
        ("owner = { name = \"latest\" }", "do not flow back to the ERP yet", "\"erp\", or \"ask\""),
    ] {
        let (error, line, help) = told(&format!("[connection.fields]\n{bad}"));
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
        assert_eq!(line, bad);
    }
}

#[test]
fn webhooks_need_an_address_and_a_proof() {
    let with =
        |more: &str| format!("[connection.webhooks]\npublic_url = \"https://sync.example.com\"\n{more}");
    for (bad, says) in [
        (with(""), "nothing vouches"),
        (with("basic = [{ user = \"a:b\", password = \"x\" }]"), "cannot tell such a user"),
        (with("basic = [{ user = \"\", password = \"x\" }]"), "cannot tell such a user"),
        (with("basic = [{ user = \"a\", password = \"\" }]"), "is empty"),
        (with("hmac = { secret = \"s\", header = \"X Y\" }"), "not the name of a header"),
        (with("hmac = { secret = \"s\", header = \"\" }"), "not the name of a header"),
        (
            "[connection.webhooks]\npublic_url = \"http://sync.example.com\"\nbasic = []".to_owned(),
            "https only",
        ),
    ] {
        let (error, ..) = told(&bad);
        assert!(error.contains(says), "{bad}: {error}");
    }
    let local = "[connection.webhooks]\npublic_url = \"http://127.0.0.1:8080\"\nhmac = { secret = \"s\" }";
    Config::parse(&format!("{FINE}\n{local}"), "ml-connector.toml").unwrap();
}
