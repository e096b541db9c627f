//! Window functions, and what is made of row numbers: DISTINCT ON.

use super::aggregate::arguments;
use super::expr::{binary, typed};
use super::project::{projection, select};
use super::{Lowered, Lowering, Scope, call, expr, fault, key};
use attune_sql::SqlError;
use attune_sql::algebra::{Category, Column, Expr, SortKey, WindowCall, WindowFunction};
use datafusion::arrow::datatypes::{DataType, IntervalUnit};
use datafusion::common::Column as DfColumn;
use datafusion::functions_window::row_number::row_number_udwf;
use datafusion::logical_expr::expr::{
    NullTreatment, WindowFunction as DfWindowFunction, WindowFunctionDefinition, WindowFunctionParams,
};
use datafusion::logical_expr::utils::generate_sort_key;
use datafusion::logical_expr::{
    Cast, Expr as DfExpr, LogicalPlan, Operator, SortExpr, Window, WindowFrame, WindowFrameBound, WindowFrameUnits, lit,
};
use std::collections::HashMap;
use std::sync::Arc;

impl Lowering {
    pub(super) fn window(&mut self, input: Lowered, calls: &[(Column, WindowCall)]) -> Result<Lowered, SqlError> {
        let beside = input.plan.schema().columns();
        let mut columns = input.columns.clone();
        let mut groups: Vec<Sorted> = Vec::new();
        // Results that the function gives in another form of their type.
        let mut casts: HashMap<String, DfExpr> = HashMap::new();
        for (column, window_call) in calls {
            let name = self.names.column(column, input.scans, &beside);
            let (called, given) = called(window_call, &input.scope())?;
            let wanted = window_call.ty.to_arrow();
            if given != wanted {
                let number = DfExpr::Column(DfColumn::new_unqualified(&name));
                casts.insert(name.clone(), call::cast(number, &given, &wanted).alias(&name));
            }
            add(&mut groups, called, &name)?;
            columns.insert(column.id, DfColumn::new_unqualified(name));
        }
        // Rows that are sorted by more keys first: the others may need no sort of their own then.
        groups.sort_by_key(|group| std::cmp::Reverse(group.by.len()));
        let mut plan = input.plan;
        for group in groups {
            plan = LogicalPlan::Window(Window::try_new(group.calls, Arc::new(plan)).map_err(fault)?);
        }
        if !casts.is_empty() {
            let outputs = outputs(&plan, &casts);
            plan = projection(plan, outputs)?;
        }
        Ok(Lowered { plan, columns, scans: input.scans })
    }

    /// DISTINCT ON: the first row of each group.
    pub(super) fn distinct_on(&mut self, input: Lowered, on: &[Expr], order: &[SortKey]) -> Result<Lowered, SqlError> {
        let partition = key::keys(on, &input.scope())?;
        let order = key::sort(order, &input.scope())?;
        self.first_of(input, partition, order)
    }

    /// The first row of each partition, in an order.
    pub(super) fn first_of(
        &mut self,
        input: Lowered,
        partition: Vec<DfExpr>,
        order: Vec<SortExpr>,
    ) -> Result<Lowered, SqlError> {
        let before = input.plan.schema().columns();
        let (numbered, number) = self.numbered(input, partition, order)?;
        let first = numbered.filter(binary(as_bigint(number), Operator::LtEq, lit(1_i64)));
        Ok(Lowered { plan: select(first.plan, before)?, ..first })
    }

    /// The rows with their number in a partition, from 1.
    pub(super) fn numbered(
        &mut self,
        input: Lowered,
        partition_by: Vec<DfExpr>,
        order_by: Vec<SortExpr>,
    ) -> Result<(Lowered, DfColumn), SqlError> {
        let beside = input.plan.schema().columns();
        let name = self.names.fresh("row_number", input.scans, &beside);
        let window_frame = WindowFrame::new((!order_by.is_empty()).then_some(false));
        let params = WindowFunctionParams {
            args: Vec::new(),
            partition_by,
            order_by,
            window_frame,
            filter: None,
            null_treatment: None,
            distinct: false,
        };
        let fun = WindowFunctionDefinition::WindowUDF(row_number_udwf());
        let call = DfExpr::WindowFunction(Box::new(DfWindowFunction { fun, params })).alias(&name);
        let window = Window::try_new(vec![call], Arc::new(input.plan)).map_err(fault)?;
        let numbered = Lowered { plan: LogicalPlan::Window(window), ..input };
        Ok((numbered, DfColumn::new_unqualified(name)))
    }
}

/// A row number as SQL has it; DataFusion's is unsigned.
pub(super) fn as_bigint(number: DfColumn) -> DfExpr {
    DfExpr::Cast(Cast::new(Box::new(DfExpr::Column(number)), DataType::Int64))
}

