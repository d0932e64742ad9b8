//! The sockets: who may come in, how long anything may take, and how it ends.
//!
//! A slow or greedy client costs at most one of a fixed number of places, for a bounded time: the TLS handshake, the head of
//! a request, the whole request (`routes.rs`) and the life of a connection have limits, and so have sizes. Without TLS only
//! HTTP/1.1 is spoken, with it HTTP/2 as well.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use jiff::SignedDuration;
use sync_engine::daemon::Sleeper;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{
    busy::Busy,
    client::Peer,
    door::Parts,
    hooks::Keeper,
    routes::closing_router,
    tls::{Certificates, Look},
};

/// What clients may take. All are ceilings; none can be switched off.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// To send the head of a request; also how long a connection may stay without one.
    pub head: Duration,
    /// To agree on TLS.
    pub handshake: Duration,
    /// Bytes of the head of a request, at least 8192.
    pub head_bytes: u32,
    /// Connections at a time; whoever comes then waits.
    pub connections: usize,
    /// Requests at a time on one connection of HTTP/2.
    pub streams: u32,
    /// Life of a connection: then it is asked to end, so that whoever reads slowly does not stay for ever.
    pub age: Duration,
    /// How long data may lie unread by the other side (Linux only).
    pub unread: Duration,
    /// At the end: for requests under way.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            handshake: Duration::from_secs(10),
            head_bytes: 32 * 1024,
            connections: 512,
            streams: 64,
            age: Duration::from_mins(10),
            unread: Duration::from_secs(30),
            farewell: Duration::from_secs(12),
        }
    }
}

/// What to serve on.
pub struct Serving {
    /// Where clients come.
    pub listener: TcpListener,
    /// With it, TLS alone is spoken; without it, none.
    pub certificates: Option<Arc<Certificates>>,
    /// What clients may take.
    pub limits: Limits,
    /// Who waits for us.
    pub sleeper: Arc<dyn Sleeper>,
}

/// How often the files of the certificate are looked at.
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// After the listener failed: most often there are no file descriptors left.
const RECOVER: SignedDuration = SignedDuration::from_millis(200);

/// Serves until `stop` is over; then nobody comes in any more, and requests under way are answered as long as
/// [`Limits::farewell`] lasts.
///
/// # Errors
/// When TLS cannot be set up.
pub async fn serve(
    serving: Serving,
    parts: Parts,
    keeper: Keeper,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let Serving { listener, certificates, limits, sleeper } = serving;
    let acceptor = certificates.as_deref().map(Certificates::acceptor).transpose()?;
    let (close, closing) = watch::channel(false);
    let host = Host { app: closing_router(parts, closing.clone()), acceptor, limits, closing };
    let mut guests = JoinSet::new();
    let mut keeper = pin!(keeper.work());
    tokio::select! {
        biased;
        () = stop => {}
        () = &mut keeper => return Ok(()),
        never = receive(&listener, &host, &mut guests, &*sleeper) => match never {},
        never = renew(certificates, &*sleeper) => match never {},
    }
    drop(listener);
    close.send_replace(true);
    let gone = async { while guests.join_next().await.is_some() {} };
    tokio::select! {
        biased;
        () = keeper => {}
        gone = timeout(limits.farewell, gone) => if gone.is_err() {
            tracing::warn!("some requests were not answered in time; they are cut off");
        }
    }
    guests.shutdown().await;
    Ok(())
}

/// Takes up renewed certificates.
async fn renew(certificates: Option<Arc<Certificates>>, sleeper: &dyn Sleeper) -> Infallible {
    let Some(certificates) = certificates else { return std::future::pending().await };
    loop {
        sleeper.sleep(LOOK_EVERY).await;
        let certificates = Arc::clone(&certificates);
        // Files may be slow.
        match tokio::task::spawn_blocking(move || certificates.look()).await {
            Ok(Look::Same | Look::StillBroken) => {}
            Ok(Look::Renewed) => tracing::info!("the certificate was renewed"),
            Ok(Look::Broken(error)) => {
                let help = error.help();
                tracing::warn!(%error, help, "the renewed certificate cannot be used; the old one is kept");
            }
            Err(error) => tracing::warn!(%error, "the certificate could not be looked at"),
        }
    }
}

