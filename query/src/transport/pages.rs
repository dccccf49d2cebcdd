//! GraphiQL and the schema. Everything a browser loads comes from this binary, so that the page works in a closed network.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

/// A file of the page: its name, media type and bytes.
struct Asset(&'static str, &'static str, &'static [u8]);

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// Versions, origins and licences are listed in `query/assets/README.md`.
static ASSETS: [Asset; 6] = [
    Asset(
        "react.js",
        JAVASCRIPT,
        include_bytes!("../../assets/react.production.min.js"),
    ),
    Asset(
        "react-dom.js",
        JAVASCRIPT,
        include_bytes!("../../assets/react-dom.production.min.js"),
    ),
    Asset(
        "graphql-ws.js",
        JAVASCRIPT,
        include_bytes!("../../assets/graphql-ws.min.js"),
    ),
    Asset(
        "graphiql.js",
        JAVASCRIPT,
        include_bytes!("../../assets/graphiql.min.js"),
    ),
    Asset(
        "graphiql.css",
        CSS,
        include_bytes!("../../assets/graphiql.min.css"),
    ),
    Asset(
        "start.js",
        JAVASCRIPT,
        include_bytes!("../../assets/start.js"),
    ),
];

pub(crate) async fn home() -> Redirect {
    Redirect::to("/graphql")
}

pub(crate) async fn graphiql() -> Response {
    let page = include_str!("../../assets/graphiql.html");
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

pub(crate) async fn asset(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.0 == file) {
        Some(Asset(_, kind, bytes)) => {
            let headers = [
                (header::CONTENT_TYPE, *kind),
                (header::CACHE_CONTROL, "public, max-age=3600"),
            ];
            (headers, *bytes).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such file\n").into_response(),
    }
}

pub(crate) async fn sdl() -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        crate::sdl(),
    )
        .into_response()
}
