//! Which names mean what: the tables and columns that are visible at a place of a query.

use super::Result;
use super::expr::Clause;
use crate::algebra::{AggregateCall, Column, ColumnId};
use crate::catalog::KeyPart;
use crate::{SqlError, SqlState, suggest};
use datafusion::sql::sqlparser::ast;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A table of FROM, under its name there.
#[derive(Clone)]
pub(super) struct Table {
    /// Alias, or name; `None` for a join's merged columns.
    pub(super) name: Option<String>,
    /// Names and columns, in order.
    pub(super) columns: Vec<(String, Column)>,
    /// Columns that need the table's name before theirs, and that `*` leaves out: what tells the rows of the target of an UPDATE
    /// or DELETE.
    pub(super) hidden: Vec<(String, Column)>,
    /// The name of the relation, which an alias hides.
    pub(super) relation: Option<String>,
    /// Columns of its primary key, if it is a relation that has one.
    pub(super) key: Vec<ColumnId>,
}

impl Table {
    pub(super) fn new(name: Option<String>, columns: Vec<(String, Column)>) -> Table {
        Table { name, columns, hidden: Vec::new(), relation: None, key: Vec::new() }
    }

    /// Of a relation of this name.
    pub(super) fn of_relation(mut self, name: &str) -> Table {
        self.relation = Some(name.to_owned());
        self
    }

    /// With the primary key of a relation whose columns these are. One that may be NULL (of a view's groups) is none: rows that an
    /// outer join adds would be of the same group.
    pub(super) fn with_key(mut self, key: &[KeyPart]) -> Table {
        let column = |part: &KeyPart| self.columns.get(part.column).filter(|(_, column)| !column.nullable);
        let ids = key.iter().map(|part| column(part).map(|(_, column)| column.id));
        self.key = ids.collect::<Option<Vec<_>>>().unwrap_or_default();
        self
    }
}

/// What FROM makes visible.
#[derive(Clone, Default)]
pub(super) struct Namespace {
    /// For names with a table before them.
    pub(super) tables: Vec<Table>,
    /// For names alone, and `*`: what USING has merged is here once.
    pub(super) columns: Vec<(String, Column)>,
    /// WINDOW: the names it gives.
    pub(super) windows: Vec<(String, ast::WindowSpec)>,
    /// Aggregates of this query that stand in its subqueries, which read them as these columns: see `level`.
    pub(super) lifted: RefCell<Vec<(Column, AggregateCall)>>,
}

impl Namespace {
    /// Of one table.
    pub(super) fn of(table: Table) -> Namespace {
        Namespace { columns: table.columns.clone(), tables: vec![table], ..Namespace::default() }
    }

    /// Both.
    pub(super) fn with(mut self, other: Namespace) -> Result<Namespace> {
        for table in &other.tables {
            if let Some(name) = &table.name
                && self.tables.iter().any(|own| own.name.as_ref() == Some(name))
            {
                let message = format!("table name \"{name}\" specified more than once");
                return Err(SqlError::new(SqlState::DuplicateAlias, message)
                    .with_hint("Give one of them another name with AS."));
            }
        }
        self.tables.extend(other.tables);
        self.columns.extend(other.columns);
        Ok(self)
    }

    /// Columns that may be NULL now: the side of an outer join that is padded.
    pub(super) fn nullable(mut self) -> Namespace {
        let columns = self.columns.iter_mut().chain(self.tables.iter_mut().flat_map(|table| &mut table.columns));
        columns.for_each(|(_, column)| column.nullable = true);
        self
    }
}

/// A place of a query: what is visible there, and around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) namespace: &'s Namespace,
    pub(super) env: &'s Env<'s>,
}

/// What surrounds a query.
#[derive(Clone, Default)]
pub(super) struct Env<'s> {
    /// The place of the surrounding query, if this is a subquery.
    pub(super) outer: Option<&'s Scope<'s>>,
    /// Where in that query it stands.
    pub(super) place: Clause,
    /// Common table expressions, the nearest first.
    pub(super) ctes: Option<Rc<Cte<'s>>>,
}

