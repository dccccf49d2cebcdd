//! `eth_call` to the synthetic tokens: what their contracts would answer, from the facts.

use alloy_primitives::{Address, U256, hex};

use super::Shared;
use super::answer::Answer;
use super::methods::Outcome;
use super::params::{Params, parse_address, parse_bytes};
use super::rpc::Failure;
use crate::served::ServedChain;
use crate::tokens::{Metadata, Token, TokenKind};

const NAME: [u8; 4] = [0x06, 0xfd, 0xde, 0x03];
const SYMBOL: [u8; 4] = [0x95, 0xd8, 0x9b, 0x41];
const DECIMALS: [u8; 4] = [0x31, 0x3c, 0xe5, 0x67];
const TOTAL_SUPPLY: [u8; 4] = [0x18, 0x16, 0x0d, 0xdd];
/// `balanceOf(address)`
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
/// `balanceOf(address,uint256)`
const BALANCE_OF_ID: [u8; 4] = [0x00, 0xfd, 0xd5, 0x8e];
/// `ownerOf(uint256)`
const OWNER_OF: [u8; 4] = [0x63, 0x52, 0x21, 0x1e];
const SUPPORTS_INTERFACE: [u8; 4] = [0x01, 0xff, 0xc9, 0xa7];
const ERC165: [u8; 4] = SUPPORTS_INTERFACE;
const ERC721: [u8; 4] = [0x80, 0xac, 0x58, 0xcd];
const ERC1155: [u8; 4] = [0xd9, 0xb6, 0x7a, 0x26];

const REVERTED: Failure = Failure {
    code: 3,
    message: "Execution reverted",
};

pub(super) fn eth_call<'c>(
    shared: &Shared,
    chain: &'c ServedChain,
    params: &Params,
) -> Outcome<'c> {
    let call = params
        .get(0)
        .filter(|call| call.is_object())
        .ok_or(Failure::INVALID_PARAMS)?;
    let at = match params.get(1) {
        Some(_) => params.block_number(1, shared)?,
        None => shared.head.number(),
    };
    if at > shared.head.number() {
        return Ok(Answer::null());
    }
    let input = [&call["input"], &call["data"]]
        .into_iter()
        .find_map(parse_bytes)
        .unwrap_or_default();
    let Some(token) = parse_address(&call["to"]).and_then(|address| chain.facts.token(address))
    else {
        // No code there: the call succeeds and returns nothing.
        return Ok(Answer::text("0x"));
    };
    let output = Contract { token, chain, at }.run(&input).ok_or(REVERTED)?;
    Ok(Answer::text(&hex::encode_prefixed(output)))
}

struct Contract<'c> {
    token: &'c Token,
    chain: &'c ServedChain,
    at: u64,
}

impl Contract<'_> {
    /// `None` reverts, as a contract without the function does.
    fn run(&self, input: &[u8]) -> Option<Vec<u8>> {
        let (selector, arguments) = input.split_first_chunk::<4>()?;
        let facts = &self.chain.facts;
        let token = self.token;
        let is_fungible = token.kind.is_erc20();
        match *selector {
            NAME => self.text(&token.name),
            SYMBOL => self.text(&token.symbol),
            DECIMALS if is_fungible && token.metadata != Metadata::Missing => {
                Some(word(U256::from(token.decimals)))
            }
            TOTAL_SUPPLY if is_fungible => facts
                .total_supply(token.address, U256::ZERO, self.at)
                .map(word),
            BALANCE_OF if is_fungible => facts
                .balance(token.address, U256::ZERO, address(arguments, 0)?, self.at)
                .map(word),
            BALANCE_OF if token.kind == TokenKind::Erc721 => {
                let account = address(arguments, 0)?;
                let holders = facts.holders(token.address, self.at);
                Some(word(U256::from(
                    holders
                        .keys()
                        .filter(|(holder, _)| *holder == account)
                        .count(),
                )))
            }
            BALANCE_OF_ID if token.kind == TokenKind::Erc1155 => {
                let (account, id) = (address(arguments, 0)?, number(arguments, 1)?);
                facts.balance(token.address, id, account, self.at).map(word)
            }
            OWNER_OF if token.kind == TokenKind::Erc721 => {
                let id = number(arguments, 0)?;
                let holders = facts.holders(token.address, self.at);
                let owner = holders
                    .keys()
                    .find(|(_, held)| *held == id)
                    .map(|(owner, _)| *owner)?;
                Some(owner.into_word().to_vec())
            }
            SUPPORTS_INTERFACE => self.supports_interface(arguments.first_chunk::<4>()?),
            _ => None,
        }
    }

    fn text(&self, text: &str) -> Option<Vec<u8>> {
        match self.token.metadata {
            Metadata::Missing => None,
            Metadata::Bytes32 => {
                let mut padded = text.as_bytes().to_vec();
                padded.resize(32, 0);
                Some(padded)
            }
            Metadata::Strings => {
                let mut padded = text.as_bytes().to_vec();
                padded.resize(text.len().next_multiple_of(32), 0);
                Some([word(U256::from(32)), word(U256::from(text.len())), padded].concat())
            }
        }
    }

    /// Old tokens do not have the function.
    fn supports_interface(&self, interface: &[u8; 4]) -> Option<Vec<u8>> {
        let own = match self.token.kind {
            TokenKind::Erc721 => ERC721,
            TokenKind::Erc1155 => ERC1155,
            _ => return None,
        };
        Some(word(U256::from(u8::from(
            *interface == ERC165 || *interface == own,
        ))))
    }
}

fn word(value: U256) -> Vec<u8> {
    value.to_be_bytes_vec()
}

fn number(arguments: &[u8], place: usize) -> Option<U256> {
    Some(U256::from_be_slice(
        arguments.get(32 * place..32 * (place + 1))?,
    ))
}

fn address(arguments: &[u8], place: usize) -> Option<Address> {
    Some(Address::from_slice(
        arguments.get(32 * place + 12..32 * (place + 1))?,
    ))
}
