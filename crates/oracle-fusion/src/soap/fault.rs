//! Faults: always HTTP 500 with a `Fault` in the body, and then final (oracle-fusion.md 1.4). A 500 without one may
//! come from anywhere.

use saas_http::Reply;
use sync_core::{
    error::{CallError, ErrorKind},
    text,
};

use super::{
    ENVELOPE,
    tree::{Element, parse},
};

/// The code that says that there is no such record.
const MISSING: &str = "FND_CMN_RCRD_MSNG";

/// Characters of one text of a fault: the codes are to fit into the message in any case.
const TEXT: usize = 150;

/// What a fault says.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Its words and codes in one line.
    pub(crate) words: String,
    /// The record that was asked for does not exist.
    missing: bool,
}

impl Fault {
    /// The fault of an answer, if it has one. What a gateway says in the shape of a fault (503 and such) is none.
    pub(crate) fn of(reply: &Reply<'_>) -> Option<Self> {
        match reply.status.as_u16() {
            408 | 425 | 429 => None,
            400..=500 => Self::read(reply.body),
            _ => None,
        }
    }

    fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok().filter(|text| text.contains("Fault"))?;
        let envelope = parse(text).ok().filter(|root| root.is(ENVELOPE, "Envelope"))?;
        let body = envelope.all(ENVELOPE, "Body").next()?;
        body.all(ENVELOPE, "Fault").next().map(Self::from)
    }

    /// What to do about it.
    pub(crate) fn kind(&self, status: u16) -> ErrorKind {
        match status {
            401 => ErrorKind::Unauthorized,
            403 => ErrorKind::Forbidden,
            _ if self.missing => ErrorKind::Missing,
            _ => ErrorKind::Rejected,
        }
    }
}

/// Whether a refusal is the fault that says that there is no such record. A 404 is not: the whole service is absent.
pub(crate) fn is_missing_record(error: &CallError) -> bool {
    error.kind == ErrorKind::Missing && error.message.contains(MISSING)
}

impl From<&Element> for Fault {
    fn from(fault: &Element) -> Self {
        let mut errors = Vec::new();
        fault.below("ServiceErrorMessage", &mut errors);
        let codes: Vec<String> = errors.iter().filter_map(|error| one(error, "code")).collect();
        let mut culprits = Vec::new();
        let mut details = Vec::new();
        for error in &errors {
            error.below("detail", &mut details);
        }
        for detail in details.iter().chain(&errors) {
            let named = [one(detail, "attributeName"), one(detail, "objectName")];
            let named: Vec<String> = named.into_iter().flatten().collect();
            culprits.extend((!named.is_empty()).then(|| named.join(" of ")));
        }
        let mut texts: Vec<String> = one(fault, "faultstring").into_iter().collect();
        for error in errors.iter().chain(&details) {
            texts.extend(one(error, "message").iter().flat_map(|message| inner(message)));
        }
        let missing = codes.iter().any(|code| code.ends_with(MISSING));
        Self { words: sentence(&texts, &codes, &culprits), missing }
    }
}

/// The first text, the codes and culprits, then the texts that say something new.
fn sentence(texts: &[String], codes: &[String], culprits: &[String]) -> String {
    let mut fresh: Vec<String> = Vec::new();
    for text in texts {
        let text = text::bounded(text, TEXT).0;
        if !fresh.iter().any(|earlier| earlier.contains(&text)) {
            fresh.push(text);
        }
    }
    let mut fresh = fresh.into_iter();
    let first = fresh.next().unwrap_or_else(|| "a fault without words".to_owned());
    let mut marks: Vec<&str> = Vec::new();
    for mark in codes.iter().chain(culprits) {
        if !marks.contains(&mark.as_str()) {
            marks.push(mark);
        }
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join("; ")) };
    let rest: String = fresh.map(|text| format!("; {text}")).collect();
    format!("{first}{marks}{rest}")
}

