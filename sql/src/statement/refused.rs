//! Statements of Postgres and of other streaming databases that Attune does not have, and what to do instead.

use super::cursor::Cursor;
use crate::SqlError;

/// Beginning of the statement, what to do instead.
const REFUSED: &[(&[&str], &str)] = &[
    (&["SUBSCRIBE"], "Read the view again when needed: it is current with every commit."),
    (&["CREATE", "SINK"], "Read the materialized view with SELECT or COPY (SELECT ...) TO STDOUT."),
    (&["CREATE", "CONNECTION"], "Write events with INSERT or COPY."),
    (&["CREATE", "SECRET"], "Write events with INSERT or COPY."),
    (&["CREATE", "FUNCTION"], "Make a view, or send the query itself."),
    (&["CREATE", "PROCEDURE"], "Send the statements themselves."),
    (&["CREATE", "AGGREGATE"], "docs/sql.md lists the aggregates Attune has."),
    (&["CREATE", "TYPE"], "docs/sql.md lists the types Attune has."),
    (&["CREATE", "DOMAIN"], "Use the underlying type."),
    (&["CREATE", "SEQUENCE"], "Let the application give the number."),
    (&["CREATE", "SCHEMA"], "There is one schema, \"public\"."),
    (&["CREATE", "DATABASE"], "A server has one database; start another one with its own data directory."),
    (&["CREATE", "EXTENSION"], "Functions are built in; docs/sql.md lists them."),
    (&["CREATE", "TRIGGER"], "Make a materialized view: it follows every change."),
    (&["CREATE", "RULE"], "Make a view."),
    (&["CREATE", "POLICY"], "Restrict access where the connection is made."),
    (&["CREATE", "ROLE"], "Restrict access where the connection is made."),
    (&["CREATE", "USER"], "Restrict access where the connection is made."),
    (&["CREATE", "UNIQUE", "INDEX"], "Declare a PRIMARY KEY for uniqueness; CREATE INDEX for lookups."),
    (&["ALTER", "SYSTEM"], "Use the configuration file, ATTUNE_ variables or flags."),
    (&["ALTER"], "Create a new object, and drop the old one when nobody reads it."),
    (&["GRANT"], "Restrict access where the connection is made."),
    (&["REVOKE"], "Restrict access where the connection is made."),
    (&["SAVEPOINT"], "Use one transaction per unit of work."),
    (&["RELEASE"], "Use one transaction per unit of work."),
    (&["DECLARE"], "Use LIMIT, or a portal with a row limit in the extended protocol."),
    (&["FETCH"], "Use LIMIT, or a portal with a row limit in the extended protocol."),
    (&["MOVE"], "Use LIMIT, or a portal with a row limit in the extended protocol."),
    (&["CLOSE"], "Use LIMIT, or a portal with a row limit in the extended protocol."),
    (&["TRUNCATE"], "Use DELETE FROM for a table; DROP and CREATE for a stream."),
    (&["MERGE"], "Use INSERT ... ON CONFLICT."),
    (&["LOCK"], "A transaction that writes is one epoch; no lock is needed for consistency."),
    (&["LISTEN"], "Read the view again when needed: it is current with every commit."),
    (&["NOTIFY"], "Insert into a stream."),
    (&["COMMENT"], "Keep comments beside the SQL files."),
    (&["CALL"], "Send the statements themselves."),
    (&["DO"], "Send the statements themselves."),
    (&["REINDEX"], "Indexes are maintained with every commit; DROP and CREATE the index."),
    (&["CLUSTER"], "Rows are stored in key order; CREATE INDEX for another order."),
    (&["REFRESH", "MATERIALIZED", "VIEW"], "Leave it out: a materialized view is current with every commit."),
    (&["RECOVER"], "Recovery happens when the server starts."),
    (&["KILL"], "Cancel the query from its client."),
    (&["DESCRIBE"], "Use \\d in psql or information_schema.columns."),
    (&["DESC"], "Use \\d in psql or information_schema.columns."),
    (&["USE"], "A server has one database."),
    (&["IMPORT"], "Use COPY ... FROM STDIN."),
    (&["LOAD"], "Functions are built in; docs/sql.md lists them."),
    (&["REASSIGN"], "Restrict access where the connection is made."),
    (&["SECURITY"], "Restrict access where the connection is made."),
    (&["PREPARE", "TRANSACTION"], "Two-phase commit is not supported; use COMMIT."),
];

/// Refuses a statement of the list.
pub(super) fn check(c: &Cursor<'_>) -> Result<(), SqlError> {
    for (words, instead) in REFUSED {
        if c.sees(words) {
            return Err(
                SqlError::unsupported(format!("{} is not supported", words.join(" ")), *instead).at(c.position())
            );
        }
    }
    Ok(())
}
