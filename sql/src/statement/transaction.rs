//! BEGIN, COMMIT, ROLLBACK.

use super::Statement;
use super::cursor::Cursor;
use crate::SqlError;
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    if c.takes(&["START"]) {
        c.expect(&["TRANSACTION"])?;
        modes(c)?;
        return Ok(Statement::Begin);
    }
    if c.takes(&["BEGIN"]) {
        c.takes_one_of(&["WORK", "TRANSACTION"]);
        modes(c)?;
        return Ok(Statement::Begin);
    }
    let commit = c.takes_one_of(&["COMMIT", "END"]).is_some();
    if !commit {
        c.takes_one_of(&["ROLLBACK", "ABORT"]);
    }
    if c.sees(&["PREPARED"]) {
        return Err(
            SqlError::unsupported("two-phase commit is not supported", "Use COMMIT or ROLLBACK.").at(c.position())
        );
    }
    c.takes_one_of(&["WORK", "TRANSACTION"]);
    if c.sees(&["TO"]) {
        return Err(SqlError::unsupported("savepoints are not supported", "Use one transaction per unit of work.")
            .at(c.position()));
    }
    if c.sees(&["AND", "CHAIN"]) {
        return Err(SqlError::unsupported("AND CHAIN is not supported", "Send BEGIN afterwards.").at(c.position()));
    }
    c.takes(&["AND", "NO", "CHAIN"]);
    Ok(if commit { Statement::Commit } else { Statement::Rollback })
}

/// Transaction modes, accepted and not needed: a transaction that writes is one epoch, which is as strict as SERIALIZABLE.
pub(super) fn modes(c: &mut Cursor<'_>) -> Result<(), SqlError> {
    while !c.at_end() {
        if c.takes(&["ISOLATION", "LEVEL"]) {
            let known = c.takes(&["SERIALIZABLE"])
                || c.takes(&["REPEATABLE", "READ"])
                || c.takes(&["READ", "COMMITTED"])
                || c.takes(&["READ", "UNCOMMITTED"]);
            if !known {
                return Err(c.unexpected());
            }
        } else if !(c.takes(&["READ", "ONLY"])
            || c.takes(&["READ", "WRITE"])
            || c.takes(&["DEFERRABLE"])
            || c.takes(&["NOT", "DEFERRABLE"]))
        {
            return Err(c.unexpected());
        }
        c.takes_token(&Token::Comma);
    }
    Ok(())
}
