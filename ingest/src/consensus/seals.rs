//! Commit seals: who signed a block, and whether they were enough of those entitled to.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use alloy_primitives::{Address, B256, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

use super::{Seal, ValidatorSet};

/// Half the order of secp256k1, rounded down: an s above it is the mirror image of a lower one.
const HALF_ORDER: [u8; 32] =
    alloy_primitives::hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// Who made a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub signer: Address,
    /// s is in the upper half of the order. Besu accepts such a seal, but never makes one: somebody reworked it.
    pub high_s: bool,
}

/// The seals of a block that is proven by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealReport {
    /// In the order of the seals; all distinct, all validators in force.
    pub signers: Vec<Address>,
    /// How many seals were needed.
    pub quorum: usize,
    /// Places (from 0) of seals with a high s: valid, but not as a validator made them.
    pub high_s: Vec<usize>,
}

/// Why seals do not prove a block. As in Besu, one bad seal spoils a block even if the others are a quorum: an honest
/// node never accepted such a block, so whoever serves it is lying or broken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("seal {index} is malformed: {reason}")]
    Malformed { index: usize, reason: &'static str },
    #[error("seal {index} is by {signer}, who is not a validator in force")]
    Stranger { index: usize, signer: Address },
    #[error("seal {index} is by {signer}, as is seal {first}: a validator counts once")]
    Duplicate {
        index: usize,
        first: usize,
        signer: Address,
    },
    #[error("{found} of {n_validators} validators sealed, {needed} are needed")]
    TooFew {
        found: usize,
        needed: usize,
        n_validators: usize,
    },
}

/// Recovers who sealed `digest` (see [`super::HeaderHasher::seal_hash`]); `index` is the seal's place, for the error.
///
/// The recovery id must be 0 or 1, as Besu and GoQuorum write it.
pub fn recover_signer(digest: B256, index: usize, seal: &Seal) -> Result<Recovered, SealError> {
    let malformed = |reason| SealError::Malformed { index, reason };
    let id = match seal.0[64] {
        0 => RecoveryId::Zero,
        1 => RecoveryId::One,
        _ => return Err(malformed("its recovery id is neither 0 nor 1")),
    };
    let signature = RecoverableSignature::from_compact(&seal.0[..64], id)
        .map_err(|_| malformed("r or s is not below the order of the curve"))?;
    let key = SECP256K1
        .recover_ecdsa(Message::from_digest(digest.0), &signature)
        .map_err(|_| malformed("no public key can have made it"))?;
    let hash = keccak256(&key.serialize_uncompressed()[1..]);
    Ok(Recovered {
        signer: Address::from_slice(&hash[12..]),
        high_s: seal.0[32..64] > HALF_ORDER[..],
    })
}

/// Recovers the signers of all seals, in their order.
pub fn recover_signers(digest: B256, seals: &[Seal]) -> Result<Vec<Recovered>, SealError> {
    seals
        .iter()
        .enumerate()
        .map(|(index, seal)| recover_signer(digest, index, seal))
        .collect()
}

/// Demands that `seals` are by distinct members of the set in force, and at least a quorum of them.
pub fn verify_quorum(
    set: &ValidatorSet,
    digest: B256,
    seals: &[Seal],
) -> Result<SealReport, SealError> {
    expect_quorum(set, &recover_signers(digest, seals)?)
}

/// Like [`verify_quorum`], for seals whose signers are recovered already.
///
/// Distinct means distinct addresses: the (r, n − s) twin of a seal recovers to the same one.
pub fn expect_quorum(set: &ValidatorSet, recovered: &[Recovered]) -> Result<SealReport, SealError> {
    let mut report = SealReport {
        signers: Vec::with_capacity(recovered.len()),
        quorum: set.quorum(),
        high_s: Vec::new(),
    };
    for (index, &Recovered { signer, high_s }) in recovered.iter().enumerate() {
        if !set.is_member(signer) {
            return Err(SealError::Stranger { index, signer });
        }
        if let Some(first) = report.signers.iter().position(|known| *known == signer) {
            return Err(SealError::Duplicate {
                index,
                first,
                signer,
            });
        }
        report.signers.push(signer);
        if high_s {
            report.high_s.push(index);
        }
    }
    if report.signers.len() < report.quorum {
        return Err(SealError::TooFew {
            found: report.signers.len(),
            needed: report.quorum,
            n_validators: set.members().len(),
        });
    }
    Ok(report)
}
