#![allow(clippy::unwrap_used)]

use lastro_schema::TableRows;

use super::*;

const TOKEN: [u8; 20] = [0xaa; 20];

fn word(byte: u8) -> Word {
    let mut word = [0; 32];
    word[31] = byte;
    word
}

/// Standard, number of transfers and number of balance changes of a log.
fn project(topics: &[Word], data: &[u8]) -> Option<(Standard, usize, usize)> {
    let (mut transfers, mut changes) = (TokenTransfers::default(), BalanceChanges::default());
    let place = LogPlace {
        block_number: 1,
        transaction_index: 0,
        log_index: 0,
    };
    let standard = project_log(
        &Log {
            place,
            address: &TOKEN,
            topics,
            data,
        },
        &mut transfers,
        &mut changes,
    );
    let counts = (transfers.n_rows(), changes.n_rows());
    assert_eq!(standard.is_none(), counts.0 == 0 && counts.1 == 0);
    standard.map(|standard| (standard, counts.0, counts.1))
}

#[test]
fn the_three_standards() {
    assert_eq!(
        project(&[TRANSFER, word(1), word(2)], &word(9)),
        Some((Standard::Erc20, 1, 2))
    );
    assert_eq!(
        project(&[TRANSFER, word(1), word(2), word(9)], &[]),
        Some((Standard::Erc721, 1, 2))
    );
    let single = [word(5), word(9)].concat();
    assert_eq!(
        project(&[TRANSFER_SINGLE, word(7), word(1), word(2)], &single),
        Some((Standard::Erc1155, 1, 2))
    );
    let batch = [
        word(64),
        word(160),
        word(2),
        word(5),
        word(6),
        word(2),
        word(1),
        word(1),
    ]
    .concat();
    assert_eq!(
        project(&[TRANSFER_BATCH, word(7), word(1), word(2)], &batch),
        Some((Standard::Erc1155, 2, 4))
    );
}

#[test]
fn mints_burns_zero_amounts_and_self_transfers() {
    assert_eq!(
        project(&[TRANSFER, word(0), word(2)], &word(9)),
        Some((Standard::Erc20, 1, 1))
    );
    assert_eq!(
        project(&[TRANSFER, word(1), word(0)], &word(9)),
        Some((Standard::Erc20, 1, 1))
    );
    assert_eq!(
        project(&[TRANSFER, word(1), word(2)], &word(0)),
        Some((Standard::Erc20, 1, 2))
    );
    assert_eq!(
        project(&[TRANSFER, word(1), word(1)], &word(9)),
        Some((Standard::Erc20, 1, 2))
    );
}

#[test]
fn tokens_without_indexed_arguments() {
    let data = [word(1), word(2), word(9)].concat();
    assert_eq!(project(&[TRANSFER], &data), Some((Standard::Erc20, 1, 2)));
    assert_eq!(
        project(&[TRANSFER, word(1)], &data[32..]),
        Some((Standard::Erc20, 1, 2))
    );
}

#[test]
fn what_is_no_transfer_stays_a_log() {
    let dirty = [0xff; 32];
    for (topics, data) in [
        (vec![], vec![]),
        (vec![word(1)], word(9).to_vec()),
        (vec![TRANSFER, word(1), word(2)], vec![]),
        (vec![TRANSFER, word(1), word(2)], vec![0; 31]),
        (vec![TRANSFER, word(1), word(2)], vec![0; 64]),
        (vec![TRANSFER, word(1), word(2), word(3)], word(9).to_vec()),
        (vec![TRANSFER, dirty, word(2)], word(9).to_vec()),
        (
            vec![TRANSFER_SINGLE, word(1), word(2)],
            [word(1), word(2), word(3)].concat(),
        ),
        (
            vec![TRANSFER_SINGLE, word(7), word(1), word(2)],
            word(9).to_vec(),
        ),
        // Lists of different lengths, an offset beyond the end, a length beyond the end, an unaligned offset.
        (
            vec![TRANSFER_BATCH, word(7), word(1), word(2)],
            [word(64), word(128), word(1), word(5), word(0)].concat(),
        ),
        (
            vec![TRANSFER_BATCH, word(7), word(1), word(2)],
            [word(64), word(224), word(0)].concat(),
        ),
        (
            vec![TRANSFER_BATCH, word(7), word(1), word(2)],
            [word(64), word(64), word(9)].concat(),
        ),
        (
            vec![TRANSFER_BATCH, word(7), word(1), word(2)],
            [word(65), word(65), word(0), word(0)].concat(),
        ),
        (
            vec![TRANSFER_BATCH, word(7), word(1), word(2)],
            [dirty, dirty, word(0)].concat(),
        ),
    ] {
        assert_eq!(
            project(&topics, &data),
            None,
            "{} topics, {} bytes",
            topics.len(),
            data.len()
        );
    }
}
