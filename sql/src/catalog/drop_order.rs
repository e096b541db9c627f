//! What DROP removes.

use super::{Catalog, RelationId};
use crate::{SqlError, SqlState};
use std::collections::BTreeSet;

impl Catalog {
    /// What DROP of these relations removes: the relations and, with `cascade`, all that depends on them, dependents
    /// first. Without `cascade`, dependents are an error (2BP01) whose detail lists them.
    ///
    /// # Errors
    /// 2BP01 as said.
    pub fn drop_order(&self, targets: &[RelationId], cascade: bool) -> Result<Vec<RelationId>, SqlError> {
        let targets: BTreeSet<RelationId> = targets.iter().copied().collect();
        let mut all = targets.clone();
        let mut open: Vec<RelationId> = targets.iter().copied().collect();
        // "x depends on y" for everything outside the targets, in the order of ids below.
        let mut facts = BTreeSet::new();
        while let Some(id) = open.pop() {
            for dependent in self.dependents(id) {
                if !targets.contains(&dependent.id) {
                    facts.insert((dependent.id, id));
                }
                if all.insert(dependent.id) {
                    open.push(dependent.id);
                }
            }
        }
        if !cascade && !facts.is_empty() {
            return Err(self.still_needed(&targets, &facts));
        }
        // A dependent has a higher id than what it depends on, so falling ids are a valid order.
        Ok(all.into_iter().rev().collect())
    }

    fn still_needed(&self, targets: &BTreeSet<RelationId>, facts: &BTreeSet<(RelationId, RelationId)>) -> SqlError {
        let named = |id: &RelationId| match self.get(*id) {
            Some(relation) => format!("{} {}", relation.kind_name(), relation.name),
            None => format!("relation {}", id.0),
        };
        let subject = match targets.iter().collect::<Vec<_>>()[..] {
            [one] => named(one),
            _ => "desired objects".to_owned(),
        };
        let message = format!(
            "cannot drop {subject} because other objects depend on {}",
            if targets.len() == 1 { "it" } else { "them" }
        );
        let detail: Vec<String> =
            facts.iter().map(|(d, on)| format!("{} depends on {}", named(d), named(on))).collect();
        SqlError::new(SqlState::DependentObjectsStillExist, message)
            .with_detail(detail.join("\n"))
            .with_hint("Use DROP ... CASCADE to drop the dependent objects too.")
    }
}
