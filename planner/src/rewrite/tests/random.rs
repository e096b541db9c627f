//! Random plans and rows. The same seed gives the same.

use crate::tests::evaluate::{Tables, Value};
use arrow::datatypes::{DataType, Field, Schema};
use attune_sql::algebra::{
    AggregateCall, Callee, Column, ColumnId, CompareOp, Expr, Ids, Join, JoinKind, Rel, Scan, SetOperator, SortKey,
    Truth, Type, WindowCall, WindowFunction,
};
use attune_sql::functions::Registry;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{LogicalTableSource, Operator, WindowFrame};
use std::collections::BTreeSet;
use std::sync::Arc;

const TABLES: [&str; 3] = ["t", "u", "v"];
const COLUMNS: [&str; 3] = ["a", "b", "c"];

pub(super) struct Random {
    state: u64,
    ids: Ids,
    /// Whether expressions may divide by zero.
    pub(super) divides: bool,
    /// Whether there are joins.
    pub(super) joins: bool,
}

pub(super) fn int(value: i64) -> Expr {
    Expr::constant(ScalarValue::Int64(Some(value)), Type::BIGINT)
}

pub(super) fn column(column: &Column) -> Expr {
    Expr::Column(column.clone())
}

/// A key for each of the columns.
pub(super) fn by(columns: &[Column]) -> Vec<SortKey> {
    columns.iter().map(|c| SortKey { expr: column(c), descending: false, nulls_first: false }).collect()
}

