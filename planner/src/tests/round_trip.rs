//! Plans survive the disk, and plans from the disk cannot do harm.

use super::fixture::{AFFINITY, SPEND, TOP_CATEGORIES, plan};
use crate::expr::{Literal, sql};
use crate::{DataflowPlan, Expr, Op, physical};
use arrow::array::{Array, AsArray, Float64Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use attune_sql::SqlState;
use attune_storage::ColumnType;
use expect_test::expect;
use std::sync::Arc;

#[test]
fn plans_are_the_same_after_json() {
    let long = (0..450).map(|n| format!("price = {n}.25")).collect::<Vec<_>>().join(" OR ");
    let long = format!("SELECT price FROM purchases WHERE {long} AND ts IS NOT NULL");
    let sum = (0..35).map(|n| format!("price * {n}.5")).collect::<Vec<_>>().join(" + ");
    let sum = format!("SELECT {sum} AS score FROM purchases");
    for query in [SPEND, AFFINITY, TOP_CATEGORIES, &long, &sum] {
        let plan = plan(query).expect("lowers");
        let json = serde_json::to_string(&plan).expect("is JSON");
        let back: DataflowPlan = serde_json::from_str(&json).expect("reads back");
        assert_eq!(back, plan);
    }
}

#[test]
fn the_json_form_is_stable() {
    let plan = plan("SELECT product_id, upper(name) AS n FROM products WHERE category = 'a'").expect("lowers");
    let json = serde_json::to_string_pretty(&plan).expect("is JSON");
    expect![[r#"
        {
          "version": 6,
          "nodes": [
            {
              "op": {
                "scan": {
                  "relation": 10,
                  "name": "products",
                  "columns": [
                    0,
                    2,
                    3
                  ]
                }
              },
              "inputs": [],
              "schema": [
                {
                  "name": "product_id",
                  "column_type": "int64",
                  "nullable": false
                },
                {
                  "name": "category",
                  "column_type": "text",
                  "nullable": true
                },
                {
                  "name": "name",
                  "column_type": "text",
                  "nullable": true
                }
              ],
              "exchange": [],
              "key": [
                0
              ],
              "append_only": false,
              "state": []
            },
            {
              "op": {
                "filter": {
                  "predicate": {
                    "binary": {
                      "op": "=",
                      "left": {
                        "column": 1
                      },
                      "right": {
                        "literal": {
                          "column_type": "text",
                          "value": "a"
                        }
                      }
                    }
                  }
                }
              },
              "inputs": [
                0
              ],
              "schema": [
                {
                  "name": "product_id",
                  "column_type": "int64",
                  "nullable": false
                },
                {
                  "name": "category",
                  "column_type": "text",
                  "nullable": true
                },
                {
                  "name": "name",
                  "column_type": "text",
                  "nullable": true
                }
              ],
              "exchange": [
                null
              ],
              "key": [
                0
              ],
              "append_only": false,
              "state": []
            },
            {
              "op": {
                "project": {
                  "exprs": [
                    {
                      "column": 0
                    },
                    {
                      "function": {
                        "name": "upper",
                        "args": [
                          {
                            "column": 2
                          }
                        ],
                        "returns": "text"
                      }
                    }
                  ]
                }
              },
              "inputs": [
                1
              ],
              "schema": [
                {
                  "name": "product_id",
                  "column_type": "int64",
                  "nullable": false
                },
                {
                  "name": "n",
                  "column_type": "text",
                  "nullable": true
                }
              ],
              "exchange": [
                null
              ],
              "key": [
                0
              ],
              "append_only": false,
              "state": []
            }
          ],
          "state_slots": 0,
          "key": [
            0
          ],
          "single_row": false,
          "in_log": false,
          "state_in_rows": false
        }"#]]
    .assert_eq(&json);
}

/// A plan of an older version, which had not all fields, read back.
fn as_written_by(version: u32, plan: &DataflowPlan, without: &[&str]) -> DataflowPlan {
    let mut json = serde_json::to_value(plan).expect("is JSON");
    json["version"] = version.into();
    for field in without {
        json.as_object_mut().expect("an object").remove(*field).expect("a field");
    }
    serde_json::from_value(json).expect("reads back")
}

#[test]
fn plans_whose_rows_were_never_in_logs_are_read() {
    let plan = plan("SELECT product_id FROM purchases").expect("lowers");
    assert!(plan.in_log);
    let back = as_written_by(2, &plan, &["in_log", "state_in_rows"]);
    // Its rows were stored by key, and are counted.
    assert_eq!((back.version, back.in_log, back.counts_rows()), (2, false, true));
}

#[test]
fn plans_whose_state_was_in_tables_only_are_read() {
    let plan = plan("SELECT product_id, count(*) AS n FROM purchases GROUP BY product_id").expect("lowers");
    assert!(plan.state_in_rows);
    let back = as_written_by(3, &plan, &["state_in_rows"]);
    assert_eq!((back.version, back.state_in_rows), (3, false));
}

#[test]
fn state_is_in_rows_where_each_group_has_one() {
    let in_rows = |query: &str| plan(query).expect("lowers").row_aggregate().map(|found| found.key);
    let of = |select: &str| format!("SELECT {select} FROM purchases GROUP BY household_id, product_id");
    assert_eq!(in_rows(&of("product_id, household_id, count(*) AS n")).map(|key| key.len()), Some(2));
    assert_eq!(in_rows(&of("household_id, product_id, sum(price) / count(*) AS mean")).map(|key| key.len()), Some(2));
    // A group column is missing, changed, or there; but not every group has a row.
    assert_eq!(in_rows(&of("household_id, count(*) AS n")), None);
    assert_eq!(in_rows(&of("household_id, product_id + 1 AS p, count(*) AS n")), None);
    assert_eq!(in_rows(&(of("household_id, product_id, count(*) AS n") + " HAVING count(*) > 1")), None);
    assert_eq!(in_rows("SELECT count(*) AS n FROM purchases"), None);
}

/// The batch has equal column names, as joins give.
fn batch() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("a", DataType::Utf8, true),
        Field::new("a", DataType::Float64, true),
    ]);
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(Int32Array::from(vec![Some(1), None])),
        Arc::new(StringArray::from(vec![Some("x"), Some("yy")])),
        Arc::new(Float64Array::from(vec![Some(0.5), Some(2.0)])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).expect("a batch")
}

