//! GROUP BY and HAVING: aggregates become columns of one aggregation, and what is left must be grouped by.
//!
//! Several sets of keys are a UNION ALL of one aggregation each over copies of the same rows, with NULL for the keys that a set
//! leaves out. Only whole keys become NULL: `a + 1` is computed from what `a` is above the aggregation.

use super::grouping::{Groups, grouping_args};
use super::scope::{Namespace, Table};
use super::{Bind, MAX_NODES, Result, too_complex};
use crate::algebra::{AggregateCall, Callee, Column, ColumnId, Expr, Rel, SetOperator, Type, refresh};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Volatility;
use std::collections::{BTreeMap, BTreeSet};

/// A key of GROUP BY.
struct Key {
    /// As the query has it.
    written: Expr,
    /// As it is computed: functions that give rows are columns by now.
    computed: Expr,
    /// What one aggregation gives.
    column: Column,
    /// What is read above all of them.
    shown: Column,
}

/// What a grouped SELECT computes its expressions from.
pub(super) struct Grouping {
    keys: Vec<Key>,
    sets: Vec<Vec<usize>>,
    /// What one aggregation gives, what is read above, and the call.
    aggregates: Vec<(Column, Column, AggregateCall)>,
    /// `grouping()` of these keys, where sets differ.
    groupings: Vec<(Column, Vec<usize>)>,
}

