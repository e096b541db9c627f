//! DataFusion's logical expressions to Attune's.

use super::{Expr, Literal, MAX_JSON_DEPTH, functions};
use crate::types::{column_type, shown};
use arrow::datatypes::DataType;
use attune_sql::operators::{self, Original};
use attune_sql::{SqlError, SqlState};
use attune_storage::ColumnType;
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::expr::{Between, BinaryExpr, Case, InList, Like, Placeholder, ScalarFunction};
use datafusion::logical_expr::{Expr as DfExpr, ExprSchemable, Operator, Volatility};

/// What the names of an expression mean.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The columns that can be named.
    pub(crate) schema: &'a DFSchema,
    /// Where each column of `schema` is in the input; `None`: in the same place.
    pub(crate) columns: Option<&'a [usize]>,
}

impl<'a> Scope<'a> {
    /// The columns of a plan node, all in their places.
    pub(crate) fn of(schema: &'a DFSchema) -> Scope<'a> {
        Scope { schema, columns: None }
    }

    fn index(&self, column: &Column) -> Result<usize, SqlError> {
        let index = self.schema.index_of_column(column);
        let index = index.map_err(|e| SqlError::internal(format!("column {column} is not in its input: {e}")))?;
        match self.columns {
            None => Ok(index),
            Some(columns) => {
                columns.get(index).copied().ok_or_else(|| SqlError::internal(format!("column {column} has no place")))
            }
        }
    }
}

/// Converts an expression over the columns of a scope.
///
/// # Errors
/// 0A000 for what a plan cannot hold, with what to write instead; 54001 for expressions nested too deeply.
pub(crate) fn from_datafusion(expr: &DfExpr, scope: Scope<'_>) -> Result<Expr, SqlError> {
    Conversion { scope, budget: MAX_JSON_DEPTH }.expr(expr)
}

#[derive(Clone, Copy)]
struct Conversion<'a> {
    scope: Scope<'a>,
    /// JSON levels left.
    budget: usize,
}

