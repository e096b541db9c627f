//! `has_table_privilege`: there is one role, which may do everything, so what is told is whether the relation and the
//! privilege exist.

use super::{Answer, int, text};
use crate::coordinator::Coordinator;
use crate::serve::engine::pg_catalog::{DATABASE, all_indexes, oid};
use crate::serve::engine::system;
use attune_sql::catalog::Catalog;
use attune_sql::{SqlError, SqlState};

/// The privileges on tables. RULE is none any more, but may be asked for.
const PRIVILEGES: [&str; 8] = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "RULE"];
const SCHEMAS: [&str; 3] = ["public", "pg_catalog", "information_schema"];

/// `has_table_privilege([user,] table, privilege)`, the table by its name or oid.
pub(super) fn has_table_privilege(
    coordinator: &Coordinator,
    catalog: &Catalog,
    arguments: &[Option<String>],
) -> Answer {
    if arguments.iter().any(Option::is_none) {
        return Answer::Null;
    }
    let arguments = match arguments.len() {
        3 => &arguments[1..],
        _ => arguments,
    };
    let (Some(table), Some(privileges)) = (text(arguments, 0), text(arguments, 1)) else { return Answer::Null };
    let answer = match int(arguments, 0) {
        // Of an oid the privilege is looked at first.
        Some(wanted) => is_any(&privileges).map(|any| exists(catalog, wanted).then_some(any)),
        None => check_exists(coordinator, catalog, &table).and_then(|()| is_any(&privileges)).map(Some),
    };
    match answer {
        Ok(Some(any)) => Answer::Bool(any),
        Ok(None) => Answer::Null,
        Err(error) => Answer::Failed(error),
    }
}

/// Whether any of the privileges listed is one; an error if one is no privilege.
fn is_any(privileges: &str) -> Result<bool, SqlError> {
    let mut any = false;
    for privilege in privileges.split(',').map(str::trim) {
        let upper = privilege.to_ascii_uppercase();
        let name = upper.strip_suffix(" WITH GRANT OPTION").unwrap_or(&upper);
        if !PRIVILEGES.contains(&name) {
            let message = format!("unrecognized privilege type: \"{privilege}\"");
            return Err(SqlError::new(SqlState::InvalidParameterValue, message));
        }
        any |= name != "RULE";
    }
    Ok(any)
}

/// Whether there is a relation or index of an oid.
fn exists(catalog: &Catalog, wanted: i64) -> bool {
    catalog.relations().any(|relation| oid(relation.id) == wanted)
        || all_indexes(catalog).iter().any(|index| index.oid == wanted)
}

fn check_exists(coordinator: &Coordinator, catalog: &Catalog, written: &str) -> Result<(), SqlError> {
    let parts = identifiers(written).ok_or_else(|| SqlError::new(SqlState::SyntaxError, "invalid name syntax"))?;
    let known = |schema: Option<&str>, name: &str| system::source(schema, name, coordinator).is_some();
    let own = |name: &str| catalog.find(name).is_some() || all_indexes(catalog).iter().any(|index| index.name == name);
    let found = match parts.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [name] => own(name) || known(None, name),
        [schema, name] | [DATABASE, schema, name] => {
            if !SCHEMAS.contains(schema) {
                let message = format!("schema \"{schema}\" does not exist");
                return Err(SqlError::new(SqlState::InvalidSchemaName, message));
            }
            // The relations of the server itself are found without a schema, and shown in this one.
            if *schema == "public" { own(name) || known(None, name) } else { known(Some(*schema), name) }
        }
        [_, _, _] => {
            let message = format!("cross-database references are not implemented: \"{written}\"");
            return Err(SqlError::unsupported(message, "There is one database; leave its name out."));
        }
        _ => {
            let message = format!("improper relation name (too many dotted names): {}", parts.join("."));
            return Err(SqlError::new(SqlState::SyntaxError, message));
        }
    };
    match found {
        true => Ok(()),
        false => {
            let message = format!("relation \"{}\" does not exist", parts.join("."));
            Err(SqlError::new(SqlState::UndefinedTable, message))
        }
    }
}

/// The identifiers of a name with points: in lower case, those in double quotes as they are. `None` if it is no name.
fn identifiers(written: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = written.trim();
    loop {
        let part = if let Some(quoted) = rest.strip_prefix('"') {
            let (part, behind) = unquoted(quoted)?;
            rest = behind;
            part
        } else {
            let end = rest.find(|c: char| c == '.' || c.is_whitespace()).unwrap_or(rest.len());
            let (part, behind) = rest.split_at(end);
            rest = behind;
            part.to_ascii_lowercase()
        };
        if part.is_empty() {
            return None;
        }
        parts.push(part);
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(parts);
        }
        rest = rest.strip_prefix('.')?.trim_start();
    }
}

/// The text up to the closing quote, `""` being a quote in it, and what is behind.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, behind) = rest.split_once('"')?;
        part.push_str(before);
        match behind.strip_prefix('"') {
            Some(more) => {
                part.push('"');
                rest = more;
            }
            None => return Some((part, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 answers its superuser.
    #[test]
    fn privileges_are_known() {
        for list in ["select", "SELECT, insert", "select with grant option", " Trigger ,rule"] {
            assert_eq!(is_any(list), Ok(true), "{list}");
        }
        assert_eq!(is_any("rule"), Ok(false));
        for (list, unknown) in
            [("selec", "selec"), ("", ""), ("select,", ""), ("select  with grant option", "select  with grant option")]
        {
            let error = is_any(list).unwrap_err();
            assert_eq!(error.state, SqlState::InvalidParameterValue);
            assert_eq!(error.message, format!("unrecognized privilege type: \"{unknown}\""));
        }
    }

    #[test]
    fn names_are_taken_apart() {
        let parts = |written: &str| identifiers(written).map(|parts| parts.join("|"));
        assert_eq!(parts("Foo").as_deref(), Some("foo"));
        assert_eq!(parts(" Public . \"A.\"\"b\" ").as_deref(), Some("public|A.\"b"));
        for wrong in ["", "a.", ".a", "a b", "\"a", "\"\"", "\"a\"b"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
