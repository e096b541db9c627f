//! Columns, known by id.

use super::Type;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The id of a column, unique in a statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ColumnId(pub u32);

/// A column that a relation gives, or a reference to one. Two are equal if their ids are.
#[derive(Clone, Debug)]
pub struct Column {
    /// Which column.
    pub id: ColumnId,
    /// Its name, for people.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
    /// Whether it may be NULL, as far as is known.
    pub nullable: bool,
}

impl PartialEq for Column {
    fn eq(&self, other: &Column) -> bool {
        self.id == other.id
    }
}

impl Eq for Column {}

impl Hash for Column {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// Gives ids that are not in use in a statement.
#[derive(Clone, Debug, Default)]
pub struct Ids {
    next: u32,
}

impl Ids {
    /// A new id.
    pub fn fresh(&mut self) -> ColumnId {
        let id = ColumnId(self.next);
        // A statement of four billion columns does not fit any limit on statements.
        self.next = self.next.wrapping_add(1);
        id
    }

    /// A new column.
    pub fn column(&mut self, name: impl Into<Arc<str>>, ty: Type, nullable: bool) -> Column {
        Column { id: self.fresh(), name: name.into(), ty, nullable }
    }
}
