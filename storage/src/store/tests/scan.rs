//! Reads through a scope, against a model: a map that each write changes at once.

use super::{Fixture, STATE};
use crate::{EpochScope, ObjectId, PendingCommit, Table};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;

type Model = BTreeMap<Vec<u8>, u8>;
type Write = (Vec<u8>, Option<u8>);

/// Few bytes, among them those where the next prefix is not simply one more.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0_u8, 1, 254, 255]), 0..4)
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    prop::collection::vec((key(), prop::option::weighted(0.7, any::<u8>())), 0..12)
}

fn apply(writes: &[Write], scope: &mut EpochScope, model: &mut Model) {
    for (key, value) in writes {
        match value {
            Some(value) => {
                scope.put(STATE, key, &[*value]);
                model.insert(key.clone(), *value);
            }
            None => {
                scope.delete(STATE, key);
                model.remove(key);
            }
        }
    }
}

fn check_reads(scope: &mut EpochScope, model: &Model, probes: &[Vec<u8>], after: Option<&Vec<u8>>, limit: usize) {
    let keys: Vec<&[u8]> = probes.iter().map(Vec::as_slice).collect();
    let values = scope.get_many(STATE, &keys).unwrap();
    let expected: Vec<Option<u8>> = probes.iter().map(|k| model.get(k).copied()).collect();
    assert_eq!(values.iter().map(|v| v.map(|v| v[0])).collect::<Vec<_>>(), expected);

    for prefix in probes {
        let mut seen = Vec::new();
        scope
            .scan(STATE, prefix, after.map(Vec::as_slice), &mut |key, value| {
                seen.push((key.to_vec(), value[0]));
                seen.len() < limit
            })
            .unwrap();
        let expected: Vec<(Vec<u8>, u8)> = model
            .iter()
            .filter(|(key, _)| key.starts_with(prefix) && after.is_none_or(|after| *key > after))
            .map(|(key, value)| (key.clone(), *value))
            .take(limit)
            .collect();
        assert_eq!(seen, expected, "prefix {prefix:?} after {after:?}");
    }

    let mut seen: Vec<Vec<Vec<u8>>> = vec![Vec::new(); probes.len()];
    scope
        .scan_prefixes(STATE, &keys, &mut |i, key, _| {
            seen[i].push(key.to_vec());
            seen[i].len() < limit
        })
        .unwrap();
    for (prefix, seen) in probes.iter().zip(seen) {
        let expected: Vec<Vec<u8>> = model.keys().filter(|key| key.starts_with(prefix)).take(limit).cloned().collect();
        assert_eq!(seen, expected, "prefix {prefix:?}");
    }
}

#[test]
fn a_scope_reads_like_a_map() {
    let epochs = prop::collection::vec(((writes(), writes(), writes()), any::<bool>()), 1..5);
    let probes = (prop::collection::vec(key(), 1..6), prop::option::of(key()), 1..10_usize);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    runner
        .run(&(epochs, probes), |(epochs, (probes, after, limit))| {
            let mut fixture = Fixture::new();
            // Neighbours of the table must not be seen.
            fixture.epoch(|scope| {
                scope.put(Table::State(ObjectId(STATE.object().0 - 1)), &[255, 255], b"before");
                scope.put(Table::State(ObjectId(STATE.object().0 + 1)), &[], b"after");
            });
            let mut model = Model::new();
            let mut in_flight: Option<PendingCommit> = None;
            for ((merged, dropped, own), detached) in &epochs {
                let mut given_up = fixture.committer.begin();
                let mut scope = given_up.scope();
                apply(dropped, &mut scope, &mut model.clone());
                // So that the state cache knows of what the scope writes.
                check_reads(&mut given_up.scope(), &model, &probes, after.as_ref(), limit);
                given_up.merge(scope).unwrap();
                drop(given_up);
                let mut batch = fixture.committer.begin();
                let mut scope = batch.scope();
                apply(merged, &mut scope, &mut model);
                batch.merge(scope).unwrap();
                let mut discarded = batch.scope();
                apply(dropped, &mut discarded, &mut model.clone());
                drop(discarded);
                let mut scope = batch.scope();
                apply(own, &mut scope, &mut model);
                check_reads(&mut scope, &model, &probes, after.as_ref(), limit);
                batch.merge(scope).unwrap();
                if let Some(mut pending) = in_flight.take() {
                    pending.commit().unwrap();
                }
                // The next epoch sees this one, whether it is committed or in flight.
                let mut pending = fixture.committer.detach(batch);
                if *detached {
                    in_flight = Some(pending);
                } else {
                    pending.commit().unwrap();
                }
                let mut scope = fixture.committer.begin().scope();
                check_reads(&mut scope, &model, &probes, after.as_ref(), limit);
            }
            Ok(())
        })
        .unwrap();
}
