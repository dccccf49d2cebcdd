//! Answers without copying: most of their bytes are slices of the chain, which is in memory for as long as they are sent.

use std::io::{self, IoSlice};
use std::ops::Range;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The result of one call.
pub(super) enum Answer<'c> {
    /// JSON made for this answer.
    Made(String),
    /// JSON pieces of the chain and made ones, one after the other.
    Pieces(Vec<Piece<'c>>),
}

pub(super) enum Piece<'c> {
    Made(String),
    Chain(&'c [u8]),
}

impl Answer<'_> {
    pub(super) fn null() -> Self {
        Self::Made("null".to_owned())
    }

    pub(super) fn quantity(number: u64) -> Self {
        Self::Made(format!("\"{number:#x}\""))
    }

    pub(super) fn text(text: &str) -> Self {
        Self::Made(format!("\"{text}\""))
    }
}

/// A reply under construction: one answer, or a batch of them.
#[derive(Default)]
pub(super) struct Reply<'c> {
    made: Vec<u8>,
    parts: Vec<Part<'c>>,
}

enum Part<'c> {
    Made(Range<usize>),
    Chain(&'c [u8]),
}

impl<'c> Reply<'c> {
    pub(super) fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let start = self.made.len();
        self.made.extend_from_slice(text.as_bytes());
        match self.parts.last_mut() {
            Some(Part::Made(last)) => last.end = self.made.len(),
            _ => self.parts.push(Part::Made(start..self.made.len())),
        }
    }

    pub(super) fn push_answer(&mut self, answer: Answer<'c>) {
        match answer {
            Answer::Made(text) => self.push_text(&text),
            Answer::Pieces(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Made(text) => self.push_text(&text),
                        Piece::Chain(bytes) => self.parts.push(Part::Chain(bytes)),
                    }
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.slices().map(<[u8]>::len).sum()
    }

    /// Everything in one piece; what is not UTF-8 (nothing is) becomes replacement characters.
    pub(super) fn into_text(self) -> String {
        let whole: Vec<u8> = self.slices().flatten().copied().collect();
        String::from_utf8(whole)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    pub(super) async fn write_to(&self, stream: &mut TcpStream, http_head: &str) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(self.parts.len() + 1);
        slices.push(IoSlice::new(http_head.as_bytes()));
        slices.extend(self.slices().map(IoSlice::new));
        let mut left = slices.as_mut_slice();
        while !left.is_empty() {
            let n = stream.write_vectored(left).await?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            IoSlice::advance_slices(&mut left, n);
        }
        Ok(())
    }

    fn slices(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| match part {
            Part::Made(range) => &self.made[range.clone()],
            Part::Chain(bytes) => bytes,
        })
    }
}

impl Piece<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Made(text) => text.is_empty(),
            Self::Chain(bytes) => bytes.is_empty(),
        }
    }
}
