//! Unit and concurrency tests of the cache.

use super::*;
use crate::entry::Entry;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::AtomicUsize;
use std::thread;

const A: ObjectId = ObjectId(1);
const B: ObjectId = ObjectId(2);

fn value(text: &str) -> Option<&[u8]> {
    Some(text.as_bytes())
}

fn known(text: &str) -> Option<Option<Vec<u8>>> {
    Some(Some(text.as_bytes().to_vec()))
}

/// The cached entry, as both ways of reading have it.
fn get(cache: &HotCache, object: ObjectId, key: &[u8]) -> Option<Option<Vec<u8>>> {
    let single = cache.get(object, key).map(|value| value.map(Vec::from));
    let mut many = None;
    cache.get_each(object, &[key], |_, value| many = value.map(|value| value.map(<[u8]>::to_vec)));
    assert_eq!(single, many);
    single
}

#[test]
fn get_insert_replace_remove() {
    let cache = HotCache::new(1 << 20);
    assert_eq!(get(&cache, A, b"k"), None);
    cache.insert(A, b"k", value("one"));
    cache.insert(B, b"k", None);
    assert_eq!(get(&cache, A, b"k"), known("one"));
    assert_eq!(get(&cache, B, b"k"), Some(None));
    cache.insert(A, b"k", value("twelve"));
    assert_eq!(get(&cache, A, b"k"), known("twelve"));
    assert_eq!(cache.bytes(), entry_bytes(b"k", value("twelve")) + entry_bytes(b"k", None));
    assert_eq!((cache.hits(), cache.misses()), (6, 2));
    cache.remove(A, b"k");
    cache.remove(A, b"never there");
    assert_eq!(get(&cache, A, b"k"), None);
    assert_eq!(cache.bytes(), entry_bytes(b"k", None));
}

#[test]
fn insert_if_asks_under_the_lock() {
    let cache = HotCache::new(1 << 20);
    cache.insert_if(A, b"k", value("stale"), || false);
    assert_eq!(get(&cache, A, b"k"), None);
    let hash = cache.hash(A, b"k");
    cache.insert_if(A, b"k", value("fresh"), || cache.shard(hash).entries.try_read().is_none());
    assert_eq!(get(&cache, A, b"k"), known("fresh"));
}

