//! Top-k.

use super::cells::{Cell, FLOAT, INT, Row, TEXT};
use super::harness::{check, node, seeds};
use super::relation::{Relation, Rules};
use attune_planner::{Aggregate, AggregateFunction, Kept, Node, Op, SortColumn};
use attune_storage::ColumnType;
use std::cmp::Ordering;
use std::collections::BTreeMap;

const TYPES: [ColumnType; 3] = [INT, FLOAT, TEXT];

/// A top-k under test.
#[derive(Clone, Debug)]
struct Case {
    partition: Vec<usize>,
    order: Vec<SortColumn>,
    offset: u64,
    limit: Option<u64>,
    rank: bool,
    kept: Kept,
}

fn compare(order: &[SortColumn], a: &Row, b: &Row) -> Ordering {
    for sort in order {
        let (a, b) = (&a[sort.column], &b[sort.column]);
        let ordering = match (a == &Cell::Null, b == &Cell::Null) {
            (true, true) => Ordering::Equal,
            (true, false) if sort.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if sort.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ if sort.descending => b.cmp(a),
            _ => a.cmp(b),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
    a.cmp(b)
}

/// The batch definition: sort and cut.
fn batch(case: &Case, rows: &[Row]) -> Vec<Row> {
    let mut partitions: BTreeMap<Row, Vec<Row>> = BTreeMap::new();
    for row in rows {
        let key = case.partition.iter().map(|column| row[*column].clone()).collect();
        partitions.entry(key).or_default().push(row.clone());
    }
    let mut result = Vec::new();
    for rows in partitions.values_mut() {
        rows.sort_by(|a, b| compare(&case.order, a, b));
        let window = rows.iter().enumerate().skip(case.offset as usize);
        for (place, row) in window.take(case.limit.map_or(usize::MAX, |limit| limit as usize)) {
            let mut row = row.clone();
            if case.rank {
                row.push(Cell::Int(place as i64 + 1));
            }
            result.push(row);
        }
    }
    result
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for partition in [vec![], vec![0], vec![2, 0]] {
        for (offset, limit) in [(0, Some(1)), (0, Some(3)), (2, Some(2)), (1, None), (0, Some(0))] {
            for rank in [false, true] {
                let descending = cases.len() % 2 == 0;
                let order = vec![
                    SortColumn { column: 1, descending, nulls_first: cases.len() % 3 == 0 },
                    SortColumn { column: 2, descending: false, nulls_first: descending },
                ];
                cases.push(Case { partition: partition.clone(), order, offset, limit, rank, kept: Kept::Rows });
            }
        }
    }
    cases
}

fn check_case(seed: u64, case: &Case, rules: Rules) -> super::harness::Run {
    let mut types = TYPES.to_vec();
    if case.rank {
        types.push(if seed.is_multiple_of(2) { INT } else { ColumnType::UInt64 });
    }
    let op = Op::TopK {
        partition: case.partition.clone(),
        order: case.order.clone(),
        offset: case.offset,
        limit: case.limit,
        rank: case.rank,
        kept: case.kept,
    };
    check(seed, vec![Relation::new(&TYPES, rules)], vec![node(op, &[0], &types)], &|inputs| batch(case, &inputs[0]))
}

#[test]
fn windows_follow_inserts_and_deletes() {
    for seed in seeds(2) {
        for case in cases() {
            let mut run = check_case(seed, &case, Rules::Bag);
            assert_eq!(run.state_entries(0), 0, "all rows are deleted at the end: {case:?}");
        }
    }
}

#[test]
fn append_only_input_keeps_only_the_window() {
    for seed in seeds(2) {
        for case in cases() {
            let mut run = check_case(seed, &case, Rules::AppendOnly);
            if let (Some(limit), true) = (case.limit, case.partition.is_empty()) {
                assert!(run.state_entries(0) <= (case.offset + limit) as usize, "{case:?}");
            }
        }
    }
}

#[test]
fn a_window_is_one_entry() {
    for seed in seeds(2) {
        for case in cases().into_iter().filter(|case| case.limit.is_some()) {
            let case = Case { kept: Kept::Window, ..case };
            let mut run = check_case(seed, &case, Rules::AppendOnly);
            if case.partition.is_empty() {
                assert!(run.state_entries(0) <= 1, "{case:?}");
            }
        }
    }
}

/// Counts only grow, so of the groups of a partition the first by count are enough.
#[test]
fn a_window_over_counts_is_one_entry() {
    let aggregates = vec![Aggregate {
        function: AggregateFunction::Count,
        argument: None,
        distinct: false,
        filter: None,
        returns: INT,
    }];
    let counts = Op::Aggregate { group: vec![0, 2], aggregates };
    let order = vec![SortColumn { column: 2, descending: true, nulls_first: true }];
    for seed in seeds(20) {
        for (offset, limit, rank) in [(0, 1, true), (0, 2, false), (1, 2, true)] {
            let (limit, kept) = (Some(limit), Kept::Window);
            let case = Case { partition: vec![0], order: order.clone(), offset, limit, rank, kept };
            let (partition, order) = (case.partition.clone(), case.order.clone());
            let top_k = Op::TopK { partition, order, offset, limit, rank, kept };
            let mut types = vec![INT, TEXT, INT];
            let counted = Node { state: vec![1, 2], ..node(counts.clone(), &[0], &types) };
            types.extend(rank.then_some(INT));
            let nodes = vec![counted, node(top_k, &[1], &types)];
            let batch = |inputs: &[Vec<Row>]| {
                let mut groups: BTreeMap<(Cell, Cell), i64> = BTreeMap::new();
                for row in &inputs[0] {
                    *groups.entry((row[0].clone(), row[2].clone())).or_default() += 1;
                }
                let rows = groups.into_iter().map(|((a, b), n)| vec![a, b, Cell::Int(n)]);
                batch(&case, &rows.collect::<Vec<_>>())
            };
            check(seed, vec![Relation::new(&TYPES, Rules::AppendOnly)], nodes, &batch);
        }
    }
}

#[test]
fn a_key_with_no_order_is_still_deterministic() {
    let case = Case { partition: vec![], order: vec![], offset: 0, limit: Some(3), rank: true, kept: Kept::Rows };
    for seed in seeds(5) {
        check_case(seed, &case, Rules::Bag);
    }
}
