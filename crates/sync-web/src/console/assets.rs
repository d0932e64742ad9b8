//! The style sheet and the script, in the binary. Their addresses have a digest of them, so browsers keep them for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::who::digest;

/// A file that pages load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asset {
    /// The style sheet.
    Style,
    /// The picture of the window.
    Icon,
    /// htmx with its extension for live pages.
    Htmx,
}

/// All of them.
pub(crate) const ASSETS: [Asset; 3] = [Asset::Style, Asset::Icon, Asset::Htmx];

impl Asset {
    fn text(self) -> &'static str {
        match self {
            Self::Style => include_str!("../../assets/style.css"),
            Self::Icon => include_str!("../../assets/icon.svg"),
            Self::Htmx => concat!(
                include_str!("../../assets/htmx.min.js"),
                "\n",
                include_str!("../../assets/hx-sse.min.js")
            ),
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Style => "text/css; charset=utf-8",
            Self::Icon => "image/svg+xml",
            Self::Htmx => "text/javascript; charset=utf-8",
        }
    }

    fn name(self) -> &'static str {
        static NAMES: LazyLock<[String; 3]> = LazyLock::new(|| {
            let version = |asset: Asset| digest(asset.text()).chars().take(12).collect::<String>();
            [
                format!("style-{}.css", version(Asset::Style)),
                format!("icon-{}.svg", version(Asset::Icon)),
                format!("htmx-{}.js", version(Asset::Htmx)),
            ]
        });
        match self {
            Self::Style => &NAMES[0],
            Self::Icon => &NAMES[1],
            Self::Htmx => &NAMES[2],
        }
    }
}

/// Where it is.
pub(crate) fn address(asset: Asset) -> String {
    format!("/assets/{}", asset.name())
}

/// `GET /assets/{name}`
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.into_iter().find(|asset| asset.name() == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.kind()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.text()).into_response()
}
