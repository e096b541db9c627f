//! What relations mean: an evaluator of the algebra by its definitions, for tests of rewrites.
//!
//! It knows nothing but nested loops and whole numbers (a boolean is 0 or 1), so it is slow and plain enough to be believed. A
//! rewrite is right if it gives the same bag of rows as the tree it came from: see [`same`]. Subqueries and LATERAL joins are
//! evaluated for each row that surrounds them, as SQL defines them.

use attune_sql::algebra::{
    AggregateCall, Callee, Column, ColumnId, CompareOp, Expr, Join, JoinKind, Rel, SetOperator, SortKey, Subquery,
    SubqueryKind, Truth, WindowCall, WindowFunction, explain,
};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A value; `None` is NULL.
pub(crate) type Value = Option<i64>;

/// A row: values by column.
pub(crate) type Row = BTreeMap<ColumnId, Value>;

/// Rows of tables by the name of the scan, values in the order of the source's schema.
pub(crate) type Tables = BTreeMap<String, Vec<Vec<Value>>>;

/// An SQLSTATE, or what the evaluator does not know.
pub(crate) type Evaluated<T> = Result<T, String>;

/// The rows of these columns, in order of the relation.
pub(crate) fn rows(rel: &Rel, columns: &[Column], tables: &Tables) -> Evaluated<Vec<Vec<Value>>> {
    let found = relation(rel, &Row::new(), tables)?;
    found.iter().map(|row| columns.iter().map(|column| get(row, column)).collect()).collect()
}

/// The rows as a bag: sorted.
pub(crate) fn bag(rel: &Rel, columns: &[Column], tables: &Tables) -> Evaluated<Vec<Vec<Value>>> {
    let mut found = rows(rel, columns, tables)?;
    found.sort();
    Ok(found)
}

/// Fails unless both relations give the same bag of rows of the columns. Where the first one fails, the second may do anything.
pub(crate) fn same(before: &Rel, after: &Rel, columns: &[Column], tables: &Tables) {
    let Ok(expected) = bag(before, columns, tables) else { return };
    let found = bag(after, columns, tables);
    assert_eq!(found, Ok(expected), "\nbefore:\n{}\nafter:\n{}\nover {tables:?}", explain(before), explain(after));
}

fn get(row: &Row, column: &Column) -> Evaluated<Value> {
    row.get(&column.id).copied().ok_or_else(|| format!("nothing gives {column}"))
}

fn with(outer: &Row, row: &Row) -> Row {
    outer.iter().chain(row).map(|(id, value)| (*id, *value)).collect()
}

