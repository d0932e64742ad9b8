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

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../saas-http/tests/fixtures");
const SECRET: &str =
    "client_secret = { env = \"FUSION_CLIENT_SECRET\" }   # or a plain string, or { file = \"...\" }";

/// The example with these lines instead of the client's secret.
fn instead_of_the_secret(lines: &str) -> Result<Config, ConfigError> {
    assert!(FINE.contains(SECRET));
    Config::parse(&FINE.replace(SECRET, lines), "ml-connector.toml")
}

#[test]
fn a_client_of_fusion_proves_itself_in_exactly_one_way() {
    let key = "key = { file = \"key.pem\" }";
    let assertion = |more: &str| format!("assertion = {{ {key}, {more} }}");
    for (bad, says, remedy) in [
        (String::new(), "neither client_secret nor assertion", "certificate = \"certificate.pem\""),
        (format!("client_secret = \"s\"\n{}", assertion("kid = \"a\"")), "both", "either client_secret"),
        (format!("assertion = {{ {key} }}"), "which certificate", "certificate = "),
        (
            assertion("x5t_s256 = \"37ebdj6Cgap2nsVoWal60tekACaB8gKS3Ui_LU8nWPA\""),
            "which certificate",
            "kid = \"the alias",
        ),
        (assertion("kid = \" \""), "this is empty", "write the value"),
        (assertion("x5t = \"44:23:7D:41\""), "27 characters in base64url", "hexadecimal fingerprint"),
        (assertion("kid = \"a\", x5t_s256 = \"short\""), "43 characters", "it is computed"),
        (
            assertion("certificate = \"c.pem\", x5t = \"RCN9QaGHpfqKNP7pIjWnr2HXJgk\""),
            "computed from the certificate",
            "remove x5t",
        ),
        (assertion("certificate = \"\""), "not the path of a file", "BEGIN CERTIFICATE"),
        (assertion("certificate = \"-----BEGIN PRIVATE KEY-----\""), "not the path", "name the file"),
        (assertion("kid = \"a\", audience = \"\""), "this is empty", "write the value"),
        (assertion("kid = \"a\", life = \"2h\""), "2h is outside", "to \"1h\""),
        (assertion("kid = \"a\", key_id = \"b\""), "key_id", "kid"),
    ] {
        let error = instead_of_the_secret(&bad).expect_err(&bad);
        let (error, help) = (error.to_string(), error.remedy().to_owned());
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
    }
    let good = instead_of_the_secret(&assertion("kid = \"a\"")).unwrap();
    let secrets = good.connections[0].secrets().unwrap();
    assert!(secrets.iter().any(|(name, _)| *name == "oracle.assertion.key"), "config check reads it, too");
}

