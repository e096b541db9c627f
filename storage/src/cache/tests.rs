//! Unit and concurrency tests of the cache.

use super::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::thread;

const A: ObjectId = ObjectId(1);
const B: ObjectId = ObjectId(2);

fn value(text: &str) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn get_insert_replace_remove() {
    let cache = HotCache::new(1 << 20);
    assert_eq!(cache.get(A, b"k"), None);
    cache.insert(A, b"k", value("one"));
    cache.insert(B, b"k", None);
    assert_eq!(cache.get(A, b"k"), Some(value("one")));
    assert_eq!(cache.get(B, b"k"), Some(None));
    cache.insert(A, b"k", value("twelve"));
    assert_eq!(cache.get(A, b"k"), Some(value("twelve")));
    assert_eq!(cache.bytes(), 2 * ENTRY_OVERHEAD + 2 + 6);
    assert_eq!((cache.hits(), cache.misses()), (3, 1));
    cache.remove(A, b"k");
    cache.remove(A, b"never there");
    assert_eq!(cache.get(A, b"k"), None);
    assert_eq!(cache.bytes(), ENTRY_OVERHEAD + 1);
}

#[test]
fn insert_if_asks_under_the_lock() {
    let cache = HotCache::new(1 << 20);
    cache.insert_if(A, b"k", value("stale"), || false);
    assert_eq!(cache.get(A, b"k"), None);
    let hash = cache.hash(A, b"k");
    cache.insert_if(A, b"k", value("fresh"), || cache.shard(hash).entries.try_read().is_none());
    assert_eq!(cache.get(A, b"k"), Some(value("fresh")));
}

#[test]
fn remove_object_and_clear() {
    let cache = HotCache::new(1 << 20);
    for i in 0..100u32 {
        cache.insert(A, &i.to_be_bytes(), None);
        cache.insert(B, &i.to_be_bytes(), None);
    }
    cache.remove_object(A);
    assert_eq!((cache.len(), cache.bytes()), (100, 100 * (ENTRY_OVERHEAD + 4)));
    assert_eq!(cache.get(A, &7u32.to_be_bytes()), None);
    assert_eq!(cache.get(B, &7u32.to_be_bytes()), Some(None));
    cache.clear();
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn budget_zero_disables() {
    let cache = HotCache::new(0);
    cache.insert(A, b"k", None);
    cache.remove(A, b"k");
    assert_eq!(cache.get(A, b"k"), None);
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn a_value_too_large_removes_the_old_one() {
    let cache = HotCache::new(SHARDS * 4096);
    let large = Some(Bytes::from(vec![0; 1000]));
    cache.insert(A, b"k", value("old"));
    cache.insert(A, b"k", large);
    assert_eq!(cache.get(A, b"k"), None);
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn bytes_stay_within_the_budget() {
    let budget = 1 << 20;
    let cache = HotCache::new(budget);
    let mut random = StdRng::seed_from_u64(1);
    for i in 0..50_000u32 {
        cache.insert(A, &i.to_be_bytes(), Some(Bytes::from(vec![1; random.random_range(0..400)])));
        if i % 1000 == 0 {
            assert!(cache.bytes() <= budget);
        }
    }
    assert!(cache.bytes() <= budget && cache.bytes() > budget * 9 / 10, "{}", cache.bytes());
    let entries = cache.shards.iter().map(|s| s.entries.read().table.iter().map(Entry::bytes).sum::<usize>());
    assert_eq!(cache.bytes(), entries.sum::<usize>());
}

#[test]
fn what_is_read_survives_what_is_not() {
    let cache = HotCache::new(1 << 20);
    let hot: Vec<_> = (0..500u32).map(|i| i.to_be_bytes()).collect();
    hot.iter().for_each(|key| cache.insert(A, key, value("hot")));
    for cold in 0..20_000u32 {
        cache.insert(B, &cold.to_be_bytes(), value("cold"));
        if cold % 500 == 0 {
            hot.iter().for_each(|key| drop(cache.get(A, key)));
        }
    }
    let kept = hot.iter().filter(|key| cache.get(A, *key).is_some()).count();
    assert!(kept > 490, "{kept} of 500 hot entries are left");
}

#[test]
fn same_as_a_map_when_nothing_is_evicted() {
    let cache = HotCache::new(64 << 20);
    let mut model: HashMap<(ObjectId, Vec<u8>), Option<Bytes>> = HashMap::new();
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..20_000 {
        let object = ObjectId(random.random_range(0..3));
        let key = random.random_range(0..500u32).to_string().into_bytes();
        let new = (random.random_range(0..4) > 0).then(|| Bytes::from(random.random_range(0..1u32 << 30).to_string()));
        match random.random_range(0..6) {
            0 => {
                cache.remove(object, &key);
                model.remove(&(object, key));
            }
            1 | 2 => {
                cache.insert(object, &key, new.clone());
                model.insert((object, key), new);
            }
            _ => assert_eq!(cache.get(object, &key), model.get(&(object, key)).cloned()),
        }
    }
    assert_eq!(cache.len(), model.len());
    let bytes: usize = model.iter().map(|((_, key), value)| entry_bytes(key, value.as_ref())).sum();
    assert_eq!(cache.bytes(), bytes);
}

/// Threads read, fill and evict while a committer publishes versions in order: a reader never sees a version older than
/// the one that was published and written through before it began.
#[test]
fn concurrent_fills_never_bring_back_an_old_version() {
    const KEYS: u32 = 1000;
    const VERSIONS: usize = 1000;
    const BUDGET: usize = SHARDS * 1200; // about half of the keys fit
    let cache = HotCache::new(BUDGET);
    let start = Barrier::new(5);
    let published = AtomicUsize::new(0); // the epoch: also the value of every key in the pretended store
    let written = AtomicUsize::new(0); // the epoch whose write-through is complete
    thread::scope(|scope| {
        for seed in 0..4 {
            let (cache, published, written, start) = (&cache, &published, &written, &start);
            scope.spawn(move || {
                let mut random = StdRng::seed_from_u64(seed);
                start.wait();
                for round in 0.. {
                    if round >= 10_000 && written.load(Ordering::SeqCst) == VERSIONS {
                        break;
                    }
                    let key = random.random_range(0..KEYS).to_be_bytes();
                    let least = written.load(Ordering::SeqCst);
                    if let Some(Some(found)) = cache.get(A, &key) {
                        let found: usize = std::str::from_utf8(&found).unwrap().parse().unwrap();
                        assert!(found >= least, "read version {found} after {least} was complete");
                    }
                    let version = published.load(Ordering::SeqCst);
                    let fill = Some(Bytes::from(version.to_string()));
                    cache.insert_if(A, &key, fill, || published.load(Ordering::SeqCst) == version);
                }
            });
        }
        start.wait();
        for version in 1..=VERSIONS {
            published.store(version, Ordering::SeqCst);
            for key in 0..KEYS {
                if cache.remove(A, &key.to_be_bytes()) {
                    cache.insert(A, &key.to_be_bytes(), Some(Bytes::from(version.to_string())));
                }
            }
            written.store(version, Ordering::SeqCst);
        }
    });
    assert!(cache.hits() > 0 && cache.misses() > 0);
    let entries = cache.shards.iter().map(|s| s.entries.read().table.iter().map(Entry::bytes).sum::<usize>());
    assert_eq!(cache.bytes(), entries.sum::<usize>());
    assert!(cache.bytes() <= BUDGET);
}
