//! Epochs: what scopes see, what they leave behind, and limits.

use super::super::keyspace::full_key;
use super::super::steps::{EVICTING, IDLE, PUBLISHING, WRITING};
use super::{Fixture, ROWS, STATE, small};
use crate::{Epoch, EpochBatch, EpochScope, ObjectId, StorageError, StoreOptions, Table, TableReader};

fn get(scope: &mut EpochScope, table: Table, key: &[u8]) -> Option<Vec<u8>> {
    let one = scope.get(table, key).unwrap();
    let many = scope.get_many(table, &[key, b"never written", key]).unwrap();
    assert_eq!(many.iter().collect::<Vec<_>>(), [one.as_deref(), None, one.as_deref()]);
    one.map(|value| value.to_vec())
}

#[test]
fn scopes_are_sent_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<EpochScope>();
    is_send::<EpochBatch>();
    is_send::<crate::Committer>();
    is_send::<crate::Snapshot>();
}

#[test]
fn a_scope_sees_itself_then_the_epoch_then_what_is_committed() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| {
        for key in [b"a", b"b", b"c", b"d"] {
            scope.put(STATE, key, b"committed");
        }
    });
    let mut batch = fixture.committer.begin();
    let mut first = batch.scope();
    first.put(STATE, b"b", b"merged");
    first.put(STATE, b"c", b"merged");
    first.delete(STATE, b"d");
    batch.merge(first).unwrap();
    let mut second = batch.scope();
    second.put(STATE, b"c", b"own");
    assert_eq!(get(&mut second, STATE, b"a").as_deref(), Some(&b"committed"[..]));
    assert_eq!(get(&mut second, STATE, b"b").as_deref(), Some(&b"merged"[..]));
    assert_eq!(get(&mut second, STATE, b"c").as_deref(), Some(&b"own"[..]));
    assert_eq!(get(&mut second, STATE, b"d"), None);
    // The `rows` table of the same object is another table.
    assert_eq!(get(&mut second, ROWS, b"a"), None);
    assert_eq!(second.epoch(), Epoch(2));
}

#[test]
fn a_scope_that_is_not_merged_leaves_no_trace() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| scope.put(STATE, b"k", b"1"));
    let mut batch = fixture.committer.begin();
    let mut failed = batch.scope();
    assert_eq!(get(&mut failed, STATE, b"k").as_deref(), Some(&b"1"[..]));
    failed.put(STATE, b"k", b"wrong");
    failed.put(ROWS, b"k", b"wrong");
    drop(failed);
    assert!(batch.is_empty());
    let mut next = batch.scope();
    assert_eq!(get(&mut next, STATE, b"k").as_deref(), Some(&b"1"[..]));
    batch.merge(next).unwrap();
    fixture.committer.commit(batch).unwrap();
    let mut later = fixture.committer.begin().scope();
    assert_eq!(get(&mut later, STATE, b"k").as_deref(), Some(&b"1"[..]));
    assert_eq!(get(&mut later, ROWS, b"k"), None);
}

#[test]
fn a_scope_sees_what_was_merged_when_it_began() {
    let fixture = Fixture::new();
    let mut batch = fixture.committer.begin();
    let mut early = batch.scope();
    let mut other = batch.scope();
    other.put(STATE, b"k", b"1");
    batch.merge(other).unwrap();
    assert_eq!(get(&mut early, STATE, b"k"), None);
    assert_eq!(get(&mut batch.scope(), STATE, b"k").as_deref(), Some(&b"1"[..]));
}

#[test]
fn what_is_new_in_a_complete_table_is_known_to_be_absent() {
    let mut fixture = Fixture::new();
    let asked = |fixture: &Fixture, key: &[u8], expected: Option<&[u8]>| {
        let before = fixture.store.state_cache().misses();
        assert_eq!(fixture.committer.begin().scope().get(STATE, key).unwrap().as_deref(), expected);
        fixture.store.state_cache().misses() - before
    };
    assert_eq!(asked(&fixture, b"a", None), 0, "the table is empty");
    fixture.epoch(|scope| scope.put(STATE, b"a", b"1"));
    assert_eq!([asked(&fixture, b"a", Some(b"1")), asked(&fixture, b"b", None)], [0, 0]);
    fixture.epoch(|scope| scope.delete(STATE, b"a"));
    assert_eq!(asked(&fixture, b"a", None), 0);
    fixture.epoch(|scope| scope.put(STATE, b"c", b"3"));
    let fixture = fixture.reopen();
    assert_eq!([asked(&fixture, b"c", Some(b"3")), asked(&fixture, b"c", Some(b"3"))], [1, 0]);
    assert_eq!(
        [asked(&fixture, b"b", None), asked(&fixture, b"b", None)],
        [1, 1],
        "it was not empty when it was first read"
    );
}