impl Conversion<'_> {
    fn deeper(self, levels: usize) -> Result<Self, SqlError> {
        match self.budget.checked_sub(levels) {
            Some(budget) => Ok(Conversion { budget, ..self }),
            None => Err(SqlError::new(SqlState::StatementTooComplex, "an expression is nested too deeply")
                .with_hint("Compute parts of it in views that this query reads.")),
        }
    }

    fn boxed(self, expr: &DfExpr) -> Result<Box<Expr>, SqlError> {
        Ok(Box::new(self.deeper(2)?.expr(expr)?))
    }

    fn expr(self, expr: &DfExpr) -> Result<Expr, SqlError> {
        Ok(match expr {
            DfExpr::Alias(alias) => self.deeper(1)?.expr(&alias.expr)?,
            DfExpr::Column(column) => Expr::Column(self.scope.index(column)?),
            DfExpr::Literal(value, _) => Expr::Literal(Literal::from_scalar(value)?),
            DfExpr::Placeholder(placeholder) => parameter(placeholder)?,
            DfExpr::BinaryExpr(binary) => self.binary(binary)?,
            DfExpr::Not(e) => Expr::Not(self.boxed(e)?),
            DfExpr::Negative(e) => Expr::Negative(self.boxed(e)?),
            DfExpr::IsNull(e) | DfExpr::IsUnknown(e) => Expr::IsNull(self.boxed(e)?),
            DfExpr::IsNotNull(e) | DfExpr::IsNotUnknown(e) => Expr::IsNotNull(self.boxed(e)?),
            DfExpr::IsTrue(e) => Expr::IsTrue(self.boxed(e)?),
            DfExpr::IsFalse(e) => Expr::IsFalse(self.boxed(e)?),
            DfExpr::IsNotTrue(e) => Expr::Not(Box::new(Expr::IsTrue(self.boxed(e)?))),
            DfExpr::IsNotFalse(e) => Expr::Not(Box::new(Expr::IsFalse(self.boxed(e)?))),
            DfExpr::Between(between) => self.between(between)?,
            DfExpr::Case(case) => self.case(case)?,
            DfExpr::Cast(cast) => self.cast(&cast.expr, cast.field.data_type(), false)?,
            DfExpr::TryCast(cast) => self.cast(&cast.expr, cast.field.data_type(), true)?,
            DfExpr::Like(like) => self.like(like)?,
            DfExpr::InList(list) => self.in_list(list)?,
            DfExpr::ScalarFunction(function) => self.function(expr, function)?,
            other => return Err(refused(other)),
        })
    }

    fn binary(self, binary: &BinaryExpr) -> Result<Expr, SqlError> {
        let BinaryExpr { left, op, right } = binary;
        if matches!(op, Operator::And | Operator::Or) {
            return self.chain(binary);
        }
        let like = |negated, case_insensitive| {
            let like = Like::new(negated, left.clone(), right.clone(), None, case_insensitive);
            self.deeper(1)?.like(&like)
        };
        let name = match op {
            Operator::LikeMatch => return like(false, false),
            Operator::ILikeMatch => return like(false, true),
            Operator::NotLikeMatch => return like(true, false),
            Operator::NotILikeMatch => return like(true, true),
            other => operator_name(*other).ok_or_else(|| {
                SqlError::unsupported(
                    format!("the operator {other} is not supported here"),
                    "Write the expression without it.",
                )
            })?,
        };
        Ok(Expr::Binary { op: name.to_owned(), left: self.boxed(left)?, right: self.boxed(right)? })
    }

    /// AND and OR come as left-deep trees, as deep as the text is long: taken apart without recursion and put together again
    /// as a balanced tree.
    fn chain(self, binary: &BinaryExpr) -> Result<Expr, SqlError> {
        let mut operands = Vec::new();
        let mut open = vec![&*binary.right, &*binary.left];
        while let Some(expr) = open.pop() {
            match expr {
                DfExpr::BinaryExpr(inner) if inner.op == binary.op => open.extend([&*inner.right, &*inner.left]),
                other => operands.push(other),
            }
        }
        let levels = operands.len().next_power_of_two().ilog2() as usize;
        let inside = self.deeper(2 * levels)?;
        let operands = operands.into_iter().map(|e| inside.expr(e)).collect::<Result<Vec<_>, _>>()?;
        let name = if binary.op == Operator::And { "and" } else { "or" };
        Expr::chain(name, operands).ok_or_else(|| SqlError::internal("an operator without operands"))
    }

    fn between(self, between: &Between) -> Result<Expr, SqlError> {
        let inside = self.deeper(4)?;
        let side = |bound: &DfExpr, op: &str| {
            Ok::<_, SqlError>(Expr::binary(op, inside.expr(&between.expr)?, inside.expr(bound)?))
        };
        Ok(if between.negated {
            Expr::binary("or", side(&between.low, "<")?, side(&between.high, ">")?)
        } else {
            Expr::binary("and", side(&between.low, ">=")?, side(&between.high, "<=")?)
        })
    }

    fn case(self, case: &Case) -> Result<Expr, SqlError> {
        let inside = self.deeper(4)?;
        let optional = |e: &Option<Box<DfExpr>>| e.as_deref().map(|e| inside.expr(e).map(Box::new)).transpose();
        let mut branches = Vec::with_capacity(case.when_then_expr.len());
        for (when, then) in &case.when_then_expr {
            branches.push((inside.expr(when)?, inside.expr(then)?));
        }
        Ok(Expr::Case { operand: optional(&case.expr)?, branches, otherwise: optional(&case.else_expr)? })
    }

    fn cast(self, expr: &DfExpr, to: &DataType, safe: bool) -> Result<Expr, SqlError> {
        let to = cast_target(to)?;
        let expr = self.boxed(expr)?;
        Ok(if safe { Expr::TryCast { expr, to } } else { Expr::Cast { expr, to } })
    }

    fn like(self, like: &Like) -> Result<Expr, SqlError> {
        // The backslash is the default escape of both Postgres and Arrow.
        if like.escape_char.is_some_and(|c| c != '\\') {
            return Err(SqlError::unsupported(
                "LIKE with an ESCAPE other than the backslash is not supported",
                "Use \\ to escape.",
            ));
        }
        Ok(Expr::Like {
            expr: self.boxed(&like.expr)?,
            pattern: self.boxed(&like.pattern)?,
            negated: like.negated,
            case_insensitive: like.case_insensitive,
        })
    }

    fn in_list(self, list: &InList) -> Result<Expr, SqlError> {
        let inside = self.deeper(3)?;
        let expr = Box::new(inside.expr(&list.expr)?);
        let items = list.list.iter().map(|e| inside.expr(e)).collect::<Result<_, _>>()?;
        Ok(Expr::InList { expr, list: items, negated: list.negated })
    }

    fn function(self, expr: &DfExpr, function: &ScalarFunction) -> Result<Expr, SqlError> {
        match (operators::original(&function.func), function.args.as_slice()) {
            (Some(Original::Binary(ops)), [left, right]) if ops.len() == 1 && ops[0].is_numerical_operators() => {
                if let Some(returns) = operators::returns(&function.func).as_ref().and_then(column_type) {
                    let op = operator_name(ops[0]).unwrap_or_default().to_owned();
                    return Ok(Expr::Operator { op, left: self.boxed(left)?, right: self.boxed(right)?, returns });
                }
                let binary = BinaryExpr::new(Box::new(left.clone()), ops[0], Box::new(right.clone()));
                return self.binary(&binary);
            }
            (Some(Original::Binary(ops)), [first, rest @ ..]) if ops.len() == rest.len() => {
                let chain = ops.iter().zip(rest).fold(first.clone(), |left, (op, right)| {
                    DfExpr::BinaryExpr(BinaryExpr::new(Box::new(left), *op, Box::new(right.clone())))
                });
                return self.expr(&chain);
            }
            (Some(Original::Negative), [operand]) => return Ok(Expr::Negative(self.boxed(operand)?)),
            (Some(Original::Cast(to)), [operand]) => return self.cast(operand, &to, false),
            _ => {}
        }
        if let (Some(limit), [text]) = (operators::varchar_limit(&function.func), function.args.as_slice()) {
            return self.cut(text, limit);
        }
        let name = function.func.name();
        if function.func.signature().volatility != Volatility::Immutable {
            return Err(SqlError::unsupported(
                format!("{name}() has no fixed result, so a view or index cannot be kept with it"),
                "Store the value in a column when the row is written, or compute it in the query that reads the view.",
            ));
        }
        // The plan is read back by name: a function that is not registered would be lost.
        functions::scalar_function(name)?;
        let inside = self.deeper(3)?;
        let args = function.args.iter().map(|e| inside.expr(e)).collect::<Result<Vec<_>, _>>()?;
        Ok(Expr::Function { name: name.to_owned(), args, returns: self.result_type(expr, name)? })
    }

    /// A cast to `varchar(limit)`: the limit is part of the function, which a plan knows by its name only.
    fn cut(self, text: &DfExpr, limit: u32) -> Result<Expr, SqlError> {
        let text = self.deeper(3)?.expr(text)?;
        let limit = Expr::Literal(Literal { column_type: ColumnType::Int64, value: Some(limit.to_string()) });
        Ok(Expr::Function { name: "left".to_owned(), args: vec![text, limit], returns: ColumnType::Text })
    }

    fn result_type(self, expr: &DfExpr, name: &str) -> Result<ColumnType, SqlError> {
        let data_type = expr.get_type(self.scope.schema).map_err(|e| {
            let message = format!("function {name} cannot be called with these arguments: {e}");
            SqlError::new(SqlState::UndefinedFunction, message)
        })?;
        column_type(&data_type).ok_or_else(|| {
            SqlError::unsupported(
                format!("a value of {} cannot be kept in a view, index or ranking", shown(&data_type)),
                "Compute it in the query that reads the view, or store one row per element.",
            )
        })
    }
}

