//! Masks what may be secret in the text of a configuration file before a snippet of it is shown.
//!
//! The rule is an allow-list: only values of keys known to hold no secret stay readable. A mistyped
//! `api_tokn = "..."`, a line without its equals sign and a file that is not TOML at all are therefore masked
//! too. Every masked byte becomes one `*`, so spans into the text stay valid.

/// Keys whose values may be shown. `env` and `file` name a place, not a secret.
const SHOWN: &[&str] = &[
    "account_required",
    "api_version",
    "audience",
    "authorize_url",
    "base_url",
    "batch",
    "broken_after",
    "burst",
    "cert",
    "client_id",
    "concurrency",
    "creates",
    "crm_poll_every",
    "customer_usages",
    "currency",
    "daily_tokens",
    "deactivations",
    "deleted",
    "enabled",
    "env",
    "except",
    "expression",
    "file",
    "id",
    "inactive",
    "kid",
    "lease",
    "life",
    "listen",
    "look_every",
    "margin",
    "max_share",
    "merged",
    "more",
    "name",
    "only",
    "organization_deleted",
    "organization_merged",
    "organization_returned",
    "overlap",
    "owner",
    "owner_id",
    "page_size",
    "ping_every",
    "pkce",
    "plan",
    "poll_every",
    "redirect_url",
    "reserve",
    "returned",
    "revoke_url",
    "safety",
    "scope",
    "search_burst",
    "seats",
    "settle",
    "source_system",
    "sweep_every",
    "timeout",
    "trusted_proxies",
    "token_url",
    "type",
    "update_share",
    "url",
    "visible_to",
    "won_deal_after",
    "x5t",
    "x5t_s256",
];

/// The same text, of the same length in bytes, with everything masked that may be secret.
pub(super) fn mask(text: &str) -> String {
    let mut masker = Masker { text, out: String::with_capacity(text.len()), at: 0, shown: false };
    let mut line_start = true;
    while let Some(next) = masker.peek() {
        match next {
            '\n' => {
                masker.keep(1);
                line_start = true;
            }
            ' ' | '\t' | '\r' => masker.keep(1),
            // A bracket too many does not make a setting a table.
            '[' if line_start && !masker.rest()[..masker.line_len()].contains('=') => masker.keep_line(),
            '#' => masker.comment(),
            '=' => {
                masker.shown = masker.key_before().is_some_and(|key| SHOWN.contains(&key));
                masker.keep(1);
                line_start = false;
            }
            '{' | '}' | '[' | ']' | ',' => {
                masker.keep(1);
                line_start = false;
            }
            '"' | '\'' => {
                masker.string(next);
                line_start = false;
            }
            _ => {
                masker.word();
                line_start = false;
            }
        }
    }
    userinfo(&masker.out)
}

struct Masker<'a> {
    text: &'a str,
    out: String,
    at: usize,
    shown: bool,
}

impl<'a> Masker<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn keep(&mut self, len: usize) {
        self.out.push_str(&self.text[self.at..self.at + len]);
        self.at += len;
    }

    fn hide(&mut self, len: usize) {
        for c in self.text[self.at..self.at + len].chars() {
            if c == '\n' {
                self.out.push('\n');
            } else {
                self.out.extend(std::iter::repeat_n('*', c.len_utf8()));
            }
        }
        self.at += len;
    }

    fn line_len(&self) -> usize {
        self.rest().find('\n').unwrap_or(self.rest().len())
    }

    fn keep_line(&mut self) {
        self.keep(self.line_len());
    }

    /// A comment may hold a setting that was switched off: the rule for settings applies to it.
    fn comment(&mut self) {
        let len = self.line_len();
        let body = &self.rest()[1..len];
        self.keep(1);
        let key = body.split_once('=').map(|(key, _)| key.trim());
        match key {
            Some(key) if !SHOWN.contains(&key) => {
                let key_len = body.find('=').unwrap_or(0) + 1;
                self.keep(key_len);
                self.hide(body.len() - key_len);
            }
            _ => self.keep(body.len()),
        }
    }

    /// The bare or quoted key that ends just before the equals sign.
    fn key_before(&self) -> Option<&'a str> {
        let before = self.text[..self.at].trim_end_matches([' ', '\t']);
        let before = before.trim_end_matches(['"', '\'']);
        let start = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        Some(&before[start.map_or(0, |i| i + before[i..].chars().next().map_or(1, char::len_utf8))..])
    }

    fn string(&mut self, quote: char) {
        let long: String = std::iter::repeat_n(quote, 3).collect();
        let triple = self.rest().starts_with(&long);
        let width = if triple { 3 } else { 1 };
        let body = &self.rest()[width..];
        let len = match (triple, end_of_string(body, quote, triple)) {
            (_, Some(end)) => end,
            (true, None) => body.len(),
            (false, None) => body.find('\n').unwrap_or(body.len()),
        };
        let closed = body[len..].starts_with(quote);
        let after = body[len..].trim_start_matches(quote).trim_start_matches([' ', '\t']);
        let is_key = closed && after.starts_with('=') && self.begins_a_key();
        self.keep(width);
        if self.shown || is_key {
            self.keep(len);
        } else {
            self.hide(len);
        }
        if closed {
            self.keep(width);
        }
    }

    /// Whether a key could begin here: a value that an equals sign follows is none.
    fn begins_a_key(&self) -> bool {
        let before = self.text[..self.at].trim_end_matches([' ', '\t']);
        let line = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        line.trim_start_matches([' ', '\t', '[']).is_empty() || before.ends_with(['{', ',', '.'])
    }

    /// A bare word: a key if an equals sign (or a dot) follows, else a value.
    fn word(&mut self) {
        let rest = self.rest();
        let len = rest.find(['\n', '=', ',', '{', '}', '[', ']', '#', '"', '\'']).unwrap_or(rest.len());
        let is_key =
            rest[len..].starts_with('=') && self.begins_a_key() && !rest[..len].trim().contains([' ', '\t']);
        if is_key || self.shown {
            self.keep(len);
            return;
        }
        // A key whose equals sign was forgotten stays readable, what follows it does not.
        let line_start = self.text[..self.at].rfind('\n').map_or(0, |newline| newline + 1);
        let first_on_line = self.text[line_start..self.at].trim().is_empty();
        let key =
            rest[..len].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(len);
        if first_on_line {
            self.shown = false;
            let blanks = rest[key..len].len() - rest[key..len].trim_start().len();
            self.keep(key + blanks);
            self.hide(len - key - blanks);
        } else {
            self.hide(len);
        }
    }
}