#[test]
fn expressions_compile_by_place_and_are_coerced() {
    let batch = batch();
    let product = Expr::binary("*", Expr::Column(0), Expr::Column(2));
    let product = physical(&product, &batch.schema()).expect("compiles").evaluate(&batch).expect("runs");
    let product = product.into_array(2).expect("an array");
    assert_eq!(product.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), vec![Some(0.5), None]);

    let args = vec![Expr::Column(1)];
    let upper = Expr::Function { name: "upper".to_owned(), args, returns: ColumnType::Text };
    let upper = physical(&upper, &batch.schema()).expect("compiles").evaluate(&batch).expect("runs");
    let upper = upper.into_array(2).expect("an array");
    assert_eq!(upper.as_string::<i32>().iter().collect::<Vec<_>>(), vec![Some("X"), Some("YY")]);
}

#[test]
fn what_cannot_run_is_an_error() {
    let schema = batch().schema();
    let state = |expr: Expr| physical(&expr, &schema).map(|_| ()).map_err(|e| e.state);
    let call = |name: &str| Expr::Function { name: name.to_owned(), args: vec![], returns: ColumnType::Text };
    assert_eq!(state(Expr::Column(3)), Err(SqlState::DataCorrupted));
    assert_eq!(state(call("no_such_function")), Err(SqlState::UndefinedFunction));
    assert_eq!(state(Expr::binary("<=>", Expr::Column(0), Expr::Column(0))), Err(SqlState::DataCorrupted));
    assert_eq!(state(Expr::Parameter { index: 0, column_type: ColumnType::Text }), Err(SqlState::UndefinedParameter));
    let text = Expr::Literal(Literal { column_type: ColumnType::Int16, value: Some("many".to_owned()) });
    assert_eq!(state(text), Err(SqlState::InvalidTextRepresentation));
}

#[test]
fn parentheses_stand_where_they_are_needed() {
    let plan = plan(
        "SELECT (price + 1.0) * quantity AS a, price - (ts IS NULL)::int AS b, -price AS c FROM purchases \
         WHERE (quantity > 1 OR price < 2.5) AND NOT (ts IS NULL AND price > 3.5)",
    )
    .expect("lowers");
    let fields = &plan.nodes[0].schema;
    let mut lines = Vec::new();
    for node in &plan.nodes {
        match &node.op {
            Op::Filter { predicate } => lines.push(sql(predicate, fields)),
            Op::Project { exprs } => lines.extend(exprs.iter().map(|e| sql(e, fields))),
            _ => {}
        }
    }
    expect![[r#"
        (quantity > 1 OR price < 2.5) AND (ts IS NOT NULL OR price <= 3.5)
        (price + 1) * quantity::double precision
        price - (ts IS NULL)::integer::double precision
        -price"#]]
    .assert_eq(&lines.join("\n"));
}
