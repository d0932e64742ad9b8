//! The door on real sockets: limits against slow and greedy clients, TLS with a renewal, and a graceful end.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::{path::Path, sync::Arc, time::Duration};

use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::generate_simple_self_signed;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName},
};
use support::{HOOK, Opened, World};
use sync_web::{Certificates, Limits, MOST_BYTES, TlsError};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: door\r\n\r\n";

/// Reads until `wanted` came, or the other side closed.
async fn read(stream: &mut (impl AsyncRead + Unpin), wanted: &str) -> String {
    let mut all = Vec::new();
    let mut some = [0_u8; 4_096];
    while !String::from_utf8_lossy(&all).contains(wanted) {
        match stream.read(&mut some).await {
            Ok(0) | Err(_) => break,
            Ok(read) => all.extend_from_slice(&some[..read]),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> String {
    stream.write_all(LIVE.as_bytes()).await.unwrap();
    read(stream, "live").await
}

fn hook(length: usize, more: &str) -> String {
    format!(
        "POST {HOOK} HTTP/1.1\r\nhost: door\r\nx-vouched: basic\r\n{more}content-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_slow_or_silent_client_is_cut_off() {
    let world = World::new().await;
    let limits = Limits { head: Duration::from_millis(50), ..Limits::default() };
    let door = Opened::new(&world, limits, None).await;
    for begun in ["", "GET /health/live HTTP/1.1\r\nhost: do", LIVE] {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        // Would wait for ever if the door did not close.
        let answer = read(&mut stream, "nothing that comes").await;
        assert_eq!(answer.contains("200 OK"), begun == LIVE, "{begun:?}: {answer}");
    }
}

#[tokio::test]
async fn who_says_nothing_about_tls_is_cut_off() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificates, _) = certificates(folder.path());
    let limits = Limits { handshake: Duration::from_millis(50), ..Limits::default() };
    let door = Opened::new(&world, limits, Some(certificates)).await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    assert_eq!(read(&mut stream, "nothing that comes").await, "");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let world = World::new().await;
    let limits = Limits { head_bytes: 8_192, ..Limits::default() };
    let door = Opened::new(&world, limits, None).await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    let head = format!("GET /health/live HTTP/1.1\r\nhost: door\r\nx: {}\r\n\r\n", "a".repeat(8_192));
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let mut stream = TcpStream::connect(door.address).await.unwrap();
    stream.write_all(hook(MOST_BYTES + 1, "").as_bytes()).await.unwrap();
    // It may refuse before all has come.
    let _ = stream.write_all(&vec![b' '; MOST_BYTES + 1]).await;
    let answer = read(&mut stream, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert_eq!(world.inbox().await, 0);
}

#[tokio::test]
async fn who_comes_when_all_places_are_taken_waits() {
    let world = World::new().await;
    let door = Opened::new(&world, Limits { connections: 1, ..Limits::default() }, None).await;
    let mut first = TcpStream::connect(door.address).await.unwrap();
    assert!(ask(&mut first).await.contains("200 OK"));
    let mut second = TcpStream::connect(door.address).await.unwrap();
    second.write_all(LIVE.as_bytes()).await.unwrap();
    for _ in 0..20 {
        assert!(ask(&mut first).await.contains("200 OK"));
    }
    let waiting = second.try_read(&mut [0_u8; 16]).unwrap_err();
    assert_eq!(waiting.kind(), std::io::ErrorKind::WouldBlock);
    drop(first);
    assert!(read(&mut second, "live").await.contains("200 OK"), "its turn");
}

#[tokio::test]
async fn a_life_has_an_end() {
    let world = World::new().await;
    let limits = Limits { age: Duration::from_millis(50), ..Limits::default() };
    let door = Opened::new(&world, limits, None).await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    let answer = ask(&mut stream).await;
    assert!(answer.contains("200 OK") && read(&mut stream, "nothing that comes").await.is_empty());
}

#[tokio::test]
async fn at_the_end_a_webhook_under_way_is_taken_in() {
    let world = World::new().await;
    let mut door = Opened::new(&world, Limits::default(), None).await;
    let mut idle = TcpStream::connect(door.address).await.unwrap();
    assert!(ask(&mut idle).await.contains("200 OK"));
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    stream.write_all(hook(5, "expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert!(read(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 100"), "it waits for the body");
    door.stop();
    assert_eq!(read(&mut idle, "nothing that comes").await, "", "who asks nothing is sent away");
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody comes in any more");
    stream.write_all(b"event").await.unwrap();
    let answer = read(&mut stream, "nothing that comes").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    door.ended().await;
    assert_eq!(world.inbox().await, 1, "acknowledged is committed");
}

#[tokio::test]
async fn who_does_not_come_to_an_end_is_cut_off() {
    let world = World::new().await;
    let limits = Limits { farewell: Duration::from_millis(50), ..Limits::default() };
    let mut door = Opened::new(&world, limits, None).await;
    let mut stream = TcpStream::connect(door.address).await.unwrap();
    stream.write_all(hook(5, "expect: 100-continue\r\n").as_bytes()).await.unwrap();
    assert!(read(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 100"));
    door.stop();
    door.ended().await;
    assert_eq!(world.inbox().await, 0);
}

/// A certificate of our own for `localhost`, in the two files.
fn write_certificate(folder: &Path) -> CertificateDer<'static> {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

fn certificates(folder: &Path) -> (Certificates, CertificateDer<'static>) {
    let der = write_certificate(folder);
    (Certificates::load(&folder.join("cert.pem"), &folder.join("key.pem")).unwrap(), der)
}

/// Comes in with TLS, trusting this certificate alone.
async fn secured(
    door: &Opened,
    trusted: &CertificateDer<'static>,
    alpn: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = TcpStream::connect(door.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up_and_a_broken_one_is_not() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificates, first) = certificates(folder.path());
    let door = Opened::new(&world, Limits::default(), Some(certificates)).await;
    let mut stream = secured(&door, &first, b"http/1.1").await.unwrap();
    assert!(ask(&mut stream).await.contains("200 OK"));

    std::fs::write(folder.path().join("cert.pem"), "-----BEGIN CERTIFICATE-----\nAAAA").unwrap();
    door.a_minute().await;
    assert!(secured(&door, &first, b"http/1.1").await.is_ok(), "the old one is kept");
    let second = write_certificate(folder.path());
    door.a_minute().await;
    assert!(secured(&door, &second, b"http/1.1").await.is_ok());
    assert!(secured(&door, &first, b"http/1.1").await.is_err());
    assert!(ask(&mut stream).await.contains("200 OK"), "who is here stays");
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    door.a_minute().await;
    assert!(secured(&door, &second, b"http/1.1").await.is_ok(), "kept again");
}

#[test]
fn files_that_cannot_be_used_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let load = || Certificates::load(&cert, &key).unwrap_err();
    assert!(matches!(load(), TlsError::Unreadable { path, .. } if path == cert));
    write_certificate(folder.path());
    let other = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    assert!(matches!(load(), TlsError::Mismatch { .. }));
    std::fs::write(&key, "").unwrap();
    assert!(matches!(load(), TlsError::NoKey { .. }));
    std::fs::write(&cert, other.signing_key.serialize_pem()).unwrap();
    assert!(matches!(load(), TlsError::NoCertificate { .. }));
    std::fs::write(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    assert!(matches!(load(), TlsError::Unusable { .. }));
}

#[tokio::test]
async fn http2_is_spoken_and_silence_ends_it() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (certificates, certificate) = certificates(folder.path());
    let limits = Limits { head: Duration::from_millis(200), ..Limits::default() };
    let door = Opened::new(&world, limits, Some(certificates)).await;
    let stream = secured(&door, &certificate, b"h2").await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/health/live").body(axum::body::Body::empty());
    let answer = sender.send_request(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    // Its sender is still here: the door is who ends it.
    connection.await.unwrap().unwrap();
    drop(sender);

    let mut mute = secured(&door, &certificate, b"h2").await.unwrap();
    read(&mut mute, "nothing that comes").await;
}
