//! A relation that changes at random.

use super::cells::{Bag, Random, Row, add_row, rows_of, to_batch};
use crate::dataflow::batch::arrow_schema;
use arrow::datatypes::SchemaRef;
use attune_planner::Field;
use attune_storage::{ColumnType, Delta};

/// What a relation may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// Anything.
    Bag,
    /// At most one row per value of these columns.
    Key(Vec<usize>),
    /// Inserts only.
    AppendOnly,
}

/// A relation that changes at random.
#[derive(Clone)]
pub(super) struct Relation {
    pub(super) types: Vec<ColumnType>,
    pub(super) rules: Rules,
    pub(super) rows: Bag,
}

pub(super) fn fields(types: &[ColumnType]) -> Vec<Field> {
    let field = |(number, column_type): (usize, &ColumnType)| Field {
        name: format!("c{number}"),
        column_type: *column_type,
        nullable: true,
    };
    types.iter().enumerate().map(field).collect()
}

impl Relation {
    pub(super) fn new(types: &[ColumnType], rules: Rules) -> Relation {
        Relation { types: types.to_vec(), rules, rows: Bag::new() }
    }

    pub(super) fn schema(&self) -> SchemaRef {
        arrow_schema(&fields(&self.types))
    }

    /// Up to `most` inserts, deletes and updates in any order, not consolidated; sometimes rows that come and go (or go
    /// and come) within the delta.
    pub(super) fn change(&mut self, random: &mut Random, most: u64) -> Delta {
        let mut changes: Vec<(Row, i64)> = Vec::new();
        for _ in 0..random.below(most + 1) {
            let present = rows_of(&self.rows);
            let victim = (!present.is_empty()).then(|| present[random.below(present.len() as u64) as usize].clone());
            let mut fresh = random.row(&self.types);
            match (random.below(5), victim) {
                (0 | 1, Some(row)) if self.rules != Rules::AppendOnly => {
                    self.apply(&mut changes, row.clone(), -1);
                    if random.one_in(2) {
                        // An update of one column.
                        let column = random.below(row.len() as u64) as usize;
                        let mut new = row;
                        new[column] = fresh.swap_remove(column);
                        self.insert(&mut changes, new);
                    }
                }
                (2, _) if self.rules != Rules::AppendOnly => {
                    changes.push((fresh.clone(), 2));
                    changes.push((fresh, -2));
                }
                (3, _) if self.rules == Rules::Bag => {
                    self.apply(&mut changes, fresh.clone(), 1);
                    self.apply(&mut changes, fresh, 2);
                }
                _ => self.insert(&mut changes, fresh),
            }
        }
        // Order means nothing.
        for i in (1..changes.len()).rev() {
            changes.swap(i, random.below(i as u64 + 1) as usize);
        }
        let (rows, weights): (Vec<Row>, Vec<i64>) = changes.into_iter().unzip();
        Delta::new(to_batch(&self.schema(), &rows), weights)
    }

    fn insert(&mut self, changes: &mut Vec<(Row, i64)>, row: Row) {
        if let Rules::Key(key) = &self.rules {
            let of = |row: &Row| key.iter().map(|column| row[*column].clone()).collect::<Vec<_>>();
            if let Some(old) = self.rows.keys().find(|old| of(old) == of(&row)).cloned() {
                self.apply(changes, old, -1);
            }
        }
        self.apply(changes, row, 1);
    }

    fn apply(&mut self, changes: &mut Vec<(Row, i64)>, row: Row, weight: i64) {
        add_row(&mut self.rows, row.clone(), weight);
        changes.push((row, weight));
    }
}
