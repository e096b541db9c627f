//! Names of tables and columns in a plan, which must say by themselves which column is meant.
//!
//! A scan has a name that no other scan of the plan has, and its columns are qualified by it. All other columns are unqualified,
//! under a name that no other one has and no scan's column that could stand beside it. So names stay what people wrote wherever
//! that is possible, and get a number where it is not.

use attune_sql::algebra::{Column, ColumnId, Rel};
use datafusion::common::Column as DfColumn;
use std::collections::{HashMap, HashSet};

/// Names that are taken.
#[derive(Default)]
pub(super) struct Names {
    tables: HashSet<String>,
    /// Columns of scans.
    scanned: HashSet<String>,
    /// How many scans there are.
    scans: usize,
    /// Columns of all else.
    computed: HashSet<String>,
    /// Names of the result's columns.
    wanted: HashMap<ColumnId, String>,
    /// The number that was given last for the name of a table, and of a column.
    table_numbers: HashMap<String, usize>,
    numbers: HashMap<String, usize>,
}

impl Names {
    /// Of a plan that gives `columns` as `names`.
    pub(super) fn of(rel: &Rel, columns: &[Column], names: &[String]) -> Names {
        let mut taken = Names::default();
        rel.visit(&mut |rel| {
            let Rel::Scan(scan) = rel else { return };
            taken.scans += 1;
            let schema = scan.source.schema();
            if scan.source.get_logical_plan().is_some() {
                taken.scanned.extend(schema.fields().iter().map(|field| field.name().clone()));
            } else {
                let fields = scan.columns.iter().filter_map(|(_, place)| schema.fields().get(*place));
                taken.scanned.extend(fields.map(|field| field.name().clone()));
            }
        });
        for (column, name) in columns.iter().zip(names) {
            taken.wanted.entry(column.id).or_insert_with(|| name.clone());
        }
        taken
    }

    /// The name of a scan.
    pub(super) fn table(&mut self, wanted: &str) -> String {
        let name = numbered(&mut self.table_numbers, wanted, |name| !self.tables.contains(name));
        self.tables.insert(name.clone());
        name
    }

    /// The name of a column that is computed above `scans` scans, and stands beside some columns of them.
    pub(super) fn column(&mut self, column: &Column, scans: usize, beside: &[DfColumn]) -> String {
        match self.wanted.get(&column.id).cloned() {
            Some(wanted) => self.fresh(&wanted, scans, beside),
            None => self.fresh(&column.name, scans, beside),
        }
    }

    /// The same for a column that the algebra does not know.
    pub(super) fn fresh(&mut self, wanted: &str, scans: usize, beside: &[DfColumn]) -> String {
        // Where all scans are below, their other columns have ended there.
        let all = scans == self.scans;
        let name = numbered(&mut self.numbers, wanted, |name| {
            let beside = if all { beside.iter().any(|c| c.name == name) } else { self.scanned.contains(name) };
            !beside && !self.computed.contains(name)
        });
        self.computed.insert(name.clone());
        name
    }
}

/// The name, with a number if it is not free.
fn numbered(numbers: &mut HashMap<String, usize>, wanted: &str, free: impl Fn(&str) -> bool) -> String {
    if free(wanted) {
        return wanted.to_owned();
    }
    let number = numbers.entry(wanted.to_owned()).or_default();
    loop {
        *number += 1;
        let name = format!("{wanted}_{number}");
        if free(&name) {
            return name;
        }
    }
}

/// Names of the result's columns, made different.
pub(super) fn distinct(columns: &[Column], names: &[String]) -> Vec<String> {
    let given = columns.iter().enumerate().map(|(i, column)| names.get(i).map_or(&*column.name, String::as_str));
    let given: Vec<&str> = given.collect();
    // A name that is there once stays as it is.
    let mut taken: HashSet<String> = HashSet::new();
    let mut numbers = HashMap::new();
    let all: HashSet<&str> = given.iter().copied().collect();
    let mut result = Vec::with_capacity(given.len());
    for name in given {
        let first = !taken.contains(name);
        let name = numbered(&mut numbers, name, |name| !taken.contains(name) && (first || !all.contains(name)));
        taken.insert(name.clone());
        result.push(name);
    }
    result
}
