//! JSON-RPC requests as text.

use std::io::Write;

use serde::Serialize;

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: P,
}

/// One request, id 1. `()` stands for no parameters.
pub(crate) fn single<P: Serialize>(method: &str, params: P) -> serde_json::Result<Vec<u8>> {
    let params = serde_json::value::to_raw_value(&params)?;
    if params.get() == "null" {
        return serde_json::to_vec(&Request {
            jsonrpc: "2.0",
            id: 1,
            method,
            params: [(); 0],
        });
    }
    serde_json::to_vec(&Request {
        jsonrpc: "2.0",
        id: 1,
        method,
        params,
    })
}

/// A batch: each item becomes one request, `params` writes its parameters as JSON.
pub(crate) fn batch<T>(
    method: &str,
    items: impl IntoIterator<Item = (u64, T)>,
    params: impl Fn(&mut Vec<u8>, T) -> std::io::Result<()>,
) -> Vec<u8> {
    let mut body = Vec::with_capacity(4096);
    body.push(b'[');
    for (id, item) in items {
        if body.len() > 1 {
            body.push(b',');
        }
        // Writing to a `Vec` cannot fail.
        let _ = write!(
            body,
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":"#
        );
        let _ = params(&mut body, item);
        body.push(b'}');
    }
    body.push(b']');
    body
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_json() {
        let one: serde_json::Value =
            serde_json::from_slice(&single("eth_chainId", ()).unwrap()).unwrap();
        assert_eq!(one["params"], serde_json::json!([]));
        let body = batch("m", [(7, 1), (8, 2)], |body, item| write!(body, "[{item}]"));
        let two: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(two[1]["id"], 8);
        assert_eq!(two[1]["params"][0], 2);
    }
}