#[test]
fn an_epoch_that_is_given_up_leaves_no_table_complete_that_is_not() {
    let mut fixture = Fixture::new();
    let get = |fixture: &Fixture, key: &[u8]| fixture.committer.begin().scope().get(STATE, key).unwrap();
    assert_eq!(get(&fixture, b"a"), None);
    fixture.epoch(|scope| scope.put(STATE, b"a", b"1"));
    let mut batch = fixture.committer.begin();
    let mut scope = batch.scope();
    scope.delete(STATE, b"a");
    batch.merge(scope).unwrap();
    assert_eq!(batch.scope().get(STATE, b"a").unwrap(), None);
    drop(batch);
    assert_eq!(get(&fixture, b"a").as_deref(), Some(&b"1"[..]));
    // Nothing is written to the table, so only that it is dropped tells that it is not empty.
    let mut batch = fixture.committer.begin();
    batch.drop_objects([STATE]);
    assert_eq!(batch.scope().get(STATE, b"a").unwrap(), None);
    drop(batch);
    assert_eq!(get(&fixture, b"a").as_deref(), Some(&b"1"[..]));
}

#[test]
fn the_caches_follow_every_commit() {
    let mut fixture = Fixture::new();
    let reader = TableReader::new(fixture.store.clone(), ROWS.object());
    for i in 0..20_u8 {
        // Absent, overwritten and deleted in turn, each time after a read that fills both caches.
        let expected = (i > 0 && i % 3 != 0).then(|| vec![i - 1]);
        let mut scope = fixture.committer.begin().scope();
        assert_eq!(get(&mut scope, STATE, b"k"), expected, "epoch {i}");
        assert_eq!(reader.point(b"k").unwrap().map(|v| v.to_vec()), expected, "epoch {i}");
        assert_eq!(reader.many(&[b"k", b"x"]).unwrap()[0].as_ref().map(|v| v.to_vec()), expected, "epoch {i}");
        fixture.epoch(|scope| {
            for table in [STATE, ROWS] {
                if i % 3 == 2 {
                    scope.delete(table, b"k");
                } else {
                    scope.put(table, b"k", &[i]);
                }
            }
        });
    }
    assert!(fixture.store.row_cache().hits() > 0 && fixture.store.state_cache().hits() > 0);
}

#[test]
fn several_keys_are_read_from_the_cache_in_every_phase_of_a_commit() {
    let mut fixture = Fixture::new();
    let keys: [&[u8]; 2] = [b"a", b"b"];
    fixture.epoch(|scope| keys.iter().for_each(|key| scope.put(ROWS, key, b"row")));
    let (store, reader) = (&fixture.store, TableReader::new(fixture.store.clone(), ROWS.object()));
    let check = |hits: u64| {
        let before = store.row_cache().hits();
        let mut calls = 0;
        let steps = store.at_one_epoch(|view| {
            calls += 1;
            view.rows(ROWS.object(), &keys).unwrap()
        });
        for rows in [reader.many(&keys).unwrap(), steps] {
            assert!(rows.iter().all(|row| row.as_deref() == Some(b"row")));
        }
        assert_eq!((store.row_cache().hits() - before, calls), (hits, 1));
    };
    check(2);
    for phase in [EVICTING, WRITING, PUBLISHING, IDLE, EVICTING] {
        store.shared.steps.enter(phase);
        check(4);
    }
}

#[test]
fn what_a_commit_publishes_meanwhile_is_read_again() {
    let mut fixture = Fixture::new();
    let keys: [&[u8]; 2] = [b"a", b"b"];
    fixture.epoch(|scope| keys.iter().for_each(|key| scope.put(ROWS, key, b"0")));
    let store = fixture.store.clone();
    for most in [1, 2, 3, 10] {
        let mut calls = 0;
        let rows = store.at_one_epoch(|view| {
            let first = view.rows(ROWS.object(), &keys[..1]).unwrap();
            if calls < most {
                calls += 1;
                fixture.epoch(|scope| keys.iter().for_each(|key| scope.put(ROWS, key, &[most, calls])));
            }
            [first, view.rows(ROWS.object(), &keys[1..]).unwrap()].concat()
        });
        assert_eq!(rows[0], rows[1], "{most}");
        // The fourth time nothing can come in between.
        assert_eq!(calls, most.min(4));
        assert_eq!(rows[0].as_deref(), Some(&[most, most.min(3)][..]));
    }
}

