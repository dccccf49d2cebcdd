//! Pages of every list: Relay connections over sort keys. A page after a cursor is read at the cursor's block, so that all
//! pages of a list show one state of the chain however many blocks are committed between them.

use std::{borrow::Cow, sync::Arc};

use async_graphql::{Context, Enum, OutputType, SimpleObject, TypeName};

use crate::{
    api::{
        scalars::Cursor,
        scope::{BlockSelector, ReadAt, Scope, store},
    },
    cursor::CursorPlace,
    error::QueryError,
    limits::{DEFAULT_PAGE_SIZE, Limits},
    read::keyset::{Key, KeyDef, Keyed, Keyset},
};

/// Direction of a list by its sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderBy {
    /// Smallest key first: oldest block, smallest balance.
    Asc,
    /// Largest key first: newest block, largest balance.
    Desc,
}

/// Arguments of a list, as they came.
#[derive(Clone, Debug)]
pub(crate) struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<Cursor>,
    pub last: Option<i32>,
    pub before: Option<Cursor>,
    pub order: OrderBy,
    pub at: Option<BlockSelector>,
}

/// A page to read: the scope it is read in and which rows.
#[derive(Debug)]
pub(crate) struct Page {
    pub scope: Scope,
    pub keyset: Keyset,
    list: &'static KeyDef,
    size: usize,
    from_end: bool,
    bounded_before: bool,
    bounded_after: bool,
}

impl PageArgs {
    /// A page from the start, in ascending order, as nested lists have it.
    pub(crate) fn nested(first: Option<i32>, after: Option<Cursor>) -> Self {
        Self {
            first,
            after,
            last: None,
            before: None,
            order: OrderBy::Asc,
            at: None,
        }
    }

    /// Pins the page to the block of its cursors, to `at`, or to the request's head.
    pub(crate) async fn pin(
        self,
        ctx: &Context<'_>,
        list: &'static KeyDef,
    ) -> Result<Page, QueryError> {
        let (size, from_end) = self.size(ctx)?;
        let after = decode(self.after.as_ref(), list, "after")?;
        let before = decode(self.before.as_ref(), list, "before")?;
        let pinned = match (&after, &before) {
            (Some(after), Some(before))
                if (after.chain_id, after.pinned) != (before.chain_id, before.pinned) =>
            {
                let problem = format!(
                    "it was read at block {}, `after` at block {}",
                    before.pinned, after.pinned
                );
                return Err(QueryError::bad_argument("before", problem));
            }
            (Some(place), _) | (None, Some(place)) => Some((place.chain_id, place.pinned)),
            (None, None) => None,
        };
        let has_at = self.at.is_some();
        let mut scope = Scope::at(ctx, self.at).await?;
        if let Some((chain_id, pinned)) = pinned {
            let at = scope.pinned().block_ref();
            if has_at && at != pinned {
                let problem = format!(
                    "it is block {at}, but the cursor was read at block {pinned}: leave `at` out"
                );
                return Err(QueryError::bad_argument("at", problem));
            }
            scope = scope.at_cursor(store(ctx), chain_id, pinned).await?;
        }
        let keys = (after.map(|place| place.key), before.map(|place| place.key));
        Ok(Page::new(
            scope,
            list,
            PageShape {
                size,
                from_end,
                descending: self.order == OrderBy::Desc,
            },
            keys,
        ))
    }

    /// A page of a nested list, in the scope of its parent. The rows of such a list never change, so the cursor's block does
    /// not matter, but it must be of this chain.
    pub(crate) fn within(
        self,
        ctx: &Context<'_>,
        scope: &Scope,
        list: &'static KeyDef,
    ) -> Result<Page, QueryError> {
        let (size, from_end) = self.size(ctx)?;
        let after = decode(self.after.as_ref(), list, "after")?;
        if let Some(cursor) = after
            .as_ref()
            .map(|place| place.chain_id)
            .filter(|id| *id != scope.chain_id())
        {
            return Err(QueryError::ForeignCursor {
                cursor,
                chain: scope.chain_id(),
            });
        }
        let shape = PageShape {
            size,
            from_end,
            descending: self.order == OrderBy::Desc,
        };
        Ok(Page::new(
            scope.clone(),
            list,
            shape,
            (after.map(|place| place.key), None),
        ))
    }

