//! Sorting keys by what can be compared without looking at them.

/// The first bytes of a key as a number that compares as they do. A shorter key is filled up with zeros, so that it is not
/// greater than the keys it is a prefix of.
///
/// Sixteen of them: a key begins with its vnode, and then has nine bytes for an integer, of which small ones differ in the last only.
pub(crate) type Head = u128;

const HEAD_BYTES: usize = size_of::<Head>();

pub(crate) fn head(key: &[u8]) -> Head {
    let mut first = [0; HEAD_BYTES];
    let taken = key.len().min(HEAD_BYTES);
    first[..taken].copy_from_slice(&key[..taken]);
    Head::from_be_bytes(first)
}

/// The numbers of keys, from 0 on, in the order of the keys. Most of them are told apart by their `heads`, which lie side by side; for
/// the others `key` is asked, which waits for memory.
pub(crate) fn in_key_order<'a>(heads: impl Iterator<Item = Head>, key: impl Fn(u32) -> &'a [u8]) -> Vec<u32> {
    let mut order: Vec<(Head, u32)> = heads.zip(0u32..).collect();
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(key(b.1))));
    order.into_iter().map(|(_, number)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Also where keys are equal in their heads, or one is another with zeros after it.
        #[test]
        fn keys_are_sorted_as_bytes_are(
            keys in prop::collection::vec(prop::collection::vec(0u8..2, 0..2 * HEAD_BYTES), 0..200),
        ) {
            let order = in_key_order(keys.iter().map(|key| head(key)), |number| &keys[number as usize]);
            let mut sorted = keys.clone();
            sorted.sort();
            let in_order: Vec<_> = order.iter().map(|number| keys[*number as usize].clone()).collect();
            prop_assert_eq!(in_order, sorted);
        }
    }
}