#[test]
fn what_a_commit_has_written_meanwhile_is_not_mixed_with_what_was_cached() {
    let [cached, stored] = [b"a", b"b"].map(|key| &key[..]);
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| [cached, stored].iter().for_each(|key| scope.put(ROWS, key, b"old")));
    let shared = &fixture.store.shared;
    assert!(shared.read_row(ROWS.object(), cached).unwrap().is_some());
    // As a commit does, which publishes long after.
    let write = || {
        shared.steps.enter(EVICTING);
        assert!(shared.rows.remove(ROWS.object(), cached));
        shared.steps.enter(WRITING);
        for key in [cached, stored] {
            let key = full_key(ROWS.object(), key);
            shared.db.put_cf(shared.family(ROWS.family()), key, b"new").unwrap();
        }
    };
    let mut calls = 0;
    let rows = fixture.store.at_one_epoch(|view| {
        calls += 1;
        let first = view.rows(ROWS.object(), &[cached]).unwrap();
        if calls == 1 {
            assert_eq!(first[0].as_deref(), Some(&b"old"[..]));
            write();
        }
        [first, view.rows(ROWS.object(), &[stored]).unwrap()].concat()
    });
    assert!(rows.iter().all(|row| row.as_deref() == Some(b"new")), "{rows:?}");
    assert_eq!(calls, 2);
}

#[test]
fn an_epoch_over_the_limit_takes_nothing() {
    let mut fixture = Fixture::with(&StoreOptions { epoch_max_bytes: 1000, ..small() });
    let mut batch = fixture.committer.begin();
    let mut fits = batch.scope();
    fits.put(STATE, b"key1", &[0; 496]);
    batch.merge(fits).unwrap();
    assert_eq!(batch.bytes(), 500);
    let mut too_much = batch.scope();
    too_much.put(STATE, b"key2", &[0; 497]);
    let refused = batch.merge(too_much);
    assert!(matches!(refused, Err(StorageError::EpochTooLarge { bytes: 1001, limit: 1000 })), "{refused:?}");
    assert_eq!(batch.bytes(), 500);
    fixture.committer.commit(batch).unwrap();
    let mut scope = fixture.committer.begin().scope();
    assert!(get(&mut scope, STATE, b"key1").is_some());
    assert_eq!(get(&mut scope, STATE, b"key2"), None);
}

#[test]
fn bytes_count_each_key_once() {
    let fixture = Fixture::new();
    let mut scope = fixture.committer.begin().scope();
    scope.put(STATE, b"k", &[0; 100]);
    scope.put(STATE, b"k", &[0; 10]);
    assert_eq!(scope.bytes(), 11);
    scope.delete(STATE, b"k");
    assert_eq!(scope.bytes(), 1);
}

#[test]
fn a_dropped_object_is_empty_at_once_and_may_be_written_anew() {
    let mut fixture = Fixture::new();
    let other = Table::Rows(ObjectId(ROWS.object().0 + 1));
    fixture.epoch(|scope| {
        for key in 0..50_u8 {
            scope.put(ROWS, &[key], b"old");
            scope.put(STATE, &[key], b"old");
            scope.put(other, &[key], b"other");
        }
    });
    let reader = TableReader::new(fixture.store.clone(), ROWS.object());
    assert!(reader.point(&[1]).unwrap().is_some());
    let mut batch = fixture.committer.begin();
    let mut before = batch.scope();
    before.put(ROWS, &[60], b"gone too");
    batch.merge(before).unwrap();
    batch.drop_objects([ROWS, STATE]);
    let mut after = batch.scope();
    let mut seen = 0;
    after
        .scan(ROWS, &[], None, &mut |_, _| {
            seen += 1;
            true
        })
        .unwrap();
    assert_eq!((seen, get(&mut after, ROWS, &[1]), get(&mut after, STATE, &[1])), (0, None, None));
    after.put(ROWS, &[2], b"new");
    batch.merge(after).unwrap();
    fixture.committer.commit(batch).unwrap();

    assert_eq!(reader.point(&[1]).unwrap(), None);
    let all = reader.range(&crate::KeyRange::all(), false, 0, 100).unwrap();
    assert_eq!(all, [&b"new"[..]]);
    let mut scope = fixture.committer.begin().scope();
    assert_eq!(get(&mut scope, STATE, &[1]), None);
    assert_eq!(get(&mut scope, other, &[1]).as_deref(), Some(&b"other"[..]));
}

