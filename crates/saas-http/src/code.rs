//! A person's consent: the code that comes back is exchanged once, and a grant can be given back (RFC 6749, 7009, 7636).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header;
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sync_core::{
    error::{CallError, ErrorKind},
    ports::{Called, Clock},
};

use crate::{
    BaseUrl, OAuthClient, Reply, RequestTimeout, Transport,
    dialect::refusal_by_status,
    oauth::{TIMEOUT, unanswered},
    proof::Proof,
    token_reply::{self, CALL, Granted},
    transport::unmarked,
};

/// Name of the call that gives a grant back.
const REVOKE: &str = "oauth.revoke";

/// The way to an OAuth server.
#[derive(Clone)]
pub struct OAuthWay {
    /// The client as the server knows it.
    pub client: OAuthClient,
    /// The network.
    pub transport: Arc<dyn Transport>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// A code that a person brought back. No `Debug`: nothing in it may be shown.
pub struct Code {
    /// The code.
    pub code: SecretString,
    /// Where the person was sent back to, exactly as the authorization said.
    pub redirect_url: String,
    /// What the challenge was made of, where there was one.
    pub verifier: Option<SecretString>,
}

/// What a code was exchanged for.
#[derive(Debug)]
pub struct CodeGrant {
    /// The access token.
    pub access: SecretString,
    /// The refresh token, which is to be stored before anything is done with the other one.
    pub refresh: SecretString,
    /// How long the access token lives.
    pub life: SignedDuration,
    /// What was granted, if that was told.
    pub scopes: Option<Vec<String>>,
    /// Where the API is, if that was told.
    pub api_domain: Option<String>,
}

impl OAuthWay {
    /// Exchanges a code, once: a code whose answer is lost is lost, too.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] when code or client are refused, [`ErrorKind::Unreadable`] when no refresh token
    /// comes back, [`ErrorKind::Transient`] when there is no answer.
    pub async fn exchange(&self, code: &Code) -> Called<CodeGrant> {
        let Code { code, redirect_url, verifier } = code;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect_url.as_str()),
        ];
        form.extend(verifier.iter().map(|verifier| ("code_verifier", verifier.expose_secret())));
        let proof = self.client.proof.of(&self.client.id, self.clock.now())?;
        let answer = self.post(&self.client.token_url, CALL, &form, &proof).await?;
        let (parts, body) = answer.into_parts();
        let reply =
            Reply { status: parts.status, headers: &parts.headers, body: &body, now: self.clock.now() };
        let secrets: Vec<&SecretString> = [&proof.hidden, code].into_iter().chain(verifier).collect();
        let granted = token_reply::read(&reply, &secrets).map_err(|refused| refused.error)?;
        let Granted { access, refresh, life, scopes, api_domain } = granted;
        let refresh = refresh.ok_or_else(|| {
            let message = "the answer contains no refresh token";
            CallError::without_effect(CALL, ErrorKind::Unreadable, message)
        })?;
        Ok(CodeGrant { access, refresh, life, scopes, api_domain })
    }

    /// Gives a grant back by its refresh token; that it was none is no error.
    ///
    /// # Errors
    /// When there is no answer, or another one than success.
    pub async fn revoke(&self, revoke_url: &BaseUrl, refresh: &SecretString) -> Called<()> {
        let form = [("token", refresh.expose_secret()), ("token_type_hint", "refresh_token")];
        let proof = self.client.proof.of(&self.client.id, self.clock.now())?;
        let answer = self.post(revoke_url, REVOKE, &form, &proof).await?;
        let (parts, body) = answer.into_parts();
        if parts.status.is_success() {
            return Ok(());
        }
        let reply =
            Reply { status: parts.status, headers: &parts.headers, body: &body, now: self.clock.now() };
        // Its words might repeat what was sent.
        let message = format!("{} instead of 200", parts.status.as_u16());
        Err(CallError::without_effect(REVOKE, refusal_by_status(&reply), message))
    }

    async fn post(
        &self,
        url: &BaseUrl,
        call: &'static str,
        form: &[(&str, &str)],
        proof: &Proof,
    ) -> Called<http::Response<Bytes>> {
        let request = self.client.form(url, form, proof)?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| CallError { call, ..unanswered(&error) })?;
        tracing::debug!(call, status = answer.status().as_u16(), "answered");
        Ok(unmarked(answer))
    }
}

/// The challenge that a verifier answers (S256).
#[must_use]
pub fn challenge(verifier: &SecretString) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()))
}

/// Looks whether an authorization page takes a request: asks for it once, as a browser would, and follows nothing. A 4xx
/// is a no; whatever else comes, or does not come, is none.
pub async fn takes(transport: &dyn Transport, url: &str) -> bool {
    let request = http::Request::get(url).header(header::ACCEPT, "text/html");
    let Ok(request) = request.extension(RequestTimeout(TIMEOUT)).body(Bytes::new()) else { return true };
    match transport.send(request).await {
        Ok(answer) => !answer.status().is_client_error(),
        Err(_) => true,
    }
}
