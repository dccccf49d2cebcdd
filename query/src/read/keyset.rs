//! Sort keys: where a page begins and ends, and in which order rows are read. No list is ever read by offset.

use alloy_primitives::{Address, U256};
use lastro_schema::BlockNumber;

use crate::read::sql::Sql;

/// A list's sort key. Its columns identify a row among those of one answer, so that no two rows compare equal.
#[derive(Debug)]
pub(crate) struct KeyDef {
    /// Tag of the list in cursors; never reused for another list.
    pub tag: u8,
    pub columns: &'static [KeyColumn],
    /// `ORDER BY` text, ascending and descending.
    pub ascending: &'static str,
    pub descending: &'static str,
    /// Conditions for rows beyond the bound whose parts are bound as `above_N` or `below_N`.
    pub above: &'static str,
    pub below: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyColumn {
    Number,
    Address,
    Amount,
}

/// The value of a sort key in one row, in the order of the definition's columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub Vec<KeyPart>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum KeyPart {
    Number(u64),
    Address(Address),
    Amount(U256),
}

impl From<u64> for KeyPart {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for KeyPart {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Address> for KeyPart {
    fn from(address: Address) -> Self {
        Self::Address(address)
    }
}

impl From<U256> for KeyPart {
    fn from(amount: U256) -> Self {
        Self::Amount(amount)
    }
}

/// A row that has a place in a list.
pub(crate) trait Keyed {
    fn key(&self) -> Key;
}

/// Which rows of a list to read: those strictly between the bounds, at most `limit`, beginning at one end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keyset {
    pub above: Option<Key>,
    pub below: Option<Key>,
    pub descending: bool,
    pub limit: u64,
}

impl Keyset {
    /// The first rows in ascending order.
    pub(crate) fn first(limit: u64) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Appends the bounds as `AND` conditions.
    pub(crate) fn bounds(&self, mut sql: Sql, def: &'static KeyDef) -> Sql {
        if let Some(key) = &self.above {
            sql = bind(sql.and_then(def.above), key, ABOVE);
        }
        if let Some(key) = &self.below {
            sql = bind(sql.and_then(def.below), key, BELOW);
        }
        sql
    }

    /// The blocks nearest to where this page begins, for lists sorted by block whose table is not: when they hold a full page,
    /// it is the page, because rows of other blocks come behind them. `None` when the span is narrow anyway.
    pub(crate) fn nearest(&self, span: BlockSpan) -> Option<(u64, u64)> {
        let block = |key: &Option<Key>| match key.as_ref().and_then(|key| key.0.first()) {
            Some(KeyPart::Number(number)) => Some(*number),
            _ => None,
        };
        let first = span.from_block.max(block(&self.above)).unwrap_or(0);
        let ends = [Some(span.at.0), span.to_block, block(&self.below)];
        let last = ends.into_iter().flatten().min().unwrap_or(span.at.0);
        if last.saturating_sub(first) <= 2 * NEAREST_BLOCKS {
            return None;
        }
        Some(if self.descending {
            (last - NEAREST_BLOCKS, last)
        } else {
            (first, first + NEAREST_BLOCKS)
        })
    }

    /// Whether so many rows are all that a page can hold.
    pub(crate) fn is_full(&self, n_rows: usize) -> bool {
        u64::try_from(n_rows).is_ok_and(|n_rows| n_rows >= self.limit)
    }

    /// Appends order and limit.
    pub(crate) fn order(&self, sql: Sql, def: &'static KeyDef) -> Sql {
        let order = if self.descending {
            def.descending
        } else {
            def.ascending
        };
        sql.and_then("ORDER BY")
            .and_then(order)
            .and_then("LIMIT {limit:UInt64}")
            .bind("limit", self.limit)
    }
}

/// Blocks that are looked at before all others.
const NEAREST_BLOCKS: u64 = 1_000;

/// Blocks that a list may show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockSpan {
    pub from_block: Option<u64>,
    pub to_block: Option<u64>,
    pub at: BlockNumber,
}

const ABOVE: [&str; 3] = ["above_0", "above_1", "above_2"];
const BELOW: [&str; 3] = ["below_0", "below_1", "below_2"];

