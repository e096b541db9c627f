//! UNION, EXCEPT and INTERSECT.

use super::join::{Pairs, joined};
use super::{Lowered, Lowering, fault, ids, key, narrow, values};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Rel, SetOperator};
use datafusion::common::{Column as DfColumn, JoinType, NullEquality};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, Union};
use std::sync::Arc;

impl Lowering {
    pub(super) fn set_operation(
        &mut self,
        op: SetOperator,
        all: bool,
        inputs: &[Rel],
        inputs_columns: &[Vec<Column>],
        columns: &[Column],
    ) -> Result<Lowered, SqlError> {
        let kind = match op {
            SetOperator::Union if all => return self.union(inputs, inputs_columns, columns),
            SetOperator::Union => {
                self.ordered += 1;
                let united = self.union(inputs, inputs_columns, columns);
                self.ordered -= 1;
                return self.distinct(united?, columns);
            }
            SetOperator::Except => JoinType::LeftAnti,
            SetOperator::Intersect => JoinType::LeftSemi,
        };
        let ([left, right], [left_columns, right_columns]) = (inputs, inputs_columns) else {
            return Err(SqlError::internal("EXCEPT and INTERSECT have two inputs"));
        };
        let left = self.side(left, left_columns)?;
        let right = self.side(right, right_columns)?;
        let matched = if all { self.counted(left, right, kind)? } else { self.once(left, right, kind)? };
        let places = left_columns.iter().zip(columns).map(|(of, column)| Ok((column.id, matched.column(of)?.clone())));
        let columns = places.collect::<Result<_, SqlError>>()?;
        Ok(Lowered { columns, ..matched })
    }

    /// Rows of all inputs, which agree in types.
    fn union(
        &mut self,
        inputs: &[Rel],
        inputs_columns: &[Vec<Column>],
        columns: &[Column],
    ) -> Result<Lowered, SqlError> {
        let scans = inputs.iter().map(scans).sum();
        let names: Vec<String> = columns.iter().map(|column| self.names.column(column, scans, &[])).collect();
        let mut plans = Vec::with_capacity(inputs.len());
        for (input, of) in inputs.iter().zip(inputs_columns) {
            plans.push(Arc::new(self.exactly(input, of, &names)?));
        }
        let plan = match plans.len() {
            0 => values::nothing(&values::schema_of(&names, columns)?),
            1 => plans.remove(0).as_ref().clone(),
            _ => LogicalPlan::Union(Union::try_new(plans).map_err(fault)?),
        };
        let places = plan.schema().columns();
        let columns = columns.iter().zip(places).map(|(column, place)| (column.id, place)).collect();
        Ok(Lowered { plan, columns, scans })
    }

    fn side<'a>(&mut self, rel: &Rel, columns: &'a [Column]) -> Result<Side<'a>, SqlError> {
        let needed = ids(columns);
        let rows = self.rel_below_order(rel, &needed)?;
        Ok(Side { rows: narrow(rows, &needed)?, columns })
    }

    /// Each row of the left side once, if the right side has it (or has it not).
    fn once(&mut self, left: Side<'_>, right: Side<'_>, kind: JoinType) -> Result<Lowered, SqlError> {
        let on = pairs(&left, &right)?;
        let rows = self.distinct(left.rows, left.columns)?;
        joined(rows, right.rows, kind, on, None, NullEquality::NullEqualsNull)
    }

    /// The same where rows count: equal ones are numbered on both sides, and those of one number belong together.
    fn counted(&mut self, left: Side<'_>, right: Side<'_>, kind: JoinType) -> Result<Lowered, SqlError> {
        let mut on = pairs(&left, &right)?;
        let (by_left, by_right) = on.iter().cloned().unzip();
        let (left, left_number) = self.numbered(left.rows, by_left, Vec::new())?;
        let (right, right_number) = self.numbered(right.rows, by_right, Vec::new())?;
        on.push((DfExpr::Column(left_number), DfExpr::Column(right_number)));
        joined(left, right, kind, on, None, NullEquality::NullEqualsNull)
    }
}

/// An input, and its columns that meet those of the other.
struct Side<'a> {
    rows: Lowered,
    columns: &'a [Column],
}

/// What the sides are compared by.
fn pairs(left: &Side<'_>, right: &Side<'_>) -> Result<Pairs, SqlError> {
    let key = |side: &Side<'_>, column: &Column| {
        let place: &DfColumn = side.rows.column(column)?;
        Ok::<_, SqlError>(key::of_column(column, place))
    };
    left.columns.iter().zip(right.columns).map(|(l, r)| Ok((key(left, l)?, key(right, r)?))).collect()
}

/// How many scans a relation has.
fn scans(rel: &Rel) -> usize {
    let mut count = 0;
    rel.visit(&mut |rel| count += usize::from(matches!(rel, Rel::Scan(_))));
    count
}
