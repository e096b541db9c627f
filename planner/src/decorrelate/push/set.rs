//! A domain into UNION, EXCEPT and INTERSECT.
//!
//! Law: each input gets a copy of the domain, whose columns meet like the others. So rows of one outer row are only ever the same as, or
//! taken from, rows of the same outer row. Inputs that read nothing of the domain get one too, or they would meet no outer row.

use super::domain::{replaced, second};
use super::push;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Ids, Rel, SetOperator};

/// The domain itself is put nowhere: its columns are those that the operation gives.
pub(super) fn push_set(
    domain: &Rel,
    op: SetOperator,
    all: bool,
    inputs: impl Iterator<Item = (Rel, Vec<Column>)>,
    mut columns: Vec<Column>,
    ids: &mut Ids,
) -> Result<Rel, SqlError> {
    let mut pushed = Vec::new();
    let mut inputs_columns = Vec::new();
    for (input, mut input_columns) in inputs {
        let (copy, new) = second(domain, ids)?;
        pushed.push(push(copy, input.substitute(&replaced(&new)), ids)?);
        input_columns.extend(new.into_iter().map(|(_, column)| column));
        inputs_columns.push(input_columns);
    }
    columns.extend(domain.columns());
    Ok(Rel::SetOperation { op, all, inputs: pushed, inputs_columns, columns })
}
