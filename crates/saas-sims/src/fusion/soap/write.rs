//! Elements as text. Prefixes change from answer to answer (section 1.4): a client that reads `ns0:` by name fails.

use std::collections::BTreeMap;

use quick_xml::escape::escape;

use super::names::{ADDRESSING, ENVELOPE, ERRORS, XSI};
use super::xml::Element;

/// The document with a prefix per namespace, chosen anew each time. One namespace may be the default one.
pub(crate) fn document(root: &Element, rng: &mut fastrand::Rng) -> String {
    let prefixes = prefixes(root, rng);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    write(root, &prefixes, true, &mut out);
    out
}

fn prefixes<'a>(root: &'a Element, rng: &mut fastrand::Rng) -> BTreeMap<&'a str, String> {
    let mut prefixes = BTreeMap::from([(XSI, "xsi".to_owned())]);
    collect(root, &mut prefixes);
    let mut numbers: Vec<u8> = (0..=9).collect();
    rng.shuffle(&mut numbers);
    let mut numbers = numbers.into_iter();
    let default_at = rng.usize(0..8);
    for (at, (namespace, prefix)) in prefixes.iter_mut().enumerate() {
        *prefix = match *namespace {
            XSI => "xsi".to_owned(),
            ENVELOPE => "env".to_owned(),
            ADDRESSING => "wsa".to_owned(),
            ERRORS => "tns".to_owned(),
            _ if at == default_at => String::new(),
            _ => format!("ns{}", numbers.next().unwrap_or(10)),
        };
    }
    prefixes
}

fn collect<'a>(element: &'a Element, prefixes: &mut BTreeMap<&'a str, String>) {
    if !element.namespace.is_empty() {
        prefixes.entry(&element.namespace).or_default();
    }
    for child in &element.children {
        collect(child, prefixes);
    }
}

fn write(element: &Element, prefixes: &BTreeMap<&str, String>, root: bool, out: &mut String) {
    let prefix = prefixes.get(element.namespace.as_str()).map_or("", String::as_str);
    let name = if prefix.is_empty() { element.name.clone() } else { format!("{prefix}:{}", element.name) };
    out.push('<');
    out.push_str(&name);
    if root {
        for (namespace, prefix) in prefixes {
            let colon = if prefix.is_empty() { "" } else { ":" };
            out.push_str(&format!(" xmlns{colon}{prefix}=\"{}\"", escape(*namespace)));
        }
    } else if element.namespace.is_empty() && prefixes.values().any(String::is_empty) {
        out.push_str(" xmlns=\"\"");
    }
    if element.nil {
        out.push_str(" xsi:nil=\"true\"/>");
        return;
    }
    out.push('>');
    out.push_str(&escape(element.text.as_str()));
    for child in &element.children {
        write(child, prefixes, false, out);
    }
    out.push_str(&format!("</{name}>"));
}
