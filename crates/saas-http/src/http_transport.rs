//! The network. The only file of the program that sees reqwest.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::{RequestTimeout, Transport, TransportError, Unreached};

/// What may be set about the network.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The most time for DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// The most time for a request that brings no [`RequestTimeout`] of its own.
    pub timeout: Duration,
    /// The most bytes of one answer, after decompression.
    pub max_answer: usize,
    /// Certificates (PEM) of private authorities to trust beside the platform's.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            max_answer: 64 << 20,
            extra_roots: Vec::new(),
        }
    }
}

/// Sends requests over the network: rustls, no redirects, no cookies, gzip, bounded answers.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    timeout: Duration,
    max_answer: usize,
}

impl HttpTransport {
    /// Makes the one client of the process.
    ///
    /// # Errors
    /// When a certificate cannot be read or TLS cannot be set up.
    #[expect(clippy::disallowed_methods, reason = "the one place where the client is built")]
    pub fn new(settings: &HttpSettings) -> Result<Self, TransportError> {
        let mut roots = Vec::new();
        for pem in &settings.extra_roots {
            roots.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(|e| not_sent(&e))?);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("ml-connector/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.connect_timeout)
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(60))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .tls_certs_merge(roots)
            .build()
            .map_err(|e| not_sent(&e))?;
        Ok(Self { client, timeout: settings.timeout, max_answer: settings.max_answer })
    }

    async fn whole(&self, mut answer: reqwest::Response) -> Result<http::Response<Bytes>, TransportError> {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| lost(&e))? {
            if body.len() + chunk.len() > self.max_answer {
                return Err(TransportError::TooLarge { limit: self.max_answer });
            }
            body.extend_from_slice(&chunk);
        }
        let mut whole = http::Response::new(body.freeze());
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    #[expect(clippy::disallowed_methods, reason = "the one place where requests leave")]
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let timeout = request.extensions().get::<RequestTimeout>().map_or(self.timeout, |timeout| timeout.0);
        let mut request = reqwest::Request::try_from(request).map_err(|e| not_sent(&e))?;
        *request.timeout_mut() = Some(timeout);
        match self.client.execute(request).await {
            Ok(answer) => self.whole(answer).await,
            Err(error) if error.is_connect() || error.is_builder() => Err(not_sent(&error)),
            Err(error) => Err(lost(&error)),
        }
    }
}

fn not_sent(error: &reqwest::Error) -> TransportError {
    TransportError::NotSent { at: unreached(error), why: words(error) }
}

/// By the kinds of the causes. rustls's own errors come as invalid data, also when there is no TLS over there; that a
/// name is not known has no kind of its own.
fn unreached(error: &reqwest::Error) -> Unreached {
    if error.is_timeout() {
        return Unreached::Silence;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<std::io::Error>().map(kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => return Unreached::Refused,
            Some(std::io::ErrorKind::InvalidData) => return Unreached::Tls,
            _ if error.to_string().starts_with("dns error") => return Unreached::Name,
            _ => {}
        }
        if error.to_string().contains("tls handshake") {
            return Unreached::Tls;
        }
        cause = error.source();
    }
    Unreached::Other
}

fn lost(error: &reqwest::Error) -> TransportError {
    TransportError::Lost(words(error))
}

/// The kind of the innermost of nested errors: an outer one does not show them as its source.
fn kind(error: &std::io::Error) -> std::io::ErrorKind {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<std::io::Error>());
    inner.map_or(error.kind(), kind)
}

/// The innermost cause says most ("connection refused"); the outer ones repeat the URL.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server on loopback that answers every connection with these bytes and closes it.
    async fn server(answer: Vec<u8>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
            }
        });
        url
    }

    async fn get(url: &str, settings: &HttpSettings) -> Result<http::Response<Bytes>, TransportError> {
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        HttpTransport::new(settings).unwrap().send(request).await
    }

    /// The same with TLS, by a certificate of an authority that nobody knows; gives its PEM, too.
    async fn private_server() -> (String, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pem = made.cert.pem().into_bytes();
        let key =
            tokio_rustls::rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = tokio_rustls::rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/x", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
                let _ = stream.shutdown().await;
            }
        });
        (url, pem)
    }

    #[tokio::test]
    async fn a_private_authority_is_trusted_only_when_named() {
        let (url, pem) = private_server().await;
        let unknown = get(&url, &HttpSettings::default()).await.unwrap_err();
        assert!(matches!(unknown, TransportError::NotSent { at: Unreached::Tls, .. }), "{unknown}");
        let trusting = HttpSettings { extra_roots: vec![pem], ..HttpSettings::default() };
        assert_eq!(get(&url, &trusting).await.unwrap().status(), 200);
        let broken = b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n".to_vec();
        let broken = HttpSettings { extra_roots: vec![broken], ..HttpSettings::default() };
        assert!(HttpTransport::new(&broken).is_err());
    }

    #[tokio::test]
    async fn answers_come_whole_and_redirects_are_not_followed() {
        let url = server(b"HTTP/1.1 302 Found\r\nlocation: /y\r\ncontent-length: 2\r\n\r\nhi".to_vec()).await;
        let answer = get(&url, &HttpSettings::default()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, b"hi".as_slice()));
    }

    #[tokio::test]
    async fn a_refused_connection_was_surely_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        drop(listener);
        let error = get(&url, &HttpSettings::default()).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent { at: Unreached::Refused, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_and_plain_http_where_tls_is_wanted_are_told_apart() {
        let error = get("http://no-such-host.invalid/x", &HttpSettings::default()).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent { at: Unreached::Name, .. }), "{error}");
        let plain = server(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec()).await;
        let error = get(&plain.replace("http:", "https:"), &HttpSettings::default()).await.unwrap_err();
        assert!(matches!(error, TransportError::NotSent { at: Unreached::Tls, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_connection_broken_after_sending_is_lost() {
        for answer in [b"".to_vec(), b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec()] {
            let error = get(&server(answer).await, &HttpSettings::default()).await.unwrap_err();
            assert!(matches!(error, TransportError::Lost(_)), "{error}");
        }
    }

    #[tokio::test]
    async fn a_slow_answer_is_lost_not_unsent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let settings = HttpSettings { timeout: Duration::from_millis(30), ..HttpSettings::default() };
        let error = get(&url, &settings).await.unwrap_err();
        assert_eq!(error, TransportError::Lost("it took too long".to_owned()));
    }

    #[tokio::test]
    async fn a_huge_answer_is_cut_off() {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n".to_vec();
        answer.extend([b'x'; 2000]);
        let settings = HttpSettings { max_answer: 1000, ..HttpSettings::default() };
        let error = get(&server(answer).await, &settings).await.unwrap_err();
        assert_eq!(error, TransportError::TooLarge { limit: 1000 });
    }
}
