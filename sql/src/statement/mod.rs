//! Statements: what a client can say, taken apart but not yet planned.
//!
//! The top-level parser is ours (`dispatch`), since sqlparser's dialects cannot add statements; queries, DML, column
//! definitions and expressions fall through to sqlparser. Text is tokenised once (`source`); every token carries its
//! position in characters, which is how errors of sqlparser and of DataFusion get theirs.

mod columns;
mod copy;
mod copy_options;
mod create;
mod create_index;
mod create_view;
mod cursor;
mod dialect;
mod dispatch;
mod drop;
mod duration;
mod explain;
mod options;
mod prepare;
mod refused;
mod session;
mod source;
mod spelling;
mod syntax_error;
mod transaction;

pub use cursor::{fold, relation_name};
pub use dispatch::{parse, parse_expression, parse_query};

use crate::SqlError;
use crate::catalog::{Column, KeyPart};
use datafusion::sql::sqlparser::ast;
use std::fmt;

/// One parsed statement with its text.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The statement.
    pub statement: Statement,
    /// Its text, without the semicolon.
    pub text: String,
}

/// A statement. Names are folded as Postgres does.
#[derive(Clone, Debug)]
pub enum Statement {
    /// SELECT, VALUES, WITH, TABLE.
    Query(Box<ast::Query>),
    /// INSERT (INTO s VALUES / SELECT, ON CONFLICT, RETURNING).
    Insert(Box<ast::Insert>),
    /// UPDATE.
    Update(Box<ast::Statement>),
    /// DELETE.
    Delete(Box<ast::Statement>),
    /// COPY t (columns) FROM STDIN.
    CopyFrom(CopyFrom),
    /// COPY t TO STDOUT or COPY (query) TO STDOUT.
    CopyTo(CopyTo),
    /// CREATE STREAM.
    CreateStream(CreateStream),
    /// CREATE TABLE.
    CreateTable(CreateTable),
    /// CREATE MATERIALIZED VIEW or CREATE VIEW.
    CreateView(CreateView),
    /// CREATE INDEX.
    CreateIndex(CreateIndex),
    /// DROP.
    Drop(Drop),
    /// EXPLAIN of a query or of CREATE MATERIALIZED VIEW.
    Explain(Explain),
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// SET name = value (value as text; several values joined by ", "). `local` for SET LOCAL.
    Set {
        /// Setting.
        name: String,
        /// Value; `None` is DEFAULT.
        value: Option<String>,
    },
    /// SHOW name (or ALL).
    Show {
        /// Setting.
        name: String,
    },
    /// RESET name (or ALL), DISCARD ...: tag is the completion tag.
    Discard {
        /// Completion tag to answer with.
        tag: String,
    },
    /// FLUSH, and others that mean nothing here but are sent by tools: answered with this completion tag.
    Ignored {
        /// Completion tag to answer with.
        tag: String,
    },
    /// PREPARE name (types) AS statement.
    Prepare {
        /// Name.
        name: String,
        /// Declared parameter types.
        types: Vec<crate::algebra::Type>,
        /// The statement.
        statement: Box<Parsed>,
    },
    /// EXECUTE name (arguments as literals).
    Execute {
        /// Name.
        name: String,
        /// Arguments.
        arguments: Vec<ast::Expr>,
    },
    /// DEALLOCATE name (`None` is ALL).
    Deallocate {
        /// Name.
        name: Option<String>,
    },
    /// An empty statement.
    Empty,
}

/// CREATE STREAM name (columns) WITH (options).
#[derive(Clone, Debug)]
pub struct CreateStream {
    /// Name.
    pub name: String,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Columns.
    pub columns: Vec<Column>,
    /// `retention` in seconds.
    pub retention_seconds: Option<u64>,
}

