//! Aggregates whose result depends on the order of the rows: `array_agg(x ORDER BY y)`, `string_agg(DISTINCT x, ',')`.
//!
//! DataFusion sorts the input of an aggregation, once for all calls in it. Here a call gathers its rows and sorts them itself, so
//! several calls may have several orders. What is gathered counts towards the memory of the query ([`Accumulator::size`]).

mod groups;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array, make_array};
use datafusion::arrow::compute::{SortColumn, SortOptions, concat, lexsort_to_indices, partition, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::scalar::copy_array_data;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Signature, Volatility};
use groups::GatheredGroups;
use std::sync::Arc;

/// Pieces that a group may be gathered in before they become one.
const MOST_PIECES: usize = 64;

/// Whether the order of rows, or which of two equal rows comes first, is seen in the result of an aggregate.
#[must_use]
pub fn depends_on_order(function: &AggregateUDF) -> bool {
    matches!(function.name(), "array_agg" | "string_agg" | "first_value" | "last_value" | "nth_value")
}

/// An aggregate over its rows in an order. Its arguments are the `arguments` of the aggregate, then a key for each of `options`.
/// With `distinct` only the first of the rows with equal keys counts.
#[must_use]
pub fn ordered(
    of: Arc<AggregateUDF>,
    arguments: usize,
    options: Vec<SortOptions>,
    distinct: bool,
) -> Arc<AggregateUDF> {
    let signature = Signature::any(arguments + options.len(), Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Ordered { of, arguments, options, distinct, signature }))
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Ordered {
    of: Arc<AggregateUDF>,
    arguments: usize,
    options: Vec<SortOptions>,
    distinct: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Ordered {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.of.return_type(&arguments[..self.arguments.min(arguments.len())])
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        self.of.return_field(&arguments[..self.arguments.min(arguments.len())])
    }

    fn is_nullable(&self) -> bool {
        self.of.is_nullable()
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.check(&arguments)?;
        let types = arguments.expr_fields.iter().map(|field| field.data_type().clone()).collect();
        let of = self.of.accumulator(AccumulatorArgs {
            exprs: &arguments.exprs[..self.arguments],
            expr_fields: &arguments.expr_fields[..self.arguments],
            order_bys: &[],
            is_distinct: false,
            ..arguments
        })?;
        Ok(Box::new(Gathered { of, types, options: self.options.clone(), distinct: self.distinct, pieces: Vec::new() }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let of = |(index, field): (usize, &FieldRef)| {
            let name = format_state_name(arguments.name, &format!("column {index}"));
            Arc::new(Field::new(name, DataType::new_list(field.data_type().clone(), true), true))
        };
        Ok(arguments.input_fields.iter().enumerate().map(of).collect())
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.check(&arguments)?;
        Ok(Box::new(GatheredGroups::new(self.clone(), &arguments)))
    }
}

impl Ordered {
    fn check(&self, arguments: &AccumulatorArgs<'_>) -> Result<()> {
        match arguments.exprs.len() == self.arguments + self.options.len() {
            true => Ok(()),
            false => internal_err!("an ordered aggregate of {} arguments", arguments.exprs.len()),
        }
    }
}

/// The column without what it is a slice of, which would be kept, and counted, with it.
fn without_rest(column: &ArrayRef) -> ArrayRef {
    make_array(copy_array_data(&column.to_data()))
}

/// The first of the `rows` that have equal keys, which stand side by side.
fn distinct_rows(keys: &[&ArrayRef], rows: &UInt32Array) -> Result<UInt32Array> {
    let keys = keys.iter().map(|key| take(key, rows, None)).collect::<Result<Vec<_>, _>>()?;
    Ok(partition(&keys)?.ranges().into_iter().map(|equal| rows.value(equal.start)).collect())
}

/// The rows of a group: a piece has a column for each argument and for each key.
#[derive(Debug)]
struct Gathered {
    of: Box<dyn Accumulator>,
    types: Vec<DataType>,
    options: Vec<SortOptions>,
    distinct: bool,
    pieces: Vec<Vec<ArrayRef>>,
}

impl Gathered {
    fn add(&mut self, piece: Vec<ArrayRef>) -> Result<()> {
        if piece.first().is_none_or(|column| column.is_empty()) {
            return Ok(());
        }
        self.pieces.push(piece);
        if self.pieces.len() >= MOST_PIECES && self.pieces.last().map(|piece| piece[0].len()) < Some(MOST_PIECES) {
            self.pieces = vec![self.whole()?];
        }
        Ok(())
    }

    /// All rows as one piece.
    fn whole(&self) -> Result<Vec<ArrayRef>> {
        let column = |index: usize| {
            let parts: Vec<&dyn Array> = self.pieces.iter().map(|piece| piece[index].as_ref()).collect();
            match parts.as_slice() {
                [] => Ok(datafusion::arrow::array::new_empty_array(&self.types[index])),
                parts => Ok(concat(parts)?),
            }
        };
        (0..self.types.len()).map(column).collect()
    }

    /// The arguments of the rows that count, in their order.
    fn sorted(&self) -> Result<Vec<ArrayRef>> {
        let mut columns = self.whole()?;
        let keys = columns.split_off(columns.len() - self.options.len());
        if keys.is_empty() {
            return Ok(columns);
        }
        let by: Vec<SortColumn> = keys
            .iter()
            .zip(&self.options)
            .map(|(values, options)| SortColumn { values: Arc::clone(values), options: Some(*options) })
            .collect();
        let mut rows = lexsort_to_indices(&by, None)?;
        if self.distinct {
            rows = distinct_rows(&keys.iter().collect::<Vec<_>>(), &rows)?;
        }
        columns.iter().map(|column| Ok(take(column, &rows, None)?)).collect()
    }
}

impl Accumulator for Gathered {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        self.add(arguments.iter().map(without_rest).collect())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        if !self.pieces.is_empty() {
            let sorted = self.sorted()?;
            self.pieces.clear();
            self.of.update_batch(&sorted)?;
        }
        self.of.evaluate()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let whole = self.whole()?;
        self.pieces.clear();
        let list = |column| ScalarValue::List(Arc::new(SingleRowListArrayBuilder::new(column).build_list_array()));
        Ok(whole.into_iter().map(list).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.iter().map(|state| state.as_list_opt::<i32>()).collect::<Option<Vec<_>>>();
        let Some(lists) = lists else { return internal_err!("the state of an ordered aggregate is no list") };
        for row in 0..states.first().map_or(0, Array::len) {
            let columns = lists.iter().map(|list| without_rest(&list.value(row)));
            self.add(columns.collect())?;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        let columns = self.pieces.iter().flatten().map(|column| column.get_array_memory_size()).sum::<usize>();
        size_of_val(self) + self.of.size() + columns + self.pieces.capacity() * size_of::<Vec<ArrayRef>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, StringArray};
    use datafusion::arrow::datatypes::Schema;
    use datafusion::physical_expr::PhysicalExpr;
    use datafusion::physical_expr::expressions::Column;
    use std::sync::LazyLock;

    pub(super) fn call(distinct: bool) -> Ordered {
        let options = vec![SortOptions { descending: true, nulls_first: false }];
        let signature = Signature::any(3, Volatility::Immutable);
        Ordered { of: super::super::string_agg(), arguments: 2, options, distinct, signature }
    }

    /// Fields and schema of a text, a delimiter and a number.
    pub(super) fn arguments() -> (Vec<FieldRef>, Schema) {
        let types = [DataType::Utf8, DataType::Utf8, DataType::Int64];
        let fields: Vec<FieldRef> = types.into_iter().map(|ty| Arc::new(Field::new("a", ty, true))).collect();
        (fields, Schema::empty())
    }

    pub(super) fn arguments_of<'a>(fields: &'a [FieldRef], schema: &'a Schema) -> AccumulatorArgs<'a> {
        AccumulatorArgs {
            return_field: Arc::clone(&fields[0]),
            schema,
            ignore_nulls: false,
            order_bys: &[],
            is_reversed: false,
            name: "string_agg",
            is_distinct: false,
            exprs: EXPRS.as_slice(),
            expr_fields: fields,
        }
    }

    static EXPRS: LazyLock<Vec<Arc<dyn PhysicalExpr>>> =
        LazyLock::new(|| (0..3).map(|index| Arc::new(Column::new("a", index)) as Arc<dyn PhysicalExpr>).collect());

    fn gathered(distinct: bool) -> Box<dyn Accumulator> {
        let (fields, schema) = arguments();
        call(distinct).accumulator(arguments_of(&fields, &schema)).unwrap()
    }

    pub(super) fn rows(rows: &[(&str, Option<i64>)]) -> Vec<ArrayRef> {
        vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|_| ","))),
            Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.1))),
        ]
    }

    #[test]
    fn rows_of_several_states_are_sorted_together() {
        for (distinct, result) in [(false, "d,b,e,a,c"), (true, "d,b,a,c")] {
            let mut merged = gathered(distinct);
            for part in [
                rows(&[("a", Some(1)), ("b", Some(2)), ("c", None)]),
                rows(&[]),
                rows(&[("d", Some(3)), ("e", Some(2))]),
            ] {
                let mut one = gathered(distinct);
                one.update_batch(&part).unwrap();
                let state: Vec<ArrayRef> = one.state().unwrap().iter().map(|value| value.to_array().unwrap()).collect();
                merged.merge_batch(&state).unwrap();
            }
            assert_eq!(merged.evaluate().unwrap(), ScalarValue::Utf8(Some(result.to_owned())));
        }
    }
}
