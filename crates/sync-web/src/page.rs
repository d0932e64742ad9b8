//! Pages for people: nothing from elsewhere, nothing that runs, nothing that is kept.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color:#222;\
background:#fff}h1{font-size:1.4em}dt{font-weight:bold}dd{margin:0 0 .6em}code{background:#eee;padding:0 .2em}";

/// A page under way. Everything that is put into it is escaped.
pub(crate) struct Page {
    title: String,
    body: String,
}

impl Page {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: escaped(title), body: String::new() }
    }

    /// A paragraph; what stands between backquotes is set as code.
    #[must_use]
    pub(crate) fn says(mut self, text: &str) -> Self {
        self.body.push_str(&format!("<p>{}</p>", with_code(text)));
        self
    }

    /// A way to another page of ours. `to` is a path that we made.
    #[must_use]
    pub(crate) fn leads(mut self, to: &str, text: &str) -> Self {
        self.body.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escaped(to), escaped(text)));
        self
    }

    /// Names and what belongs to them.
    #[must_use]
    pub(crate) fn lists(mut self, rows: &[(&str, String)]) -> Self {
        let rows = rows
            .iter()
            .map(|(name, text)| format!("<dt>{}</dt><dd>{}</dd>", with_code(name), with_code(text)));
        self.body.push_str(&format!("<dl>{}</dl>", rows.collect::<String>()));
        self
    }

    pub(crate) fn answer(self, status: StatusCode) -> Response {
        let Self { title, body } = self;
        let html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
        );
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
            STANDARD.encode(Sha256::digest(STYLE))
        );
        let fixed = HeaderValue::from_static;
        let mut headers: Vec<(HeaderName, HeaderValue)> = vec![
            (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
            (header::CACHE_CONTROL, fixed("no-store")),
            (header::REFERRER_POLICY, fixed("no-referrer")),
            (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        ];
        headers
            .extend(HeaderValue::from_str(&policy).map(|policy| (header::CONTENT_SECURITY_POLICY, policy)));
        let mut answer = (status, html).into_response();
        for (name, value) in headers {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    });
    parts.collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_elsewhere_is_text_and_nothing_else() {
        assert_eq!(
            with_code("<b>\"A\" & 'B'</b> `x<y`"),
            "&lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt; <code>x&lt;y</code>"
        );
        let page = Page::new("<i>").says("<script>").lists(&[("<a>", "<img>".to_owned())]);
        assert_eq!(page.title, "&lt;i&gt;");
        assert!(!page.body.contains("<script") && !page.body.contains("<img") && !page.body.contains("<a>"));
    }
}
