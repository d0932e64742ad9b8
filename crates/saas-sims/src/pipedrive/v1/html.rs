//! What is left of a note's HTML (section 6): known tags without attributes, links to http(s), text.

use super::settings::V1Settings;

const TABLES: [&str; 6] = ["table", "thead", "tbody", "tr", "th", "td"];
/// Elements that are dropped with what is in them.
const DROPPED: [&str; 5] = ["script", "style", "iframe", "template", "noscript"];

/// The note as it is stored: without scripts, comments, unknown tags and attributes; every tag closed; trimmed.
pub(super) fn sanitize(settings: &V1Settings, html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, markup) = rest.split_at(at);
        push_text(&mut out, text);
        rest = match tag_at(markup) {
            None => {
                out.push_str("&lt;");
                markup.get(1..).unwrap_or_default()
            }
            Some((Markup::Hidden, after)) => after,
            Some((Markup::Start { name, .. }, after)) if DROPPED.contains(&name.as_str()) => {
                skip_element(&name, after)
            }
            Some((Markup::Start { name, href }, after)) => {
                if knows(settings, &name) {
                    push_start(&mut out, &name, href.as_deref());
                    if name != "br" {
                        open.push(name);
                    }
                }
                after
            }
            Some((Markup::End { name }, after)) => {
                close(&mut out, &mut open, &name);
                after
            }
        };
    }
    push_text(&mut out, rest);
    while let Some(name) = open.pop() {
        out.push_str(&format!("</{name}>"));
    }
    out.trim().to_owned()
}

fn knows(settings: &V1Settings, name: &str) -> bool {
    settings.note_tags.iter().any(|tag| tag == name) || (settings.note_tables && TABLES.contains(&name))
}

enum Markup {
    /// A comment, a declaration, or a processing instruction.
    Hidden,
    Start {
        name: String,
        href: Option<String>,
    },
    End {
        name: String,
    },
}

/// The markup at the start of the text and what follows it; `None` when the `<` is only a character.
fn tag_at(text: &str) -> Option<(Markup, &str)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        return Some((Markup::Hidden, comment.split_once("-->").map_or("", |(_, after)| after)));
    }
    let inner = text.get(1..)?;
    if inner.starts_with(['!', '?']) {
        return Some((Markup::Hidden, inner.split_once('>').map_or("", |(_, after)| after)));
    }
    let closing = inner.starts_with('/');
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    if !inner.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let end = inner.find(|letter: char| letter.is_whitespace() || "/>".contains(letter));
    let (name, attributes) = inner.split_at(end.unwrap_or(inner.len()));
    let name = name.to_ascii_lowercase();
    let (href, after) = read_attributes(attributes);
    Some((if closing { Markup::End { name } } else { Markup::Start { name, href } }, after))
}

/// The `href` among the attributes, and what follows the tag.
fn read_attributes(mut rest: &str) -> (Option<String>, &str) {
    let mut href = None;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if rest.is_empty() {
            return (href, "");
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (href, after);
        }
        let end = rest.find(|letter: char| letter.is_whitespace() || "=>/".contains(letter));
        // A stray '=' counts as a name, so that every turn takes something.
        let end = end.unwrap_or(rest.len()).max(1);
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after.trim_start();
        let Some(given) = rest.strip_prefix('=') else { continue };
        let given = given.trim_start();
        let (value, after) = match given.chars().next() {
            Some(quote @ ('"' | '\'')) => given[1..].split_once(quote).unwrap_or((&given[1..], "")),
            _ => {
                let end = given.find(|letter: char| letter.is_whitespace() || letter == '>');
                given.split_at(end.unwrap_or(given.len()))
            }
        };
        if name.eq_ignore_ascii_case("href") && href.is_none() {
            href = Some(value.to_owned());
        }
        rest = after;
    }
}

/// What follows the end of a dropped element; nothing when it never ends.
fn skip_element<'a>(name: &str, text: &'a str) -> &'a str {
    let lower = text.to_ascii_lowercase();
    let end = lower.find(&format!("</{name}"));
    let tail = end.and_then(|at| text.get(at..)).unwrap_or_default();
    tail.split_once('>').map_or("", |(_, after)| after)
}

fn push_start(out: &mut String, name: &str, href: Option<&str>) {
    let http = |url: &&str| {
        let url = url.trim_start().to_ascii_lowercase();
        url.starts_with("http://") || url.starts_with("https://")
    };
    match href.filter(http) {
        Some(url) if name == "a" => {
            let url = url.trim().replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("<a href=\"{url}\">"));
        }
        Some(_) | None => out.push_str(&format!("<{name}>")),
    }
}

/// Closes the element and those that are still open in it; an end without a start is dropped.
fn close(out: &mut String, open: &mut Vec<String>, name: &str) {
    if !open.iter().any(|known| known == name) {
        return;
    }
    while let Some(last) = open.pop() {
        out.push_str(&format!("</{last}>"));
        if last == name {
            return;
        }
    }
}

/// Text; a `&` that starts no entity is escaped, and so is `>`.
fn push_text(out: &mut String, text: &str) {
    for (at, letter) in text.char_indices() {
        match letter {
            '>' => out.push_str("&gt;"),
            '&' if !is_entity(text.get(at + 1..).unwrap_or_default()) => out.push_str("&amp;"),
            other => out.push(other),
        }
    }
}

fn is_entity(after: &str) -> bool {
    let Some((name, _)) = after.split_once(';') else { return false };
    let name = name.strip_prefix('#').unwrap_or(name);
    (1..=31).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{V1Settings, sanitize};

    #[test]
    fn only_known_tags_text_and_links_are_left() {
        let cases = [
            ("<p>a</p>", "<p>a</p>"),
            ("  <p class=x style='y'>a<BR/>b</p>\n", "<p>a<br>b</p>"),
            ("a<!-- hidden -->b<!doctype html>c<?php ?>d", "abcd"),
            ("a<script>alert(1)</SCRIPT >b<style>p{}</style>c", "abc"),
            ("a<script>never closed", "a"),
            ("<h1>a</h1><span>b</span>", "ab"),
            (
                "<a href=\"https://x.example/?a=1&b=2\" target=_blank>x</a>",
                "<a href=\"https://x.example/?a=1&b=2\">x</a>",
            ),
            ("<a href=javascript:alert(1)>x</a>", "<a>x</a>"),
            ("<a title=\"a>b\" href='HTTP://x'>x</a>", "<a href=\"HTTP://x\">x</a>"),
            ("<ul><li><b>a</ul>", "<ul><li><b>a</b></li></ul>"),
            ("</p>a</b>", "a"),
            ("1 < 2 & 3 > 2 &amp; &#39; &nbsp;", "1 &lt; 2 &amp; 3 &gt; 2 &amp; &#39; &nbsp;"),
            ("<p onclick=x =y \"", "<p></p>"),
            ("<table><tr><td>1</td></tr></table>", "1"),
        ];
        for (given, kept) in cases {
            let once = sanitize(&V1Settings::default(), given);
            assert_eq!(once, kept, "{given}");
            assert_eq!(sanitize(&V1Settings::default(), &once), kept, "what was cleaned stays as it is");
        }
    }

    #[test]
    fn tables_survive_where_set() {
        let settings = V1Settings { note_tables: true, ..V1Settings::default() };
        let table = "<table><tbody><tr><td>1</td></tr></tbody></table>";
        assert_eq!(sanitize(&settings, table), table);
    }
}
