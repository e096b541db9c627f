//! Conditions over all rows that three columns of few values can have.

use super::random::{Random, column};
use crate::rewrite::fold_constants::simplified;
use crate::rewrite::nulls::never_true;
use crate::tests::evaluate::{Tables, Value, rows, same};
use attune_sql::algebra::{Column, CompareOp, Expr, Rel, Type};
use std::collections::BTreeMap;

const CONDITIONS: u64 = 3_000;

/// Every row of three values.
fn all_rows() -> Vec<Vec<Value>> {
    let values = [None, Some(0), Some(1), Some(2)];
    let mut rows = Vec::new();
    for a in values {
        for b in values {
            rows.extend(values.map(|c| vec![a, b, c]));
        }
    }
    rows
}

fn tables(rows: Vec<Vec<Value>>) -> Tables {
    BTreeMap::from([("t".to_owned(), rows)])
}

/// A scan beside the value of a condition, so that NULL and false differ.
fn beside(scan: &Rel, to: &Column, condition: Expr) -> Rel {
    scan.clone().extend(vec![(to.clone(), condition)])
}

#[test]
fn simplified_conditions_have_the_same_value() {
    let tables = tables(all_rows());
    for seed in 0..CONDITIONS {
        let mut random = Random::new(seed);
        random.divides = seed % 4 == 0;
        let scan = random.scan("t");
        let to = Column { ty: Type::BOOLEAN, ..random.fresh("x") };
        let condition = random.condition(&scan.columns(), 3);
        let before = beside(&scan, &to, condition.clone());
        let after = beside(&scan, &to, simplified(condition));
        same(&before, &after, &before.columns(), &tables);
    }
}

#[test]
fn what_is_never_true_for_nulls_is_not() {
    for seed in 0..CONDITIONS {
        let mut random = Random::new(seed);
        let scan = random.scan("t");
        let columns = scan.columns();
        let nulls = random.some_ids(&columns);
        let condition = random.condition(&columns, 3);
        if !never_true(&condition, &|id| nulls.contains(&id)) {
            continue;
        }
        let mut all = all_rows();
        for row in &mut all {
            for (value, column) in row.iter_mut().zip(&columns) {
                if nulls.contains(&column.id) {
                    *value = None;
                }
            }
        }
        let filtered = scan.filter(condition.clone());
        if let Ok(found) = rows(&filtered, &columns, &tables(all)) {
            assert_eq!(found, Vec::<Vec<Value>>::new(), "{condition} with {nulls:?} NULL");
        }
    }
}

/// Item 7 of issue 30: conditions on one column that cannot both hold are NULL for a NULL, not false.
#[test]
fn lists_of_one_column_are_not_compared() {
    let mut random = Random::new(1);
    let scan = random.scan("t");
    let columns = scan.columns();
    let [a, ..] = columns.as_slice() else { panic!("no columns") };
    let within = |values: &[i64], negated: bool| {
        let list = values.iter().map(|value| super::random::int(*value)).collect();
        Expr::InList { expr: Box::new(column(a)), list, negated }
    };
    let to = Column { ty: Type::BOOLEAN, ..random.fresh("x") };
    for condition in [
        Expr::And(vec![within(&[1], false), within(&[2], false)]),
        Expr::And(vec![within(&[1, 2], false), within(&[1, 2], true)]),
        Expr::Or(vec![within(&[1], true), within(&[2], true)]),
        Expr::compare(CompareOp::Eq, column(a), column(a)),
    ] {
        let after = beside(&scan, &to, simplified(condition.clone()));
        same(&beside(&scan, &to, condition), &after, std::slice::from_ref(&to), &tables(all_rows()));
    }
}
