//! Aggregates.

use super::cells::{BOOL, Cell, DECIMAL, FLOAT, Float, INT, Row, TEXT, to_batch};
use super::harness::{Run, check, check_plan, node, plan, plan_in_rows, seeds};
use super::relation::{Relation, Rules};
use crate::dataflow::Fault;
use attune_planner::{Aggregate, AggregateFunction, DataflowPlan, Expr, Node, Op, PLAN_VERSION};
use attune_sql::operators::statistics::{Moments, Statistic};
use attune_storage::{ColumnType, Delta};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const SUM_DECIMAL: ColumnType = ColumnType::Decimal { precision: 20, scale: 2 };
const AVG_DECIMAL: ColumnType = ColumnType::Decimal { precision: 14, scale: 6 };
/// Of integers: their sum and average in new plans.
const SUM_INT: ColumnType = ColumnType::Decimal { precision: 38, scale: 0 };
const AVG_INT: ColumnType = ColumnType::Decimal { precision: 38, scale: 16 };
const TYPES: [ColumnType; 5] = [INT, FLOAT, TEXT, DECIMAL, BOOL];

const STATISTICS: [(AggregateFunction, Statistic); 4] = [
    (AggregateFunction::VarPop, Statistic::VarPop),
    (AggregateFunction::VarSamp, Statistic::VarSamp),
    (AggregateFunction::StddevPop, Statistic::StddevPop),
    (AggregateFunction::StddevSamp, Statistic::StddevSamp),
];

/// Digits after the point.
fn scale(column_type: ColumnType) -> i8 {
    match column_type {
        ColumnType::Decimal { scale, .. } => scale,
        _ => 0,
    }
}

/// Every function over every column it takes, with and without DISTINCT and FILTER.
fn all_aggregates() -> Vec<Aggregate> {
    let mut all = Vec::new();
    for distinct in [false, true] {
        for filter in [None, Some(4)] {
            let mut add = |function, argument, returns| {
                all.push(Aggregate { function, argument, distinct, filter, returns });
            };
            for (column, column_type) in TYPES.into_iter().enumerate() {
                add(AggregateFunction::Count, Some(column), INT);
                add(AggregateFunction::Min, Some(column), column_type);
                add(AggregateFunction::Max, Some(column), column_type);
            }
            for (column, sum, avg) in
                [(0, INT, FLOAT), (0, SUM_INT, AVG_INT), (1, FLOAT, FLOAT), (3, SUM_DECIMAL, AVG_DECIMAL)]
            {
                add(AggregateFunction::Sum, Some(column), sum);
                add(AggregateFunction::Avg, Some(column), avg);
            }
            for (function, _) in STATISTICS {
                add(function, Some(0), AVG_INT);
                add(function, Some(3), AVG_INT);
            }
            if !distinct {
                add(AggregateFunction::Count, None, INT);
            }
        }
    }
    all
}

/// The batch definition of one aggregate.
fn batch_one(aggregate: &Aggregate, rows: &[Row]) -> Cell {
    let rows = rows.iter().filter(|row| aggregate.filter.is_none_or(|filter| row[filter] == Cell::Bool(true)));
    let Some(argument) = aggregate.argument else { return Cell::Int(rows.count() as i64) };
    let mut values: Vec<Cell> = rows.map(|row| row[argument].clone()).filter(|cell| *cell != Cell::Null).collect();
    if aggregate.distinct {
        values = values.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    }
    let count = values.len();
    if aggregate.function == AggregateFunction::Count {
        return Cell::Int(count as i64);
    }
    if count == 0 {
        return Cell::Null;
    }
    let ints = || values.iter().map(|v| if let Cell::Int(v) = v { *v } else { panic!() }).sum::<i64>();
    let floats = || values.iter().map(|v| if let Cell::Float(v) = v { v.0 } else { panic!() }).sum::<f64>();
    let exact = |value: &Cell| match value {
        Cell::Int(value) => i128::from(*value),
        Cell::Decimal(value) => *value,
        other => panic!("{other:?}"),
    };
    let decimals = || values.iter().map(exact).sum::<i128>();
    let (from, to) = (scale(TYPES[argument]), scale(aggregate.returns));
    if let Some((_, statistic)) = STATISTICS.iter().find(|(function, _)| *function == aggregate.function) {
        let mut moments = Moments::default();
        values.iter().for_each(|value| moments.add(exact(value), 1));
        return moments.statistic(*statistic, from, to).unwrap().map_or(Cell::Null, Cell::Decimal);
    }
    match (aggregate.function, &values[0]) {
        (AggregateFunction::Min, _) => values.into_iter().min().unwrap(),
        (AggregateFunction::Max, _) => values.into_iter().max().unwrap(),
        (AggregateFunction::Sum, Cell::Int(_)) if aggregate.returns == INT => Cell::Int(ints()),
        (AggregateFunction::Sum, Cell::Float(_)) => Cell::Float(Float(floats())),
        (AggregateFunction::Sum, _) => Cell::Decimal(decimals()),
        (_, Cell::Int(_)) if aggregate.returns == FLOAT => Cell::Float(Float(ints() as f64 / count as f64)),
        (_, Cell::Float(_)) => Cell::Float(Float(floats() / count as f64)),
        // Half away from zero.
        (_, _) => {
            let (sum, count) = (decimals() * 10_i128.pow((to - from) as u32), count as i128);
            Cell::Decimal((2 * sum + sum.signum() * count) / (2 * count))
        }
    }
}

