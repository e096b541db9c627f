//! LIMIT inside a dependent relation.
//!
//! Law: with equalities, the first rows of an outer row are the first of the group that its equalities choose: those with a small
//! number in a window partitioned by the inner sides. If nothing but the outer row itself decides whether there are rows, LIMIT
//! stays. Conditions must not simply be asked above it: they would choose among the first rows of all.

use super::group::substituted_keys;
use super::{Pulled, Puller};
use crate::decorrelate::order::{ordered, sorted};
use crate::decorrelate::push::limited;
use attune_sql::SqlError;
use attune_sql::algebra::{Expr, Rel};

impl Puller<'_> {
    pub(super) fn limit(
        &mut self,
        rel: &Rel,
        input: &Rel,
        skip: Option<&Expr>,
        fetch: Option<&Expr>,
    ) -> Result<Pulled, SqlError> {
        let (input, order) = ordered(input.clone(), self.ids);
        let mut pulled = self.rows(&input)?;
        let order = substituted_keys(&order, &pulled.exprs)?;
        let Some(ties) = self.ties(&pulled.conditions, &pulled.rel) else { return self.by_domain(rel) };
        if order.iter().any(|key| self.reads(&key.expr)) {
            return self.by_domain(rel);
        }
        let (skip, fetch) = (skip.cloned(), fetch.cloned());
        pulled.rel = if ties.equalities.is_empty() {
            Rel::Limit { input: Box::new(sorted(pulled.rel, order)), skip, fetch }
        } else {
            limited(pulled.rel, ties.inner(), order, skip, fetch, self.ids)?
        };
        Ok(pulled)
    }
}
