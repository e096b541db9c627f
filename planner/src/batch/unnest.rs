//! unnest(): a row for each element of arrays.

use super::project::projection;
use super::{Lowered, Lowering, call, expr, fault};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr};
use attune_sql::functions::Registry;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Column as DfColumn, UnnestOptions};
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, ScalarUDF, Unnest, lit};
use std::sync::Arc;

impl Lowering {
    /// The arrays become columns, which DataFusion takes apart side by side. It has no numbers for elements: they are an array of
    /// their own, as long as the longest.
    pub(super) fn unnest(
        &mut self,
        input: Lowered,
        arrays: &[(Column, Expr)],
        ordinality: Option<&Column>,
    ) -> Result<Lowered, SqlError> {
        let before = input.plan.schema().columns();
        let mut columns = input.columns.clone();
        let mut outputs: Vec<DfExpr> = before.iter().cloned().map(DfExpr::Column).collect();
        let mut taken_apart = Vec::with_capacity(arrays.len() + 1);
        let mut lists = Vec::with_capacity(arrays.len());
        for (column, array) in arrays {
            let list = expr(array, &input.scope())?;
            lists.push((list.clone(), array.ty().to_arrow()));
            let place = DfColumn::new_unqualified(self.names.column(column, input.scans, &before));
            outputs.push(list.alias(&place.name));
            columns.insert(column.id, place.clone());
            taken_apart.push(place);
        }
        if let Some(column) = ordinality {
            let place = DfColumn::new_unqualified(self.names.column(column, input.scans, &before));
            outputs.push(numbers(lists)?.alias(&place.name));
            columns.insert(column.id, place.clone());
            taken_apart.push(place);
        }
        let plan = Arc::new(projection(input.plan, outputs)?);
        // A row whose arrays are all NULL or empty gives none.
        let options = UnnestOptions::new().with_preserve_nulls(false);
        let unnest = Unnest::try_new(plan, taken_apart, options).map_err(fault)?;
        Ok(Lowered { plan: LogicalPlan::Unnest(unnest), columns, scans: input.scans })
    }
}

/// The array of the numbers from 1 to the length of the longest array.
fn numbers(lists: Vec<call::Typed>) -> Result<DfExpr, SqlError> {
    let length = |list: call::Typed| call::function(&function("cardinality")?, vec![list], &DataType::Int64);
    let mut lengths = lists.into_iter().map(length).collect::<Result<Vec<_>, SqlError>>()?;
    let longest = match lengths.len() {
        1 => lengths.remove(0),
        _ => {
            let lengths = lengths.into_iter().map(|length| (length, DataType::Int64)).collect();
            call::function(&function("greatest")?, lengths, &DataType::Int64)?
        }
    };
    let bounds = vec![(lit(1_i64), DataType::Int64), (longest, DataType::Int64)];
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    call::function(&function("generate_series")?, bounds, &list)
}

fn function(name: &str) -> Result<Arc<ScalarUDF>, SqlError> {
    let found = Registry::standard().scalar(name).cloned();
    found.ok_or_else(|| SqlError::internal(format!("there is no function {name}")))
}