/// The column type of a CAST. Types of the same values in another form are taken as the column type itself: DataFusion
/// inserts such casts, and `super::to_datafusion` inserts them again where they are needed.
fn cast_target(to: &DataType) -> Result<ColumnType, SqlError> {
    column_type(to).ok_or_else(|| {
        SqlError::unsupported(
            format!("a cast to {} cannot be kept in a view, index or ranking", shown(to)),
            "Compute it in the query that reads the view, or store one row per element.",
        )
    })
}

fn parameter(placeholder: &Placeholder) -> Result<Expr, SqlError> {
    let undefined =
        |why: &str| SqlError::new(SqlState::UndefinedParameter, format!("parameter {} {why}", placeholder.id));
    let index = placeholder_index(placeholder).ok_or_else(|| undefined("has no number"))?;
    let field = placeholder.field.as_ref().ok_or_else(|| undefined("has no known type"))?;
    let column_type =
        column_type(field.data_type()).ok_or_else(|| undefined("has a type that Attune does not store"))?;
    Ok(Expr::Parameter { index, column_type })
}

/// The number of `$n`, from 0.
#[must_use]
pub fn placeholder_index(placeholder: &Placeholder) -> Option<usize> {
    placeholder.id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}

/// The operator as SQL writes it, in the spelling that [`Expr::Binary`] keeps.
fn operator_name(op: Operator) -> Option<&'static str> {
    OPERATORS.iter().find(|(_, known)| *known == op).map(|(name, _)| *name)
}