fn bind(sql: Sql, key: &Key, names: [&'static str; 3]) -> Sql {
    key.0
        .iter()
        .zip(names)
        .fold(sql, |sql, (part, name)| match part {
            KeyPart::Number(number) => sql.bind(name, *number),
            KeyPart::Address(address) => sql.bind(name, *address),
            KeyPart::Amount(amount) => sql.bind(name, *amount),
        })
}

/// Defines a sort key from its columns and the ClickHouse expression of a bound for each.
macro_rules! key_def {
    ($tag:literal: $first:literal $first_kind:ident $(, $column:literal $kind:ident)*) => {
        $crate::read::keyset::KeyDef {
            tag: $tag,
            columns: &[
                $crate::read::keyset::KeyColumn::$first_kind,
                $( $crate::read::keyset::KeyColumn::$kind ),*
            ],
            ascending: concat!($first $(, ", ", $column)*),
            descending: concat!($first, " DESC" $(, ", ", $column, " DESC")*),
            above: $crate::read::keyset::key_def!(@bound "above", ">", $first $first_kind $(, $column $kind)*),
            below: $crate::read::keyset::key_def!(@bound "below", "<", $first $first_kind $(, $column $kind)*),
        }
    };
    // The first column alone, bounds included, lets ClickHouse use its primary index; the tuple is exact.
    (@bound $side:literal, $op:literal, $a:literal $ka:ident) => {
        concat!("AND ", $a, " ", $op, " ", key_def!(@place $ka, $side, "_0"))
    };
    (@bound $side:literal, $op:literal, $a:literal $ka:ident, $b:literal $kb:ident) => {
        concat!(
            "AND ", $a, " ", $op, "= ", key_def!(@place $ka, $side, "_0"),
            " AND (", $a, ", ", $b, ") ", $op, " (", key_def!(@place $ka, $side, "_0"), ", ",
            key_def!(@place $kb, $side, "_1"), ")"
        )
    };
    (@bound $side:literal, $op:literal, $a:literal $ka:ident, $b:literal $kb:ident, $c:literal $kc:ident) => {
        concat!(
            "AND ", $a, " ", $op, "= ", key_def!(@place $ka, $side, "_0"),
            " AND (", $a, ", ", $b, ", ", $c, ") ", $op, " (", key_def!(@place $ka, $side, "_0"), ", ",
            key_def!(@place $kb, $side, "_1"), ", ", key_def!(@place $kc, $side, "_2"), ")"
        )
    };
    (@place Number, $side:literal, $n:literal) => { concat!("{", $side, $n, ":UInt64}") };
    (@place Amount, $side:literal, $n:literal) => { concat!("{", $side, $n, ":UInt256}") };
    (@place Address, $side:literal, $n:literal) => { concat!("toFixedString(unhex({", $side, $n, ":String}), 20)") };
}
pub(crate) use key_def;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_blocks_lie_where_the_page_begins() {
        let span = BlockSpan {
            from_block: None,
            to_block: Some(80_000),
            at: BlockNumber(90_000),
        };
        let key = |block: u64| Some(Key(vec![block.into(), 0_u32.into()]));
        let newest = Keyset {
            descending: true,
            limit: 51,
            ..Keyset::default()
        };
        assert_eq!(newest.nearest(span), Some((79_000, 80_000)));
        assert_eq!(
            Keyset {
                below: key(70_000),
                ..newest.clone()
            }
            .nearest(span),
            Some((69_000, 70_000))
        );
        assert_eq!(
            Keyset {
                above: key(79_000),
                ..newest
            }
            .nearest(span),
            None
        );
        assert_eq!(Keyset::first(51).nearest(span), Some((0, 1_000)));
        assert_eq!(
            Keyset {
                above: key(5),
                ..Keyset::first(51)
            }
            .nearest(span),
            Some((5, 1_005))
        );
        let narrow = BlockSpan {
            from_block: Some(79_990),
            ..span
        };
        assert_eq!(Keyset::first(51).nearest(narrow), None);
        assert!(Keyset::first(51).is_full(51) && !Keyset::first(51).is_full(50));
    }

    #[test]
    fn bounds_are_exact_tuples_led_by_the_first_column() {
        const DEF: KeyDef = key_def!(1: "block_number" Number, "token" Address);
        assert_eq!(
            DEF.above,
            "AND block_number >= {above_0:UInt64} AND (block_number, token) > ({above_0:UInt64}, \
             toFixedString(unhex({above_1:String}), 20))"
        );
        assert_eq!(DEF.descending, "block_number DESC, token DESC");
    }
}
