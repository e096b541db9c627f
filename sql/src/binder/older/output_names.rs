//! Names of output columns in DataFusion's plans.
//!
//! DataFusion would call `count(*)` so, and refuses two columns of one name. So expressions get Postgres' name as an alias,
//! and names that repeat get a mark and a number behind, which is taken off where names are shown. A marked name cannot be referred
//! to, as an ambiguous name cannot in Postgres.

use crate::SqlError;
use crate::binder::output_names::{NO_NAME, expr_name};
use crate::statement::fold;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Select, SelectItem, Value};

/// Between a name that repeats and its number (U+001F, unit separator).
const MARK: char = '\u{1f}';

/// A name as it is shown.
pub(super) fn strip(name: &str) -> &str {
    name.split_once(MARK).map_or(name, |(name, _)| name)
}

/// Takes marks out of an error's texts.
pub(super) fn clean(mut error: SqlError) -> SqlError {
    let without = |text: &str| {
        let mut parts = text.split(MARK);
        let mut clean = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            clean.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        clean
    };
    if error.message.contains(MARK) {
        error.message = without(&error.message);
    }
    error.hint = error.hint.map(|h| without(&h));
    error.detail = error.detail.map(|d| without(&d));
    error
}

/// Which names get a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Names {
    /// Those that repeat among the items written.
    AsWritten,
    /// Also all that are given beside a wildcard.
    BesideWildcardsMarked,
}

/// Gives the items of a select list the names Postgres gives them.
pub(super) fn give_aliases(select: &mut Select, marked: Names) {
    let names: Vec<Option<String>> = select.projection.iter().map(item_name).collect();
    let all = marked == Names::BesideWildcardsMarked && names.iter().any(Option::is_none);
    for (index, item) in select.projection.iter_mut().enumerate() {
        let Some(name) = &names[index] else { continue };
        let repeats = all || names.iter().filter(|n| n.as_ref() == Some(name)).count() > 1;
        let shown = if repeats { format!("{name}{MARK}{}", index + 1) } else { name.clone() };
        match item {
            // A column keeps its name (and its table) unless it repeats.
            SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) if !repeats => {}
            SelectItem::UnnamedExpr(expr) => {
                let alias = Ident::with_quote('"', shown);
                let expr = std::mem::replace(expr, Expr::value(Value::Null));
                *item = SelectItem::ExprWithAlias { expr, alias };
            }
            SelectItem::ExprWithAlias { alias, .. } if repeats => *alias = Ident::with_quote('"', shown),
            _ => {}
        }
    }
}

/// Whether one of these names (of ORDER BY) is given in a select list.
pub(super) fn any_given(select: &Select, names: &[String]) -> bool {
    select.projection.iter().filter_map(item_name).any(|given| names.iter().any(|n| n.eq_ignore_ascii_case(&given)))
}

/// `None` for wildcards.
fn item_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(expr) => Some(expr_name(expr).map_or_else(|| NO_NAME.to_owned(), |(name, _)| name)),
        _ => None,
    }
}
