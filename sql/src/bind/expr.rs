//! Expressions.

use super::catalog::{check_collation, plain};
use super::expand::check_operands;
use super::like::all_of;
use super::rows::row;
use super::scope::Scope;
use super::{Bind, MAX_PARAMETERS, Result, resolve};
use crate::algebra::{CompareOp, Expr, Truth, Type};
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, CastKind, Spanned, UnaryOperator, Value};
use datafusion::sql::sqlparser::tokenizer::Span;

/// Where an expression stands: what it may contain, and how errors call the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Clause {
    #[default]
    Select,
    Where,
    GroupBy,
    Having,
    OrderBy,
    JoinOn,
    Values,
    From,
    /// A LATERAL subquery, for what belongs to the query whose FROM it stands in.
    Lateral,
    Limit,
    Offset,
    /// The argument of an aggregate.
    Aggregate,
    /// FILTER of an aggregate.
    Filter,
    /// The definition of a window, or an argument of a window function.
    Window,
}

impl Clause {
    /// As Postgres' errors call it.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Clause::Select => "SELECT",
            Clause::Where => "WHERE",
            Clause::GroupBy => "GROUP BY",
            Clause::Having => "HAVING",
            Clause::OrderBy => "ORDER BY",
            Clause::JoinOn => "JOIN/ON",
            Clause::Values => "VALUES",
            Clause::From | Clause::Lateral => "FROM",
            Clause::Limit => "LIMIT",
            Clause::Offset => "OFFSET",
            Clause::Aggregate => "aggregate",
            Clause::Filter => "FILTER",
            Clause::Window => "window definitions",
        }
    }

    /// Refuses an aggregate where none can be.
    pub(super) fn check_aggregate(self) -> std::result::Result<(), SqlError> {
        let message = match self {
            Clause::Select | Clause::Having | Clause::OrderBy | Clause::Window => return Ok(()),
            Clause::Aggregate => "aggregate function calls cannot be nested".to_owned(),
            Clause::JoinOn => "aggregate functions are not allowed in JOIN conditions".to_owned(),
            Clause::From => "aggregate functions are not allowed in functions in FROM".to_owned(),
            Clause::Lateral => "aggregate functions are not allowed in FROM clause of their own query level".to_owned(),
            other => format!("aggregate functions are not allowed in {}", other.sql()),
        };
        let error = SqlError::new(SqlState::GroupingError, message);
        Err(if self == Clause::Where { error.with_hint("Use HAVING.") } else { error })
    }

    /// Refuses a window function where none can be.
    pub(super) fn check_window(self) -> std::result::Result<(), SqlError> {
        let message = match self {
            Clause::Select | Clause::OrderBy => return Ok(()),
            Clause::Aggregate => {
                let message = "aggregate function calls cannot contain window function calls";
                return Err(SqlError::new(SqlState::GroupingError, message));
            }
            Clause::Window => "window functions are not allowed in window definitions".to_owned(),
            Clause::JoinOn => "window functions are not allowed in JOIN conditions".to_owned(),
            Clause::From => "window functions are not allowed in functions in FROM".to_owned(),
            other => format!("window functions are not allowed in {}", other.sql()),
        };
        Err(SqlError::new(SqlState::WindowingError, message)
            .with_hint("Compute it in a subquery in FROM, and use its column."))
    }
}