fn relation(rel: &Rel, outer: &Row, tables: &Tables) -> Evaluated<Vec<Row>> {
    let scope = Scope { outer, tables };
    match rel {
        Rel::Unit => Ok(vec![Row::new()]),
        Rel::Scan(scan) => {
            let rows = tables.get(&scan.name).ok_or_else(|| format!("no table {}", scan.name))?;
            Ok(rows.iter().map(|row| scan.columns.iter().map(|(c, place)| (c.id, row[*place])).collect()).collect())
        }
        Rel::Values { columns, rows } => {
            let row = |row: &Vec<Expr>| -> Evaluated<Row> {
                columns.iter().zip(row).map(|(c, e)| Ok((c.id, scope.expr(e, &Row::new())?))).collect()
            };
            rows.iter().map(row).collect()
        }
        Rel::Filter { input, predicate } => {
            let mut kept = Vec::new();
            for row in relation(input, outer, tables)? {
                if scope.is_true(predicate, &row)? {
                    kept.push(row);
                }
            }
            Ok(kept)
        }
        Rel::Project { input, exprs } => {
            let row =
                |row: &Row| -> Evaluated<Row> { exprs.iter().map(|(c, e)| Ok((c.id, scope.expr(e, row)?))).collect() };
            relation(input, outer, tables)?.iter().map(row).collect()
        }
        Rel::Join(join) => scope.join(join),
        Rel::Unnest { .. } => Err("arrays are not known here".to_owned()),
        Rel::Aggregate { input, group, aggregates } => {
            scope.aggregate(&relation(input, outer, tables)?, group, aggregates)
        }
        Rel::Window { input, calls } => {
            let mut rows = relation(input, outer, tables)?;
            for (column, call) in calls {
                scope.window(&mut rows, column, call)?;
            }
            Ok(rows)
        }
        Rel::Distinct { input } => {
            let mut kept: Vec<Row> = Vec::new();
            for row in relation(input, outer, tables)? {
                if !kept.contains(&row) {
                    kept.push(row);
                }
            }
            Ok(kept)
        }
        Rel::DistinctOn { input, on, order } => {
            let rows = scope.sorted(relation(input, outer, tables)?, order)?;
            let mut first: BTreeMap<Vec<Value>, Row> = BTreeMap::new();
            for row in rows {
                first.entry(scope.exprs(on, &row)?).or_insert(row);
            }
            Ok(first.into_values().collect())
        }
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            scope.set_operation(*op, *all, inputs, inputs_columns, columns)
        }
        Rel::Sort { input, by } => scope.sorted(relation(input, outer, tables)?, by),
        Rel::Limit { input, skip, fetch } => {
            let count = |expr: &Option<Expr>| match expr {
                Some(expr) => scope.expr(expr, &Row::new()),
                None => Ok(None),
            };
            let skip = usize::try_from(count(skip)?.unwrap_or(0)).unwrap_or(0);
            let fetch = count(fetch)?.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
            Ok(relation(input, outer, tables)?.into_iter().skip(skip).take(fetch).collect())
        }
    }
}

/// Where expressions are evaluated: the surrounding row.
#[derive(Clone, Copy)]
struct Scope<'a> {
    outer: &'a Row,
    tables: &'a Tables,
}