impl Bind<'_> {
    /// The relation grouped by `groups`, with all aggregates of `exprs`; these read its columns afterwards.
    pub(super) fn grouped(
        &self,
        rel: Rel,
        groups: Groups,
        exprs: &mut [&mut Expr],
        namespace: &Namespace,
    ) -> Result<Rel> {
        let given = rel.ids();
        let mut computed = groups.keys.clone();
        let rel = self.expanded(rel, &mut computed.iter_mut().collect::<Vec<_>>())?;
        let aggregates = self.lifted(namespace, groups.sets.len());
        let mut grouping = Grouping { keys: Vec::new(), sets: groups.sets, aggregates, groupings: Vec::new() };
        for (written, computed) in groups.keys.into_iter().zip(computed) {
            let column = self.column_of("group", &computed);
            self.add_key(&mut grouping, Key { written, computed, shown: column.clone(), column });
        }
        self.add_dependent(&mut grouping, namespace);
        let shown: BTreeMap<ColumnId, Expr> = grouping.renamed();
        for expr in exprs {
            let old = std::mem::replace(*expr, Expr::boolean(true));
            // What is left are columns in subqueries.
            **expr = self.over_groups(old, &mut grouping)?.substitute(&shown);
            self.check_grouped(expr, &grouping, &given, namespace)?;
        }
        self.aggregation(rel, &grouping)
    }

    /// The aggregates that subqueries of the SELECT have asked for. What the subqueries read is what is read above.
    fn lifted(&self, namespace: &Namespace, sets: usize) -> Vec<(Column, Column, AggregateCall)> {
        let lifted = namespace.lifted.take().into_iter();
        let with_own = lifted.map(|(shown, call)| {
            let column =
                if sets == 1 { shown.clone() } else { self.column(call.function.name(), call.ty, call.nullable) };
            (column, shown, call)
        });
        with_own.collect()
    }

    /// Adds a key. Where sets differ, what is read above them is a column of its own.
    fn add_key(&self, grouping: &mut Grouping, mut key: Key) {
        if grouping.sets.len() > 1 {
            let number = grouping.keys.len();
            let nullable = key.column.nullable || !grouping.sets.iter().all(|set| set.contains(&number));
            key.shown = self.column(key.column.name.clone(), key.column.ty, nullable);
        }
        grouping.keys.push(key);
    }

    /// Columns of a table whose whole primary key every set has may be read as well.
    fn add_dependent(&self, grouping: &mut Grouping, namespace: &Namespace) {
        let common =
            grouping.keys.iter().enumerate().filter(|(key, _)| grouping.sets.iter().all(|set| set.contains(key)));
        let by: BTreeSet<ColumnId> =
            common.filter_map(|(_, key)| key.written.as_column()).map(|column| column.id).collect();
        let known = |table: &&Table| !table.key.is_empty() && table.key.iter().all(|id| by.contains(id));
        for table in namespace.tables.iter().filter(known) {
            for (_, column) in &table.columns {
                let expr = Expr::Column(column.clone());
                // One that is a key itself is NULL where it is left out.
                if grouping.keys.iter().any(|key| key.written == expr) {
                    continue;
                }
                let number = grouping.keys.len();
                grouping.sets.iter_mut().for_each(|set| set.push(number));
                let (written, computed) = (expr.clone(), expr);
                self.add_key(grouping, Key { written, computed, column: column.clone(), shown: column.clone() });
            }
        }
    }

    /// The expression with what is grouped by, and aggregates, as columns.
    fn over_groups(&self, mut expr: Expr, grouping: &mut Grouping) -> Result<Expr> {
        if let Some(key) = grouping.keys.iter().find(|key| key.written.is_same(&expr)) {
            return Ok(Expr::Column(key.shown.clone()));
        }
        if let Some(args) = grouping_args(&expr) {
            return self.grouping_column(args, grouping);
        }
        if let Expr::Aggregate(call) = expr {
            let known = grouping.aggregates.iter().find(|(.., own)| *own == *call);
            let column = match known {
                Some((_, shown, _)) => shown.clone(),
                None => {
                    let column = self.column(call.function.name(), call.ty, call.nullable);
                    let shown = match grouping.sets.len() {
                        1 => column.clone(),
                        _ => self.column(call.function.name(), call.ty, call.nullable),
                    };
                    grouping.aggregates.push((column, shown.clone(), *call));
                    shown
                }
            };
            return Ok(Expr::Column(column));
        }
        for child in expr.children_mut() {
            let old = std::mem::replace(child, Expr::boolean(true));
            *child = self.deeper(|| self.over_groups(old, grouping))?;
        }
        Ok(expr)
    }

    /// `grouping(...)` of these keys.
    fn grouping_column(&self, args: &[Expr], grouping: &mut Grouping) -> Result<Expr> {
        let place = |arg: &Expr| grouping.keys.iter().position(|key| key.written.is_same(arg));
        let Some(keys) = args.iter().map(place).collect::<Option<Vec<usize>>>() else {
            let message = "arguments to GROUPING must be grouping expressions of the associated query level";
            return Err(SqlError::new(SqlState::GroupingError, message));
        };
        if let [only] = grouping.sets.as_slice() {
            return Ok(left_out(&keys, only));
        }
        if let Some((column, _)) = grouping.groupings.iter().find(|(_, own)| *own == keys) {
            return Ok(Expr::Column(column.clone()));
        }
        let column = self.column("grouping", Type::INTEGER, false);
        grouping.groupings.push((column.clone(), keys));
        Ok(Expr::Column(column))
    }

    /// The aggregation, or one for each set.
    fn aggregation(&self, rel: Rel, grouping: &Grouping) -> Result<Rel> {
        if let [only] = grouping.sets.as_slice() {
            return Ok(grouping.aggregate(rel, only));
        }
        self.check_copies(&rel, grouping)?;
        let mut inputs = Vec::with_capacity(grouping.sets.len());
        let mut inputs_columns = Vec::with_capacity(grouping.sets.len());
        for set in &grouping.sets {
            let exprs = grouping.values(set).into_iter().map(|(name, value)| {
                let column = self.column(name, value.ty(), value.nullable());
                (column, value)
            });
            let exprs: Vec<(Column, Expr)> = exprs.collect();
            let columns: Vec<Column> = exprs.iter().map(|(column, _)| column.clone()).collect();
            let input = grouping.aggregate(rel.clone(), set).project(exprs);
            // Ids are unique in a statement, so each copy has its own.
            let (input, new) = refresh(input, &mut self.ids.borrow_mut());
            inputs.push(input);
            let own = columns.into_iter().map(|column| new.get(&column.id).cloned().unwrap_or(column));
            inputs_columns.push(own.collect());
        }
        let columns = grouping.shown();
        Ok(Rel::SetOperation { op: SetOperator::Union, all: true, inputs, inputs_columns, columns })
    }

    /// Copies of what gives other values each time would not agree; and they count as what is bound.
    fn check_copies(&self, rel: &Rel, grouping: &Grouping) -> Result<()> {
        let (mut nodes, mut volatile) = (0_usize, false);
        let aggregate = grouping.aggregate(rel.clone(), &(0..grouping.keys.len()).collect::<Vec<_>>());
        aggregate.visit(&mut |_| nodes += 1);
        aggregate.visit_exprs(&mut |expr| {
            nodes += 1;
            if let Expr::Call { callee: Callee::Function(function), .. } = expr {
                volatile |= function.signature().volatility == Volatility::Volatile;
            }
        });
        if volatile {
            let what = "several grouping sets over random(), gen_random_uuid() and their like are not supported";
            return Err(SqlError::unsupported(what, "Each set would see other values: store them in a table first."));
        }
        let nodes = self.nodes.get().saturating_add(nodes.saturating_mul(grouping.sets.len()));
        self.nodes.set(nodes);
        if nodes > MAX_NODES { Err(too_complex()) } else { Ok(()) }
    }

    /// Refuses columns that are neither grouped by nor aggregated.
    fn check_grouped(
        &self,
        expr: &Expr,
        grouping: &Grouping,
        given: &BTreeSet<ColumnId>,
        namespace: &Namespace,
    ) -> Result<()> {
        let known: BTreeSet<ColumnId> = grouping.shown().iter().map(|column| column.id).collect();
        let Some(missing) = expr.columns().into_iter().find(|id| given.contains(id) && !known.contains(id)) else {
            return Ok(());
        };
        let direct = expr.any(|e| e.as_column().is_some_and(|column| column.id == missing));
        let name = qualified(missing, namespace);
        let message = match direct {
            true => format!("column \"{name}\" must appear in the GROUP BY clause or be used in an aggregate function"),
            false => format!("subquery uses ungrouped column \"{name}\" from outer query"),
        };
        let error = SqlError::new(SqlState::GroupingError, message);
        Err(match self.spans.borrow().get(&missing) {
            Some(span) => error.or_at(*span),
            None => error,
        })
    }
}

