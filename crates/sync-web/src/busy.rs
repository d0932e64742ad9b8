//! How many requests a connection has under way: until the last byte of their answers.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};
use tokio::{sync::watch, time::timeout};

/// Requests under way.
#[derive(Clone)]
pub(crate) struct Busy(Arc<watch::Sender<usize>>);

impl Default for Busy {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

/// One of them; over when dropped.
pub(crate) struct Under(Busy);

impl Busy {
    /// One more is under way.
    pub(crate) fn begin(&self) -> Under {
        self.0.send_modify(|count| *count += 1);
        Under(self.clone())
    }

    /// Returns when none was under way for so long.
    pub(crate) async fn idle_for(&self, long: Duration) {
        let mut count = self.0.subscribe();
        loop {
            let idle = *count.borrow_and_update() == 0;
            let changed = count.changed();
            if !idle {
                // The sender is ours: it outlives this.
                let _ = changed.await;
            } else if timeout(long, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for Under {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Under {
    /// Lasts until the end of this body.
    pub(crate) fn until_end_of(self, body: Body) -> Body {
        Body::new(Counted { body, _under: self })
    }
}

struct Counted {
    body: Body,
    _under: Under,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