/// CREATE TABLE name (columns, PRIMARY KEY).
#[derive(Clone, Debug)]
pub struct CreateTable {
    /// Name.
    pub name: String,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Columns (without the hidden row id, which the coordinator's caller adds when `primary_key` is empty).
    pub columns: Vec<Column>,
    /// Indexes into `columns`.
    pub primary_key: Vec<usize>,
}

/// `CREATE [MATERIALIZED] VIEW name [(columns)] AS query`.
#[derive(Clone, Debug)]
pub struct CreateView {
    /// Name.
    pub name: String,
    /// MATERIALIZED.
    pub materialized: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Column names given.
    pub columns: Vec<String>,
    /// The query.
    pub query: Box<ast::Query>,
    /// Text of the query.
    pub query_text: String,
}

/// `CREATE INDEX [name] ON relation (columns) INCLUDE (columns)`. Columns by name; resolved against the catalog later.
#[derive(Clone, Debug)]
pub struct CreateIndex {
    /// Name; `None` asks for Postgres' `relation_column_idx`.
    pub name: Option<String>,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Indexed relation.
    pub relation: String,
    /// Column name and order (`KeyPart::column` is not yet meaningful).
    pub key: Vec<(String, KeyPart)>,
    /// INCLUDE.
    pub include: Vec<String>,
    /// Where its names stand.
    pub places: Places,
}

/// Where the names of a statement stand in its text, for errors that are found out when it runs.
#[derive(Clone, Default)]
pub struct Places {
    /// Position of the relation.
    pub relation: usize,
    /// Columns with their positions.
    pub columns: Vec<(String, usize)>,
}

impl Places {
    /// The error with the position of this column.
    #[must_use]
    pub fn at_column(&self, name: &str, error: SqlError) -> SqlError {
        match self.columns.iter().rev().find(|(column, _)| column == name) {
            Some((_, position)) => error.at(*position),
            None => error,
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

/// What DROP drops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DropKind {
    /// DROP STREAM.
    Stream,
    /// DROP TABLE.
    Table,
    /// DROP MATERIALIZED VIEW.
    MaterializedView,
    /// DROP VIEW.
    View,
    /// DROP INDEX.
    Index,
}

/// `DROP kind [IF EXISTS] names [CASCADE]`.
#[derive(Clone, Debug)]
pub struct Drop {
    /// Kind.
    pub kind: DropKind,
    /// IF EXISTS.
    pub if_exists: bool,
    /// Names.
    pub names: Vec<String>,
    /// CASCADE.
    pub cascade: bool,
}

/// EXPLAIN.
#[derive(Clone, Debug)]
pub struct Explain {
    /// ANALYZE.
    pub analyze: bool,
    /// What is explained: a query, DML or CREATE MATERIALIZED VIEW.
    pub statement: Box<Parsed>,
}

/// Format of COPY data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CopyFormat {
    /// Postgres text.
    Text {
        /// Column separator.
        delimiter: u8,
        /// NULL marker.
        null: String,
    },
    /// CSV.
    Csv {
        /// Column separator.
        delimiter: u8,
        /// Quote character.
        quote: u8,
        /// Escape character inside quotes.
        escape: u8,
        /// NULL marker (unquoted).
        null: String,
    },
}

/// COPY relation FROM STDIN.
#[derive(Clone, Debug)]
pub struct CopyFrom {
    /// Target.
    pub relation: String,
    /// Columns named; empty is all.
    pub columns: Vec<String>,
    /// Format.
    pub format: CopyFormat,
    /// First line is a header.
    pub header: bool,
    /// One epoch per this many rows instead of one for the whole COPY.
    pub batch_rows: Option<usize>,
    /// Where its names stand.
    pub places: Places,
}

/// COPY ... TO STDOUT.
#[derive(Clone, Debug)]
pub struct CopyTo {
    /// The query to copy out (a relation is turned into SELECT columns FROM relation).
    pub query: Box<ast::Query>,
    /// Format.
    pub format: CopyFormat,
    /// Write a header line.
    pub header: bool,
}

#[cfg(test)]
mod tests;
