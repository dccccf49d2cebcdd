//! The topics of a log, without an allocation per log.

use std::{fmt, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};

/// Most topics that the EVM can emit (LOG4).
const MAX_TOPICS: usize = 4;

/// Zero to four topics; a slice by `Deref`.
#[derive(Clone, Copy, Default)]
pub struct Topics<'a> {
    topics: [&'a str; MAX_TOPICS],
    n_topics: usize,
}

impl<'a> Deref for Topics<'a> {
    type Target = [&'a str];

    fn deref(&self) -> &Self::Target {
        &self.topics[..self.n_topics]
    }
}

impl fmt::Debug for Topics<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Topics<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Topics<'_> {}

impl<'de: 'a, 'a> Deserialize<'de> for Topics<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(TopicsVisitor)
    }
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of at most four topics")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut topics = Topics::default();
        while let Some(topic) = seq.next_element::<&'de str>()? {
            let Some(slot) = topics.topics.get_mut(topics.n_topics) else {
                return Err(A::Error::custom("a log with more than four topics"));
            };
            *slot = topic;
            topics.n_topics += 1;
        }
        Ok(topics)
    }
}