/// The operators that a plan may hold (LIKE has its own node).
pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("=", Operator::Eq),
    ("<>", Operator::NotEq),
    ("<", Operator::Lt),
    ("<=", Operator::LtEq),
    (">", Operator::Gt),
    (">=", Operator::GtEq),
    ("+", Operator::Plus),
    ("-", Operator::Minus),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Modulo),
    ("and", Operator::And),
    ("or", Operator::Or),
    ("||", Operator::StringConcat),
    ("is distinct from", Operator::IsDistinctFrom),
    ("is not distinct from", Operator::IsNotDistinctFrom),
    ("&", Operator::BitwiseAnd),
    ("|", Operator::BitwiseOr),
    ("#", Operator::BitwiseXor),
    ("<<", Operator::BitwiseShiftLeft),
    (">>", Operator::BitwiseShiftRight),
    ("~", Operator::RegexMatch),
    ("~*", Operator::RegexIMatch),
    ("!~", Operator::RegexNotMatch),
    ("!~*", Operator::RegexNotIMatch),
];

fn refused(expr: &DfExpr) -> SqlError {
    let (what, instead) = match expr {
        DfExpr::ScalarSubquery(_) | DfExpr::OuterReferenceColumn(..) => {
            ("this subquery cannot be turned into a join", "Write it as a join with a subquery in FROM.")
        }
        DfExpr::Exists(_) | DfExpr::InSubquery(_) | DfExpr::SetComparison(_) => (
            "this EXISTS, IN, ANY or ALL subquery cannot be turned into a join",
            "Put it into WHERE as a condition of its own (joined to others by AND), or write a join.",
        ),
        DfExpr::GroupingSet(_) => (
            "GROUPING SETS, ROLLUP and CUBE are not supported",
            "Write one query with GROUP BY per grouping set and combine them with UNION ALL.",
        ),
        DfExpr::Unnest(_) => ("unnest() is not supported yet", "Store one row per element."),
        DfExpr::AggregateFunction(_) => ("an aggregate is not allowed here", "Compute it in a subquery."),
        DfExpr::WindowFunction(_) => ("a window function is not allowed here", "Compute it in a subquery in FROM."),
        DfExpr::ScalarVariable(..) => ("variables are not supported", "Write the value."),
        DfExpr::HigherOrderFunction(_) | DfExpr::Lambda(_) | DfExpr::LambdaVariable(_) => (
            "functions over lists with a lambda are not supported",
            "Store one row per element and use SQL over the rows.",
        ),
        _ => ("this expression is not supported", "Write it with operators, CASE and functions."),
    };
    SqlError::unsupported(what, instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::physical;
    use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::col;
    use std::sync::Arc;

    #[test]
    fn a_text_is_cut_by_a_function_that_a_plan_can_hold() {
        let schema = Schema::new(vec![Field::new("t", DataType::Utf8, true)]);
        let df_schema = DFSchema::try_from(schema.clone()).unwrap();
        let cut = DfExpr::ScalarFunction(ScalarFunction::new_udf(operators::varchar(2), vec![col("t")]));
        let kept = from_datafusion(&cut, Scope::of(&df_schema)).unwrap();
        assert!(matches!(&kept, Expr::Function { name, returns: ColumnType::Text, .. } if name == "left"), "{kept:?}");
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("äöü"), Some("a"), None]));
        let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![texts]).unwrap();
        let values = physical(&kept, &schema).unwrap().evaluate(&batch).unwrap().into_array(3).unwrap();
        let values: Vec<Option<&str>> = values.as_string::<i32>().iter().collect();
        assert_eq!(values, [Some("äö"), Some("a"), None]);
    }
}
