//! Who may seal blocks, who did, and who voted to change that.

use crate::{
    columns::{Addresses, FixedBytes, Label, List, Nullable, UInt8, UInt32, UInt64},
    table::table,
};

table! {
    /// One row per change of the validator set in force, the one of genesis included.
    Validators = "validators",
    sorted by ["first_block"],
    block column Some("decided_in_block"),
    {
        /// First block that this set seals.
        first_block: UInt64, Computed;
        /// Block whose header decided it (for genesis and transitions the first block itself).
        decided_in_block: UInt64, Computed;
        /// `genesis`, `vote` or `transition`.
        reason: Label, Computed;
        /// The set, ascending.
        members: List<Addresses>, Computed;
    }
}

table! {
    /// One row per vote on the validator set that a header carries.
    ValidatorVotes = "validator_votes",
    sorted by ["block_number"],
    block column Some("block_number"),
    {
        /// Block whose header carries the vote.
        block_number: UInt64, Proven;
        /// Validator that voted: the proposer of the block.
        proposer: Addresses, Proven;
        /// Whom the vote is about.
        recipient: Addresses, Proven;
        /// `add` or `remove`.
        kind: Label, Proven;
        /// 1 when the vote changed the tally, 0 when the rules ignore it (at an epoch block, or without effect).
        counted: UInt8, Computed;
    }
}

table! {
    /// One row per commit seal, as the node that was asked holds them: other nodes may hold other seals of the same block, so
    /// a missing signer is no proof of absence.
    BlockSeals = "block_seals",
    sorted by ["block_number", "seal_index"],
    block column Some("block_number"),
    {
        /// Block that the seal signs.
        block_number: UInt64, Proven, "Delta(8), ZSTD(1)";
        /// Position in the list of the header.
        seal_index: UInt32, Stated, "ZSTD(1)";
        /// The signature: r, s, and the parity of y.
        seal: FixedBytes<65>, Stated, "NONE";
        /// Validator that signed, recovered from the seal; null where only the range's last seals were checked.
        signer: Nullable<Addresses>, Computed, "ZSTD(1)";
    }
}