impl Bind<'_> {
    /// Binds an expression. Its type may be unknown: a literal or parameter whose use decides. It is none of the catalogs.
    pub(super) fn expr(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        Ok(plain(self.typed_expr(expr, scope, clause)?))
    }

    /// Binds an expression whose type may be one of the catalogs.
    pub(super) fn typed_expr(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        self.deeper(|| self.one(expr, scope, clause)).map_err(|error| error.or_at(expr.span()))
    }

    /// An expression without columns.
    pub(super) fn constant(&self, expr: &ast::Expr, clause: &'static str) -> Result<Expr> {
        let namespace = super::scope::Namespace::default();
        let env = super::scope::Env::default();
        let scope = Scope { namespace: &namespace, env: &env };
        let place = if clause == "OFFSET" { Clause::Offset } else { Clause::Limit };
        match self.expr(expr, &scope, place) {
            Err(error) if error.state == SqlState::UndefinedColumn => {
                let message = format!("argument of {clause} must not contain variables");
                Err(SqlError::new(SqlState::InvalidColumnReference, message).or_at(expr.span()))
            }
            other => other,
        }
    }

    fn all(&self, exprs: &[ast::Expr], scope: &Scope<'_>, clause: Clause) -> Result<Vec<Expr>> {
        exprs.iter().map(|expr| self.expr(expr, scope, clause)).collect()
    }

    fn one(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bind = |expr: &ast::Expr| self.expr(expr, scope, clause);
        let resolver = &self.resolver;
        let test = |expr: &ast::Expr, test: Truth, negated: bool, what: &str| {
            let bound = bind(expr)?;
            let bound = match test {
                Truth::Null if what.is_empty() => self.settle(bound)?,
                _ => resolver.boolean(bound, what)?,
            };
            Ok(Expr::Is { expr: Box::new(bound), test, negated })
        };
        match expr {
            ast::Expr::Identifier(ident) => self.identifier(&fold(ident), ident.span, scope),
            ast::Expr::CompoundIdentifier(parts) => self.compound(parts, scope),
            ast::Expr::Nested(inner) => self.typed_expr(inner, scope, clause),
            ast::Expr::Value(value) => self.literal(&value.value),
            ast::Expr::TypedString(typed) => {
                let text = bind(&ast::Expr::Value(typed.value.clone()))?;
                Ok(resolver.written_cast(text, resolve::type_from_ast(&typed.data_type)?)?)
            }
            ast::Expr::Interval(interval) => self.interval(interval, scope, clause),
            ast::Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => self.chain(expr, scope, clause),
            ast::Expr::BinaryOp { left, op, right } => {
                if let Some(left) = row(left) {
                    if let Some(right) = row(right) {
                        return self.rows(&left, op, &right, scope, clause);
                    }
                    if let ast::Expr::Subquery(query) = &**right {
                        return self.row_of_query(&left, op, query, scope, clause);
                    }
                }
                let (left, right) = (bind(left)?, bind(right)?);
                self.operator(op, left, right)
            }
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr, scope, clause),
            ast::Expr::IsNull(e) | ast::Expr::IsNotNull(e) => {
                let negated = matches!(expr, ast::Expr::IsNotNull(_));
                match row(e) {
                    // A row is NULL if all its values are, and not NULL if none is.
                    Some(values) => {
                        let each = values.into_iter().map(|value| test(value, Truth::Null, negated, ""));
                        Ok(Expr::and(each.collect::<Result<Vec<_>>>()?))
                    }
                    None => test(e, Truth::Null, negated, ""),
                }
            }
            ast::Expr::IsTrue(e) => test(e, Truth::True, false, "IS TRUE"),
            ast::Expr::IsNotTrue(e) => test(e, Truth::True, true, "IS NOT TRUE"),
            ast::Expr::IsFalse(e) => test(e, Truth::False, false, "IS FALSE"),
            ast::Expr::IsNotFalse(e) => test(e, Truth::False, true, "IS NOT FALSE"),
            ast::Expr::IsUnknown(e) => test(e, Truth::Null, false, "IS UNKNOWN"),
            ast::Expr::IsNotUnknown(e) => test(e, Truth::Null, true, "IS NOT UNKNOWN"),
            ast::Expr::IsDistinctFrom(l, r) | ast::Expr::IsNotDistinctFrom(l, r) => {
                let same = matches!(expr, ast::Expr::IsNotDistinctFrom(..));
                let sign = if same { "IS NOT DISTINCT FROM" } else { "IS DISTINCT FROM" };
                let (Some(left), Some(right)) = (row(l), row(r)) else {
                    return resolver.binary(sign, bind(l)?, bind(r)?);
                };
                let pairs = self.pairs(&left, &right, scope, clause)?;
                let each = pairs.into_iter().map(|(l, r)| resolver.binary(sign, l, r));
                let mut each = each.collect::<std::result::Result<Vec<_>, _>>()?;
                Ok(match (each.len(), same) {
                    (1, _) => each.remove(0),
                    (_, true) => Expr::And(each),
                    (_, false) => Expr::Or(each),
                })
            }
            ast::Expr::Between { expr, negated, low, high } => {
                let (above, below) = if *negated { ("<", ">") } else { (">=", "<=") };
                let low = resolver.binary(above, bind(expr)?, bind(low)?)?;
                let high = resolver.binary(below, bind(expr)?, bind(high)?)?;
                for side in [&low, &high] {
                    resolve::check_one(side, if *negated { "OR" } else { "AND" })?;
                }
                Ok(if *negated { Expr::Or(vec![low, high]) } else { Expr::And(vec![low, high]) })
            }
            ast::Expr::InList { expr, list, negated } => self.in_list(expr, list, *negated, scope, clause),
            ast::Expr::InSubquery { expr, subquery, negated } => {
                self.in_subquery(expr, subquery, *negated, scope, clause)
            }
            ast::Expr::Exists { subquery, negated } => self.exists(subquery, *negated, scope, clause),
            ast::Expr::Subquery(query) => self.scalar_subquery(query, scope, clause),
            ast::Expr::AnyOp { left, compare_op, right, .. } => {
                self.quantified(left, compare_op, right, false, scope, clause)
            }
            ast::Expr::AllOp { left, compare_op, right } => {
                self.quantified(left, compare_op, right, true, scope, clause)
            }
            // One of several patterns.
            ast::Expr::Like { negated, any: true, expr, pattern, escape_char: None } => {
                let op = if *negated { BinaryOperator::PGNotLikeMatch } else { BinaryOperator::PGLikeMatch };
                self.quantified(expr, &op, pattern, false, scope, clause)
            }
            ast::Expr::ILike { negated, any: true, expr, pattern, escape_char: None } => {
                let op = if *negated { BinaryOperator::PGNotILikeMatch } else { BinaryOperator::PGILikeMatch };
                self.quantified(expr, &op, pattern, false, scope, clause)
            }
            ast::Expr::Like { negated, expr, pattern, .. } if let Some(patterns) = all_of(pattern) => {
                let op = if *negated { BinaryOperator::PGNotLikeMatch } else { BinaryOperator::PGLikeMatch };
                self.quantified(expr, &op, patterns, true, scope, clause)
            }
            ast::Expr::ILike { negated, expr, pattern, .. } if let Some(patterns) = all_of(pattern) => {
                let op = if *negated { BinaryOperator::PGNotILikeMatch } else { BinaryOperator::PGILikeMatch };
                self.quantified(expr, &op, patterns, true, scope, clause)
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let pattern = self.pattern(bind(pattern)?, escape_char.as_ref())?;
                Ok(resolver.like(bind(expr)?, pattern, *negated, false)?)
            }
            ast::Expr::ILike { negated, any: false, expr, pattern, escape_char } => {
                let pattern = self.pattern(bind(pattern)?, escape_char.as_ref())?;
                Ok(resolver.like(bind(expr)?, pattern, *negated, true)?)
            }
            ast::Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, format: None, .. } => {
                self.written_cast(expr, data_type, scope, clause)
            }
            ast::Expr::Collate { expr, collation } => {
                check_collation(collation)?;
                bind(expr)
            }
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope, clause)
            }
            // Under a cast it is read with the cast.
            ast::Expr::Array(array) if array.elem.is_empty() => {
                Err(SqlError::new(SqlState::IndeterminateDatatype, "cannot determine type of empty array")
                    .with_hint("Explicitly cast to the desired type, for example ARRAY[]::integer[].")
                    .or_at(expr.span()))
            }
            ast::Expr::Array(array) => {
                let elements = self.all(&array.elem, scope, clause)?;
                Ok(resolver.array(elements)?)
            }
            ast::Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain, scope, clause),
            other => self.special(other, scope, clause),
        }
    }

    fn identifier(&self, name: &str, span: Span, scope: &Scope<'_>) -> Result<Expr> {
        let column = scope.column(name)?;
        self.spans.borrow_mut().insert(column.id, span);
        Ok(Expr::Column(column))
    }

    pub(super) fn compound(&self, parts: &[ast::Ident], scope: &Scope<'_>) -> Result<Expr> {
        let names: Vec<String> = parts.iter().map(fold).collect();
        let (table, column) = match names.as_slice() {
            [table, column] => (table, column),
            [schema, table, column] | [_, schema, table, column]
                if matches!(schema.as_str(), "public" | "pg_catalog" | "information_schema") =>
            {
                (table, column)
            }
            [_, table, _] | [_, _, table, _] => return Err(scope.missing_table(table)),
            _ => return Err(SqlError::new(SqlState::SyntaxError, "improper qualified name")),
        };
        if column == "tableoid"
            && let Some(oid) = self.table_oid(table, scope)
        {
            return oid;
        }
        let column = scope.column_of(table, column)?;
        if let Some(first) = parts.first() {
            self.spans.borrow_mut().insert(column.id, first.span);
        }
        Ok(Expr::Column(column))
    }

    fn literal(&self, value: &Value) -> Result<Expr> {
        let text = |text: &str| Expr::constant(ScalarValue::Utf8(Some(text.to_owned())), Type::Unknown);
        Ok(match value {
            Value::Number(digits, _) => resolve::number(digits)?,
            Value::SingleQuotedString(t) | Value::EscapedStringLiteral(t) | Value::UnicodeStringLiteral(t) => text(t),
            Value::NationalStringLiteral(t) => text(t),
            Value::DollarQuotedString(t) => text(&t.value),
            Value::Boolean(v) => Expr::boolean(*v),
            Value::Null => Expr::constant(ScalarValue::Utf8(None), Type::Unknown),
            Value::Placeholder(id) => {
                let number = id.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
                match number {
                    Some(number) if (1..=MAX_PARAMETERS).contains(&number) => self.resolver.parameter(number - 1),
                    _ => {
                        let error = SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter {id}"));
                        return Err(error.with_hint("Parameters are $1, $2, ..."));
                    }
                }
            }
            other => {
                let message = format!("this kind of literal is not supported: {other}");
                return Err(SqlError::unsupported(message, "Write it in single quotes, with a cast."));
            }
        })
    }

    /// `interval '1 day'`, `interval '1' day`.
    fn interval(&self, interval: &ast::Interval, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        if interval.leading_precision.is_some() || interval.fractional_seconds_precision.is_some() {
            let what = "intervals with a precision are not supported";
            return Err(SqlError::unsupported(what, "Leave the precision out."));
        }
        let mut value = self.expr(&interval.value, scope, clause)?;
        if interval.last_field.is_some() {
            let what = "intervals with a range of fields are not supported";
            return Err(SqlError::unsupported(what, "Write the units into the text: '1 day 2 hours'."));
        }
        if let (Some(field), Expr::Constant { value: ScalarValue::Utf8(Some(text)), ty: Type::Unknown }) =
            (&interval.leading_field, &value)
        {
            let text = format!("{text} {field}");
            value = Expr::constant(ScalarValue::Utf8(Some(text)), Type::Unknown);
        }
        self.resolver.cast(value, Type::INTERVAL)
    }

    /// AND and OR come as left-deep trees, as deep as the text is long: they become flat lists.
    fn chain(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let ast::Expr::BinaryOp { op, .. } = expr else { return self.expr(expr, scope, clause) };
        let mut operands = Vec::new();
        let mut open = vec![expr];
        while let Some(next) = open.pop() {
            match next {
                ast::Expr::BinaryOp { left, op: inner, right } if inner == op => open.extend([&**right, &**left]),
                other => operands.push(other),
            }
        }
        let word = if *op == BinaryOperator::And { "AND" } else { "OR" };
        let mut bound = Vec::with_capacity(operands.len());
        for operand in operands {
            let condition = self.expr(operand, scope, clause)?;
            bound.push(self.resolver.boolean(condition, word).map_err(|error| error.or_at(operand.span()))?);
        }
        Ok(if *op == BinaryOperator::And { Expr::And(bound) } else { Expr::Or(bound) })
    }

    /// A binary operator by its sign.
    pub(super) fn operator(&self, op: &BinaryOperator, left: Expr, right: Expr) -> Result<Expr> {
        let sign = match op {
            BinaryOperator::Plus => "+",
            BinaryOperator::Minus => "-",
            BinaryOperator::Multiply => "*",
            BinaryOperator::Divide => "/",
            BinaryOperator::Modulo => "%",
            BinaryOperator::PGExp => "^",
            BinaryOperator::StringConcat => "||",
            BinaryOperator::Eq => "=",
            BinaryOperator::NotEq => "<>",
            BinaryOperator::Lt => "<",
            BinaryOperator::LtEq => "<=",
            BinaryOperator::Gt => ">",
            BinaryOperator::GtEq => ">=",
            BinaryOperator::PGRegexMatch => "~",
            BinaryOperator::PGRegexIMatch => "~*",
            BinaryOperator::PGRegexNotMatch => "!~",
            BinaryOperator::PGRegexNotIMatch => "!~*",
            BinaryOperator::AtArrow => "@>",
            BinaryOperator::ArrowAt => "<@",
            BinaryOperator::PGOverlap => "&&",
            BinaryOperator::PGStartsWith => "^@",
            BinaryOperator::BitwiseAnd => "&",
            BinaryOperator::BitwiseOr => "|",
            BinaryOperator::PGBitwiseXor => "#",
            BinaryOperator::PGBitwiseShiftLeft => "<<",
            BinaryOperator::PGBitwiseShiftRight => ">>",
            BinaryOperator::PGLikeMatch => "~~",
            BinaryOperator::PGNotLikeMatch => "!~~",
            BinaryOperator::PGILikeMatch => "~~*",
            BinaryOperator::PGNotILikeMatch => "!~~*",
            // OPERATOR(pg_catalog.=), and signs that are none.
            BinaryOperator::PGCustomBinaryOperator(parts) => match parts.as_slice() {
                [sign] => sign,
                [schema, sign] if schema.eq_ignore_ascii_case("pg_catalog") => sign,
                _ => return Err(no_operator(op, &left, &right)),
            },
            _ => return Err(no_operator(op, &left, &right)),
        };
        let like =
            |negated, case_insensitive| self.resolver.like(left.clone(), right.clone(), negated, case_insensitive);
        match sign {
            "~~" => like(false, false),
            "!~~" => like(true, false),
            "~~*" => like(false, true),
            "!~~*" => like(true, true),
            "@>" => Ok(self.resolver.containment(sign, "array_holds", left, right, false)?),
            "<@" => Ok(self.resolver.containment(sign, "array_holds", left, right, true)?),
            "&&" => Ok(self.resolver.containment(sign, "array_meets", left, right, false)?),
            "^@" => Ok(self.resolver.function("starts_with", vec![left, right])?),
            _ => Ok(self.resolver.binary(sign, left, right)?),
        }
    }

    fn unary(&self, op: UnaryOperator, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        match (op, expr) {
            (UnaryOperator::Not, _) => {
                let bound = self.expr(expr, scope, clause)?;
                Ok(Expr::Not(Box::new(self.resolver.boolean(bound, "NOT")?)))
            }
            // The smallest integers have no positive one.
            (UnaryOperator::Minus, ast::Expr::Value(value)) if matches!(value.value, Value::Number(..)) => {
                match &value.value {
                    Value::Number(digits, _) => Ok(resolve::number(&format!("-{digits}"))?),
                    _ => Err(SqlError::internal("a number that is none")),
                }
            }
            (UnaryOperator::Minus, _) => Ok(self.resolver.unary("-", self.expr(expr, scope, clause)?)?),
            (UnaryOperator::Plus, _) => Ok(self.resolver.unary("+", self.expr(expr, scope, clause)?)?),
            (UnaryOperator::BitwiseNot, _) => Ok(self.resolver.unary("~", self.expr(expr, scope, clause)?)?),
            (UnaryOperator::PGAbs, _) => Ok(self.resolver.function("abs", vec![self.expr(expr, scope, clause)?])?),
            (UnaryOperator::PGSquareRoot, _) => Ok(self.resolver.unary("|/", self.expr(expr, scope, clause)?)?),
            (UnaryOperator::PGCubeRoot, _) => Ok(self.resolver.unary("||/", self.expr(expr, scope, clause)?)?),
            (op, _) => {
                let operand = self.expr(expr, scope, clause)?;
                let message = format!("operator does not exist: {op} {}", operand.ty());
                let hint = "No operator matches the given name and argument type. You might need to add an explicit type cast.";
                Err(SqlError::new(SqlState::UndefinedFunction, message).with_hint(hint))
            }
        }
    }

    fn in_list(
        &self,
        expr: &ast::Expr,
        list: &[ast::Expr],
        negated: bool,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        if let Some(left) = row(expr) {
            let mut any = Vec::with_capacity(list.len());
            for item in list {
                let Some(right) = row(item) else {
                    let message = "unequal number of entries in row expressions";
                    return Err(SqlError::new(SqlState::SyntaxError, message).or_at(item.span()));
                };
                any.push(self.rows(&left, &BinaryOperator::Eq, &right, scope, clause)?);
            }
            let any = if any.len() == 1 { any.remove(0) } else { Expr::Or(any) };
            return Ok(if negated { Expr::Not(Box::new(any)) } else { any });
        }
        let value = self.expr(expr, scope, clause)?;
        let items = self.all(list, scope, clause)?;
        self.resolver.in_list(value, items, negated)
    }

    fn case(
        &self,
        operand: Option<&ast::Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&ast::Expr>,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let written = operand;
        let operand = operand.map(|operand| self.expr(operand, scope, clause)).transpose()?;
        check_operands(operand.iter().zip(written), "CASE")?;
        let operand = operand.map(|operand| self.settle(operand)).transpose()?;
        let mut whens = Vec::with_capacity(conditions.len());
        let mut thens = Vec::with_capacity(conditions.len() + 1);
        for condition in conditions {
            whens.push(self.expr(&condition.condition, scope, clause)?);
            thens.push(self.expr(&condition.result, scope, clause)?);
        }
        check_operands(whens.iter().zip(conditions.iter().map(|condition| &condition.condition)), "CASE")?;
        check_operands(thens.iter().zip(conditions.iter().map(|condition| &condition.result)), "CASE")?;
        // As in Postgres, the type of ELSE is tried first.
        if let Some(otherwise) = otherwise {
            let bound = self.expr(otherwise, scope, clause)?;
            check_operands([(&bound, otherwise)], "CASE")?;
            thens.insert(0, bound);
        }
        let (mut thens, ty) = self.resolver.to_common(thens, "CASE")?;
        let otherwise = if otherwise.is_some() { Some(Box::new(thens.remove(0))) } else { None };
        let (operand, whens) = self.whens(operand, whens, conditions)?;
        let branches = whens.into_iter().zip(thens).collect();
        Ok(Expr::Case { operand, branches, otherwise, ty })
    }

    /// The conditions of CASE. An operand that costs nothing to compute again is compared with each value; another is computed
    /// once, and compared by CASE itself.
    fn whens(
        &self,
        operand: Option<Expr>,
        whens: Vec<Expr>,
        conditions: &[ast::CaseWhen],
    ) -> Result<(Option<Box<Expr>>, Vec<Expr>)> {
        let Some(operand) = operand else {
            let mut checked = Vec::with_capacity(whens.len());
            for (when, condition) in whens.into_iter().zip(conditions) {
                let when = self.resolver.boolean(when, "CASE/WHEN");
                checked.push(when.map_err(|error| error.or_at(condition.condition.span()))?);
            }
            return Ok((None, checked));
        };
        if matches!(operand, Expr::Column(_) | Expr::Constant { .. } | Expr::Parameter { .. }) {
            let compared = whens.into_iter().map(|when| self.resolver.binary("=", operand.clone(), when));
            return Ok((None, compared.collect::<std::result::Result<_, _>>()?));
        }
        let mut all = vec![operand];
        all.extend(whens);
        let (mut all, _) = self.resolver.to_common(all, "CASE/WHEN")?;
        let operand = all.remove(0);
        Ok((Some(Box::new(operand)), all))
    }
}

/// The error for an operator that there is not.
fn no_operator(op: &BinaryOperator, left: &Expr, right: &Expr) -> SqlError {
    let sign = match op {
        BinaryOperator::PGCustomBinaryOperator(parts) => parts.join("."),
        other => other.to_string(),
    };
    let message = format!("operator does not exist: {} {sign} {}", left.ty(), right.ty());
    let hint = "No operator matches the given name and argument types. You might need to add explicit type casts.";
    SqlError::new(SqlState::UndefinedFunction, message).with_hint(hint)
}

/// The comparison that a sign means.
pub(super) fn comparison(op: &BinaryOperator) -> Option<CompareOp> {
    Some(match op {
        BinaryOperator::Eq => CompareOp::Eq,
        BinaryOperator::NotEq => CompareOp::NotEq,
        BinaryOperator::Lt => CompareOp::Lt,
        BinaryOperator::LtEq => CompareOp::LtEq,
        BinaryOperator::Gt => CompareOp::Gt,
        BinaryOperator::GtEq => CompareOp::GtEq,
        _ => return None,
    })
}
