//! Random changes: every statement that writes, alone and in transactions.

use super::expressions::Generator;
use super::schema::{Column, Table};
use super::scope::Col;
use super::types::{Domain, Ty};
use rand::rngs::StdRng;
use rand::{RngExt, seq::IndexedRandom};

/// One change, the same for both systems.
#[derive(Clone, Debug)]
pub enum Change {
    Statement(String),
    /// COPY FROM STDIN and its data.
    Copy(String, String),
    /// Several statements on one connection; true commits.
    Transaction(Vec<String>, bool),
}

impl Change {
    /// As a script for psql.
    pub fn script(&self) -> String {
        match self {
            Change::Statement(sql) => format!("{sql};\n"),
            Change::Copy(statement, data) => format!("{statement};\n{data}\\.\n"),
            Change::Transaction(statements, commit) => {
                let end = if *commit { "COMMIT" } else { "ROLLBACK" };
                format!("BEGIN;\n{};\n{end};\n", statements.join(";\n"))
            }
        }
    }
}

/// A change of one of the tables.
pub fn random(rng: &mut StdRng, tables: &[Table], full: &[bool]) -> Change {
    match rng.random_range(0..10) {
        0 => {
            let table = one_of(rng, tables);
            copy(rng, table)
        }
        1 | 2 => {
            let statements = (0..rng.random_range(1..5)).map(|_| statement(rng, tables, full)).collect();
            Change::Transaction(statements, rng.random_bool(0.75))
        }
        _ => Change::Statement(statement(rng, tables, full)),
    }
}

/// Rows for a table that has just been made.
pub fn first_rows(rng: &mut StdRng, table: &Table) -> Change {
    let count = rng.random_range(3..10);
    let conflict = if table.key.is_empty() { "" } else { " ON CONFLICT DO NOTHING" };
    Change::Statement(format!("INSERT INTO {} VALUES {}{conflict}", table.name, rows(rng, table, count)))
}

fn one_of<'a>(rng: &mut StdRng, tables: &'a [Table]) -> &'a Table {
    &tables[rng.random_range(0..tables.len())]
}

fn rows(rng: &mut StdRng, table: &Table, count: usize) -> String {
    let row = |rng: &mut StdRng| {
        let values: Vec<String> = table.columns.iter().map(|column| column.literal(rng)).collect();
        format!("({})", values.join(", "))
    };
    (0..count).map(|_| row(rng)).collect::<Vec<_>>().join(", ")
}

fn statement(rng: &mut StdRng, tables: &[Table], full: &[bool]) -> String {
    let at = rng.random_range(0..tables.len());
    let table = &tables[at];
    if table.stream {
        return insert(rng, table, tables);
    }
    match rng.random_range(0..10) {
        _ if full[at] => delete(rng, table, tables),
        0..4 => insert(rng, table, tables),
        4 if !table.key.is_empty() => upsert(rng, table),
        4..8 => update(rng, table, tables),
        _ => delete(rng, table, tables),
    }
}

fn insert(rng: &mut StdRng, table: &Table, tables: &[Table]) -> String {
    if table.key.is_empty() && rng.random_bool(0.3) {
        let from = one_of(rng, tables);
        return insert_query(rng, table, from);
    }
    let count = [1, 1, 2, 4][rng.random_range(0..4)];
    let conflict = if !table.key.is_empty() && rng.random_bool(0.6) { " ON CONFLICT DO NOTHING" } else { "" };
    let returning = if rng.random_bool(0.2) { " RETURNING *" } else { "" };
    let sql = format!("INSERT INTO {} VALUES {}{conflict}{returning}", table.name, rows(rng, table, count));
    if rng.random_bool(0.3) && conflict.is_empty() {
        return sql.replacen(" VALUES", &format!(" ({}) VALUES", table.names()), 1);
    }
    sql
}

/// INSERT ... SELECT of columns that fit.
fn insert_query(rng: &mut StdRng, table: &Table, from: &Table) -> String {
    let values: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let fits = |other: &&Column| {
                other.ty == column.ty
                    && column.length.is_none()
                    && (other.domain == column.domain || other.domain == Domain::Tame)
                    && (other.not_null || !column.not_null)
            };
            let usable: Vec<&Column> = from.columns.iter().filter(fits).collect();
            match usable.choose(rng) {
                Some(other) => format!("x.{}", other.name),
                // A literal in a query is text until it is stored.
                None => match column.value(rng) {
                    Some(value) => format!("CAST({} AS {})", super::types::quoted(&value), column.ty.name()),
                    None => format!("NULL::{}", column.ty.name()),
                },
            }
        })
        .collect();
    let condition = condition(rng, from, "x");
    format!("INSERT INTO {} SELECT {} FROM {} x WHERE {condition}", table.name, values.join(", "), from.name)
}

