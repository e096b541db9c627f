//! Ranges of keys: equality on the first columns, bounds on the next.

use super::key::{self, Fetched, KeySource};
use crate::serve::engine::ParameterType;
use crate::serve::value::{Datum, Parameters};
use attune_planner::{Bound, LookupValue};
use attune_sql::SqlError;
use attune_storage::KeyRange;
use attune_storage::codec::KeyCodec;
use std::cmp::Ordering;

/// A compiled range access.
pub(super) struct CompiledRange {
    prefix: Vec<KeySource>,
    from: Option<CompiledBound>,
    to: Option<CompiledBound>,
    /// The bounded column sorts largest first.
    descending: bool,
    /// NULLs of the bounded column come before its values.
    nulls_first: bool,
    pub(super) reverse: bool,
}

struct CompiledBound {
    source: KeySource,
    inclusive: bool,
}

/// Where a bound lies in key order.
enum Place {
    Nowhere,
    BeforeAll,
    AfterAll,
    At(Vec<u8>),
}

impl CompiledRange {
    pub(super) fn new(
        prefix: &[LookupValue],
        from: Option<&Bound>,
        to: Option<&Bound>,
        reverse: bool,
        key: &KeyCodec,
        types: &[ParameterType],
    ) -> Option<CompiledRange> {
        let columns = key.columns();
        // Without the distribution columns the rows are in many vnodes, which is no single range.
        if prefix.len() < key.distribution() || prefix.len() > columns.len() {
            return None;
        }
        let sources = prefix.iter().zip(columns).map(|(value, column)| KeySource::new(value, column.0, types));
        let prefix = sources.collect::<Option<Vec<_>>>()?;
        let next = columns.get(prefix.len());
        let bound = |bound: Option<&Bound>| match bound {
            None => Some(None),
            Some(bound) => {
                let source = KeySource::new(&bound.value, next?.0, types).filter(|source| !source.is_decimal())?;
                Some(Some(CompiledBound { source, inclusive: bound.inclusive }))
            }
        };
        let (from, to) = (bound(from)?, bound(to)?);
        let (descending, nulls_first) = next.map_or((false, false), |next| (next.1.descending, next.1.nulls_first));
        Some(CompiledRange { prefix, from, to, descending, nulls_first, reverse })
    }

    /// Number of key columns that are fixed.
    pub(super) fn columns(&self) -> usize {
        self.prefix.len()
    }

    /// The keys for these parameters; `None` when there can be none.
    pub(super) fn keys(&self, codec: &KeyCodec, parameters: &Parameters) -> Result<Option<KeyRange>, SqlError> {
        let mut values = Vec::with_capacity(self.prefix.len() + 1);
        for source in &self.prefix {
            match source.fetch(parameters)? {
                Fetched::Value(datum) => values.push(datum),
                Fetched::Null | Fetched::Outside(_) => return Ok(None),
            }
        }
        let base = key::encode(codec, &values)?;
        let bounded = self.from.is_some() || self.to.is_some();
        let nulls = match bounded {
            true => Some(self.nulls(codec, &values)?),
            false => None,
        };
        let from = match self.place(self.from.as_ref(), codec, &mut values, parameters)? {
            Some(Place::Nowhere | Place::AfterAll) => return Ok(None),
            Some(Place::At(key)) if self.from.as_ref().is_some_and(|from| from.inclusive) => Some(key),
            Some(Place::At(key)) => successor(key),
            // A comparison is never true for NULL.
            Some(Place::BeforeAll) | None => match &nulls {
                Some(nulls) if self.nulls_first => successor(nulls.clone()),
                _ => Some(base.clone()),
            },
        };
        let to = match self.place(self.to.as_ref(), codec, &mut values, parameters)? {
            Some(Place::Nowhere | Place::BeforeAll) => return Ok(None),
            Some(Place::At(key)) if self.to.as_ref().is_some_and(|to| to.inclusive) => successor(key),
            Some(Place::At(key)) => Some(key),
            Some(Place::AfterAll) | None => match nulls {
                Some(nulls) if !self.nulls_first => Some(nulls),
                _ => successor(base),
            },
        };
        Ok(match (from, to) {
            (Some(from), Some(to)) if from >= to => None,
            (Some(from), to) => Some(KeyRange { from, to }),
            (None, _) => None,
        })
    }

    /// The key of prefix and NULL.
    fn nulls(&self, codec: &KeyCodec, prefix: &[Datum<'_>]) -> Result<Vec<u8>, SqlError> {
        let mut values: Vec<_> = prefix.iter().map(|datum| Some(datum.value())).collect();
        values.push(None);
        let mut key = Vec::new();
        codec.encode_values(&values, &mut key).map_err(super::storage)?;
        Ok(key)
    }

    fn place<'a>(
        &self,
        bound: Option<&'a CompiledBound>,
        codec: &KeyCodec,
        values: &mut Vec<Datum<'a>>,
        parameters: &'a Parameters,
    ) -> Result<Option<Place>, SqlError> {
        let Some(bound) = bound else { return Ok(None) };
        Ok(Some(match bound.source.fetch(parameters)? {
            Fetched::Null | Fetched::Outside(Ordering::Equal) => Place::Nowhere,
            Fetched::Outside(order) if (order == Ordering::Less) == self.descending => Place::AfterAll,
            Fetched::Outside(_) => Place::BeforeAll,
            Fetched::Value(datum) => {
                values.push(datum);
                let key = key::encode(codec, values);
                values.pop();
                Place::At(key?)
            }
        }))
    }
}

/// The first key after all that start with `key`; `None` when there is none.
pub(super) fn successor(mut key: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = key.pop() {
        if last < 0xff {
            key.push(last + 1);
            return Some(key);
        }
    }
    None
}
