//! The signatures of a chain, kept in a file: signing is nine tenths of the making, the rest is made again each time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use alloy_primitives::{B256, Signature};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_128;

use crate::options::ChainOptions;

/// Rises with every change of the generator that changes a byte of any chain.
const GENERATOR_VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"LASTROSG";
const SIGNATURE_BYTES: usize = 65;

/// Signatures of all blocks after genesis, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignatureRecord {
    signatures: Vec<Signature>,
    /// Per block: where its transactions' signatures and where its seals start.
    starts: Vec<(u32, u32)>,
}

#[derive(Debug, Error)]
pub enum RecordError {
    #[error(
        "cannot use the cached signatures {path}: {source}; remove the file or choose another cache folder"
    )]
    Io { path: PathBuf, source: io::Error },
    #[error("the cached signatures {path} are damaged or of another chain; remove the file")]
    Damaged { path: PathBuf },
}

impl SignatureRecord {
    pub(crate) fn push_block(&mut self, of_transactions: &[Signature], of_seals: &[Signature]) {
        let start = self.len();
        self.signatures.extend_from_slice(of_transactions);
        self.starts.push((start, self.len()));
        self.signatures.extend_from_slice(of_seals);
    }

    pub(crate) fn of_transactions(&self, block_number: u64) -> &[Signature] {
        let Some((first, seals)) = self.bounds(block_number) else {
            return &[];
        };
        self.slice(first, seals)
    }

    pub(crate) fn of_seals(&self, block_number: u64) -> &[Signature] {
        let Some((_, seals)) = self.bounds(block_number) else {
            return &[];
        };
        let end = self
            .bounds(block_number + 1)
            .map_or(self.len(), |(next, _)| next);
        self.slice(seals, end)
    }

    fn bounds(&self, block_number: u64) -> Option<(u32, u32)> {
        let index = usize::try_from(block_number.checked_sub(1)?).ok()?;
        self.starts.get(index).copied()
    }

    fn slice(&self, first: u32, end: u32) -> &[Signature] {
        let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        self.signatures.get(index(first)..index(end)).unwrap_or(&[])
    }

    fn len(&self) -> u32 {
        u32::try_from(self.signatures.len()).unwrap_or(u32::MAX)
    }

    /// The record of a chain with these options, when the folder has it. Also gives the hash of the chain's head.
    pub(crate) fn load(
        folder: &Path,
        options: &ChainOptions,
    ) -> Result<Option<(Self, B256)>, RecordError> {
        let path = path_of(folder, options);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RecordError::Io { path, source }),
        };
        match Self::from_bytes(&bytes) {
            Some(record) => Ok(Some(record)),
            None => Err(RecordError::Damaged { path }),
        }
    }

    /// Writes under another name first, so that a half-written file is never taken for a whole one.
    pub(crate) fn store(
        &self,
        folder: &Path,
        options: &ChainOptions,
        head_hash: B256,
    ) -> Result<(), RecordError> {
        let path = path_of(folder, options);
        let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&unfinished, self.to_bytes(head_hash)))
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|source| RecordError::Io { path, source })
    }

    fn to_bytes(&self, head_hash: B256) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(
            self.signatures.len() * SIGNATURE_BYTES + self.starts.len() * 8 + 64,
        );
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(head_hash.as_slice());
        bytes.extend_from_slice(
            &u32::try_from(self.starts.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        for (first, seals) in &self.starts {
            bytes.extend_from_slice(&first.to_le_bytes());
            bytes.extend_from_slice(&seals.to_le_bytes());
        }
        for signature in &self.signatures {
            bytes.extend_from_slice(&signature.as_rsy());
        }
        let checksum = xxh3_128(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<(Self, B256)> {
        let (bytes, checksum) = bytes.split_last_chunk::<16>()?;
        if xxh3_128(bytes).to_le_bytes() != *checksum {
            return None;
        }
        let bytes = bytes.strip_prefix(MAGIC)?;
        let (head_hash, bytes) = bytes.split_first_chunk::<32>()?;
        let (n_blocks, bytes) = bytes.split_first_chunk::<4>()?;
        let n_blocks = usize::try_from(u32::from_le_bytes(*n_blocks)).ok()?;
        let (starts, signatures) = bytes.split_at_checked(n_blocks * 8)?;
        let starts = starts
            .as_chunks::<4>()
            .0
            .iter()
            .map(|word| u32::from_le_bytes(*word));
        let starts: Vec<u32> = starts.collect();
        let starts = starts
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[first, seals]| (*first, *seals))
            .collect();
        let (signatures, rest) = signatures.as_chunks::<SIGNATURE_BYTES>();
        if !rest.is_empty() {
            return None;
        }
        let signatures = signatures
            .iter()
            .map(|bytes| Signature::from_bytes_and_parity(&bytes[..64], bytes[64] == 1))
            .collect();
        Some((Self { signatures, starts }, B256::from(*head_hash)))
    }
}

fn path_of(folder: &Path, options: &ChainOptions) -> PathBuf {
    let key = xxh3_128(format!("{GENERATOR_VERSION} {options:?}").as_bytes());
    folder.join(format!("chain-{key:032x}.signatures"))
}
