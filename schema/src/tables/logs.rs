use crate::{
    columns::{Addresses, Bytes, Hashes, Nullable, UInt32, UInt64},
    table::table,
};

table! {
    /// One row per log.
    Logs = "logs",
    sorted by ["block_number", "log_index"],
    block column Some("block_number"),
    indexes [
        "by_address address TYPE bloom_filter(0.01) GRANULARITY 1",
        "by_topic0 topic0 TYPE bloom_filter(0.01) GRANULARITY 1",
    ],
    {
        /// Block that includes the log.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position in the block.
        log_index: UInt32, Proven, "ZSTD(1)";
        /// Position of the transaction in the block.
        transaction_index: UInt32, Proven, "ZSTD(1)";
        /// Contract that emitted the log.
        address: Addresses, Proven, "ZSTD(1)";
        /// First topic: for most events the hash of their signature.
        topic0: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Second topic.
        topic1: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Third topic.
        topic2: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Fourth topic.
        topic3: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Unindexed arguments, ABI-encoded.
        data: Bytes, Proven, "ZSTD(1)";
    }
}
