//! Whether Attune answers as PostgreSQL does: byte by byte, before anything is measured.

use super::data::Data;
use super::question::{Question, Sql};
use crate::bench::BenchError;
use crate::bench::random::Random;
use std::net::SocketAddr;

/// Answers compared per query.
const ANSWERS: u64 = 50;

/// Compares; returns how many answers were equal.
pub(super) fn compare(
    attune: SocketAddr,
    postgres: SocketAddr,
    data: &Data,
    questions: &[Question],
) -> Result<u64, BenchError> {
    for question in questions {
        let mut ours = Sql::open(attune, *question, data, true)?;
        let mut theirs = Sql::open(postgres, *question, data, true)?;
        for seed in 0..ANSWERS {
            let (mut own, mut other) = (ours.rows(&mut Random::new(seed))?, theirs.rows(&mut Random::new(seed))?);
            if *question == Question::Keys100 {
                // In no order, and a key that is drawn twice is asked for once.
                own.sort_unstable();
                other.sort_unstable();
            }
            if own.is_empty() || own != other {
                return Err(BenchError::Failed(format!(
                    "Attune and PostgreSQL answer differently ({} and {} rows): {}; {own:?}; {other:?}",
                    own.len(),
                    other.len(),
                    question.sql()
                )));
            }
        }
    }
    Ok(ANSWERS * questions.len() as u64)
}
