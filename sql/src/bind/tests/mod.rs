//! What queries are bound to: names, types, shapes, errors.

mod errors;
mod names;
mod sets;
mod shapes;

use super::bind_query;
use crate::SqlError;
use crate::algebra::Query;
use crate::binder::{Binder, SchemaSources};
use crate::catalog::tests::example;
use crate::statement::parse_query;
use expect_test::Expect;
use std::fmt::Write;

fn bind(sql: &str) -> Result<Query, String> {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    let query = parse_query(sql).map_err(|e| error_text(&e))?;
    bind_query(&binder, &query, &[]).map_err(|error| error_text(&error))
}

fn error_text(e: &SqlError) -> String {
    let at = e.position.map_or(String::new(), |p| format!(" at {p}"));
    format!("{e}{at}")
}

/// The tree of each query, or its error.
fn check_shapes(queries: &[&str], expected: Expect) {
    let mut out = String::new();
    for sql in queries {
        let text = match bind(sql) {
            Ok(query) => {
                let columns: Vec<String> = query.columns.iter().map(ToString::to_string).collect();
                format!("{}=> {}\n", crate::algebra::explain(&query.rel), columns.join(", "))
            }
            Err(error) => format!("{error}\n"),
        };
        writeln!(out, "-- {sql}\n{text}").expect("a string");
    }
    expected.assert_eq(&out);
}

/// Names and types of the output and of the parameters, per query.
fn check_output(queries: &[&str], expected: Expect) {
    let mut out = String::new();
    for sql in queries {
        let text = match bind(sql) {
            Ok(query) => {
                let columns = query.names.iter().zip(&query.columns);
                let columns = columns.map(|(name, column)| format!("{name} {}", column.ty));
                let columns: Vec<String> = columns.collect();
                let parameters: Vec<String> = query.parameters.iter().map(|ty| format!("{ty}")).collect();
                match parameters.is_empty() {
                    true => columns.join(", "),
                    false => format!("{} from {}", columns.join(", "), parameters.join(", ")),
                }
            }
            Err(error) => error,
        };
        writeln!(out, "{sql}\n  => {text}").expect("a string");
    }
    expected.assert_eq(&out);
}
