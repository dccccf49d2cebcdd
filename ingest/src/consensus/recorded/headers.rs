//! Every recorded header: its hash, its seals, and the votes between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::consensus::{
    Anchor, AnchorKind, BftExtra, BftProtocol, ChangeCause, Consensus, GenesisFile, HeaderHasher,
    SetChange, ValidatorSet, VoteKind, VotingRules, reseal, verify_genesis, verify_quorum,
};

const QBFT: BftProtocol = BftProtocol::Qbft;

#[test]
fn the_recordings_are_all_there() {
    let counts = NETS.map(|net| HEADER_FILES.map(|file| headers(net, file).len()));
    assert_eq!(counts, [[55, 23, 32, 13], [55, 25, 28, 13], [22, 0, 0, 0]]);
}

#[test]
fn every_hash_is_recomputed() {
    let mut hasher = HeaderHasher::new();
    for net in NETS {
        for RecordedHeader { header, hash } in all_headers(net) {
            assert_eq!(
                hasher.block_hash(Consensus::Qbft, &header).unwrap(),
                hash,
                "{net} {}",
                header.number
            );
        }
    }
}

#[test]
fn every_block_after_genesis_is_sealed_by_a_quorum_of_its_validators() {
    let mut hasher = HeaderHasher::new();
    let mut rounds = BTreeMap::new();
    for net in NETS {
        for RecordedHeader { header, .. } in all_headers(net).iter().skip(1) {
            let extra = BftExtra::of_header(QBFT, header).unwrap();
            let set = ValidatorSet::from_genesis(Arc::default(), &extra).unwrap();
            let digest = hasher.seal_hash(QBFT, header, &extra).unwrap();
            let report = verify_quorum(&set, digest, &extra.seals).unwrap();
            assert_eq!(
                report.signers.len(),
                report.quorum,
                "a recorded block never has more than the quorum"
            );
            assert_eq!(report.high_s, Vec::<usize>::new());
            *rounds.entry(extra.round).or_insert(0) += 1;
        }
    }
    assert!(
        rounds[&1] > 0 && rounds[&5] == 1,
        "blocks of later rounds are among them: {rounds:?}"
    );
}

#[test]
fn extra_data_is_rebuilt_from_its_stored_parts() {
    for net in NETS {
        for RecordedHeader { header, hash } in all_headers(net) {
            let extra = BftExtra::of_header(QBFT, &header).unwrap();
            let (mut wire, mut unsealed) = (Vec::new(), Vec::new());
            extra.encode_sealed(QBFT, &mut wire);
            extra.encode_unsealed(QBFT, &mut unsealed);
            assert_eq!(wire, header.extra_data);
            assert_eq!(
                reseal(QBFT, &unsealed, extra.seals.clone()).unwrap(),
                header.extra_data
            );

            let stored = Header {
                extra_data: unsealed.into(),
                ..header
            };
            assert_eq!(
                HeaderHasher::new()
                    .block_hash(Consensus::Qbft, &stored)
                    .unwrap(),
                hash
            );
        }
    }
}

/// Nodes keep different quorums of one block: other bytes, but the same hash, and each a proof.
#[test]
fn each_nodes_own_seals_prove_the_same_block() {
    for line in lines("main", "seals_differ_between_nodes.jsonl") {
        let recorded = header_at("main", integer(&line["number"]).to());
        assert_eq!(word(&line["hash"]), recorded.hash);
        let header = Header {
            extra_data: bytes(&line["extraData"]),
            ..recorded.header
        };
        let extra = BftExtra::of_header(QBFT, &header).unwrap();
        let mut hasher = HeaderHasher::new();
        assert_eq!(
            hasher.bft_hash(QBFT, &header, &extra).unwrap(),
            recorded.hash
        );
        let set = ValidatorSet::from_genesis(Arc::default(), &extra).unwrap();
        let digest = hasher.seal_hash(QBFT, &header, &extra).unwrap();
        verify_quorum(&set, digest, &extra.seals).unwrap();
    }
}

