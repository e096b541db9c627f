//! Opening, refusing to open, recovery, checkpoints.

use super::{Fixture, ROWS, STATE, listing, small};
use crate::{Epoch, FORMAT_VERSION, StorageError, Store, Table, TableReader};
use std::fs;

#[test]
fn a_reopened_store_has_every_committed_epoch_and_nothing_else() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.store.published(), Epoch(0));
    fixture.epoch(|scope| scope.put(ROWS, b"a", b"1"));
    let mut batch = fixture.committer.begin();
    batch.put_meta("catalog/1", Some(b"{}".to_vec()));
    let mut scope = batch.scope();
    scope.put(STATE, b"s", b"2");
    batch.merge(scope).unwrap();
    fixture.committer.commit(batch).unwrap();
    let mut lost = fixture.committer.begin();
    lost.put_meta("catalog/2", Some(b"{}".to_vec()));
    drop(lost);

    let fixture = fixture.reopen();
    assert_eq!(fixture.store.published(), Epoch(2));
    assert_eq!(fixture.store.snapshot().epoch().unwrap(), Epoch(2));
    assert_eq!(fixture.committer.begin().epoch(), Epoch(3));
    let mut scope = fixture.committer.begin().scope();
    assert_eq!(scope.get(ROWS, b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(scope.get(STATE, b"s").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(scope.get(ROWS, b"s").unwrap(), None);
    assert_eq!(fixture.store.meta("catalog/1").unwrap().as_deref(), Some(&b"{}"[..]));
    assert_eq!(fixture.store.meta("catalog/2").unwrap(), None);
}

#[test]
fn a_store_is_opened_once() {
    let fixture = Fixture::new();
    let again = Store::open(fixture.dir.path(), &small()).map(|_| ());
    assert!(matches!(again, Err(StorageError::InUse { .. })), "{again:?}");
    // A snapshot keeps the store open as well.
    let snapshot = fixture.store.snapshot();
    let Fixture { store, committer, dir } = fixture;
    drop((store, committer));
    assert!(matches!(Store::open(dir.path(), &small()).map(|_| ()), Err(StorageError::InUse { .. })));
    drop(snapshot);
    Store::open(dir.path(), &small()).unwrap();
}

#[test]
fn a_newer_format_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("FORMAT"), format!("attune data format {}\n", FORMAT_VERSION + 1)).unwrap();
    let refused = Store::open(dir.path(), &small()).map(|_| ());
    let Err(StorageError::NewerFormat { found, supported, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((found, supported), (FORMAT_VERSION + 1, FORMAT_VERSION));
    assert_eq!(listing(dir.path()), ["FORMAT"]);
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let foreign = dir.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("photo.jpg"), b"x").unwrap();
    let file = dir.path().join("file");
    fs::write(&file, b"x").unwrap();
    let garbled = dir.path().join("garbled");
    fs::create_dir(&garbled).unwrap();
    fs::write(garbled.join("FORMAT"), b"attune data format one\n").unwrap();
    let inside_file = file.join("data");
    for (path, says) in [
        (&foreign, "no attune data directory"),
        (&file, "not a directory"),
        (&inside_file, "not a directory"),
        (&garbled, "known format version"),
    ] {
        let refused = Store::open(path, &small()).map(|_| ());
        let Err(StorageError::Unusable { reason, .. }) = refused else { panic!("{path:?}: {refused:?}") };
        assert!(reason.contains(says), "{path:?}: {reason}");
    }
    assert_eq!(listing(&foreign), ["photo.jpg"]);
    assert_eq!(listing(&garbled), ["FORMAT"]);
}

#[test]
fn a_start_that_was_cut_short_can_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("FORMAT.partial"), b"attu").unwrap();
    fs::write(dir.path().join("LOCK"), b"").unwrap();
    Store::open(dir.path(), &small()).unwrap();
    assert_eq!(fs::read_to_string(dir.path().join("FORMAT")).unwrap(), "attune data format 1\n");
}

#[test]
fn damage_to_the_database_is_reported_not_repaired_silently() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| scope.put(ROWS, b"a", b"1"));
    let Fixture { store, committer, dir } = fixture;
    drop((store, committer));
    fs::write(dir.path().join("db/CURRENT"), b"garbage").unwrap();
    let refused = Store::open(dir.path(), &small()).map(|_| ());
    assert!(matches!(refused, Err(StorageError::Unusable { .. })), "{refused:?}");
}

#[test]
fn a_checkpoint_is_a_store_of_its_own() {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| scope.put(ROWS, b"a", b"1"));
    let copy = fixture.dir.path().join("copy");
    fixture.store.checkpoint(&copy).unwrap();
    fixture.epoch(|scope| scope.put(ROWS, b"a", b"2"));

    let (copied, _committer) = Store::open(&copy, &small()).unwrap();
    assert_eq!(copied.published(), Epoch(1));
    assert_eq!(TableReader::new(copied, ROWS.object()).point(b"a").unwrap().as_deref(), Some(&b"1"[..]));
    let again = fixture.store.checkpoint(&copy);
    assert!(matches!(again, Err(StorageError::Unusable { .. })), "{again:?}");
}

#[test]
fn bytes_of_an_object_are_known_before_and_after_a_restart() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.store.approximate_bytes(ROWS).unwrap(), 0);
    // Values that do not compress, so that bytes on disk resemble bytes written.
    let mut noise = 1_u64;
    fixture.epoch(|scope| {
        for i in 0..2_000_u32 {
            let value: Vec<u8> = std::iter::repeat_with(|| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (noise >> 56) as u8
            })
            .take(100)
            .collect();
            scope.put(ROWS, &i.to_be_bytes(), &value);
        }
    });
    let fresh = fixture.store.approximate_bytes(ROWS).unwrap();
    assert!((100_000..400_000).contains(&fresh), "{fresh}");
    assert_eq!(fixture.store.approximate_bytes(Table::Rows(crate::ObjectId(8))).unwrap(), 0);
    let fixture = fixture.reopen();
    let after = fixture.store.approximate_bytes(ROWS).unwrap();
    assert!((100_000..400_000).contains(&after), "{after}");
}

#[test]
fn rocksdb_takes_the_settings_that_are_given_as_text() {
    let fixture = Fixture::new();
    let database = fixture.dir.path().join("db");
    let written = listing(&database).into_iter().rfind(|name| name.starts_with("OPTIONS-")).unwrap();
    let written = fs::read_to_string(database.join(written)).unwrap();
    let families = written.matches("[CFOptions ").count();
    for setting in
        ["memtable_insert_with_hint_prefix_extractor=rocksdb.FixedPrefix.0", "memtable_batch_lookup_optimization=true"]
    {
        // RocksDB's own family, without a key in it, has the defaults.
        assert_eq!(written.matches(setting).count(), families - 1, "{setting}");
    }
}