#[test]
fn a_key_that_is_of_no_use_is_told_at_its_place_and_never_repeated() {
    let env = |_: &str| None;
    let signer = |lines: &str| {
        let config = instead_of_the_secret(lines).unwrap();
        let Some(assertion) = config.connections[0].oracle.assertion.clone() else { unreachable!() };
        assert!(!format!("{config:?}").contains("MIIE"), "no key in Debug");
        assertion.signer(&env)
    };
    for (key, says, remedy) in [
        ("encrypted-key.pem", "encrypted", "-nocrypt"),
        ("encrypted-key-pkcs1.pem", "encrypted", "-nocrypt"),
        ("public-key.pem", "not a private key in PEM", "BEGIN PRIVATE KEY"),
        ("ec-key.pem", "not an RSA key", "genpkey -algorithm RSA"),
        ("small-key.pem", "fewer than 2048 bits", "rsa_keygen_bits:3072"),
    ] {
        let pem = std::fs::read_to_string(format!("{FIXTURES}/{key}")).unwrap();
        for written in [format!("{{ file = \"{FIXTURES}/{key}\" }}"), format!("\"\"\"\n{pem}\"\"\"")] {
            let lines = format!("[connection.oracle.assertion]\nkid = \"a\"\nkey = {written}");
            let (before, after) = FINE.split_once(SECRET).unwrap();
            let (rest, next) = after.split_once("\n[connection.pipedrive]").unwrap();
            let text = format!("{before}{rest}\n{lines}\n[connection.pipedrive]{next}");
            let config = Config::parse(&text, "ml-connector.toml").unwrap();
            let Some(assertion) = &config.connections[0].oracle.assertion else { unreachable!() };
            let error = assertion.signer(&env).unwrap_err();
            assert!(error.to_string().contains(says) && error.remedy().contains(remedy), "{key}: {error}");
            let (line, _) = error.line_column().unwrap();
            assert!(text.lines().nth(line - 1).unwrap().starts_with("key = "), "{key}: line {line}");
            let told = format!("{} {error:?} {config:?}", render(&error, false));
            let secret = pem.lines().nth(4).unwrap();
            assert!(!told.contains(secret), "{told}");
        }
    }
    let with = |key: &str, certificate: &str| {
        signer(&format!(
            "assertion = {{ key = {{ file = \"{FIXTURES}/{key}\" }}, certificate = \"{FIXTURES}/{certificate}\" }}"
        ))
    };
    let (_, name) = with("key.pem", "certificate.pem").unwrap();
    assert_eq!(name.x5t.as_deref(), Some("RCN9QaGHpfqKNP7pIjWnr2HXJgk"));
    assert_eq!(name.x5t_s256.as_deref(), Some("37ebdj6Cgap2nsVoWal60tekACaB8gKS3Ui_LU8nWPA"));
    for (key, certificate, says, remedy) in [
        ("other-key.pem", "certificate.pem", "belongs to another key", "fusion-credentials.md"),
        ("key.pem", "key.pem", "not a certificate in PEM", "BEGIN CERTIFICATE"),
        ("key.pem", "none.pem", "cannot be read", "BEGIN CERTIFICATE"),
    ] {
        let error = with(key, certificate).unwrap_err();
        assert!(error.to_string().contains(says) && error.remedy().contains(remedy), "{error}");
        assert!(error.line_column().is_some());
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

/// The example with more in its `[web]`.
fn with_web(more: &str) -> String {
    FINE.replace("[web]", &format!("[web]\n{more}"))
}

#[test]
fn the_door_has_to_make_sense() {
    for (bad, says, remedy) in [
        ("tls = { cert = \"\", key = \"k.pem\" }", "empty", "docs/config.md"),
        ("tls = { cert = \"c.pem\" }", "`key` is missing", "add `key`"),
        ("tls = { cert = \"c.pem\", key = \"k.pem\", ca = \"x\" }", "unknown key `ca`", "cert, key"),
        ("tls = \"c.pem\"", "expected a table", "write a table"),
        ("trusted_proxies = [\"10.0.0.0\"]", "not a network", "10.0.0.0/8"),
        ("trusted_proxies = [\"10.0.0.0/33\"]", "not a network", "10.0.0.0/8"),
        ("trusted_proxies = [\"proxy.example.com\"]", "not a network", "10.0.0.0/8"),
        ("token = \"\"", "secret is empty", "env"),
        ("token = 16", "a secret is a string", "env"),
    ] {
        let text = with_web(bad);
        let error = Config::parse(&text, "ml-connector.toml").expect_err(bad);
        assert!(error.to_string().contains(says), "{bad}: {error}");
        assert!(error.remedy().contains(remedy), "{bad}: {}", error.remedy());
        let line = error.line_column().and_then(|(line, _)| text.lines().nth(line - 1));
        assert_eq!(line, Some(bad));
    }
    let fine = with_web("trusted_proxies = [\"10.1.2.3/8\", \"::1/128\"]");
    let config = Config::parse(&fine, "ml-connector.toml").unwrap();
    assert_eq!(config.web.trusted_proxies[0].to_string(), "10.0.0.0/8");
    assert!(config.web.token(&|_| None).unwrap().is_none() && config.web.tls.is_none());
}

#[test]
fn alerts_have_to_reach_somebody_and_never_show_where() {
    const HOOK: &str = "webhook_url = \"https://hooks.example.com/token-1\"";
    for (bad, says, remedy) in [
        ("ping_every = \"5m\"".to_owned(), "nobody would be told", "webhook_url = "),
        (
            "ping_url = \"https://ping.example.com\"\nsecret = \"x\"".to_owned(),
            "could be signed",
            "webhook_url = ",
        ),
        ("webhook_url = \"\"".to_owned(), "secret is empty", "env"),
        (format!("{HOOK}\nbroken_after = \"5s\""), "outside 60s to 24h", "a duration from"),
        (format!("{HOOK}\nwon_deal_after = \"721h\""), "outside 60s to 720h", "a duration from"),
        (format!("{HOOK}\nlook_every = \"1s\""), "outside 10s to 10m", "a duration from"),
        (
            format!("{HOOK}\nping_url = \"https://p.example.com\"\nping_every = \"10s\""),
            "more often",
            "look_every",
        ),
        (format!("{HOOK}\nurl = \"https://x.example.com\""), "unknown key `url`", "webhook_url"),
    ] {
        let (error, _, help) = told(&format!("[alerts]\n{bad}"));
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
    }
    let resolved = |address: &str, secret: &str| {
        let text = "[alerts]\nwebhook_url = { env = \"URL\" }\nsecret = { env = \"KEY\" }";
        let config = Config::parse(&format!("{FINE}\n{text}"), "ml-connector.toml").unwrap();
        let env = |name: &str| Some(if name == "URL" { address } else { secret }.to_owned());
        config.alerts.unwrap().webhook(&env).map(|found| found.is_some())
    };
    let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert!(resolved("https://hooks.example.com/services/T1/token-1?a=b", key).unwrap());
    assert!(resolved("http://127.0.0.1:9000/hook", "a text that nobody will guess").unwrap());
    for (address, secret, says) in [
        ("hooks.example.com", key, "not the address of a web service"),
        ("ftp://hooks.example.com/token-1", key, "not the address of a web service"),
        ("http://hooks.example.com/token-1", key, "over https only"),
        ("https://me:token-1@hooks.example.com/", key, "is not sent"),
        ("https://hooks.example.com/", "whsec_token-1", "no base64"),
        ("https://hooks.example.com/", "token-1", "fewer than 24"),
        ("https://hooks.example.com/", "", "KEY is empty"),
    ] {
        let error = resolved(address, secret).unwrap_err();
        assert!(error.to_string().contains(says) && error.line_column().is_some(), "{address}: {error}");
        let shown = format!("{} {error:?}", render(&error, false));
        assert!(!shown.contains("token-1"), "{shown}");
    }
    let plain = format!("{FINE}\n[alerts]\n{HOOK}\nlook_every = \"1s\"");
    let error = Config::parse(&plain, "ml-connector.toml").unwrap_err();
    assert!(!render(&error, false).contains("token-1"), "an address that is a secret is masked");
}

#[test]
fn the_token_is_long_enough_and_never_shown() {
    let token = |value: &str| {
        let text = with_web("token = { env = \"MLC_TOKEN\" }");
        let config = Config::parse(&text, "ml-connector.toml").unwrap();
        config.web.token(&|_| Some(value.to_owned())).map(|token| format!("{token:?}"))
    };
    assert_eq!(token("0123456789abcdef").unwrap(), "Some(Token(redacted))");
    let error = token("0123456789abcde").unwrap_err();
    assert!(error.to_string().contains("fewer than 16") && error.remedy().contains("openssl"), "{error}");
    assert!(!super::render(&error, false).contains("0123456789"));
    let text = with_web("token = \"0123456789\"");
    let config = Config::parse(&text, "ml-connector.toml").unwrap();
    let error = config.web.token(&|_| None).unwrap_err();
    assert!(error.line_column().is_some() && !super::render(&error, false).contains("0123456789"));
}

#[test]
fn certificates_start_at_the_folder_of_the_file_and_are_told_when_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ml-connector.toml");
    let text = with_web("tls = { cert = \"cert.pem\", key = \"key.pem\" }");
    let config = Config::parse(&text, file.to_str().unwrap()).unwrap();
    let tls = config.web.tls.unwrap();
    assert_eq!(tls.cert, folder.path().join("cert.pem"));
    let error = tls.load().unwrap_err();
    assert!(error.to_string().contains("cert.pem cannot be read"), "{error}");
    assert!(error.line_column().is_some() && error.remedy().contains("existing file"));
    std::fs::write(folder.path().join("cert.pem"), "").unwrap();
    assert!(tls.load().unwrap_err().to_string().contains("key.pem cannot be read"));
    std::fs::write(folder.path().join("key.pem"), "").unwrap();
    assert!(tls.load().unwrap_err().to_string().contains("cert.pem holds no certificate"));
}

const UNIT: &str = "[[connection.customers_from_crm.business_unit]]\nname = \"US1\"\nset_id = 7";

#[test]
fn what_sets_a_handover_off_must_not_be_everything_or_nothing() {
    let mark = "mark = { label = \"Send to ERP\" }";
    for (bad, says, remedy) in [
        ("on = []", "nothing would ever set it off", "deal_won"),
        ("on = [\"org_created\"]", "every organization that anybody enters", "approval = \"review\""),
        ("on = [\"deal_won\", \"org_assigned\"]", "that is given to somebody else", "mark = { label"),
        ("require_mark = true", "there is no mark", "mark = { label"),
        ("contact_usage = \"\"", "no such code", "at most 30 characters"),
        ("mark = {}", "neither a label nor a custom field", "{ label = \"Send to ERP\" }"),
        ("mark = { label = \"a\", field = \"b\", values = [\"c\"] }", "at once", "or { field"),
        ("mark = { field = \"Send to ERP\" }", "what the field has to say", "values = [\"Yes\"]"),
        (
            "mark = { field = \"Send to ERP\", values = [\" \"] }",
            "what the field has to say",
            "values = [\"Yes\"]",
        ),
    ] {
        let (error, line, help) = told(&format!("[connection.customers_from_crm]\n{bad}\n{UNIT}"));
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
        assert_eq!(line, bad);
    }
    let (error, ..) = told(&format!(
        "[connection.customers_from_crm]\nmark = {{ label = \"a\", values = [\"b\"] }}\n{UNIT}"
    ));
    assert!(error.contains("nothing but its name"), "{error}");
    let field = "when = { field = { name = \"Region\", value = \" \" } }";
    let (error, ..) = told(&format!("[connection.customers_from_crm]\n{UNIT}\n{field}"));
    assert!(error.contains("names no custom field"), "{error}");
    for (bad, says) in [
        ("currency = \"Dollar\"", "is not a currency"),
        ("payment_terms = \"thirty days after somebody looked\"", "have shorter names"),
    ] {
        let (error, line, _) = told(&format!("[connection.customers_from_crm]\n{UNIT}\n{bad}"));
        assert!(error.contains(says), "{error}");
        assert_eq!(line, bad);
    }
    let unit = format!("{UNIT}\ncurrency = \"EUR\"\npayment_terms = \" 30 Net \"\n");
    let text = format!("{FINE}\n[connection.customers_from_crm]\n{unit}");
    let config = Config::parse(&text, "ml-connector.toml").unwrap();
    let policy = crate::wire::handover_policy(&config.connections[0]).unwrap();
    let unit = &policy.business_units[0];
    assert_eq!((unit.currency.as_deref(), unit.payment_terms.as_deref()), (Some("EUR"), Some("30 Net")));

    let fine = |more: &str, unit: &str| {
        let text = format!("{FINE}\n[connection.customers_from_crm]\n{more}\n{UNIT}\n{unit}\n");
        let config = Config::parse(&text, "ml-connector.toml").unwrap();
        crate::wire::handover_policy(&config.connections[0]).unwrap().interest()
    };
    fine("on = [\"org_created\", \"org_assigned\"]\napproval = \"review\"", "");
    let by_label =
        fine(&format!("on = [\"org_created\", \"org_assigned\"]\n{mark}\nrequire_mark = true"), "");
    assert!(by_label.labels && by_label.fields.is_empty());
    let by_field = fine(
        "mark = { field = \"Send to ERP\", values = [\"Yes\", \"Urgently\"] }",
        "when = { field = { name = \"Region\", value = \"EMEA\" } }",
    );
    assert_eq!(by_field.fields, ["Send to ERP", "Region"]);
    assert!(!by_field.labels && fine("", "").asks_nothing());
}

#[test]
fn what_is_shown_of_a_customer_are_few_fields_and_a_link_that_differs() {
    use sync_core::handover::AnswerField::{AccountNumber, CustomerId, Link, Status};
    let rules = |more: &str| {
        let text = format!("{FINE}\n[connection.customers_from_crm]\n{more}\n{UNIT}\n");
        let config = Config::parse(&text, "ml-connector.toml").unwrap();
        crate::wire::handover_policy(&config.connections[0]).unwrap().answers
    };
    let plain = rules("");
    assert_eq!(plain.deal, [CustomerId, AccountNumber, Status].into());
    assert_eq!(plain.org, [Status].into(), "the rest is mapped there already");
    assert_eq!(plain.link, None);
    let linked = rules("answer = []\nlink_template = \"https://{host}/customers/{party_id}\"");
    assert_eq!((linked.deal, linked.org), ([Link].into(), [Link].into()));
    assert!(linked.link.unwrap().ends_with("/customers/{party_id}"));
    for (bad, says) in [
        ("link_template = \"https://{host}/{party}\"", "a placeholder that nobody knows"),
        ("link_template = \"https://{host}/customers\"", "the same address for all customers"),
        ("link_template = \"{host}/{party_id}\"", "not an address"),
    ] {
        let (error, line, help) = told(&format!("[connection.customers_from_crm]\n{bad}\n{UNIT}"));
        assert!(error.contains(says) && help.contains("{account_number}"), "{bad}: {error}; {help}");
        assert_eq!(line, bad);
    }
}

#[test]
fn documents_have_to_find_their_deal_and_to_be_shown() {
    use sync_core::documents::{DocumentKind, How};
    let reference = |text: &str| format!("[[connection.documents.deal_reference]]\n{text}");
    for (bad, says, remedy) in [
        ("kinds = []", "no document would be read", "kinds = [\"invoice\"]"),
        ("fields = []\nnote = false", "nothing would be shown", "note = true"),
        ("match_by_customer = false", "ever find its deal", "deal_reference"),
        ("kinds = [\"purchase_order\"]", "ever find its deal", "deal_reference"),
        ("since = \"5m\"", "outside 1h to", "a duration from"),
        ("poll_every = \"1s\"", "outside 10s", "a duration from"),
        ("links = { invoice = \"erp.example.com/{id}\" }", "does not begin with https://", "a whole address"),
        (
            "links = { invoice = \"https://erp.example.com/\" }",
            "neither {id} nor {number}",
            "where the document",
        ),
        (&reference("field = \"Colour\"\npattern = \"PD-{deal_id}\""), "a field \"Colour\"", "PurchaseOrder"),
        (
            &reference("field = \"DFF:Deal\"\npattern = \"PD-{deal_id}\"\nkinds = [\"sales_order\"]"),
            "of invoices and purchase orders only",
            "leave kinds out",
        ),
        (&reference("field = \"PurchaseOrder\""), "how the field names a deal", "deal_field"),
        (
            &reference("field = \"PurchaseOrder\"\npattern = \"PD-{deal_id}\"\ndeal_field = \"PO\""),
            "two ways at once",
            "two tables",
        ),
        (&reference("field = \"PurchaseOrder\"\npattern = \"PD-\""), "has no `{deal_id}`", "PD-{deal_id}"),
        (&reference("field = \"PurchaseOrder\"\ndeal_field = \" \""), "names no custom field", "Customer PO"),
        (
            &reference("field = \"PurchaseOrder\"\npattern = \"PD-{deal_id}\"\nsource_system = \"OPS\""),
            "only sales orders tell",
            "remove source_system",
        ),
    ] {
        let (error, _, help) = told(&format!("[connection.documents]\n{bad}"));
        assert!(error.contains(says) && help.contains(remedy), "{bad}: {error}; {help}");
    }
    let text = format!(
        "{FINE}\n[connection.documents]\nsince = \"30d\"\n{}\n{}\n",
        reference("field = \"PurchaseOrder\"\npattern = \"PD-{deal_id}\""),
        reference("field = \"PurchaseOrder\"\ndeal_field = \"Customer PO\""),
    );
    let config = Config::parse(&text, "ml-connector.toml").unwrap();
    let documents = config.connections[0].documents.as_ref().unwrap();
    assert_eq!(documents.since, jiff::SignedDuration::from_hours(720));
    let policy = documents.policy();
    assert_eq!((policy.kinds.len(), policy.fields.len(), policy.references.len()), (4, 5, 2));
    assert!(policy.kinds.contains(&DocumentKind::CreditMemo));
    assert!(matches!(&policy.references[1].how, How::DealField(field) if field == "Customer PO"));
    let interest = crate::wire::interest(&config.connections[0]);
    assert_eq!((interest.fields, interest.rolled.len()), (vec!["Customer PO".to_owned()], 5));
}
