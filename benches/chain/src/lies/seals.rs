//! Seals that are not what they seem.

use alloy_primitives::{Signature, U256, uint};

use super::SealLie;
use crate::block::Block;
use crate::chain::Chain;
use crate::consensus::quorum;
use crate::keys::{Key, seal_bytes};
use crate::options::ChainOptions;
use crate::random::{Purpose, Random};

/// Order of the curve secp256k1.
const CURVE_ORDER: U256 =
    uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);

/// Gives whether the block has seals to tamper with.
pub(super) fn alter_seals(chain: &mut Chain, place: usize, lie: SealLie) -> bool {
    let block = &chain.blocks[place];
    let mut seals = block.extra.seals.clone();
    let needed = quorum(block.extra.validators.len());
    let Some(first) = seals.first().copied() else {
        return false;
    };
    match lie {
        SealLie::Forged => seals[0] = noise(&chain.options, block.number()),
        SealLie::Stranger => {
            seals[0] = seal_bytes(&stranger(&chain.options, 0).sign(block.seal_digest()))
        }
        SealLie::TooFew => seals.truncate(needed - 1),
        SealLie::None => seals.clear(),
        SealLie::Repeated => seals = vec![first; needed],
        SealLie::Twin => {
            seals.truncate(needed - 1);
            seals.push(twin(&first));
        }
        SealLie::OfAnotherBlock => seals = chain.blocks[place - 1].extra.seals.clone(),
        SealLie::OfAnotherRound => {
            let mut other_round = block.clone();
            other_round.extra.round += 1;
            let digest = other_round.seal_digest();
            let sealers = validators_of(chain, block);
            seals = sealers
                .iter()
                .take(needed)
                .map(|key| seal_bytes(&key.sign(digest)))
                .collect();
        }
    }
    chain.blocks[place].set_seals(seals);
    true
}

/// Seals `place` and all behind it by one validator less than needed, and strangers to make up the number.
pub(super) fn seal_by_minority(chain: &mut Chain, place: usize) {
    for place in place..chain.blocks.len() {
        let block = &chain.blocks[place];
        let needed = quorum(block.extra.validators.len());
        let mut sealers = validators_of(chain, block);
        sealers.truncate(needed - 1);
        sealers.push(stranger(&chain.options, 0));
        let digest = block.seal_digest();
        let seals = sealers
            .iter()
            .map(|key| seal_bytes(&key.sign(digest)))
            .collect();
        chain.blocks[place].set_seals(seals);
    }
}

/// A key that no validator set has.
pub(super) fn stranger(options: &ChainOptions, index: u64) -> Key {
    Key::derive(options.seed, "stranger", index)
}

fn validators_of(chain: &Chain, block: &Block) -> Vec<Key> {
    let listed = chain
        .validators
        .iter()
        .filter(|key| block.extra.validators.contains(&key.address));
    listed.cloned().collect()
}

/// The other signature that the same key has made valid with this one.
fn twin(seal: &[u8; 65]) -> [u8; 65] {
    let signature = Signature::from_bytes_and_parity(&seal[..64], seal[64] == 1);
    seal_bytes(&Signature::new(
        signature.r(),
        CURVE_ORDER - signature.s(),
        !signature.v(),
    ))
}

fn noise(options: &ChainOptions, block_number: u64) -> [u8; 65] {
    let mut random = Random::for_block(options.seed, Purpose::Lies, block_number);
    let mut seal = [0; 65];
    seal[..64].copy_from_slice(&random.bytes(64));
    seal
}