/// The unsealed form, which the store keeps, is the same whichever node a block came from.
#[test]
fn nodes_differ_in_their_seals_only() {
    for net in ["main", "rbb"] {
        let mut blocks = BTreeMap::<B256, Vec<(Bytes, Vec<u8>)>>::new();
        for line in lines(net, "seals_differ_between_nodes.jsonl") {
            let wire = bytes(&line["extraData"]);
            let mut unsealed = Vec::new();
            BftExtra::decode(QBFT, &wire)
                .unwrap()
                .encode_unsealed(QBFT, &mut unsealed);
            blocks
                .entry(word(&line["hash"]))
                .or_default()
                .push((wire, unsealed));
        }
        assert_eq!(blocks.len(), 3);
        for nodes in blocks.values() {
            assert_eq!(nodes.len(), 4);
            assert!(nodes.iter().any(|(wire, _)| *wire != nodes[0].0));
            assert!(nodes.iter().all(|(_, unsealed)| *unsealed == nodes[0].1));
        }
    }
}

#[test]
fn genesis_files_give_the_nodes_block_0() {
    for net in ["main", "berlin"] {
        let file = GenesisFile::parse(&fs::read(path(net, "genesis.json")).unwrap()).unwrap();
        let block_0 = header_at(net, 0);
        assert_eq!(file.header, block_0.header, "{net}");
        assert_eq!(file.hash, block_0.hash, "{net}");
        assert_eq!(
            (file.chain_id.0, file.consensus),
            (648_629, Consensus::Qbft)
        );
        assert_eq!(*file.rules, VotingRules::default());
        assert_eq!(file.block_period.unwrap().as_secs(), 1);
        assert_eq!(file.request_timeout.unwrap().as_secs(), 2);

        let proof = verify_genesis(&Anchor::GenesisFile(Box::new(file)), &block_0.header).unwrap();
        assert_eq!(
            (proof.kind, proof.genesis.hash),
            (AnchorKind::GenesisFile, block_0.hash)
        );
        assert_eq!(proof.validators.unwrap().members().len(), 4);
    }
}

/// Blocks between the recordings are stood in for by blocks without votes; what was recorded must then fit exactly.
#[test]
fn the_recorded_votes_replay_to_the_recorded_sets() {
    for (net, removed_for, added_for) in [("main", 323, 331), ("rbb", 222, 231)] {
        let recorded = all_headers(net);
        let anchor = Anchor::PinnedHash {
            hash: recorded[0].hash,
            rules: Arc::default(),
        };
        let mut set = verify_genesis(&anchor, &recorded[0].header)
            .unwrap()
            .validators
            .unwrap();
        let answers = recorded_validators(net);
        let mut changes = Vec::new();
        for RecordedHeader { header, .. } in &recorded[1..] {
            while set.next_block() < header.number {
                let anybody = set.members()[0];
                assert_eq!(set.apply(set.next_block(), anybody, None).unwrap(), None);
            }
            let extra = BftExtra::of_header(QBFT, header).unwrap();
            set.expect_header(header.number, header.beneficiary, &extra.validators)
                .unwrap();
            if let Some(answer) = answers.get(&header.number.0) {
                assert_eq!(set.members(), answer, "{net} {}", header.number);
            }
            changes.extend(
                set.apply(header.number, header.beneficiary, extra.vote)
                    .unwrap(),
            );
        }
        let fourth = changes[0].removed[0];
        let change = |block, added: &[Address], removed: &[Address]| SetChange {
            first_block: BlockNumber(block),
            added: added.to_vec(),
            removed: removed.to_vec(),
            cause: ChangeCause::Vote,
        };
        assert_eq!(
            changes,
            [
                change(removed_for, &[], &[fourth]),
                change(added_for, &[fourth], &[])
            ],
            "{net}"
        );
    }
}

#[test]
fn both_kinds_of_vote_are_among_the_recordings() {
    let mut kinds = BTreeMap::new();
    for RecordedHeader { header, .. } in headers("main", "votes_headers.jsonl") {
        if let Some(vote) = BftExtra::of_header(QBFT, &header).unwrap().vote {
            *kinds.entry(vote.kind == VoteKind::Add).or_insert(0) += 1;
        }
    }
    assert_eq!(kinds, BTreeMap::from([(false, 3), (true, 2)]));
}

/// Answers to `qbft_getValidatorsByBlockNumber`, by block.
fn recorded_validators(net: &str) -> BTreeMap<u64, Vec<Address>> {
    let mut answers = BTreeMap::new();
    for file in HEADER_FILES {
        for line in lines(net, file) {
            if line["request"]["method"] == "qbft_getValidatorsByBlockNumber" {
                let number = integer(&line["request"]["params"][0]).to();
                let validators = line["response"]["result"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(address)
                    .collect();
                answers.insert(number, validators);
            }
        }
    }
    assert!(answers.len() > 60);
    answers
}