impl Grouping {
    /// The aggregation of one set.
    fn aggregate(&self, rel: Rel, set: &[usize]) -> Rel {
        let keys = self.keys.iter().enumerate().filter(|(key, _)| set.contains(key));
        let group = keys.map(|(_, key)| (key.column.clone(), key.computed.clone())).collect();
        let aggregates = self.aggregates.iter().map(|(column, _, call)| (column.clone(), call.clone())).collect();
        Rel::Aggregate { input: Box::new(rel), group, aggregates }
    }

    /// What is read above, in the order of [`Grouping::values`].
    fn shown(&self) -> Vec<Column> {
        let keys = self.keys.iter().map(|key| &key.shown);
        let aggregates = self.aggregates.iter().map(|(_, shown, _)| shown);
        keys.chain(aggregates).chain(self.groupings.iter().map(|(column, _)| column)).cloned().collect()
    }

    /// What a set gives for each column, with its name.
    fn values(&self, set: &[usize]) -> Vec<(std::sync::Arc<str>, Expr)> {
        let keys = self.keys.iter().enumerate().map(|(number, key)| match set.contains(&number) {
            true => Expr::Column(key.column.clone()),
            false => Expr::null(key.column.ty),
        });
        let aggregates = self.aggregates.iter().map(|(column, ..)| Expr::Column(column.clone()));
        let groupings = self.groupings.iter().map(|(_, keys)| left_out(keys, set));
        let names = self.shown().into_iter().map(|column| column.name);
        names.zip(keys.chain(aggregates).chain(groupings)).collect()
    }

    /// Keys that are columns, where they are read above under another id.
    fn renamed(&self) -> BTreeMap<ColumnId, Expr> {
        let columns = self.keys.iter().filter_map(|key| Some((key.written.as_column()?, &key.shown)));
        let other = columns.filter(|(column, shown)| column.id != shown.id);
        other.map(|(column, shown)| (column.id, Expr::Column(shown.clone()))).collect()
    }
}

/// A bit for each key, the last one lowest: 1 if the set leaves it out.
fn left_out(keys: &[usize], set: &[usize]) -> Expr {
    let bits = keys.iter().fold(0, |bits, key| bits << 1 | i32::from(!set.contains(key)));
    Expr::constant(ScalarValue::Int32(Some(bits)), Type::INTEGER)
}

/// `table.column`
fn qualified(id: ColumnId, namespace: &Namespace) -> String {
    for table in &namespace.tables {
        if let (Some(name), Some((column, _))) = (&table.name, table.columns.iter().find(|(_, column)| column.id == id))
        {
            return format!("{name}.{column}");
        }
    }
    namespace.columns.iter().find(|(_, column)| column.id == id).map_or_else(String::new, |(name, _)| name.clone())
}

/// Whether an expression has an aggregate, or `grouping()`, outside of subqueries.
pub(super) fn has_aggregate(expr: &Expr) -> bool {
    expr.any(|e| matches!(e, Expr::Aggregate(_)) || grouping_args(e).is_some())
}
