//! Damaged bytes give an error or some value, never a panic.

use super::sample::{batch, schema, table};
use crate::codec::{KeyCodec, RowCodec, Value, split_state};
use crate::{ColumnType, KeyColumn, StorageError};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Ways to damage bytes.
#[derive(Clone, Debug)]
enum Damage {
    Truncate(Index),
    Set(Index, u8),
    Insert(Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = prop_oneof![select(vec![0u8, 1, 2, 0x7f, 0x80, 0xff]), any::<u8>()];
    prop_oneof![
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
    ]
}

fn apply(damages: &[Damage], bytes: &mut Vec<u8>) {
    for damage in damages {
        match damage {
            Damage::Truncate(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Damage::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Set(..) => {}
            Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
        }
    }
}

/// Reads bytes in every way there is; the only error allowed is [`StorageError::Corrupt`].
fn read_row(codec: &RowCodec, bytes: &[u8]) {
    let check = |error: StorageError| assert!(matches!(error, StorageError::Corrupt(_)), "{error:?}");
    for column in 0..codec.types().len() {
        let _ = codec.column(bytes, column).map_err(check);
    }
    let _ = codec.decode([bytes].into_iter(), &schema(codec.types()), None).map_err(check);
    let _ = split_state(bytes).map_err(check);
}

fn read_key(codec: &KeyCodec, bytes: &[u8]) {
    let check = |error: StorageError| assert!(matches!(error, StorageError::Corrupt(_)), "{error:?}");
    for columns in 0..=codec.columns().len() {
        if let Ok(length) = codec.prefix_len(bytes, columns).map_err(check) {
            assert!(length <= bytes.len());
        }
    }
    let _ = codec.decode([bytes].into_iter()).map_err(check);
}

fn key_codec(columns: &[ColumnType], flags: [(bool, bool); 7]) -> KeyCodec {
    let key = |(column, ty): (usize, &ColumnType)| {
        (*ty, KeyColumn { column, descending: flags[column].0, nulls_first: flags[column].1 })
    };
    KeyCodec::new(columns.iter().enumerate().map(key).collect(), 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_bytes((columns, _) in table(0), flags in any::<[(bool, bool); 7]>(), bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let codec = RowCodec::new(columns.clone());
        read_row(&codec, &bytes);
        read_row(&codec, &[&[1], bytes.as_slice()].concat());
        read_row(&codec, &[&[2, 1, 0, 0, 0], bytes.as_slice()].concat());
        read_key(&key_codec(&columns, flags), &bytes);
    }

    #[test]
    fn damaged_rows((columns, rows) in table(4), damages in prop::collection::vec(damage(), 1..4)) {
        let codec = RowCodec::new(columns.clone());
        for row in codec.encode_batch(&batch(&columns, &rows)).unwrap().iter() {
            let mut bytes = row.to_vec();
            apply(&damages, &mut bytes);
            read_row(&codec, &bytes);
        }
    }

    #[test]
    fn damaged_keys((columns, rows) in table(4), flags in any::<[(bool, bool); 7]>(), damages in prop::collection::vec(damage(), 1..4)) {
        let codec = key_codec(&columns, flags);
        for key in codec.encode_batch(&batch(&columns, &rows)).unwrap().iter() {
            let mut bytes = key.to_vec();
            apply(&damages, &mut bytes);
            read_key(&codec, &bytes);
        }
    }

    /// A row or key that is cut short or too long is always noticed.
    #[test]
    fn a_wrong_length_is_noticed((columns, rows) in table(4), flags in any::<[(bool, bool); 7]>(), cut in any::<Index>()) {
        let (codec, keys) = (RowCodec::new(columns.clone()), key_codec(&columns, flags));
        let batch = batch(&columns, &rows);
        for row in codec.encode_batch(&batch).unwrap().iter() {
            for wrong in [&row[..cut.index(row.len())], &[row, &[0]].concat()] {
                prop_assert!(matches!(codec.decode([wrong].into_iter(), &schema(&columns), None), Err(StorageError::Corrupt(_))));
                prop_assert!((0..columns.len()).all(|c| matches!(codec.column(wrong, c), Err(StorageError::Corrupt(_)))));
            }
        }
        for key in keys.encode_batch(&batch).unwrap().iter() {
            for wrong in [&key[..cut.index(key.len())], &[key, &[0]].concat()] {
                prop_assert!(matches!(keys.decode([wrong].into_iter()), Err(StorageError::Corrupt(_))));
            }
        }
    }
}

#[test]
fn each_kind_of_damage_has_its_message() {
    let message = |error: StorageError| error.to_string();
    let row = RowCodec::new(vec![ColumnType::Boolean, ColumnType::Text]);
    let good = [1, 0, 1, 1, 0, 0, 0, b'a'];
    assert_eq!(row.column(&good, 1).unwrap(), Some(Value::Text("a")));
    for (at, byte, expected) in [
        (0, 2, "the state of a row is cut short: 8 bytes"),
        (0, 3, "row version 3, this build reads 1"),
        (2, 7, "boolean byte 7 in a row"),
        (3, 9, "a row of 8 bytes does not have the lengths it states"),
        (7, 0xff, "text in a row is not UTF-8: invalid utf-8 sequence of 1 bytes from index 0"),
    ] {
        let mut bad = good;
        bad[at] = byte;
        let error = row.decode([bad.as_slice()].into_iter(), &schema(row.types()), None).unwrap_err();
        assert_eq!(message(error), format!("stored bytes are damaged: {expected}"));
    }
    let of = |ty| KeyCodec::new(vec![(ty, KeyColumn::ascending(0))], 1);
    let decode = |ty, bytes: &[u8]| message(of(ty).decode([bytes].into_iter()).unwrap_err());
    assert_eq!(decode(ColumnType::Text, &[]), "stored bytes are damaged: an empty key");
    assert_eq!(decode(ColumnType::Text, &[0, 1, b'a']), "stored bytes are damaged: a key ends within a column");
    assert_eq!(decode(ColumnType::Text, &[0, 1, 0, 7]), "stored bytes are damaged: escape 7 in a text key column");
    assert_eq!(decode(ColumnType::Text, &[0, 0]), "stored bytes are damaged: marker [0] of a text key column");
    assert_eq!(decode(ColumnType::Boolean, &[0, 1, 3]), "stored bytes are damaged: boolean byte 3 in a key");
    assert_eq!(
        decode(ColumnType::Boolean, &[0, 1, 1, 1]),
        "stored bytes are damaged: 1 bytes after the last key column"
    );
    let interval = [&[0, 1][..], &[0xff; 24]].concat();
    assert_eq!(
        decode(ColumnType::Interval, &interval),
        "stored bytes are damaged: an interval in a key contradicts itself"
    );
}