/// Calls over rows that are sorted alike.
struct Sorted {
    by: Vec<(SortExpr, bool)>,
    calls: Vec<DfExpr>,
}

/// Adds a call to those that need the same order.
fn add(groups: &mut Vec<Sorted>, called: DfWindowFunction, name: &str) -> Result<(), SqlError> {
    let by = generate_sort_key(&called.params.partition_by, &called.params.order_by).map_err(fault)?;
    let named = DfExpr::WindowFunction(Box::new(called)).alias(name);
    match groups.iter_mut().find(|group| group.by == by) {
        Some(group) => group.calls.push(named),
        None => groups.push(Sorted { by, calls: vec![named] }),
    }
    Ok(())
}

/// All columns of a plan, casts in the place of some.
fn outputs(plan: &LogicalPlan, casts: &HashMap<String, DfExpr>) -> Vec<DfExpr> {
    let one = |column: DfColumn| match casts.get(&column.name) {
        Some(cast) if column.relation.is_none() => cast.clone(),
        _ => DfExpr::Column(column),
    };
    plan.schema().columns().into_iter().map(one).collect()
}

/// A call with the Arrow type that it gives.
fn called(window_call: &WindowCall, scope: &Scope<'_>) -> Result<(DfWindowFunction, DataType), SqlError> {
    let (fun, args, given) = match &window_call.function {
        WindowFunction::Aggregate(function) => {
            let args = arguments(&window_call.args, false, scope)?;
            let (args, fields) = call::arguments(function.as_ref(), args)?;
            let given = function.return_field(&fields).map_err(fault)?;
            (WindowFunctionDefinition::AggregateUDF(Arc::clone(function)), args, given)
        }
        WindowFunction::Window(function) => {
            let (args, fields) = call::arguments(function.as_ref(), typed(&window_call.args, scope)?)?;
            let fun = WindowFunctionDefinition::WindowUDF(Arc::clone(function));
            let given = fun.return_field(&fields, function.name()).map_err(fault)?;
            (fun, args, given)
        }
    };
    let filter = window_call.filter.as_ref().map(|filter| expr(filter, scope).map(Box::new)).transpose()?;
    let params = WindowFunctionParams {
        args,
        partition_by: key::keys(&window_call.partition, scope)?,
        order_by: key::sort(&window_call.order, scope)?,
        window_frame: frame(window_call)?,
        filter,
        null_treatment: window_call.ignore_nulls.then_some(NullTreatment::IgnoreNulls),
        distinct: window_call.distinct,
    };
    Ok((DfWindowFunction { fun, params }, given.data_type().clone()))
}

/// The frame, its offsets in the types that DataFusion computes with.
fn frame(window_call: &WindowCall) -> Result<WindowFrame, SqlError> {
    let frame = &window_call.frame;
    let varying = window_call.order.iter().find(|sort| !matches!(sort.expr, Expr::Constant { .. }));
    let offsets = [&frame.start_bound, &frame.end_bound].into_iter().any(is_offset);
    let to = match (frame.units, varying) {
        // All rows are peers.
        (WindowFrameUnits::Range | WindowFrameUnits::Groups, None) => return Ok(WindowFrame::new(None)),
        (WindowFrameUnits::Range, Some(_)) if !offsets => return Ok(frame.clone()),
        (WindowFrameUnits::Range, Some(sort)) if key::is_interval(sort.expr.ty()) => {
            let message = "RANGE with an offset over a column of type interval is not supported";
            return Err(SqlError::unsupported(message, "Order by extract(epoch from ...), with an offset in seconds."));
        }
        (WindowFrameUnits::Range, Some(sort)) => match sort.expr.ty().category() {
            Category::DateTime => DataType::Interval(IntervalUnit::MonthDayNano),
            _ => sort.expr.ty().to_arrow(),
        },
        (WindowFrameUnits::Rows | WindowFrameUnits::Groups, _) => DataType::UInt64,
    };
    let (start, end) = (bound(&frame.start_bound, &to)?, bound(&frame.end_bound, &to)?);
    Ok(WindowFrame::new_bounds(frame.units, start, end))
}

fn is_offset(bound: &WindowFrameBound) -> bool {
    !bound.is_unbounded() && *bound != WindowFrameBound::CurrentRow
}

fn bound(bound: &WindowFrameBound, to: &DataType) -> Result<WindowFrameBound, SqlError> {
    Ok(match bound {
        WindowFrameBound::Preceding(value) => WindowFrameBound::Preceding(value.cast_to(to).map_err(fault)?),
        WindowFrameBound::Following(value) => WindowFrameBound::Following(value.cast_to(to).map_err(fault)?),
        WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
    })
}