/// A common table expression, and those that were visible where it stands.
pub(super) struct Cte<'s> {
    pub(super) name: String,
    pub(super) cte: &'s ast::Cte,
    pub(super) env: Env<'s>,
    /// Whether something reads it.
    pub(super) read: Cell<bool>,
}

impl<'s> Env<'s> {
    /// The CTE of this name.
    pub(super) fn cte(&self, name: &str) -> Option<Rc<Cte<'s>>> {
        let mut next = self.ctes.clone();
        while let Some(cte) = next {
            if cte.name == name {
                cte.read.set(true);
                return Some(cte);
            }
            next = cte.env.ctes.clone();
        }
        None
    }
}

impl Scope<'_> {
    /// A column by its name alone: of the nearest level that has one.
    pub(super) fn find(&self, name: &str) -> Result<Option<Column>> {
        let mut level = Some(self);
        while let Some(scope) = level {
            let mut found = scope.namespace.columns.iter().filter(|(own, _)| own == name).map(|(_, column)| column);
            match (found.next(), found.next()) {
                (Some(column), None) => return Ok(Some(column.clone())),
                (Some(_), Some(_)) => {
                    let message = format!("column reference \"{name}\" is ambiguous");
                    return Err(SqlError::new(SqlState::AmbiguousColumn, message)
                        .with_hint("Write the table before it: table.column."));
                }
                _ => level = scope.env.outer,
            }
        }
        Ok(None)
    }

    /// A table by its name: of the nearest level that has it.
    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        let mut level = Some(self);
        while let Some(scope) = level {
            if let Some(table) = scope.namespace.tables.iter().find(|table| table.name.as_deref() == Some(name)) {
                return Some(table);
            }
            level = scope.env.outer;
        }
        None
    }

    /// `name`, or an error with the nearest name.
    pub(super) fn column(&self, name: &str) -> Result<Column> {
        if let Some(column) = self.find(name)? {
            return Ok(column);
        }
        let error = SqlError::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"));
        Err(near(error, name, self.all_columns()))
    }

    /// `table.name`.
    pub(super) fn column_of(&self, table: &str, name: &str) -> Result<Column> {
        let Some(found) = self.table(table) else { return Err(self.missing_table(table)) };
        let all = found.columns.iter().chain(&found.hidden);
        let mut columns = all.filter(|(own, _)| own == name).map(|(_, column)| column);
        match (columns.next(), columns.next()) {
            (Some(column), None) => Ok(column.clone()),
            (Some(_), Some(_)) => {
                let message = format!("column reference \"{name}\" is ambiguous");
                Err(SqlError::new(SqlState::AmbiguousColumn, message))
            }
            _ => {
                let error = SqlError::new(SqlState::UndefinedColumn, format!("column {table}.{name} does not exist"));
                Err(near(error, name, found.columns.iter().map(|(name, _)| name.as_str())))
            }
        }
    }

    /// 42P01 for a table that FROM does not have.
    pub(super) fn missing_table(&self, table: &str) -> SqlError {
        let mut names = Vec::new();
        let mut level = Some(self);
        while let Some(scope) = level {
            let hidden = |own: &&Table| own.relation.as_deref() == Some(table) && own.name.as_deref() != Some(table);
            if let Some(alias) = scope.namespace.tables.iter().find(hidden).and_then(|own| own.name.as_deref()) {
                let message = format!("invalid reference to FROM-clause entry for table \"{table}\"");
                return SqlError::new(SqlState::UndefinedTable, message)
                    .with_hint(format!("Perhaps you meant to reference the table alias \"{alias}\"."));
            }
            names.extend(scope.namespace.tables.iter().filter_map(|table| table.name.as_deref()));
            level = scope.env.outer;
        }
        let message = format!("missing FROM-clause entry for table \"{table}\"");
        near(SqlError::new(SqlState::UndefinedTable, message), table, names)
    }

    fn all_columns(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut level = Some(self);
        while let Some(scope) = level {
            names.extend(scope.namespace.columns.iter().map(|(name, _)| name.as_str()));
            level = scope.env.outer;
        }
        names
    }
}

fn near<'n>(error: SqlError, name: &str, candidates: impl IntoIterator<Item = &'n str>) -> SqlError {
    match suggest(name, candidates) {
        Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
        None => error,
    }
}
