//! Random trees of relations, with subqueries and LATERAL joins that read what surrounds them, and random tables.

use super::build::{call, col, int, scan};
use crate::tests::evaluate::{Tables, Value};
use attune_sql::algebra::{
    Callee, Column, CompareOp, Expr, Ids, JoinKind, Rel, SetOperator, SortKey, SubqueryKind, Type,
};
use datafusion::logical_expr::Operator;

/// A generator whose trees depend on a seed only.
pub(super) struct Random {
    state: u64,
    pub(super) ids: Ids,
}

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        Random { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), ids: Ids::default() }
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(n).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn small(&mut self) -> i64 {
        i64::try_from(self.below(4)).unwrap()
    }

    /// Rows of the tables: duplicates and NULLs are common. The first column of `k` is a key.
    pub(super) fn tables(&mut self) -> Tables {
        let mut tables = Tables::new();
        for name in ["r", "s", "k"] {
            let mut rows: Vec<Vec<Value>> = Vec::new();
            for number in 0..self.below(5) {
                let value = |random: &mut Random| if random.one_in(4) { None } else { Some(random.small()) };
                let first = if name == "k" { i64::try_from(number).ok() } else { value(self) };
                rows.push(vec![first, value(self)]);
            }
            tables.insert(name.to_owned(), rows);
        }
        tables
    }

    /// A relation that may read columns of what surrounds it.
    pub(super) fn relation(&mut self, depth: usize, outer: &[Column]) -> Rel {
        if depth == 0 {
            return self.leaf(outer);
        }
        let depth = depth - 1;
        match self.below(14) {
            0 => self.leaf(outer),
            1..=3 => {
                let input = self.relation(depth, outer);
                let condition = self.condition(depth, &input.columns(), outer);
                input.filter(condition)
            }
            4 | 5 => {
                let input = self.relation(depth, outer);
                self.projected(depth, input, outer)
            }
            6 | 7 => self.join(depth, outer),
            8 => self.aggregate(depth, outer),
            9 => self.one_of_a_group(depth, outer),
            10 => self.set_operation(depth, outer),
            11 => self.limit(depth, outer),
            12 => {
                let input = self.relation(depth, outer);
                Rel::Distinct { input: Box::new(input) }
            }
            _ => {
                let input = self.relation(depth, outer);
                let condition = self.tie(&input.columns(), outer);
                input.filter(condition)
            }
        }
    }

    fn leaf(&mut self, outer: &[Column]) -> Rel {
        match self.below(8) {
            0 | 1 => scan(&mut self.ids, "k", &["a", "b"], true),
            2..=4 => scan(&mut self.ids, "r", &["a", "b"], false),
            5 | 6 => scan(&mut self.ids, "s", &["a", "b"], false),
            _ => {
                let columns: Vec<Column> = (0..2).map(|_| self.ids.column("v", Type::BIGINT, true)).collect();
                let rows = 1 + self.below(2);
                let rows = (0..rows).map(|_| vec![self.value(0, outer, &[]), self.value(0, &[], outer)]).collect();
                Rel::Values { columns, rows }
            }
        }
    }

    /// An equality with what surrounds it, most of the time.
    fn tie(&mut self, columns: &[Column], outer: &[Column]) -> Expr {
        if columns.is_empty() || outer.is_empty() {
            return Expr::boolean(true);
        }
        let op = self.pick(&[CompareOp::Eq, CompareOp::Eq, CompareOp::Eq, CompareOp::NotDistinct, CompareOp::Lt]);
        let (inner, outer) = (self.pick(columns), self.pick(outer));
        // Columns of truth values compare with numbers here.
        let (one, other) = (col(&inner), col(&outer));
        if self.one_in(2) { Expr::compare(op, one, other) } else { Expr::compare(op, other, one) }
    }

    fn projected(&mut self, depth: usize, input: Rel, outer: &[Column]) -> Rel {
        let columns = input.columns();
        let mut exprs: Vec<(Column, Expr)> = Vec::new();
        for column in &columns {
            if self.one_in(2) {
                exprs.push((column.clone(), col(column)));
            }
        }
        for _ in 0..=self.below(2) {
            let value = if self.one_in(4) {
                self.condition(depth, &columns, outer)
            } else {
                self.value(depth, &columns, outer)
            };
            exprs.push((self.ids.column("e", Type::BIGINT, value.nullable()), value));
        }
        input.project(exprs)
    }

    fn join(&mut self, depth: usize, outer: &[Column]) -> Rel {
        let left = self.relation(depth, outer);
        let kinds = [JoinKind::Inner, JoinKind::Left, JoinKind::Left, JoinKind::Semi, JoinKind::Anti, JoinKind::Full];
        let kind = self.pick(&kinds);
        let mut around = outer.to_vec();
        if kind != JoinKind::Full && self.one_in(2) {
            around.extend(left.columns());
        }
        let right = self.relation(depth, &around);
        let mut both = left.columns();
        both.extend(right.columns());
        let on = if kind == JoinKind::Full {
            self.condition(0, &both, outer)
        } else if self.one_in(2) {
            self.condition(depth, &both, outer)
        } else {
            self.tie(&right.columns(), &left.columns())
        };
        left.join(kind, right, on)
    }

    fn aggregate(&mut self, depth: usize, outer: &[Column]) -> Rel {
        let input = self.relation(depth, outer);
        let columns = input.columns();
        let mut group = Vec::new();
        for _ in 0..self.below(3) {
            let value = self.value(0, &columns, &[]);
            group.push((self.ids.column("g", Type::BIGINT, value.nullable()), value));
        }
        let mut aggregates = Vec::new();
        for name in ["count", "max", "sum"] {
            if self.one_in(2) || aggregates.is_empty() {
                let args = if name == "count" && self.one_in(2) {
                    Vec::new()
                } else {
                    vec![self.value(depth.min(1), &columns, outer)]
                };
                let mut call = call(name, args);
                call.distinct = !call.args.is_empty() && self.one_in(4);
                if self.one_in(5) {
                    call.filter = Some(self.condition(0, &columns, outer));
                }
                aggregates.push((self.ids.column(name, Type::BIGINT, call.nullable), call));
            }
        }
        Rel::Aggregate { input: Box::new(input), group, aggregates }
    }

    /// Keys over all columns: rows that they do not tell apart are the same.
    fn order(&mut self, columns: &[Column]) -> Vec<SortKey> {
        let mut keys = Vec::new();
        for column in columns {
            keys.push(SortKey { expr: col(column), descending: self.one_in(2), nulls_first: self.one_in(2) });
        }
        keys
    }

    fn one_of_a_group(&mut self, depth: usize, outer: &[Column]) -> Rel {
        let input = self.relation(depth, outer);
        let columns = input.columns();
        let on = vec![self.value(0, &columns, &[])];
        let order = self.order(&columns);
        if self.one_in(2) {
            return Rel::DistinctOn { input: Box::new(input), on, order };
        }
        let number = self.ids.column("n", Type::BIGINT, false);
        let call = crate::decorrelate::call::row_number(on, order).unwrap();
        Rel::Window { input: Box::new(input), calls: vec![(number, call)] }
    }

    fn set_operation(&mut self, depth: usize, outer: &[Column]) -> Rel {
        let op = self.pick(&[SetOperator::Union, SetOperator::Union, SetOperator::Except, SetOperator::Intersect]);
        let mut inputs = Vec::new();
        let mut inputs_columns = Vec::new();
        let same_tie = self.one_in(2);
        for _ in 0..2 {
            let mut input = self.relation(depth.min(1), if same_tie { &[] } else { outer });
            if same_tie && let (Some(outer), [first, ..]) = (outer.first(), &input.columns()[..]) {
                let tie = Expr::compare(CompareOp::Eq, col(first), col(outer));
                input = input.filter(tie);
            }
            let columns = input.columns();
            let input_columns = if columns.is_empty() {
                let column = self.ids.column("u", Type::BIGINT, false);
                input = input.extend(vec![(column.clone(), int(1))]);
                vec![column]
            } else {
                vec![self.pick(&columns)]
            };
            inputs.push(input);
            inputs_columns.push(input_columns);
        }
        let columns = vec![self.ids.column("u", Type::BIGINT, true)];
        let all = self.one_in(2);
        Rel::SetOperation { op, all, inputs, inputs_columns, columns }
    }

    fn limit(&mut self, depth: usize, outer: &[Column]) -> Rel {
        let input = self.relation(depth, outer);
        let by = self.order(&input.columns());
        let mut count = |least| (!self.one_in(3)).then(|| int(least + self.small() / 2));
        let (skip, fetch) = (count(0), count(1));
        Rel::Limit { input: Box::new(Rel::Sort { input: Box::new(input), by }), skip, fetch }
    }

    /// A number.
    fn value(&mut self, depth: usize, columns: &[Column], outer: &[Column]) -> Expr {
        match self.below(8) {
            0..=3 if !columns.is_empty() => col(&self.pick(columns)),
            4 if !outer.is_empty() => col(&self.pick(outer)),
            5 if depth > 0 => {
                let args = vec![self.value(depth - 1, columns, outer), self.value(depth - 1, columns, outer)];
                Expr::Call { callee: Callee::Operator(Operator::Plus), args, ty: Type::BIGINT }
            }
            6 | 7 if depth > 0 => {
                let rel = self.inside(depth, columns, outer);
                match rel.columns().first() {
                    Some(column) => super::build::scalar(self.maybe_one(rel.clone()), column),
                    None => int(1),
                }
            }
            _ if self.one_in(6) => Expr::null(Type::BIGINT),
            _ => int(self.small()),
        }
    }

    /// A relation of one row at most, often.
    fn maybe_one(&mut self, rel: Rel) -> Rel {
        if self.one_in(4) {
            return rel;
        }
        let by = self.order(&rel.columns());
        let sorted = Rel::Sort { input: Box::new(rel), by };
        Rel::Limit { input: Box::new(sorted), skip: None, fetch: Some(int(1)) }
    }

    /// A relation inside an expression: what surrounds it are these columns, too.
    fn inside(&mut self, depth: usize, columns: &[Column], outer: &[Column]) -> Rel {
        let around: Vec<Column> = outer.iter().chain(columns).cloned().collect();
        let rel = self.relation(depth - 1, &around);
        let tie = self.tie(&rel.columns(), if columns.is_empty() { outer } else { columns });
        rel.filter(tie)
    }

    /// A truth value.
    fn condition(&mut self, depth: usize, columns: &[Column], outer: &[Column]) -> Expr {
        let ops = [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::GtEq];
        match self.below(10) {
            0 => Expr::and([self.condition(depth, columns, outer), self.condition(depth, columns, outer)]),
            1 => Expr::Or(vec![self.condition(depth, columns, outer), self.condition(depth, columns, outer)]),
            2 => Expr::Not(Box::new(self.condition(depth, columns, outer))),
            3 => Expr::is_null(self.value(depth, columns, outer)),
            4 | 5 if depth > 0 => super::build::exists(self.inside(depth, columns, outer)),
            6 | 7 if depth > 0 => {
                let rel = self.inside(depth, columns, outer);
                let given = rel.columns();
                let wide = given.len() > 1 && self.one_in(3);
                let columns_of: Vec<Column> = given.into_iter().take(if wide { 2 } else { 1 }).collect();
                if columns_of.is_empty() {
                    return super::build::exists(rel);
                }
                let left = columns_of.iter().map(|_| self.value(0, columns, outer)).collect();
                let op = self.pick(if wide { &ops[..2] } else { &ops });
                let all = self.one_in(3);
                super::build::subquery(SubqueryKind::Quantified { left, op, all, columns: columns_of }, rel)
            }
            _ => {
                let op = self.pick(&ops);
                Expr::compare(op, self.value(depth, columns, outer), self.value(depth, columns, outer))
            }
        }
    }
}
