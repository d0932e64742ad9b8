//! What programs are told, and what becomes of what they send.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "it serves other tests, too")]
#[path = "../support/mod.rs"]
mod support;

mod made_here;
mod nobody;
mod told;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{TOKEN, World, at};
use sync_store::Role;
use sync_web::Parts;
use tower::ServiceExt as _;

/// The API of a world, and tokens for everybody.
struct Api {
    router: Router,
}

impl Api {
    async fn of(world: &World, parts: Parts) -> Self {
        for role in [Role::Viewer, Role::Approver] {
            let digest = hex::encode(Sha256::digest(role.key()));
            world.store.put_api_token((role.key(), role), &digest, "test", at(0)).await.unwrap();
        }
        Self { router: sync_web::router(parts) }
    }

    /// Asks with a token; one without a body looks.
    async fn ask(&self, token: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1/{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        let body = Body::from(body.map(Value::to_string).unwrap_or_default());
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert_eq!(kind, expected, "{path}");
        let told: Value =
            serde_json::from_slice(&to_bytes(answer.into_body(), 1 << 20).await.unwrap()).unwrap();
        if status >= 400 {
            assert!(told["help"].as_str().is_some_and(|help| !help.is_empty()), "{path}: {told}");
        }
        (status, told)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(TOKEN, path, None).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(TOKEN, path, Some(body)).await
    }

    /// Asks, and is not refused.
    async fn told(&self, path: &str) -> Value {
        let (status, told) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {told}");
        told
    }
}

/// One field of all items of a page.
fn all<'a>(page: &'a Value, field: &str) -> Vec<&'a Value> {
    page["items"].as_array().unwrap().iter().map(|item| &item[field]).collect()
}
