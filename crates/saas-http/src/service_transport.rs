//! A transport that never leaves the process: for simulation and tests.

use async_trait::async_trait;
use bytes::Bytes;
use tower::{Service, ServiceExt};

use crate::{Transport, TransportError};

/// Answers requests by calling a tower service. Faults of the network are the service's errors.
#[derive(Debug, Clone)]
pub struct ServiceTransport<S>(S);

impl<S> ServiceTransport<S> {
    /// Wraps a service; it is cloned for every request.
    pub fn new(service: S) -> Self {
        Self(service)
    }
}

#[async_trait]
impl<S> Transport for ServiceTransport<S>
where
    S: Service<http::Request<Bytes>, Response = http::Response<Bytes>> + Clone + Send + Sync + 'static,
    S::Error: Into<TransportError>,
    S::Future: Send,
{
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        self.0.clone().oneshot(request).await.map_err(Into::into)
    }
}
