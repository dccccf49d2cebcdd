CREATE TABLE IF NOT EXISTS blocks
(
    number UInt64 COMMENT '[proven] Number of the block; genesis is 0.' CODEC(Delta(8), ZSTD(1)),
    hash FixedString(32) COMMENT '[computed] Hash of the header under the rules of the chain''s consensus.' CODEC(NONE),
    parent_hash FixedString(32) COMMENT '[proven] Hash of the block before.' CODEC(NONE),
    ommers_hash FixedString(32) COMMENT '[proven] Hash of the list of ommers.' CODEC(ZSTD(1)),
    beneficiary FixedString(20) COMMENT '[proven] Under QBFT and IBFT 2.0 the proposer of the block, else the fee recipient.' CODEC(ZSTD(1)),
    state_root FixedString(32) COMMENT '[proven] Root of the state trie after the block.' CODEC(NONE),
    transactions_root FixedString(32) COMMENT '[proven] Root of the trie of the block''s transactions, recomputed before storing.' CODEC(ZSTD(1)),
    receipts_root FixedString(32) COMMENT '[proven] Root of the trie of the block''s receipts, recomputed before storing.' CODEC(ZSTD(1)),
    difficulty UInt256 COMMENT '[proven] Difficulty; 1 under QBFT and IBFT 2.0.' CODEC(ZSTD(1)),
    gas_limit UInt64 COMMENT '[proven] Most gas the block may use.' CODEC(ZSTD(1)),
    gas_used UInt64 COMMENT '[proven] Gas used by all transactions of the block.' CODEC(ZSTD(1)),
    timestamp UInt64 COMMENT '[proven] Seconds since 1970-01-01T00:00:00Z.' CODEC(Delta(8), ZSTD(1)),
    extra_data String COMMENT '[proven] Extra data; under QBFT and IBFT 2.0 with an empty list of seals in the place of the node''s.' CODEC(ZSTD(1)),
    mix_hash FixedString(32) COMMENT '[proven] Mix hash; a fixed word under QBFT and IBFT 2.0.' CODEC(ZSTD(1)),
    nonce FixedString(8) COMMENT '[proven] Nonce of the header.' CODEC(ZSTD(1)),
    base_fee_per_gas Nullable(UInt256) COMMENT '[proven] Base fee in wei; null before London.' CODEC(ZSTD(1)),
    withdrawals_root Nullable(FixedString(32)) COMMENT '[proven] Root of the trie of withdrawals; null before Shanghai.' CODEC(ZSTD(1)),
    blob_gas_used Nullable(UInt64) COMMENT '[proven] Gas used by blobs; null before Cancun.' CODEC(ZSTD(1)),
    excess_blob_gas Nullable(UInt64) COMMENT '[proven] Running excess of blob gas; null before Cancun.' CODEC(ZSTD(1)),
    parent_beacon_block_root Nullable(FixedString(32)) COMMENT '[proven] Root of the parent beacon block; null before Cancun.' CODEC(ZSTD(1)),
    requests_hash Nullable(FixedString(32)) COMMENT '[proven] Hash of the execution requests; null before Prague. The requests themselves are not offered by nodes.' CODEC(ZSTD(1)),
    withdrawals Nullable(String) COMMENT '[proven] RLP list of the withdrawals; null before Shanghai.' CODEC(ZSTD(1)),
    round UInt32 COMMENT '[proven] Consensus round in which the block was sealed; 0 without BFT consensus. Signed by the seals, not part of the hash.' CODEC(ZSTD(1)),
    n_transactions UInt32 COMMENT '[computed] Number of transactions.' CODEC(ZSTD(1)),
    n_logs UInt32 COMMENT '[computed] Number of logs.' CODEC(ZSTD(1)),
    proof LowCardinality(String) COMMENT '[computed] How the block was proven when it was stored: `sealed` (its own seals are a quorum of the set in force), `linked` (it is an ancestor, under an unchanged set, of a sealed block), `anchor` (genesis, where trust begins) or `no_signatures` (no BFT consensus).' CODEC(ZSTD(1)),
    senders_recovered UInt8 COMMENT '[computed] 1 when the senders of its transactions were recovered from their signatures, 0 when a node stated them.' CODEC(ZSTD(1)),
    INDEX by_hash hash TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY number
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per block: every field of its header except the logs bloom (rebuilt from `logs`) and, under QBFT and IBFT 2.0, the commit seals (kept in `block_seals`, because each node holds its own).';

CREATE TABLE IF NOT EXISTS transactions
(
    block_number UInt64 COMMENT '[proven] Block that includes the transaction.' CODEC(Delta(8), ZSTD(1)),
    transaction_index UInt32 COMMENT '[proven] Position in the block.' CODEC(ZSTD(1)),
    hash FixedString(32) COMMENT '[computed] Keccak-256 of the signed transaction.' CODEC(NONE),
    transaction_type UInt8 COMMENT '[proven] EIP-2718 type, 0 to 4; 0 is a legacy transaction.' CODEC(ZSTD(1)),
    chain_id Nullable(UInt64) COMMENT '[proven] Chain id that the signature covers; null for a legacy transaction without replay protection.' CODEC(ZSTD(1)),
    from_address FixedString(20) COMMENT '[computed] Sender, recovered from the signature (see `blocks.senders_recovered`).' CODEC(ZSTD(1)),
    to_address Nullable(FixedString(20)) COMMENT '[proven] Callee; null for a contract creation.' CODEC(ZSTD(1)),
    nonce UInt64 COMMENT '[proven] Nonce of the sender.' CODEC(ZSTD(1)),
    gas_limit UInt64 COMMENT '[proven] Most gas the transaction may use.' CODEC(ZSTD(1)),
    gas_price Nullable(UInt256) COMMENT '[proven] Gas price in wei; null for types 2 to 4.' CODEC(ZSTD(1)),
    max_fee_per_gas Nullable(UInt256) COMMENT '[proven] Most wei per gas, base fee included; null for types 0 and 1.' CODEC(ZSTD(1)),
    max_priority_fee_per_gas Nullable(UInt256) COMMENT '[proven] Most wei per gas for the proposer; null for types 0 and 1.' CODEC(ZSTD(1)),
    max_fee_per_blob_gas Nullable(UInt256) COMMENT '[proven] Most wei per gas of blobs; null but for type 3.' CODEC(ZSTD(1)),
    value UInt256 COMMENT '[proven] Wei sent with the call.' CODEC(ZSTD(1)),
    input String COMMENT '[proven] Calldata, or the creation code.' CODEC(ZSTD(1)),
    access_list String COMMENT '[proven] RLP of the access list; empty for type 0.' CODEC(ZSTD(1)),
    blob_versioned_hashes Array(FixedString(32)) COMMENT '[proven] Versioned hashes of the blobs; empty but for type 3.' CODEC(ZSTD(1)),
    authorization_list String COMMENT '[proven] RLP of the list of authorizations (EIP-7702); empty but for type 4.' CODEC(ZSTD(1)),
    v UInt64 COMMENT '[proven] `v` of a legacy signature, the parity of `y` (0 or 1) for the other types.' CODEC(ZSTD(1)),
    r FixedString(32) COMMENT '[proven] `r` of the signature, most significant byte first.' CODEC(NONE),
    s FixedString(32) COMMENT '[proven] `s` of the signature, most significant byte first.' CODEC(NONE),
    status Nullable(UInt8) COMMENT '[proven] 1 success, 0 failure; null before Byzantium.' CODEC(ZSTD(1)),
    post_state_root Nullable(FixedString(32)) COMMENT '[proven] State root after the transaction; null since Byzantium.' CODEC(ZSTD(1)),
    cumulative_gas_used UInt64 COMMENT '[proven] Gas used by this and all earlier transactions of the block.' CODEC(ZSTD(1)),
    gas_used UInt64 COMMENT '[computed] Gas used by this transaction.' CODEC(ZSTD(1)),
    effective_gas_price UInt256 COMMENT '[computed] Wei paid per gas: the gas price, or base fee plus the tip that fits under the maximum.' CODEC(ZSTD(1)),
    contract_address Nullable(FixedString(20)) COMMENT '[computed] Address of the contract that a creation made, also when it failed (see `status`); null for calls.' CODEC(ZSTD(1)),
    n_logs UInt32 COMMENT '[computed] Number of logs of the transaction.' CODEC(ZSTD(1)),
    revert_reason Nullable(String) COMMENT '[stated] Raw revert data; null when the transaction succeeded or the node does not keep it.' CODEC(ZSTD(1)),
    INDEX by_hash hash TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (block_number, transaction_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per transaction with its receipt: enough to rebuild both byte for byte (the receipt''s logs are in `logs`).';

CREATE TABLE IF NOT EXISTS logs
(
    block_number UInt64 COMMENT '[proven] Block that includes the log.' CODEC(Delta(8), ZSTD(1)),
    log_index UInt32 COMMENT '[proven] Position in the block.' CODEC(ZSTD(1)),
    transaction_index UInt32 COMMENT '[proven] Position of the transaction in the block.' CODEC(ZSTD(1)),
    address FixedString(20) COMMENT '[proven] Contract that emitted the log.' CODEC(ZSTD(1)),
    topic0 Nullable(FixedString(32)) COMMENT '[proven] First topic: for most events the hash of their signature.' CODEC(ZSTD(1)),
    topic1 Nullable(FixedString(32)) COMMENT '[proven] Second topic.' CODEC(ZSTD(1)),
    topic2 Nullable(FixedString(32)) COMMENT '[proven] Third topic.' CODEC(ZSTD(1)),
    topic3 Nullable(FixedString(32)) COMMENT '[proven] Fourth topic.' CODEC(ZSTD(1)),
    data String COMMENT '[proven] Unindexed arguments, ABI-encoded.' CODEC(ZSTD(1)),
    INDEX by_address address TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_topic0 topic0 TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (block_number, log_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per log.';

CREATE TABLE IF NOT EXISTS token_transfers
(
    token FixedString(20) COMMENT '[proven] Contract of the token.' CODEC(ZSTD(1)),
    block_number UInt64 COMMENT '[proven] Block of the log.' CODEC(Delta(8), ZSTD(1)),
    log_index UInt32 COMMENT '[proven] Position of the log in the block.' CODEC(ZSTD(1)),
    batch_index UInt32 COMMENT '[proven] Position in an ERC-1155 batch; 0 for the others.' CODEC(ZSTD(1)),
    transaction_index UInt32 COMMENT '[proven] Position of the transaction in the block.' CODEC(ZSTD(1)),
    standard LowCardinality(String) COMMENT '[computed] Shape of the event: `erc20`, `erc721` or `erc1155`.' CODEC(ZSTD(1)),
    operator Nullable(FixedString(20)) COMMENT '[proven] Who moved the tokens; null where the event does not say (ERC-20, ERC-721).' CODEC(ZSTD(1)),
    from_address FixedString(20) COMMENT '[proven] Giver; the zero address for a mint.' CODEC(ZSTD(1)),
    to_address FixedString(20) COMMENT '[proven] Receiver; the zero address for a burn.' CODEC(ZSTD(1)),
    token_id UInt256 COMMENT '[proven] Id within the contract; 0 for ERC-20.' CODEC(ZSTD(1)),
    amount UInt256 COMMENT '[proven] Amount in the token''s smallest unit; 1 for ERC-721.' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (token, block_number, log_index, batch_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per movement of a token: an ERC-20, ERC-721 or ERC-1155 transfer, mint (`from_address` is the zero address) or burn (`to` is the zero address). A batch transfer gives a row per item.';

CREATE TABLE IF NOT EXISTS balance_changes
(
    account FixedString(20) COMMENT '[proven] Account whose balance changed.' CODEC(ZSTD(1)),
    token FixedString(20) COMMENT '[proven] Contract of the token.' CODEC(ZSTD(1)),
    token_id UInt256 COMMENT '[proven] Id within the contract; 0 for ERC-20.' CODEC(ZSTD(1)),
    block_number UInt64 COMMENT '[proven] Block of the log.' CODEC(Delta(8), ZSTD(1)),
    log_index UInt32 COMMENT '[proven] Position of the log in the block.' CODEC(ZSTD(1)),
    batch_index UInt32 COMMENT '[proven] Position in an ERC-1155 batch; 0 for the others.' CODEC(ZSTD(1)),
    direction UInt8 COMMENT '[computed] 0: `amount` left the account, 1: it entered. A self-transfer has both.' CODEC(ZSTD(1)),
    amount UInt256 COMMENT '[proven] Amount in the token''s smallest unit.' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (account, token, token_id, block_number, log_index, batch_index, direction)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per account and movement: what entered or left its balance. Mints have no giver''s row, burns no receiver''s.';

CREATE TABLE IF NOT EXISTS tokens
(
    token FixedString(20) COMMENT '[proven] Contract of the token.',
    first_block UInt64 COMMENT '[proven] Block of its first transfer event.',
    standard LowCardinality(String) COMMENT '[computed] Shape of its first transfer event: `erc20`, `erc721` or `erc1155`.',
    name Nullable(String) COMMENT '[stated] `name()`; null when the contract has none.',
    symbol Nullable(String) COMMENT '[stated] `symbol()`; null when the contract has none.',
    decimals Nullable(UInt8) COMMENT '[stated] `decimals()`; null when the contract has none.',
    metadata_block Nullable(UInt64) COMMENT '[stated] Block at which name, symbol and decimals were read; null when no node answered.'
)
ENGINE = MergeTree
ORDER BY token
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per token contract seen, written with the block of its first transfer event.';

CREATE TABLE IF NOT EXISTS block_seals
(
    block_number UInt64 COMMENT '[proven] Block that the seal signs.' CODEC(Delta(8), ZSTD(1)),
    seal_index UInt32 COMMENT '[stated] Position in the list of the header.' CODEC(ZSTD(1)),
    seal FixedString(65) COMMENT '[stated] The signature: r, s, and the parity of y.' CODEC(NONE),
    signer Nullable(FixedString(20)) COMMENT '[computed] Validator that signed, recovered from the seal; null where only the range''s last seals were checked.' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (block_number, seal_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per commit seal, as the node that was asked holds them: other nodes may hold other seals of the same block, so a missing signer is no proof of absence.';

CREATE TABLE IF NOT EXISTS validators
(
    first_block UInt64 COMMENT '[computed] First block that this set seals.',
    decided_in_block UInt64 COMMENT '[computed] Block whose header decided it (for genesis and transitions the first block itself).',
    reason LowCardinality(String) COMMENT '[computed] `genesis`, `vote` or `transition`.',
    members Array(FixedString(20)) COMMENT '[computed] The set, ascending.'
)
ENGINE = MergeTree
ORDER BY first_block
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per change of the validator set in force, the one of genesis included.';

CREATE TABLE IF NOT EXISTS validator_votes
(
    block_number UInt64 COMMENT '[proven] Block whose header carries the vote.',
    proposer FixedString(20) COMMENT '[proven] Validator that voted: the proposer of the block.',
    recipient FixedString(20) COMMENT '[proven] Whom the vote is about.',
    kind LowCardinality(String) COMMENT '[proven] `add` or `remove`.',
    counted UInt8 COMMENT '[computed] 1 when the vote changed the tally, 0 when the rules ignore it (at an epoch block, or without effect).'
)
ENGINE = MergeTree
ORDER BY block_number
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per vote on the validator set that a header carries.';

CREATE TABLE IF NOT EXISTS contracts
(
    address FixedString(20) COMMENT '[computed] Address of the contract.',
    block_number UInt64 COMMENT '[proven] Block of the creation.',
    transaction_index UInt32 COMMENT '[proven] Position of the creating transaction in the block.',
    creator FixedString(20) COMMENT '[computed] Who created it: the sender of the transaction, or the contract that called CREATE.',
    source LowCardinality(String) COMMENT '[computed] `transaction`: computed from a creation transaction; `trace`: a node''s trace said so (stated, not proven).'
)
ENGINE = MergeTree
ORDER BY (address, block_number)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per contract creation that succeeded.';

CREATE TABLE IF NOT EXISTS events
(
    address FixedString(20) COMMENT '[proven] Contract that emitted the log.' CODEC(ZSTD(1)),
    event LowCardinality(String) COMMENT '[computed] Name of the event in the ABI.' CODEC(ZSTD(1)),
    block_number UInt64 COMMENT '[proven] Block of the log.' CODEC(Delta(8), ZSTD(1)),
    log_index UInt32 COMMENT '[proven] Position of the log in the block.' CODEC(ZSTD(1)),
    transaction_index UInt32 COMMENT '[proven] Position of the transaction in the block.' CODEC(ZSTD(1)),
    signature LowCardinality(String) COMMENT '[computed] Signature of the event, as `Name(type,type)`.' CODEC(ZSTD(1)),
    arguments String COMMENT '[computed] Arguments by name as a JSON object; integers as decimal strings, bytes as 0x text. The ABI is the operator''s word.' CODEC(ZSTD(1)),
    abi FixedString(32) COMMENT '[computed] Digest of the ABI that decoded it (see `abis`).' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (address, event, block_number, log_index)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per log that a registered ABI decodes.';

CREATE TABLE IF NOT EXISTS abis
(
    digest FixedString(32) COMMENT '[own] Keccak-256 of the JSON text.',
    address Nullable(FixedString(20)) COMMENT '[own] Contract it is meant for; null for every contract.',
    json String COMMENT '[own] The ABI as given.',
    registered_at UInt64 COMMENT '[own] When it was registered, seconds since 1970.',
    decoded_from UInt64 COMMENT '[own] First block decoded by the pipeline itself; the blocks before are decoded from stored logs.',
    past_decoded UInt8 COMMENT '[own] 1 once the logs stored before `decoded_from` have been decoded.'
)
ENGINE = MergeTree
ORDER BY (registered_at, digest)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Registered ABIs.';

CREATE TABLE IF NOT EXISTS chain
(
    chain_id UInt64 COMMENT '[own] EIP-155 chain id.',
    genesis_hash FixedString(32) COMMENT '[own] Hash of block 0.',
    consensus LowCardinality(String) COMMENT '[own] `qbft`, `ibft2` or `none`.',
    anchor LowCardinality(String) COMMENT '[own] What the proofs rest on: `genesis_file`, `pinned_hash` or `first_use`.',
    anchor_terms String COMMENT '[own] The anchor''s terms as JSON: epoch length, set overrides, digest of the genesis file.'
)
ENGINE = MergeTree
ORDER BY chain_id
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'The chain that this database holds: exactly one row.';

CREATE TABLE IF NOT EXISTS schema_migrations
(
    version UInt32 COMMENT '[own] Number of the migration.',
    name LowCardinality(String) COMMENT '[own] Its name.',
    applied_at UInt64 COMMENT '[own] When it was applied, seconds since 1970.'
)
ENGINE = MergeTree
ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Migrations applied to this database.';

CREATE TABLE IF NOT EXISTS plans
(
    generation UInt32 COMMENT '[own] Rises with each deletion of rows. A plan voids those of earlier generations that start at or above its own start.',
    first_block UInt64 COMMENT '[own] First block of the first range.',
    blocks_per_range UInt64 COMMENT '[own] Blocks per range.',
    window_blocks UInt64 COMMENT '[own] Most blocks that may be inserted above the checkpoint while this plan is in force.'
)
ENGINE = MergeTree
ORDER BY (generation, first_block)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'How blocks are cut into commit ranges: from `first_block` on, `blocks_per_range` blocks each, until the next row''s `first_block`. Written before the first insert that follows it, so that a restart replays the same ranges.';

CREATE TABLE IF NOT EXISTS checkpoints
(
    first_block UInt64 COMMENT '[own] First block of the range.' CODEC(Delta(8), ZSTD(1)),
    last_block UInt64 COMMENT '[own] Last block of the range.' CODEC(Delta(8), ZSTD(1)),
    last_hash FixedString(32) COMMENT '[own] Hash of the last block.' CODEC(NONE),
    last_timestamp UInt64 COMMENT '[own] Timestamp of the last block.' CODEC(Delta(8), ZSTD(1)),
    projection_version UInt32 COMMENT '[own] Version of the projection that made the derived rows.' CODEC(ZSTD(1)),
    generation UInt32 COMMENT '[own] Generation of the plan in force, part of the tokens of the range''s inserts.' CODEC(ZSTD(1)),
    tables Array(LowCardinality(String)) COMMENT '[own] Tables that got rows, by name.' CODEC(ZSTD(1)),
    n_rows Array(UInt64) COMMENT '[own] Number of rows, in the order of `tables`.' CODEC(ZSTD(1)),
    digests Array(FixedString(16)) COMMENT '[own] Digest of the rows (stated columns left out), in the order of `tables`.' CODEC(NONE),
    validator_state String COMMENT '[own] Validator set in force and open votes after the last block, as JSON; empty without BFT consensus.' CODEC(ZSTD(1)),
    committed_at UInt64 COMMENT '[own] When the range was committed, milliseconds since 1970.' CODEC(Delta(8), ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (last_block, generation)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'One row per committed range, written after all its rows are stored: readers look only at blocks up to the last one.';

CREATE TABLE IF NOT EXISTS leases
(
    epoch UInt64 COMMENT '[own] Rises with each new holder.',
    beat UInt64 COMMENT '[own] Rises with each renewal; the largest value marks a lease given back.',
    holder FixedString(16) COMMENT '[own] Random id of the holding process.',
    description String COMMENT '[own] Host and process id of the holder, for people.'
)
ENGINE = MergeTree
ORDER BY (epoch, beat)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Who may write: the row with the highest epoch holds the lease while its heartbeat moves.';

CREATE TABLE IF NOT EXISTS quarantine
(
    block_number UInt64 COMMENT '[own] Block that the answer was about.',
    quarantined_at UInt64 COMMENT '[own] When it was refused, milliseconds since 1970.',
    id FixedString(16) COMMENT '[own] Random id of the entry.',
    endpoint LowCardinality(String) COMMENT '[own] Node that gave the answer, without credentials.',
    reason LowCardinality(String) COMMENT '[own] Kind of the failure, stable for filters.',
    detail String COMMENT '[own] What failed, in words.',
    raw Array(String) COMMENT '[stated] Raw answers of the node, those to the other blocks of the same batch included: the blocks, then the receipts.' CODEC(ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (block_number, quarantined_at)
SETTINGS non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1
COMMENT 'Node answers that failed a check. Nothing of them is stored elsewhere.';
