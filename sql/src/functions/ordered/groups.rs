//! Ordered aggregates of many groups: the rows of all groups are gathered together and sorted once, by group and then by the keys.

use super::{Ordered, distinct_rows, without_rest};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, UInt64Array, new_empty_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{SortColumn, concat, filter, lexsort_to_indices, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use std::sync::Arc;

/// What the aggregate that takes the sorted rows is made from, once for each group.
struct Inner {
    call: Ordered,
    schema: Schema,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    fields: Vec<FieldRef>,
    returns: FieldRef,
    name: String,
    ignore_nulls: bool,
}

impl Inner {
    fn accumulator(&self) -> Result<Box<dyn Accumulator>> {
        self.call.of.accumulator(AccumulatorArgs {
            return_field: Arc::clone(&self.returns),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &[],
            is_reversed: false,
            name: &self.name,
            is_distinct: false,
            exprs: &self.exprs,
            expr_fields: &self.fields,
        })
    }
}

/// The rows of all groups.
pub(super) struct GatheredGroups {
    inner: Inner,
    /// Of the arguments and keys.
    types: Vec<DataType>,
    /// A piece has a column for each argument and for each key.
    pieces: Vec<Vec<ArrayRef>>,
    /// The group of each row, over all pieces.
    groups: Vec<u64>,
    /// Groups that there are, with or without rows.
    total: usize,
    bytes: usize,
}

impl GatheredGroups {
    pub(super) fn new(call: Ordered, arguments: &AccumulatorArgs<'_>) -> GatheredGroups {
        let own = call.arguments;
        GatheredGroups {
            inner: Inner {
                call,
                schema: arguments.schema.clone(),
                exprs: arguments.exprs[..own].to_vec(),
                fields: arguments.expr_fields[..own].to_vec(),
                returns: Arc::clone(&arguments.return_field),
                name: arguments.name.to_owned(),
                ignore_nulls: arguments.ignore_nulls,
            },
            types: arguments.expr_fields.iter().map(|field| field.data_type().clone()).collect(),
            pieces: Vec::new(),
            groups: Vec::new(),
            total: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, piece: Vec<ArrayRef>) {
        if piece.first().is_some_and(|column| !column.is_empty()) {
            self.bytes += piece.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
            self.pieces.push(piece);
        }
    }

    /// The rows of the groups that are given out, and the number of these. The rows of the others stay.
    fn take(&mut self, emit_to: EmitTo) -> Result<(Vec<ArrayRef>, UInt64Array, usize)> {
        let pieces = std::mem::take(&mut self.pieces);
        let groups = UInt64Array::from(std::mem::take(&mut self.groups));
        self.bytes = 0;
        let column = |index: usize| {
            let parts: Vec<&dyn Array> = pieces.iter().map(|piece| piece[index].as_ref()).collect();
            if parts.is_empty() { Ok(new_empty_array(&self.types[index])) } else { Ok(concat(&parts)?) }
        };
        let columns = (0..self.types.len()).map(column).collect::<Result<Vec<ArrayRef>>>()?;
        drop(pieces);
        let first = match emit_to {
            EmitTo::First(first) if first < self.total => first,
            _ => return Ok((columns, groups, std::mem::take(&mut self.total))),
        };
        let given = BooleanArray::from_unary(&groups, |group| group < first as u64);
        let kept = BooleanArray::from_unary(&groups, |group| group >= first as u64);
        let of =
            |which: &BooleanArray| columns.iter().map(|column| filter(column, which)).collect::<Result<Vec<_>, _>>();
        self.groups =
            groups.values().iter().filter(|group| **group >= first as u64).map(|g| g - first as u64).collect();
        self.add(of(&kept)?);
        self.total -= first;
        let groups = groups.values().iter().copied().filter(|group| *group < first as u64).collect();
        Ok((of(&given)?, groups, first))
    }
}

/// Where the rows of each group begin and end, of rows that are sorted by group.
fn ranges(groups: &[u64], total: usize) -> Vec<std::ops::Range<usize>> {
    let mut start = 0;
    let range = |group: usize| {
        let length = groups[start..].iter().take_while(|own| **own == group as u64).count();
        start += length;
        start - length..start
    };
    (0..total).map(range).collect()
}

impl GroupsAccumulator for GatheredGroups {
    fn update_batch(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        only: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.total = self.total.max(total);
        let Some(only) = only else {
            self.groups.extend(groups.iter().map(|group| *group as u64));
            self.add(arguments.iter().map(without_rest).collect());
            return Ok(());
        };
        let counts = |row: usize| only.is_valid(row) && only.value(row);
        self.groups.extend(groups.iter().enumerate().filter(|(row, _)| counts(*row)).map(|(_, group)| *group as u64));
        let columns = arguments.iter().map(|column| filter(column, only)).collect::<Result<Vec<_>, _>>()?;
        self.add(columns);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (mut columns, groups, total) = self.take(emit_to)?;
        let call = &self.inner.call;
        let groups: ArrayRef = Arc::new(groups);
        let mut by = vec![SortColumn { values: Arc::clone(&groups), options: None }];
        let keys = columns.split_off(call.arguments);
        by.extend(
            keys.into_iter().zip(&call.options).map(|(values, options)| SortColumn { values, options: Some(*options) }),
        );
        let mut rows = lexsort_to_indices(&by, None)?;
        if call.distinct {
            let keys: Vec<&ArrayRef> = by.iter().map(|column| &column.values).collect();
            rows = distinct_rows(&keys, &rows)?;
        }
        let columns = columns.iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()?;
        let groups = take(&groups, &rows, None)?;
        let groups: &UInt64Array = groups.as_primitive();
        let results = ranges(groups.values(), total).into_iter().map(|range| -> Result<ScalarValue> {
            let mut one = self.inner.accumulator()?;
            if !range.is_empty() {
                let own: Vec<ArrayRef> = columns.iter().map(|column| column.slice(range.start, range.len())).collect();
                one.update_batch(&own)?;
            }
            one.evaluate()
        });
        let results = results.collect::<Result<Vec<ScalarValue>>>()?;
        match results.is_empty() {
            true => Ok(new_empty_array(self.inner.returns.data_type())),
            false => ScalarValue::iter_to_array(results),
        }
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (columns, groups, total) = self.take(emit_to)?;
        let mut rows: Vec<u32> = (0..u32::try_from(groups.len()).unwrap_or(u32::MAX)).collect();
        rows.sort_by_key(|row| groups.value(*row as usize));
        let mut lengths = vec![0; total];
        groups.values().iter().for_each(|group| lengths[usize::try_from(*group).unwrap_or_default()] += 1);
        let rows = UInt32Array::from(rows);
        columns.iter().map(|column| list(&take(column, &rows, None)?, lengths.iter().copied())).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.total = self.total.max(total);
        let lists = states.iter().map(|state| state.as_list_opt::<i32>()).collect::<Option<Vec<_>>>();
        let Some(lists) = lists else { return internal_err!("the state of an ordered aggregate is no list") };
        let Some(first) = lists.first() else { return Ok(()) };
        for (row, group) in groups.iter().enumerate() {
            let rows = usize::try_from(first.value_length(row)).unwrap_or_default();
            self.groups.extend(std::iter::repeat_n(*group as u64, rows));
        }
        let own = |list: &&ListArray| {
            let offsets = list.value_offsets();
            let (from, to) = (offsets[0], offsets[list.len()]);
            let whole = list
                .values()
                .slice(usize::try_from(from).unwrap_or_default(), usize::try_from(to - from).unwrap_or_default());
            without_rest(&whole)
        };
        self.add(lists.iter().map(own).collect());
        Ok(())
    }

    fn convert_to_state(&self, arguments: &[ArrayRef], only: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let counts = |row: usize| only.is_none_or(|only| only.is_valid(row) && only.value(row));
        let state = |column: &ArrayRef| {
            let values = match only {
                Some(only) => filter(column, only)?,
                None => Arc::clone(column),
            };
            list(&values, (0..column.len()).map(|row| usize::from(counts(row))))
        };
        arguments.iter().map(state).collect()
    }

    fn size(&self) -> usize {
        let pieces = self.pieces.capacity() * size_of::<Vec<ArrayRef>>();
        size_of_val(self) + self.bytes + self.groups.capacity() * size_of::<u64>() + pieces
    }
}

/// One list after the other, of these lengths.
fn list(values: &ArrayRef, lengths: impl Iterator<Item = usize>) -> Result<ArrayRef> {
    let item = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::clone(values), None)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{arguments, call, rows};
    use super::*;

    fn texts(array: &ArrayRef) -> Vec<Option<&str>> {
        array.as_string::<i32>().iter().collect()
    }

    #[test]
    fn groups_are_sorted_each_for_itself() {
        for (distinct, results) in
            [(false, [Some("d,b,e"), None, Some("a,c")]), (true, [Some("d,b"), None, Some("a,c")])]
        {
            let (fields, schema) = arguments();
            let call = call(distinct);
            let new = || GatheredGroups::new(call.clone(), &super::super::tests::arguments_of(&fields, &schema));
            let batches = [
                (rows(&[("a", Some(1)), ("b", Some(2)), ("no", Some(7))]), vec![2, 0, 1], vec![true, true, false]),
                (rows(&[("d", Some(3)), ("c", None), ("e", Some(2))]), vec![0, 2, 0], vec![true; 3]),
            ];
            // All at once, through states, and the first group before the others.
            let mut whole = new();
            let mut merged = new();
            let mut converted = new();
            for (columns, groups, only) in &batches {
                let only = BooleanArray::from(only.clone());
                whole.update_batch(columns, groups, Some(&only), 3).unwrap();
                let mut part = new();
                part.update_batch(columns, groups, Some(&only), 3).unwrap();
                merged.merge_batch(&part.state(EmitTo::All).unwrap(), &[0, 1, 2], 3).unwrap();
                converted.merge_batch(&new().convert_to_state(columns, Some(&only)).unwrap(), groups, 3).unwrap();
            }
            assert_eq!(texts(&merged.evaluate(EmitTo::All).unwrap()), results);
            assert_eq!(texts(&converted.evaluate(EmitTo::All).unwrap()), results);
            assert_eq!(texts(&whole.evaluate(EmitTo::First(1)).unwrap()), results[..1]);
            whole.update_batch(&rows(&[("z", Some(9))]), &[2], None, 3).unwrap();
            let rest = whole.evaluate(EmitTo::All).unwrap();
            assert_eq!(texts(&rest), [results[1], results[2], Some("z")]);
            assert_eq!(whole.evaluate(EmitTo::All).unwrap().len(), 0);
        }
    }
}
