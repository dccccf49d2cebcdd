use crate::{
    columns::{Addresses, Bytes, Hashes, List, Nullable, UInt8, UInt32, UInt64, UInt256},
    table::table,
};

table! {
    /// One row per transaction with its receipt: enough to rebuild both byte for byte (the receipt's logs are in `logs`).
    Transactions = "transactions",
    sorted by ["block_number", "transaction_index"],
    block column Some("block_number"),
    indexes ["by_hash hash TYPE bloom_filter(0.001) GRANULARITY 1"],
    {
        /// Block that includes the transaction.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position in the block.
        transaction_index: UInt32, Proven, "ZSTD(1)";
        /// Keccak-256 of the signed transaction.
        hash: Hashes, Computed, "NONE";
        /// EIP-2718 type, 0 to 4; 0 is a legacy transaction.
        transaction_type: UInt8, Proven, "ZSTD(1)";
        /// Chain id that the signature covers; null for a legacy transaction without replay protection.
        chain_id: Nullable<UInt64>, Proven, "ZSTD(1)";
        /// Sender, recovered from the signature (see `blocks.senders_recovered`).
        from_address: Addresses, Computed, "ZSTD(1)";
        /// Callee; null for a contract creation.
        to_address: Nullable<Addresses>, Proven, "ZSTD(1)";
        /// Nonce of the sender.
        nonce: UInt64, Proven, "ZSTD(1)";
        /// Most gas the transaction may use.
        gas_limit: UInt64, Proven, "ZSTD(1)";
        /// Gas price in wei; null for types 2 to 4.
        gas_price: Nullable<UInt256>, Proven, "ZSTD(1)";
        /// Most wei per gas, base fee included; null for types 0 and 1.
        max_fee_per_gas: Nullable<UInt256>, Proven, "ZSTD(1)";
        /// Most wei per gas for the proposer; null for types 0 and 1.
        max_priority_fee_per_gas: Nullable<UInt256>, Proven, "ZSTD(1)";
        /// Most wei per gas of blobs; null but for type 3.
        max_fee_per_blob_gas: Nullable<UInt256>, Proven, "ZSTD(1)";
        /// Wei sent with the call.
        value: UInt256, Proven, "ZSTD(1)";
        /// Calldata, or the creation code.
        input: Bytes, Proven, "ZSTD(1)";
        /// RLP of the access list; empty for type 0.
        access_list: Bytes, Proven, "ZSTD(1)";
        /// Versioned hashes of the blobs; empty but for type 3.
        blob_versioned_hashes: List<Hashes>, Proven, "ZSTD(1)";
        /// RLP of the list of authorizations (EIP-7702); empty but for type 4.
        authorization_list: Bytes, Proven, "ZSTD(1)";
        /// `v` of a legacy signature, the parity of `y` (0 or 1) for the other types.
        v: UInt64, Proven, "ZSTD(1)";
        /// `r` of the signature, most significant byte first.
        r: Hashes, Proven, "NONE";
        /// `s` of the signature, most significant byte first.
        s: Hashes, Proven, "NONE";
        /// 1 success, 0 failure; null before Byzantium.
        status: Nullable<UInt8>, Proven, "ZSTD(1)";
        /// State root after the transaction; null since Byzantium.
        post_state_root: Nullable<Hashes>, Proven, "ZSTD(1)";
        /// Gas used by this and all earlier transactions of the block.
        cumulative_gas_used: UInt64, Proven, "ZSTD(1)";
        /// Gas used by this transaction.
        gas_used: UInt64, Computed, "ZSTD(1)";
        /// Wei paid per gas: the gas price, or base fee plus the tip that fits under the maximum.
        effective_gas_price: UInt256, Computed, "ZSTD(1)";
        /// Address of the contract that a creation made, also when it failed (see `status`); null for calls.
        contract_address: Nullable<Addresses>, Computed, "ZSTD(1)";
        /// Number of logs of the transaction.
        n_logs: UInt32, Computed, "ZSTD(1)";
        /// Raw revert data; null when the transaction succeeded or the node does not keep it.
        revert_reason: Nullable<Bytes>, Stated, "ZSTD(1)";
    }
}
