//! `attune_settings`: settings that SET takes, with their defaults (SHOW ALL has the values of the session).

use super::{Rows, SystemRelation};
use crate::coordinator::Coordinator;
use crate::serve::engine::{Settings, settings};
use attune_sql::types::SqlType::Text;

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_settings",
    columns: &[("name", Text), ("default", Text), ("description", Text)],
    rows,
};

fn rows(_: &Coordinator) -> Rows {
    let rows = settings::rows(&Settings::default());
    Ok(rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect())
}
