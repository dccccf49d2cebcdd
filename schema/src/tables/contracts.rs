//! Contracts and decoded events.

use crate::{
    columns::{Addresses, Hashes, Label, Nullable, Text, UInt8, UInt32, UInt64},
    table::table,
};

table! {
    /// One row per contract creation that succeeded.
    Contracts = "contracts",
    sorted by ["address", "block_number"],
    made in the order of ["block_number", "transaction_index", "address"],
    block column Some("block_number"),
    {
        /// Address of the contract.
        address: Addresses, Computed;
        /// Block of the creation.
        block_number: UInt64, Proven;
        /// Position of the creating transaction in the block.
        transaction_index: UInt32, Proven;
        /// Who created it: the sender of the transaction, or the contract that called CREATE.
        creator: Addresses, Computed;
        /// `transaction`: computed from a creation transaction; `trace`: a node's trace said so (stated, not proven).
        source: Label, Computed;
    }
}

table! {
    /// One row per log that a registered ABI decodes.
    Events = "events",
    sorted by ["address", "event", "block_number", "log_index"],
    made in the order of ["block_number", "log_index"],
    block column Some("block_number"),
    {
        /// Contract that emitted the log.
        address: Addresses, Proven, "ZSTD(1)";
        /// Name of the event in the ABI.
        event: Label, Computed, "ZSTD(1)";
        /// Block of the log.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position of the log in the block.
        log_index: UInt32, Proven, "ZSTD(1)";
        /// Position of the transaction in the block.
        transaction_index: UInt32, Proven, "ZSTD(1)";
        /// Signature of the event, as `Name(type,type)`.
        signature: Label, Computed, "ZSTD(1)";
        /// Arguments by name as a JSON object; integers as decimal strings, bytes as 0x text. The ABI is the operator's word.
        arguments: Text, Computed, "ZSTD(1)";
        /// Digest of the ABI that decoded it (see `abis`).
        abi: Hashes, Computed, "ZSTD(1)";
    }
}

table! {
    /// Registered ABIs.
    Abis = "abis",
    sorted by ["registered_at", "digest"],
    block column None,
    {
        /// Keccak-256 of the JSON text.
        digest: Hashes, Own;
        /// Contract it is meant for; null for every contract.
        address: Nullable<Addresses>, Own;
        /// The ABI as given.
        json: Text, Own;
        /// When it was registered, seconds since 1970.
        registered_at: UInt64, Own;
        /// First block decoded by the pipeline itself; the blocks before are decoded from stored logs.
        decoded_from: UInt64, Own;
        /// 1 once the logs stored before `decoded_from` have been decoded.
        past_decoded: UInt8, Own;
    }
}