pub(super) fn boxed(rel: Rel) -> Box<Rel> {
    Box::new(rel)
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Random { state, ids: Ids::default(), divides: false, joins: true }
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from((self.state >> 33) % (n as u64)).unwrap()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A few rows for each table, with NULLs and repetitions.
    pub(super) fn tables(&mut self) -> Tables {
        let mut tables = Tables::new();
        for name in TABLES {
            let rows = (0..self.below(4)).map(|_| (0..COLUMNS.len()).map(|_| self.value()).collect());
            let rows: Vec<Vec<Value>> = rows.collect();
            tables.insert(name.to_owned(), rows);
        }
        tables
    }

    fn value(&mut self) -> Value {
        match self.below(4) {
            0 => None,
            n => i64::try_from(n).ok().map(|n| n - 1),
        }
    }

    pub(super) fn fresh(&mut self, name: &str) -> Column {
        self.ids.column(name, Type::BIGINT, true)
    }

    pub(super) fn scan(&mut self, name: &str) -> Rel {
        let fields: Vec<Field> = COLUMNS.iter().map(|c| Field::new(*c, DataType::Int64, true)).collect();
        let source = Arc::new(LogicalTableSource::new(Arc::new(Schema::new(fields))));
        let columns = COLUMNS.iter().enumerate().map(|(place, c)| (self.fresh(c), place)).collect();
        Rel::Scan(Scan { name: name.to_owned(), relation: None, source, columns })
    }

    /// A number over these columns.
    pub(super) fn number(&mut self, columns: &[Column], depth: usize) -> Expr {
        if depth == 0 || self.chance(2) {
            return match self.below(8) {
                0 => Expr::null(Type::BIGINT),
                1 | 2 => {
                    let value = self.below(3);
                    int(i64::try_from(value).unwrap())
                }
                _ if columns.is_empty() => int(1),
                _ => column(self.one(columns)),
            };
        }
        let (left, right) = (self.number(columns, depth - 1), self.number(columns, depth - 1));
        if self.chance(4) {
            let when = self.condition(columns, depth - 1);
            let branches = vec![(when, left)];
            return Expr::Case { operand: None, branches, otherwise: Some(Box::new(right)), ty: Type::BIGINT };
        }
        let ops = [Operator::Plus, Operator::Minus, Operator::Divide];
        let op = ops[self.below(if self.divides { 3 } else { 2 })];
        Expr::Call { callee: Callee::Operator(op), args: vec![left, right], ty: Type::BIGINT }
    }

    /// A condition over these columns.
    pub(super) fn condition(&mut self, columns: &[Column], depth: usize) -> Expr {
        use CompareOp::{Distinct, Eq, Gt, GtEq, Lt, LtEq, NotDistinct, NotEq};
        let inner = depth.saturating_sub(1);
        match self.below(if depth == 0 { 4 } else { 10 }) {
            0..=3 => {
                let op = *self.one(&[Eq, Eq, Eq, NotEq, Lt, LtEq, Gt, GtEq, Distinct, NotDistinct]);
                Expr::compare(op, self.number(columns, inner), self.number(columns, inner))
            }
            4 => Expr::And(vec![self.condition(columns, inner), self.condition(columns, inner)]),
            5 => Expr::Or(vec![self.condition(columns, inner), self.condition(columns, inner)]),
            6 => Expr::Not(Box::new(self.condition(columns, inner))),
            7 => {
                let negated = self.chance(2);
                if self.chance(2) {
                    let test = *self.one(&[Truth::Null, Truth::True, Truth::False]);
                    return Expr::Is { expr: Box::new(self.condition(columns, inner)), test, negated };
                }
                Expr::Is { expr: Box::new(self.number(columns, inner)), test: Truth::Null, negated }
            }
            8 => {
                let list = (0..=self.below(3)).map(|_| self.number(columns, 0)).collect();
                Expr::InList { expr: Box::new(self.number(columns, inner)), list, negated: self.chance(2) }
            }
            _ => {
                let branches = vec![(self.condition(columns, inner), self.condition(columns, inner))];
                let otherwise = self.chance(2).then(|| Box::new(Expr::boolean(true)));
                Expr::Case { operand: None, branches, otherwise, ty: Type::BOOLEAN }
            }
        }
    }

    /// A plan of at most this depth.
    pub(super) fn relation(&mut self, depth: usize) -> Rel {
        if depth == 0 {
            return self.leaf();
        }
        match self.below(if self.joins { 16 } else { 11 }) {
            0 | 1 => self.filter(depth),
            2 | 3 => {
                let input = self.relation(depth - 1);
                let exprs = self.exprs(&input.columns());
                input.project(exprs)
            }
            4 => self.aggregate(depth),
            5 => self.window(depth),
            6 => Rel::Distinct { input: boxed(self.relation(depth - 1)) },
            7 => {
                let input = self.relation(depth - 1);
                let columns = input.columns();
                let on = vec![column(self.one(&columns))];
                Rel::DistinctOn { input: boxed(input), on, order: by(&columns) }
            }
            8 => self.set_operation(depth),
            9 => self.limited(depth),
            10 => {
                let inner = self.limited(depth - 1);
                self.limit_of(inner)
            }
            _ => self.join(depth),
        }
    }

    fn leaf(&mut self) -> Rel {
        if self.chance(8) {
            let columns = vec![self.fresh("x"), self.fresh("y")];
            let rows = (0..self.below(3)).map(|_| vec![self.number(&[], 0), self.number(&[], 0)]).collect();
            return Rel::Values { columns, rows };
        }
        let name = *self.one(&TABLES);
        self.scan(name)
    }

    fn filter(&mut self, depth: usize) -> Rel {
        let input = self.relation(depth - 1);
        let predicate = self.condition(&input.columns(), 2);
        Rel::Filter { input: boxed(input), predicate }
    }

    /// Some of the columns passed on, and expressions.
    fn exprs(&mut self, columns: &[Column]) -> Vec<(Column, Expr)> {
        let mut exprs = Vec::new();
        for c in columns {
            if self.chance(2) {
                exprs.push((c.clone(), column(c)));
            }
        }
        for _ in 0..=self.below(2) {
            let expr = self.number(columns, 2);
            exprs.push((self.fresh("e"), expr));
        }
        exprs
    }

    fn aggregate(&mut self, depth: usize) -> Rel {
        let input = self.relation(depth - 1);
        let columns = input.columns();
        let group = (0..self.below(3)).map(|_| {
            let expr = self.number(&columns, 1);
            (self.fresh("g"), expr)
        });
        let group = group.collect();
        let name = *self.one(&["count", "max", "min", "sum"]);
        let call = AggregateCall {
            function: Arc::clone(Registry::standard().aggregate(name).unwrap()),
            args: vec![self.number(&columns, 1)],
            distinct: self.chance(3),
            filter: self.chance(3).then(|| self.condition(&columns, 1)),
            order: Vec::new(),
            ty: Type::BIGINT,
            nullable: name != "count",
        };
        let aggregates = vec![(self.ids.column("n", Type::BIGINT, name != "count"), call)];
        Rel::Aggregate { input: boxed(input), group, aggregates }
    }

    fn window(&mut self, depth: usize) -> Rel {
        let input = self.relation(depth - 1);
        let columns = input.columns();
        let call = WindowCall {
            function: WindowFunction::Window(Arc::clone(Registry::standard().window("row_number").unwrap())),
            args: Vec::new(),
            distinct: false,
            filter: None,
            ignore_nulls: false,
            partition: vec![column(self.one(&columns))],
            order: by(&columns),
            frame: WindowFrame::new(Some(false)),
            ty: Type::BIGINT,
            nullable: false,
        };
        let calls = vec![(self.ids.column("r", Type::BIGINT, false), call)];
        Rel::Window { input: boxed(input), calls }
    }

    fn set_operation(&mut self, depth: usize) -> Rel {
        let inputs = vec![self.relation(depth - 1), self.relation(depth - 1)];
        let width = 1 + self.below(2);
        let mut inputs_columns = Vec::new();
        for input in &inputs {
            let all = input.columns();
            inputs_columns.push((0..width).map(|_| self.one(&all).clone()).collect());
        }
        let columns = (0..width).map(|_| self.fresh("s")).collect();
        let op = *self.one(&[SetOperator::Union, SetOperator::Union, SetOperator::Except, SetOperator::Intersect]);
        Rel::SetOperation { op, all: self.chance(2), inputs, inputs_columns, columns }
    }

    /// Rows in an order that leaves nothing open, limited.
    fn limited(&mut self, depth: usize) -> Rel {
        let input = self.relation(depth.saturating_sub(1));
        let by = by(&input.columns());
        let sorted = Rel::Sort { input: boxed(input), by };
        self.limit_of(sorted)
    }

    fn limit_of(&mut self, input: Rel) -> Rel {
        let mut count = |one_in| self.chance(one_in).then(|| int(i64::try_from(self.below(4)).unwrap()));
        let (skip, fetch) = (count(2), count(2));
        Rel::Limit { input: boxed(input), skip, fetch }
    }

    fn join(&mut self, depth: usize) -> Rel {
        use JoinKind::{Anti, Full, Inner, Left, Semi, Single};
        let kind = *self.one(&[Inner, Inner, Inner, Left, Left, Full, Semi, Anti, Single]);
        let (left, right) = (self.relation(depth - 1), self.relation(depth - 1));
        let mut on = Vec::new();
        if !self.chance(4) {
            let (l, r) = (left.columns(), right.columns());
            on.push(Expr::compare(CompareOp::Eq, column(self.one(&l)), column(self.one(&r))));
        }
        if self.chance(2) {
            let all: Vec<Column> = left.columns().into_iter().chain(right.columns()).collect();
            on.push(self.condition(&all, 1));
        }
        Rel::Join(Join { kind, left: Box::new(left), right: Box::new(right), on: Expr::and(on) })
    }

    /// Some of the columns of a relation, one at least.
    pub(super) fn some_columns(&mut self, rel: &Rel) -> Vec<Column> {
        let all = rel.columns();
        let mut some: Vec<Column> = all.iter().filter(|_| self.chance(2)).cloned().collect();
        if some.is_empty() {
            some.push(self.one(&all).clone());
        }
        some
    }

    pub(super) fn some_ids(&mut self, columns: &[Column]) -> BTreeSet<ColumnId> {
        columns.iter().filter(|_| self.chance(2)).map(|column| column.id).collect()
    }
}
