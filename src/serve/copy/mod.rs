//! COPY FROM STDIN and COPY TO STDOUT in Postgres' text and csv formats.

mod fields;
mod input;
mod output;
mod records;
mod rows;
#[cfg(test)]
mod tests;

use attune_sql::{SqlError, SqlState};

/// 22P04.
fn bad_format(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::BadCopyFileFormat, message)
}

/// Data of the client in an error: Postgres shows at most 100 bytes of it.
fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 100;
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().find(|(at, _)| *at >= MOST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into_owned(),
    }
}
