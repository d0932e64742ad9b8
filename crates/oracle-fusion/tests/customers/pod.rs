//! A simulated pod behind the client, called in-process.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use oracle_fusion::Fusion;
use saas_http::{Transport, TransportError};
use saas_sims::{
    ConnectionDropped, SimClock,
    fusion::{FusionSettings, FusionSim},
};
use tower::ServiceExt as _;

use crate::{support::*, world::config};

struct Wire(Router);

#[async_trait]
impl Transport for Wire {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let Ok(answer) = self.0.clone().oneshot(request.map(Body::from)).await;
        if answer.extensions().get::<ConnectionDropped>().is_some() {
            return Err(TransportError::Lost("the simulated network lost it".to_owned()));
        }
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Ok(http::Response::from_parts(parts, body))
    }
}

/// A pod and a client of it.
pub(crate) fn pod(settings: FusionSettings) -> (FusionSim, Fusion) {
    let sim = FusionSim::new(settings, SimClock::at(at("2026-11-24T12:00:00Z")), 7);
    let fusion = Fusion::new(config(), Arc::new(Wire(sim.router())), Arc::new(clock().0)).unwrap();
    (sim, fusion)
}