#[test]
fn meta_records_are_listed_by_prefix_without_the_stores_own() {
    let mut fixture = Fixture::new();
    let mut batch = fixture.committer.begin();
    for key in ["a/1", "b/1", "b/2", "c"] {
        batch.put_meta(key, Some(key.as_bytes().to_vec()));
    }
    fixture.committer.commit(batch).unwrap();
    let mut batch = fixture.committer.begin();
    batch.put_meta("b/1", None);
    batch.put_meta("b/3", Some(Vec::new()));
    fixture.committer.commit(batch).unwrap();
    let names = |prefix: &str| -> Vec<String> {
        fixture.store.meta_scan(prefix).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names("b/"), ["b/2", "b/3"]);
    assert_eq!(names(""), ["a/1", "b/2", "b/3", "c"]);
    assert_eq!(fixture.store.meta("b/3").unwrap().as_deref(), Some(&b""[..]));
}

#[test]
fn an_epoch_that_is_given_up_leaves_no_trace() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| {
        scope.put(STATE, b"changed", b"before");
        scope.put(STATE, b"deleted", b"before");
    });
    let keys: [&[u8]; 3] = [b"changed", b"deleted", b"new"];
    let read = |scope: &mut EpochScope| keys.map(|key| get(scope, STATE, key).is_some());
    let mut batch = fixture.committer.begin();
    let mut scope = batch.scope();
    // Now the cache knows all of them.
    assert_eq!(read(&mut scope), [true, true, false]);
    scope.put(STATE, b"changed", b"given up");
    scope.delete(STATE, b"deleted");
    scope.put(STATE, b"new", b"given up");
    batch.merge(scope).unwrap();
    assert_eq!(read(&mut batch.scope()), [true, false, true]);
    drop(batch);
    let mut scope = fixture.committer.begin().scope();
    assert_eq!(read(&mut scope), [true, true, false]);
    assert_eq!(get(&mut scope, STATE, b"changed").as_deref(), Some(&b"before"[..]));
}

#[test]
fn an_epoch_in_flight_is_seen_by_the_next_and_by_nobody_else() {
    let mut fixture = Fixture::new();
    let reader = TableReader::new(fixture.store.clone(), ROWS.object());
    let gone = Table::State(ObjectId(STATE.object().0 + 1));
    fixture.epoch(|scope| {
        scope.put(gone, b"k", b"before");
        scope.put(STATE, b"k", b"before");
        scope.put(ROWS, b"k", b"before");
    });
    // The caches know the values before.
    let mut scope = fixture.committer.begin().scope();
    assert!(get(&mut scope, STATE, b"k").is_some() && reader.point(b"k").unwrap().is_some());

    let mut batch = fixture.committer.begin();
    batch.drop_objects([gone]);
    let mut scope = batch.scope();
    scope.put(STATE, b"k", b"in flight");
    scope.put(ROWS, b"k", b"in flight");
    batch.merge(scope).unwrap();
    let mut pending = fixture.committer.detach(batch);

    let mut next = fixture.committer.begin();
    assert_eq!(next.epoch(), Epoch(3));
    let check = |next: &EpochBatch| {
        let mut scope = next.scope();
        assert_eq!(get(&mut scope, STATE, b"k").as_deref(), Some(&b"in flight"[..]));
        assert_eq!(get(&mut scope, ROWS, b"k").as_deref(), Some(&b"in flight"[..]));
        assert_eq!(get(&mut scope, gone, b"k"), None);
        let mut seen = 0;
        scope
            .scan(gone, b"", None, &mut |_, _| {
                seen += 1;
                true
            })
            .unwrap();
        assert_eq!(seen, 0);
    };
    check(&next);
    assert_eq!(fixture.store.published(), Epoch(1));
    assert_eq!(reader.point(b"k").unwrap().as_deref(), Some(&b"before"[..]));

    let committed = std::thread::spawn(move || pending.commit().unwrap()).join().unwrap();
    assert_eq!((committed, fixture.store.published()), (Epoch(2), Epoch(2)));
    assert_eq!(reader.point(b"k").unwrap().as_deref(), Some(&b"in flight"[..]));
    // By an epoch that was begun before, and by one that is begun then.
    check(&next);
    check(&fixture.committer.begin());
    let mut scope = next.scope();
    scope.put(STATE, b"k", b"next");
    next.merge(scope).unwrap();
    fixture.committer.commit(next).unwrap();
    assert_eq!(get(&mut fixture.committer.begin().scope(), STATE, b"k").as_deref(), Some(&b"next"[..]));
}
