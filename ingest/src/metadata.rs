//! Name, symbol and decimals of tokens: a contract's word, read from a node, proven by nothing.

use alloy_primitives::{Address, U256, hex};
use futures::{StreamExt, stream};
use lastro_besu_rpc::BesuClient;
use lastro_schema::BlockNumber;
use serde_json::json;

use crate::{link::LinkedRange, project::SeenToken};

/// `name()`, `symbol()`, `decimals()`.
const NAME: &str = "0x06fdde03";
const SYMBOL: &str = "0x95d89b41";
const DECIMALS: &str = "0x313ce567";
/// Longer texts are cut: a contract may return megabytes.
const MAX_TEXT_CHARACTERS: usize = 256;
/// Tokens described at the same time.
const PARALLEL: usize = 8;

/// What a token says of itself; each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Metadata {
    name: Option<String>,
    symbol: Option<String>,
    decimals: Option<u8>,
    /// Block at which it was read; `None` when no node answered.
    read_at: Option<BlockNumber>,
}

/// Adds a row for each new token of a range. A node that does not answer leaves the descriptions out; it never stops the
/// pipeline.
pub(crate) async fn describe_tokens(client: &BesuClient, range: &mut LinkedRange) {
    let new_tokens = std::mem::take(&mut range.new_tokens);
    let described: Vec<_> = stream::iter(new_tokens)
        .map(|(seen, first_block)| async move {
            (
                seen,
                first_block,
                read(client, seen.token, first_block).await,
            )
        })
        .buffered(PARALLEL)
        .collect()
        .await;
    for (seen, first_block, metadata) in described {
        push(range, seen, first_block, &metadata);
    }
}

fn push(range: &mut LinkedRange, seen: SeenToken, first_block: BlockNumber, metadata: &Metadata) {
    let rows = &mut range.rows.tokens;
    rows.token.push_address(&seen.token);
    rows.first_block.push(first_block.0);
    rows.standard.push(seen.standard.name());
    rows.name.push(metadata.name.as_deref());
    rows.symbol.push(metadata.symbol.as_deref());
    rows.decimals.push(metadata.decimals);
    rows.metadata_block
        .push(metadata.read_at.map(|number| number.0));
}

async fn read(client: &BesuClient, token: Address, at: BlockNumber) -> Metadata {
    let call = |selector| call(client, token, selector, at);
    let (name, symbol, decimals) = tokio::join!(call(NAME), call(SYMBOL), call(DECIMALS));
    let answered = [&name, &symbol, &decimals]
        .iter()
        .any(|answer| answer.is_some());
    Metadata {
        name: name.as_deref().and_then(decode_text),
        symbol: symbol.as_deref().and_then(decode_text),
        decimals: decimals.as_deref().and_then(decode_small),
        read_at: answered.then_some(at),
    }
}

/// The answer of a call; empty where the contract reverted, `None` where no node could say.
async fn call(
    client: &BesuClient,
    token: Address,
    selector: &str,
    at: BlockNumber,
) -> Option<Vec<u8>> {
    let request = json!([{ "to": token, "data": selector }, format!("{:#x}", at.0)]);
    match client
        .request::<_, Option<String>>("eth_call", request)
        .await
    {
        Ok(answer) => answer.and_then(|text| hex::decode(text).ok()),
        Err(error) if error.revert_reason().is_some() => Some(Vec::new()),
        Err(error) => {
            tracing::debug!(%token, %error, "token metadata not read");
            None
        }
    }
}

/// `string` as the ABI has it, or `bytes32` as early tokens return it.
fn decode_text(answer: &[u8]) -> Option<String> {
    let bytes = match answer.len() {
        32 => {
            let end = answer.iter().position(|byte| *byte == 0).unwrap_or(32);
            &answer[..end]
        }
        _ => {
            let offset = small(answer.get(..32)?)?;
            let length = small(answer.get(offset..offset.checked_add(32)?)?)?;
            answer.get(offset + 32..)?.get(..length)?
        }
    };
    let text: String = std::str::from_utf8(bytes)
        .ok()?
        .chars()
        .take(MAX_TEXT_CHARACTERS)
        .collect();
    (!text.is_empty()).then_some(text)
}

fn decode_small(answer: &[u8]) -> Option<u8> {
    u8::try_from(small(answer.get(..32)?)?).ok()
}

fn small(word: &[u8]) -> Option<usize> {
    usize::try_from(U256::try_from_be_slice(word)?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn word(value: u8) -> [u8; 32] {
        U256::from(value).to_be_bytes()
    }

    #[test]
    fn texts_of_both_kinds() {
        let mut text = [0; 32];
        text[..4].copy_from_slice(b"BRLX");
        assert_eq!(decode_text(&text).unwrap(), "BRLX");
        assert_eq!(
            decode_text(&[word(32), word(4), text].concat()).unwrap(),
            "BRLX"
        );
    }

    #[test]
    fn what_is_no_text_is_missing() {
        let not_utf8 = [0xff; 32];
        for answer in [
            &[][..],
            &[0; 32],
            &not_utf8,
            &[1; 31],
            &[word(32), word(200)].concat(),
            &[not_utf8; 2].concat(),
        ] {
            assert_eq!(decode_text(answer), None);
        }
        assert_eq!(decode_small(&word(18)), Some(18));
        assert_eq!(decode_small(&not_utf8), None);
    }
}
