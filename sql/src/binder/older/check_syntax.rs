//! Refusal of clauses that DataFusion would ignore or take for something else than Postgres does.

use crate::SqlError;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, GroupByExpr, JoinConstraint, JoinOperator, NamedWindowDefinition, NamedWindowExpr, Query, Select,
    SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins, WindowSpec, WindowType,
};

/// Checks the clauses of a query.
///
/// # Errors
/// 0A000, for this as for all below.
pub(super) fn query(query: &Query) -> Result<(), SqlError> {
    if !query.locks.is_empty() {
        return Err(SqlError::unsupported(
            "SELECT ... FOR UPDATE is not supported",
            "Leave it out: a transaction that writes is one epoch.",
        ));
    }
    if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
        return Err(SqlError::unsupported("FOR XML, SETTINGS and FORMAT are not supported", "Leave the clause out."));
    }
    match &*query.body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => Err(SqlError::unsupported(
            "INSERT, UPDATE and DELETE inside a query are not supported",
            "Send them on their own.",
        )),
        body => set_operations(body),
    }
}

/// DataFusion's EXCEPT ALL and INTERSECT ALL ask whether the other side has a row, not how often.
fn set_operations(mut body: &SetExpr) -> Result<(), SqlError> {
    use SetOperator::{Except, Intersect};
    use SetQuantifier::{All, AllByName};
    // Those that follow one another nest to the left.
    while let SetExpr::SetOperation { op, set_quantifier, left, right } = body {
        if let (Except | Intersect, All | AllByName) = (op, set_quantifier) {
            return Err(SqlError::unsupported(
                format!("{op} ALL is not supported"),
                "Number equal rows on both sides with row_number() OVER (PARTITION BY all columns), and leave ALL out.",
            ));
        }
        set_operations(right)?;
        body = left;
    }
    Ok(())
}

/// Checks the clauses of a SELECT.
pub(super) fn select(select: &Select) -> Result<(), SqlError> {
    if select.into.is_some() {
        return Err(SqlError::unsupported(
            "SELECT INTO is not supported",
            "Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT.",
        ));
    }
    let ignored = select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.distribute_by.is_empty()
        || select.value_table_mode.is_some()
        || select.exclude.is_some();
    if ignored {
        return Err(SqlError::unsupported(
            "PREWHERE, CONNECT BY, DISTRIBUTE BY, EXCLUDE and SELECT AS STRUCT are not supported",
            "Leave the clause out.",
        ));
    }
    select.named_window.iter().try_for_each(|NamedWindowDefinition(_, window)| match window {
        NamedWindowExpr::WindowSpec(spec) => window_spec(spec),
        NamedWindowExpr::NamedWindow(_) => Err(inherited_window()),
    })?;
    select.from.iter().try_for_each(joins)?;
    match &select.group_by {
        GroupByExpr::Expressions(_, modifiers) if modifiers.is_empty() => Ok(()),
        GroupByExpr::All(_) | GroupByExpr::Expressions(..) => {
            Err(SqlError::unsupported("GROUP BY ALL and modifiers are not supported", "Write the columns out."))
        }
    }
}

/// Checks one item of FROM.
pub(super) fn table_factor(factor: &TableFactor) -> Result<(), SqlError> {
    if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
        joins(table_with_joins)?;
    }
    if let TableFactor::Table { with_ordinality, partitions, version, sample, with_hints, .. } = factor {
        if sample.is_some() {
            return Err(SqlError::unsupported("TABLESAMPLE is not supported", "Filter on a hash of a column."));
        }
        if *with_ordinality || !partitions.is_empty() || version.is_some() || !with_hints.is_empty() {
            return Err(SqlError::unsupported(
                "WITH ORDINALITY, PARTITION, FOR SYSTEM_TIME and hints are not supported",
                "Leave the clause out; row_number() OVER () numbers rows.",
            ));
        }
    }
    Ok(())
}

/// What USING names is one column, and where only the right side has a row it has the value of that; DataFusion takes the left one.
fn joins(table: &TableWithJoins) -> Result<(), SqlError> {
    use JoinOperator::{FullOuter, Right, RightOuter};
    table.joins.iter().try_for_each(|join| match &join.join_operator {
        Right(JoinConstraint::Using(_) | JoinConstraint::Natural)
        | RightOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
        | FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural) => Err(SqlError::unsupported(
            "RIGHT and FULL JOIN with USING, and NATURAL ones, are not supported",
            "Use ON, and COALESCE(a.id, b.id) for the column of both.",
        )),
        _ => Ok(()),
    })
}

/// Checks an expression.
pub(super) fn expr(expr: &Expr) -> Result<(), SqlError> {
    match expr {
        // DataFusion ignores collations.
        Expr::Collate { .. } => {
            Err(SqlError::unsupported("COLLATE is not supported", "Leave it out; text is ordered by its bytes."))
        }
        // For DataFusion the pattern is a regular expression that may match anywhere.
        Expr::SimilarTo { .. } => {
            Err(SqlError::unsupported("SIMILAR TO is not supported", "Use LIKE, or ~ with a regular expression."))
        }
        Expr::Function(Function { over: Some(WindowType::WindowSpec(spec)), .. }) => window_spec(spec),
        _ => Ok(()),
    }
}

/// DataFusion ignores the window that another one begins with: `OVER (w ORDER BY a)`.
fn window_spec(spec: &WindowSpec) -> Result<(), SqlError> {
    if spec.window_name.is_some() { Err(inherited_window()) } else { Ok(()) }
}

fn inherited_window() -> SqlError {
    SqlError::unsupported(
        "a window that begins with the name of another is not supported",
        "Write its PARTITION BY and ORDER BY out; OVER w alone is supported.",
    )
}
