//! A second copy of a relation.
//!
//! Law: ids are unique in a statement, so a relation that is put in twice gets new ids for all that it gives, and for all that any
//! relation in it gives. Columns that it reads from outside stay what they are. Without it the two copies' columns would be one, and
//! a comparison of them always true.

use super::{Column, ColumnId, Ids, Rel};
use std::collections::BTreeMap;

/// The relation with new ids for every column that is given in it, in its subqueries too, and which new column stands for which old
/// id.
#[must_use]
pub fn refresh(mut rel: Rel, ids: &mut Ids) -> (Rel, BTreeMap<ColumnId, Column>) {
    let mut new = BTreeMap::new();
    rel.visit(&mut |node| {
        for column in node.defines() {
            new.entry(column.id).or_insert_with(|| ids.column(column.name.clone(), column.ty, column.nullable));
        }
    });
    let renamed: BTreeMap<ColumnId, ColumnId> = new.iter().map(|(old, column)| (*old, column.id)).collect();
    rel.rename(&renamed);
    (rel, new)
}
