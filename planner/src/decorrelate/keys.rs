//! Which columns tell the rows of a relation apart, for fixed values of what it reads from outside.
//!
//! Law: if no columns are needed to tell rows apart, there is at most one row. Then a scalar subquery is a plain left join, without
//! the aggregate that watches for a second row; and columns that hold a key are distinct already.

use attune_sql::algebra::{Column, ColumnId, CompareOp, Expr, Join, JoinKind, Rel, Scan, Type};
use attune_sql::binder::RelationSource;
use datafusion::common::{Constraint, ScalarValue};
use std::collections::BTreeSet;

type Key = BTreeSet<ColumnId>;

/// Keys that are looked at; more would only cost time.
const MAX_KEYS: usize = 8;

/// Whether it surely gives at most one row, whatever the rows are that surround it.
pub(super) fn at_most_one(rel: &Rel) -> bool {
    keys(rel).iter().any(BTreeSet::is_empty)
}

/// Whether it surely gives exactly one row.
pub(super) fn exactly_one(rel: &Rel) -> bool {
    match rel {
        Rel::Unit => true,
        Rel::Values { rows, .. } => rows.len() == 1,
        Rel::Aggregate { group, .. } => group.is_empty(),
        Rel::Project { input, .. } | Rel::Sort { input, .. } | Rel::Distinct { input } => exactly_one(input),
        Rel::Join(Join { kind: JoinKind::Inner | JoinKind::Left, left, right, on }) => {
            on.is_true() && exactly_one(left) && exactly_one(right)
        }
        _ => false,
    }
}

/// Whether these columns tell its rows apart.
pub(super) fn is_key(rel: &Rel, columns: &BTreeSet<ColumnId>) -> bool {
    keys(rel).iter().any(|key| key.is_subset(columns))
}

fn keys(rel: &Rel) -> Vec<Key> {
    let ids = |columns: &[Column]| columns.iter().map(|column| column.id).collect::<Key>();
    let mut found = match rel {
        Rel::Unit => vec![Key::new()],
        Rel::Values { rows, .. } if rows.len() <= 1 => vec![Key::new()],
        Rel::Values { .. } | Rel::Unnest { .. } => Vec::new(),
        Rel::Scan(scan) => of_scan(scan),
        Rel::Filter { input, predicate } => without(keys(input), &fixed(predicate, &input.ids())),
        Rel::Project { input, exprs } => keys(input).iter().filter_map(|key| renamed(key, exprs)).collect(),
        Rel::Join(join) => of_join(join),
        Rel::Aggregate { group, .. } => vec![group.iter().map(|(column, _)| column.id).collect()],
        Rel::Window { input, .. } | Rel::Sort { input, .. } => keys(input),
        Rel::Distinct { input } => with(keys(input), Some(rel.ids())),
        Rel::DistinctOn { input, on, .. } => {
            let on: Option<Key> = on.iter().map(|expr| expr.as_column().map(|column| column.id)).collect();
            with(keys(input), on)
        }
        Rel::SetOperation { all: false, columns, .. } => vec![ids(columns)],
        Rel::SetOperation { .. } => Vec::new(),
        Rel::Limit { input, fetch, .. } => with(keys(input), fetch.as_ref().filter(|f| is_one(f)).map(|_| Key::new())),
    };
    found.truncate(MAX_KEYS);
    found
}

fn with(mut keys: Vec<Key>, another: Option<Key>) -> Vec<Key> {
    // The empty key says most; it must not be cut off.
    if let Some(key) = another {
        keys.insert(0, key);
    }
    keys
}

fn without(keys: Vec<Key>, fixed: &Key) -> Vec<Key> {
    keys.into_iter().map(|key| key.difference(fixed).copied().collect()).collect()
}

/// LIMIT 1 or 0.
fn is_one(fetch: &Expr) -> bool {
    matches!(fetch, Expr::Constant { value: ScalarValue::Int64(Some(n)), .. } if *n <= 1)
}

fn of_scan(scan: &Scan) -> Vec<Key> {
    let key = |places: &[usize]| -> Option<Key> {
        let column = |place: &usize| scan.columns.iter().find(|(_, at)| at == place).map(|(column, _)| column.id);
        places.iter().map(column).collect()
    };
    let mut found = Vec::new();
    if let Some(source) = scan.source.downcast_ref::<RelationSource>() {
        let relation = &source.relation;
        let places: Vec<usize> = relation.key.iter().map(|part| part.column).collect();
        // Without a key rows of a stream repeat; a relation of one row has the empty key.
        if !relation.is_stream() && !relation.in_log && (!places.is_empty() || relation.single_row) {
            found.extend(key(&places));
        }
    }
    for constraint in scan.source.constraints().into_iter().flat_map(|all| all.iter()) {
        if let Constraint::PrimaryKey(places) = constraint {
            found.extend(key(places));
        }
    }
    found
}

/// The key by the names of a projection above, if that gives all of it.
fn renamed(key: &Key, exprs: &[(Column, Expr)]) -> Option<Key> {
    let name = |id: &ColumnId| {
        let is = |(_, expr): &&(Column, Expr)| expr.as_column().is_some_and(|column| column.id == *id);
        exprs.iter().find(is).map(|(column, _)| column.id)
    };
    key.iter().map(name).collect()
}

fn of_join(join: &Join) -> Vec<Key> {
    let Join { kind, left, right, on } = join;
    if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
        return keys(left);
    }
    if *kind == JoinKind::Full {
        return Vec::new();
    }
    let (left_keys, right_keys) = (keys(left), keys(right));
    // For a row of the other side these have one value.
    let fixed_right = fixed(on, &right.ids());
    if *kind == JoinKind::Single || right_keys.iter().any(|key| key.is_subset(&fixed_right)) {
        return left_keys;
    }
    let fixed_left = fixed(on, &left.ids());
    let independent = right.free().is_disjoint(&left.ids());
    if *kind == JoinKind::Inner && independent && left_keys.iter().any(|key| key.is_subset(&fixed_left)) {
        return right_keys;
    }
    let pair = |l: &Key, r: &Key| l.union(r).copied().collect::<Key>();
    left_keys.iter().flat_map(|l| right_keys.iter().map(move |r| pair(l, r))).take(MAX_KEYS).collect()
}

/// The columns, of these, that a condition fixes to one value: by an equality with what reads none of these.
fn fixed(condition: &Expr, ids: &Key) -> Key {
    let mut conjuncts = Vec::new();
    condition.clone().into_conjuncts(&mut conjuncts);
    let mut found = Key::new();
    for conjunct in &conjuncts {
        let Expr::Compare { op: CompareOp::Eq | CompareOp::NotDistinct, left, right } = conjunct else { continue };
        for (one, other) in [(left, right), (right, left)] {
            // Equal intervals may be different rows: '1 day' and '24 hours'.
            let column = one.as_column().filter(|column| ids.contains(&column.id) && column.ty != Type::INTERVAL);
            found.extend(column.filter(|_| other.columns().is_disjoint(ids)).map(|column| column.id));
        }
    }
    found
}