/// What every connection gets.
#[derive(Clone)]
struct Host {
    app: Router,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
    closing: watch::Receiver<bool>,
}

/// Lets connections in, as many as there are places.
async fn receive(
    listener: &TcpListener,
    host: &Host,
    guests: &mut JoinSet<()>,
    sleeper: &dyn Sleeper,
) -> Infallible {
    let places = Arc::new(Semaphore::new(host.limits.connections));
    loop {
        // Closed semaphores give no place; this one is never closed.
        let place = Arc::clone(&places).acquire_owned().await.ok();
        match listener.accept().await {
            Ok((stream, peer)) => {
                guests.spawn(host.clone().entertain(stream, peer, place));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleeper.sleep(RECOVER).await;
            }
        }
        while guests.try_join_next().is_some() {}
    }
}

impl Host {
    async fn entertain(self, stream: TcpStream, peer: SocketAddr, _place: Option<OwnedSemaphorePermit>) {
        if let Err(error) = prepare(&stream, self.limits.unread) {
            tracing::debug!(%error, %peer, "a socket could not be prepared");
        }
        let Some(acceptor) = &self.acceptor else { return self.http1(stream, peer).await };
        match timeout(self.limits.handshake, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => self.http2(stream, peer).await,
                Some(_) | None => self.http1(stream, peer).await,
            },
            Ok(Err(error)) => tracing::debug!(%error, %peer, "no agreement on TLS"),
            Err(_) => tracing::debug!(%peer, "no agreement on TLS in time"),
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, peer: SocketAddr) {
        let Self { app, acceptor: _, limits, closing } = self;
        let service = service_fn(|request| answer(app.clone(), peer, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_header_size(limits.head_bytes as usize)
            .serve_connection(TokioIo::new(stream), service);
        let leave = async {
            closed(closing).await;
            limits.farewell
        };
        attend(pin!(connection), http1::Connection::graceful_shutdown, leave, limits, peer).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + 'static, peer: SocketAddr) {
        let Self { app, acceptor: _, limits, closing } = self;
        let busy = Busy::default();
        let service = service_fn(|request| {
            let (app, busy) = (app.clone(), busy.begin());
            async move {
                answer(app, peer, request).await.map(|answer| answer.map(|body| busy.until_end_of(body)))
            }
        });
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.head_bytes)
            .serve_connection(TokioIo::new(stream), service);
        let leave = async {
            tokio::select! {
                () = closed(closing) => limits.farewell,
                // Nothing is under way: it only has to hear that it is over.
                () = busy.idle_for(limits.head) => limits.head.min(limits.farewell),
            }
        };
        attend(pin!(connection), http2::Connection::graceful_shutdown, leave, limits, peer).await;
    }
}

/// Stays with a connection until it ends, or it has to: then what is under way may come to its end, for as long as `leave`
/// says.
async fn attend<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    say_goodbye: impl FnOnce(Pin<&mut C>),
    leave: impl Future<Output = Duration>,
    limits: Limits,
    peer: SocketAddr,
) {
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        farewell = timeout(limits.age, leave) => {
            say_goodbye(connection.as_mut());
            let Ok(ended) = timeout(farewell.unwrap_or(limits.farewell), connection).await else {
                return tracing::debug!(%peer, "a connection was cut off");
            };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke");
    }
}

async fn answer(
    app: Router,
    peer: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Result<axum::response::Response, Infallible> {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    app.oneshot(request).await
}

async fn closed(mut closing: watch::Receiver<bool>) {
    // An error means that whoever closes has gone: that is the end, too.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Small answers leave at once; what nobody reads is given up by the kernel.
fn prepare(stream: &TcpStream, unread: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(unread))?;
    #[cfg(not(target_os = "linux"))]
    let _ = unread;
    Ok(())
}
