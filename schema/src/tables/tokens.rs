//! Tokens and what moves them.

use crate::{
    columns::{Addresses, Label, Nullable, Text, UInt8, UInt32, UInt64, UInt256},
    table::table,
};

table! {
    /// One row per movement of a token: an ERC-20, ERC-721 or ERC-1155 transfer, mint (`from_address` is the zero address) or burn
    /// (`to` is the zero address). A batch transfer gives a row per item.
    TokenTransfers = "token_transfers",
    sorted by ["token", "block_number", "log_index", "batch_index"],
    made in the order of ["block_number", "log_index", "batch_index"],
    block column Some("block_number"),
    {
        /// Contract of the token.
        token: Addresses, Proven, "ZSTD(1)";
        /// Block of the log.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position of the log in the block.
        log_index: UInt32, Proven, "ZSTD(1)";
        /// Position in an ERC-1155 batch; 0 for the others.
        batch_index: UInt32, Proven, "ZSTD(1)";
        /// Position of the transaction in the block.
        transaction_index: UInt32, Proven, "ZSTD(1)";
        /// Shape of the event: `erc20`, `erc721` or `erc1155`.
        standard: Label, Computed, "ZSTD(1)";
        /// Who moved the tokens; null where the event does not say (ERC-20, ERC-721).
        operator: Nullable<Addresses>, Proven, "ZSTD(1)";
        /// Giver; the zero address for a mint.
        from_address: Addresses, Proven, "ZSTD(1)";
        /// Receiver; the zero address for a burn.
        to_address: Addresses, Proven, "ZSTD(1)";
        /// Id within the contract; 0 for ERC-20.
        token_id: UInt256, Proven, "ZSTD(1)";
        /// Amount in the token's smallest unit; 1 for ERC-721.
        amount: UInt256, Proven, "ZSTD(1)";
    }
}

table! {
    /// One row per account and movement: what entered or left its balance. Mints have no giver's row, burns no receiver's.
    BalanceChanges = "balance_changes",
    sorted by ["account", "token", "token_id", "block_number", "log_index", "batch_index", "direction"],
    made in the order of ["block_number", "log_index", "batch_index", "direction"],
    block column Some("block_number"),
    {
        /// Account whose balance changed.
        account: Addresses, Proven, "ZSTD(1)";
        /// Contract of the token.
        token: Addresses, Proven, "ZSTD(1)";
        /// Id within the contract; 0 for ERC-20.
        token_id: UInt256, Proven, "ZSTD(1)";
        /// Block of the log.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position of the log in the block.
        log_index: UInt32, Proven, "ZSTD(1)";
        /// Position in an ERC-1155 batch; 0 for the others.
        batch_index: UInt32, Proven, "ZSTD(1)";
        /// 0: `amount` left the account, 1: it entered. A self-transfer has both.
        direction: UInt8, Computed, "ZSTD(1)";
        /// Amount in the token's smallest unit.
        amount: UInt256, Proven, "ZSTD(1)";
    }
}

table! {
    /// One row per token contract seen, written with the block of its first transfer event.
    Tokens = "tokens",
    sorted by ["token"],
    made in the order of ["first_block", "token"],
    block column Some("first_block"),
    {
        /// Contract of the token.
        token: Addresses, Proven;
        /// Block of its first transfer event.
        first_block: UInt64, Proven;
        /// Shape of its first transfer event: `erc20`, `erc721` or `erc1155`.
        standard: Label, Computed;
        /// `name()`; null when the contract has none.
        name: Nullable<Text>, Stated;
        /// `symbol()`; null when the contract has none.
        symbol: Nullable<Text>, Stated;
        /// `decimals()`; null when the contract has none.
        decimals: Nullable<UInt8>, Stated;
        /// Block at which name, symbol and decimals were read; null when no node answered.
        metadata_block: Nullable<UInt64>, Stated;
    }
}