impl Scope<'_> {
    fn join(self, join: &Join) -> Evaluated<Vec<Row>> {
        let nulls = |rel: &Rel| -> Row { rel.columns().iter().map(|c| (c.id, None)).collect() };
        let mut out = Vec::new();
        let mut paired: Vec<bool> = Vec::new();
        let mut last = Vec::new();
        for left in relation(&join.left, self.outer, self.tables)? {
            let inner = with(self.outer, &left);
            last = relation(&join.right, &inner, self.tables)?;
            paired.resize(last.len(), false);
            let mut pairs = Vec::new();
            for (place, right) in last.iter().enumerate() {
                let pair = with(&left, right);
                if self.is_true(&join.on, &pair)? {
                    pairs.push(pair);
                    paired[place] = true;
                }
            }
            match join.kind {
                JoinKind::Semi if !pairs.is_empty() => out.push(left),
                JoinKind::Anti if pairs.is_empty() => out.push(left),
                JoinKind::Semi | JoinKind::Anti => {}
                JoinKind::Single if pairs.len() > 1 => return Err("21000".to_owned()),
                JoinKind::Left | JoinKind::Single | JoinKind::Full if pairs.is_empty() => {
                    out.push(with(&left, &nulls(&join.right)));
                }
                _ => out.extend(pairs),
            }
        }
        if join.kind == JoinKind::Full {
            if last.is_empty() {
                last = relation(&join.right, self.outer, self.tables)?;
            }
            paired.resize(last.len(), false);
            let lonely = last.iter().zip(paired).filter(|(_, paired)| !paired);
            out.extend(lonely.map(|(right, _)| with(&nulls(&join.left), right)));
        }
        Ok(out)
    }

    fn aggregate(
        self,
        rows: &[Row],
        group: &[(Column, Expr)],
        aggregates: &[(Column, AggregateCall)],
    ) -> Evaluated<Vec<Row>> {
        let mut groups: BTreeMap<Vec<Value>, Vec<Row>> = BTreeMap::new();
        if group.is_empty() {
            groups.insert(Vec::new(), Vec::new());
        }
        for row in rows {
            let key: Evaluated<Vec<Value>> = group.iter().map(|(_, e)| self.expr(e, row)).collect();
            groups.entry(key?).or_default().push(row.clone());
        }
        let mut out = Vec::new();
        for (key, rows) in groups {
            let mut row: Row = group.iter().zip(key).map(|((c, _), value)| (c.id, value)).collect();
            for (column, call) in aggregates {
                let name = call.function.name();
                let value = self.fold(name, &call.args, call.distinct, call.filter.as_ref(), &rows)?;
                row.insert(column.id, value);
            }
            out.push(row);
        }
        Ok(out)
    }

    /// An aggregate over rows.
    fn fold(self, name: &str, args: &[Expr], distinct: bool, filter: Option<&Expr>, rows: &[Row]) -> Evaluated<Value> {
        let mut values = Vec::new();
        for row in rows {
            if filter.map_or(Ok(true), |filter| self.is_true(filter, row))? {
                // `count(*)` counts rows.
                values.push(args.first().map_or(Ok(Some(1)), |arg| self.expr(arg, row))?);
            }
        }
        if distinct {
            values.sort_unstable();
            values.dedup();
        }
        let some = values.iter().flatten();
        Ok(match name {
            "single_value" if values.len() > 1 => return Err("21000".to_owned()),
            "single_value" => values.first().copied().flatten(),
            "count" => i64::try_from(some.count()).ok(),
            "max" => some.max().copied(),
            "min" => some.min().copied(),
            "sum" => some.copied().reduce(i64::wrapping_add),
            other => return Err(format!("no aggregate {other} here")),
        })
    }

    fn window(self, rows: &mut [Row], column: &Column, call: &WindowCall) -> Evaluated<()> {
        let mut keyed = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            keyed.push((self.exprs(&call.partition, row)?, place));
        }
        let mut partitions: BTreeMap<Vec<Value>, Vec<usize>> = BTreeMap::new();
        for (key, place) in keyed {
            partitions.entry(key).or_default().push(place);
        }
        for places in partitions.into_values() {
            let mut sorted = Vec::new();
            for place in places {
                sorted.push((self.key(&call.order, &rows[place])?, place));
            }
            sorted.sort_by(|(a, _), (b, _)| compare_keys(&call.order, a, b));
            let members: Vec<Row> = sorted.iter().map(|(_, place)| rows[*place].clone()).collect();
            for (number, (_, place)) in sorted.into_iter().enumerate() {
                let value = match &call.function {
                    WindowFunction::Window(function) if function.name() == "row_number" => {
                        i64::try_from(number + 1).ok()
                    }
                    WindowFunction::Aggregate(function) if call.order.is_empty() => {
                        self.fold(function.name(), &call.args, call.distinct, call.filter.as_ref(), &members)?
                    }
                    _ => return Err("no such window function here".to_owned()),
                };
                rows[place].insert(column.id, value);
            }
        }
        Ok(())
    }

    fn set_operation(
        self,
        op: SetOperator,
        all: bool,
        inputs: &[Rel],
        inputs_columns: &[Vec<Column>],
        columns: &[Column],
    ) -> Evaluated<Vec<Row>> {
        let mut bags = Vec::new();
        for (input, columns) in inputs.iter().zip(inputs_columns) {
            let mut bag = Vec::new();
            for row in relation(input, self.outer, self.tables)? {
                // A column may be one of the surrounding row.
                let row = with(self.outer, &row);
                bag.push(columns.iter().map(|c| get(&row, c)).collect::<Evaluated<Vec<Value>>>()?);
            }
            bags.push(bag);
        }
        let mut found = match op {
            SetOperator::Union => bags.concat(),
            SetOperator::Except | SetOperator::Intersect => {
                let (first, mut second) = (bags[0].clone(), bags[1].clone());
                let mut in_second = |row: &Vec<Value>| {
                    let place = second.iter().position(|other| other == row);
                    if let (Some(place), true) = (place, all) {
                        second.remove(place);
                    }
                    place.is_some() == (op == SetOperator::Intersect)
                };
                first.into_iter().filter(|row| in_second(row)).collect()
            }
        };
        if !all {
            found.sort();
            found.dedup();
        }
        Ok(found.into_iter().map(|row| columns.iter().map(|c| c.id).zip(row).collect()).collect())
    }

    fn sorted(self, rows: Vec<Row>, by: &[SortKey]) -> Evaluated<Vec<Row>> {
        let mut keyed = Vec::new();
        for row in rows {
            keyed.push((self.key(by, &row)?, row));
        }
        keyed.sort_by(|(a, _), (b, _)| compare_keys(by, a, b));
        Ok(keyed.into_iter().map(|(_, row)| row).collect())
    }

    fn key(self, by: &[SortKey], row: &Row) -> Evaluated<Vec<Value>> {
        by.iter().map(|key| self.expr(&key.expr, row)).collect()
    }

    fn exprs(self, exprs: &[Expr], row: &Row) -> Evaluated<Vec<Value>> {
        exprs.iter().map(|expr| self.expr(expr, row)).collect()
    }

    fn is_true(self, expr: &Expr, row: &Row) -> Evaluated<bool> {
        Ok(self.expr(expr, row)? == Some(1))
    }

    fn expr(self, expr: &Expr, row: &Row) -> Evaluated<Value> {
        let truth = |b: bool| Some(i64::from(b));
        Ok(match expr {
            Expr::Column(column) => match row.get(&column.id).or_else(|| self.outer.get(&column.id)) {
                Some(value) => *value,
                None => return Err(format!("nothing gives {column}")),
            },
            Expr::Constant { value, .. } => constant(value)?,
            Expr::Parameter { .. } => return Err("parameters are not known here".to_owned()),
            Expr::Call { callee: Callee::Operator(op), args, .. } => self.arithmetic(*op, args, row)?,
            Expr::Call { callee: Callee::Negate, args, .. } => self.expr(&args[0], row)?.map(i64::wrapping_neg),
            Expr::Call { .. } => return Err("functions are not known here".to_owned()),
            Expr::Compare { op, left, right } => compare(*op, self.expr(left, row)?, self.expr(right, row)?),
            Expr::And(all) => self.connect(all, row, 0)?,
            Expr::Or(any) => self.connect(any, row, 1)?,
            Expr::Not(expr) => self.expr(expr, row)?.map(|v| 1 - v),
            Expr::Is { expr, test, negated } => {
                let value = self.expr(expr, row)?;
                let wanted = match test {
                    Truth::Null => None,
                    Truth::True => Some(1),
                    Truth::False => Some(0),
                };
                truth((value == wanted) != *negated)
            }
            Expr::Case { operand, branches, otherwise, .. } => {
                let operand = operand.as_ref().map(|o| self.expr(o, row)).transpose()?;
                for (when, then) in branches {
                    let when = self.expr(when, row)?;
                    let found = operand.map_or(when, |operand| compare(CompareOp::Eq, operand, when));
                    if found == Some(1) {
                        return self.expr(then, row);
                    }
                }
                otherwise.as_ref().map_or(Ok(None), |otherwise| self.expr(otherwise, row))?
            }
            Expr::Cast { expr, .. } => self.expr(expr, row)?,
            Expr::InList { expr, list, negated } => {
                let value = self.expr(expr, row)?;
                let list = self.exprs(list, row)?;
                let found = any(list.into_iter().map(|other| compare(CompareOp::Eq, value, other)));
                if *negated { found.map(|v| 1 - v) } else { found }
            }
            Expr::Like { .. } => return Err("LIKE is not known here".to_owned()),
            Expr::Subquery(subquery) => self.subquery(subquery, row)?,
            Expr::Aggregate(_) | Expr::Window(_) => return Err("a call that was not bound".to_owned()),
        })
    }

    /// AND (0 decides) or OR (1 decides), from left to right.
    fn connect(self, list: &[Expr], row: &Row, decides: i64) -> Evaluated<Value> {
        let mut result = Some(1 - decides);
        for expr in list {
            match self.expr(expr, row)? {
                Some(value) if value == decides => return Ok(Some(decides)),
                Some(_) => {}
                None => result = None,
            }
        }
        Ok(result)
    }

    fn arithmetic(self, op: Operator, args: &[Expr], row: &Row) -> Evaluated<Value> {
        let (Some(a), Some(b)) = (self.expr(&args[0], row)?, self.expr(&args[1], row)?) else { return Ok(None) };
        Ok(Some(match op {
            Operator::Plus => a.wrapping_add(b),
            Operator::Minus => a.wrapping_sub(b),
            Operator::Multiply => a.wrapping_mul(b),
            Operator::Divide if b == 0 => return Err("22012".to_owned()),
            Operator::Divide => a.wrapping_div(b),
            other => return Err(format!("no operator {other} here")),
        }))
    }

    fn subquery(self, subquery: &Subquery, row: &Row) -> Evaluated<Value> {
        let inner = with(self.outer, row);
        let found = relation(&subquery.rel, &inner, self.tables)?;
        let value = |row: &Row, column: &Column| get(&with(&inner, row), column);
        match &subquery.kind {
            SubqueryKind::Scalar(_) if found.len() > 1 => Err("21000".to_owned()),
            SubqueryKind::Scalar(column) => found.first().map_or(Ok(None), |row| value(row, column)),
            SubqueryKind::Exists => Ok(Some(i64::from(!found.is_empty()))),
            SubqueryKind::Array(_) => Err("arrays are not known here".to_owned()),
            SubqueryKind::Quantified { left, op, all, columns } => {
                let left = self.exprs(left, row)?;
                // ALL is NOT ANY of the opposite.
                let op = if *all { op.negated() } else { *op };
                let mut found_any = Vec::new();
                for row in &found {
                    let right: Evaluated<Vec<Value>> = columns.iter().map(|c| value(row, c)).collect();
                    let pairs = left.iter().zip(right?);
                    found_any.push(match op {
                        CompareOp::NotEq => any(pairs.map(|(l, r)| compare(op, *l, r))),
                        _ => any(pairs.map(|(l, r)| compare(op, *l, r).map(|v| 1 - v))).map(|v| 1 - v),
                    });
                }
                let found = any(found_any.into_iter());
                Ok(if *all { found.map(|v| 1 - v) } else { found })
            }
        }
    }
}

