//! Deliveries: headers, a blank line, a body. The word `{hmac}` stands for the digest of the body, `{basic}` for credentials.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use pipedrive::{Encoding, HmacKeys, HookKeys, PipedriveHooks, Uninstalled};
use sha2::Sha256;
use sync_core::hooks::{Check, Delivery, HookVerifier};

use crate::harness::Target;

const DELIVERIES: Target<'_> = Target {
    name: "hooks",
    home: env!("CARGO_MANIFEST_DIR"),
    inputs: 1_000,
    words: &[
        "{hmac}",
        "{basic}",
        "authorization: {basic}",
        "x-signature: {hmac}",
        "Basic ",
        "meta",
        "entity",
        "entity_id",
        "object",
        "action",
        "webhook_id",
        "timestamp",
        "timestamp_micro",
        "data",
        "current",
        "previous",
        "status",
        "won",
        "organization",
        "deal",
        "id",
        "1.0e3",
        "9223372036854775807",
        "-9223372036854775808",
    ],
};

const USER: (&str, &str) = ("pipedrive", "hunter2");
const KEY: &str = "correct horse";

fn verifier(encoding: Encoding, all: bool) -> PipedriveHooks {
    let hmac = HmacKeys {
        header: "X-Signature".to_owned(),
        prefix: "sha256=".to_owned(),
        encoding,
        secrets: vec!["older".into(), KEY.into()],
    };
    let basic = vec![(USER.0.to_owned(), USER.1.into())];
    PipedriveHooks::new(&HookKeys { basic, hmac: Some(hmac), all }).unwrap()
}

fn digest(body: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn replaced(value: &[u8], word: &str, by: &str) -> Vec<u8> {
    let Some(at) = value.windows(word.len()).position(|window| window == word.as_bytes()) else {
        return value.to_vec();
    };
    [&value[..at], by.as_bytes(), &value[at + word.len()..]].concat()
}

/// Headers by lower-case name, and the body.
type Parts<'a> = (Vec<(String, Vec<u8>)>, &'a [u8]);

fn parts(input: &[u8]) -> Parts<'_> {
    let end = input.windows(2).position(|pair| pair == b"\n\n").map_or(input.len(), |end| end + 2);
    let (head, body) = input.split_at(end);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", USER.0, USER.1)));
    let hmac = format!("sha256={}", hex::encode(digest(body)));
    let headers = head.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let value = replaced(line[colon + 1..].trim_ascii(), "{hmac}", &hmac);
        let value = replaced(&value, "{basic}", &basic);
        Some((String::from_utf8_lossy(&line[..colon]).trim().to_lowercase(), value))
    });
    (headers.collect(), body)
}

fn delivery(input: &[u8]) {
    let (named, body) = parts(input);
    let headers = |name: &str| -> Vec<Vec<u8>> {
        let of = named.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        of.map(|(_, value)| value.clone()).collect()
    };
    for (encoding, all) in [(Encoding::Hex, false), (Encoding::Hex, true), (Encoding::Base64, false)] {
        let hooks = verifier(encoding, all);
        let sight = hooks.at_first_sight(&headers);
        let verified = hooks.verify(&Delivery { headers: &headers, body });
        if let Ok(vouched) = &verified {
            assert_eq!(sight, Ok(()), "whoever is right is not refused at first sight");
            let hmac = match encoding {
                Encoding::Hex => hex::encode(digest(body)),
                Encoding::Base64 => BASE64_STANDARD.encode(digest(body)),
            };
            let basic = BASE64_STANDARD.encode(format!("{}:{}", USER.0, USER.1));
            let holds = |value: &[u8], secret: &str| {
                String::from_utf8_lossy(value).to_lowercase().contains(&secret.to_lowercase())
            };
            for check in vouched {
                let right = match check {
                    Check::Basic => {
                        named.iter().any(|(name, value)| name == "authorization" && holds(value, &basic))
                    }
                    Check::Hmac => {
                        named.iter().any(|(name, value)| name == "x-signature" && holds(value, &hmac))
                    }
                };
                assert!(right, "{check:?} vouched for what it did not see");
            }
            assert!(!all || vouched.len() == 2, "all of them were asked for");
        }
        if let Err(refused) = verified {
            let said = refused.to_string();
            assert!(!said.contains(USER.1) && !said.contains(KEY), "a secret in {said}");
        }
    }
    let hooks = verifier(Encoding::Hex, false);
    match hooks.read(body) {
        Ok(Some(event)) => {
            assert!(event.record > 0 && !event.action.is_empty());
            assert!(event.key.len() <= 200 && event.action.len() <= 200);
            assert!(!event.key.chars().chain(event.action.chars()).any(char::is_control), "{event:?}");
            assert_eq!(hooks.read(body), Ok(Some(event)), "twice the same event is one");
        }
        Ok(None) => {}
        Err(why) => {
            assert!(!why.is_empty() && why.chars().count() <= 300, "{} characters", why.chars().count());
            assert!(!why.chars().any(char::is_control), "control characters in {why:?}");
        }
    }
    match Uninstalled::read(body) {
        Ok(told) => assert!(!told.client_id.is_empty()),
        Err(why) => assert!(!why.chars().any(char::is_control) && why.chars().count() <= 300, "{why:?}"),
    }
}

#[test]
fn fuzz_hooks() {
    DELIVERIES.run(delivery);
}
