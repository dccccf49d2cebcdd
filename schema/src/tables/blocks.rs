use crate::{
    columns::{
        Addresses, Bytes, FixedBytes, Hashes, Label, Nullable, UInt8, UInt32, UInt64, UInt256,
    },
    table::table,
};

table! {
    /// One row per block: every field of its header except the logs bloom (rebuilt from `logs`) and, under QBFT and IBFT
    /// 2.0, the commit seals (kept in `block_seals`, because each node holds its own).
    Blocks = "blocks",
    sorted by ["number"],
    block column Some("number"),
    indexes ["by_hash hash TYPE bloom_filter(0.001) GRANULARITY 1"],
    {
        /// Number of the block; genesis is 0.
        number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Hash of the header under the rules of the chain's consensus.
        hash: Hashes, Computed, "NONE";
        /// Hash of the block before.
        parent_hash: Hashes, Proven, "NONE";
        /// Hash of the list of ommers.
        ommers_hash: Hashes, Proven, "ZSTD(1)";
        /// Under QBFT and IBFT 2.0 the proposer of the block, else the fee recipient.
        beneficiary: Addresses, Proven, "ZSTD(1)";
        /// Root of the state trie after the block.
        state_root: Hashes, Proven, "NONE";
        /// Root of the trie of the block's transactions, recomputed before storing.
        transactions_root: Hashes, Proven, "ZSTD(1)";
        /// Root of the trie of the block's receipts, recomputed before storing.
        receipts_root: Hashes, Proven, "ZSTD(1)";
        /// Difficulty; 1 under QBFT and IBFT 2.0.
        difficulty: UInt256, Proven, "ZSTD(1)";
        /// Most gas the block may use.
        gas_limit: UInt64, Proven, "ZSTD(1)";
        /// Gas used by all transactions of the block.
        gas_used: UInt64, Proven, "ZSTD(1)";
        /// Seconds since 1970-01-01T00:00:00Z.
        timestamp: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Extra data; under QBFT and IBFT 2.0 with an empty list of seals in the place of the node's.
        extra_data: Bytes, Proven, "ZSTD(1)";
        /// Mix hash; a fixed word under QBFT and IBFT 2.0.
        mix_hash: Hashes, Proven, "ZSTD(1)";
        /// Nonce of the header.
        nonce: FixedBytes<8>, Proven, "ZSTD(1)";
        /// Base fee in wei; null before London.
        base_fee_per_gas: Nullable<UInt256>, Proven, "ZSTD(1)";
        /// Root of the trie of withdrawals; null before Shanghai.
        withdrawals_root: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Gas used by blobs; null before Cancun.
        blob_gas_used: Nullable<UInt64>, Proven, "ZSTD(1)";
        /// Running excess of blob gas; null before Cancun.
        excess_blob_gas: Nullable<UInt64>, Proven, "ZSTD(1)";
        /// Root of the parent beacon block; null before Cancun.
        parent_beacon_block_root: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Hash of the execution requests; null before Prague. The requests themselves are not offered by nodes.
        requests_hash: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// RLP list of the withdrawals; null before Shanghai.
        withdrawals: Nullable<Bytes>, Proven, "ZSTD(1)";
        /// Consensus round in which the block was sealed; 0 without BFT consensus. Signed by the seals, not part of the hash.
        round: UInt32, Proven, "ZSTD(1)";
        /// Number of transactions.
        n_transactions: UInt32, Computed, "ZSTD(1)";
        /// Number of logs.
        n_logs: UInt32, Computed, "ZSTD(1)";
        /// How the block was proven when it was stored: `sealed` (its own seals are a quorum of the set in force), `linked`
        /// (it is an ancestor, under an unchanged set, of a sealed block), `anchor` (genesis, where trust begins) or
        /// `no_signatures` (no BFT consensus).
        proof: Label, Computed, "ZSTD(1)";
        /// 1 when the senders of its transactions were recovered from their signatures, 0 when a node stated them.
        senders_recovered: UInt8, Computed, "ZSTD(1)";
    }
}