/// The batch definition of GROUP BY.
fn batch(group: &[usize], aggregates: &[Aggregate], rows: &[Row]) -> Vec<Row> {
    let mut groups: BTreeMap<Row, Vec<Row>> = BTreeMap::new();
    if group.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    for row in rows {
        groups.entry(group.iter().map(|column| row[*column].clone()).collect()).or_default().push(row.clone());
    }
    let result = |(mut key, rows): (Row, Vec<Row>)| {
        key.extend(aggregates.iter().map(|aggregate| batch_one(aggregate, &rows)));
        key
    };
    groups.into_iter().map(result).collect()
}

fn aggregate_node(group: &[usize], aggregates: &[Aggregate], types: &[ColumnType]) -> Node {
    let mut output: Vec<ColumnType> = group.iter().map(|column| types[*column]).collect();
    output.extend(aggregates.iter().map(|aggregate| aggregate.returns));
    node(Op::Aggregate { group: group.to_vec(), aggregates: aggregates.to_vec() }, &[0], &output)
}

#[test]
fn groups_are_what_they_would_be_in_batch() {
    let aggregates = all_aggregates();
    for seed in seeds(30) {
        let group: &[usize] = [&[0][..], &[1], &[2, 0], &[]][seed as usize % 4];
        let relations = vec![Relation::new(&TYPES, Rules::Bag)];
        let nodes = vec![aggregate_node(group, &aggregates, &TYPES)];
        let mut run = check(seed, relations, nodes, &|inputs| batch(group, &aggregates, &inputs[0]));
        assert_eq!(run.state_entries(0), usize::from(group.is_empty()), "groups without rows are gone");
        assert_eq!(run.state_entries(1), 0, "and so are their values");
    }
}

#[test]
fn state_in_the_rows_of_the_view() {
    let aggregates = all_aggregates();
    for seed in seeds(30) {
        let group: &[usize] = [&[0][..], &[1], &[2, 0]][seed as usize % 3];
        let relations = vec![Relation::new(&TYPES, Rules::Bag)];
        let mut nodes = vec![aggregate_node(group, &aggregates, &TYPES)];
        let mut key: Vec<usize> = (0..group.len()).collect();
        // With the columns in the opposite order, so that the key's are last, and turned around.
        let turned = seed % 2 == 1;
        if turned {
            let fields: Vec<ColumnType> = nodes[0].schema.iter().rev().map(|field| field.column_type).collect();
            key = (fields.len() - group.len()..fields.len()).collect();
            let exprs = (0..fields.len()).rev().map(Expr::Column).collect();
            nodes.push(node(Op::Project { exprs }, &[1], &fields));
        }
        let plan = plan_in_rows(&relations, nodes, key);
        let mut run = check_plan(seed, relations, plan, &|inputs| {
            let mut rows = batch(group, &aggregates, &inputs[0]);
            if turned {
                rows.iter_mut().for_each(|row| row.reverse());
            }
            rows
        });
        assert_eq!((run.state_entries(0), run.state_entries(1)), (0, 0));
    }
}

#[test]
fn a_group_whose_row_stays_the_same_is_written_and_is_no_change() {
    let max =
        Aggregate { function: AggregateFunction::Max, argument: Some(1), distinct: false, filter: None, returns: INT };
    let relation = Relation::new(&[INT, INT], Rules::Bag);
    let nodes = vec![aggregate_node(&[0], &[max], &[INT, INT])];
    let mut run = Run::new(plan_in_rows(std::slice::from_ref(&relation), nodes, vec![0]));
    let mut step = |rows: &[(i64, i64)]| {
        let cells: Vec<Row> = rows.iter().map(|(value, _)| vec![Cell::Int(1), Cell::Int(*value)]).collect();
        let weights = rows.iter().map(|(_, weight)| *weight).collect();
        run.step(&HashMap::from([(0, Delta::new(to_batch(&relation.schema(), &cells), weights))])).unwrap();
        super::cells::rows_of(&run.output)
    };
    assert_eq!(step(&[(7, 1)]), [[Cell::Int(1), Cell::Int(7)]]);
    // Had it not been written, the group would be gone with the 7.
    assert_eq!(step(&[(3, 1)]), [[Cell::Int(1), Cell::Int(7)]]);
    assert_eq!(step(&[(7, -1)]), [[Cell::Int(1), Cell::Int(3)]]);
    assert_eq!(step(&[(3, -1)]), Vec::<Row>::new());
}

