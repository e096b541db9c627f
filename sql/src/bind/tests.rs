//! Names, scopes and clauses: what a query is bound to.
