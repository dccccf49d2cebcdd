//! The one question that the start of a node asks it.

use serde::Deserialize;

use crate::server_process::probe;

const REQUEST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}"#;

/// Number of the node's newest block; `None` while it does not answer.
pub(super) async fn head(port: u16) -> Option<u64> {
    let request = format!(
        "POST / HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{REQUEST}",
        REQUEST.len()
    );
    parse_head(&probe(port, &request).await?)
}

fn parse_head(body: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Answer {
        result: String,
    }
    let answer: Answer = serde_json::from_str(body.trim()).ok()?;
    u64::from_str_radix(answer.result.strip_prefix("0x")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quantity_is_a_head() {
        assert_eq!(
            parse_head(r#"{"jsonrpc":"2.0","id":1,"result":"0x1f"}"#),
            Some(31)
        );
        assert_eq!(
            parse_head(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}"#),
            None
        );
        assert_eq!(parse_head("not json"), None);
    }
}