    fn size(&self, ctx: &Context<'_>) -> Result<(u32, bool), QueryError> {
        let (argument, size, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(QueryError::bad_argument(
                    "last",
                    "give `first` or `last`, not both",
                ));
            }
            (None, Some(last)) => ("last", last, true),
            (first, None) => ("first", first.unwrap_or(DEFAULT_PAGE_SIZE), false),
        };
        let size = u32::try_from(size).ok().filter(|size| *size > 0);
        let size =
            size.ok_or_else(|| QueryError::bad_argument(argument, "it must be at least 1"))?;
        let limit = ctx.data_unchecked::<Limits>().max_page_size;
        if size > limit {
            return Err(QueryError::LimitExceeded {
                what: "the page size",
                actual: size.into(),
                limit: limit.into(),
            });
        }
        Ok((size, from_end))
    }
}

struct PageShape {
    size: u32,
    from_end: bool,
    descending: bool,
}

impl Page {
    fn new(
        scope: Scope,
        list: &'static KeyDef,
        shape: PageShape,
        (after, before): (Option<Key>, Option<Key>),
    ) -> Self {
        let (bounded_after, bounded_before) = (before.is_some(), after.is_some());
        let (above, below) = if shape.descending {
            (before, after)
        } else {
            (after, before)
        };
        // One row more than asked for tells whether there is another page.
        let limit = u64::from(shape.size) + 1;
        Self {
            scope,
            keyset: Keyset {
                above,
                below,
                descending: shape.descending != shape.from_end,
                limit,
            },
            list,
            size: usize::try_from(shape.size).unwrap_or(usize::MAX),
            from_end: shape.from_end,
            bounded_before,
            bounded_after,
        }
    }

    pub(crate) fn has_cursor(&self) -> bool {
        self.bounded_before || self.bounded_after
    }

    /// Puts the rows that were read for this page's keyset into a connection.
    pub(crate) fn connection<R: Keyed, T: OutputType>(
        self,
        mut rows: Vec<R>,
        node: impl Fn(R, Scope) -> Result<T, QueryError>,
    ) -> Result<Connection<T>, QueryError> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.from_end {
            rows.reverse();
        }
        let mut edges = Vec::with_capacity(rows.len());
        for row in rows {
            let cursor = cursor(&self.scope, self.list, row.key());
            edges.push(Edge {
                cursor,
                node: Arc::new(node(row, self.scope.clone())?),
            });
        }
        let (has_previous_page, has_next_page) = if self.from_end {
            (more, self.bounded_after)
        } else {
            (self.bounded_before, more)
        };
        let page_info = PageInfo {
            has_next_page,
            has_previous_page,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        };
        let nodes = edges.iter().map(|edge| edge.node.clone()).collect();
        Ok(Connection {
            nodes,
            edges,
            page_info,
            read_at: self.scope.read_at()?,
        })
    }
}

/// The cursor of a row read in a scope.
pub(crate) fn cursor(scope: &Scope, list: &'static KeyDef, key: Key) -> Cursor {
    Cursor(
        CursorPlace {
            chain_id: scope.chain_id(),
            pinned: scope.pinned().block_ref(),
            key,
        }
        .encode(list),
    )
}

fn decode(
    cursor: Option<&Cursor>,
    list: &KeyDef,
    argument: &'static str,
) -> Result<Option<CursorPlace>, QueryError> {
    cursor
        .map(|cursor| CursorPlace::decode(&cursor.0, list, argument))
        .transpose()
}

/// One page of a list.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name_type)]
pub struct Connection<T: OutputType> {
    /// The rows of the page.
    pub nodes: Vec<Arc<T>>,
    /// The rows of the page, each with its cursor.
    pub edges: Vec<Edge<T>>,
    /// What lies around the page.
    pub page_info: PageInfo,
    /// The block at which this page, and every other page reached by its cursors, is read.
    pub read_at: ReadAt,
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", T::type_name()).into()
    }
}

/// A row of a page.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(name_type)]
pub struct Edge<T: OutputType> {
    /// The row's place: pass it as `after` or `before`.
    pub cursor: Cursor,
    /// The row.
    pub node: Arc<T>,
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", T::type_name()).into()
    }
}

/// What lies around a page.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there are rows behind this page (known for sure when paging with `first`).
    pub has_next_page: bool,
    /// Whether there are rows before this page (known for sure when paging with `last`).
    pub has_previous_page: bool,
    /// Cursor of the first row; null when the page is empty.
    pub start_cursor: Option<Cursor>,
    /// Cursor of the last row; null when the page is empty.
    pub end_cursor: Option<Cursor>,
}
