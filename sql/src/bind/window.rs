//! Window functions: the calls of a SELECT become columns.

use super::expr::Clause;
use super::resolve::gives_rows;
use super::scope::Scope;
use super::{Bind, Result};
use crate::algebra::{Column, Expr, Rel, SortKey, Type, WindowCall, WindowFunction};
use crate::binder::map_datafusion_error;
use crate::statement::fold;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::sql::sqlparser::ast::{self, WindowType};

impl Bind<'_> {
    /// `f(args) OVER (...)`.
    pub(super) fn window_call(&self, name: &str, function: &ast::Function, scope: &Scope<'_>) -> Result<Expr> {
        let (args, star, distinct, ignore_nulls) = self.window_arguments(function, scope)?;
        let spec = match &function.over {
            Some(WindowType::WindowSpec(spec)) => self.inherited(spec, scope)?,
            Some(WindowType::NamedWindow(name)) => self.named_window(name, scope)?,
            None => return Err(SqlError::internal("a window function without a window")),
        };
        let partition = spec.partition_by.iter().map(|e| self.expr(e, scope, Clause::Window));
        let partition = partition.map(|e| self.settle(e?)).collect::<Result<Vec<_>>>()?;
        let order = self.sort_keys(&spec.order_by, scope, Clause::Window)?;
        let filter = match &function.filter {
            Some(filter) => Some(self.condition(filter, scope, Clause::Filter)?),
            None => None,
        };
        let frame = self.frame(spec.window_frame.as_ref(), &order, scope)?;
        let call = if self.resolver.is_window(name) {
            if filter.is_some() || distinct {
                let message = format!("FILTER and DISTINCT are not supported for window function {name}()");
                return Err(SqlError::unsupported(message, "Filter in a subquery."));
            }
            let (udf, args, ty, nullable) = self.resolver.window(name, args)?;
            let function = WindowFunction::Window(udf);
            WindowCall { function, args, distinct, filter, ignore_nulls, partition, order, frame, ty, nullable }
        } else if self.resolver.is_aggregate(name) {
            let call = self.resolver.aggregate(name, args, distinct, filter, Vec::new(), star)?;
            WindowCall {
                function: WindowFunction::Aggregate(call.function),
                args: call.args,
                distinct: call.distinct,
                filter: call.filter,
                ignore_nulls,
                partition,
                order,
                frame,
                ty: call.ty,
                nullable: call.nullable,
            }
        } else {
            // Words the error for a function that does not exist.
            if !gives_rows(name) {
                self.resolver.function(name, args)?;
            }
            let message = format!("OVER specified, but {name} is not a window function nor an aggregate function");
            return Err(SqlError::new(SqlState::WrongObjectType, message));
        };
        Ok(Expr::Window(Box::new(call)))
    }

    fn named_window(&self, name: &ast::Ident, scope: &Scope<'_>) -> Result<ast::WindowSpec> {
        let own = fold(name);
        match scope.namespace.windows.iter().find(|(defined, _)| *defined == own) {
            Some((_, spec)) => self.inherited(spec, scope),
            None => {
                let message = format!("window \"{own}\" does not exist");
                Err(SqlError::new(SqlState::UndefinedObject, message).or_at(name.span))
            }
        }
    }

    /// A definition that begins with the name of another: `(w ORDER BY a)`.
    fn inherited(&self, spec: &ast::WindowSpec, scope: &Scope<'_>) -> Result<ast::WindowSpec> {
        let Some(name) = &spec.window_name else { return Ok(spec.clone()) };
        let base = self.deeper(|| self.named_window(name, scope))?;
        let own = fold(name);
        let refused = |what: &str| {
            let message = format!("cannot override {what} of window \"{own}\"");
            Err(SqlError::new(SqlState::WindowingError, message).or_at(name.span))
        };
        if !spec.partition_by.is_empty() {
            return refused("PARTITION BY clause");
        }
        if !spec.order_by.is_empty() && !base.order_by.is_empty() {
            return refused("ORDER BY clause");
        }
        if base.window_frame.is_some() {
            let message = format!("cannot copy window \"{own}\" because it has a frame clause");
            return Err(SqlError::new(SqlState::WindowingError, message).or_at(name.span));
        }
        let order_by = if base.order_by.is_empty() { spec.order_by.clone() } else { base.order_by };
        Ok(ast::WindowSpec {
            window_name: None,
            partition_by: base.partition_by,
            order_by,
            window_frame: spec.window_frame.clone(),
        })
    }

    fn frame(&self, frame: Option<&ast::WindowFrame>, order: &[SortKey], scope: &Scope<'_>) -> Result<WindowFrame> {
        let Some(frame) = frame else {
            // Up to the current row and its peers where there is an order, else the whole partition.
            return Ok(WindowFrame::new((!order.is_empty()).then_some(false)));
        };
        let units = match frame.units {
            ast::WindowFrameUnits::Rows => WindowFrameUnits::Rows,
            ast::WindowFrameUnits::Range => WindowFrameUnits::Range,
            ast::WindowFrameUnits::Groups => WindowFrameUnits::Groups,
        };
        let start = self.frame_bound(&frame.start_bound, units, order, scope)?;
        let end = match &frame.end_bound {
            Some(end) => self.frame_bound(end, units, order, scope)?,
            None => WindowFrameBound::CurrentRow,
        };
        let invalid = |message: &str| Err(SqlError::new(SqlState::WindowingError, message));
        match (&start, &end) {
            (WindowFrameBound::Following(value), _) if value.is_null() => {
                return invalid("frame start cannot be UNBOUNDED FOLLOWING");
            }
            (_, WindowFrameBound::Preceding(value)) if value.is_null() => {
                return invalid("frame end cannot be UNBOUNDED PRECEDING");
            }
            (WindowFrameBound::CurrentRow, WindowFrameBound::Preceding(_)) => {
                return invalid("frame starting from current row cannot have preceding rows");
            }
            (WindowFrameBound::Following(_), WindowFrameBound::Preceding(_) | WindowFrameBound::CurrentRow) => {
                return invalid("frame starting from following row cannot have preceding rows");
            }
            _ => {}
        }
        if units == WindowFrameUnits::Groups && order.is_empty() {
            return invalid("GROUPS mode requires an ORDER BY clause");
        }
        let frame = WindowFrame::new_bounds(units, start, end);
        if units == WindowFrameUnits::Range && !frame.can_accept_multi_orderby() && order.len() != 1 {
            return invalid("RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY column");
        }
        Ok(frame)
    }

    fn frame_bound(
        &self,
        bound: &ast::WindowFrameBound,
        units: WindowFrameUnits,
        order: &[SortKey],
        scope: &Scope<'_>,
    ) -> Result<WindowFrameBound> {
        Ok(match bound {
            ast::WindowFrameBound::CurrentRow => WindowFrameBound::CurrentRow,
            ast::WindowFrameBound::Preceding(value) => {
                WindowFrameBound::Preceding(self.offset(value.as_deref(), units, order, scope)?)
            }
            ast::WindowFrameBound::Following(value) => {
                WindowFrameBound::Following(self.offset(value.as_deref(), units, order, scope)?)
            }
        })
    }

    /// The offset of a bound, of the type that the units need; NULL is UNBOUNDED.
    fn offset(
        &self,
        value: Option<&ast::Expr>,
        units: WindowFrameUnits,
        order: &[SortKey],
        scope: &Scope<'_>,
    ) -> Result<ScalarValue> {
        let key = order.first().map(|key| key.expr.ty());
        let ty = match (units, key) {
            (WindowFrameUnits::Range, Some(Type::Sql(SqlType::Date | SqlType::Timestamp | SqlType::TimestampTz))) => {
                Type::INTERVAL
            }
            (WindowFrameUnits::Range, Some(ty)) => ty,
            _ => Type::BIGINT,
        };
        let arrow = match units {
            WindowFrameUnits::Range => ty.to_arrow(),
            _ => datafusion::arrow::datatypes::DataType::UInt64,
        };
        let Some(value) = value else {
            return ScalarValue::try_from(&arrow).map_err(|error| map_datafusion_error(&error));
        };
        let bound = self.resolver.cast(self.expr(value, scope, Clause::Window)?, ty)?;
        let constant = match bound {
            Expr::Constant { value, .. } => value,
            Expr::Cast { expr, to } => match *expr {
                Expr::Constant { value, .. } => {
                    value.cast_to(&to.to_arrow()).map_err(|error| map_datafusion_error(&error))?
                }
                _ => return Err(not_constant()),
            },
            _ => return Err(not_constant()),
        };
        if constant.is_null() {
            let message = "frame offset must not be null";
            return Err(SqlError::new(SqlState::WindowingError, message));
        }
        constant.cast_to(&arrow).map_err(|_| {
            let message = "frame starting offset must not be negative";
            SqlError::new(SqlState::WindowingError, message)
        })
    }

    /// The relation with the window functions of `exprs` computed; these read their columns afterwards.
    pub(super) fn windowed(&self, rel: Rel, exprs: &mut [&mut Expr]) -> Result<Rel> {
        let mut calls: Vec<(Column, WindowCall)> = Vec::new();
        for expr in exprs {
            let old = std::mem::replace(*expr, Expr::boolean(true));
            **expr = old.rewrite(&mut |expr| match expr {
                Expr::Window(call) => {
                    let known = calls.iter().find(|(_, own)| *own == *call).map(|(column, _)| column.clone());
                    Expr::Column(known.unwrap_or_else(|| {
                        let name = match &call.function {
                            WindowFunction::Aggregate(function) => function.name().to_owned(),
                            WindowFunction::Window(function) => function.name().to_owned(),
                        };
                        let column = self.column(name, call.ty, call.nullable);
                        calls.push((column.clone(), *call));
                        column
                    }))
                }
                other => other,
            });
        }
        Ok(if calls.is_empty() { rel } else { Rel::Window { input: Box::new(rel), calls } })
    }
}

fn not_constant() -> SqlError {
    SqlError::unsupported("the offset of a frame must be a constant", "Write a number or an interval.")
}