#[test]
fn append_only_extremes_need_no_multiset() {
    let aggregate = |function, argument| Aggregate {
        function,
        argument: Some(argument),
        distinct: false,
        filter: Some(4),
        returns: TYPES[argument],
    };
    let aggregates: Vec<_> = (0..5)
        .flat_map(|column| [aggregate(AggregateFunction::Min, column), aggregate(AggregateFunction::Max, column)])
        .collect();
    for seed in seeds(10) {
        let relations = vec![Relation::new(&TYPES, Rules::AppendOnly)];
        let nodes = vec![aggregate_node(&[0], &aggregates, &TYPES)];
        let mut run = check(seed, relations, nodes, &|inputs| batch(&[0], &aggregates, &inputs[0]));
        assert_eq!(run.state_entries(1), 0);
    }
}

#[test]
fn group_by_without_aggregates_is_distinct() {
    for seed in seeds(5) {
        let relations = vec![Relation::new(&[INT, TEXT], Rules::Bag)];
        let nodes = vec![aggregate_node(&[1], &[], &[INT, TEXT])];
        check(seed, relations, nodes, &|inputs| batch(&[1], &[], &inputs[0]));
    }
}

fn sum_of_ints() -> Run {
    let sum =
        Aggregate { function: AggregateFunction::Sum, argument: Some(0), distinct: false, filter: None, returns: INT };
    let relation = Relation::new(&[INT], Rules::Bag);
    Run::new(plan(&[relation], vec![aggregate_node(&[], &[sum], &[INT])]))
}

fn ints(changes: &[(i64, i64)]) -> HashMap<u32, Delta> {
    let rows: Vec<Row> = changes.iter().map(|(value, _)| vec![Cell::Int(*value)]).collect();
    let schema = Relation::new(&[INT], Rules::Bag).schema();
    HashMap::from([(0, Delta::new(to_batch(&schema, &rows), changes.iter().map(|(_, weight)| *weight).collect()))])
}

#[test]
fn a_sum_that_does_not_fit_is_null_until_it_does() {
    let mut run = sum_of_ints();
    let result = |run: &Run| super::cells::rows_of(&run.output);
    run.step(&ints(&[(i64::MAX, 1), (1, 1)])).unwrap();
    assert_eq!(result(&run), [[Cell::Null]]);
    assert_eq!(run.row_errors.count, 1);
    assert!(run.row_errors.samples[0].message.contains("does not fit"), "{:?}", run.row_errors);
    run.step(&ints(&[(1, -1)])).unwrap();
    assert_eq!(result(&run), [[Cell::Int(i64::MAX)]]);
    assert_eq!(run.row_errors.count, 1);
}

/// Averages of old plans are cut off, since so they are in the rows of the view.
#[test]
fn averages_of_old_plans_are_cut_off() {
    let column = ColumnType::Decimal { precision: 10, scale: 2 };
    let average = Aggregate {
        function: AggregateFunction::Avg,
        argument: Some(0),
        distinct: false,
        filter: None,
        returns: AVG_DECIMAL,
    };
    let relation = Relation::new(&[column], Rules::Bag);
    for (version, expected) in [(5, 16_666), (PLAN_VERSION, 16_667)] {
        let nodes = vec![aggregate_node(&[], std::slice::from_ref(&average), &[column])];
        let mut run = Run::new(DataflowPlan { version, ..plan(std::slice::from_ref(&relation), nodes) });
        let rows: Vec<Row> = [1, 2, 2].iter().map(|value| vec![Cell::Decimal(*value)]).collect();
        run.step(&HashMap::from([(0, Delta::new(to_batch(&relation.schema(), &rows), vec![1; 3]))])).unwrap();
        assert_eq!(super::cells::rows_of(&run.output), [[Cell::Decimal(expected)]], "version {version}");
    }
}

#[test]
fn more_deletes_than_rows_is_a_fault() {
    let mut run = sum_of_ints();
    run.step(&ints(&[(1, 1)])).unwrap();
    assert!(matches!(run.step(&ints(&[(1, -2)])), Err(Fault::Internal(_))));
}