fn upsert(rng: &mut StdRng, table: &Table) -> String {
    let others: Vec<&Column> = table.columns.iter().filter(|column| !column.key).collect();
    let count = rng.random_range(1..3);
    let rows = rows(rng, table, count);
    let Some(column) = others.choose(rng) else {
        return format!("INSERT INTO {} VALUES {rows} ON CONFLICT DO NOTHING", table.name);
    };
    let name = &column.name;
    let value = match rng.random_range(0..4) {
        0 => format!("coalesce(excluded.{name}, {}.{name})", table.name),
        1 => column.literal(rng),
        _ => format!("excluded.{name}"),
    };
    let condition = match rng.random_range(0..4) {
        0 => format!(" WHERE {}.{name} IS DISTINCT FROM excluded.{name}", table.name),
        _ => String::new(),
    };
    let key = table.key_names().join(", ");
    let returning = if rng.random_bool(0.2) { " RETURNING *" } else { "" };
    let table = &table.name;
    format!(
        "INSERT INTO {table} VALUES {rows} ON CONFLICT ({key}) DO UPDATE SET {name} = {value}{condition}{returning}"
    )
}

fn update(rng: &mut StdRng, table: &Table, tables: &[Table]) -> String {
    let others: Vec<&Column> = table.columns.iter().filter(|column| !column.key).collect();
    let Some(column) = others.choose(rng) else { return delete(rng, table, tables) };
    if rng.random_bool(0.2)
        && let Some(sql) = update_from(rng, table, column, tables)
    {
        return sql;
    }
    let name = &column.name;
    let value = match rng.random_range(0..5) {
        0 if column.domain != Domain::Wild && [Ty::Int4, Ty::Int8].contains(&column.ty) => {
            format!("CASE WHEN {name} < 1000 THEN {name} + 1 ELSE 0 END")
        }
        1 => format!("CASE WHEN {} THEN {name} ELSE {} END", condition(rng, table, &table.name), column.literal(rng)),
        2 => format!("coalesce({name}, {})", column.literal(rng)),
        3 => format!("nullif({name}, {})", column.literal(rng)),
        _ => column.literal(rng),
    };
    let mut sets = vec![format!("{name} = {value}")];
    if let Some(second) = others.choose(rng)
        && second.name != *name
        && rng.random_bool(0.3)
    {
        sets.push(format!("{} = {}", second.name, second.literal(rng)));
    }
    let returning = if rng.random_bool(0.2) { " RETURNING *" } else { "" };
    let condition = condition(rng, table, &table.name);
    format!("UPDATE {} SET {} WHERE {condition}{returning}", table.name, sets.join(", "))
}

/// UPDATE ... FROM a table by the whole of its key: so that there is one row at most.
fn update_from(rng: &mut StdRng, table: &Table, column: &Column, tables: &[Table]) -> Option<String> {
    let other = tables.iter().find(|other| other.key.len() == 1 && other.name != table.name)?;
    let key = &other.columns[other.key[0]];
    let reference = table.columns.iter().find(|column| column.ty == key.ty)?;
    let fits = |other: &&Column| {
        other.ty == column.ty
            && column.length.is_none()
            && (other.domain == column.domain || other.domain == Domain::Tame)
            && (other.not_null || !column.not_null)
    };
    let value = other.columns.iter().find(fits)?;
    let condition = condition(rng, table, "x");
    Some(format!(
        "UPDATE {} AS x SET {} = y.{} FROM {} AS y WHERE y.{} = x.{} AND {condition}",
        table.name, column.name, value.name, other.name, key.name, reference.name
    ))
}

fn delete(rng: &mut StdRng, table: &Table, tables: &[Table]) -> String {
    let returning = if rng.random_bool(0.2) { " RETURNING *" } else { "" };
    if rng.random_bool(0.2) {
        let other = one_of(rng, tables);
        let pair = table
            .columns
            .iter()
            .find_map(|column| other.columns.iter().find(|other| other.ty == column.ty).map(|other| (column, other)));
        if let Some((column, by)) = pair.filter(|_| other.name != table.name) {
            let condition = condition(rng, other, "y");
            return format!(
                "DELETE FROM {} AS x USING {} AS y WHERE x.{} = y.{} AND {condition}",
                table.name, other.name, column.name, by.name
            );
        }
    }
    format!("DELETE FROM {} WHERE {}{returning}", table.name, condition(rng, table, &table.name))
}

/// A random condition over one table, mostly on a value of one column.
fn condition(rng: &mut StdRng, table: &Table, alias: &str) -> String {
    if rng.random_bool(0.6) {
        let column = &table.columns[rng.random_range(0..table.columns.len())];
        let value = if column.key { column.literal(rng) } else { super::types::literal(rng, column.ty) };
        let operator = ["=", "<", ">=", "IS NOT DISTINCT FROM"][rng.random_range(0..4)];
        return format!("{alias}.{} {operator} {value}", column.name);
    }
    let mut generator = Generator::new(rng.random(), &[]);
    generator.budget = 0;
    let scope: Vec<Vec<Col>> = vec![table.relation().columns.iter().map(|col| col.of(alias)).collect()];
    generator.expression(&scope, Ty::Bool, 2).sql
}

fn copy(rng: &mut StdRng, table: &Table) -> Change {
    let mut data = String::new();
    for _ in 0..rng.random_range(1..6) {
        let values: Vec<String> = table
            .columns
            .iter()
            .map(|column| match column.value(rng) {
                None => "\\N".to_owned(),
                Some(value) => escaped(&value),
            })
            .collect();
        data.push_str(&values.join("\t"));
        data.push('\n');
    }
    let names = if rng.random_bool(0.5) { format!(" ({})", table.names()) } else { String::new() };
    Change::Copy(format!("COPY {}{names} FROM STDIN", table.name), data)
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}
