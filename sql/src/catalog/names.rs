//! Which names objects may have.

use crate::{SqlError, SqlState};

/// Names that begin with this are Attune's own: hidden columns (`_attune_row_id`).
pub const HIDDEN_PREFIX: &str = "_attune_";

/// Longest name in bytes, as in Postgres (which cuts longer ones; Attune refuses them, since a cut name is a surprise).
pub const MAX_NAME_BYTES: usize = 63;

/// Most columns of a relation, as in Postgres.
pub const MAX_COLUMNS: usize = 1600;

/// System views are called `attune_...`, catalogs of Postgres `pg_...`; a relation of that name would hide one.
const RESERVED_RELATIONS: [&str; 2] = ["attune_", "pg_"];

/// Checks the name of a new relation or index (`what` is "relation", ...) or of a column (`what` is "column").
///
/// # Errors
/// 42622 too long, 42939 reserved, 42601 empty.
pub fn check_name(what: &str, name: &str) -> Result<(), SqlError> {
    if name.is_empty() {
        return Err(SqlError::new(SqlState::SyntaxError, "zero-length delimited identifier"));
    }
    if name.contains('\0') {
        return Err(SqlError::new(SqlState::CharacterNotInRepertoire, format!("{what} name contains a zero byte")));
    }
    if name.len() > MAX_NAME_BYTES {
        let message = format!("{what} name \"{name}\" is longer than {MAX_NAME_BYTES} bytes");
        return Err(SqlError::new(SqlState::NameTooLong, message).with_hint("Choose a shorter name."));
    }
    let reserved = if what == "column" { &[][..] } else { &RESERVED_RELATIONS[..] };
    for prefix in reserved.iter().copied().chain([HIDDEN_PREFIX]) {
        if name.starts_with(prefix) {
            let message = format!("{what} name \"{name}\" is reserved");
            return Err(SqlError::new(SqlState::ReservedName, message)
                .with_detail(format!("Names that begin with \"{prefix}\" are used by Attune itself."))
                .with_hint("Choose another name."));
        }
    }
    Ok(())
}