fn one(element: &Element, name: &str) -> Option<String> {
    let child = element.named(name).find(|child| child.children.is_empty());
    text::present(child.map(|child| child.text.as_str()))
}

/// `<MESSAGE><TEXT>…</TEXT></MESSAGE>` inside a text; anything else is taken as it is.
fn inner(message: &str) -> Vec<String> {
    let Ok(tree) = parse(message) else { return vec![message.to_owned()] };
    let mut texts = Vec::new();
    tree.below("TEXT", &mut texts);
    let words: Vec<String> = texts.into_iter().filter_map(|text| text::present(Some(&text.text))).collect();
    if words.is_empty() { text::present(Some(&tree.text)).into_iter().collect() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(inside: &str) -> Option<Fault> {
        let text = format!(
            "<env:Envelope xmlns:env=\"{ENVELOPE}\"><env:Header/><env:Body><env:Fault>{inside}</env:Fault>\
             </env:Body></env:Envelope>"
        );
        Fault::read(text.as_bytes())
    }

    const BARE: &str = "JBO-27024: Failed to validate a row";

    #[test]
    fn every_text_is_said_once_with_code_and_culprit() {
        let inside = "<faultcode>env:Server</faultcode><faultstring>JBO-1: It is wrong</faultstring><detail>\
            <t:ServiceErrorMessage xmlns:t=\"urn:e\"><t:code>27014</t:code><t:severity>SEVERITY_ERROR</t:severity>\
            <t:message>&lt;MESSAGE&gt;&lt;TEXT&gt;JBO-1: It is wrong&lt;/TEXT&gt;&lt;/MESSAGE&gt;</t:message>\
            <t:detail><t:message>&lt;MESSAGE&gt;&lt;TEXT&gt;PartyId &amp;amp; more&lt;/TEXT&gt;&lt;/MESSAGE&gt;</t:message>\
            <t:attributeName>PartyId</t:attributeName><t:objectName>CustomerProfile</t:objectName></t:detail>\
            </t:ServiceErrorMessage></detail>";
        let fault = fault(inside).unwrap();
        assert_eq!(fault.words, "JBO-1: It is wrong (27014; PartyId of CustomerProfile); PartyId & more");
        assert_eq!(fault.kind(500), ErrorKind::Rejected);
        assert_eq!((fault.kind(401), fault.kind(403)), (ErrorKind::Unauthorized, ErrorKind::Forbidden));
    }

    #[test]
    fn plain_and_empty_faults_have_words_too() {
        assert_eq!(fault(&format!("<faultstring>{BARE}</faultstring>")).unwrap().words, BARE);
        assert_eq!(fault("").unwrap().words, "a fault without words");
        let plain = "<faultstring>A</faultstring><detail><ServiceErrorMessage><code>X-1</code><message>B &lt; C</message>\
            </ServiceErrorMessage></detail>";
        assert_eq!(fault(plain).unwrap().words, "A (X-1); B < C");
    }

    #[test]
    fn a_long_text_does_not_push_the_code_out() {
        let code = "<detail><ServiceErrorMessage><code>FND:::FND_CMN_RCRD_MSNG</code></ServiceErrorMessage></detail>";
        let fault = fault(&format!("<faultstring>{}</faultstring>{code}", "x".repeat(5_000))).unwrap();
        assert!(fault.words.find(MISSING).unwrap() < 200);
        assert_eq!(fault.kind(500), ErrorKind::Missing);
    }

    #[test]
    fn what_is_no_fault_is_none() {
        for text in ["", "Fault", "<html>Fault</html>", "<Envelope><Body><Fault/></Body></Envelope>"] {
            assert!(Fault::read(text.as_bytes()).is_none(), "{text}");
        }
        let foreign = format!("<e:Envelope xmlns:e=\"{ENVELOPE}\"><e:Body><Fault/></e:Body></e:Envelope>");
        assert!(Fault::read(foreign.as_bytes()).is_none());
    }
}