fn end_of_string(body: &str, quote: char, triple: bool) -> Option<usize> {
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => {
                chars.next();
            }
            '\n' if !triple => return None,
            c if c == quote && (!triple || body[at..].starts_with(&String::from_iter([quote; 3]))) => {
                return Some(at);
            }
            _ => {}
        }
    }
    None
}

/// Masks the password in `scheme://user:password@host` and the value of `password=`.
fn userinfo(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        out.push_str(&mask_between(&mask_password_parameter(line)));
    }
    out
}

fn mask_between(line: &str) -> String {
    let Some(start) = line.find("://").map(|at| at + 3) else { return line.to_owned() };
    let authority_end = line[start..].find(['/', '"', '\'', ' ', '\n']).map_or(line.len(), |end| start + end);
    // An unescaped slash in a password would end the authority early: look for the last @ on the line too.
    let at = line[start..authority_end].rfind('@').map(|at| start + at).or_else(|| line.rfind('@'));
    match (at, line[start..].find(':').map(|colon| start + colon + 1)) {
        (Some(at), Some(from)) if from <= at => {
            format!("{}{}{}", &line[..from], "*".repeat(at - from), &line[at..])
        }
        _ => line.to_owned(),
    }
}

fn mask_password_parameter(line: &str) -> String {
    const KEY: &str = "password=";
    let Some(from) = line.find(KEY).map(|at| at + KEY.len()) else { return line.to_owned() };
    let end = line[from..].find(['&', '"', '\'', '\n']).map_or(line.len(), |end| from + end);
    format!("{}{}{}", &line[..from], "*".repeat(end - from), &line[end..])
}

#[cfg(test)]
mod tests {
    use super::mask;

    fn check(text: &str, masked: &str) {
        assert_eq!(mask(text), masked);
        assert_eq!(mask(text).len(), text.len());
    }

    #[test]
    fn known_harmless_values_stay_readable() {
        let text = "[store]\nurl = \"sqlite://./x.db\" # or postgres://...\n[[connection]]\nname = 'acme'\nbatch = 5\n";
        check(text, text);
        let text = "customer_usages = [\n  \"CUSTOMER\",\n]\nclient_secret = { env = \"A\" } # it's fine\n";
        check(text, text);
    }

    #[test]
    fn secrets_and_unknown_keys_are_masked() {
        check("api_token = \"abc\"\nplan = \"lite\"", "api_token = \"***\"\nplan = \"lite\"");
        check("api_tokn = 'abc' # x", "api_tokn = '***' # x");
        check("api_token = 12345", "api_token = *****");
        check("api_token = \"a\\\"b\"", "api_token = \"****\"");
        check("client_secret = { value = \"ü\" }", "client_secret = { value = \"**\" }");
        check(
            "oauth = { client_id = \"id\", refresh_token = \"r\" }",
            "oauth = { client_id = \"id\", refresh_token = \"*\" }",
        );
        check("api_token = \"\"\"\na\nb\"\"\"\nname = \"x\"", "api_token = \"\"\"\n*\n*\"\"\"\nname = \"x\"");
    }

    #[test]
    fn broken_lines_and_comments_are_masked() {
        check("api_token \"abc\"", "api_token \"***\"");
        check("api_token: abc", "api_token*****");
        check("api_token = \"abc\" = 1", "api_token = \"***\" = *");
        check("api_token abc = 1", "api_token ****= *");
        check("[api_token = \"abc\"", "[api_token = \"***\"");
        check("x = { \"b\" = 1 }", "x = { \"b\" = **}");
        check("api_token = \"abc\nplan = \"lite\"", "api_token = \"***\nplan = \"lite\"");
        check("# api_token = \"abc\"\n# it's a note", "# api_token =******\n# it's a note");
    }

    #[test]
    fn passwords_in_urls_are_masked() {
        check("url = \"postgres://me:p/w@db/x\"", "url = \"postgres://me:***@db/x\"");
        check("url = \"postgres://db/x?password=pw&a=b\"", "url = \"postgres://db/x?password=**&a=b\"");
    }
}
