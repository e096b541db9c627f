//! Types of Postgres' catalogs: `regclass` and its like, `int2vector`.
//!
//! Their values are those of a plain type, and are used as such: whatever computes with one gets the plain value
//! ([`Bind::expr`]). Only a cast, and an item of a select list, see the type itself: its text is a name. What a statement gives
//! to its client is that text.

use super::expr::Clause;
use super::resolve::{self, CastContext, Resolver};
use super::scope::Scope;
use super::{Bind, Bound, Result};
use crate::SqlError;
use crate::algebra::{CatalogType, Category, Expr, Type};
use crate::types::SqlType;
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast;

/// Columns of `pg_catalog` whose first element is number 0, and whose text has no braces.
const VECTORS: [&str; 5] = ["indkey", "indoption", "indclass", "indcollation", "proargtypes"];

/// Columns of `pg_catalog` that are the oids of functions, and are shown as their names.
const PROCEDURES: [&str; 35] = [
    "aggcombinefn",
    "aggdeserialfn",
    "aggfinalfn",
    "aggfnoid",
    "aggmfinalfn",
    "aggminvtransfn",
    "aggmtransfn",
    "aggserialfn",
    "aggtransfn",
    "amhandler",
    "amproc",
    "conproc",
    "oprcode",
    "oprjoin",
    "oprrest",
    "prosupport",
    "prsend",
    "prsheadline",
    "prslextype",
    "prsstart",
    "prstoken",
    "rngcanonical",
    "rngsubdiff",
    "tmplinit",
    "tmpllexize",
    "trffromsql",
    "trftosql",
    "typanalyze",
    "typinput",
    "typmodin",
    "typmodout",
    "typoutput",
    "typreceive",
    "typsend",
    "typsubscript",
];

impl Bind<'_> {
    /// A written cast, to or from a type of the catalogs too.
    pub(super) fn written_cast(
        &self,
        expr: &ast::Expr,
        data_type: &ast::DataType,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let value = match expr {
            // An array without elements has the type of its cast.
            ast::Expr::Array(array) if array.elem.is_empty() => self.resolver.array(Vec::new())?,
            _ => self.typed_expr(expr, scope, clause)?,
        };
        if let Some(to) = catalog_type(data_type) {
            return self.to_catalog(value, to);
        }
        let to = resolve::type_from_ast(data_type)?;
        let value = match to.category() {
            Category::String => self.catalog_text(value)?,
            _ => plain(value),
        };
        self.resolver.written_cast(value, to)
    }

    /// A number is the oid; a text is the name of what has it.
    fn to_catalog(&self, value: Expr, to: CatalogType) -> Result<Expr> {
        let ty = Type::Catalog(to);
        if value.ty() == ty {
            return Ok(value);
        }
        let value = plain(value);
        if value.is_null_constant() {
            return Ok(Expr::constant(ScalarValue::Int64(None), ty));
        }
        if value.ty().category() == Category::Numeric {
            let oid = self.resolver.coerce(value, Type::BIGINT, CastContext::Explicit)?;
            return Ok(Expr::Cast { expr: Box::new(oid), to: ty });
        }
        let text = self.resolver.coerce(value, Type::TEXT, CastContext::Explicit)?;
        let found = self.resolver.function(&format!("attune_{}", to.name()), vec![text])?;
        Ok(retyped(found, ty))
    }

    /// `t.tableoid` of a system relation: the oid of `t`.
    pub(super) fn table_oid(&self, table: &str, scope: &Scope<'_>) -> Option<Result<Expr>> {
        let relation = scope.table(table).filter(|_| self.system.get())?.relation.clone()?;
        let name = Expr::constant(ScalarValue::Utf8(Some(relation)), Type::TEXT);
        Some(self.resolver.function("attune_regclass", vec![name]))
    }

    /// The value of a type of the catalogs as text; any other as it is.
    fn catalog_text(&self, value: Expr) -> Result<Expr> {
        let Type::Catalog(catalog) = value.ty() else { return Ok(value) };
        let value = plain(value);
        if catalog == CatalogType::Expanded {
            let what = "a row is not supported as a value";
            return Err(SqlError::unsupported(what, "Select its fields: (information_schema._pg_expandarray(a)).n."));
        }
        if catalog == CatalogType::Vector {
            let space = Expr::constant(ScalarValue::Utf8(Some(" ".to_owned())), Type::TEXT);
            return self.resolver.function("array_to_string", vec![value, space]);
        }
        self.resolver.function(&format!("attune_{}_name", catalog.name()), vec![value])
    }

    /// `information_schema._pg_expandarray(array)`, and `x` or `n` of it: as JDBC asks for the columns of keys.
    pub(super) fn expanded_array(
        &self,
        call: &ast::Expr,
        field: Option<&str>,
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Option<Expr>> {
        let ast::Expr::Function(ast::Function { name, args: ast::FunctionArguments::List(list), .. }) = call else {
            return Ok(None);
        };
        let own = name.0.last().and_then(|part| part.as_ident()).is_some_and(|name| name.value == "_pg_expandarray");
        let (true, [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(arg))]) = (own, list.args.as_slice()) else {
            return Ok(None);
        };
        clause.check_rows()?;
        let array = self.expr(arg, scope, clause)?;
        let (array, element) = match field {
            Some("n") => {
                let one = Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER);
                self.resolver.rows("generate_subscripts", vec![array, one])?
            }
            _ => self.resolver.rows("unnest", vec![array])?,
        };
        let value = Resolver::elements(array, element);
        let is_row = field.is_none() && element == SqlType::SmallInt;
        Ok(Some(if is_row { retyped(value, Type::Catalog(CatalogType::Expanded)) } else { value }))
    }

    /// The result of a statement: types of the catalogs are texts, and arrays of the catalogs are.
    pub(super) fn shown(&self, bound: Bound) -> Result<Bound> {
        let system = self.system.get();
        let is_shown = |ty: Type| match ty {
            Type::Catalog(_) => false,
            Type::Array(_) => !system,
            _ => true,
        };
        if bound.columns.iter().all(|(_, column)| is_shown(column.ty)) {
            return Ok(bound);
        }
        let mut exprs = Vec::with_capacity(bound.columns.len());
        let mut columns = Vec::with_capacity(bound.columns.len());
        for (name, column) in bound.columns {
            let expr = match column.ty {
                Type::Catalog(_) => self.catalog_text(Expr::Column(column))?,
                Type::Array(_) if system => self.resolver.cast(Expr::Column(column), Type::TEXT)?,
                _ => Expr::Column(column),
            };
            let column = self.column_of(&name, &expr);
            columns.push((name, column.clone()));
            exprs.push((column, expr));
        }
        let rel = bound.rel.project(super::set::distinct_columns(exprs));
        Ok(Bound { rel, columns, unknown: bound.unknown })
    }

    /// The query's rows with plain values: of a subquery that is a value.
    pub(super) fn plain_columns(&self, bound: Bound) -> Bound {
        if !bound.columns.iter().any(|(_, column)| matches!(column.ty, Type::Catalog(_))) {
            return bound;
        }
        let mut exprs = Vec::with_capacity(bound.columns.len());
        let mut columns = Vec::with_capacity(bound.columns.len());
        for (name, column) in bound.columns {
            let expr = plain(Expr::Column(column));
            let column = self.column_of(&name, &expr);
            columns.push((name, column.clone()));
            exprs.push((column, expr));
        }
        let rel = bound.rel.project(super::set::distinct_columns(exprs));
        Bound { rel, columns, unknown: bound.unknown }
    }
}

