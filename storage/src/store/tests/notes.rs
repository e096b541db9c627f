//! Notes: what belongs to an epoch like a write, and is kept in memory only.

use super::{Fixture, STATE, small};
use crate::{EpochScope, StoreOptions};

fn noted(scope: &EpochScope, key: &[u8]) -> Option<Vec<u8>> {
    scope.noted(STATE.object(), &[key]).get(0).map(<[u8]>::to_vec)
}

fn note(scope: &mut EpochScope, key: &[u8], value: &[u8]) {
    scope.note(STATE.object(), key, Some(value));
}

#[test]
fn a_note_takes_the_way_of_a_write() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| {
        assert_eq!(noted(scope, b"k"), None);
        note(scope, b"k", b"own");
        assert_eq!(noted(scope, b"k").as_deref(), Some(&b"own"[..]));
    });
    let mut batch = fixture.committer.begin();
    let mut failed = batch.scope();
    note(&mut failed, b"k", b"wrong");
    drop(failed);
    let mut merged = batch.scope();
    assert_eq!(noted(&merged, b"k").as_deref(), Some(&b"own"[..]), "of the epoch before, without what was dropped");
    note(&mut merged, b"k", b"merged");
    batch.merge(merged).unwrap();
    assert_eq!(noted(&batch.scope(), b"k").as_deref(), Some(&b"merged"[..]));
    let mut pending = fixture.committer.detach(batch);
    assert_eq!(noted(&fixture.committer.begin().scope(), b"k").as_deref(), Some(&b"merged"[..]), "in flight");
    pending.commit().unwrap();
    fixture.epoch(|scope| {
        assert_eq!(noted(scope, b"k").as_deref(), Some(&b"merged"[..]));
        scope.note(STATE.object(), b"k", None);
        assert_eq!(noted(scope, b"k"), None, "forgotten");
    });
    fixture.epoch(|scope| assert_eq!(noted(scope, b"k"), None));
}

#[test]
fn a_note_is_not_an_entry_and_not_on_disk() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| {
        note(scope, b"k", b"note");
        assert_eq!((scope.get(STATE, b"k").unwrap(), scope.bytes()), (None, 0));
        scope.put(STATE, b"k", b"entry");
        assert_eq!(noted(scope, b"k").as_deref(), Some(&b"note"[..]));
    });
    let mut fixture = fixture.reopen();
    fixture.epoch(|scope| assert_eq!(noted(scope, b"k"), None));
}

#[test]
fn notes_go_with_their_table() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| note(scope, b"k", b"note"));
    let mut batch = fixture.committer.begin();
    batch.drop_objects([STATE]);
    assert_eq!(noted(&batch.scope(), b"k"), None);
    fixture.committer.commit(batch).unwrap();
    assert_eq!(noted(&fixture.committer.begin().scope(), b"k"), None);
}

#[test]
fn notes_of_an_epoch_are_bounded() {
    let mut fixture = Fixture::with(&StoreOptions { state_cache_bytes: 8 << 10, ..small() });
    fixture.epoch(|scope| {
        note(scope, b"a", &[1; 600]);
        note(scope, b"b", &[1; 600]);
        assert!(noted(scope, b"a").is_some() && noted(scope, b"b").is_none(), "1 KB is the room");
    });
}
