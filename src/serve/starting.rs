//! Connections that have not become sessions yet: as many as `max_starting_connections`. One more closes the oldest of
//! them, so that sockets which never say what they want keep nobody out: a client that is about to start is young.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// All starting connections, by age.
pub(super) struct Starting {
    most: usize,
    places: Mutex<Places>,
}

#[derive(Default)]
struct Places {
    next: u64,
    taken: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one starting connection; free again when it is dropped.
pub(super) struct Place {
    starting: Arc<Starting>,
    number: u64,
    closed: Arc<Notify>,
}

impl Starting {
    /// Room for `most` of them.
    pub(super) fn new(most: usize) -> Arc<Starting> {
        Arc::new(Starting { most, places: Mutex::default() })
    }

    /// Takes a place; the oldest connection loses its own when all are taken.
    pub(super) fn enter(self: &Arc<Starting>) -> Place {
        let mut places = self.places.lock();
        while places.taken.len() >= self.most.max(1)
            && let Some((_, oldest)) = places.taken.pop_first()
        {
            oldest.notify_one();
        }
        let number = places.next;
        places.next += 1;
        let closed = Arc::new(Notify::new());
        places.taken.insert(number, closed.clone());
        Place { starting: self.clone(), number, closed }
    }
}

impl Place {
    /// Returns when the connection has to make room.
    pub(super) async fn lost(&self) {
        self.closed.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.starting.places.lock().taken.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn is_lost(place: &Place) -> bool {
        place.lost().now_or_never().is_some()
    }

    #[test]
    fn the_oldest_makes_room() {
        let starting = Starting::new(2);
        let (first, second) = (starting.enter(), starting.enter());
        assert!(!is_lost(&first));
        let third = starting.enter();
        assert!(is_lost(&first) && !is_lost(&second) && !is_lost(&third));
        // A place that was left is free.
        drop(third);
        let fourth = starting.enter();
        assert!(!is_lost(&second) && !is_lost(&fourth));
        drop(first);
        let _fifth = starting.enter();
        assert!(is_lost(&second) && !is_lost(&fourth));
    }
}