#[test]
fn remove_object_and_clear() {
    let cache = HotCache::new(1 << 20);
    for i in 0..100u32 {
        cache.insert(A, &i.to_be_bytes(), None);
        cache.insert(B, &i.to_be_bytes(), None);
    }
    cache.remove_object(A);
    assert_eq!((cache.len(), cache.bytes()), (100, 100 * entry_bytes(&[0; 4], None)));
    assert_eq!(get(&cache, A, &7u32.to_be_bytes()), None);
    assert_eq!(get(&cache, B, &7u32.to_be_bytes()), Some(None));
    cache.clear();
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn budget_zero_disables() {
    let cache = HotCache::new(0);
    cache.insert(A, b"k", None);
    cache.remove(A, b"k");
    assert_eq!(get(&cache, A, b"k"), None);
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[test]
fn a_value_too_large_removes_the_old_one() {
    let cache = HotCache::new(SHARDS * 4096);
    let large = Some(&[0; 1000][..]);
    cache.insert(A, b"k", value("old"));
    cache.insert(A, b"k", large);
    assert_eq!(get(&cache, A, b"k"), None);
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn bytes_stay_within_the_budget() {
    let budget = 1 << 20;
    let cache = HotCache::new(budget);
    let mut random = StdRng::seed_from_u64(1);
    for i in 0..50_000u32 {
        cache.insert(A, &i.to_be_bytes(), Some(&[1; 400][..random.random_range(0..400)]));
        if i % 1000 == 0 {
            assert!(cache.bytes() <= budget);
        }
    }
    assert!(cache.bytes() <= budget && cache.bytes() > budget * 9 / 10, "{}", cache.bytes());
    let entries = cache.shards.iter().map(|s| s.entries.read().table().iter().map(Entry::bytes).sum::<usize>());
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
            hot.iter().for_each(|key| drop(get(&cache, A, key)));
        }
    }
    let kept = hot.iter().filter(|key| get(&cache, A, *key).is_some()).count();
    assert!(kept > 490, "{kept} of 500 hot entries are left");
}

#[test]
fn same_as_a_map_when_nothing_is_evicted() {
    let cache = HotCache::new(64 << 20);
    let mut model: HashMap<(ObjectId, Vec<u8>), Option<Vec<u8>>> = HashMap::new();
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..20_000 {
        let object = ObjectId(random.random_range(0..3));
        let key = random.random_range(0..500u32).to_string().into_bytes();
        let new = (random.random_range(0..4) > 0).then(|| random.random_range(0..1u32 << 30).to_string().into_bytes());
        match random.random_range(0..6) {
            0 => {
                cache.remove(object, &key);
                model.remove(&(object, key));
            }
            1 | 2 => {
                cache.insert(object, &key, new.as_deref());
                model.insert((object, key), new);
            }
            _ => assert_eq!(get(&cache, object, &key), model.get(&(object, key)).cloned()),
        }
    }
    assert_eq!(cache.len(), model.len());
    let entries = cache.shards.iter().map(|s| s.entries.read().table().iter().map(Entry::bytes).sum::<usize>());
    assert_eq!(cache.bytes(), entries.sum::<usize>());
    let least: usize = model.iter().map(|((_, key), value)| entry_bytes(key, value.as_deref())).sum();
    assert!(cache.bytes() >= least, "shorter values leave room");
}

/// Threads read, fill and evict while a committer publishes versions in order: a reader never sees a version older than
/// the one that was published and written through before it began.
#[test]
fn concurrent_fills_never_bring_back_an_old_version() {
    const KEYS: u32 = 1000;
    const VERSIONS: usize = 1000;
    const BUDGET: usize = SHARDS * 600; // about half of the keys fit
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
                    let fill = version.to_string();
                    cache.insert_if(A, &key, Some(fill.as_bytes()), || published.load(Ordering::SeqCst) == version);
                }
            });
        }
        start.wait();
        for version in 1..=VERSIONS {
            published.store(version, Ordering::SeqCst);
            for key in 0..KEYS {
                if cache.remove(A, &key.to_be_bytes()) {
                    cache.insert(A, &key.to_be_bytes(), Some(version.to_string().as_bytes()));
                }
            }
            written.store(version, Ordering::SeqCst);
        }
    });
    assert!(cache.hits() > 0 && cache.misses() > 0);
    let entries = cache.shards.iter().map(|s| s.entries.read().table().iter().map(Entry::bytes).sum::<usize>());
    assert_eq!(cache.bytes(), entries.sum::<usize>());
    assert!(cache.bytes() <= BUDGET);
}

#[test]
fn many_are_read_as_one_by_one() {
    let cache = HotCache::new(1 << 20);
    let keys: Vec<_> = (0..3 * WARM_KEYS as u32 + 7).map(u32::to_be_bytes).collect();
    for (number, key) in keys.iter().enumerate() {
        match number % 3 {
            0 => cache.insert(A, key, Some(&[1, key[3]])),
            1 => cache.insert(A, key, None),
            _ => cache.insert(B, key, Some(b"another object")),
        }
    }
    // Some more than once.
    let asked: Vec<&[u8]> = keys.iter().chain(&keys[..9]).map(|key| &key[..]).collect();
    let mut numbers = Vec::new();
    cache.get_each(A, &asked, |number, value| {
        numbers.push(number);
        let expected: Option<Option<&[u8]>> = match number % keys.len() % 3 {
            0 => Some(Some(&[1, asked[number][3]])),
            1 => Some(None),
            _ => None,
        };
        assert_eq!(value, expected, "{number}");
    });
    assert_eq!(numbers, (0..asked.len()).collect::<Vec<_>>());
    assert_eq!(cache.hits() + cache.misses(), asked.len() as u64);
    cache.get_each(A, &[], |_, _| panic!("no key was asked for"));
}