/// OR.
fn any(mut values: impl Iterator<Item = Value>) -> Value {
    let mut result = Some(0);
    loop {
        match values.next() {
            Some(Some(1)) => return Some(1),
            Some(Some(_)) => {}
            Some(None) => result = None,
            None => return result,
        }
    }
}

fn constant(value: &ScalarValue) -> Evaluated<Value> {
    Ok(match value {
        value if value.is_null() => None,
        ScalarValue::Boolean(Some(value)) => Some(i64::from(*value)),
        ScalarValue::Int64(value) => *value,
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int16(value) => value.map(i64::from),
        other => return Err(format!("no constant {other} here")),
    })
}

fn compare(op: CompareOp, a: Value, b: Value) -> Value {
    let result = match op {
        CompareOp::Distinct => a != b,
        CompareOp::NotDistinct => a == b,
        _ => {
            let (a, b) = (a?, b?);
            match op {
                CompareOp::Eq => a == b,
                CompareOp::NotEq => a != b,
                CompareOp::Lt => a < b,
                CompareOp::LtEq => a <= b,
                CompareOp::Gt => a > b,
                _ => a >= b,
            }
        }
    };
    Some(i64::from(result))
}

fn compare_keys(by: &[SortKey], a: &[Value], b: &[Value]) -> Ordering {
    for ((key, a), b) in by.iter().zip(a).zip(b) {
        let order = match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if key.nulls_first => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) if key.nulls_first => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if key.descending => b.cmp(a),
            (Some(a), Some(b)) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
