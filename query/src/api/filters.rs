//! Filters of lists: all conditions given must hold. Block ranges include both ends.

use async_graphql::InputObject;

use crate::{
    api::{
        labels::TokenStandard,
        scalars::{Address, BigInt, BlockNumber, Hash},
    },
    read::{
        blocks::BlocksRequest, events::EventsRequest, keyset::Keyset, logs::LogsRequest,
        tokens::TokensRequest, transactions::TransactionsRequest, transfers::TransfersRequest,
    },
};

/// Which blocks.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BlockFilter {
    /// First block of the range.
    from_block: Option<BlockNumber>,
    /// Last block of the range.
    to_block: Option<BlockNumber>,
}

/// Which transactions.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TransactionFilter {
    /// Sender.
    from: Option<Address>,
    /// Callee.
    to: Option<Address>,
    /// First block of the range.
    from_block: Option<BlockNumber>,
    /// Last block of the range.
    to_block: Option<BlockNumber>,
}

/// Which logs.
#[derive(Clone, Debug, Default, InputObject)]
pub struct LogFilter {
    /// Contract that emitted the log.
    address: Option<Address>,
    /// First topic.
    topic0: Option<Hash>,
    /// Second topic.
    topic1: Option<Hash>,
    /// Third topic.
    topic2: Option<Hash>,
    /// Fourth topic.
    topic3: Option<Hash>,
    /// First block of the range.
    from_block: Option<BlockNumber>,
    /// Last block of the range.
    to_block: Option<BlockNumber>,
}

/// Which events.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EventFilter {
    /// Contract that emitted the log.
    address: Option<Address>,
    /// Name of the event in its ABI.
    event: Option<String>,
    /// First block of the range.
    from_block: Option<BlockNumber>,
    /// Last block of the range.
    to_block: Option<BlockNumber>,
}

/// Which tokens.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TokenFilter {
    /// Shape of the first transfer event.
    standard: Option<TokenStandard>,
    /// Exactly this symbol, as a node stated it.
    symbol: Option<String>,
}

/// Which transfers.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TransferFilter {
    /// Contract of the token.
    token: Option<Address>,
    /// Id within the contract.
    token_id: Option<BigInt>,
    /// Giver or receiver. The zero address has no balance: look for mints with `from`, for burns with `to`.
    account: Option<Address>,
    /// Giver.
    from: Option<Address>,
    /// Receiver.
    to: Option<Address>,
    /// Shape of the event.
    standard: Option<TokenStandard>,
    /// First block of the range.
    from_block: Option<BlockNumber>,
    /// Last block of the range.
    to_block: Option<BlockNumber>,
}

fn number(number: Option<BlockNumber>) -> Option<u64> {
    number.map(|number| number.0)
}

impl BlockFilter {
    pub(crate) fn request(self, keyset: Keyset) -> BlocksRequest {
        BlocksRequest {
            from_block: number(self.from_block),
            to_block: number(self.to_block),
            keyset,
        }
    }
}

impl TransactionFilter {
    pub(crate) fn request(self, keyset: Keyset) -> TransactionsRequest {
        TransactionsRequest {
            from: self.from.map(|address| address.0),
            to: self.to.map(|address| address.0),
            from_block: number(self.from_block),
            to_block: number(self.to_block),
            keyset,
        }
    }
}

impl LogFilter {
    pub(crate) fn request(self, keyset: Keyset) -> LogsRequest {
        LogsRequest {
            address: self.address.map(|address| address.0),
            topics: [self.topic0, self.topic1, self.topic2, self.topic3]
                .map(|topic| topic.map(|topic| topic.0)),
            transaction_index: None,
            from_block: number(self.from_block),
            to_block: number(self.to_block),
            keyset,
        }
    }
}

impl EventFilter {
    pub(crate) fn request(self, keyset: Keyset) -> EventsRequest {
        EventsRequest {
            address: self.address.map(|address| address.0),
            event: self.event,
            from_block: number(self.from_block),
            to_block: number(self.to_block),
            keyset,
        }
    }
}

impl TokenFilter {
    pub(crate) fn request(self, keyset: Keyset) -> TokensRequest {
        TokensRequest {
            standard: self.standard.map(TokenStandard::label),
            symbol: self.symbol,
            keyset,
        }
    }
}

impl TransferFilter {
    pub(crate) fn request(self, keyset: Keyset) -> TransfersRequest {
        TransfersRequest {
            token: self.token.map(|address| address.0),
            token_id: self.token_id.map(|id| id.0),
            account: self.account.map(|address| address.0),
            from: self.from.map(|address| address.0),
            to: self.to.map(|address| address.0),
            standard: self.standard.map(TokenStandard::label),
            from_block: number(self.from_block),
            to_block: number(self.to_block),
            keyset,
        }
    }

    pub(crate) fn first_block(&self) -> Option<u64> {
        number(self.from_block)
    }
}
