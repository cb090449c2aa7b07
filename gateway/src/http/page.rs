//! The page, which is in the program: it comes from here, and gets nothing from anywhere else.

use axum::extract::{Path, RawQuery};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::Problem;

/// What the page may do: load from here, and nothing from elsewhere. JSMpeg brings a style of its own, which is allowed
/// by its hash (and that of nothing, as which it begins), and a decoder in WebAssembly. Pictures that were saved are
/// `blob:`.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' \
     'sha256-lRyplcblLyRa4o+ZUBNzXETDGwKXzgKgrWbiYOwfTLg='; img-src 'self' blob: data:; connect-src 'self'; \
     base-uri 'self'; form-action 'none'";

/// Files are small, and a page that was updated must not run with older parts.
const CACHING: &str = "no-cache";

/// A file of the page: its name, its type, its bytes.
type File = (&'static str, &'static str, &'static [u8]);

const INDEX: &[u8] = include_bytes!("../../page/index.html");

static FILES: [File; 6] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../../page/style.css")),
    ("app.js", "text/javascript; charset=utf-8", include_bytes!("../../page/app.js")),
    ("players.js", "text/javascript; charset=utf-8", include_bytes!("../../page/players.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../page/icon.svg")),
    ("jsmpeg.js", "text/javascript; charset=utf-8", include_bytes!("../../page/jsmpeg/jsmpeg-player.umd.min.js")),
    ("jsmpeg-license.txt", "text/plain; charset=utf-8", include_bytes!("../../page/jsmpeg/LICENSE")),
];

pub(super) async fn index() -> Response {
    answer("text/html; charset=utf-8", INDEX)
}

/// The page's own addresses are relative to the folder that it lies in. A token in the query is needed there too.
pub(super) async fn to_index(RawQuery(query): RawQuery) -> Redirect {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::permanent(&format!("../ui{query}"))
}

pub(super) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let file = FILES.iter().find(|(known, ..)| *known == name);
    let &(_, content_type, bytes) =
        file.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "the page has no such file"))?;
    Ok(answer(content_type, bytes))
}

fn answer(content_type: &'static str, bytes: &'static [u8]) -> Response {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, CACHING),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_only_files_that_are_here() {
        let page = std::str::from_utf8(INDEX).unwrap();
        let app = std::str::from_utf8(FILES[1].2).unwrap();
        let players = std::str::from_utf8(FILES[2].2).unwrap();
        for text in [page, app, players] {
            for part in text.split("ui/").skip(1) {
                let name: String =
                    part.chars().take_while(|&c| c.is_ascii_alphanumeric() || "-.".contains(c)).collect();
                assert!(FILES.iter().any(|(known, ..)| *known == name), "{name}");
            }
            assert!(!text.contains("//cdn") && !text.contains("https://"), "something from elsewhere");
        }
    }
}
