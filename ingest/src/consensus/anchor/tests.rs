use std::fs;

use super::*;
use crate::consensus::BftProtocol;
use crate::consensus::recorded::{Signer, header_at, path};

fn genesis_file(net: &str) -> Anchor {
    Anchor::GenesisFile(Box::new(
        GenesisFile::parse(&fs::read(path(net, "genesis.json")).unwrap()).unwrap(),
    ))
}

#[test]
fn each_kind_takes_the_nodes_block_0() {
    let block_0 = header_at("rbb", 0);
    let pinned = Anchor::PinnedHash {
        hash: block_0.hash,
        rules: Arc::default(),
    };
    let first_use = Anchor::FirstUse {
        rules: Arc::default(),
    };
    for (anchor, name) in [(pinned, "pinned_hash"), (first_use, "first_use")] {
        let proof = verify_genesis(&anchor, &block_0.header).unwrap();
        assert_eq!(proof.kind.name(), name);
        assert_eq!(serde_json::to_value(proof.kind).unwrap(), name);
        assert_eq!(
            (proof.genesis.hash, proof.consensus),
            (block_0.hash, Consensus::Qbft)
        );
        let set = proof.validators.unwrap();
        assert_eq!((set.members().len(), set.next_block()), (4, BlockNumber(1)));
    }
    assert_eq!(genesis_file("main").kind().name(), "genesis_file");
}

/// The two nets differ in their validators and in their forks; a liar may also change a single account.
#[test]
fn another_block_0_is_refused_with_what_differs() {
    let anchor = genesis_file("main");
    let refused = verify_genesis(&anchor, &header_at("berlin", 0).header)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("extraData (the validators), baseFeePerGas, withdrawalsRoot"),
        "{refused}"
    );

    let mut richer = header_at("main", 0).header;
    richer.state_root.0[0] ^= 1;
    match verify_genesis(&anchor, &richer).unwrap_err() {
        AnchorError::OtherGenesis { fields, .. } => {
            assert_eq!(fields, ["stateRoot (the allocated accounts)"])
        }
        other => panic!("{other}"),
    }

    let block_0 = header_at("main", 0);
    let pinned = Anchor::PinnedHash {
        hash: B256::ZERO,
        rules: Arc::default(),
    };
    match verify_genesis(&pinned, &block_0.header).unwrap_err() {
        AnchorError::OtherHash { expected, found } => {
            assert_eq!((expected, found), (B256::ZERO, block_0.hash))
        }
        other => panic!("{other}"),
    }
}

/// Changing what the hash does not show as its own field, such as one validator, changes the hash all the same.
#[test]
fn a_stranger_in_the_genesis_list_is_refused() {
    let mut header = header_at("main", 0).header;
    let mut extra = BftExtra::of_header(BftProtocol::Qbft, &header).unwrap();
    extra.validators[0] = Signer::new(0).address;
    let mut bytes = Vec::new();
    extra.encode_sealed(BftProtocol::Qbft, &mut bytes);
    header.extra_data = bytes.into();
    let refused = verify_genesis(&genesis_file("main"), &header).unwrap_err();
    assert!(
        matches!(refused, AnchorError::OtherGenesis { .. }),
        "{refused}"
    );
}

#[test]
fn only_block_0_is_a_genesis() {
    let refused = verify_genesis(&genesis_file("main"), &header_at("main", 1).header).unwrap_err();
    assert!(matches!(
        refused,
        AnchorError::NotGenesis {
            found: BlockNumber(1)
        }
    ));
}

#[test]
fn consensus_is_told_from_block_0() {
    let mut header = header_at("main", 0).header;
    assert_eq!(Consensus::detect(&header).unwrap(), Consensus::Qbft);

    let extra = BftExtra::of_header(BftProtocol::Qbft, &header).unwrap();
    let mut ibft2 = Vec::new();
    extra.encode_sealed(BftProtocol::Ibft2, &mut ibft2);
    header.extra_data = ibft2.into();
    assert_eq!(Consensus::detect(&header).unwrap(), Consensus::Ibft2);

    header.extra_data = [0; 32].into();
    assert!(matches!(
        Consensus::detect(&header),
        Err(AnchorError::UnknownExtraData { .. })
    ));
    header.mix_hash = B256::ZERO;
    assert_eq!(Consensus::detect(&header).unwrap(), Consensus::Plain);

    let proof = verify_genesis(
        &Anchor::FirstUse {
            rules: Arc::default(),
        },
        &header,
    )
    .unwrap();
    assert_eq!(
        (proof.consensus, proof.validators),
        (Consensus::Plain, None)
    );
}
