//! The index's own books: what chain it is, how far it is proven and stored, what it refused.

use crate::{
    columns::{Bytes, FixedBytes, Hashes, Label, List, Text, UInt32, UInt64},
    table::table,
};

table! {
    /// The chain that this database holds: exactly one row.
    Chain = "chain",
    sorted by ["chain_id"],
    block column None,
    {
        /// EIP-155 chain id.
        chain_id: UInt64, Own;
        /// Hash of block 0.
        genesis_hash: Hashes, Own;
        /// `qbft`, `ibft2` or `none`.
        consensus: Label, Own;
        /// What the proofs rest on: `genesis_file`, `pinned_hash` or `first_use`.
        anchor: Label, Own;
        /// The anchor's terms as JSON: epoch length, set overrides, digest of the genesis file.
        anchor_terms: Text, Own;
    }
}

table! {
    /// Migrations applied to this database.
    Migrations = "schema_migrations",
    sorted by ["version"],
    block column None,
    {
        /// Number of the migration.
        version: UInt32, Own;
        /// Its name.
        name: Label, Own;
        /// When it was applied, seconds since 1970.
        applied_at: UInt64, Own;
    }
}

table! {
    /// How blocks are cut into commit ranges: from `first_block` on, `blocks_per_range` blocks each, until the next row's
    /// `first_block`. Written before the first insert that follows it, so that a restart replays the same ranges.
    Plans = "plans",
    sorted by ["generation", "first_block"],
    block column None,
    {
        /// Rises with each deletion of rows. A plan voids those of earlier generations that start at or above its own start.
        generation: UInt32, Own;
        /// First block of the first range.
        first_block: UInt64, Own;
        /// Blocks per range.
        blocks_per_range: UInt64, Own;
        /// Most blocks that may be inserted above the checkpoint while this plan is in force.
        window_blocks: UInt64, Own;
    }
}

table! {
    /// One row per committed range, written after all its rows are stored: readers look only at blocks up to the last one.
    Checkpoints = "checkpoints",
    sorted by ["last_block", "generation"],
    block column Some("last_block"),
    {
        /// First block of the range.
        first_block: UInt64, Own, "Delta(8), ZSTD(1)";
        /// Last block of the range.
        last_block: UInt64, Own, "Delta(8), ZSTD(1)";
        /// Hash of the last block.
        last_hash: Hashes, Own, "NONE";
        /// Timestamp of the last block.
        last_timestamp: UInt64, Own, "Delta(8), ZSTD(1)";
        /// Version of the projection that made the derived rows.
        projection_version: UInt32, Own, "ZSTD(1)";
        /// Generation of the plan in force, part of the tokens of the range's inserts.
        generation: UInt32, Own, "ZSTD(1)";
        /// Tables that got rows, by name.
        tables: List<Label>, Own, "ZSTD(1)";
        /// Number of rows, in the order of `tables`.
        n_rows: List<UInt64>, Own, "ZSTD(1)";
        /// Digest of the rows (stated columns left out), in the order of `tables`.
        digests: List<FixedBytes<16>>, Own, "NONE";
        /// Validator set in force and open votes after the last block, as JSON; empty without BFT consensus.
        validator_state: Text, Own, "ZSTD(1)";
        /// When the range was committed, milliseconds since 1970.
        committed_at: UInt64, Own, "Delta(8), ZSTD(1)";
    }
}

table! {
    /// Who may write: the row with the highest epoch holds the lease while its heartbeat moves.
    Leases = "leases",
    sorted by ["epoch", "beat"],
    block column None,
    {
        /// Rises with each new holder.
        epoch: UInt64, Own;
        /// Rises with each renewal; the largest value marks a lease given back.
        beat: UInt64, Own;
        /// Random id of the holding process.
        holder: FixedBytes<16>, Own;
        /// Host and process id of the holder, for people.
        description: Text, Own;
    }
}

table! {
    /// Node answers that failed a check. Nothing of them is stored elsewhere.
    Quarantine = "quarantine",
    sorted by ["block_number", "quarantined_at"],
    block column None,
    {
        /// Block that the answer was about.
        block_number: UInt64, Own;
        /// When it was refused, milliseconds since 1970.
        quarantined_at: UInt64, Own;
        /// Random id of the entry.
        id: FixedBytes<16>, Own;
        /// Node that gave the answer, without credentials.
        endpoint: Label, Own;
        /// Kind of the failure, stable for filters.
        reason: Label, Own;
        /// What failed, in words.
        detail: Text, Own;
        /// Raw answers of the node, those to the other blocks of the same batch included: the blocks, then the receipts.
        raw: List<Bytes>, Stated, "ZSTD(1)";
    }
}