/// The value in the plain type. A cast stays as it is written: it may be what is grouped by.
pub(super) fn plain(expr: Expr) -> Expr {
    let Type::Catalog(catalog) = expr.ty() else { return expr };
    let base = catalog.base();
    match expr {
        call @ Expr::Call { .. } | call @ Expr::Constant { .. } => retyped(call, base),
        other => Expr::Cast { expr: Box::new(other), to: base },
    }
}

/// The same values under another type.
fn retyped(mut expr: Expr, to: Type) -> Expr {
    match &mut expr {
        Expr::Call { ty, .. } | Expr::Constant { ty, .. } => *ty = to,
        _ => {}
    }
    expr
}

/// The type of the catalogs that a name means.
fn catalog_type(data_type: &ast::DataType) -> Option<CatalogType> {
    let name = match data_type {
        ast::DataType::Regclass => return Some(CatalogType::Class),
        ast::DataType::Custom(name, _) => name.to_string().to_ascii_lowercase(),
        _ => return None,
    };
    Some(match name.trim_start_matches("pg_catalog.") {
        "regclass" => CatalogType::Class,
        "regtype" => CatalogType::Type,
        "regnamespace" => CatalogType::Namespace,
        "regrole" => CatalogType::Role,
        "regproc" | "regprocedure" | "regoper" | "regoperator" => CatalogType::Procedure,
        _ => return None,
    })
}

/// The type of a column of a system relation.
pub(super) fn column_type(name: &str, ty: Type) -> Type {
    match ty {
        Type::Array(SqlType::SmallInt) if VECTORS.contains(&name) => Type::Catalog(CatalogType::Vector),
        Type::BIGINT if PROCEDURES.contains(&name) => Type::Catalog(CatalogType::Procedure),
        _ => ty,
    }
}

/// Refuses an order of texts that is not the one there is.
pub(super) fn check_collation(name: &ast::ObjectName) -> std::result::Result<(), SqlError> {
    let own = name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_ascii_lowercase());
    match own.as_deref() {
        Some("default" | "c" | "posix" | "ucs_basic") => Ok(()),
        _ => Err(SqlError::unsupported(
            format!("COLLATE {name} is not supported"),
            "Leave it out: texts are ordered by their bytes, as with COLLATE \"C\".",
        )),
    }
}
